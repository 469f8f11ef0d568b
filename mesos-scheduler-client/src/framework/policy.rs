//! What a user may decide about the behaviour of a framework.

use std::time::Duration;

/// How agents are chosen among those that fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    /// The fullest agent first, so that big tasks still find room.
    #[default]
    Pack,
    /// The emptiest agent first.
    Spread,
}

/// What becomes of live tasks that nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strangers {
    /// They are killed, but not before [`FrameworkCore::recover`](super::FrameworkCore::recover) was called: until then they may be
    /// tasks of an earlier life that are still to be taken over.
    #[default]
    KillAfterRecovery,
    /// They are told and left alone.
    Tell,
}

/// How the framework behaves.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// How agents are chosen.
    pub packing: Packing,
    /// How long offers that nothing needs at the moment are kept for tasks to come, less a random part of up to a
    /// fifth. Zero gives them back at once.
    pub hold: Duration,
    /// Offers that are kept at the same time, at most.
    pub max_held_offers: usize,
    /// How long an agent's resources are refused when an offer is given back. New work lifts it.
    pub refuse: Duration,
    /// First pause before a KILL is repeated, at least a second; doubled up to a minute.
    pub kill_repeat: Duration,
    /// Pause between questions for all tasks, which find ones that are not known here, and ones that are known here alone;
    /// at least a second.
    pub reconcile_all: Duration,
    /// How long a master may say that it does not know a task which ran. After its failover agents have
    /// ten minutes to come back, so less than that gives up tasks that are alive.
    pub unknown_grace: Duration,
    /// How long a port is avoided on an agent where it could not be bound.
    pub port_quarantine: Duration,
    /// How often a task may be launched again, within its launch timeout, after an agent could not start it for
    /// a port that was taken.
    pub max_relaunches: u16,
    /// What becomes of live tasks that nobody knows.
    pub strangers: Strangers,
    /// Whether the master is told by UPDATE_FRAMEWORK which offers need not be made
    /// ([`Eligibility::with_offer_constraints`](super::Eligibility::with_offer_constraints)).
    pub push_down: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            packing: Packing::Pack,
            hold: Duration::from_secs(5),
            max_held_offers: 32,
            refuse: Duration::from_secs(120),
            kill_repeat: Duration::from_secs(5),
            reconcile_all: Duration::from_secs(15 * 60),
            unknown_grace: Duration::from_secs(15 * 60),
            port_quarantine: Duration::from_secs(5 * 60),
            max_relaunches: 3,
            strangers: Strangers::default(),
            push_down: true,
        }
    }
}
