//! What can go wrong around a session. Losing the connection is not among it: that is an event.

use std::fmt;

use crate::session::CloseReason;

/// A client that cannot be started as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A setting that must be at least 1 (a number) or longer than nothing (a time) is 0.
    Zero {
        /// The name of the setting.
        setting: &'static str,
    },
    /// The masters are to be found through ZooKeeper, which needs the feature `zookeeper` of this crate.
    WithoutZooKeeper {
        /// The URL, without its password.
        url: String,
    },
    /// Nobody tells which master leads: [`Masters::detected`](crate::Masters::detected) is for a
    /// [`Session`](crate::Session) with a loop of its own.
    NoMasters,
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { setting } => write!(formatter, "{setting} is 0, expected more than that"),
            Self::WithoutZooKeeper { url } => {
                write!(formatter, "cannot look for masters in '{url}': built without the feature 'zookeeper'")
            }
            Self::NoMasters => {
                write!(formatter, "there are no masters, expected a list of URLs or zk://host:port/path")
            }
        }
    }
}

impl std::error::Error for BuildError {}

/// A framework whose end nobody confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeardownError {
    pub(crate) reason: CloseReason,
}

impl TeardownError {
    /// How the session ended instead.
    pub fn close_reason(&self) -> &CloseReason {
        &self.reason
    }
}

impl fmt::Display for TeardownError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot tear the framework down: {}", self.reason)
    }
}

impl std::error::Error for TeardownError {}
