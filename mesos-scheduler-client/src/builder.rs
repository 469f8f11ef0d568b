//! Settings of a client, and its start.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, OnceLock},
    time::Duration,
};

use mesos_proto::v1::{self, scheduler::OfferConstraints};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

#[cfg(feature = "tls")]
use crate::tls::Tls;
use tracing::{Instrument, field, info_span, warn};

use crate::{
    auth::Credentials,
    client::Client,
    connection::Security,
    driver::{Driver, Surroundings},
    error::BuildError,
    events::Events,
    identity::FrameworkIdStore,
    leaders::Leaders,
    observers::Observers,
    session::{Event, Masters, OnRemoved, Session, SessionConfig},
};

/// Makes a [`Client`] and its [`Events`].
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mesos_proto::v1::{self, scheduler::OfferConstraints};
/// use mesos_scheduler_client::{ClientBuilder, Masters};
///
/// let info = v1::FrameworkInfo { user: "nobody".into(), name: "demo".into(), ..Default::default() };
/// let masters = Masters::parse("http://master1.example:5050,http://master2.example:5050")?;
/// let (client, mut events) = ClientBuilder::new(info, masters).missed_heartbeats(3).start()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    config: SessionConfig,
    event_capacity: usize,
    security: Security,
    store: Option<Arc<dyn FrameworkIdStore>>,
    observers: Observers,
}

impl ClientBuilder {
    /// A client with defaults that fit a real cluster. With an id in `framework_info` it takes over that
    /// framework, also from another instance; without one the master chooses an id.
    pub fn new(framework_info: v1::FrameworkInfo, masters: Masters) -> Self {
        let seed = RandomState::new().hash_one("backoff");
        Self {
            config: SessionConfig::new(framework_info, masters, seed),
            event_capacity: 4096,
            security: Security::default(),
            store: None,
            observers: Observers::default(),
        }
    }

    /// Roles that get no offers from the start.
    pub fn suppressed_roles(mut self, roles: Vec<String>) -> Self {
        self.config.suppressed_roles = roles;
        self
    }

    /// Which offers the master need not make from the start (Mesos 1.11 and later; older ones ignore it). A
    /// master that finds them wrong refuses the framework.
    pub fn offer_constraints(mut self, constraints: OfferConstraints) -> Self {
        self.config.offer_constraints = Some(constraints);
        self
    }

    /// Where the id of the framework is kept, so that the next life of this program takes the framework over;
    /// nowhere unless set. It is stored before [`Event::Subscribed`](crate::Event::Subscribed) is told. An
    /// id in the framework info is used without asking the store.
    pub fn identity(mut self, store: impl FrameworkIdStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// What follows when the master has removed the framework; the client closes unless set.
    pub fn on_removed(mut self, on_removed: OnRemoved) -> Self {
        self.config.on_removed = on_removed;
        self
    }

    /// Calls that are sent before the first of them has its answer; 64 unless set.
    pub fn max_calls_in_flight(mut self, calls: usize) -> Self {
        self.config.max_calls_in_flight = calls;
        self
    }

    /// Calls that may wait to be sent; 65,536 unless set. More resolve as
    /// [`CallOutcome::QueueFull`](crate::CallOutcome::QueueFull).
    pub fn max_calls_waiting(mut self, calls: usize) -> Self {
        self.config.max_calls_waiting = calls;
        self
    }

    /// Largest record of the stream that is taken; 256 MiB unless set.
    pub fn max_record_bytes(mut self, bytes: u64) -> Self {
        self.config.max_record_bytes = bytes;
        self
    }

    /// Adds a function that sees each event when it is queued, the last one included; for status pages and
    /// counters beside the owner of [`Events`]. It runs in the loop of the client and must not block.
    pub fn observer(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observers.add(observer);
        self
    }

    /// Time for the store of the framework id; 10 s unless set.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.config.store_timeout = timeout;
        self
    }

    /// Time without a leader, of masters behind `zk://`, after which
    /// [`DisconnectCause::NoLeader`](crate::DisconnectCause::NoLeader) is told; 15 s unless set.
    pub fn detect_timeout(mut self, timeout: Duration) -> Self {
        self.config.detect_timeout = timeout;
        self
    }

    /// Age at which a subscription counts as stable: when it is lost, the backoff begins anew; 10 s unless set.
    pub fn stable_after(mut self, age: Duration) -> Self {
        self.config.stable_after = age;
        self
    }

    /// Redirects in a row that are followed; 5 unless set.
    pub fn max_redirects(mut self, redirects: u32) -> Self {
        self.config.max_redirects = redirects;
        self
    }

    /// Heartbeat intervals of silence after which the stream counts as dead; 5 unless set.
    pub fn missed_heartbeats(mut self, number: u32) -> Self {
        self.config.missed_heartbeats = number;
        self
    }

    /// Time to connect to a master, name resolution included; 5 s unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = timeout;
        self
    }

    /// Time from the connection to SUBSCRIBED; 30 s unless set.
    pub fn subscribe_timeout(mut self, timeout: Duration) -> Self {
        self.config.subscribe_timeout = timeout;
        self
    }

    /// Time from a call to its answer, after which the subscription is given up; 75 s unless set.
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.config.call_timeout = timeout;
        self
    }

    /// Time from [`Client::teardown`] to its confirmation, reconnecting included; 10 s unless set.
    pub fn teardown_timeout(mut self, timeout: Duration) -> Self {
        self.config.teardown_timeout = timeout;
        self
    }

    /// Waiting between attempts: attempt n waits a random part of `min(cap, base * 2^n)`. 500 ms and 15 s
    /// unless set.
    pub fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.config.backoff_base = base;
        self.config.backoff_cap = cap;
        self
    }

    /// Seed of the jitter; random unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Events that may wait until they are taken; 4096 unless set. One more ends the subscription; the next one
    /// begins when they were taken.
    pub fn event_capacity(mut self, events: usize) -> Self {
        self.event_capacity = events;
        self
    }

    /// How the client proves who it is; not at all unless set.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.security.credentials = credentials;
        self
    }

    /// How `https://` is spoken; with the roots of the system unless set.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.security.tls = Some(tls);
        self
    }

    /// Starts to subscribe.
    ///
    /// # Errors
    /// A setting makes no sense.
    ///
    /// # Panics
    /// If called outside of a tokio runtime with I/O and time enabled.
    pub fn start(self) -> Result<(Client, Events), BuildError> {
        self.check()?;
        let (commands, wishes) = mpsc::unbounded_channel();
        let (queue, events) = mpsc::channel(self.event_capacity.min(Semaphore::MAX_PERMITS));
        let closed = Arc::new(OnceLock::new());
        let mut config = self.config;
        if self.store.is_some() && config.framework_info.failover_timeout.unwrap_or_default() <= 0.0 {
            // It is what a program without tasks may want, so it is no error.
            warn!(
                "the id of the framework is kept, but its failover_timeout is 0: a master voids it at once"
            );
        }
        config.can_refresh_credentials = self.security.credentials.can_refresh();
        config.has_framework_id_store = self.store.is_some();
        let leaders = Leaders::new(&config.masters, &self.security);
        let framework_info = Arc::new(config.framework_info.clone());
        let security = self.security.clone();
        let surroundings =
            Surroundings { security: self.security, store: self.store, leaders, observers: self.observers };
        let max_calls_waiting = config.max_calls_waiting;
        let session = Session::new(config);
        let driver = Driver::new(session, surroundings, wishes, queue, Arc::clone(&closed));
        let mut tasks = JoinSet::new();
        let span = info_span!("mesos_scheduler", framework = field::Empty);
        tasks.spawn(driver.run().instrument(span));
        let closing = Arc::clone(&closed);
        let client = Client { commands, closed: closing, framework_info, security, max_calls_waiting };
        Ok((client, Events::new(events, closed, tasks)))
    }

    fn check(&self) -> Result<(), BuildError> {
        let config = &self.config;
        if let Some(url) = config.masters.zookeeper()
            && cfg!(not(feature = "zookeeper"))
        {
            return Err(BuildError::WithoutZooKeeper { url: url.to_string() });
        }
        if config.masters == Masters::detected() {
            return Err(BuildError::NoMasters);
        }
        let zeroes = [
            ("missed_heartbeats", config.missed_heartbeats == 0),
            ("connect_timeout", config.connect_timeout.is_zero()),
            ("subscribe_timeout", config.subscribe_timeout.is_zero()),
            ("call_timeout", config.call_timeout.is_zero()),
            ("teardown_timeout", config.teardown_timeout.is_zero()),
            ("store_timeout", config.store_timeout.is_zero()),
            ("detect_timeout", config.detect_timeout.is_zero()),
            ("the cap of the backoff", config.backoff_cap.is_zero()),
            ("event_capacity", self.event_capacity == 0),
            ("max_calls_in_flight", config.max_calls_in_flight == 0),
            ("max_calls_waiting", config.max_calls_waiting == 0),
            ("max_record_bytes", config.max_record_bytes == 0),
        ];
        match zeroes.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((setting, _)) => Err(BuildError::Zero { setting }),
            None => Ok(()),
        }
    }
}
