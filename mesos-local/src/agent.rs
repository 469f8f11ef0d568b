//! A process agent: takes commands of the master, runs tasks as processes, reports about them.

mod executor;
mod families;
pub(crate) mod files;
mod guard;
mod kin;
mod plan;
mod process;
mod runs;
mod sandbox;

use std::{ffi::OsString, sync::Arc};

use mesos_proto::v1;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use self::{
    executor::{Executor, Kill},
    runs::Runs,
};
pub(crate) use self::{families::Families, sandbox::Sandboxes};
use crate::{driver::DriverHandle, master::AgentAction, uuids::Uuids};

/// What all tasks of an agent share.
pub(crate) struct AgentContext {
    pub(crate) id: v1::AgentId,
    pub(crate) hostname: String,
    pub(crate) sandboxes: Sandboxes,
    /// Program and first arguments of the action runtime.
    pub(crate) action_runtime: Option<Vec<OsString>>,
    pub(crate) driver: DriverHandle,
    pub(crate) families: Families,
}

/// Runs until `stop` says so or its sender is gone, and ends every task before it returns.
pub(crate) async fn run(
    context: Arc<AgentContext>,
    mut actions: mpsc::UnboundedReceiver<AgentAction>,
    mut stop: watch::Receiver<bool>,
    seed: u64,
) {
    let mut agent = Agent { context, uuids: Uuids::new(seed), runs: Runs::default(), tasks: JoinSet::new() };
    loop {
        tokio::select! {
            action = actions.recv() => match action {
                Some(action) => agent.handle(action),
                None => break,
            },
            _ = stop.changed() => break,
            Some(ended) = agent.tasks.join_next(), if !agent.tasks.is_empty() => {
                if let Ok(number) = ended {
                    agent.runs.remove(number);
                }
            }
        }
    }
    agent.runs.kill_where(|_| true, &Kill::at_once());
    while agent.tasks.join_next().await.is_some() {}
}

struct Agent {
    context: Arc<AgentContext>,
    uuids: Uuids,
    runs: Runs,
    /// Each gives the number of its run.
    tasks: JoinSet<u64>,
}

impl Agent {
    fn handle(&mut self, action: AgentAction) {
        match action {
            AgentAction::Launch { framework, task } => {
                let framework_id = framework.id.clone().unwrap_or_default();
                let (number, kills) = self.runs.begin((framework_id.value, task.task_id.value.clone()));
                let executor = Executor::new(self.context.clone(), *framework, *task, self.uuids.text());
                self.tasks.spawn(async move {
                    executor.run(kills).await;
                    number
                });
            }
            AgentAction::Kill { framework_id, task_id, kill_policy } => {
                let key = (framework_id.value, task_id.value);
                self.runs.kill_where(|one| *one == key, &Kill { policy: kill_policy });
            }
            AgentAction::ShutdownFramework { framework_id } => {
                self.runs.kill_where(|key| key.0 == framework_id.value, &Kill { policy: None });
            }
            AgentAction::Shutdown => self.runs.kill_where(|_| true, &Kill::at_once()),
        }
    }
}
