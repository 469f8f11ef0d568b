//! The masters' side of the group, and what a detector tells about it.

use std::fs;

use mesos_scheduler_client::{Detected, MasterDetector, Scheme, ZooKeeperUrl};
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions};

use crate::server::within;

pub(crate) const GROUP: &str = "/mesos";

pub(crate) fn open() -> CreateOptions<'static> {
    CreateMode::Persistent.with_acls(Acls::anyone_all())
}

pub(crate) async fn add(client: &Client, path: &str, data: &[u8]) {
    client.create(path, data, &open()).await.unwrap();
}

pub(crate) async fn remove(client: &Client, path: &str) {
    client.delete(path, None).await.unwrap();
}

/// The znode of the master that was captured with this number.
pub(crate) fn captured(number: u32) -> (String, Vec<u8>) {
    let name = format!("json.info_{number:010}");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/detector/captured");
    let data = fs::read(format!("{folder}/{name}")).unwrap();
    (format!("{GROUP}/{name}"), data)
}

pub(crate) async fn add_captured(client: &Client, number: u32) {
    let (path, data) = captured(number);
    add(client, &path, &data).await;
}

/// Where the captured masters are.
pub(crate) const MASTER_6: &str = "http://127.0.0.1:5050";
pub(crate) const MASTER_7: &str = "http://127.0.0.1:5055";

/// A detector, with the words of what it tells.
pub(crate) struct Told(MasterDetector);

impl Told {
    pub(crate) fn by(url: &ZooKeeperUrl) -> Self {
        Self(MasterDetector::start(url, Scheme::Http))
    }

    pub(crate) async fn next(&mut self) -> Detected {
        within("the detector tells a change", self.0.next()).await.expect("it has not ended")
    }

    pub(crate) async fn leads(&mut self, master: &str) {
        assert_eq!(self.next().await, Detected::Leader(master.parse().unwrap()));
    }

    /// After any number of reasons why nobody leads.
    pub(crate) async fn leads_in_the_end(&mut self, master: &str) {
        loop {
            match self.next().await {
                Detected::NoLeader { .. } => {}
                other => return assert_eq!(other, Detected::Leader(master.parse().unwrap())),
            }
        }
    }

    pub(crate) async fn no_leader(&mut self) -> String {
        match self.next().await {
            Detected::NoLeader { why } => why,
            other => panic!("{other:?} where nobody was to lead"),
        }
    }

    pub(crate) async fn fails(&mut self) -> String {
        let why = match self.next().await {
            Detected::Failed { why } => why,
            other => panic!("{other:?} where the end was to be told"),
        };
        assert_eq!(within("the end", self.0.next()).await, None);
        why
    }
}
