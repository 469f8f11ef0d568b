//! Whether the master should send offers: SUPPRESS, REVIVE, and when to say it again.

use std::time::{Duration, Instant};

/// REVIVEs that may be sent in a row, and how long one takes to come back. Each one costs the master an
/// allocation run.
const BURST: u32 = 20;
const REFILL: Duration = Duration::from_millis(100);
/// First and longest pause until a REVIVE that brought nothing usable is repeated.
const FIRST_REPEAT: Duration = Duration::from_secs(5);
const LAST_REPEAT: Duration = Duration::from_secs(60);

/// A call to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DemandCall {
    Revive,
    Suppress,
}

/// What the master was told, and what it should know.
///
/// Calls can be lost, and filters may hide what a new task could use. So each piece of new work asks for
/// one more REVIVE, a REVIVE is repeated while work waits, and offers that arrive while the master
/// should be silent put the belief in doubt.
#[derive(Debug)]
pub(super) struct Demand {
    /// Counts pieces of work that may need offers.
    version: u64,
    told: Told,
    repeat: Duration,
    repeat_at: Option<Instant>,
    tokens: u32,
    refilled_at: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Suppressed,
    Revived { version: u64 },
}

impl Demand {
    pub(super) fn new() -> Self {
        Self {
            version: 0,
            told: Told::Nothing,
            repeat: FIRST_REPEAT,
            repeat_at: None,
            tokens: BURST,
            refilled_at: None,
        }
    }

    /// There is work that did not exist before.
    pub(super) fn new_work(&mut self) {
        self.version += 1;
        self.repeat = FIRST_REPEAT;
    }

    /// Nothing that was said holds any more: a new subscription, or a call that failed.
    pub(super) fn forget(&mut self) {
        self.told = Told::Nothing;
        self.repeat_at = None;
    }

    /// Offers arrived.
    pub(super) fn offers_arrived(&mut self) {
        if self.told == Told::Suppressed {
            self.told = Told::Nothing;
        }
    }

    /// What to say at this moment, given whether work waits.
    pub(super) fn poll(&mut self, now: Instant, work_waits: bool) -> Option<DemandCall> {
        if !work_waits {
            self.repeat_at = None;
            if self.told == Told::Suppressed {
                return None;
            }
            self.told = Told::Suppressed;
            return Some(DemandCall::Suppress);
        }
        let is_due = self.repeat_at.is_some_and(|at| at <= now);
        if self.told == (Told::Revived { version: self.version }) && !is_due {
            return None;
        }
        if !self.spend_token(now) {
            return None;
        }
        self.told = Told::Revived { version: self.version };
        self.repeat_at = Some(now + self.repeat);
        self.repeat = (self.repeat * 2).min(LAST_REPEAT);
        Some(DemandCall::Revive)
    }

    /// When to poll again.
    pub(super) fn next_deadline(&self, work_waits: bool) -> Option<Instant> {
        if !work_waits {
            return None;
        }
        if self.told != (Told::Revived { version: self.version }) {
            // Only a missing token keeps a REVIVE back.
            return self.refilled_at.map(|at| at + REFILL);
        }
        self.repeat_at
    }

    fn spend_token(&mut self, now: Instant) -> bool {
        let refilled_at = *self.refilled_at.get_or_insert(now);
        let periods = now.saturating_duration_since(refilled_at).as_millis() / REFILL.as_millis();
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(periods).min(BURST);
        self.refilled_at = Some(refilled_at + REFILL.saturating_mul(periods));
        if self.tokens == 0 {
            return false;
        }
        self.tokens -= 1;
        true
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do")]
mod tests {
    use super::*;

    #[test]
    fn no_work_suppresses_once_and_offers_put_it_in_doubt() {
        let now = Instant::now();
        let mut demand = Demand::new();
        assert_eq!(demand.poll(now, false), Some(DemandCall::Suppress));
        assert_eq!(demand.poll(now, false), None);
        assert_eq!(demand.next_deadline(false), None);
        demand.offers_arrived();
        assert_eq!(demand.poll(now, false), Some(DemandCall::Suppress));
    }

    #[test]
    fn each_new_work_revives_once_and_waiting_work_repeats_it_with_longer_pauses() {
        let now = Instant::now();
        let mut demand = Demand::new();
        demand.new_work();
        assert_eq!(demand.poll(now, true), Some(DemandCall::Revive));
        assert_eq!(demand.poll(now, true), None);
        let first = demand.next_deadline(true).unwrap();
        assert_eq!(first, now + FIRST_REPEAT);
        assert_eq!(demand.poll(first, true), Some(DemandCall::Revive));
        assert_eq!(demand.next_deadline(true), Some(first + 2 * FIRST_REPEAT));
        demand.new_work();
        assert_eq!(demand.poll(first, true), Some(DemandCall::Revive));
    }

    #[test]
    fn a_burst_of_work_spends_the_bucket_and_waits_for_a_token() {
        let now = Instant::now();
        let mut demand = Demand::new();
        for _ in 0..BURST {
            demand.new_work();
            assert_eq!(demand.poll(now, true), Some(DemandCall::Revive));
        }
        demand.new_work();
        assert_eq!(demand.poll(now, true), None);
        let next = demand.next_deadline(true).unwrap();
        assert_eq!(demand.poll(next, true), Some(DemandCall::Revive));
    }
}
