//! Any bytes as an event stream of the scheduler API, and of the operator API.

use bytes::Bytes;
use mesos_proto::{
    event_stream::{Error, EventStream},
    recordio::encode_message,
    v1::{master, scheduler},
};
use prost::Message;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It names no API.
    Unusable,
    /// Its stream has an error before the first event.
    Refused,
    /// Its stream has an error behind an event, or no end.
    Broken,
    /// Its stream consists of events.
    Whole,
}

/// Decodes the events of a stream and encodes them again. The input is `s` or `o` and a stream.
///
/// # Panics
/// Something does not hold that holds for every stream.
pub fn event(input: &[u8]) -> Outcome {
    match input.split_first() {
        Some((b's', stream)) => events::<scheduler::Event>(stream),
        Some((b'o', stream)) => events::<master::Event>(stream),
        _ => Outcome::Unusable,
    }
}

fn events<M: Message + Default>(stream: &[u8]) -> Outcome {
    let (events, end) = decode::<M>(stream, stream.len());
    // Not the messages themselves: a number that is none equals nothing.
    let encoded: Vec<Bytes> = events.iter().map(encode_message).collect();
    let (in_chunks, end_in_chunks) = decode::<M>(stream, 7);
    assert!(in_chunks.iter().map(encode_message).eq(encoded.iter().cloned()), "chunks have no meaning");
    assert_eq!(end_in_chunks, end, "chunks have no meaning");

    let (again, clean) = decode::<M>(&encoded.concat(), 64);
    assert_eq!(clean, Ok(()), "what was written can be read");
    // A message in which nothing is known is written as an empty record, which is no event.
    let kept = encoded.iter().filter(|record| record[..] != *b"0\n");
    assert!(again.iter().map(encode_message).eq(kept.cloned()), "what was written is read as it was");

    match end {
        Ok(()) => Outcome::Whole,
        Err(error) => {
            assert!(error.index() >= events.len() as u64, "{error}");
            assert!(error.offset() <= stream.len() as u64, "{error}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            if events.is_empty() { Outcome::Refused } else { Outcome::Broken }
        }
    }
}

fn decode<M: Message + Default>(stream: &[u8], size: usize) -> (Vec<M>, Result<(), Error>) {
    let (mut decoder, mut events) = (EventStream::new(), Vec::new());
    for chunk in stream.chunks(size.max(1)) {
        decoder.push(Bytes::copy_from_slice(chunk));
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.finish(), Err(error.clone()), "an error is final");
                    return (events, Err(error));
                }
            }
        }
    }
    (events, decoder.finish())
}
