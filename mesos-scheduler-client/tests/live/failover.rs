//! Who a framework is, from one connection to the next.

use mesos_proto::v1::{self, TaskState};
use mesos_scheduler_client::{CloseReason, Event};
use tokio::time::timeout;

use crate::{
    scheduler::{Scheduler, accepted},
    target::{PATIENCE, Target},
};

/// The framework of a scenario, kept for a minute without a connection.
fn lasting(target: &Target, name: &str) -> v1::FrameworkInfo {
    v1::FrameworkInfo { failover_timeout: Some(60.0), ..target.framework(name) }
}

fn with_id(scheduler: &Scheduler) -> v1::FrameworkInfo {
    v1::FrameworkInfo { id: Some(scheduler.id.clone()), ..scheduler.info.clone() }
}

pub(crate) async fn a_second_instance_takes_the_framework_and_its_tasks_over(target: &Target) {
    let mut first = Scheduler::subscribe(target, "failover").await;
    let task = first.launch("launch", "stays", "sleep 1000").await;
    first.state("the task runs", &task.id, TaskState::TaskRunning).await;

    let mut second = Scheduler::subscribe_as(target, with_id(&first)).await;
    assert_eq!(second.id, first.id, "step 'take over': the id stays");
    assert_eq!(first.closed("the first instance ends").await, CloseReason::FailedOver);

    accepted("ask for all tasks", "RECONCILE", second.client.reconcile(Vec::new())).await;
    second.state("the task is still there", &task.id, TaskState::TaskRunning).await;
    second.offer("offers come to the second instance").await;
    second.teardown().await;
}

pub(crate) async fn a_framework_is_kept_while_nobody_is_connected(target: &Target) {
    let mut first = Scheduler::subscribe_as(target, lasting(target, "kept")).await;
    target.keep(&first.id);
    let task = first.launch("launch", "stays", "sleep 1000").await;
    first.state("the task runs", &task.id, TaskState::TaskRunning).await;
    first.client.close().await;
    assert_eq!(first.closed("the client closes").await, CloseReason::ClosedByUser);

    let mut second = Scheduler::subscribe_as(target, with_id(&first)).await;
    assert_eq!(second.id, first.id, "step 'come back': the id stays");
    accepted("ask for all tasks", "RECONCILE", second.client.reconcile(Vec::new())).await;
    second.state("the task is still there", &task.id, TaskState::TaskRunning).await;
    accepted("kill", "KILL", second.client.kill(task.id.clone(), Some(task.agent_id), None)).await;
    second.state("the task ends", &task.id, TaskState::TaskKilled).await;
    second.teardown().await;
}

pub(crate) async fn a_framework_that_was_torn_down_stays_removed(target: &Target) {
    let first = Scheduler::subscribe(target, "removed").await;
    let again = with_id(&first);
    first.teardown().await;
    expect_removed(target, again).await;
}

pub(crate) async fn a_framework_without_failover_timeout_goes_with_its_connection(target: &Target) {
    let mut first = Scheduler::subscribe(target, "short").await;
    let again = with_id(&first);
    // While the master has not noticed the end of the connection, the id is good; then the framework
    // is the next instance's, which goes the same way.
    first.client.close().await;
    assert_eq!(first.closed("the client closes").await, CloseReason::ClosedByUser);
    expect_removed(target, again).await;
}

async fn expect_removed(target: &Target, info: v1::FrameworkInfo) {
    let attempts = async {
        loop {
            let (client, mut events) = target.client(info.clone()).start().unwrap();
            while let Some(event) = events.next().await {
                match event {
                    Event::Closed(CloseReason::ClosedByUser) => {}
                    Event::Closed(reason) => return reason,
                    // The framework is gone when the master has noticed that nobody is connected.
                    Event::Subscribed { .. } => client.close().await,
                    // Some masters of a list may not lead or live; and offers are of no use here.
                    _ => {}
                }
            }
        }
    };
    let Ok(reason) = timeout(PATIENCE, attempts).await else {
        panic!("step 'subscribe with the old id': expected Closed(Removed) within {PATIENCE:?}");
    };
    assert!(
        matches!(&reason, CloseReason::Removed { message } if message == "Framework has been removed"),
        "step 'subscribe with the old id': expected Closed(Removed), seen: {reason:?}"
    );
}
