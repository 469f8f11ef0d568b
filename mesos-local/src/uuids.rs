//! Uuids out of a seed.

use std::fmt::Write as _;

use bytes::Bytes;

/// A series of version 4 uuids: same seed, same series.
#[derive(Debug)]
pub(crate) struct Uuids {
    state: u64,
}

impl Uuids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Another series, which begins somewhere else.
    pub(crate) fn fork(&mut self) -> Self {
        Self { state: self.random() }
    }

    /// The 16 bytes of the next uuid.
    pub(crate) fn bytes(&mut self) -> Bytes {
        let (high, low) = (self.random(), self.random());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Bytes::copy_from_slice(&bytes)
    }

    /// The next uuid as text of 36 characters.
    pub(crate) fn text(&mut self) -> String {
        let mut text = String::with_capacity(36);
        for (index, byte) in self.bytes().iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            write!(text, "{byte:02x}").expect("a String takes every text");
        }
        text
    }

    /// The generator SplitMix64: one 64-bit counter, well mixed.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_series_of_version_4_uuids() {
        let (mut a, mut b, mut other) = (Uuids::new(7), Uuids::new(7), Uuids::new(8));
        let uuid = a.text();
        assert_eq!(uuid, b.text());
        assert_ne!(uuid, other.text());
        assert_ne!(uuid, a.text());
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
    }
}
