//! The masters that were configured, and whose turn it is.

use std::str::FromStr;

use crate::url::{HttpUrl, UrlError};

/// Path of the scheduler API on every master.
const SCHEDULER_API: &str = "/api/v1/scheduler";

/// The masters of one cluster, at least one. Any of them may lead; a standby redirects to the leader.
///
/// ```
/// use mesos_scheduler_client::Masters;
///
/// let masters = Masters::parse("http://master1.example:5050, master2.example:5050")?;
/// assert_eq!(masters.urls().len(), 2);
/// # Ok::<(), mesos_scheduler_client::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masters {
    urls: Vec<HttpUrl>,
}

impl Masters {
    /// Reads a list of URLs separated by commas. An entry is `http://host:port`, with the path below which
    /// a proxy serves the master, or `host:port`.
    ///
    /// # Errors
    /// An entry is wrong or empty; the error shows it.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let urls = text.split(',').map(HttpUrl::from_str).collect::<Result<_, _>>()?;
        Ok(Self { urls })
    }

    /// The URLs in the order in which they are tried.
    pub fn urls(&self) -> &[HttpUrl] {
        &self.urls
    }
}

impl From<HttpUrl> for Masters {
    fn from(url: HttpUrl) -> Self {
        Self { urls: vec![url] }
    }
}

impl FromStr for Masters {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

/// Goes round the masters, one attempt each.
#[derive(Debug)]
pub(super) struct Rotation {
    masters: Masters,
    next: usize,
}

impl Rotation {
    pub(super) fn new(masters: Masters) -> Self {
        Self { masters, next: 0 }
    }

    /// The scheduler API of the master whose turn it is; the turn passes to the next one.
    pub(super) fn advance(&mut self) -> HttpUrl {
        let url = &self.masters.urls[self.next];
        self.next = (self.next + 1) % self.masters.urls.len();
        url.with_api_path(SCHEDULER_API)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_take_turns() {
        let mut rotation = Rotation::new(Masters::parse("a:1,http://b:2/mesos").unwrap());
        let turns: Vec<_> = (0..3).map(|_| rotation.advance().to_string()).collect();
        assert_eq!(
            turns,
            [
                "http://a:1/api/v1/scheduler",
                "http://b:2/mesos/api/v1/scheduler",
                "http://a:1/api/v1/scheduler"
            ]
        );
    }

    #[test]
    fn an_empty_entry_is_an_error() {
        for text in ["", "a:1,", ",a:1", "a:1,,b:2"] {
            let error = Masters::parse(text).unwrap_err();
            assert_eq!(error.to_string(), "invalid URL '': it is empty, expected http://host:port or https://host:port");
        }
    }
}
