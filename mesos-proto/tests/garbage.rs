//! A stream with garbage in it, at every position: what can be relied upon, and what cannot.
//!
//! RecordIO has no checksums. For any garbage: nothing panics, the events before it are right, and nothing
//! comes out of a stream that had an error. For one byte too many, here and nearly always: in a header it
//! gives no event, and in a payload at most one, that of the record which it is in. That one can be wrong,
//! because the payload with that byte may be an event as well. Nothing follows it, as the last byte of the
//! payload stands where a header must begin: an error, or if it is a digit, the wait for a record that never
//! ends.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use mesos_proto::{
    event_stream::EventStream,
    recordio::encode_message,
    v1::{
        TaskState, TaskStatus,
        scheduler::{Event, event},
    },
};

#[test]
fn one_byte_of_garbage_gives_no_event_but_the_one_that_it_is_in() {
    let sent = events();
    let (stream, records) = encode(&sent);
    let mut wrong = 0;
    for at in 0..=stream.len() {
        let damaged = records.iter().position(|record| record.whole.contains(&at)).unwrap_or(sent.len());
        let is_payload = records.get(damaged).is_some_and(|record| record.payload.contains(&at));
        for garbage in 0..=u8::MAX {
            let broken = insert(&stream, at, &[garbage]);
            let (events, is_clean) = read(&broken);
            let what = || format!("{garbage} at {at}: {}", broken.escape_ascii());
            assert_eq!(&events[..damaged], &sent[..damaged], "{}", what());
            if garbage == b'0' && damaged < sent.len() && at == records[damaged].whole.start {
                assert_eq!((&events, is_clean), (&sent, true), "a zero before a length: {}", what());
                continue;
            }
            assert!(!is_clean, "{}", what());
            assert!(events.len() <= damaged + usize::from(is_payload), "{}", what());
            wrong += usize::from(events.len() > damaged && events[damaged] != sent[damaged]);
        }
    }
    assert!(wrong > 0, "the documentation says that payloads with garbage can be events");
}

#[test]
fn events_before_garbage_are_right() {
    let sent = events();
    let (stream, records) = encode(&sent);
    for garbage in
        [&b"\n"[..], b"\r\n", b"12\n", b"3\nabc", b"HTTP/1.1 400 Bad Request\r\n", &[0; 64], &[0xff; 64]]
    {
        for at in 0..=stream.len() {
            let (events, is_clean) = read(&insert(&stream, at, garbage));
            let damaged = records.iter().position(|record| record.whole.contains(&at)).unwrap_or(sent.len());
            let what = garbage.escape_ascii();
            assert_eq!(&events[..damaged], &sent[..damaged], "'{what}' at {at}");
            assert!(!is_clean, "'{what}' at {at}");
        }
    }
}

#[test]
fn a_byte_that_is_missing_or_changed_leaves_the_events_before_it_right() {
    let sent = events();
    let (stream, records) = encode(&sent);
    for at in 0..stream.len() {
        let damaged = records.iter().position(|record| record.whole.contains(&at)).unwrap();
        let mut cut = stream.to_vec();
        cut.remove(at);
        let (events, is_clean) = read(&cut);
        assert_eq!(&events[..damaged], &sent[..damaged], "without {at}");
        assert!(!is_clean, "without {at}");
        for bit in 0..8 {
            let mut changed = stream.to_vec();
            changed[at] ^= 1 << bit;
            let (events, _) = read(&changed);
            assert_eq!(&events[..damaged], &sent[..damaged], "bit {bit} of {at}");
        }
    }
}

/// Where a record lies in the stream.
struct Place {
    whole: Range<usize>,
    payload: Range<usize>,
}

fn events() -> Vec<Event> {
    let event = |kind: event::Type| Event { r#type: Some(kind.into()), ..Default::default() };
    vec![
        event(event::Type::Heartbeat),
        Event {
            rescind: Some(event::Rescind { offer_id: "f79dce7e-O1".into() }),
            ..event(event::Type::Rescind)
        },
        Event {
            update: Some(event::Update {
                status: TaskStatus {
                    task_id: "t".into(),
                    state: TaskState::TaskRunning.into(),
                    uuid: Some(Bytes::from_static(&[0xab; 16])),
                    ..Default::default()
                },
            }),
            ..event(event::Type::Update)
        },
        event(event::Type::Heartbeat),
        Event { error: Some(event::Error { message: "no more".to_owned() }), ..event(event::Type::Error) },
    ]
}

fn encode(events: &[Event]) -> (Bytes, Vec<Place>) {
    let (mut stream, mut places) = (BytesMut::new(), Vec::new());
    for event in events {
        let (start, record) = (stream.len(), encode_message(event));
        stream.extend_from_slice(&record);
        let header = record.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        places.push(Place { whole: start..stream.len(), payload: start + header..stream.len() });
    }
    (stream.freeze(), places)
}

fn insert(stream: &[u8], at: usize, garbage: &[u8]) -> Vec<u8> {
    [&stream[..at], garbage, &stream[at..]].concat()
}

/// The events of a stream, and whether it ends after a record; the same in one chunk and in single bytes.
fn read(stream: &[u8]) -> (Vec<Event>, bool) {
    let whole = read_chunks([Bytes::copy_from_slice(stream)]);
    let stream = Bytes::copy_from_slice(stream);
    let single = read_chunks((0..stream.len()).map(|at| stream.slice(at..=at)));
    assert_eq!(whole, single);
    whole
}

fn read_chunks(chunks: impl IntoIterator<Item = Bytes>) -> (Vec<Event>, bool) {
    let (mut stream, mut events) = (EventStream::<Event>::new(), Vec::new());
    for chunk in chunks {
        stream.push(chunk);
        loop {
            match stream.next_event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(stream.finish(), Err(error), "an error is final");
                    return (events, false);
                }
            }
        }
    }
    let is_clean = stream.finish().is_ok();
    (events, is_clean)
}
