//! What a session is told when it is made.

use std::time::Duration;

use mesos_proto::{
    recordio,
    v1::{self, scheduler},
};

use super::Masters;

/// What follows when the master has removed the framework: its tasks are gone and its id is void.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRemoved {
    /// The session closes with [`CloseReason::Removed`](super::CloseReason::Removed).
    #[default]
    Close,
    /// The session subscribes without an id, so that the master registers a new framework.
    /// [`Event::Disconnected`](super::Event::Disconnected) tells it with
    /// [`DisconnectCause::Removed`](super::DisconnectCause::Removed).
    StartOver,
}

/// Settings of a [`Session`](super::Session). [`SessionConfig::new`] sets those that are told with a value to
/// that value, which fits a real cluster.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// The masters to try.
    pub masters: Masters,
    /// Who the framework is. With an id it takes over that framework, without one the master chooses an id.
    pub framework_info: v1::FrameworkInfo,
    /// Roles that get no offers.
    pub suppressed_roles: Vec<String>,
    /// Which offers the master need not make at all (Mesos 1.11 and later; older ones ignore it).
    pub offer_constraints: Option<scheduler::OfferConstraints>,
    /// What follows when the master has removed the framework.
    pub on_removed: OnRemoved,
    /// Whether somebody answers [`Transmit::LoadFrameworkId`](super::Transmit::LoadFrameworkId) and the likes of
    /// it. A framework id in `framework_info` is used without asking. `false`.
    pub has_framework_id_store: bool,
    /// Whether somebody answers [`Transmit::RefreshCredentials`](super::Transmit::RefreshCredentials); without
    /// it a 401 is final. `false`.
    pub can_refresh_credentials: bool,
    /// Time to connect to a master, name resolution included. 5 s.
    pub connect_timeout: Duration,
    /// Time from the connection to SUBSCRIBED; also for other credentials. 30 s.
    pub subscribe_timeout: Duration,
    /// Time for the store of the framework id. 10 s.
    pub store_timeout: Duration,
    /// Time without a leader after which that is told; the session goes on waiting. 15 s.
    pub detect_timeout: Duration,
    /// Time from a call to its answer; when it is over, the subscription is given up. 75 s, as the
    /// documentation of Mesos advises.
    pub call_timeout: Duration,
    /// Time from `teardown` to its confirmation, reconnecting included. 10 s.
    pub teardown_timeout: Duration,
    /// Heartbeat intervals of silence after which the stream counts as dead. 5.
    pub missed_heartbeats: u32,
    /// Longest wait before the second attempt; each later one doubles it. 500 ms.
    pub backoff_base: Duration,
    /// Longest wait before any attempt. 15 s.
    pub backoff_cap: Duration,
    /// Age at which a subscription counts as stable: when it is lost, the backoff begins anew. 10 s.
    pub stable_after: Duration,
    /// Redirects in a row that are followed. 5.
    pub max_redirects: u32,
    /// Largest record that is taken. 256 MiB.
    pub max_record_bytes: u64,
    /// Calls that are sent before the first of them has its answer. 64.
    pub max_calls_in_flight: usize,
    /// Calls that may wait to be sent; more are not taken. 65,536.
    pub max_calls_waiting: usize,
    /// Seed of the jitter.
    pub seed: u64,
}

impl SessionConfig {
    /// The defaults.
    pub fn new(framework_info: v1::FrameworkInfo, masters: Masters, seed: u64) -> Self {
        Self {
            masters,
            framework_info,
            suppressed_roles: Vec::new(),
            offer_constraints: None,
            on_removed: OnRemoved::default(),
            has_framework_id_store: false,
            can_refresh_credentials: false,
            connect_timeout: Duration::from_secs(5),
            subscribe_timeout: Duration::from_secs(30),
            store_timeout: Duration::from_secs(10),
            detect_timeout: Duration::from_secs(15),
            call_timeout: Duration::from_secs(75),
            teardown_timeout: Duration::from_secs(10),
            missed_heartbeats: 5,
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(15),
            stable_after: Duration::from_secs(10),
            max_redirects: 5,
            max_record_bytes: recordio::DEFAULT_MAX_RECORD_BYTES,
            max_calls_in_flight: 64,
            max_calls_waiting: 65_536,
            seed,
        }
    }

    /// How often to look whether the owner has caught up.
    pub(super) fn owner_check_interval(&self) -> Duration {
        self.backoff_base.max(Duration::from_millis(100)).min(Duration::from_secs(1))
    }
}
