//! The client against the embedded Mesos.

use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::v1::{self, offer::operation, scheduler::event::Type};
use mesos_scheduler_client::{
    CallOutcome, CloseReason, Event, Events, HttpUrl, Masters, calls,
    operator::{AgentApi, MasterApi, agent_url, agent_url_of_offer, sandbox_path},
};

use crate::peer::{builder, builder_of, expect_disconnected, info, next, within};

async fn cluster() -> Cluster {
    Cluster::start(ClusterConfig::with_agents(3)).await.unwrap()
}

/// Waits for SUBSCRIBED, skipping what came before it.
async fn framework_id(events: &mut Events) -> v1::FrameworkId {
    loop {
        if let Event::Subscribed { framework_id, .. } = next(events).await {
            return framework_id;
        }
    }
}

async fn first_offer(events: &mut Events) -> v1::Offer {
    loop {
        if let Event::Mesos(event) = next(events).await
            && let Some(offers) = event.offers
        {
            return offers.offers.into_iter().next().unwrap();
        }
    }
}

/// Launches `script` as task `t` with what the offer has.
fn launch(offer: &v1::Offer, script: &str) -> v1::scheduler::Call {
    let task = v1::TaskInfo {
        name: "t".into(),
        task_id: "t".into(),
        agent_id: offer.agent_id.clone(),
        resources: vec![v1::Resource::scalar_milli("cpus", 100), v1::Resource::scalar_milli("mem", 32_000)],
        command: Some(v1::CommandInfo { value: Some(script.into()), ..Default::default() }),
        ..v1::TaskInfo::default()
    };
    let launch = v1::offer::Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: vec![task] }),
        ..v1::offer::Operation::default()
    };
    calls::accept(vec![offer.id.clone()], vec![launch], None)
}

#[tokio::test]
async fn a_task_runs_to_its_end_and_its_output_is_read() {
    let cluster = cluster().await;
    let (client, mut events) = builder(&cluster.master_url()).start().unwrap();
    let id = framework_id(&mut events).await;
    let offer = first_offer(&mut events).await;
    let accept = launch(&offer, "echo one; echo two");
    assert_eq!(within(client.send(accept)).await, CallOutcome::Accepted);

    let mut states = Vec::new();
    while states.last() != Some(&v1::TaskState::TaskFinished) {
        let Event::Mesos(event) = next(&mut events).await else { panic!("the subscription lives") };
        let Some(update) = event.update else { continue };
        assert_eq!(event.r#type, Some(Type::Update.into()));
        states.push(update.status.state());
        let acknowledged = client.acknowledge(&update.status).expect("it comes from an executor");
        assert_eq!(within(acknowledged).await, CallOutcome::Accepted);
    }
    assert!(states.contains(&v1::TaskState::TaskRunning), "{states:?}");

    let agent = AgentApi::new(agent_url_of_offer(&offer).unwrap());
    let path = |file| sandbox_path(&id, &v1::ExecutorId::new("t"), file);
    let part = within(agent.read_file(&path("stdout"), 4, None)).await.unwrap();
    assert_eq!(part.data, "two\n");
    assert_eq!(part.size, 8);
    let error = within(agent.read_file(&path("missing"), 0, None)).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");

    let chunk = within(agent.files_read(&path("stdout"), 4, None)).await.unwrap();
    assert_eq!((chunk.offset, &chunk.data[..]), (4, &b"two\n"[..]));
    assert_eq!(within(agent.files_size(&path("stdout"))).await.unwrap(), 8);
    let error = within(agent.files_read(&path("missing"), 0, None)).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    for error in [
        within(agent.read_file(&path(""), 0, None)).await.unwrap_err(),
        within(agent.files_read(&path(""), 0, None)).await.unwrap_err(),
    ] {
        assert!(error.is_directory(), "{error}");
    }
    let files = within(agent.list_files(&path(""))).await.unwrap();
    let stdout = files.iter().find(|file| file.path.ends_with("/stdout")).unwrap();
    assert_eq!(stdout.size, Some(8));

    let master = MasterApi::new(Masters::parse(&cluster.master_url()).unwrap());
    assert!(within(master.get_master()).await.unwrap().master_info.is_some());
    let found = within(master.agent_url(&offer.agent_id)).await.unwrap();
    assert_eq!(found, agent_url_of_offer(&offer).unwrap());
    let tasks = within(master.get_tasks()).await.unwrap();
    assert!(tasks.completed_tasks.iter().any(|task| task.task_id.value == "t"), "{tasks:?}");
    let agents = within(master.get_agents()).await.unwrap().agents;
    let mut urls: Vec<_> = agents.iter().map(|agent| agent_url(agent).unwrap()).collect();
    let mut expected: Vec<HttpUrl> =
        cluster.agents().iter().map(|agent| agent.url.parse().unwrap()).collect();
    urls.sort();
    expected.sort();
    assert_eq!(urls, expected);

    assert_eq!(within(client.teardown()).await, Ok(()));
    let (_client, mut events) =
        builder_of(v1::FrameworkInfo { id: Some(id), ..info() }, &cluster.master_url()).start().unwrap();
    match next(&mut events).await {
        Event::Closed(CloseReason::Removed { message }) => assert_eq!(message, "Framework has been removed"),
        other => panic!("{other:?}"),
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_dropped_stream_is_opened_again_with_the_same_id() {
    let cluster = cluster().await;
    let timed = v1::FrameworkInfo { failover_timeout: Some(3600.0), ..info() };
    let (client, mut events) = builder_of(timed, &cluster.master_url()).start().unwrap();
    let id = framework_id(&mut events).await;
    first_offer(&mut events).await;
    for _ in 0..3 {
        cluster.drop_streams();
        expect_disconnected(&mut events).await;
        assert_eq!(framework_id(&mut events).await, id);
        let offer = first_offer(&mut events).await;
        assert_eq!(within(client.decline(vec![offer.id], None)).await, CallOutcome::Accepted);
    }
    assert_eq!(within(client.teardown()).await, Ok(()));
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_second_instance_ends_the_first_one() {
    let cluster = cluster().await;
    let timed = v1::FrameworkInfo { failover_timeout: Some(3600.0), ..info() };
    let (_first, mut first_events) = builder_of(timed.clone(), &cluster.master_url()).start().unwrap();
    let id = framework_id(&mut first_events).await;
    let again = v1::FrameworkInfo { id: Some(id.clone()), ..timed };
    let (second, mut second_events) = builder_of(again, &cluster.master_url()).start().unwrap();
    assert_eq!(framework_id(&mut second_events).await, id);
    loop {
        match next(&mut first_events).await {
            Event::Mesos(_) => {}
            other => break assert_eq!(other, Event::Closed(CloseReason::FailedOver)),
        }
    }
    assert_eq!(within(second.teardown()).await, Ok(()));
    cluster.shutdown().await;
}
