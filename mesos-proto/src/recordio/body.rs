//! The payload of one record.

use std::mem;

use bytes::Bytes;

use super::chunks::Chunks;

/// Memory for a payload up to this size is reserved as soon as the payload begins.
const SMALL: usize = 64 * 1024;

/// Memory for a larger one is reserved when the chunks hold this part of it. So a peer that announces much
/// and sends little takes little; and nearly all chunks are let go as they come, so that the payload is not in
/// memory twice.
const LARGE_PART: usize = 16;

/// A payload that is being read.
#[derive(Debug)]
pub(super) struct Body {
    length: usize,
    /// Its beginning, if it lies in several chunks. Memory is reserved once, for all of it.
    collected: Vec<u8>,
}

impl Body {
    pub(super) fn new(length: usize) -> Self {
        Self { length, collected: Vec::new() }
    }

    /// Bytes that were taken out of the chunks.
    pub(super) fn collected(&self) -> usize {
        self.collected.len()
    }

    /// Bytes that the chunks do not hold yet.
    pub(super) fn missing(&self, chunks: &Chunks) -> usize {
        (self.length - self.collected.len()).saturating_sub(chunks.len())
    }

    /// Reads on and returns the payload, or `None` if more bytes are needed.
    pub(super) fn read(&mut self, chunks: &mut Chunks) -> Option<Bytes> {
        if self.collected.is_empty() {
            if let Some(payload) = chunks.split(self.length) {
                return Some(payload);
            }
            // The next chunk may hold all of it.
            if chunks.is_empty() {
                return None;
            }
            if self.length > SMALL && chunks.memory() < self.length / LARGE_PART {
                return None;
            }
            self.collected.reserve_exact(self.length);
        }
        let missing = self.length - self.collected.len();
        chunks.copy_to(&mut self.collected, missing);
        (self.collected.len() == self.length).then(|| mem::take(&mut self.collected).into())
    }
}
