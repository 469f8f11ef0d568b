//! What happened in simulations: a fault that never strikes tests nothing.

use std::{collections::BTreeMap, fmt};

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(BTreeMap<&'static str, u64>);

/// What has to come about in a long run.
pub(crate) const EXPECTED: [&str; 33] = [
    "a call has no answer",
    "a launch is lost on its way to the agent",
    "a launch names void offers",
    "a port is taken by somebody else",
    "a redirect",
    "a stream breaks",
    "a stream breaks within a record",
    "a stream is silent for too long",
    "a subscription refused by a master that is not ready",
    "a task is gone by operator",
    "a task is lost",
    "a task is unknown",
    "a task is unreachable",
    "an agent is back",
    "an agent is lost",
    "an agent is marked gone",
    "an agent reboots",
    "an agent registers again with a new master",
    "an agent restarts",
    "an agent unregisters",
    "an answer is late",
    "an answer is lost after its call took effect",
    "an offer is rescinded",
    "an update comes twice",
    "calls are late",
    "calls are refused",
    "kills are lost",
    "nothing passes",
    "the master fails over",
    "the scheduler crashes",
    "the scheduler crashes before an effect",
    "the scheduler recovers tasks",
    "the store fails",
];

impl Seen {
    pub(crate) fn note(&mut self, what: &'static str) {
        debug_assert!(EXPECTED.contains(&what), "{what} is not on the list");
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// What should have come about and has not.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        EXPECTED.into_iter().filter(|what| !self.0.contains_key(what)).collect()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.0 {
            writeln!(formatter, "{count:>10}  {what}")?;
        }
        Ok(())
    }
}
