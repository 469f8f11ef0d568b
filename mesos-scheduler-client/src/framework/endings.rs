//! How tasks leave: deadlines, kills, questions to the master, the last word.

use std::time::{Duration, Instant};

use mesos_proto::v1;

use super::{ChangeKind, Connection, FrameworkCore, LaunchFailure, Stage, State, TaskEnd, timers::Timer};
use crate::{calls, deadline::after};

/// Given up tasks that are remembered.
const MAX_GHOSTS: usize = 1000;

impl FrameworkCore {
    // Kills and deadlines.

    pub(super) fn launch_timed_out(&mut self, now: Instant, task_id: &str) {
        let Some(task) = self.tasks.get(task_id) else { return };
        let stage = match task.state {
            State::Pending => Stage::WaitingForOffer,
            State::Launching => Stage::Staging,
            State::Starting => Stage::Starting,
            State::Running | State::Killing | State::Unreachable => {
                if task.answered {
                    return;
                }
                Stage::Staging
            }
        };
        let failure = LaunchFailure::Deadline {
            stage,
            placement: task.placement.clone(),
            why: task.why.clone().with_connection(self.connection_trouble()),
        };
        self.fail_launch(task_id, failure);
        if stage == Stage::WaitingForOffer {
            self.forget(task_id);
        } else {
            self.begin_kill(now, task_id);
        }
    }

    pub(super) fn begin_kill(&mut self, now: Instant, task_id: &str) {
        if let Some(task) = self.tasks.get_mut(task_id) {
            task.state = State::Killing;
            self.send_kill(now, task_id);
        }
    }

    /// KILL is not delivered for certain, so it is repeated until the task is gone.
    pub(super) fn send_kill(&mut self, now: Instant, task_id: &str) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        let Some(placement) = &task.placement else { return };
        if !matches!(self.connection, Connection::Subscribed) {
            return;
        }
        self.timers.set(Timer::Kill(task_id.to_owned()), after(now, task.kill_repeat));
        task.kill_repeat = (task.kill_repeat * 2).min(Duration::from_secs(60));
        let grace_period = v1::DurationInfo { nanoseconds: nanoseconds(task.spec.kill_grace_period) };
        let call = calls::kill(
            v1::TaskId::new(task_id),
            Some(placement.agent_id.clone()),
            Some(v1::KillPolicy { grace_period: Some(grace_period) }),
        );
        self.push_call(call);
    }

    // Reconciliation.

    pub(super) fn reconcile_known(&mut self, now: Instant) {
        let launched = self.tasks.iter().filter_map(|(task_id, task)| {
            let placement = task.placement.as_ref()?;
            Some((task_id.clone(), placement.agent_id.clone()))
        });
        self.reconciliation.start(launched);
        self.reconcile_round(now);
    }

    /// Asks for tasks whose state is in doubt.
    pub(super) fn reconcile(&mut self, now: Instant, task_ids: &[String]) {
        let mut is_asking = false;
        for task_id in task_ids {
            let placement = self.tasks.get(task_id).and_then(|task| task.placement.as_ref());
            if let Some(placement) = placement {
                self.reconciliation.add(task_id.clone(), placement.agent_id.clone());
                is_asking = true;
            }
        }
        if is_asking {
            self.reconcile_round(now);
        }
    }

    /// The master does not know a task that has been on an agent. That may be so because the master is
    /// new and the agent has not come back to it, so it is asked again for some time.
    pub(super) fn is_unknown(&mut self, now: Instant, task_id: &str) {
        let Some(task) = self.tasks.get(task_id) else { return };
        let Some(placement) = &task.placement else { return };
        self.reconciliation.keep(task_id.to_owned(), placement.agent_id.clone());
        if !self.timers.is_set(&Timer::Reconcile) {
            self.timers.set(Timer::Reconcile, after(now, Duration::from_secs(1)));
        }
        let lost = Timer::Lost(task_id.to_owned());
        if !self.timers.is_set(&lost) {
            self.timers.set(lost, after(now, self.policy.unknown_grace));
        }
        self.is_unreachable(task_id);
    }

    /// The master has not known a task for too long.
    pub(super) fn give_up(&mut self, task_id: &str) {
        let end = TaskEnd {
            state: v1::TaskState::TaskUnknown,
            reason: None,
            source: None,
            message: "the master has not known it for too long".to_owned(),
        };
        self.end(task_id, end);
    }

    /// Something runs that was given up: it is killed. Other strangers are not ours to judge.
    pub(super) fn kill_ghost(&mut self, task_id: &str, agent_id: Option<v1::AgentId>) {
        if self.ghosts.iter().any(|ghost| ghost == task_id) {
            self.push_call(calls::kill(v1::TaskId::new(task_id), agent_id, None));
        }
    }

    pub(super) fn reconcile_round(&mut self, now: Instant) {
        if !matches!(self.connection, Connection::Subscribed) {
            return;
        }
        let Some((rounds, pause)) = self.reconciliation.next_round() else { return };
        for reconcile in rounds {
            self.push_call(calls::reconcile(reconcile.tasks));
        }
        self.timers.set(Timer::Reconcile, after(now, pause));
    }

    // Tasks.

    /// A task that never reached an agent waits for another offer.
    pub(super) fn back_to_waiting(&mut self, task_id: &str) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        match task.state {
            State::Launching => {
                task.state = State::Pending;
                task.placement = None;
                task.launched_by = None;
                self.waiting.insert(task.sequence, task_id.to_owned());
                self.reconciliation.answered(task_id);
                self.change(task_id, ChangeKind::Stage(Stage::WaitingForOffer));
                self.new_work();
            }
            State::Killing => {
                let end = TaskEnd {
                    state: v1::TaskState::TaskDropped,
                    reason: None,
                    source: None,
                    message: "it never reached an agent".to_owned(),
                };
                self.end(task_id, end);
            }
            State::Pending | State::Starting | State::Running | State::Unreachable => {}
        }
    }

    /// Answers the submission with a failure, unless it was answered.
    pub(super) fn fail_launch(&mut self, task_id: &str, failure: LaunchFailure) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        if !std::mem::replace(&mut task.answered, true) {
            self.timers.stop(&Timer::Launch(task_id.to_owned()));
            self.change(task_id, ChangeKind::LaunchFailed(Box::new(failure)));
        }
    }

    /// A task ended: answers its submission if need be, and forgets it.
    pub(super) fn end(&mut self, task_id: &str, end: TaskEnd) {
        let Some(task) = self.tasks.get(task_id) else { return };
        if may_come_back(end.state) {
            if self.ghosts.len() == MAX_GHOSTS {
                self.ghosts.pop_front();
            }
            self.ghosts.push_back(task_id.to_owned());
        }
        let failure = LaunchFailure::Ended { placement: task.placement.clone(), end: end.clone() };
        self.fail_launch(task_id, failure);
        self.remove(task_id, end);
    }

    pub(super) fn remove(&mut self, task_id: &str, end: TaskEnd) {
        self.forget(task_id);
        self.change(task_id, ChangeKind::Ended(end));
    }

    pub(super) fn forget(&mut self, task_id: &str) {
        if let Some(task) = self.tasks.remove(task_id) {
            self.waiting.remove(&task.sequence);
        }
        self.reconciliation.answered(task_id);
        self.timers.stop(&Timer::Launch(task_id.to_owned()));
        self.timers.stop(&Timer::Kill(task_id.to_owned()));
        self.timers.stop(&Timer::Lost(task_id.to_owned()));
    }
}

/// Whether a task in this state, though counted as ended, may turn up alive.
fn may_come_back(state: v1::TaskState) -> bool {
    use v1::TaskState;
    match state {
        TaskState::TaskLost | TaskState::TaskUnknown | TaskState::TaskGoneByOperator => true,
        TaskState::TaskStaging
        | TaskState::TaskStarting
        | TaskState::TaskRunning
        | TaskState::TaskKilling
        | TaskState::TaskFinished
        | TaskState::TaskFailed
        | TaskState::TaskKilled
        | TaskState::TaskError
        | TaskState::TaskDropped
        | TaskState::TaskUnreachable
        | TaskState::TaskGone => false,
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
