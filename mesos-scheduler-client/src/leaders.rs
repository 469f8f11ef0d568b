//! Word of who leads, for a driver whose masters are found through ZooKeeper.

use crate::{connection::Security, session::Masters, url::HttpUrl};

/// What is known of the leader.
#[derive(Debug)]
#[cfg_attr(not(feature = "zookeeper"), expect(dead_code, reason = "nobody tells who leads then"))]
pub(crate) enum Word {
    Leads(HttpUrl),
    NoLeader(String),
    /// Nothing will ever be known.
    Failed(String),
}

/// Tells who leads, if that is to be found out. Dropping it ends the search.
#[derive(Debug)]
pub(crate) struct Leaders {
    #[cfg(feature = "zookeeper")]
    detector: Option<crate::detector::MasterDetector>,
}

#[cfg(feature = "zookeeper")]
impl Leaders {
    pub(crate) fn new(masters: &Masters, security: &Security) -> Self {
        use crate::{detector::MasterDetector, url::Scheme};
        // ZooKeeper does not tell it, and masters with certificates take no plain HTTP unless told to.
        let scheme = if security.has_tls() { Scheme::Https } else { Scheme::Http };
        Self { detector: masters.zookeeper().map(|url| MasterDetector::start(url, scheme)) }
    }

    /// Waits for news. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Word {
        use crate::detector::Detected;
        let Some(detector) = &mut self.detector else { return std::future::pending().await };
        match detector.next().await {
            Some(Detected::Leader(url)) => Word::Leads(url),
            Some(Detected::NoLeader { why }) => Word::NoLeader(why),
            Some(Detected::Failed { why }) => Word::Failed(why),
            // It has told why before.
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(feature = "zookeeper"))]
impl Leaders {
    pub(crate) fn new(_masters: &Masters, _security: &Security) -> Self {
        Self {}
    }

    /// Waits for ever.
    pub(crate) async fn next(&mut self) -> Word {
        std::future::pending().await
    }
}
