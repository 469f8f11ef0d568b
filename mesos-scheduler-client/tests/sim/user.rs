//! The user of the framework: what was asked for, and what was told about it.

use std::collections::{BTreeMap, BTreeSet};

use mesos_proto::v1::{self, TaskState};
use mesos_scheduler_client::{Change, ChangeKind, Placement};

use crate::{
    agents::base,
    core::View,
    invariant::{Checked, Invariant, Violation, broken},
};

/// What one life of the scheduler told about the tasks that were submitted to it or adopted by it.
#[derive(Debug, Default)]
pub(crate) struct User {
    submissions: BTreeMap<String, Submission>,
    /// Tasks that are to end: they were killed, or did not run in time.
    doomed: BTreeSet<String>,
    /// Live tasks that the master told when the scheduler came back, by what Mesos calls them.
    recovered: BTreeSet<String>,
    /// Whether the master has told all tasks.
    is_recovered: bool,
    /// KILLs of the present step.
    kills: Vec<String>,
}

#[derive(Debug, Default)]
struct Submission {
    answer: Option<&'static str>,
    end: Option<TaskState>,
    /// What Mesos called it when it ran.
    wire_id: Option<String>,
}

/// What of it can be compared with the truth.
#[derive(Debug)]
pub(crate) enum Heard {
    Nothing,
    Runs(String, Placement),
    /// What Mesos called it, if it ever ran.
    Ended {
        id: String,
        wire_id: Option<String>,
        state: TaskState,
    },
}

impl User {
    /// A new life of the scheduler: answers that are owed will never come.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn submit(&mut self, id: &str) {
        self.submissions.insert(id.to_owned(), Submission::default());
    }

    /// This task is to end.
    pub(crate) fn doom(&mut self, id: &str) {
        self.doomed.insert(id.to_owned());
    }

    /// The master has told which tasks there are.
    pub(crate) fn recover(&mut self, tasks: &[v1::Task], is_complete: bool) {
        self.is_recovered |= is_complete;
        for task in tasks {
            let id = task.task_id.value.clone();
            match task.state() {
                TaskState::TaskKilling => self.doom(base(&id)),
                state if state.is_terminal() => {}
                _ => drop(self.recovered.insert(id)),
            }
        }
    }

    /// Takes what is told.
    pub(crate) fn hear(&mut self, change: Change) -> Result<Heard, Violation> {
        let Change { task_id: id, kind } = change;
        if matches!(kind, ChangeKind::Stranger(_)) {
            return Ok(Heard::Nothing);
        }
        let submission = self.submissions.get_mut(&id);
        if let Some(end) = submission.as_ref().and_then(|submission| submission.end) {
            broken(Invariant::TerminalIsFinal, format!("{id} ended as {end:?}, then came {kind:?}"))?;
        }
        match kind {
            ChangeKind::Running(running) => {
                // One of an earlier life was adopted, and nobody waits for it.
                if let Some(submission) = submission {
                    submission.wire_id = Some(running.placement.task_id.value.clone());
                    submission.answer(&id, "runs")?;
                }
                Ok(Heard::Runs(id, running.placement))
            }
            ChangeKind::LaunchFailed(_) => {
                if let Some(submission) = submission {
                    submission.answer(&id, "failed")?;
                }
                self.doom(&id);
                Ok(Heard::Nothing)
            }
            ChangeKind::Ended(end) => {
                let adopted = || Submission { answer: Some("adopted"), ..Submission::default() };
                let submission = self.submissions.entry(id.clone()).or_insert_with(adopted);
                submission.end = Some(end.state);
                let wire_id = submission.wire_id.clone();
                self.recovered.retain(|wire_id| base(wire_id) != id);
                if !end.state.is_terminal() && end.state != TaskState::TaskUnknown {
                    broken(Invariant::TerminalIsFinal, format!("{id} ended as {:?}", end.state))?;
                }
                Ok(Heard::Ended { id, wire_id, state: end.state })
            }
            _ => Ok(Heard::Nothing),
        }
    }

    /// A task is told to be killed by somebody else.
    pub(crate) fn hear_status(&mut self, status: &v1::TaskStatus) {
        if status.state() == TaskState::TaskKilling {
            self.doom(base(&status.task_id.value));
        }
    }

    /// The framework sends a KILL.
    pub(crate) fn kill(&mut self, wire_id: &str) {
        self.kills.push(wire_id.to_owned());
    }

    /// The framework has said all that it had to say: whether what it kills is to be killed.
    pub(crate) fn check_kills(&mut self, tasks: impl Fn() -> BTreeMap<String, View>) -> Checked {
        for wire_id in std::mem::take(&mut self.kills) {
            if self.doomed.contains(base(&wire_id)) {
                continue;
            }
            let tasks = tasks();
            let is_own = tasks.values().any(|task| task.wire_id.as_ref() == Some(&wire_id));
            if is_own {
                return broken(Invariant::KillsAreWished, format!("nobody wants {wire_id} to end"));
            }
            if self.recovered.contains(&wire_id) {
                let what = format!("{wire_id} was there before the scheduler, and is killed as a stranger");
                return broken(Invariant::KillsAreWished, what);
            }
            if !self.is_recovered && !self.submissions.contains_key(base(&wire_id)) {
                let what = format!("{wire_id} is killed before it is known whose it is");
                return broken(Invariant::KillsAreWished, what);
            }
        }
        Ok(())
    }

    /// Submissions of this life that have no answer.
    pub(crate) fn unanswered(&self) -> Option<&str> {
        let mut unanswered = self.submissions.iter().filter(|(_, submission)| submission.answer.is_none());
        unanswered.next().map(|(id, _)| id.as_str())
    }
}

impl Submission {
    fn answer(&mut self, id: &str, how: &'static str) -> Checked {
        match self.answer.replace(how) {
            Some(before) => {
                broken(Invariant::OneOutcome, format!("{id} is answered with '{how}' after '{before}'"))
            }
            None => Ok(()),
        }
    }
}
