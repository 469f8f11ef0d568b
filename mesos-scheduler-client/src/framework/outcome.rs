//! What became of a task: where it runs, or why it does not.

use std::fmt;

use mesos_proto::v1;

use super::{cause::Cause, report::WhyNot};
use crate::url::{HttpUrl, UrlError};

/// How far a launch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No offer fits yet.
    WaitingForOffer,
    /// Sent to the master; the agent prepares the container.
    Staging,
    /// The executor has the task.
    Starting,
    /// The task runs.
    Running,
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::WaitingForOffer => "waiting for an offer",
            Self::Staging => "staging",
            Self::Starting => "starting",
            Self::Running => "running",
        })
    }
}

/// Where a task was placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// The id that Mesos knows the task by: that of its spec, or one with `.r2`, `.r3`, … behind it if it had to be
    /// launched again after an agent had seen it.
    pub task_id: v1::TaskId,
    /// The framework that the offer was made to.
    pub framework_id: v1::FrameworkId,
    /// The agent.
    pub agent_id: v1::AgentId,
    /// Its host name, as the offer had it. Empty if it is not known, after a recovery.
    pub hostname: String,
    /// The base of its API, if the offer had a usable one.
    pub agent_url: Result<HttpUrl, UrlError>,
    /// Ports of the host, in the order of [`TaskSpec::ports`](super::TaskSpec::ports); ascending after a recovery.
    pub host_ports: Vec<u16>,
}

/// A task that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// Where it was placed.
    pub placement: Placement,
    /// The id of its executor, which names its sandbox.
    pub executor_id: v1::ExecutorId,
    /// The address of the container as the agent sees it, if the update had one.
    pub container_ip: Option<String>,
}

/// A task of an earlier life of the framework that was taken over.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recovered {
    /// Where it runs. The address of the container is there if the master knows it.
    pub running: Running,
    /// Its name.
    pub name: String,
    /// Its labels, as they were submitted.
    pub labels: Vec<v1::Label>,
    /// What it uses.
    pub resources: Vec<v1::Resource>,
    /// Its state as the master had it.
    pub state: v1::TaskState,
}

/// The end of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskEnd {
    /// The last state. [`v1::TaskState::TaskUnknown`] if the master knows nothing of the task.
    pub state: v1::TaskState,
    /// Why, if the update said so.
    pub reason: Option<v1::task_status::Reason>,
    /// Who said so.
    pub source: Option<v1::task_status::Source>,
    /// In words, as Mesos puts it; may be empty.
    pub message: String,
    /// What the last health check said, if there was one.
    pub healthy: Option<bool>,
}

impl TaskEnd {
    /// An end that no update told.
    pub(crate) fn untold(state: v1::TaskState, message: impl Into<String>) -> Self {
        Self { state, reason: None, source: None, message: message.into(), healthy: None }
    }

    pub(super) fn of(state: v1::TaskState, status: &v1::TaskStatus) -> Self {
        Self {
            state,
            // Zero is a reason and a source of its own, so presence is what counts.
            reason: status.known_reason(),
            source: status.known_source(),
            message: status.message().to_owned(),
            healthy: status.healthy,
        }
    }

    /// What kind of end it is.
    pub fn cause(&self) -> Cause {
        Cause::of(self)
    }
}

impl fmt::Display for TaskEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.state.as_str_name())?;
        if let Some(reason) = self.reason {
            write!(formatter, " ({})", reason.as_str_name())?;
        }
        if !self.message.is_empty() {
            write!(formatter, ": {}", self.message)?;
        }
        Ok(())
    }
}

/// Why a submitted task does not run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LaunchFailure {
    /// The launch timeout passed without an offer that could carry it.
    NoCapacity {
        /// Which offers there were, and what they failed on; or what the connection was like.
        why: WhyNot,
    },
    /// The launch timeout passed after it was sent to an agent. It is being killed.
    Deadline {
        /// How far it had come.
        stage: Stage,
        /// Where it had been placed.
        placement: Option<Placement>,
        /// What the connection was like.
        why: WhyNot,
    },
    /// The task ended before it ran.
    Ended {
        /// Where it had been placed.
        placement: Option<Placement>,
        /// How it ended.
        end: TaskEnd,
    },
    /// It was killed before it ran.
    Cancelled,
    /// A task of this id is known already.
    DuplicateId,
    /// No master could accept it.
    Invalid {
        /// What is wrong, with the offending text.
        why: String,
    },
    /// The framework is being drained and takes no new tasks.
    Draining,
    /// The subscription is over for good.
    Closed {
        /// Why.
        why: String,
    },
}

impl LaunchFailure {
    /// Whether the same task, under another id, may run if it is submitted again without a change.
    ///
    /// ```
    /// use mesos_scheduler_client::LaunchFailure;
    ///
    /// assert!(!LaunchFailure::Invalid { why: "no resources".into() }.can_retry());
    /// assert!(LaunchFailure::NoCapacity { why: Default::default() }.can_retry());
    /// ```
    pub fn can_retry(&self) -> bool {
        match self {
            // Others give resources back, agents come, masters are elected.
            Self::NoCapacity { .. } | Self::Deadline { .. } => true,
            Self::Ended { end, .. } => end.cause().can_retry(),
            Self::Cancelled
            | Self::DuplicateId
            | Self::Invalid { .. }
            | Self::Draining
            | Self::Closed { .. } => false,
        }
    }
}

impl fmt::Display for LaunchFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCapacity { why } => write!(formatter, "no offer could be used in time: {why}"),
            Self::Deadline { stage, placement, why } => {
                write!(formatter, "the task was still {stage}")?;
                if let Some(placement) = placement {
                    write!(formatter, " on {}", placement.hostname)?;
                }
                write!(formatter, " when its launch timeout passed")?;
                if let Some(connection) = why.connection_trouble() {
                    write!(formatter, "; {connection}")?;
                }
                Ok(())
            }
            Self::Ended { placement, end } => {
                write!(formatter, "the task ended before it ran")?;
                if let Some(placement) = placement {
                    write!(formatter, " on {}", placement.hostname)?;
                }
                write!(formatter, ": {end}")
            }
            Self::Cancelled => formatter.write_str("the task was killed before it ran"),
            Self::DuplicateId => formatter.write_str("a task of this id was submitted before"),
            Self::Invalid { why } => formatter.write_str(why),
            Self::Draining => formatter.write_str("the framework is being drained and takes no new tasks"),
            Self::Closed { why } => write!(formatter, "the framework is closed: {why}"),
        }
    }
}

impl std::error::Error for LaunchFailure {}
