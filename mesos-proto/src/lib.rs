//! The wire format of the Apache Mesos v1 API.
//!
//! - [`v1`]: the protobuf messages of all nine packages of the API, with helpers for the ones that a
//!   framework author meets. Required fields of proto2 are plain fields, everything else is an
//!   `Option`, a `Vec` or a `BTreeMap`; `bytes` fields are [`bytes::Bytes`] and share the buffer that
//!   they were decoded from.
//! - [`recordio`]: the framing of event streams, strict and without copies.
//! - [`event_stream`]: messages straight out of the bytes of such a stream.
//! - `json` (feature `json`): the JSON form of the messages, and the check for missing required
//!   fields that protobuf decoding alone does not make.
//!
//! The crate does no I/O and knows no policy.
//!
//! ```
//! use mesos_proto::{recordio, v1::scheduler::{Event, event}};
//! use prost::Message;
//!
//! let mut decoder = recordio::Decoder::new();
//! decoder.push(bytes::Bytes::from_static(b"2\n\x08\x08"));
//! let record = decoder.next_record()?.expect("a whole record was pushed");
//! let event = Event::decode(record)?;
//! assert_eq!(event.r#type(), event::Type::Heartbeat);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub mod event_stream;
pub mod google;
#[cfg(feature = "json")]
pub mod json;
pub mod recordio;
pub mod v1;

/// Serialized `google.protobuf.FileDescriptorSet` of the schema, for tools that look at it.
pub const DESCRIPTORS: &[u8] = include_bytes!("v1/generated/descriptors.bin");
