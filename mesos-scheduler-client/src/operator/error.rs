//! Why an operator call has no result.

use std::{fmt, time::Duration};

use crate::url::HttpUrl;

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
    /// The file does not exist: it never did, or its sandbox was cleaned up.
    NotFound {
        /// What was called.
        url: String,
        /// What was asked for.
        path: String,
    },
    /// Another status than 200.
    Refused {
        /// What was called.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The body.
        text: String,
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

    /// Whether the same call may have a result later.
    pub fn may_heal(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Late { .. } => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::NotFound { .. } | Self::BadAnswer { .. } => false,
        }
    }

    pub(super) fn unreachable(url: &HttpUrl, why: String) -> Self {
        Self::Unreachable { url: url.to_string(), why }
    }

    pub(super) fn bad_answer(url: &HttpUrl, why: &str) -> Self {
        Self::BadAnswer { url: url.to_string(), why: why.to_owned() }
    }

    /// An agent answers 404 with an empty body for a file; for a wrong URL the body says more.
    pub(super) fn about_file(self, path: &str) -> Self {
        match self {
            Self::Refused { url, status: 404, text } if text.is_empty() => {
                Self::NotFound { url, path: path.to_owned() }
            }
            other => other,
        }
    }
}

impl fmt::Display for OperatorError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { url, why } => write!(formatter, "{url}: {why}"),
            Self::Late { url, timeout } => write!(formatter, "{url}: no answer within {timeout:?}"),
            Self::NotFound { url, path } => write!(formatter, "{url}: there is no file '{path}'"),
            Self::Refused { url, status, text } => {
                write!(formatter, "{url}: refused with {status} '{text}'")
            }
            Self::BadAnswer { url, why } => write!(formatter, "{url}: wrong answer: {why}"),
        }
    }
}

impl std::error::Error for OperatorError {}
