//! Takes the content of a body out of what was read, in few pieces.

use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use crate::http1::body::{Body, Part};

/// A chunk up to this size is moved to the one before it. That costs less than one more piece does on its way
/// through the client.
const MAX_MOVED_BYTES: usize = 4 * 1024;

/// More chunks are not one piece.
pub(super) const MAX_CHUNKS: usize = 64;

/// Content that lies together.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    /// From so many chunks.
    pub(super) chunks: usize,
}

/// Appends the content that `buffer` holds to `pieces`, in order, and leaves what cannot be told yet. Returns whether
/// the body is over.
///
/// A master sends each record as a chunk, so many small ones come with one read. Their framing is closed up inside of
/// the buffer, and they leave it as one piece; large ones leave it as they are.
///
/// # Errors
/// The framing is wrong; `pieces` has what came before.
pub(super) fn take_content(
    body: &mut Body,
    buffer: &mut BytesMut,
    pieces: &mut Vec<Piece>,
) -> Result<bool, String> {
    let mut glued = Glued::default();
    let mut next = 0;
    let is_over = loop {
        match body.next(&buffer[next..]) {
            Ok(Part::Framing(length)) => next += length,
            Ok(Part::Content(length)) => {
                if !glued.takes(length) {
                    pieces.extend(std::mem::take(&mut glued).cut(buffer, next));
                    next = 0;
                }
                glued.add(buffer, next, length);
                next += length;
            }
            Ok(Part::Incomplete) => break Ok(false),
            Ok(Part::End) => break Ok(true),
            Err(why) => break Err(why),
        }
    };
    pieces.extend(glued.cut(buffer, next));
    is_over
}

/// Content that lies together in a buffer.
#[derive(Default)]
struct Glued {
    range: Range<usize>,
    chunks: usize,
}

impl Glued {
    /// Whether it goes on with so many bytes.
    fn takes(&self, length: usize) -> bool {
        self.chunks == 0 || self.chunks < MAX_CHUNKS && length <= MAX_MOVED_BYTES
    }

    /// Goes on with the bytes at this place.
    fn add(&mut self, buffer: &mut BytesMut, start: usize, length: usize) {
        if self.chunks == 0 {
            self.range = start..start;
        } else {
            buffer.copy_within(start..start + length, self.range.end);
        }
        self.range.end += length;
        self.chunks += 1;
    }

    /// Takes it out of the buffer, and everything else up to `end` off.
    fn cut(self, buffer: &mut BytesMut, end: usize) -> Option<Piece> {
        if self.chunks == 0 {
            buffer.advance(end);
            return None;
        }
        buffer.advance(self.range.start);
        let bytes = buffer.split_to(self.range.len()).freeze();
        buffer.advance(end - self.range.end);
        Some(Piece { bytes, chunks: self.chunks })
    }
}

#[cfg(test)]
mod tests;
