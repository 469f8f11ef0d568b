//! What the framework core tells about tasks.

use mesos_proto::v1;

use super::outcome::{LaunchFailure, Recovered, Running, Stage, TaskEnd};

/// Something that happened to a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which task, by the id that it was submitted with.
    pub task_id: String,
    /// What happened.
    pub kind: ChangeKind,
}

/// The things that happen to tasks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The launch came further, or fell back to waiting for an offer.
    Stage(Stage),
    /// The task runs: the one good answer to a submission.
    Running(Box<Running>),
    /// The task does not run: the one bad answer to a submission. If it was sent to an agent, its kill is
    /// under way and [`ChangeKind::Ended`] follows.
    LaunchFailed(Box<LaunchFailure>),
    /// A task of an earlier life was taken over.
    Recovered(Box<Recovered>),
    /// Its agent does not answer; it may come back.
    Unreachable,
    /// Its agent answers again.
    Reachable,
    /// A health check said something new.
    Health {
        /// Whether the task is healthy.
        healthy: bool,
    },
    /// The operator wants its agent back: the task should go elsewhere before that. No new tasks go there.
    Maintenance(Box<v1::Unavailability>),
    /// The task is gone. Told once for every task that was sent to an agent, and for killed ones; not for one that fell
    /// back to waiting for an offer and then failed.
    Ended(TaskEnd),
    /// An update of a task that was never submitted here, or has ended.
    Stranger(v1::TaskState),
}
