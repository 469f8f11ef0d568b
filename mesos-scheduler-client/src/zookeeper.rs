//! Sessions with ZooKeeper: how one is opened, and what its errors mean.

use zookeeper_client::{Client, Error};

use crate::detector::ZooKeeperUrl;

/// Why a wish was not fulfilled by ZooKeeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It refuses these credentials; asking again does not help.
    Refused(String),
    /// It cannot be reached, or not for now.
    Unavailable(String),
}

impl Trouble {
    pub(crate) fn new(url: &ZooKeeperUrl, path: &str, error: &Error) -> Self {
        let who = match url.user() {
            Some(user) => format!("user '{user}'"),
            None => "a client without credentials".to_owned(),
        };
        match error {
            Error::AuthFailed => Self::Refused(format!("ZooKeeper refuses {who}: authentication failed")),
            Error::NoAuth | Error::InvalidAcl => {
                Self::Refused(format!("ZooKeeper refuses {who} at the path '{path}': {error}"))
            }
            Error::NoHosts | Error::Timeout => {
                Self::Unavailable(format!("no ZooKeeper server answers at {}", url.connect_string()))
            }
            other => Self::Unavailable(format!("ZooKeeper, at the path '{path}': {other}")),
        }
    }

    pub(crate) fn why(self) -> String {
        match self {
            Self::Refused(why) | Self::Unavailable(why) => why,
        }
    }
}

/// Opens a session, trying each server once. It is closed when the client is dropped.
pub(crate) async fn connect(url: &ZooKeeperUrl) -> Result<Client, Trouble> {
    let mut connector = Client::connector().with_session_timeout(url.session_timeout()).with_fail_eagerly();
    if let Some(digest) = url.digest() {
        connector = connector.with_auth("digest", digest.as_bytes());
    }
    let connected = connector.connect(&url.connect_string()).await;
    connected.map_err(|error| Trouble::new(url, url.path(), &error))
}
