//! An agent whose tasks are entries of a table: they take no process, no file and no descriptor.

mod tasks;

use std::time::Duration;

use mesos_proto::v1;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use self::tasks::{Report, Tasks};
use crate::{driver::DriverHandle, master::AgentAction, uuids::Uuids};

/// How tasks behave that are simulated. By default they are running as soon as they are launched, and run
/// until they are killed.
///
/// ```
/// use std::time::Duration;
/// use mesos_local::SimulatedConfig;
///
/// let mut config = SimulatedConfig::default();
/// config.lifetime = Some(Duration::from_secs(60));
/// assert_eq!(config.running_after, Duration::ZERO);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimulatedConfig {
    /// From the launch to TASK_STARTING.
    pub starting_after: Duration,
    /// From TASK_STARTING to TASK_RUNNING.
    pub running_after: Duration,
    /// From TASK_RUNNING to TASK_FINISHED; `None`: a task runs until it is killed.
    pub lifetime: Option<Duration>,
    /// From KILL to TASK_KILLED. A shorter grace period ends it sooner.
    pub killed_after: Duration,
}

/// Runs until `stop` says so or its sender is gone.
pub(crate) async fn run(
    agent: v1::AgentId,
    config: SimulatedConfig,
    driver: DriverHandle,
    mut actions: mpsc::UnboundedReceiver<AgentAction>,
    mut stop: watch::Receiver<bool>,
    seed: u64,
) {
    let started = now();
    let mut tasks = Tasks::new(config, Uuids::new(seed));
    loop {
        while let Some(report) = tasks.poll_report() {
            match report {
                Report::Status(framework, status) => driver.status(&agent, &framework, *status),
                Report::ExecutorExited(framework, executor) => {
                    driver.executor_exited(&agent, &framework, &executor, 0);
                }
            }
        }
        let deadline = tasks.poll_timeout().map(|at| started + at);
        let due = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            action = actions.recv() => match action {
                Some(action) => tasks.handle_action(now() - started, action),
                None => return,
            },
            () = due => tasks.handle_timeout(now() - started),
            _ = stop.changed() => return,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "agents are shells: they live in real time")]
fn now() -> Instant {
    Instant::now()
}
