//! When the framework core must be called again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

/// A deadline of the framework core. Tasks are named as they were submitted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// When to give up on a task that does not run yet.
    Launch(Arc<str>),
    /// When to repeat a KILL.
    Kill(Arc<str>),
    /// When to give up on a task that the master does not know.
    Lost(Arc<str>),
    /// When to ask for offers again, or when a REVIVE may be spent again.
    Demand,
    /// When to ask again for tasks that were not answered.
    Reconcile,
    /// When to ask the master for everything it knows.
    ReconcileAll,
    /// When to give held offers back.
    Offers,
    /// When to say again what nobody may have heard.
    Again,
}

/// One instant for each timer that is set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    instants: BTreeMap<Timer, Instant>,
    order: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        if let Some(before) = self.instants.insert(timer.clone(), at) {
            if before == at {
                return;
            }
            self.order.remove(&(before, timer.clone()));
        }
        self.order.insert((at, timer));
    }

    /// Sets a timer, or stops it.
    pub(super) fn set_or_stop(&mut self, timer: Timer, at: Option<Instant>) {
        match at {
            Some(at) => self.set(timer, at),
            None => self.stop(&timer),
        }
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
