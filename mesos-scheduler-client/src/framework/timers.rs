//! When the framework core must be called again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// A deadline of the framework core.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// When to give up on a task that does not run yet.
    Launch(String),
    /// When to repeat a KILL.
    Kill(String),
    /// When to give up on a task that the master does not know.
    Lost(String),
    /// When to ask for offers again, or when a REVIVE may be spent again.
    Demand,
    /// When to ask again for tasks that were not answered.
    Reconcile,
    /// When to ask the master for everything it knows.
    ReconcileAll,
    /// When to give a held offer back.
    Offer(String),
}

/// One instant for each timer that is set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    instants: BTreeMap<Timer, Instant>,
    order: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.stop(&timer);
        self.instants.insert(timer.clone(), at);
        self.order.insert((at, timer));
    }

    pub(super) fn stop(&mut self, timer: &Timer) {
        if let Some(at) = self.instants.remove(timer) {
            self.order.remove(&(at, timer.clone()));
        }
    }

    pub(super) fn is_set(&self, timer: &Timer) -> bool {
        self.instants.contains_key(timer)
    }

    /// Takes a timer whose instant has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let (at, _) = self.order.first()?;
        if *at > now {
            return None;
        }
        let (_, timer) = self.order.pop_first()?;
        self.instants.remove(&timer);
        Some(timer)
    }

    /// The next instant.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    pub(super) fn clear(&mut self) {
        self.instants.clear();
        self.order.clear();
    }
}
