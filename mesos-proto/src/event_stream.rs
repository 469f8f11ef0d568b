//! Messages out of the bytes of an event stream.
//!
//! The events of the scheduler API, the operator APIs and the executor API all come as protobuf messages in
//! RecordIO; [`EventStream`] reads any of them. It keeps going on what it does not know, because masters may be
//! newer than this schema: unknown fields are skipped, and a value of an enum that has no name is kept as its
//! number.
//!
//! Nothing in a stream tells whether its bytes are those that were sent: RecordIO has no checksums. Damage
//! of a header is noticed nearly always, but a payload with wrong bytes of the right number is handed out if
//! it can be decoded. What can be relied upon: the events before the damage are right, and the first record
//! that makes no sense ends the stream.

mod error;

use std::marker::PhantomData;

use bytes::Bytes;
use prost::Message;

pub use self::error::{Error, ErrorKind};
use crate::recordio::{self, DEFAULT_MAX_RECORD_BYTES, Decoder};

/// Incremental decoder of the messages of one stream: push chunks in, take messages out.
///
/// Records without payload are skipped. That a required field is missing is no error: it has its default
/// then, as with all messages that `prost` decodes. A message can take many times the memory of its payload,
/// so limit the records of a peer that is not trusted
/// ([`with_max_record_bytes`](Self::with_max_record_bytes)).
///
/// ```
/// use mesos_proto::{event_stream::EventStream, v1::scheduler::{Event, event}};
///
/// let mut stream = EventStream::<Event>::new();
/// stream.push(bytes::Bytes::from_static(b"2\n\x08\x080\n2\n\x08"));
/// assert_eq!(stream.next_event()?.map(|event| event.r#type()), Some(event::Type::Heartbeat));
/// assert_eq!(stream.next_event()?, None);
/// let error = stream.finish().unwrap_err();
/// assert_eq!((error.index(), error.offset()), (2, 6));
/// # Ok::<(), mesos_proto::event_stream::Error>(())
/// ```
#[derive(Debug)]
pub struct EventStream<M> {
    state: State,
    /// Number of the record that comes next.
    index: u64,
    message: PhantomData<fn() -> M>,
}

#[derive(Debug)]
enum State {
    Reading(Decoder),
    Failed(Error),
}

impl<M> Default for EventStream<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> EventStream<M> {
    /// A stream with the default limit of the framing.
    pub fn new() -> Self {
        Self::with_max_record_bytes(DEFAULT_MAX_RECORD_BYTES)
    }

    /// A stream that refuses records with a larger payload.
    pub fn with_max_record_bytes(max_record_bytes: u64) -> Self {
        let decoder = Decoder::with_max_record_bytes(max_record_bytes);
        Self { state: State::Reading(decoder), index: 0, message: PhantomData }
    }

    /// Adds bytes that arrived. They are dropped if the stream is broken already.
    pub fn push(&mut self, chunk: Bytes) {
        match &mut self.state {
            State::Reading(decoder) => decoder.push(chunk),
            State::Failed(_) => {}
        }
    }

    /// Tells that the stream ended. The events must have been taken before: one that was not counts as cut
    /// off.
    ///
    /// # Errors
    /// The stream ended inside a record, or was broken before.
    pub fn finish(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Reading(decoder) => decoder.finish().map_err(|error| self.fail_framing(error)),
            State::Failed(error) => Err(error.clone()),
        }
    }

    /// Number of the record that comes next, or of the one that is wrong: from 0, empty ones count.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Where that record begins, in bytes from the start of the stream.
    pub fn offset(&self) -> u64 {
        match &self.state {
            State::Reading(decoder) => decoder.offset(),
            State::Failed(error) => error.offset(),
        }
    }

    fn fail_framing(&mut self, error: recordio::Error) -> Error {
        let offset = error.offset();
        self.fail(offset, ErrorKind::Framing(error), &[])
    }

    fn fail(&mut self, offset: u64, kind: ErrorKind, payload: &[u8]) -> Error {
        let error = Error::new(self.index, offset, kind, payload);
        self.state = State::Failed(error.clone());
        error
    }
}

impl<M: Message + Default> EventStream<M> {
    /// Takes the next event, or `None` if it has not arrived as a whole.
    ///
    /// # Errors
    /// The framing is broken, or a record is no such message; every later call returns the same error. A
    /// record that cannot be decoded ends the stream as well, because what follows it is as doubtful.
    pub fn next_event(&mut self) -> Result<Option<M>, Error> {
        loop {
            let decoder = match &mut self.state {
                State::Reading(decoder) => decoder,
                State::Failed(error) => return Err(error.clone()),
            };
            let offset = decoder.offset();
            match decoder.next_record() {
                Ok(None) => return Ok(None),
                Ok(Some(record)) if record.is_empty() => self.index += 1,
                Ok(Some(record)) => {
                    let message = M::decode(record.clone())
                        .map_err(|error| self.fail(offset, ErrorKind::Message(error), &record))?;
                    self.index += 1;
                    return Ok(Some(message));
                }
                Err(error) => return Err(self.fail_framing(error)),
            }
        }
    }
}
