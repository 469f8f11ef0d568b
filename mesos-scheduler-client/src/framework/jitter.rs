//! Random parts of times, from a seed.

use std::time::Duration;

/// The generator splitmix64: a counter, mixed.
#[derive(Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The time less a random part of up to a fifth of it.
    pub(super) fn shorten(&mut self, time: Duration) -> Duration {
        let part = u32::try_from(self.next() >> 44).unwrap_or(u32::MAX);
        // `part` has 20 bits.
        time - (time / 5).min(Duration::from_secs(3600)) / (1 << 20) * part
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_time_keeps_four_fifths_and_differs() {
        let mut jitter = Jitter::new(1);
        let time = Duration::from_secs(10);
        let times: Vec<Duration> = (0..1000).map(|_| jitter.shorten(time)).collect();
        assert!(times.iter().all(|time| (8.0..=10.0).contains(&time.as_secs_f64())));
        assert!(times.iter().any(|time| time.as_secs_f64() < 8.5));
        assert!(times.iter().any(|time| time.as_secs_f64() > 9.5));
        assert_eq!(jitter.shorten(Duration::ZERO), Duration::ZERO);
    }
}
