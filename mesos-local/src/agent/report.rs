//! Statuses of one task, in the words and with the fields of the executor that is played.

use std::{net::Ipv4Addr, sync::Arc};

use mesos_proto::v1::{
    self, TaskState, check_info,
    task_status::{Reason, Source},
};

use super::{AgentContext, checks, plan::Role};

/// Who reports about a task, and what is the same in each report.
#[derive(Clone)]
pub(super) struct Reporter {
    pub(super) context: Arc<AgentContext>,
    pub(super) framework_id: v1::FrameworkId,
    pub(super) executor_id: v1::ExecutorId,
    pub(super) task_id: v1::TaskId,
    pub(super) container_id: v1::ContainerId,
    pub(super) role: Role,
    /// What the task is checked by: every status of it tells something about that.
    pub(super) check: Option<check_info::Type>,
    pub(super) pid: Option<u32>,
    /// The address of a Docker container that has one.
    pub(super) address: Option<Ipv4Addr>,
}

/// What is known of a task while it runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    pub(super) healthy: Option<bool>,
    pub(super) check: Option<v1::CheckStatusInfo>,
}

impl Reporter {
    /// Tells of another state.
    pub(super) fn state(&self, state: TaskState, reason: Option<Reason>, message: Option<String>) {
        self.send(self.status(state, reason, message));
    }

    /// Tells that the task runs, or what became known of it while it does.
    pub(super) fn running(&self, reason: Option<Reason>, condition: &Condition, data: Option<bytes::Bytes>) {
        let status = self.status(TaskState::TaskRunning, reason, None);
        let check_status = condition.check.or(status.check_status);
        self.send(v1::TaskStatus { healthy: condition.healthy, check_status, data, ..status });
    }

    /// Tells of the end. Only a task that its health check ended is called unhealthy by it.
    pub(super) fn end(
        &self,
        state: TaskState,
        reason: Option<Reason>,
        message: String,
        healthy: Option<bool>,
    ) {
        self.send(v1::TaskStatus { healthy, ..self.status(state, reason, Some(message)) });
    }

    /// Tells what the agent itself knows: the executor cannot.
    pub(super) fn agent(&self, state: TaskState, reason: Reason, message: String) {
        self.send(v1::TaskStatus {
            source: Some(Source::Agent.into()),
            check_status: None,
            ..self.status(state, Some(reason), Some(message))
        });
    }

    fn send(&self, status: v1::TaskStatus) {
        self.context.report(&self.framework_id, status);
    }

    fn status(&self, state: TaskState, reason: Option<Reason>, message: Option<String>) -> v1::TaskStatus {
        v1::TaskStatus {
            task_id: self.task_id.clone(),
            state: state.into(),
            message,
            source: Some(Source::Executor.into()),
            reason: reason.map(Into::into),
            executor_id: Some(self.executor_id.clone()),
            container_status: Some(self.container_status(state)),
            check_status: self.check.map(|kind| checks::status(kind, None)),
            ..v1::TaskStatus::default()
        }
    }

    fn container_status(&self, state: TaskState) -> v1::ContainerStatus {
        let mut status = v1::ContainerStatus {
            container_id: Some(self.container_id.clone()),
            ..v1::ContainerStatus::default()
        };
        // Real agents know no more of a nested container before it runs and after it has ended.
        let is_unknown = state == TaskState::TaskStarting || state.is_terminal();
        if self.role == Role::Nested && is_unknown {
            return status;
        }
        let address = self.address.filter(|_| state == TaskState::TaskRunning);
        status.network_infos = vec![network(address.unwrap_or(Ipv4Addr::LOCALHOST))];
        if self.role != Role::Container {
            status.executor_pid = self.pid;
        }
        status
    }
}

/// A network with one address.
pub(super) fn network(address: Ipv4Addr) -> v1::NetworkInfo {
    let address = v1::network_info::IpAddress {
        protocol: Some(v1::network_info::Protocol::IPv4.into()),
        ip_address: Some(address.to_string()),
    };
    v1::NetworkInfo { ip_addresses: vec![address], ..v1::NetworkInfo::default() }
}
