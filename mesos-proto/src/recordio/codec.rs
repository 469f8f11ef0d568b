//! The framing for the readers and writers of tokio.

use std::{error, fmt, io};

use bytes::{Bytes, BytesMut};
use tokio_util::codec;

use super::{DEFAULT_MAX_RECORD_BYTES, Decoder, Encoder, Error};

/// RecordIO as a codec of `tokio_util`: payloads out of the bytes that are read, and records into the bytes
/// that are written.
///
/// What the reader has read is moved into a [`Decoder`], so that everything that is said there about copies
/// and memory holds here. A reader with room for most records (`FramedRead::with_capacity`) lets them be
/// handed out without a copy.
///
/// ```
/// use bytes::BytesMut;
/// use mesos_proto::recordio::RecordCodec;
/// use tokio_util::codec::{Decoder as _, Encoder as _};
///
/// let mut codec = RecordCodec::new();
/// let mut buffer = BytesMut::new();
/// codec.encode(b"abc", &mut buffer)?;
/// assert_eq!(codec.decode(&mut buffer)?.as_deref(), Some(&b"abc"[..]));
/// assert_eq!(codec.decode_eof(&mut buffer)?, None);
/// # Ok::<(), mesos_proto::recordio::CodecError>(())
/// ```
#[derive(Debug)]
pub struct RecordCodec {
    decoder: Decoder,
    encoder: Encoder,
}

impl Default for RecordCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl RecordCodec {
    /// A codec with the default limit.
    pub fn new() -> Self {
        Self::with_max_record_bytes(DEFAULT_MAX_RECORD_BYTES)
    }

    /// A codec that refuses to read and to write records with a larger payload.
    pub fn with_max_record_bytes(max_record_bytes: u64) -> Self {
        Self {
            decoder: Decoder::with_max_record_bytes(max_record_bytes),
            encoder: Encoder::with_max_record_bytes(max_record_bytes),
        }
    }
}

impl codec::Decoder for RecordCodec {
    type Item = Bytes;
    type Error = CodecError;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Bytes>, CodecError> {
        self.decoder.push(source.split().freeze());
        Ok(self.decoder.next_record()?)
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Bytes>, CodecError> {
        let record = self.decode(source)?;
        if record.is_none() {
            self.decoder.finish()?;
        }
        Ok(record)
    }
}

impl<T: AsRef<[u8]>> codec::Encoder<T> for RecordCodec {
    type Error = CodecError;

    fn encode(&mut self, payload: T, out: &mut BytesMut) -> Result<(), CodecError> {
        Ok(self.encoder.encode(payload.as_ref(), out)?)
    }
}

/// Why a stream cannot be read any further, or a record not be written. It reads as the error that it holds.
#[derive(Debug)]
#[non_exhaustive]
pub enum CodecError {
    /// The stream is no RecordIO, or a record exceeds the limit.
    Record(Error),
    /// The reader or the writer failed.
    Io(io::Error),
}

impl From<Error> for CodecError {
    fn from(error: Error) -> Self {
        Self::Record(error)
    }
}

impl From<io::Error> for CodecError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(error) => error.fmt(formatter),
            Self::Io(error) => error.fmt(formatter),
        }
    }
}

impl error::Error for CodecError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Record(error) => error.source(),
            Self::Io(error) => error.source(),
        }
    }
}
