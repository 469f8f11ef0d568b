//! A process agent: takes commands of the master, runs tasks as processes, reports about them.

mod checks;
mod container_address;
mod custom_executor;
mod default_executor;
mod docker;
mod docker_options;
mod executor;
mod executors;
mod families;
mod fetcher;
pub(crate) mod files;
mod guard;
mod health;
mod inspect;
mod kin;
mod ledger;
mod plan;
mod probe;
mod process;
mod report;
mod running;
mod runs;
mod sandbox;
pub(crate) mod simulated;
mod volumes;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mesos_proto::v1::{
    self, TaskState,
    framework_info::capability,
    task_status::{Reason, Source},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use self::{
    custom_executor::CustomExecutor,
    default_executor::DefaultExecutor,
    executor::{Executor, Kill},
    runs::Runs,
};
pub(crate) use self::{
    executors::{ExecutorInput, Executors, Standing},
    families::Families,
    ledger::Ledger,
    sandbox::Sandboxes,
};
use crate::{
    driver::DriverHandle,
    master::{AgentAction, has_capability},
    uuids::Uuids,
};

/// What all tasks of an agent share.
pub(crate) struct AgentContext {
    pub(crate) id: v1::AgentId,
    /// As it registered, without its id.
    pub(crate) info: v1::AgentInfo,
    pub(crate) sandboxes: Sandboxes,
    /// Program and first arguments of the action runtime.
    pub(crate) action_runtime: Option<Vec<OsString>>,
    /// Programs that play images, by the names of these.
    pub(crate) images: BTreeMap<String, Vec<OsString>>,
    pub(crate) driver: DriverHandle,
    pub(crate) families: Families,
    pub(crate) executors: Executors,
    pub(crate) ledger: Ledger,
    /// Of statuses.
    pub(crate) uuids: Mutex<Uuids>,
}

impl AgentContext {
    /// Tells the master of a task, with a uuid and a time stamp unless its executor gave them.
    fn report(&self, framework: &v1::FrameworkId, status: v1::TaskStatus) {
        let uuid = status.uuid.clone();
        let uuid = uuid.unwrap_or_else(|| self.uuids.lock().unwrap_or_else(PoisonError::into_inner).bytes());
        let status = v1::TaskStatus {
            uuid: Some(uuid),
            timestamp: status.timestamp.or_else(|| Some(since_epoch().as_secs_f64())),
            agent_id: Some(self.id.clone()),
            ..status
        };
        self.ledger.record(framework, &status);
        self.driver.status(&self.id, framework, status);
    }

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
            ("MESOS_AGENT_HOSTNAME", self.info.hostname.clone()),
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
                if let Ok(Some(number)) = ended {
                    agent.runs.remove(number);
                }
            }
        }
    }
    agent.end_where(|_| true, true);
    while agent.tasks.join_next().await.is_some() {}
}

struct Agent {
    context: Arc<AgentContext>,
    uuids: Uuids,
    runs: Runs,
    /// Tasks, each of which gives the number of its run, and executors.
    tasks: JoinSet<Option<u64>>,
}

impl Agent {
    fn handle(&mut self, action: AgentAction) {
        match action {
            AgentAction::Launch { framework, task } => {
                let framework_id = framework.id.clone().unwrap_or_default();
                self.context.ledger.add_task(&framework_id, &task);
                let id = task.task_id.value.clone();
                let (number, kills) = self.runs.begin((framework_id.value.clone(), id.clone()));
                let container = self.uuids.text();
                let sandbox = self.context.sandboxes.new_run(&framework_id.value, &id, &container);
                let executor = Executor::new(self.context.clone(), *framework, *task, container);
                self.tasks.spawn(async move {
                    executor.run(sandbox, kills).await;
                    Some(number)
                });
            }
            AgentAction::LaunchInExecutor { framework, executor, tasks, is_group, launch_executor } => {
                self.launch_in_executor(*framework, *executor, tasks, is_group, launch_executor);
            }
            // Without an executor it is lost.
            AgentAction::Message { framework_id, executor_id, data } => {
                let key = (framework_id.value, executor_id.value);
                let _ = self.context.executors.send(&key, ExecutorInput::Message(data));
            }
            // One that is not there has ended.
            AgentAction::ShutdownExecutor { framework_id, executor_id } => {
                let key = (framework_id.value, executor_id.value);
                let _ = self.context.executors.send(&key, ExecutorInput::Shutdown { at_once: false });
            }
            AgentAction::Kill { framework_id, task_id, kill_policy } => {
                let of_framework = |(framework, _): &(String, String)| *framework == framework_id.value;
                let kill = || ExecutorInput::Kill { task_id: task_id.clone(), kill_policy };
                self.context.executors.send_where(of_framework, kill);
                let key = (framework_id.value.clone(), task_id.value.clone());
                self.runs.kill_where(|one| *one == key, &Kill { policy: kill_policy });
            }
            AgentAction::ShutdownFramework { framework_id } => {
                self.end_where(|key| key.0 == framework_id.value, false);
            }
            AgentAction::Shutdown => self.end_where(|_| true, true),
        }
    }

    /// Ends tasks and executors by the framework in their keys.
    fn end_where(&self, chosen: impl Fn(&(String, String)) -> bool, at_once: bool) {
        let kill = if at_once { Kill::at_once() } else { Kill { policy: None } };
        self.runs.kill_where(&chosen, &kill);
        self.context.executors.send_where(chosen, || ExecutorInput::Shutdown { at_once });
    }

    fn launch_in_executor(
        &mut self,
        framework: v1::FrameworkInfo,
        info: v1::ExecutorInfo,
        tasks: Vec<v1::TaskInfo>,
        is_group: bool,
        launch_executor: bool,
    ) {
        let framework_id = framework.id.clone().unwrap_or_default();
        let key = (framework_id.value.clone(), info.executor_id.value.clone());
        for task in &tasks {
            self.context.ledger.add_task(&framework_id, task);
        }
        let launch = ExecutorInput::Launch { tasks, is_group };
        let Err(launch) = self.context.executors.send(&key, launch) else {
            return;
        };
        if !launch_executor {
            self.drop_tasks(&framework, &info, launch);
            return;
        }
        let (registration, inputs) = self.context.executors.add(key.clone());
        // It was made a line ago.
        let _ = self.context.executors.send(&key, launch);
        let (context, container) = (self.context.clone(), self.uuids.text());
        if info.r#type() == v1::executor_info::Type::Default && info.command.is_none() {
            let uuids = self.uuids.fork();
            let executor = DefaultExecutor { context, framework, info, container, uuids };
            self.tasks.spawn(async move {
                executor.run(registration, inputs).await;
                None
            });
        } else {
            let executor = CustomExecutor { context, framework, info, container };
            self.tasks.spawn(async move {
                executor.run(registration, inputs).await;
                None
            });
        }
    }

    /// The executor ended before the master knew, and was not to be started again.
    fn drop_tasks(&self, framework: &v1::FrameworkInfo, info: &v1::ExecutorInfo, launch: ExecutorInput) {
        let ExecutorInput::Launch { tasks, .. } = launch else {
            return;
        };
        let is_aware = has_capability(framework, capability::Type::PartitionAware);
        let state = if is_aware { TaskState::TaskDropped } else { TaskState::TaskLost };
        for task in tasks {
            let status = v1::TaskStatus {
                task_id: task.task_id,
                state: state.into(),
                source: Some(Source::Agent.into()),
                reason: Some(Reason::ExecutorTerminated.into()),
                message: Some("Executor terminated".into()),
                executor_id: Some(info.executor_id.clone()),
                ..v1::TaskStatus::default()
            };
            self.context.report(&framework.id.clone().unwrap_or_default(), status);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "agents are shells: they live in real time")]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
