//! What runs on an agent and what ran there, for the operator API of the agent.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mesos_proto::v1::{
    self,
    agent::response::{GetContainers, GetTasks, get_containers::Container},
};

/// So many ended tasks are remembered.
const MAX_COMPLETED: usize = 1000;

/// So much of a command stands in the name of its executor.
const MAX_COMMAND: usize = 15;

/// Clones are the same ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// By framework and id.
    tasks: BTreeMap<(String, String), Entry>,
    completed: VecDeque<v1::Task>,
    /// Of executors that tasks share, by container.
    executors: BTreeMap<String, Container>,
}

#[derive(Debug)]
struct Entry {
    task: v1::Task,
    executor: Executor,
}

/// Whose container a task is in.
#[derive(Debug)]
enum Executor {
    /// One of its own, of this name if it has one.
    Own {
        name: Option<String>,
    },
    Shared,
}

impl Ledger {
    pub(super) fn add_task(&self, framework: &v1::FrameworkId, info: &v1::TaskInfo) {
        let executor = match (&info.executor, &info.command) {
            (Some(_), _) => Executor::Shared,
            (None, command) => {
                let command = command.as_ref().filter(|_| info.container.is_none());
                Executor::Own { name: command.map(|command| executor_name(info, command)) }
            }
        };
        let task = v1::Task {
            name: info.name.clone(),
            task_id: info.task_id.clone(),
            framework_id: framework.clone(),
            executor_id: info.executor.as_ref().map(|executor| executor.executor_id.clone()),
            agent_id: info.agent_id.clone(),
            state: v1::TaskState::TaskStaging.into(),
            resources: info.resources.clone(),
            labels: info.labels.clone(),
            discovery: info.discovery.clone(),
            container: info.container.clone(),
            health_check: info.health_check.clone(),
            kill_policy: info.kill_policy,
            limits: info.limits.clone(),
            ..v1::Task::default()
        };
        let key = (framework.value.clone(), info.task_id.value.clone());
        self.state().tasks.insert(key, Entry { task, executor });
    }

    /// Takes note of what is reported; a task that ended is completed by it.
    pub(super) fn record(&self, framework: &v1::FrameworkId, status: &v1::TaskStatus) {
        let mut state = self.state();
        let key = (framework.value.clone(), status.task_id.value.clone());
        let Some(entry) = state.tasks.get_mut(&key) else {
            return;
        };
        let task = &mut entry.task;
        // Its data would be kept for nobody.
        let status = v1::TaskStatus { data: None, ..status.clone() };
        task.state = status.state;
        task.status_update_state = Some(status.state);
        task.status_update_uuid = status.uuid.clone();
        let is_over = status.state().is_terminal();
        match task.statuses.last_mut().filter(|last| last.state == status.state) {
            Some(last) => *last = status,
            None => task.statuses.push(status),
        }
        if is_over && let Some(entry) = state.tasks.remove(&key) {
            if state.completed.len() == MAX_COMPLETED {
                state.completed.pop_front();
            }
            state.completed.push_back(entry.task);
        }
    }

    pub(super) fn add_executor(&self, framework: &v1::FrameworkId, info: &v1::ExecutorInfo, container: &str) {
        let container_id = v1::ContainerId { value: container.to_owned(), parent: None };
        let entry = Container {
            framework_id: Some(framework.clone()),
            executor_id: Some(info.executor_id.clone()),
            executor_name: Some(info.name.clone().unwrap_or_default()),
            container_status: Some(v1::ContainerStatus {
                container_id: Some(container_id.clone()),
                ..v1::ContainerStatus::default()
            }),
            container_id,
            resource_statistics: None,
        };
        self.state().executors.insert(container.to_owned(), entry);
    }

    pub(super) fn remove_executor(&self, container: &str) {
        self.state().executors.remove(container);
    }

    /// Answers GET_TASKS. Tasks of which nothing was reported wait for their executor.
    pub(crate) fn tasks(&self) -> GetTasks {
        let state = self.state();
        let tasks = state.tasks.values().map(|entry| entry.task.clone());
        let (launched, queued) = tasks.partition(|task| !task.statuses.is_empty());
        let completed_tasks = state.completed.iter().cloned().collect();
        GetTasks { queued_tasks: queued, launched_tasks: launched, completed_tasks, ..GetTasks::default() }
    }

    /// Answers GET_CONTAINERS; those within others only if they are asked for.
    pub(crate) fn containers(&self, show_nested: bool) -> GetContainers {
        let state = self.state();
        let mut containers: Vec<Container> = state.executors.values().cloned().collect();
        for entry in state.tasks.values() {
            let status = entry.task.statuses.last();
            let Some(status) = status.filter(|status| status.container_status.is_some()) else {
                continue;
            };
            let container = status.container_status.clone().unwrap_or_default();
            let container_id = container.container_id.clone().unwrap_or_default();
            let executor_name = match &entry.executor {
                Executor::Own { name } => name.clone(),
                Executor::Shared if container_id.parent.is_some() && show_nested => None,
                Executor::Shared => continue,
            };
            containers.push(Container {
                framework_id: Some(entry.task.framework_id.clone()),
                executor_id: status.executor_id.clone(),
                executor_name,
                container_status: Some(v1::ContainerStatus { network_infos: Vec::new(), ..container }),
                container_id,
                resource_statistics: None,
            });
        }
        GetContainers { containers }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name that agents give to the executor of a command.
fn executor_name(task: &v1::TaskInfo, command: &v1::CommandInfo) -> String {
    let mut text = command.value.clone().unwrap_or_default();
    if text.chars().count() > MAX_COMMAND {
        text = text.chars().take(MAX_COMMAND - 3).chain("...".chars()).collect();
    }
    let text = if command.shell() { format!("sh -c '{text}'") } else { text };
    format!("Command Executor (Task: {}) (Command: {text})", task.task_id)
}

#[cfg(test)]
mod tests {
    use mesos_proto::v1::TaskState;

    use super::*;

    fn status(task: &str, state: TaskState, parent: Option<&str>) -> v1::TaskStatus {
        let parent = parent.map(|value| Box::new(v1::ContainerId { value: value.into(), parent: None }));
        let container_id = Some(v1::ContainerId { value: format!("c-{task}"), parent });
        v1::TaskStatus {
            task_id: v1::TaskId::new(task),
            state: state.into(),
            container_status: Some(v1::ContainerStatus { container_id, ..Default::default() }),
            data: Some("much".into()),
            ..Default::default()
        }
    }

    fn task(id: &str, command: &str) -> v1::TaskInfo {
        v1::TaskInfo {
            task_id: v1::TaskId::new(id),
            command: Some(v1::CommandInfo { value: Some(command.into()), ..Default::default() }),
            ..Default::default()
        }
    }

    #[test]
    fn a_task_is_queued_then_launched_then_completed() {
        let (ledger, framework) = (Ledger::default(), v1::FrameworkId::new("fw"));
        ledger.add_task(&framework, &task("t1", "true"));
        assert_eq!(ledger.tasks().queued_tasks.len(), 1);
        for state in [TaskState::TaskStarting, TaskState::TaskRunning, TaskState::TaskRunning] {
            ledger.record(&framework, &status("t1", state, None));
        }
        let launched = ledger.tasks().launched_tasks;
        assert_eq!(launched[0].statuses.len(), 2, "one for each stay in a state");
        assert_eq!(launched[0].statuses[1].data, None);
        ledger.record(&framework, &status("t1", TaskState::TaskFinished, None));
        let tasks = ledger.tasks();
        assert_eq!((tasks.launched_tasks.len(), tasks.completed_tasks.len()), (0, 1));
    }

    #[test]
    fn containers_are_those_of_executors_and_within_them_if_wanted() {
        let (ledger, framework) = (Ledger::default(), v1::FrameworkId::new("fw"));
        ledger.add_task(&framework, &task("t1", "echo first line; sleep 1"));
        ledger.record(&framework, &status("t1", TaskState::TaskRunning, None));
        let executor = v1::ExecutorInfo { executor_id: v1::ExecutorId::new("pod"), ..Default::default() };
        ledger.add_executor(&framework, &executor, "c-pod");
        ledger.add_task(&framework, &v1::TaskInfo { executor: Some(executor), ..task("t2", "true") });
        ledger.record(&framework, &status("t2", TaskState::TaskRunning, Some("c-pod")));
        let names = |nested| -> Vec<String> {
            let containers = ledger.containers(nested).containers;
            containers.iter().map(|container| container.container_id.value.clone()).collect()
        };
        assert_eq!(names(false), ["c-pod", "c-t1"]);
        assert_eq!(names(true), ["c-pod", "c-t1", "c-t2"]);
        let containers = ledger.containers(false).containers;
        assert_eq!(
            containers[1].executor_name(),
            "Command Executor (Task: t1) (Command: sh -c 'echo first l...')"
        );
        ledger.remove_executor("c-pod");
        assert_eq!(names(false), ["c-t1"]);
    }
}
