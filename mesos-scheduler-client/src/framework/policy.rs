//! What a user may decide about the behaviour of a framework.

use std::time::Duration;

use super::matcher::Packing;

/// How the framework behaves.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// How agents are chosen.
    pub packing: Packing,
    /// How long offers that nothing needs at the moment are kept for tasks to come. Zero gives them
    /// back at once.
    pub hold: Duration,
    /// Offers that are kept at the same time, at most.
    pub max_held_offers: usize,
    /// How long an agent's resources are refused when an offer is given back. New work lifts it.
    pub refuse: Duration,
    /// First pause before a KILL is repeated, at least a second; doubled up to a minute.
    pub kill_repeat: Duration,
    /// Pause between questions for all tasks, which find ones that are not known here; at least a
    /// second.
    pub reconcile_all: Duration,
    /// How long a master may say that it does not know a task which ran. After its failover agents have
    /// ten minutes to come back, so less than that gives up tasks that are alive.
    pub unknown_grace: Duration,
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
        }
    }
}
