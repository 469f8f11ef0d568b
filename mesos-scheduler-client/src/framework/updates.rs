//! What a status update does to a task, and what it must not be believed about.

use std::{sync::Arc, time::Instant};

use mesos_proto::v1::{
    self, TaskState,
    task_status::{Reason, Source},
};

use super::{
    ChangeKind, FrameworkCore, Running, Stage, Strangers, TaskEnd, TaskPhase,
    cause::DOCKER_RUN_REFUSED,
    task::{Placed, Task},
    timers::Timer,
};
use crate::{calls, mutation::Mutation};

impl FrameworkCore {
    pub(super) fn handle_status(&mut self, now: Instant, status: v1::TaskStatus) {
        let is_left_out = self.mutations.has(Mutation::AcknowledgeKnownTasksOnly)
            && self.tasks.named(&status.task_id.value).is_none();
        self.apply(now, &status);
        if is_left_out {
            return;
        }
        // Applied first, acknowledged then: the agent repeats what was not acknowledged. Whether to
        // acknowledge is told by the uuid alone, and updates of unknown tasks need it, too.
        let v1::TaskStatus { task_id, agent_id, uuid, .. } = status;
        if let Some(acknowledge) = calls::acknowledgement(task_id, agent_id, uuid) {
            self.push_call(acknowledge);
        }
    }

    fn apply(&mut self, now: Instant, status: &v1::TaskStatus) {
        // A state that this schema does not know says nothing that could be acted on.
        let Some(state) = status.known_state() else { return };
        let wire_id = status.task_id.value.as_str();
        let Some((task_id, task)) = self.tasks.named(wire_id) else {
            self.meet_stranger(wire_id, state, status.agent_id.clone());
            return;
        };
        let known = task.state;
        if known == TaskPhase::Pending {
            // It was told to wait for another offer: this is about a launch that never was.
            return;
        }
        if is_answer_to_a_repeated_launch(status) && (known != TaskPhase::Launching || task.is_doubtful) {
            // The master says it of the call, not of the task that bears the id: ask what is true.
            self.reconcile(&[task_id]);
            return;
        }
        if state == TaskState::TaskUnknown && known != TaskPhase::Killing {
            self.is_unknown(now, &task_id);
            return;
        }
        let (was_unknown, was_doubtful) = (task.is_unknown, task.is_doubtful);
        self.reconciliation.answered(wire_id);
        if was_unknown {
            self.timers.stop(&Timer::Lost(task_id.clone()));
            self.with_task(&task_id, |task| task.is_unknown = false);
        }
        if was_doubtful && !state.is_terminal() {
            // It is there, so its ACCEPT came through.
            self.with_task(&task_id, |task| task.is_doubtful = false);
        }
        match state {
            TaskState::TaskStaging => self.is_staging(&task_id),
            TaskState::TaskStarting => self.has_started(&task_id),
            TaskState::TaskRunning => self.runs(&task_id, status),
            TaskState::TaskKilling => self.is_being_killed(&task_id, known),
            TaskState::TaskUnreachable if self.mutations.has(Mutation::EndUnreachable) => {
                self.end(&task_id, TaskEnd::of(state, status));
            }
            TaskState::TaskUnreachable => self.is_unreachable(&task_id),
            TaskState::TaskDropped
            | TaskState::TaskLost
            | TaskState::TaskGone
            | TaskState::TaskGoneByOperator
            | TaskState::TaskFinished
            | TaskState::TaskFailed
            | TaskState::TaskKilled
            | TaskState::TaskError
            | TaskState::TaskUnknown => {
                self.has_ended(now, &task_id, known, TaskEnd::of(state, status), status)
            }
        }
    }

    /// An update of a task that is not known here: of one that was given up, of an earlier life, or of nobody.
    fn meet_stranger(&mut self, wire_id: &str, state: TaskState, agent_id: Option<v1::AgentId>) {
        self.change(wire_id, ChangeKind::Stranger(state));
        let lives = match state {
            TaskState::TaskStaging | TaskState::TaskStarting | TaskState::TaskRunning => true,
            // It is on its way out, or gone, or nobody knows. To a KILL of an unreachable one the master says no more than
            // that it is unreachable; when its agent is back it says RUNNING unasked.
            TaskState::TaskUnreachable
            | TaskState::TaskKilling
            | TaskState::TaskFinished
            | TaskState::TaskFailed
            | TaskState::TaskKilled
            | TaskState::TaskError
            | TaskState::TaskLost
            | TaskState::TaskDropped
            | TaskState::TaskGone
            | TaskState::TaskGoneByOperator
            | TaskState::TaskUnknown => false,
        };
        let is_unwanted = match self.policy.strangers {
            Strangers::KillAfterRecovery => {
                self.has_recovered || self.mutations.has(Mutation::KillStrangersEarly)
            }
            Strangers::Tell => false,
        };
        if lives && (is_unwanted || self.tasks.is_ghost(wire_id)) {
            self.push_call(calls::kill(v1::TaskId::new(wire_id), agent_id, None));
        }
    }

    pub(super) fn with_task(&mut self, task_id: &str, change: impl FnOnce(&mut Task)) {
        if let Some(task) = self.tasks.get_mut(task_id) {
            change(task);
        }
    }

    /// Only news for a task whose agent was away.
    fn is_staging(&mut self, task_id: &Arc<str>) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        if task.state == TaskPhase::Unreachable && task.launch.is_some() {
            task.state = TaskPhase::Launching;
            self.change(task_id, ChangeKind::Reachable);
        }
    }

    fn has_started(&mut self, task_id: &Arc<str>) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        match task.state {
            TaskPhase::Launching => {
                task.state = TaskPhase::Starting;
                self.change(task_id, ChangeKind::Stage(Stage::Starting));
            }
            TaskPhase::Unreachable => {
                // What ran once runs: the master repeats the last state that was acknowledged.
                task.state = if task.launch.is_some() { TaskPhase::Starting } else { TaskPhase::Running };
                self.change(task_id, ChangeKind::Reachable);
            }
            TaskPhase::Pending | TaskPhase::Starting | TaskPhase::Running | TaskPhase::Killing => {}
        }
    }

    fn runs(&mut self, task_id: &Arc<str>, status: &v1::TaskStatus) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        if let Some(healthy) = status.healthy
            && task.healthy.replace(healthy) != Some(healthy)
        {
            self.change(task_id, ChangeKind::Health { healthy });
        }
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        match task.state {
            // Also said again for health and checks, and by reconciliation.
            TaskPhase::Running if self.mutations.has(Mutation::AnswerTwice) => {}
            TaskPhase::Running | TaskPhase::Killing | TaskPhase::Pending => return,
            TaskPhase::Unreachable => {
                task.state = TaskPhase::Running;
                if task.answered {
                    self.change(task_id, ChangeKind::Reachable);
                    return;
                }
            }
            TaskPhase::Launching | TaskPhase::Starting => task.state = TaskPhase::Running,
        }
        task.answered = true;
        task.is_doubtful = false;
        // It will never wait for an offer again.
        task.launch = None;
        let Some(placement) = task.placement(task_id) else { return };
        let executor_id =
            status.executor_id.clone().unwrap_or_else(|| v1::ExecutorId::new(&status.task_id.value));
        let running = Running { placement, executor_id, container_ip: container_ip(status) };
        self.timers.stop(&Timer::Launch(task_id.clone()));
        self.change(task_id, ChangeKind::Stage(Stage::Running));
        self.change(task_id, ChangeKind::Running(Box::new(running)));
    }

    /// Somebody else kills it, such as its health check, or a drain of its agent.
    fn is_being_killed(&mut self, task_id: &Arc<str>, known: TaskPhase) {
        if known != TaskPhase::Killing {
            self.with_task(task_id, |task| task.state = TaskPhase::Killing);
        }
    }

    pub(super) fn is_unreachable(&mut self, task_id: &Arc<str>) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        match task.state {
            // A kill goes on; it is repeated until the agent is back or gone.
            TaskPhase::Killing | TaskPhase::Unreachable | TaskPhase::Pending => {}
            TaskPhase::Launching | TaskPhase::Starting | TaskPhase::Running => {
                task.state = TaskPhase::Unreachable;
                self.change(task_id, ChangeKind::Unreachable);
            }
        }
    }

    fn has_ended(
        &mut self,
        now: Instant,
        task_id: &Arc<str>,
        known: TaskPhase,
        end: TaskEnd,
        status: &v1::TaskStatus,
    ) {
        // What was taken over or has run never waits for an offer again.
        let is_on_its_way = self.tasks.get(task_id).is_some_and(|task| task.launch.is_some());
        if is_on_its_way && was_never_launched(known, &end) {
            // What an agent or a reconciliation said may be contradicted by an ACCEPT that is still on its way; what the
            // master said of the call itself may not.
            if status.needs_acknowledgement() || end.reason == Some(Reason::Reconciliation) {
                self.rename(task_id);
            }
            self.back_to_waiting(task_id);
            return;
        }
        let is_launch = matches!(known, TaskPhase::Launching | TaskPhase::Starting);
        if is_launch && is_port_taken(&end) && self.relaunch(now, task_id) {
            return;
        }
        self.end(task_id, end);
    }

    /// A port that was offered could not be bound: it rests, and the task waits for another offer. Tells whether it
    /// does.
    fn relaunch(&mut self, now: Instant, task_id: &Arc<str>) -> bool {
        let Some(Task { placed: Some(placed), launch: Some(launch), .. }) = self.tasks.get_mut(task_id)
        else {
            return false;
        };
        let Placed { agent, host_ports } = placed;
        if host_ports.is_empty() {
            return false;
        }
        self.ports.failed(now, &agent.key, host_ports, self.policy.port_quarantine);
        if launch.refused_ports >= self.policy.max_relaunches {
            return false;
        }
        launch.refused_ports += 1;
        self.rename(task_id);
        self.back_to_waiting(task_id);
        true
    }

    fn rename(&mut self, task_id: &Arc<str>) {
        if self.mutations.has(Mutation::ReuseTaskId) {
            return;
        }
        let attempts =
            self.tasks.get(task_id).and_then(|task| task.launch.as_ref()).map(|launch| launch.attempts);
        let old = self.tasks.wire_id(task_id);
        self.reconciliation.answered(&old);
        self.tasks.rename(task_id, attempts.unwrap_or(1));
    }
}

/// An ACCEPT that the master saw twice, or whose offers were void, is answered with the ids of its
/// tasks, even if the first copy launched them and they run.
fn is_answer_to_a_repeated_launch(status: &v1::TaskStatus) -> bool {
    if status.needs_acknowledgement() {
        return false;
    }
    match status.known_reason() {
        Some(Reason::InvalidOffers) => true,
        Some(Reason::TaskInvalid) => {
            let message = status.message();
            message.starts_with("Task has duplicate ID") || message.starts_with("Task reuses the ID")
        }
        _ => false,
    }
}

/// Whether an end says that the task never came to an agent, or never ran there.
fn was_never_launched(known: TaskPhase, end: &TaskEnd) -> bool {
    match end.state {
        TaskState::TaskDropped => matches!(known, TaskPhase::Launching | TaskPhase::Starting),
        TaskState::TaskLost | TaskState::TaskGone => {
            known == TaskPhase::Launching
                && matches!(end.reason, Some(Reason::InvalidOffers | Reason::Reconciliation))
        }
        TaskState::TaskStaging
        | TaskState::TaskStarting
        | TaskState::TaskRunning
        | TaskState::TaskKilling
        | TaskState::TaskFinished
        | TaskState::TaskFailed
        | TaskState::TaskKilled
        | TaskState::TaskError
        | TaskState::TaskUnreachable
        | TaskState::TaskGoneByOperator
        | TaskState::TaskUnknown => false,
    }
}

/// Docker refused to start the container. It says the same of other things that it does not like about one, so there
/// is an end to trying again.
fn is_port_taken(end: &TaskEnd) -> bool {
    end.state == TaskState::TaskFailed
        && end.message == DOCKER_RUN_REFUSED
        && end.source != Some(Source::Master)
}

pub(super) fn container_ip(status: &v1::TaskStatus) -> Option<String> {
    let networks = &status.container_status.as_ref()?.network_infos;
    let mut addresses = networks.iter().flat_map(|network| &network.ip_addresses);
    addresses.find_map(|address| address.ip_address.clone())
}
