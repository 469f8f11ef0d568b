//! What a caller wants to run, and what became of it.

use std::{fmt, sync::Arc, time::Duration};

use mesos_proto::v1;

use super::report::WhyNot;
use crate::url::{HttpUrl, UrlError};

/// Says whether an offer may carry a task, and if not, why. Called for every offer that is considered,
/// so it should be cheap; it must not depend on anything but the offer.
pub type Eligibility = Arc<dyn Fn(&v1::Offer) -> Result<(), String> + Send + Sync>;

/// A task to run: what it needs, where it may run, and how Mesos is told about it.
#[derive(Clone)]
pub struct TaskSpec {
    /// Unique among all tasks that this framework ever launched; 1 to 255 characters without `/` or `\`.
    pub id: String,
    /// Thousandths of a cpu.
    pub cpus_milli: i64,
    /// Memory in MiB.
    pub mem_mib: i64,
    /// Disk in MiB; 0 asks for none.
    pub disk_mib: i64,
    /// Ports of the host that the task wants, any free ones. For a Docker container in a bridge or user
    /// network each is mapped to its container port; every task finds them in its environment as
    /// `PORT0`, `PORT1`, ….
    pub ports: Vec<PortRequest>,
    /// Which offers may carry it; all if absent.
    pub eligibility: Option<Eligibility>,
    /// The rest of the description: name, command, container, labels, health check. Id, agent,
    /// resources and host ports are filled in when an offer is chosen.
    pub template: v1::TaskInfo,
    /// How long the task may take from submission until it runs.
    pub launch_timeout: Duration,
    /// Time between the gentle and the forced signal of a kill.
    pub kill_grace_period: Duration,
}

/// A port of the host that leads to a port of the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRequest {
    /// The port that the program in the container listens on.
    pub container_port: u16,
}

impl TaskSpec {
    /// A task with no ports, no disk, no rules about offers, one minute to start and 3 s to die.
    pub fn new(id: impl Into<String>, cpus_milli: i64, mem_mib: i64, template: v1::TaskInfo) -> Self {
        Self {
            id: id.into(),
            cpus_milli,
            mem_mib,
            disk_mib: 0,
            ports: Vec::new(),
            eligibility: None,
            template,
            launch_timeout: Duration::from_secs(60),
            kill_grace_period: Duration::from_secs(3),
        }
    }
}

impl fmt::Debug for TaskSpec {
    /// Leaves the template out: its environment may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskSpec")
            .field("id", &self.id)
            .field("cpus_milli", &self.cpus_milli)
            .field("mem_mib", &self.mem_mib)
            .field("disk_mib", &self.disk_mib)
            .field("ports", &self.ports)
            .field("launch_timeout", &self.launch_timeout)
            .finish_non_exhaustive()
    }
}

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
    /// The framework that the offer was made to.
    pub framework_id: v1::FrameworkId,
    /// The agent.
    pub agent_id: v1::AgentId,
    /// Its host name, as the offer had it.
    pub hostname: String,
    /// The base of its API, if the offer had a usable one.
    pub agent_url: Result<HttpUrl, UrlError>,
    /// Ports of the host, in the order of [`TaskSpec::ports`].
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

/// The end of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEnd {
    /// The last state. [`v1::TaskState::TaskUnknown`] if the master knows nothing of the task.
    pub state: v1::TaskState,
    /// Why, if the update said so.
    pub reason: Option<v1::task_status::Reason>,
    /// Who said so.
    pub source: Option<v1::task_status::Source>,
    /// In words, as Mesos puts it; may be empty.
    pub message: String,
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
    /// The launch timeout passed.
    Deadline {
        /// How far it had come.
        stage: Stage,
        /// Where it had been placed, unless it was waiting for an offer.
        placement: Option<Placement>,
        /// Why no offer was used, or what the connection was like.
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
    /// The subscription is over for good.
    Closed {
        /// Why.
        why: String,
    },
}

impl fmt::Display for LaunchFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { stage: Stage::WaitingForOffer, why, .. } => {
                write!(formatter, "no offer could be used in time: {why}")
            }
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
            Self::Closed { why } => write!(formatter, "the framework is closed: {why}"),
        }
    }
}

impl std::error::Error for LaunchFailure {}
