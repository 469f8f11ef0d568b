//! The default executor of Mesos: groups of tasks, each task a container within its own.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use mesos_proto::v1::{self, TaskState, task_status::Reason};
use tokio::{sync::mpsc, task::JoinSet, time::sleep};

use super::{
    AgentContext,
    executor::{Executor, Kill},
    executors::{ExecutorInput, Registration},
    plan::Role,
    report::Reporter,
    sandbox::Sandbox,
};
use crate::uuids::Uuids;

/// A real executor takes so long from its last word to its end.
const LINGER: Duration = Duration::from_millis(100);

/// An executor that runs until its last task has ended. It has no process of its own.
pub(super) struct DefaultExecutor {
    pub(super) context: Arc<AgentContext>,
    pub(super) framework: v1::FrameworkInfo,
    pub(super) info: v1::ExecutorInfo,
    pub(super) container: String,
    pub(super) uuids: Uuids,
}

/// The tasks that run. When one of a group does not end well, the others of it are killed.
#[derive(Default)]
struct Tasks {
    groups: u64,
    kills: BTreeMap<String, (u64, mpsc::UnboundedSender<Kill>)>,
    running: JoinSet<(String, TaskState)>,
}

impl DefaultExecutor {
    pub(super) async fn run(
        mut self,
        registration: Registration,
        mut inputs: mpsc::UnboundedReceiver<ExecutorInput>,
    ) {
        let framework_id = self.framework.id.clone().unwrap_or_default();
        let sandbox = self.context.sandboxes.new_run(
            &framework_id.value,
            &self.info.executor_id.value,
            &self.container,
        );
        self.context.ledger.add_executor(&framework_id, &self.info, &self.container);
        let mut tasks = Tasks::default();
        // The first input is the launch that the executor is there for.
        while let Some(input) = tasks.next(&mut inputs).await {
            self.handle(&mut tasks, &sandbox, input);
            if tasks.running.is_empty() {
                break;
            }
        }
        sleep(LINGER).await;
        // Whoever comes from here on starts another one.
        drop(registration);
        self.context.ledger.remove_executor(&self.container);
        let (driver, agent) = (&self.context.driver, &self.context.id);
        driver.executor_exited(agent, &framework_id, &self.info.executor_id, 0);
        while let Ok(input) = inputs.try_recv() {
            if let ExecutorInput::Launch { tasks, .. } = input {
                for task in tasks {
                    let text = "Executor terminated".into();
                    self.reporter(&task).agent(TaskState::TaskFailed, Reason::ExecutorTerminated, text);
                }
            }
        }
    }

    fn handle(&mut self, tasks: &mut Tasks, sandbox: &io::Result<Sandbox>, input: ExecutorInput) {
        match input {
            ExecutorInput::Launch { tasks: infos, is_group: _ } => {
                tasks.groups += 1;
                for task in infos {
                    self.launch(tasks, sandbox, task);
                }
            }
            ExecutorInput::Kill { task_id, kill_policy } => {
                if let Some((_, kills)) = tasks.kills.get(&task_id.value) {
                    // It may have ended in this moment; the same below.
                    let _ = kills.send(Kill { policy: kill_policy });
                }
            }
            ExecutorInput::Shutdown { at_once } => {
                let kill = if at_once { Kill::at_once() } else { Kill { policy: None } };
                tasks.kill_where(|_| true, &kill);
            }
            // It takes no messages, as the one of Mesos does not, and has no process that could call.
            ExecutorInput::Message(_)
            | ExecutorInput::Subscribe { .. }
            | ExecutorInput::Update(_)
            | ExecutorInput::MessageToFramework(_) => {}
        }
    }

    fn launch(&mut self, tasks: &mut Tasks, sandbox: &io::Result<Sandbox>, task: v1::TaskInfo) {
        let reporter = self.reporter(&task);
        let id = task.task_id.value.clone();
        let sandbox = match sandbox {
            Ok(sandbox) => sandbox.nested(&id, &reporter.container_id.value),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        let (sender, kills) = mpsc::unbounded_channel();
        tasks.kills.insert(id.clone(), (tasks.groups, sender));
        let executor = Executor { framework: self.framework.clone(), task, reporter };
        tasks.running.spawn(async move { (id, executor.run(sandbox, kills).await) });
    }

    fn reporter(&mut self, task: &v1::TaskInfo) -> Reporter {
        let parent = v1::ContainerId { value: self.container.clone(), parent: None };
        Reporter {
            context: self.context.clone(),
            framework_id: self.framework.id.clone().unwrap_or_default(),
            executor_id: self.info.executor_id.clone(),
            task_id: task.task_id.clone(),
            container_id: v1::ContainerId { value: self.uuids.text(), parent: Some(Box::new(parent)) },
            role: Role::Nested,
            check: task.check.as_ref().map(v1::CheckInfo::r#type),
            pid: None,
            address: None,
        }
    }
}

impl Tasks {
    /// The next input while tasks run; takes their ends in between. `None` when the last one has ended.
    async fn next(&mut self, inputs: &mut mpsc::UnboundedReceiver<ExecutorInput>) -> Option<ExecutorInput> {
        loop {
            tokio::select! {
                input = inputs.recv() => return input,
                Some(ended) = self.running.join_next(), if !self.running.is_empty() => {
                    // One that panicked has no name; its group ends with the executor.
                    if let Ok((id, state)) = ended {
                        self.take_end(&id, state);
                    }
                    if self.running.is_empty() {
                        return None;
                    }
                }
            }
        }
    }

    fn take_end(&mut self, id: &str, state: TaskState) {
        let Some((group, _)) = self.kills.remove(id) else {
            return;
        };
        if state != TaskState::TaskFinished {
            self.kill_where(|of| of == group, &Kill { policy: None });
        }
    }

    fn kill_where(&self, chosen: impl Fn(u64) -> bool, kill: &Kill) {
        for (_, kills) in self.kills.values().filter(|(group, _)| chosen(*group)) {
            // It may have ended in this moment.
            let _ = kills.send(kill.clone());
        }
    }
}
