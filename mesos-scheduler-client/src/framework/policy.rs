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
    /// First pause before a KILL is repeated; doubled up to a minute.
    pub kill_repeat: Duration,
    /// How often the master is asked for all tasks, to find ones that are not known here.
    pub reconcile_all: Duration,
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
        }
    }
}
