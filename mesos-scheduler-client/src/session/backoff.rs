//! How long to wait before the next attempt.

use std::time::Duration;

/// Exponential backoff with full jitter: attempt n waits a random time between 0 and
/// `min(cap, base * 2^n)`.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    cap: Duration,
    attempts: u32,
    random: u64,
}

impl Backoff {
    pub(super) fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap, attempts: 0, random: seed }
    }

    /// The next attempt counts as the first one.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// The delay that was given last is not waited for, and nobody is to blame.
    pub(super) fn take_back(&mut self) {
        self.attempts = self.attempts.saturating_sub(1);
    }

    pub(super) fn next_delay(&mut self) -> Duration {
        let factor = 1_u32.checked_shl(self.attempts.min(31)).unwrap_or(u32::MAX);
        let longest = self.base.saturating_mul(factor).min(self.cap);
        self.attempts = self.attempts.saturating_add(1);
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        // The high half of the product is even over 0..=nanos, without the bias of a remainder.
        let part = (u128::from(self.next_random()) * (u128::from(nanos) + 1)) >> 64;
        // People read it.
        Duration::from_millis(u64::try_from(part / 1_000_000).unwrap_or(nanos / 1_000_000))
    }

    /// SplitMix64: one addition and two multiplications, and every seed is a good one.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_millis(500);
    const CAP: Duration = Duration::from_secs(15);

    #[test]
    fn delays_grow_up_to_the_cap_and_fill_the_range() {
        let mut longest = [Duration::ZERO; 8];
        for seed in 0..500 {
            let mut backoff = Backoff::new(BASE, CAP, seed);
            for seen in &mut longest {
                *seen = (*seen).max(backoff.next_delay());
            }
        }
        for (attempt, seen) in longest.into_iter().enumerate() {
            let limit = CAP.min(BASE * (1 << attempt));
            assert!(seen <= limit && seen > limit * 9 / 10, "attempt {attempt}: {seen:?} of {limit:?}");
        }
    }

    #[test]
    fn the_same_seed_waits_the_same_times_and_another_one_does_not() {
        let delays = |seed| {
            let mut backoff = Backoff::new(BASE, CAP, seed);
            [(); 10].map(|()| backoff.next_delay())
        };
        assert_eq!(delays(7), delays(7));
        assert_ne!(delays(7), delays(8));
    }

    #[test]
    fn a_thousand_attempts_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX, 1);
        for _ in 0..1000 {
            backoff.next_delay();
        }
        let mut backoff = Backoff::new(Duration::ZERO, CAP, 1);
        assert_eq!(backoff.next_delay(), Duration::ZERO);
    }
}
