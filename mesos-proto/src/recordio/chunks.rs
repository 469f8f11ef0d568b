//! The bytes of a stream that came and are not read yet.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

/// What a chunk takes beside its bytes, about: its handle, and what keeps count of the handles.
const CHUNK_OVERHEAD: usize = 64;

/// Chunks in the order in which they came; none is empty.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    chunks: VecDeque<Bytes>,
    bytes: usize,
}

impl Chunks {
    pub(super) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.bytes += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Memory that the chunks hold, about: chunks of one byte take far more than that byte.
    pub(super) fn memory(&self) -> usize {
        self.bytes + self.chunks.len() * CHUNK_OVERHEAD
    }

    pub(super) fn next_byte(&mut self) -> Option<u8> {
        let chunk = self.chunks.front_mut()?;
        let byte = chunk.get_u8();
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
        self.bytes -= 1;
        Some(byte)
    }

    /// Cuts off that many bytes if they lie in one chunk.
    pub(super) fn split(&mut self, length: usize) -> Option<Bytes> {
        if length == 0 {
            // A part of a chunk would keep the chunk in memory.
            return Some(Bytes::new());
        }
        let front = self.chunks.front_mut().filter(|front| front.len() >= length)?;
        self.bytes -= length;
        if front.len() == length { self.chunks.pop_front() } else { Some(front.split_to(length)) }
    }

    /// Moves bytes to the end of `out`, at most `length` of them; chunks are let go as they are used up.
    pub(super) fn copy_to(&mut self, out: &mut Vec<u8>, mut length: usize) {
        while let Some(front) = self.chunks.front_mut().filter(|_| length > 0) {
            let count = front.len().min(length);
            out.extend_from_slice(&front[..count]);
            length -= count;
            self.bytes -= count;
            front.advance(count);
            if front.is_empty() {
                self.chunks.pop_front();
            }
        }
    }
}
