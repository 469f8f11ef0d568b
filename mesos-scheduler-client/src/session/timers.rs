//! The deadlines of a session.

use std::time::Instant;

/// What a session waits for in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// When to give up on the store of the framework id.
    Store,
    /// When to tell that no leader was found.
    Detect,
    /// When to give up on other credentials.
    Credentials,
    /// When to give up on a connection to a master.
    Connect,
    /// When to give up on a SUBSCRIBED that does not come.
    Subscribe,
    /// When to give up on a stream that fell silent.
    Heartbeat,
    /// When to give up on the oldest call that has no answer.
    Call,
    /// When to try the next master.
    Backoff,
    /// When to give up on the confirmation of TEARDOWN.
    Teardown,
}

impl Timer {
    const ALL: [Self; 9] = [
        Self::Store,
        Self::Detect,
        Self::Credentials,
        Self::Connect,
        Self::Subscribe,
        Self::Heartbeat,
        Self::Call,
        Self::Backoff,
        Self::Teardown,
    ];
}

/// At most one instant for each [`Timer`].
#[derive(Debug, Default)]
pub(super) struct TimerTable {
    deadlines: [Option<Instant>; Timer::ALL.len()],
}

impl TimerTable {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.deadlines[timer as usize] = Some(at);
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.deadlines[timer as usize] = None;
    }

    /// Stops everything that belongs to one attempt or stream.
    pub(super) fn stop_all_but(&mut self, kept: Timer) {
        for timer in Timer::ALL {
            if timer != kept {
                self.stop(timer);
            }
        }
    }

    pub(super) fn stop_all(&mut self) {
        *self = Self::default();
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<(Instant, Timer)> {
        Timer::ALL
            .into_iter()
            .filter_map(|timer| Some((self.deadlines[timer as usize]?, timer)))
            .min_by_key(|(at, _)| *at)
    }

    /// Takes the earliest deadline out if it has come.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<Timer> {
        let (at, timer) = self.next()?;
        if at > now {
            return None;
        }
        self.stop(timer);
        Some(timer)
    }
}
