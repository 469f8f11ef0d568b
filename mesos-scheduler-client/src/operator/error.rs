//! Why an operator call has no result.

use std::{fmt, time::Duration};

use http::StatusCode;
use mesos_proto::v1::AgentId;

use crate::{
    auth::AuthError,
    url::{HttpUrl, UrlError},
};

const NOT_FOUND: u16 = 404;

/// A call of an operator API that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperatorError {
    /// No connection, or one that broke. May heal.
    Unreachable {
        /// What was called.
        url: String,
        /// What was seen.
        why: String,
    },
    /// No answer in time. May heal.
    Late {
        /// What was called.
        url: String,
        /// The time that was given.
        timeout: Duration,
    },
    /// Of several masters each one could not be reached or knows no leader, which may heal; or there is none to ask.
    NoMaster {
        /// What each one of them did; empty if the list of masters has no URL, as `zk://` has none.
        errors: Vec<Self>,
    },
    /// There are no credentials to ask with.
    NoCredentials {
        /// What was to be called.
        url: String,
        /// Why there are none; tells whether it may heal.
        error: AuthError,
    },
    /// A 401, also with fresh credentials: the configuration's fault.
    Unauthorized {
        /// What was called.
        url: String,
        /// Whether credentials were sent: there are some, and no redirect led to where they do not go.
        sent: bool,
        /// The body.
        text: String,
    },
    /// The file does not exist: it never did, or its sandbox was cleaned up.
    NotFound {
        /// What was called.
        url: String,
        /// What was asked for.
        path: String,
    },
    /// The path of a file makes a longer URL than any that is asked for; [`read_file`](super::AgentApi::read_file)
    /// sends it elsewhere than in the URL.
    PathTooLong {
        /// What was to be called.
        url: String,
        /// Tells the length; each byte of the path that is not fit for a URL counts three times.
        error: UrlError,
    },
    /// What was to be read is a directory.
    IsDirectory {
        /// What was called.
        url: String,
        /// What was asked for.
        path: String,
    },
    /// No agent with this id is registered with the master: it never was, or it is gone. May heal.
    NoSuchAgent {
        /// What was called.
        url: String,
        /// What was asked for.
        agent_id: String,
    },
    /// Redirects went round in a circle or led nowhere, as they do while masters elect a leader. May heal.
    Redirect {
        /// What was called last.
        url: String,
        /// What was seen.
        why: String,
    },
    /// Another status than 200. Of 404, which also a master or an agent gives that has just started, and of 500 and
    /// above it may heal.
    Refused {
        /// What was called.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The body.
        text: String,
    },
    /// An answer of more bytes than any that fits the call.
    TooLarge {
        /// What was called.
        url: String,
        /// The most that is read.
        limit: usize,
    },
    /// An answer that does not fit the call: the peer's fault, or it is no Mesos.
    BadAnswer {
        /// What was called.
        url: String,
        /// What is wrong.
        why: String,
    },
}

impl OperatorError {
    /// Whether the file does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether what was to be read is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::IsDirectory { .. })
    }

    /// Whether the same call may have a result later.
    pub fn may_heal(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Late { .. }
            | Self::NoSuchAgent { .. }
            | Self::Redirect { .. } => true,
            Self::NoMaster { errors } => !errors.is_empty(),
            Self::Refused { status, .. } => *status >= 500 || *status == NOT_FOUND,
            Self::NoCredentials { error, .. } => !error.is_final(),
            Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::PathTooLong { .. }
            | Self::IsDirectory { .. }
            | Self::TooLarge { .. }
            | Self::BadAnswer { .. } => false,
        }
    }

    /// Whether another master may do better: this one is away, says that it knows no leader or is still recovering,
    /// takes another for the leader that does not take itself for it, or has just started and has no routes yet.
    pub(super) fn is_of_this_master(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Late { .. } | Self::Redirect { .. } => true,
            Self::Refused { status, .. } => {
                *status == StatusCode::SERVICE_UNAVAILABLE.as_u16() || *status == NOT_FOUND
            }
            Self::NoMaster { .. }
            | Self::NoCredentials { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::PathTooLong { .. }
            | Self::IsDirectory { .. }
            | Self::NoSuchAgent { .. }
            | Self::TooLarge { .. }
            | Self::BadAnswer { .. } => false,
        }
    }

    pub(super) fn unreachable(url: &HttpUrl, why: String) -> Self {
        Self::Unreachable { url: url.to_string(), why }
    }

    pub(super) fn late(url: &HttpUrl, timeout: Duration) -> Self {
        Self::Late { url: url.to_string(), timeout }
    }

    /// What several masters did; of a single one its own error.
    pub(super) fn all_of(mut errors: Vec<Self>) -> Self {
        match (errors.pop(), errors.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                errors.extend(last);
                Self::NoMaster { errors }
            }
        }
    }

    pub(super) fn no_credentials(url: &HttpUrl, error: AuthError) -> Self {
        Self::NoCredentials { url: url.to_string(), error }
    }

    pub(super) fn no_such_agent(url: &HttpUrl, agent_id: &AgentId) -> Self {
        Self::NoSuchAgent { url: url.to_string(), agent_id: agent_id.value.clone() }
    }

    pub(super) fn refused(url: &HttpUrl, status: StatusCode, text: String, sent: bool) -> Self {
        let url = url.to_string();
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized { url, sent, text },
            status => Self::Refused { url, status: status.as_u16(), text },
        }
    }

    pub(super) fn redirect(url: &HttpUrl, why: String) -> Self {
        Self::Redirect { url: url.to_string(), why }
    }

    pub(super) fn path_too_long(url: &HttpUrl, error: UrlError) -> Self {
        Self::PathTooLong { url: url.to_string(), error }
    }

    pub(super) fn too_large(url: &HttpUrl, limit: usize) -> Self {
        Self::TooLarge { url: url.to_string(), limit }
    }

    pub(super) fn bad_answer(url: &HttpUrl, why: &str) -> Self {
        Self::BadAnswer { url: url.to_string(), why: why.to_owned() }
    }

    /// Tells refusals of a file apart. An agent answers 404 with an empty body for a file; for a wrong URL the
    /// body says more.
    pub(super) fn about_file(self, path: &str) -> Self {
        match self {
            Self::Refused { url, status: NOT_FOUND, text } if text.is_empty() => {
                Self::NotFound { url, path: path.to_owned() }
            }
            Self::Refused { url, status: 400, text } if text.starts_with("Cannot read a directory") => {
                Self::IsDirectory { url, path: path.to_owned() }
            }
            other => other,
        }
    }
}

impl fmt::Display for OperatorError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { url, why } | Self::Redirect { url, why } => write!(formatter, "{url}: {why}"),
            Self::Late { url, timeout } => write!(formatter, "{url}: no answer within {timeout:?}"),
            Self::NoMaster { errors } if errors.is_empty() => {
                write!(
                    formatter,
                    "no URL of a master is known: zk:// is not asked here, expected a list of URLs"
                )
            }
            Self::NoMaster { errors } => {
                write!(formatter, "none of {} masters answered", errors.len())?;
                errors.iter().try_for_each(|error| write!(formatter, "; {error}"))
            }
            Self::NoCredentials { url, error } => write!(formatter, "{url}: {error}"),
            Self::PathTooLong { url, error } => write!(formatter, "{url}: {error}"),
            Self::Unauthorized { url, sent: true, text } => {
                write!(formatter, "{url}: the credentials were refused with 401 '{text}'")
            }
            Self::Unauthorized { url, sent: false, text } => {
                write!(formatter, "{url}: it wants credentials, none were sent: 401 '{text}'")
            }
            Self::NotFound { url, path } => write!(formatter, "{url}: there is no file '{path}'"),
            Self::IsDirectory { url, path } => {
                write!(formatter, "{url}: '{path}' is a directory, expected a file")
            }
            Self::NoSuchAgent { url, agent_id } => {
                write!(formatter, "{url}: no agent '{agent_id}' is registered")
            }
            Self::Refused { url, status, text } => {
                write!(formatter, "{url}: refused with {status} '{text}'")
            }
            Self::TooLarge { url, limit } => {
                write!(formatter, "{url}: wrong answer: more than {limit} bytes")
            }
            Self::BadAnswer { url, why } => write!(formatter, "{url}: wrong answer: {why}"),
        }
    }
}

impl std::error::Error for OperatorError {}
