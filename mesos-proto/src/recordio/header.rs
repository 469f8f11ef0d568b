//! The length before a payload.

use super::{ErrorKind, chunks::Chunks};

/// As many digits as the largest length has (`u64::MAX`).
const MAX_DIGITS: usize = 20;

/// The header of one record as far as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    /// Digits; only the last byte, which made it an error, may be something else.
    seen: [u8; MAX_DIGITS + 1],
    length: usize,
}

impl Header {
    /// What was read, without the line feed that ends it.
    pub(super) fn seen(&self) -> &[u8] {
        &self.seen[..self.length]
    }

    /// Reads on and returns the length that the header states, or `None` if more bytes are needed.
    pub(super) fn read(&mut self, chunks: &mut Chunks) -> Result<Option<u64>, ErrorKind> {
        while let Some(byte) = chunks.next_byte() {
            if byte == b'\n' && self.length > 0 {
                return self.parse().map(Some).ok_or(ErrorKind::HeaderTooLong);
            }
            self.seen[self.length] = byte;
            self.length += 1;
            if !byte.is_ascii_digit() {
                return Err(ErrorKind::BadHeader);
            }
            if self.length > MAX_DIGITS {
                return Err(ErrorKind::HeaderTooLong);
            }
        }
        Ok(None)
    }

    fn parse(&self) -> Option<u64> {
        let add = |sum: u64, digit: &u8| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
        self.seen().iter().try_fold(0, add)
    }
}
