//! How tasks leave: deadlines, kills, questions to the master, the last word.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mesos_proto::v1;

use super::{
    ChangeKind, FrameworkCore, LaunchFailure, Stage, TaskEnd, TaskPhase, WhyNot, launches::kill_policy,
    task::Placed, timers::Timer,
};
use crate::{calls, deadline::after, mutation::Mutation};

/// The longest pause between two KILLs of a task.
const LONGEST_KILL_PAUSE: Duration = Duration::from_secs(60);

/// How long a master may take to name every task that it has.
const TIME_TO_NAME_ALL: Duration = Duration::from_secs(10);

/// The shortest time between two questions for tasks that came into doubt.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(50);

impl FrameworkCore {
    // Kills and deadlines.

    pub(super) fn launch_timed_out(&mut self, now: Instant, task_id: &Arc<str>) {
        let Some(task) = self.tasks.get(task_id) else { return };
        let stage = match task.state {
            TaskPhase::Pending => {
                let why = self.why_pending(task_id).unwrap_or_default();
                self.fail_launch(task_id, LaunchFailure::NoCapacity { why });
                self.forget(task_id);
                return;
            }
            TaskPhase::Launching => Stage::Staging,
            TaskPhase::Starting => Stage::Starting,
            TaskPhase::Running | TaskPhase::Killing | TaskPhase::Unreachable => {
                if task.answered {
                    return;
                }
                Stage::Staging
            }
        };
        let failure = LaunchFailure::Deadline {
            stage,
            placement: task.placement(task_id),
            why: WhyNot::default().with_connection(self.connection_trouble()),
        };
        self.fail_launch(task_id, failure);
        self.begin_kill(now, task_id);
    }

    pub(super) fn begin_kill(&mut self, now: Instant, task_id: &Arc<str>) {
        self.with_task(task_id, |task| task.state = TaskPhase::Killing);
        self.send_kill(now, task_id);
    }

    /// KILL is not delivered for certain, so it is repeated until the task is gone.
    pub(super) fn send_kill(&mut self, now: Instant, task_id: &Arc<str>) {
        if !self.is_subscribed() {
            return;
        }
        let wire_id = self.tasks.wire_id(task_id);
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        let Some(Placed { agent, .. }) = &task.placed else { return };
        let pause = self.policy.kill_repeat.saturating_mul(1 << task.kills.min(16));
        if self.mutations.has(Mutation::KillOnce) && task.kills > 0 {
            return;
        }
        task.kills = task.kills.saturating_add(1);
        self.timers.set(
            Timer::Kill(task_id.clone()),
            after(now, pause.min(LONGEST_KILL_PAUSE.max(self.policy.kill_repeat))),
        );
        let policy = task.grace_period.map(kill_policy);
        let call = calls::kill(v1::TaskId::new(&*wire_id), Some(agent.id.clone()), policy);
        self.push_call(call);
    }

    // Reconciliation.

    pub(super) fn reconcile_known(&mut self, now: Instant) {
        self.doubt_known();
        self.reconcile_round(now);
    }

    /// Asks the master for everything: it names the tasks that it has. Of those that it has not it says nothing, so what it
    /// does not name is asked for by name.
    pub(super) fn reconcile_all(&mut self, now: Instant) {
        self.push_call(calls::reconcile(Vec::new()));
        self.timers.set(Timer::ReconcileAll, after(now, self.policy.reconcile_all));
        self.doubt_known();
        if !self.timers.is_set(&Timer::Reconcile) {
            self.timers.set(Timer::Reconcile, after(now, TIME_TO_NAME_ALL));
        }
    }

    fn doubt_known(&mut self) {
        let launched = self.tasks.iter().filter_map(|(task_id, task)| {
            let placed = task.placed.as_ref()?;
            let wire_id = task.wire_id.as_ref().unwrap_or(task_id);
            Some((wire_id.clone(), placed.agent.clone()))
        });
        if !self.mutations.has(Mutation::SkipReconciliation) {
            self.reconciliation.start(launched);
        }
    }

    /// Asks for tasks whose state is in doubt.
    pub(super) fn reconcile(&mut self, task_ids: &[Arc<str>]) {
        for task_id in task_ids {
            let wire_id = self.tasks.wire_id(task_id);
            let placed = self.tasks.get(task_id).and_then(|task| task.placed.as_ref());
            if let Some(placed) = placed {
                self.reconciliation.add(wire_id, placed.agent.clone());
                self.is_question_due = true;
            }
        }
    }

    /// Asks for what came into doubt, but not in one call for each of many doubts.
    pub(super) fn ask_for_doubtful(&mut self, now: Instant) {
        let earliest = self.asked_at.map(|asked_at| after(asked_at, BETWEEN_QUESTIONS));
        match earliest.filter(|earliest| *earliest > now) {
            None => self.reconcile_round(now),
            Some(earliest) => self.timers.set(Timer::Reconcile, earliest),
        }
    }

    /// The master does not know a task that has been on an agent. That may be so because the master is
    /// new and the agent has not come back to it, so it is asked again for some time.
    pub(super) fn is_unknown(&mut self, now: Instant, task_id: &Arc<str>) {
        let wire_id = self.tasks.wire_id(task_id);
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        let Some(placed) = &task.placed else { return };
        self.reconciliation.keep(wire_id, placed.agent.clone());
        if !self.timers.is_set(&Timer::Reconcile) {
            self.timers.set(Timer::Reconcile, after(now, Duration::from_secs(1)));
        }
        if !std::mem::replace(&mut task.is_unknown, true) {
            self.timers.set(Timer::Lost(task_id.clone()), after(now, self.policy.unknown_grace));
        }
        self.is_unreachable(task_id);
    }

    /// The master has not known a task for too long.
    pub(super) fn give_up(&mut self, task_id: &Arc<str>) {
        let end = TaskEnd::untold(v1::TaskState::TaskUnknown, "the master has not known it for too long");
        self.end(task_id, end);
    }

    pub(super) fn reconcile_round(&mut self, now: Instant) {
        if !self.is_subscribed() {
            return;
        }
        let Some((reconcile, pause)) = self.reconciliation.next_call() else { return };
        self.push_call(calls::reconcile(reconcile.tasks));
        self.asked_at = Some(now);
        self.timers.set(Timer::Reconcile, after(now, pause));
    }

    // Tasks.

    /// A task that never reached an agent waits for another offer.
    pub(super) fn back_to_waiting(&mut self, task_id: &Arc<str>) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        match task.state {
            TaskPhase::Launching | TaskPhase::Starting => {
                task.state = TaskPhase::Pending;
                task.placed = None;
                task.is_doubtful = false;
                if let Some(launch) = &mut task.launch {
                    launch.launched_by = None;
                }
                let wire_id = self.tasks.wire_id(task_id);
                self.reconciliation.answered(&wire_id);
                if self.is_draining {
                    self.fail_launch(task_id, LaunchFailure::Draining);
                    self.forget(task_id);
                } else {
                    self.wait(task_id);
                }
            }
            TaskPhase::Killing => {
                let end = TaskEnd::untold(v1::TaskState::TaskDropped, "it never reached an agent");
                self.end(task_id, end);
            }
            TaskPhase::Pending | TaskPhase::Running | TaskPhase::Unreachable => {}
        }
    }

    /// Answers the submission with a failure, unless it was answered.
    pub(super) fn fail_launch(&mut self, task_id: &Arc<str>, failure: LaunchFailure) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        if !std::mem::replace(&mut task.answered, true) {
            self.timers.stop(&Timer::Launch(task_id.clone()));
            self.change(task_id, ChangeKind::LaunchFailed(Box::new(failure)));
        }
    }

    /// A task ended: answers its submission if need be, and forgets it.
    pub(super) fn end(&mut self, task_id: &Arc<str>, end: TaskEnd) {
        let wire_id = self.tasks.wire_id(task_id);
        let Some(task) = self.tasks.get(task_id) else { return };
        // An ACCEPT of unknown outcome may still arrive.
        if end.state.may_come_back() || task.is_doubtful {
            self.tasks.remember_ghost(wire_id.clone());
        }
        self.tasks.remember_end(wire_id);
        if let Some(task) = self.tasks.get(task_id) {
            let failure = LaunchFailure::Ended { placement: task.placement(task_id), end: end.clone() };
            self.fail_launch(task_id, failure);
        }
        self.remove(task_id, end);
    }

    pub(super) fn remove(&mut self, task_id: &Arc<str>, end: TaskEnd) {
        self.forget(task_id);
        self.change(task_id, ChangeKind::Ended(end));
    }

    pub(super) fn forget(&mut self, task_id: &Arc<str>) {
        let wire_id = self.tasks.wire_id(task_id);
        let Some(task) = self.tasks.remove(task_id) else { return };
        if let Some(class) = task.launch.as_ref().and_then(|launch| launch.class) {
            self.leave_queue(class, task.rank);
        }
        self.reconciliation.answered(&wire_id);
        if !task.answered {
            self.timers.stop(&Timer::Launch(task_id.clone()));
        }
        if task.kills > 0 {
            self.timers.stop(&Timer::Kill(task_id.clone()));
        }
        if task.is_unknown {
            self.timers.stop(&Timer::Lost(task_id.clone()));
        }
    }
}
