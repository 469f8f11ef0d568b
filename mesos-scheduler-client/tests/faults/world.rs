//! What a test stands on: a cluster, a proxy before it, and the count of what is left.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use mesos_local::{Cluster, ClusterConfig};
use mesos_scheduler_client::{Client, ClientBuilder, Events, Masters};

use crate::{
    framework::{Framework, info},
    leaks::Holdings,
    proxy::Proxy,
};

/// Nothing here takes a noticeable part of it unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test that counts the sockets of the process: it shares that with no other one, not even with
/// the end of its runtime.
pub(crate) fn alone(test: impl Future<Output = ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test);
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this does not take so long")
}

pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) proxy: Proxy,
    /// Before there was a client.
    before: Holdings,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ClusterConfig)) -> Self {
        let mut config = ClusterConfig::with_agents(1);
        // Batches follow close on each other: the first one after a takeover is the first to offer anything.
        config.allocation_interval = Duration::from_millis(20);
        change(&mut config);
        let cluster = Cluster::start(config).await.unwrap();
        let proxy = Proxy::start(&cluster.master_url()).await;
        Self { cluster, proxy, before: Holdings::now() }
    }

    /// A client of the proxy that tries again at once.
    pub(crate) fn builder(&self) -> ClientBuilder {
        builder(&self.proxy.url())
    }

    /// A framework that is subscribed through the proxy.
    pub(crate) async fn subscribed(&self) -> Framework {
        Framework::subscribed(self.builder()).await
    }

    /// How many calls or events of a kind there were.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.cluster.transcript().entries().filter(|entry| entry.kind() == kind).count()
    }

    /// Waits until a call or event of a kind was made that often.
    pub(crate) async fn said(&self, kind: &str, times: usize) {
        let said = async {
            while self.count(kind) < times {
                tokio::task::yield_now().await;
            }
        };
        within(said).await;
    }

    /// Drops a client and sees to it that nothing is left of it.
    pub(crate) async fn end(self, framework: Framework) {
        let Framework { client, events, .. } = framework;
        self.end_of(client, events).await;
    }

    pub(crate) async fn end_of(self, client: Client, events: Events) {
        drop(events);
        drop(client);
        self.proxy.wait_for_silence().await;
        within(self.cluster.wait_for_connections(0)).await;
        self.before.wait_for().await;
        self.cluster.shutdown().await;
    }
}

pub(crate) fn builder(masters: &str) -> ClientBuilder {
    ClientBuilder::new(info(), Masters::parse(masters).unwrap())
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .seed(1)
}
