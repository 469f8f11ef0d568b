//! Records out of payloads.

use std::fmt::Write;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use super::{DEFAULT_MAX_RECORD_BYTES, Error, ErrorKind};

/// Writes one stream, and refuses what a [`Decoder`](super::Decoder) with the same limit would refuse.
///
/// [`encode`] and [`encode_message`] are the same without a limit.
///
/// ```
/// use bytes::BytesMut;
/// use mesos_proto::recordio::Encoder;
///
/// let mut encoder = Encoder::with_max_record_bytes(3);
/// let mut stream = BytesMut::new();
/// encoder.encode(b"abc", &mut stream)?;
/// let error = encoder.encode(b"defg", &mut stream).unwrap_err();
/// assert_eq!(error.to_string(), "record at byte 5 has 4 bytes, more than the limit of 3");
/// assert_eq!(&stream[..], b"3\nabc");
/// # Ok::<(), mesos_proto::recordio::Error>(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    offset: u64,
    max_record_bytes: u64,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder with the default limit.
    pub fn new() -> Self {
        Self::with_max_record_bytes(DEFAULT_MAX_RECORD_BYTES)
    }

    /// An encoder that refuses larger payloads.
    pub fn with_max_record_bytes(max_record_bytes: u64) -> Self {
        Self { offset: 0, max_record_bytes }
    }

    /// Appends one record to `out`.
    ///
    /// # Errors
    /// The payload exceeds the limit. Nothing is appended, and other records can still be written.
    pub fn encode(&mut self, payload: &[u8], out: &mut BytesMut) -> Result<(), Error> {
        self.count(payload.len())?;
        encode(payload, out);
        Ok(())
    }

    /// Appends one record that holds a message to `out`.
    ///
    /// # Errors
    /// The encoded message exceeds the limit. Nothing is appended, and other records can still be written.
    pub fn encode_message(&mut self, message: &impl Message, out: &mut BytesMut) -> Result<(), Error> {
        let length = message.encoded_len();
        self.count(length)?;
        put_message(message, length, out);
        Ok(())
    }

    /// Where the next record begins, in bytes from the start of the stream.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn count(&mut self, length: usize) -> Result<(), Error> {
        let limit = self.max_record_bytes;
        if length as u64 > limit {
            let kind = ErrorKind::RecordTooLong { length: length as u64, limit };
            return Err(Error { kind, offset: self.offset, seen: length.to_string().into_bytes() });
        }
        self.offset += (header_length(length) + length) as u64;
        Ok(())
    }
}

/// Appends one record to `out`.
pub fn encode(payload: &[u8], out: &mut BytesMut) {
    put_header(payload.len(), out);
    out.put_slice(payload);
}

/// One record that holds a message, in memory of its size.
pub fn encode_message(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut out = BytesMut::new();
    put_message(message, length, &mut out);
    out.freeze()
}

fn put_message(message: &impl Message, length: usize, out: &mut BytesMut) {
    put_header(length, out);
    message.encode_raw(out);
}

/// Writes the header, and makes room for the payload.
fn put_header(length: usize, out: &mut BytesMut) {
    out.reserve(header_length(length) + length);
    writeln!(out, "{length}").expect("a BytesMut grows as far as memory goes");
}

/// Its digits and the line feed.
fn header_length(length: usize) -> usize {
    length.checked_ilog10().map_or(1, |exponent| exponent as usize + 1) + 1
}
