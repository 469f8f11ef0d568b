//! The user of the framework: what was asked for, and what was told about it.

use std::collections::{BTreeMap, BTreeSet};

use mesos_proto::v1::TaskState;
use mesos_scheduler_client::{Change, ChangeKind, Placement};

use crate::invariant::{Checked, Invariant, broken};

/// What one life of the scheduler told about the tasks that were submitted to it or adopted by it.
#[derive(Debug, Default)]
pub(crate) struct User {
    submissions: BTreeMap<String, Submission>,
    /// Ids that were submitted in any life.
    pub(crate) all: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Submission {
    answer: Option<&'static str>,
    end: Option<TaskState>,
    /// It must end: it was killed, or did not run in time.
    is_doomed: bool,
}

impl User {
    /// A new life of the scheduler: answers that are owed will never come.
    pub(crate) fn forget(&mut self) {
        self.submissions.clear();
    }

    pub(crate) fn submit(&mut self, id: &str) {
        self.all.insert(id.to_owned());
        self.submissions.insert(id.to_owned(), Submission::default());
    }

    /// Takes what is told. Gives the placement of a task that is told to run.
    pub(crate) fn hear(&mut self, change: Change) -> Result<Heard, crate::invariant::Violation> {
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
                answer(&id, submission, "runs")?;
                Ok(Heard::Runs(id, running.placement))
            }
            ChangeKind::LaunchFailed(_) => {
                answer(&id, submission, "failed")?;
                self.doom(&id);
                Ok(Heard::Nothing)
            }
            ChangeKind::Ended(end) => {
                let adopted = || Submission { answer: Some("adopted"), ..Submission::default() };
                self.submissions.entry(id.clone()).or_insert_with(adopted).end = Some(end.state);
                Ok(Heard::Ended(id, end.state))
            }
            _ => Ok(Heard::Nothing),
        }
    }

    /// This task is to end.
    pub(crate) fn doom(&mut self, id: &str) {
        if let Some(submission) = self.submissions.get_mut(id) {
            submission.is_doomed = true;
        }
    }

    /// Whether this task is to end, if it has not.
    pub(crate) fn is_doomed(&self, id: &str) -> bool {
        self.submissions.get(id).is_some_and(|submission| submission.is_doomed)
    }

    /// Submissions of this life that have no answer.
    pub(crate) fn unanswered(&self) -> Option<&str> {
        let mut unanswered = self.submissions.iter().filter(|(_, submission)| submission.answer.is_none());
        unanswered.next().map(|(id, _)| id.as_str())
    }
}

/// What of it can be compared with the truth.
#[derive(Debug)]
pub(crate) enum Heard {
    Nothing,
    Runs(String, Placement),
    Ended(String, TaskState),
}

fn answer(id: &str, submission: Option<&mut Submission>, how: &'static str) -> Checked {
    // One of an earlier life was adopted, and nobody waits for it.
    let Some(submission) = submission else { return Ok(()) };
    match submission.answer.replace(how) {
        Some(before) => {
            broken(Invariant::OneOutcome, format!("{id} is answered with '{how}' after '{before}'"))
        }
        None => Ok(()),
    }
}
