//! The one source of chance of a simulation.

use std::time::Duration;

/// SplitMix64: same seed, same series.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        let span = u128::from(high - low) + 1;
        let part = (u128::from(self.next()) * span) >> 64;
        low + u64::try_from(part).expect("it is less than the span")
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.within(1, 100) <= percent
    }

    /// A time in milliseconds.
    pub(crate) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.within(low, high))
    }

    /// Short times are likelier than long ones: what goes wrong goes wrong soon, or very late.
    pub(crate) fn skewed_millis(&mut self, low: u64, high: u64) -> Duration {
        let bound = self.within(low, high);
        self.millis(low, bound)
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let last = u64::try_from(choices.len() - 1).expect("there are few choices");
        let index = self.within(0, last);
        choices[usize::try_from(index).expect("it is an index")]
    }
}
