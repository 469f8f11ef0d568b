//! A process agent: takes commands of the master, runs tasks as processes, reports about them.

mod checks;
mod container_address;
mod docker;
mod executor;
mod families;
mod fetcher;
pub(crate) mod files;
mod guard;
mod health;
mod inspect;
mod kin;
mod plan;
mod probe;
mod process;
mod report;
mod runs;
mod sandbox;

use std::{collections::BTreeMap, ffi::OsString, sync::Arc};

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
    /// Programs that play images, by the names of these.
    pub(crate) images: BTreeMap<String, Vec<OsString>>,
    pub(crate) driver: DriverHandle,
    pub(crate) families: Families,
}

impl AgentContext {
    /// The variables that every process of an executor has.
    fn variables(
        &self,
        framework: &v1::FrameworkId,
        executor: &v1::ExecutorId,
    ) -> Vec<(&'static str, String)> {
        vec![
            ("MESOS_FRAMEWORK_ID", framework.value.clone()),
            ("MESOS_AGENT_ID", self.id.value.clone()),
            ("MESOS_SLAVE_ID", self.id.value.clone()),
            ("MESOS_EXECUTOR_ID", executor.value.clone()),
            ("MESOS_AGENT_HOSTNAME", self.hostname.clone()),
        ]
    }
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
                let id = task.task_id.value.clone();
                let (number, kills) = self.runs.begin((framework_id.value.clone(), id.clone()));
                let container = self.uuids.text();
                let sandbox = self.context.sandboxes.new_run(&framework_id.value, &id, &container);
                let executor = Executor::new(self.context.clone(), *framework, *task, container);
                self.tasks.spawn(async move {
                    executor.run(sandbox, kills).await;
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
