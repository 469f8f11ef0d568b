//! RecordIO: the framing of Mesos event streams.
//!
//! A record is the length of its payload in decimal ASCII, a line feed, and the payload; nothing
//! separates it from the next one. HTTP chunks have no meaning: a record may span many, a chunk may
//! hold many.
//!
//! [`Decoder`] is strict where the format of Mesos is loose: digits only, a bounded header, a bounded
//! payload. It never resynchronizes: after an error the stream must be given up, because anything that
//! follows may be read wrongly.

mod body;
mod chunks;
#[cfg(feature = "codec")]
mod codec;
mod decoder;
mod encoder;
mod error;
mod header;

#[cfg(feature = "codec")]
pub use self::codec::{CodecError, RecordCodec};
pub use self::{
    decoder::{DEFAULT_MAX_RECORD_BYTES, Decoder},
    encoder::{Encoder, encode, encode_message},
    error::{Error, ErrorKind},
};
