//! Tasks of an earlier life of the framework: taken over from the records of the master.

use std::{sync::Arc, time::Instant};

use mesos_proto::v1::{self, Ranges, TaskState};

use super::{
    ChangeKind, Connection, FrameworkCore, Recovered, Running, TaskPhase,
    launches::SUBMITTED_AS,
    queue::Rank,
    task::{Placed, Task},
    updates::container_ip,
};
use crate::{calls, mutation::Mutation};

impl FrameworkCore {
    /// Takes over tasks of this framework as the master knows them: of the `tasks` and `unreachable_tasks` of its GET_TASKS
    /// those that were launched by the same framework id. Tasks that are known already, and those that have
    /// ended or were told as ended in this life, are left out. [`ChangeKind::Recovered`] tells of each one; then the master is asked for their state, since the
    /// records may be old when they come.
    ///
    /// After that, live tasks that nobody knows are strangers ([`Policy::strangers`](super::Policy::strangers)); call
    /// it with nothing if there is nothing to take over. Gives the ids of the tasks, as they were submitted.
    pub fn recover(&mut self, now: Instant, tasks: Vec<v1::Task>) -> Vec<String> {
        self.has_recovered = true;
        if self.is_subscribed() {
            // Finds those that are not among them.
            self.push_call(calls::reconcile(Vec::new()));
        }
        self.adopt(now, tasks)
    }

    /// The same for a master that does not know all agents yet: nobody becomes a stranger by it.
    pub fn adopt(&mut self, now: Instant, tasks: Vec<v1::Task>) -> Vec<String> {
        if matches!(self.connection, Connection::Closed { .. }) {
            return Vec::new();
        }
        let tasks = if self.mutations.has(Mutation::ForgetTasks) { Vec::new() } else { tasks };
        let adopted: Vec<Arc<str>> = tasks.into_iter().filter_map(|task| self.take_over(task)).collect();
        self.reconcile(&adopted);
        self.settle(now);
        adopted.iter().map(ToString::to_string).collect()
    }

    fn take_over(&mut self, record: v1::Task) -> Option<Arc<str>> {
        let state = TaskState::try_from(record.state).ok()?;
        let phase = phase_of(state)?;
        let wire_id: Arc<str> = record.task_id.value.as_str().into();
        let task_id = submitted_as(&record);
        let labels = record.labels.unwrap_or_default().labels;
        if self.tasks.contains(&task_id) || self.tasks.named(&wire_id).is_some() {
            return None;
        }
        // The record is older than what was told since, or it is one of a task that was given up and is one too many.
        if self.tasks.has_ended(&wire_id) || self.tasks.is_ghost(&wire_id) {
            return None;
        }
        let host_ports = ports_of(&record.resources);
        self.next_sequence += 1;
        let task = Task {
            rank: Rank::new(0, self.next_sequence - 1),
            state: phase,
            launch: None,
            placed: Some(Placed {
                agent: self.agents.of_task(&record.framework_id, &record.agent_id),
                host_ports: host_ports.into(),
            }),
            wire_id: (wire_id != task_id).then(|| wire_id.clone()),
            answered: true,
            is_doubtful: false,
            is_unknown: false,
            healthy: record.statuses.last().and_then(|status| status.healthy),
            grace_period: record
                .kill_policy
                .as_ref()
                .and_then(|policy| policy.grace_period.as_ref())
                .map(|grace| std::time::Duration::from_nanos(u64::try_from(grace.nanoseconds).unwrap_or(0))),
            kills: 0,
        };
        let running = Running {
            placement: task.placement(&task_id)?,
            executor_id: record.executor_id.unwrap_or_else(|| v1::ExecutorId::new(&*wire_id)),
            container_ip: record.statuses.iter().rev().find_map(container_ip),
        };
        let recovered = Recovered {
            running,
            name: record.name,
            labels: labels.into_iter().filter(|label| label.key != SUBMITTED_AS).collect(),
            resources: record.resources,
            state,
        };
        self.tasks.insert(task_id.clone(), task);
        self.change(&task_id, ChangeKind::Recovered(Box::new(recovered)));
        Some(task_id)
    }
}

/// The id that a task was submitted with.
pub(crate) fn submitted_as(record: &v1::Task) -> Arc<str> {
    let labels = record.labels.iter().flat_map(|labels| &labels.labels);
    let name = labels.filter(|label| label.key == SUBMITTED_AS).find_map(|label| label.value.as_deref());
    name.unwrap_or(&record.task_id.value).into()
}

/// What is known of a task whose record has this state; `None` if it has ended, or nobody knows.
fn phase_of(state: TaskState) -> Option<TaskPhase> {
    match state {
        TaskState::TaskStaging => Some(TaskPhase::Launching),
        TaskState::TaskStarting => Some(TaskPhase::Starting),
        TaskState::TaskRunning => Some(TaskPhase::Running),
        TaskState::TaskKilling => Some(TaskPhase::Killing),
        TaskState::TaskUnreachable => Some(TaskPhase::Unreachable),
        TaskState::TaskFinished
        | TaskState::TaskFailed
        | TaskState::TaskKilled
        | TaskState::TaskError
        | TaskState::TaskLost
        | TaskState::TaskDropped
        | TaskState::TaskGone
        | TaskState::TaskGoneByOperator
        | TaskState::TaskUnknown => None,
    }
}

/// The ports of the host that a task has, ascending.
fn ports_of(resources: &[v1::Resource]) -> Vec<u16> {
    let mut all = Ranges::default();
    for ranges in resources
        .iter()
        .filter(|resource| resource.name == "ports")
        .filter_map(|resource| resource.ranges.as_ref())
    {
        all.add(&Ranges::from_value(ranges));
    }
    all.numbers().map_while(|number| u16::try_from(number).ok()).collect()
}
