//! The framework over HTTP against the embedded Mesos: real processes, cut streams, lost agents.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

mod handle;

use std::{collections::BTreeSet, time::Duration};

use mesos_local::{Cluster, ClusterConfig, Executor, SimulatedConfig};
use mesos_proto::v1::{self, TaskState, framework_info::capability};
use mesos_scheduler_client::{
    ClientBuilder, Eligibility, Framework, LaunchFailure, Masters, MemoryStore, Policy, PortRequest, Stage,
    TaskSpec,
};

/// A cluster of three agents and a framework on it that survives disconnections.
async fn start() -> (Cluster, Framework) {
    start_as(web()).await
}

fn web() -> v1::FrameworkInfo {
    let capabilities = [capability::Type::PartitionAware, capability::Type::MultiRole];
    v1::FrameworkInfo {
        user: "nobody".into(),
        name: "test".into(),
        roles: vec!["web".into()],
        failover_timeout: Some(600.0),
        capabilities: capabilities
            .map(|kind| v1::framework_info::Capability { r#type: Some(kind.into()) })
            .to_vec(),
        ..v1::FrameworkInfo::default()
    }
}

async fn start_as(info: v1::FrameworkInfo) -> (Cluster, Framework) {
    let cluster = Cluster::start(ClusterConfig::with_agents(3)).await.unwrap();
    let framework = framework_on(&cluster, info, MemoryStore::new(), Policy::default());
    (cluster, framework)
}

fn framework_on(cluster: &Cluster, info: v1::FrameworkInfo, store: MemoryStore, policy: Policy) -> Framework {
    let masters = Masters::parse(&cluster.master_url()).unwrap();
    let backoff = Duration::from_millis(10);
    let builder = ClientBuilder::new(info, masters).backoff(backoff, backoff).identity(store);
    let (client, events) = builder.start().unwrap();
    Framework::start(client, events, policy)
}

fn command(id: &str, command: &str) -> TaskSpec {
    let template = v1::TaskInfo {
        name: id.to_owned(),
        command: Some(v1::CommandInfo { value: Some(command.to_owned()), ..v1::CommandInfo::default() }),
        ..v1::TaskInfo::default()
    };
    let mut spec = TaskSpec::new(id, 100, 32, template);
    spec.kill_grace_period = Duration::ZERO;
    spec
}

async fn stop(cluster: Cluster, framework: Framework) {
    framework.teardown().await.unwrap();
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_command_runs_to_its_end_and_its_end_is_told() {
    let (cluster, framework) = start().await;
    let mut good = framework.submit(command("good", "exit 0")).await.unwrap();
    let mut bad = framework.submit(command("bad", "exit 3")).await.unwrap();
    assert_eq!(good.ended().await.state, TaskState::TaskFinished);
    let end = bad.ended().await;
    assert_eq!((end.state, end.message.as_str()), (TaskState::TaskFailed, "Command exited with status 3"));
    assert_eq!(bad.end(), Some(end));
    stop(cluster, framework).await;
}

#[tokio::test]
async fn a_framework_without_capabilities_runs_tasks_as_well() {
    let info = v1::FrameworkInfo { user: "nobody".into(), name: "plain".into(), ..Default::default() };
    let (cluster, framework) = start_as(info).await;
    let mut task = framework.submit(command("plain", "exit 0")).await.unwrap();
    assert_eq!(task.ended().await.state, TaskState::TaskFinished);
    stop(cluster, framework).await;
}

#[tokio::test]
async fn a_killed_task_is_gone_and_killing_it_again_is_no_error() {
    let (cluster, framework) = start().await;
    let task = framework.submit(command("sleeper", "sleep 1000")).await.unwrap();
    assert_eq!(task.end(), None);
    framework.kill("sleeper").await;
    assert_eq!(task.end().unwrap().state, TaskState::TaskKilled);
    framework.kill("sleeper").await;
    framework.kill("never heard of").await;
    stop(cluster, framework).await;
}

#[tokio::test]
async fn a_launch_that_fails_says_why() {
    let (cluster, framework) = start().await;
    let mut spec = command("broken", "/no/such/program");
    spec.template.command.as_mut().unwrap().shell = Some(false);
    let failure = framework.submit(spec).await.unwrap_err();
    let LaunchFailure::Ended { end, placement } = &*failure else { panic!("{failure}") };
    assert_eq!(end.state, TaskState::TaskFailed);
    assert!(end.message.contains("/no/such/program"), "{failure}");
    assert!(placement.is_some());
    stop(cluster, framework).await;
}

#[tokio::test]
async fn a_dropped_submission_is_cancelled() {
    let (cluster, framework) = start().await;
    let mut spec = command("choosy", "sleep 1000");
    spec.eligibility = Some(Eligibility::new(|_| Err("not this one".to_owned())));
    let submission = framework.submit(spec.clone());
    assert_eq!(*submission.stages().borrow(), Stage::WaitingForOffer);
    drop(submission);
    // The id is free again only if the first task is gone.
    spec.eligibility = None;
    framework.submit(spec).await.unwrap();
    stop(cluster, framework).await;
}

#[tokio::test]
async fn a_task_outlives_the_loss_of_its_stream() {
    let (cluster, framework) = start().await;
    let task = framework.submit(command("sleeper", "sleep 1000")).await.unwrap();
    cluster.drop_streams();
    // Needs a new subscription, and offers of it.
    framework.submit(command("second", "sleep 1000")).await.unwrap();
    assert_eq!(task.end(), None);
    framework.kill("sleeper").await;
    assert_eq!(task.end().unwrap().state, TaskState::TaskKilled);
    stop(cluster, framework).await;
}

#[tokio::test]
async fn a_task_outlives_the_absence_of_its_agent() {
    let (cluster, framework) = start().await;
    let mut spec = command("sleeper", "sleep 1000");
    spec.eligibility = Some(Eligibility::new(|offer| {
        let host = offer.attributes.iter().find(|attribute| attribute.name == "host");
        let host = host.and_then(v1::Attribute::canonical_text).unwrap_or_default().into_owned();
        if host == "agent2" { Ok(()) } else { Err(host) }
    }));
    let task = framework.submit(spec).await.unwrap();
    assert!(cluster.lose_agent("agent2"));
    assert!(cluster.return_agent("agent2"));
    framework.kill("sleeper").await;
    assert_eq!(task.end().unwrap().state, TaskState::TaskKilled);
    stop(cluster, framework).await;
}

#[tokio::test]
async fn thirty_tasks_at_once_all_run_each_with_a_port_of_its_own() {
    let (cluster, framework) = start().await;
    let submissions: Vec<_> = (0..30)
        .map(|number| {
            let mut spec = command(&format!("task-{number}"), "sleep 1000");
            spec.ports = vec![PortRequest::any(8080)];
            framework.submit(spec)
        })
        .collect();
    let mut places = BTreeSet::new();
    for submission in submissions {
        let placement = submission.await.unwrap().running.placement;
        assert!(places.insert((placement.agent_id.value, placement.host_ports)));
    }
    assert_eq!(places.len(), 30);
    let transcript = cluster.transcript().to_string();
    stop(cluster, framework).await;
    let count = |text: &str| transcript.matches(text).count();
    assert_eq!(count("TASK_LOST") + count("TASK_DROPPED") + count("TASK_ERROR"), 0, "{transcript}");
}

#[tokio::test]
async fn a_burst_of_updates_overruns_no_queue_of_calls() {
    const TASKS: usize = 100;
    let mut config = ClusterConfig::with_agents(3);
    config.executor = Executor::Simulated(SimulatedConfig::default());
    let cluster = Cluster::start(config).await.unwrap();
    let info = v1::FrameworkInfo { user: "nobody".into(), name: "burst".into(), ..Default::default() };
    let masters = Masters::parse(&cluster.master_url()).unwrap();
    // One call that has no answer yet, and two that wait.
    let builder = ClientBuilder::new(info, masters).max_calls_in_flight(1).max_calls_waiting(2);
    let (client, events) = builder.start().unwrap();
    let framework = Framework::start(client, events, Policy::default());
    let submissions: Vec<_> = (0..TASKS)
        .map(|task| framework.submit(TaskSpec::command(format!("task-{task}"), 10, 1, "true")))
        .collect();
    for submission in submissions {
        submission.await.unwrap();
    }
    // Two updates for each task, and no more: the agent repeats those that are not acknowledged.
    let updates = cluster.transcript().entries().filter(|entry| entry.kind() == "UPDATE").count();
    assert_eq!(updates, 2 * TASKS);
    stop(cluster, framework).await;
}
