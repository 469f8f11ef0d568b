//! What the handle offers beside submitting and killing: changes, reasons, recovery, drain.

use std::{collections::BTreeSet, time::Duration};

use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::v1::TaskState;
use mesos_scheduler_client::{
    Cause, ChangeKind, Eligibility, LaunchFailure, MemoryStore, Policy, PortRequest, Recover, TaskPhase,
    TaskSpec,
};

use crate::{command, framework_on, start, stop, web};

#[tokio::test]
async fn the_death_of_a_running_task_is_told_to_whoever_listens() {
    let (cluster, framework) = start().await;
    let mut changes = framework.subscribe_changes();
    framework.submit(command("short", "exit 7")).detach();
    let mut seen = Vec::new();
    loop {
        let change = changes.next().await.unwrap();
        assert_eq!(change.task_id, "short");
        match change.kind {
            ChangeKind::Stage(stage) => seen.push(stage.to_string()),
            ChangeKind::Running(running) => seen.push(format!("RUNNING {}", running.placement.task_id)),
            ChangeKind::Ended(end) => {
                assert_eq!(end.cause(), Cause::Failed);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, ["waiting for an offer", "staging", "starting", "running", "RUNNING short"]);
    stop(cluster, framework).await;
    assert_eq!(changes.next().await, None);
}

#[tokio::test]
async fn a_task_that_waits_has_reasons_and_fails_with_them() {
    let (cluster, framework) = start().await;
    let rule = Eligibility::new(|_| Err("not this one".to_owned()));
    let spec = command("choosy", "true").eligibility(rule).launch_timeout(Duration::from_millis(500));
    let mut changes = framework.subscribe_changes();
    let submission = framework.submit(spec);
    let too_big =
        framework.submit(TaskSpec::command("big", 1_000_000, 32, "true").launch_timeout(Duration::ZERO));
    // The offers of all agents have been seen when the first failure is told.
    let failure = submission.await.unwrap_err();
    let LaunchFailure::NoCapacity { why } = &*failure else { panic!("{failure}") };
    assert!(failure.can_retry());
    assert_eq!(why.funnel().collect::<Vec<_>>(), [("'not this one'".to_owned(), why.offers_considered())]);
    assert_eq!(why.refusals().count(), 3);
    assert!(matches!(&*too_big.await.unwrap_err(), LaunchFailure::NoCapacity { .. }));
    assert_eq!(framework.why_pending("choosy").await, None);
    assert!(changes.next().await.is_some());
    stop(cluster, framework).await;
}

#[tokio::test]
async fn a_next_life_takes_over_what_runs_by_the_id_of_the_framework_alone() {
    let cluster = Cluster::start(ClusterConfig::with_agents(3)).await.unwrap();
    let store = MemoryStore::new();
    let first = framework_on(&cluster, web(), store.clone(), Policy::default());
    for id in ["a", "b", "c"] {
        let spec = command(id, "sleep 1000").port(PortRequest::any(80)).label("owner", id);
        first.submit(spec).await.unwrap();
    }
    let before = first.tasks().await;
    drop(first);

    let second = framework_on(&cluster, web(), store, Policy::default());
    let wanted: BTreeSet<String> = ["a".to_owned(), "b".to_owned()].into();
    let recovery = second.recover(Recover::Ids(wanted)).await.unwrap();
    assert_eq!(recovery.missing_agents, 0);
    let ids: Vec<&str> = recovery.tasks.iter().map(|recovered| recovered.task.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    for (recovered, before) in recovery.tasks.iter().zip(&before) {
        let (now, then) = (&recovered.task.running.placement, before.placement.as_ref().unwrap());
        assert_eq!((&now.agent_id, &now.host_ports), (&then.agent_id, &then.host_ports));
        assert_eq!((&now.hostname, &now.agent_url), (&then.hostname, &then.agent_url));
        assert_eq!(recovered.labels[0].value(), recovered.task.id);
        assert_eq!(
            (recovered.state, recovered.name.as_str()),
            (TaskState::TaskRunning, recovered.task.id.as_str())
        );
    }
    // Nobody asked for c: it is a stranger and killed. When a kill of a is through, so is that one.
    second.kill("a").await;
    assert_eq!(recovery.tasks[0].task.end().unwrap().cause(), Cause::Killed);
    let mut b = recovery.tasks[1].task.clone();
    let alive = async {
        loop {
            let text = cluster.transcript().to_string();
            if text.matches("TASK_KILLED").count() >= 2 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), alive).await.expect("c is killed");
    let phases: Vec<_> = second.tasks().await.into_iter().map(|task| (task.task_id, task.phase)).collect();
    assert_eq!(phases, [("b".to_owned(), TaskPhase::Running)]);
    second.teardown().await.unwrap();
    assert_eq!(b.ended().await.state, TaskState::TaskUnknown);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_drained_framework_waits_for_short_tasks_and_kills_long_ones() {
    let (cluster, framework) = start().await;
    let mut short = framework.submit(command("short", "sleep 0.2")).await.unwrap();
    let mut long = framework.submit(command("long", "sleep 1000")).await.unwrap();
    framework.drain(Duration::from_secs(1)).await;
    assert_eq!(short.ended().await.cause(), Cause::Finished);
    assert_eq!(long.ended().await.cause(), Cause::Killed);
    let refused = framework.submit(command("late", "true")).await.unwrap_err();
    assert!(matches!(&*refused, LaunchFailure::Draining));
    stop(cluster, framework).await;
}

#[tokio::test]
async fn a_detached_task_runs_on_and_an_end_of_the_framework_ends_the_questions() {
    let (cluster, framework) = start().await;
    framework.submit(command("detached", "sleep 1000")).detach();
    let mut changes = framework.subscribe_changes();
    while !matches!(changes.next().await.unwrap().kind, ChangeKind::Running(_)) {}
    assert_eq!(framework.tasks().await.len(), 1);
    framework.teardown().await.unwrap();
    while !matches!(changes.next().await.unwrap().kind, ChangeKind::Ended(_)) {}
    assert!(framework.tasks().await.is_empty());
    assert!(framework.recover(Recover::All).await.is_err());
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_second_submission_of_an_id_is_refused_and_its_drop_does_not_kill_the_first() {
    let (cluster, framework) = start().await;
    let first = framework.submit(command("t", "sleep 1000")).await.unwrap();
    let mut changes = framework.subscribe_changes();
    drop(framework.submit(command("t", "true")));
    let change = changes.next().await.unwrap();
    assert!(
        matches!(&change.kind, ChangeKind::LaunchFailed(why) if matches!(**why, LaunchFailure::DuplicateId))
    );
    assert_eq!(framework.tasks().await[0].phase, TaskPhase::Running);
    assert_eq!(first.end(), None);
    stop(cluster, framework).await;
}
