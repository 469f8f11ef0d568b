//! What can be wrong with a stream.

use std::fmt;

/// A stream that is no RecordIO, or one that exceeds a limit. The peer's fault; the stream cannot be
/// read any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub(super) kind: ErrorKind,
    pub(super) offset: u64,
    pub(super) seen: Vec<u8>,
}

/// The kinds of errors of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A header holds something else than digits, or nothing.
    BadHeader,
    /// A header has more digits than a length can have.
    HeaderTooLong,
    /// A record is longer than the limit of the decoder.
    RecordTooLong {
        /// Bytes that the record announces.
        length: u64,
        /// Bytes that the decoder allows.
        limit: u64,
    },
    /// The stream ended inside a record.
    Truncated {
        /// Bytes of the record that never came; `None` if its header was not complete.
        missing: Option<u64>,
    },
}

impl Error {
    /// What is wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where, in bytes from the start of the stream: the first byte of the record that is wrong.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The header at that place as far as it was read: its digits, and the byte that should not be there.
    pub fn seen(&self) -> &[u8] {
        &self.seen
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, offset, seen } = self;
        let seen = seen.escape_ascii();
        match kind {
            ErrorKind::BadHeader => {
                write!(formatter, "record header '{seen}' at byte {offset} is not a decimal length")
            }
            ErrorKind::HeaderTooLong => {
                write!(
                    formatter,
                    "record header '{seen}' at byte {offset} is longer than any length, \
                     expected at most 20 digits and at most {}",
                    u64::MAX
                )
            }
            ErrorKind::RecordTooLong { length, limit } => {
                write!(
                    formatter,
                    "record at byte {offset} has {length} bytes, more than the limit of {limit}"
                )
            }
            ErrorKind::Truncated { missing: Some(missing) } => {
                write!(
                    formatter,
                    "stream ended inside the record at byte {offset}, {missing} bytes are missing"
                )
            }
            ErrorKind::Truncated { missing: None } => {
                write!(formatter, "stream ended inside the record header '{seen}' at byte {offset}")
            }
        }
    }
}

impl std::error::Error for Error {}
