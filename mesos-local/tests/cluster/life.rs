//! The cluster itself: faults, clusters side by side, what remains of them, the transcript.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use mesos_local::{AgentConfig, AgentPorts, Cluster, ClusterConfig, ClusterError};
use mesos_proto::v1::{
    self, Ranges, TaskState,
    scheduler::{call, event},
};

use crate::{
    client::{Scheduler, command, framework, subscribe, within},
    processes,
};

#[tokio::test]
async fn cut_streams_break_and_a_scheduler_may_come_back() {
    let cluster = Cluster::start(ClusterConfig::with_agents(1)).await.unwrap();
    let info = v1::FrameworkInfo { failover_timeout: Some(60.0), ..framework() };
    let subscribe = call::Subscribe { framework_info: info.clone(), ..Default::default() };
    let mut scheduler = Scheduler::subscribe(&cluster, subscribe).await;
    scheduler.offer().await;
    cluster.drop_streams();
    let broken = within("the break", async {
        loop {
            match scheduler.try_event().await {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    });
    assert!(broken.await, "a cut stream has no proper end");
    let info = v1::FrameworkInfo { id: Some(scheduler.framework_id.clone()), ..info };
    let subscribe = call::Subscribe { framework_info: info, ..Default::default() };
    let mut again = Scheduler::subscribe(&cluster, subscribe).await;
    again.offer().await;
    assert_eq!(again.framework_id, scheduler.framework_id);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_lost_agent_takes_its_tasks_and_brings_them_back() {
    let cluster = processes::cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    scheduler.launch(&offer, command("t1", &offer, "sleep 1000")).await;
    while scheduler.update("t1").await.state() != TaskState::TaskRunning {}
    let rest = scheduler.offer().await;
    assert!(!cluster.lose_agent("nobody"));
    assert!(cluster.lose_agent("agent1"));
    let rescinded = scheduler.find(|event| Some(event.rescind?.offer_id)).await;
    assert_eq!(rescinded, rest.id);
    let lost = scheduler.update("t1").await;
    assert_eq!((lost.state(), lost.message()), (TaskState::TaskUnreachable, "health check timed out"));
    assert!(lost.unreachable_time.is_some());
    let failure = scheduler.find(|event| event.failure).await;
    assert_eq!(failure.agent_id, Some(offer.agent_id.clone()));
    assert!(cluster.return_agent("agent1"));
    let back = scheduler.update("t1").await;
    assert_eq!(
        (back.state(), back.reason()),
        (TaskState::TaskRunning, v1::task_status::Reason::AgentReregistered)
    );
    scheduler.offer().await;
    assert!(cluster.remove_agent("agent1"));
    let lost = scheduler.update("t1").await;
    assert_eq!(lost.message(), "Agent 127.0.0.1 removed: the agent unregistered");
    cluster.shutdown().await;
}

#[tokio::test]
async fn clusters_stand_side_by_side_and_offer_different_ports() {
    let (one, other) = (
        Cluster::start(ClusterConfig::with_agents(3)).await.unwrap(),
        Cluster::start(ClusterConfig::with_agents(3)).await.unwrap(),
    );
    let mut all = Ranges::default();
    let mut count = 0;
    for cluster in [&one, &other] {
        let mut scheduler = subscribe(cluster).await;
        let offers = scheduler.find(|event| event.offers).await.offers;
        assert_eq!(offers.len(), 3);
        for offer in offers {
            assert_eq!(offer.hostname, "127.0.0.1");
            let ports = offer.resources.iter().find(|resource| resource.name == "ports").unwrap();
            let ports = Ranges::from_value(ports.ranges.as_ref().unwrap());
            count += ports.numbers().count();
            all.add(&ports);
        }
    }
    assert_eq!(all.numbers().count(), count);
    assert_eq!(count, 6 * 40);
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_waits_for_nobody() {
    let cluster = processes::cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    // One is being killed, with all the time in the world; one has stopped; one does not listen.
    for (id, text) in [
        ("patient", "trap '' TERM; while :; do sleep 1014; done"),
        ("stopped", "kill -STOP $$"),
        ("stubborn", "trap '' TERM HUP INT; while :; do sleep 1015; done"),
    ] {
        let offer = scheduler.offer().await;
        scheduler.launch(&offer, command(id, &offer, text)).await;
        scheduler.update_to(id, TaskState::TaskRunning).await;
    }
    scheduler.kill("patient", Some(Duration::from_secs(3600))).await;
    scheduler.update_to("patient", TaskState::TaskKilling).await;
    // Connections that are idle, in the middle of a head, and in the middle of a body.
    let mut connections = Vec::new();
    for url in [cluster.master_url(), cluster.agents()[0].url.clone()] {
        for text in
            ["", "POST /api/v1 HTTP/1.1\r\nHost: x", "POST /api/v1 HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"]
        {
            let mut connection = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
            connection.write_all(text.as_bytes()).unwrap();
            connections.push(connection);
        }
    }
    within("the shutdown", cluster.shutdown()).await;
    for mut connection in connections {
        // Closed: reset, or ended with an answer or without.
        let _ = connection.read_to_end(&mut Vec::new());
    }
    while let Ok(Some(_)) = scheduler.try_event().await {}
}

#[tokio::test]
async fn agents_differ_by_their_attributes() {
    let cluster = Cluster::start(ClusterConfig::with_agents(4)).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offers = scheduler.find(|event| event.offers).await.offers;
    let texts: Vec<String> = offers
        .iter()
        .map(|offer| {
            let attributes = offer.attributes.iter();
            let texts = attributes.map(|one| format!("{}:{}", one.name, one.canonical_text().unwrap()));
            texts.collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(
        texts,
        [
            "host:agent1 rack:r1 zone:z1 generation:1",
            "host:agent2 rack:r2 zone:z2 generation:2",
            "host:agent3 rack:r3 zone:z1 generation:3",
            "host:agent4 rack:r1 zone:z2 generation:4",
        ]
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn the_work_directory_goes_unless_it_was_given() {
    let given = tempfile::tempdir().unwrap();
    let mut config = ClusterConfig::with_agents(1);
    config.work_dir = Some(given.path().to_owned());
    let cluster = Cluster::start(config).await.unwrap();
    let agent = given.path().join("slaves").join(&cluster.agents()[0].id);
    cluster.shutdown().await;
    assert!(agent.is_dir(), "{}", agent.display());
}

#[tokio::test]
async fn what_keeps_a_cluster_from_starting_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut config = ClusterConfig::with_agents(0);
    config.port = port;
    let error = Cluster::start(config).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on 127.0.0.1:{port}"));

    let mut config = ClusterConfig::with_agents(0);
    let mut agent = AgentConfig::new("huge");
    agent.cpus_milli = -1000;
    agent.ports = AgentPorts::Exactly(Ranges::default());
    config.agents.push(agent);
    let error = Cluster::start(config).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "agent huge was refused: Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0"
    );

    let mut config = ClusterConfig::with_agents(1);
    config.work_dir = Some("/proc/no-such-directory".into());
    let error = Cluster::start(config).await.unwrap_err();
    assert!(matches!(error, ClusterError::WorkDir { .. }), "{error:?}");
}

#[tokio::test]
async fn the_transcript_tells_everything_in_order() {
    let cluster = Cluster::start(ClusterConfig::with_agents(1)).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    scheduler.launch(&offer, command("t1", &offer, "true")).await;
    scheduler.follow("t1").await;
    let transcript = cluster.transcript();
    let said: Vec<String> = transcript
        .entries()
        .map(|entry| entry.kind())
        .filter(|kind| kind != "202" && kind != "ACKNOWLEDGE")
        .collect();
    let mut of_task = said.iter().filter(|kind| !["UPDATE", "OFFERS", "HEARTBEAT"].contains(&kind.as_str()));
    let expected = [
        "register",
        "SUBSCRIBE",
        "200",
        "SUBSCRIBED",
        "ACCEPT",
        "launch",
        "TASK_STARTING",
        "TASK_RUNNING",
        "TASK_FINISHED",
    ];
    assert!(of_task.by_ref().take(expected.len()).eq(expected.iter()), "{transcript}");
    assert_eq!(said.iter().filter(|kind| *kind == "UPDATE").count(), 3);
    let printed = transcript.to_string();
    assert_eq!(printed.lines().count(), transcript.entries().count());
    assert!(printed.contains("agent1 -> master TASK_FINISHED {"), "{printed}");
    cluster.shutdown().await;
}

#[tokio::test]
async fn heartbeats_come_at_the_interval_that_is_announced() {
    let mut config = ClusterConfig::with_agents(0);
    config.heartbeat_interval = Duration::from_millis(20);
    let cluster = Cluster::start(config).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let subscribed = scheduler.find(|event| event.subscribed).await;
    assert_eq!(subscribed.heartbeat_interval_seconds, Some(0.02));
    for _ in 0..3 {
        let kind = scheduler.event().await.unwrap().r#type();
        assert_eq!(kind, event::Type::Heartbeat);
    }
    cluster.shutdown().await;
}
