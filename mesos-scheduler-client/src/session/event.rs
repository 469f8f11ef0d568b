//! What a session tells its owner.

use std::{fmt, time::Duration};

use mesos_proto::v1;

use super::DisconnectCause;

/// Something that happened to the subscription, or an event of Mesos. Events are told in the order in which
/// they happened; [`Event::Closed`] is the last one and told once.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A master accepted the subscription. Offers of earlier subscriptions are void.
    #[non_exhaustive]
    Subscribed {
        /// The id of the framework: the one given, or the one that the master chose.
        framework_id: v1::FrameworkId,
        /// What the master says of itself.
        master: Option<Box<v1::MasterInfo>>,
        /// The master that answered, `http://host:port`.
        url: String,
        /// Time between two heartbeats, as announced.
        heartbeat_interval: Duration,
    },
    /// Any other event of the stream but HEARTBEAT, of the subscription told last. Kinds that the schema
    /// does not know have no `type`: ignore them.
    Mesos(Box<v1::scheduler::Event>),
    /// The subscription was lost, or an attempt to subscribe failed; the next attempt follows by itself.
    #[non_exhaustive]
    Disconnected {
        /// The kind of what was seen.
        cause: DisconnectCause,
        /// What was tried and what was seen.
        why: String,
        /// Time until the next attempt; after [`DisconnectCause::Overflow`] the events before this one must have
        /// been taken, too.
        retry_in: Duration,
    },
    /// The session has ended.
    Closed(CloseReason),
}

/// Why a session ended for good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The framework was torn down as wished: its tasks are killed, its id is void.
    TornDown,
    /// A teardown was wished, but no master confirmed it: the framework may still exist.
    TeardownUnconfirmed {
        /// What was seen.
        why: String,
    },
    /// The owner closed the session. The master keeps the tasks for the `failover_timeout` of the framework.
    ClosedByUser,
    /// Another instance subscribed with the id of this framework. To subscribe again would evict that one.
    FailedOver,
    /// The master has removed this framework: its tasks are gone and its id is void.
    Removed {
        /// The words of the master.
        message: String,
    },
    /// The master refuses this framework as it describes itself.
    Refused {
        /// The words of the master.
        message: String,
    },
    /// The master wants credentials, or other ones.
    Unauthorized {
        /// The master that answered.
        url: String,
        /// The body of its answer.
        text: String,
    },
    /// There are no credentials to be had, and there will be none.
    NoCredentials {
        /// What was seen.
        why: String,
    },
    /// The master refuses the SUBSCRIBE request as such.
    Rejected {
        /// The master that answered.
        url: String,
        /// The HTTP status of its answer.
        status: u16,
        /// The body of its answer.
        text: String,
    },
    /// Who leads cannot be learned, because the credentials for asking are refused.
    Detection {
        /// What was asked and what was seen.
        why: String,
    },
}

impl CloseReason {
    /// Whether the owner wished it: closed or torn down.
    pub fn is_requested(&self) -> bool {
        matches!(self, Self::TornDown | Self::ClosedByUser)
    }

    /// Whether the framework does not exist any more: its tasks are gone and its id is void.
    pub fn is_framework_gone(&self) -> bool {
        matches!(self, Self::TornDown | Self::Removed { .. })
    }

    /// Whether the same attempt will fail again until somebody changes a configuration.
    pub fn is_misconfiguration(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::Unauthorized { .. } | Self::Rejected { .. } | Self::Detection { .. }
        )
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TornDown => write!(formatter, "the framework was torn down"),
            Self::TeardownUnconfirmed { why } => {
                write!(formatter, "the framework may still exist, its teardown was not confirmed: {why}")
            }
            Self::ClosedByUser => write!(formatter, "the client was closed"),
            Self::FailedOver => {
                write!(formatter, "another instance subscribed with the id of this framework")
            }
            Self::Removed { message } => {
                write!(formatter, "the master has removed this framework: '{message}'")
            }
            Self::Refused { message } => write!(formatter, "the master refuses this framework: '{message}'"),
            Self::Unauthorized { url, text } => {
                write!(formatter, "{url}: credentials are needed, or other ones: 401 '{text}'")
            }
            Self::NoCredentials { why } => write!(formatter, "{why}"),
            Self::Rejected { url, status, text } => {
                write!(formatter, "{url}: the master rejects the subscription with {status}: '{text}'")
            }
            Self::Detection { why } => write!(formatter, "cannot learn which master leads: {why}"),
        }
    }
}
