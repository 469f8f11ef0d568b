//! What a status update does to a task, and what it must not be believed about.

use std::time::Instant;

use mesos_proto::v1::{self, TaskState, task_status::Reason};

use super::{ChangeKind, FrameworkCore, Running, Stage, State, TaskEnd, timers::Timer};
use crate::calls;

/// How Docker's containerizer words the end of a container that `docker run` refused to start.
const DOCKER_RUN_REFUSED: &str = "Container exited with status 125";

impl FrameworkCore {
    pub(super) fn handle_status(&mut self, now: Instant, status: v1::TaskStatus) {
        let task_id = status.task_id.value.clone();
        self.apply(now, &task_id, &status);
        // Applied first, acknowledged then: the agent repeats what was not acknowledged. Whether to
        // acknowledge is told by the uuid alone, and updates of unknown tasks need it, too.
        if let Some(acknowledge) = calls::acknowledge(&status) {
            self.push_call(acknowledge);
        }
    }

    fn apply(&mut self, now: Instant, task_id: &str, status: &v1::TaskStatus) {
        // A state that this schema does not know says nothing that could be acted on.
        let Some(state) = status.known_state() else { return };
        let Some(task) = self.tasks.get_mut(task_id) else {
            self.change(task_id, ChangeKind::Stranger(state));
            if !state.is_terminal() && state != TaskState::TaskUnknown {
                self.kill_ghost(task_id, status.agent_id.clone());
            }
            return;
        };
        let known = task.state;
        // An agent repeats what was not acknowledged in time. That the task lives may be told twice, but
        // the end of an earlier launch must not end the next one.
        let uuid = status.uuid.as_ref().filter(|uuid| state.is_terminal() && !uuid.is_empty());
        if known == State::Pending || (uuid.is_some() && uuid == task.ended_by.as_ref()) {
            return;
        }
        if uuid.is_some() {
            task.ended_by = uuid.cloned();
        }
        if is_answer_to_a_repeated_launch(status) && (known != State::Launching || task.is_doubtful) {
            // The master says it of the call, not of the task that bears the id: ask what is true.
            self.reconcile(now, &[task_id.to_owned()]);
            return;
        }
        if state == TaskState::TaskUnknown && known != State::Killing {
            self.is_unknown(now, task_id);
            return;
        }
        self.reconciliation.answered(task_id);
        self.timers.stop(&Timer::Lost(task_id.to_owned()));
        match state {
            TaskState::TaskStaging => {}
            TaskState::TaskStarting => self.has_started(task_id),
            TaskState::TaskRunning => self.runs(task_id, status),
            TaskState::TaskKilling => {
                if known != State::Killing {
                    self.set_state(task_id, State::Killing);
                }
            }
            TaskState::TaskUnreachable => self.is_unreachable(task_id),
            TaskState::TaskDropped if known == State::Launching => self.back_to_waiting(task_id),
            TaskState::TaskLost | TaskState::TaskGone
                if known == State::Launching && was_never_launched(status) =>
            {
                self.back_to_waiting(task_id);
            }
            TaskState::TaskFinished
            | TaskState::TaskFailed
            | TaskState::TaskKilled
            | TaskState::TaskError
            | TaskState::TaskLost
            | TaskState::TaskDropped
            | TaskState::TaskGone
            | TaskState::TaskGoneByOperator
            | TaskState::TaskUnknown => self.has_ended(now, task_id, state, status),
        }
    }

    fn set_state(&mut self, task_id: &str, state: State) {
        if let Some(task) = self.tasks.get_mut(task_id) {
            task.state = state;
        }
    }

    fn has_started(&mut self, task_id: &str) {
        if self.tasks.get(task_id).is_some_and(|task| task.state == State::Launching) {
            self.set_state(task_id, State::Starting);
            self.change(task_id, ChangeKind::Stage(Stage::Starting));
        }
    }

    fn runs(&mut self, task_id: &str, status: &v1::TaskStatus) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        match task.state {
            // Also said again for health and checks, and by reconciliation.
            State::Running | State::Killing | State::Pending => return,
            State::Unreachable => {
                task.state = State::Running;
                if task.answered {
                    self.change(task_id, ChangeKind::Reachable);
                    return;
                }
            }
            State::Launching | State::Starting => task.state = State::Running,
        }
        let Some(placement) = task.placement.clone() else { return };
        task.answered = true;
        let executor_id = status.executor_id.clone().unwrap_or_else(|| v1::ExecutorId::new(task_id));
        let running = Running { placement, executor_id, container_ip: container_ip(status) };
        self.timers.stop(&Timer::Launch(task_id.to_owned()));
        self.change(task_id, ChangeKind::Stage(Stage::Running));
        self.change(task_id, ChangeKind::Running(Box::new(running)));
    }

    pub(super) fn is_unreachable(&mut self, task_id: &str) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        match task.state {
            // A kill goes on; it is repeated until the agent is back or gone.
            State::Killing | State::Unreachable | State::Pending => {}
            State::Launching | State::Starting | State::Running => {
                task.state = State::Unreachable;
                self.change(task_id, ChangeKind::Unreachable);
            }
        }
    }

    fn has_ended(&mut self, now: Instant, task_id: &str, state: TaskState, status: &v1::TaskStatus) {
        let Some(task) = self.tasks.get(task_id) else { return };
        let placement = task.placement.as_ref();
        if let Some(placement) = placement.filter(|_| status.message() == DOCKER_RUN_REFUSED) {
            for port in &placement.host_ports {
                self.ports.failed(now, &placement.agent_id.value, u64::from(*port));
            }
        }
        let end = TaskEnd {
            state,
            // Zero is a reason and a source of its own, so presence is what counts.
            reason: status.known_reason(),
            source: status.known_source(),
            message: status.message().to_owned(),
        };
        self.end(task_id, end);
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
        Some(Reason::TaskInvalid) => status.message().starts_with("Task has duplicate ID"),
        _ => false,
    }
}

/// Whether an update of a task that was only just sent says that it never came to an agent.
fn was_never_launched(status: &v1::TaskStatus) -> bool {
    matches!(status.known_reason(), Some(Reason::InvalidOffers | Reason::Reconciliation))
}

fn container_ip(status: &v1::TaskStatus) -> Option<String> {
    let networks = &status.container_status.as_ref()?.network_infos;
    let mut addresses = networks.iter().flat_map(|network| &network.ip_addresses);
    addresses.find_map(|address| address.ip_address.clone())
}
