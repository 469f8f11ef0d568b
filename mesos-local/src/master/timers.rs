//! Deadlines of the master.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::output::StreamNumber;

/// What waits for a point in time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// When to offer what is free in one batch.
    Allocate,
    /// When to send the next HEARTBEAT of a stream.
    Heartbeat(StreamNumber),
    /// When to rescind an offer that nobody used, by its number.
    OfferTimeout(u64),
    /// When to give up an agent whose connection broke.
    AgentPing {
        /// The agent's id.
        agent: String,
    },
    /// When to give up the agents of a predecessor that have not registered.
    AgentsReregister,
    /// When to remove a framework whose scheduler did not come back.
    Failover {
        /// The framework's id.
        framework: String,
    },
    /// When to send the status of an operation again that nobody acknowledged.
    ResendOperation {
        /// The framework's id.
        framework: String,
        /// The operation's id.
        operation: String,
    },
    /// When to send an update again that nobody acknowledged.
    Resend {
        /// The framework's id.
        framework: String,
        /// The task whose update is in flight.
        task: String,
    },
}

/// At most one deadline per timer.
#[derive(Debug, Default)]
pub(super) struct Timers {
    deadlines: BTreeMap<Timer, Duration>,
    order: BTreeSet<(Duration, Timer)>,
}

impl Timers {
    /// Sets the deadline of a timer in place of the one it had.
    pub(super) fn set(&mut self, timer: Timer, at: Duration) {
        self.clear(&timer);
        self.order.insert((at, timer.clone()));
        self.deadlines.insert(timer, at);
    }

    pub(super) fn clear(&mut self, timer: &Timer) {
        if let Some(at) = self.deadlines.remove(timer) {
            self.order.remove(&(at, timer.clone()));
        }
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes one timer that is due.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        let (_, timer) = self.order.pop_first()?;
        self.deadlines.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_has_one_deadline_and_is_due_once() {
        let second = Duration::from_secs(1);
        let mut timers = Timers::default();
        timers.set(Timer::Allocate, 3 * second);
        timers.set(Timer::Allocate, second);
        timers.set(Timer::Heartbeat(StreamNumber(1)), 2 * second);
        assert_eq!(timers.next(), Some(second));
        assert_eq!(timers.pop_due(Duration::ZERO), None);
        assert_eq!(timers.pop_due(second), Some(Timer::Allocate));
        assert_eq!(timers.pop_due(second), None);
        timers.clear(&Timer::Heartbeat(StreamNumber(1)));
        assert_eq!(timers.next(), None);
    }
}
