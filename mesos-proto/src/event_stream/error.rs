//! What can be wrong with an event stream.

use std::{error, fmt};

use crate::recordio;

/// As much of a payload is kept to be shown.
const MAX_SEEN: usize = 32;

/// A stream that does not consist of the wanted messages. The peer's fault; the stream cannot be read any
/// further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    index: u64,
    offset: u64,
    kind: ErrorKind,
    length: usize,
    seen: Vec<u8>,
}

/// The kinds of errors of an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are no RecordIO, or end inside a record.
    Framing(recordio::Error),
    /// A record is no such message.
    Message(prost::DecodeError),
}

impl Error {
    pub(super) fn new(index: u64, offset: u64, kind: ErrorKind, payload: &[u8]) -> Self {
        let seen = payload[..payload.len().min(MAX_SEEN)].to_vec();
        Self { index, offset, kind, length: payload.len(), seen }
    }

    /// Which record is wrong, from 0; empty ones count.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Where that record begins, in bytes from the start of the stream.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What is wrong with it.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The beginning of its payload, if that is what is wrong: at most 32 bytes.
    pub fn seen(&self) -> &[u8] {
        &self.seen
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, offset, kind, length, seen } = self;
        match kind {
            ErrorKind::Framing(_) => write!(formatter, "record {index} at byte {offset} cannot be read"),
            ErrorKind::Message(_) => {
                let (seen, more) = (seen.escape_ascii(), if seen.len() < *length { "..." } else { "" });
                write!(
                    formatter,
                    "record {index} at byte {offset} is no such message: its {length} bytes are '{seen}{more}'"
                )
            }
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Framing(error) => Some(error),
            ErrorKind::Message(error) => Some(error),
        }
    }
}
