//! The masters that were configured, and whose turn it is.

use std::{fmt, str::FromStr};

use crate::{
    detector::{ZooKeeperUrl, ZooKeeperUrlError},
    url::{HttpUrl, UrlError},
};

/// Path of the scheduler API on every master.
const SCHEDULER_API: &str = "/api/v1/scheduler";

/// The masters of one cluster: a list of them, at least one, of which any may lead (a standby redirects to the
/// leader); or where to learn who leads.
///
/// ```
/// use mesos_scheduler_client::Masters;
///
/// let masters = Masters::parse("http://master1.example:5050, master2.example:5050")?;
/// assert_eq!(masters.urls().len(), 2);
/// let masters = Masters::parse("zk://zk1.example,zk2.example/mesos")?;
/// assert_eq!(masters.zookeeper().unwrap().path(), "/mesos");
/// # Ok::<(), mesos_scheduler_client::MastersError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masters(Source);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    List(Vec<HttpUrl>),
    Detected,
    ZooKeeper(ZooKeeperUrl),
}

impl Masters {
    /// Reads a list of URLs separated by commas, or a `zk://` URL. An entry of a list is `http://host:port` or
    /// `https://host:port`, with the path below which a proxy serves the master, or `host:port`.
    ///
    /// # Errors
    /// An entry is wrong or empty, or the `zk://` URL is wrong; the error shows it.
    pub fn parse(text: &str) -> Result<Self, MastersError> {
        let scheme = text.trim_start().get(.."zk://".len());
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("zk://")) {
            return Ok(Self(Source::ZooKeeper(text.trim().parse()?)));
        }
        if text.contains('@') {
            // A password may hold commas: it is looked at and masked as a whole.
            HttpUrl::from_str(text)?;
        }
        let urls = text.split(',').map(HttpUrl::from_str).collect::<Result<_, _>>()?;
        Ok(Self(Source::List(urls)))
    }

    /// No list: the owner of a [`Session`](crate::Session) tells it by
    /// [`handle_leader`](crate::Session::handle_leader) who leads.
    pub fn detected() -> Self {
        Self(Source::Detected)
    }

    /// The URLs in the order in which they are tried; none if the leader is detected.
    pub fn urls(&self) -> &[HttpUrl] {
        match &self.0 {
            Source::List(urls) => urls,
            Source::Detected | Source::ZooKeeper(_) => &[],
        }
    }

    /// Where the masters elect their leader, if that is where it is to be learned.
    pub fn zookeeper(&self) -> Option<&ZooKeeperUrl> {
        match &self.0 {
            Source::ZooKeeper(url) => Some(url),
            Source::List(_) | Source::Detected => None,
        }
    }
}

/// A text that names no masters: the configuration's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MastersError {
    /// An entry of the list is wrong.
    Url(UrlError),
    /// The `zk://` URL is wrong.
    ZooKeeper(ZooKeeperUrlError),
}

impl From<UrlError> for MastersError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl From<ZooKeeperUrlError> for MastersError {
    fn from(error: ZooKeeperUrlError) -> Self {
        Self::ZooKeeper(error)
    }
}

impl fmt::Display for MastersError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(formatter),
            Self::ZooKeeper(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for MastersError {}

impl From<ZooKeeperUrl> for Masters {
    fn from(url: ZooKeeperUrl) -> Self {
        Self(Source::ZooKeeper(url))
    }
}

impl From<HttpUrl> for Masters {
    fn from(url: HttpUrl) -> Self {
        Self(Source::List(vec![url]))
    }
}

impl FromStr for Masters {
    type Err = MastersError;

    fn from_str(text: &str) -> Result<Self, MastersError> {
        Self::parse(text)
    }
}

/// Whose turn it is.
#[derive(Debug)]
pub(super) enum Rotation {
    /// Goes round the masters, one attempt each.
    List { urls: Vec<HttpUrl>, next: usize },
    /// The leader that was told last.
    Detected { leader: Option<HttpUrl>, why_none: String },
}

impl Rotation {
    pub(super) fn new(masters: Masters) -> Self {
        match masters.0 {
            Source::List(urls) => Self::List { urls, next: 0 },
            Source::Detected => Self::Detected { leader: None, why_none: "no master was found".to_owned() },
            Source::ZooKeeper(url) => {
                Self::Detected { leader: None, why_none: format!("{url}: no master was found yet") }
            }
        }
    }

    /// The scheduler API of the master whose turn it is, `None` if no leader is known; the turn passes to the
    /// next one.
    pub(super) fn advance(&mut self) -> Option<HttpUrl> {
        let url = match self {
            Self::List { urls, next } => {
                let url = &urls[*next];
                *next = (*next + 1) % urls.len();
                url
            }
            Self::Detected { leader, .. } => leader.as_ref()?,
        };
        Some(url.with_api_path(SCHEDULER_API))
    }

    /// Whether a URL leads to a master that was configured, or to the leader that was detected.
    pub(super) fn contains(&self, url: &HttpUrl) -> bool {
        match self {
            Self::List { urls, .. } => urls.iter().any(|known| known.endpoint() == url.endpoint()),
            Self::Detected { leader, .. } => {
                leader.as_ref().is_some_and(|known| known.endpoint() == url.endpoint())
            }
        }
    }
}

/// A master as it was configured: with a path only if it is below one.
pub(super) fn shown(url: &HttpUrl) -> String {
    let path = url.path().strip_suffix(SCHEDULER_API).unwrap_or(url.path());
    match path {
        "" | "/master" => url.endpoint().to_string(),
        path => format!("{}{path}", url.endpoint()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_take_turns() {
        let mut rotation = Rotation::new(Masters::parse("a:1,http://b:2/mesos").unwrap());
        let turns: Vec<_> = (0..3).map(|_| rotation.advance().unwrap().to_string()).collect();
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
    fn the_scheme_of_zookeeper_may_have_any_case() {
        for text in ["zk://u:se,cret@h/mesos", "ZK://u:se,cret@h/mesos", " Zk://u:se,cret@h/mesos "] {
            let masters = Masters::parse(text).unwrap();
            assert_eq!(masters.zookeeper().unwrap().to_string(), "zk://u:***@h:2181/mesos");
        }
    }

    #[test]
    fn an_empty_entry_is_an_error() {
        for text in ["", "a:1,", ",a:1", "a:1,,b:2"] {
            let error = Masters::parse(text).unwrap_err();
            assert_eq!(
                error.to_string(),
                "invalid URL '': it is empty, expected http://host:port or https://host:port"
            );
        }
    }
}
