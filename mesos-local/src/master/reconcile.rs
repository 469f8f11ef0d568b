//! RECONCILE: what the master knows about tasks, on demand.

use std::time::Duration;

use mesos_proto::v1::{
    self, TaskState,
    scheduler::call::{self, reconcile, reconcile_operations},
    task_status::Reason,
};

use super::{
    Master,
    agents::{Agent, AgentState},
    failover::AbsentAgent,
    tasks::Task,
};

impl Master {
    /// Answers for the tasks named, or for every task of the framework if none is.
    pub(super) fn reconcile(&mut self, now: Duration, framework: &str, reconcile: &call::Reconcile) {
        for entry in &reconcile.tasks {
            self.reconcile_task(now, framework, entry);
        }
        if reconcile.tasks.is_empty()
            && let Some(known) = self.frameworks.get(framework)
        {
            let statuses: Vec<_> = known.tasks.values().map(|task| self.latest(now, task)).collect();
            for status in statuses {
                self.send_status(framework, status);
            }
        }
    }

    pub(super) fn reconcile_task(&mut self, now: Duration, framework: &str, entry: &reconcile::Task) {
        let Some(known) = self.frameworks.get(framework) else {
            return;
        };
        if let Some(task) = known.tasks.get(&entry.task_id.value) {
            let status = self.latest(now, task);
            self.send_status(framework, status);
            return;
        }
        // One of the agents that have yet to register again may know it.
        let is_open = match &entry.agent_id {
            Some(id) => self.absent.get(&id.value).is_some_and(|agent| agent.unreachable.is_none()),
            None => self.absent.values().any(|agent| agent.unreachable.is_none()),
        };
        if is_open {
            return;
        }
        let (agent, absent) = self.agent_or_absent(entry.agent_id.as_ref());
        let (state, message, unreachable_time) = match agent.map(|agent| agent.state) {
            Some(AgentState::Registered | AgentState::Disconnected) => {
                (TaskState::TaskGone, "unknown to the agent", None)
            }
            Some(AgentState::Unreachable { since }) => {
                (TaskState::TaskUnreachable, "unreachable", Some(self.time_info(since)))
            }
            Some(AgentState::Gone) => (TaskState::TaskGoneByOperator, "gone", None),
            None if absent.is_some() => {
                (TaskState::TaskUnreachable, "unreachable", absent.and_then(|agent| agent.unreachable))
            }
            Some(AgentState::Unregistered) | None => (TaskState::TaskUnknown, "unknown", None),
        };
        let status = v1::TaskStatus {
            reason: Some(Reason::Reconciliation.into()),
            message: Some(format!("Reconciliation: Task is {message}")),
            agent_id: entry.agent_id.clone(),
            unreachable_time,
            ..self.master_status(now, entry.task_id.clone(), known.lost_state(state))
        };
        self.send_status(framework, status);
    }

    fn agent_or_absent(&self, id: Option<&v1::AgentId>) -> (Option<&Agent>, Option<&AbsentAgent>) {
        let id = id.map_or("", |id| id.value.as_str());
        (self.agents.get(id), self.absent.get(id))
    }

    /// The state that the framework was told last, or the current one if it was told none.
    fn latest(&self, now: Duration, task: &Task) -> v1::TaskStatus {
        v1::TaskStatus {
            reason: Some(Reason::Reconciliation.into()),
            message: Some("Reconciliation: Latest task state".into()),
            ..self.retold(now, task, task.last_forwarded().map_or(task.state, v1::TaskStatus::state))
        }
    }

    /// A state together with what the agent knew about the container.
    pub(super) fn retold(&self, now: Duration, task: &Task, state: TaskState) -> v1::TaskStatus {
        let last = task.last_forwarded().cloned().unwrap_or_default();
        v1::TaskStatus {
            agent_id: Some(task.agent_id()),
            // Command tasks have no executor that the master knows of, only their agent does.
            executor_id: task.info.executor.as_ref().map(|executor| executor.executor_id.clone()),
            healthy: last.healthy,
            check_status: last.check_status,
            container_status: last.container_status,
            ..self.master_status(now, task.info.task_id.clone(), state)
        }
    }

    /// What is said about an operation that is not known: it depends on its agent.
    pub(super) fn unknown_operation(&self, entry: reconcile_operations::Operation) -> v1::OperationStatus {
        let (agent, absent) = self.agent_or_absent(entry.agent_id.as_ref());
        let state = match agent.map(|agent| agent.state) {
            Some(AgentState::Unreachable { .. }) => v1::OperationState::OperationUnreachable,
            Some(AgentState::Gone) => v1::OperationState::OperationGoneByOperator,
            None if absent.is_some_and(|agent| agent.unreachable.is_some()) => {
                v1::OperationState::OperationUnreachable
            }
            None if absent.is_some() => v1::OperationState::OperationRecovering,
            Some(AgentState::Registered | AgentState::Disconnected | AgentState::Unregistered) | None => {
                v1::OperationState::OperationUnknown
            }
        };
        v1::OperationStatus {
            operation_id: Some(entry.operation_id),
            state: state.into(),
            message: Some("Reconciliation: Operation is unknown".into()),
            agent_id: entry.agent_id,
            resource_provider_id: entry.resource_provider_id,
            ..v1::OperationStatus::default()
        }
    }
}
