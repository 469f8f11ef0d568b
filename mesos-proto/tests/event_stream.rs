//! Messages out of streams: what is not known is kept or skipped, and errors say which record it was.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::{error::Error as _, fmt::Debug};

use bytes::Bytes;
use mesos_proto::{
    event_stream::{ErrorKind, EventStream},
    recordio::{self, encode_message},
    v1::{TaskState, executor, master, scheduler},
};
use prost::Message;

#[test]
fn unknown_fields_are_skipped_and_unknown_values_kept() {
    // UPDATE of task 't' in state 99, and fields 100 and 101 that this schema does not have, on both levels.
    let unknown = b"\xa0\x06\x01\xaa\x06\x03abc";
    let known_status = b"\x0a\x03\x0a\x01t\x10\x63";
    let status = [&known_status[..], unknown].concat();
    let update = [&[0x0a, status.len() as u8][..], &status].concat();
    let event = [&[0x08, 77, 0x2a, update.len() as u8][..], &update, unknown].concat();
    let mut stream = EventStream::<scheduler::Event>::new();
    stream.push(record(&event));
    stream.push(Bytes::from_static(b"2\n\x08\x08"));

    let decoded = stream.next_event().unwrap().unwrap();
    assert_eq!(decoded.r#type, Some(77));
    assert_eq!(decoded.r#type(), scheduler::event::Type::Unknown);
    let status = &decoded.update.as_ref().unwrap().status;
    assert_eq!((status.task_id.value.as_str(), status.state), ("t", 99));
    assert_eq!(TaskState::try_from(status.state).ok(), None);
    let expected = [&[0x08, 77, 0x2a, 9, 0x0a, 7][..], known_status].concat();
    assert_eq!(decoded.encode_to_vec(), expected, "numbers without a name are written again");

    let heartbeat = stream.next_event().unwrap().unwrap();
    assert_eq!(heartbeat.r#type(), scheduler::event::Type::Heartbeat);
    assert_eq!(stream.finish(), Ok(()));
}

#[test]
fn streams_of_all_apis_are_decoded() {
    check_api(&[
        master::Event { r#type: Some(master::event::Type::Heartbeat.into()), ..Default::default() },
        master::Event {
            r#type: Some(master::event::Type::AgentRemoved.into()),
            agent_removed: Some(master::event::AgentRemoved { agent_id: "S1".into() }),
            ..Default::default()
        },
    ]);
    check_api(&[executor::Event {
        r#type: Some(executor::event::Type::Kill.into()),
        kill: Some(executor::event::Kill { task_id: "t1".into(), ..Default::default() }),
        ..Default::default()
    }]);
}

#[test]
fn empty_records_are_skipped_and_counted() {
    let mut stream = EventStream::<scheduler::Event>::new();
    stream.push(Bytes::from_static(b"0\n0\n2\n\x08\x080\n"));
    assert_eq!((stream.index(), stream.offset()), (0, 0));
    assert!(stream.next_event().unwrap().is_some());
    assert_eq!((stream.index(), stream.offset()), (3, 8));
    assert_eq!(stream.next_event(), Ok(None));
    assert_eq!((stream.index(), stream.offset()), (4, 10));
    assert_eq!(stream.finish(), Ok(()));
}

#[test]
fn a_record_that_is_no_event_is_told_with_its_place_and_bytes() {
    for (payload, shown) in [
        (&b"\xff\xff"[..], "its 2 bytes are '\\xff\\xff'"),
        (b"{\"type\":\"HEARTBEAT\"}", "its 20 bytes are '{\\\"type\\\":\\\"HEARTBEAT\\\"}'"),
        (&[b'x'; 33], "its 33 bytes are 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'"),
    ] {
        let mut stream = EventStream::<scheduler::Event>::new();
        stream.push(Bytes::from_static(b"0\n2\n\x08\x08"));
        stream.push(record(payload));
        stream.push(Bytes::from_static(b"2\n\x08\x08"));
        assert!(stream.next_event().unwrap().is_some());
        let error = stream.next_event().unwrap_err();
        assert_eq!((error.index(), error.offset()), (2, 6));
        assert_eq!(error.seen(), &payload[..payload.len().min(32)]);
        assert_eq!(error.to_string(), format!("record 2 at byte 6 is no such message: {shown}"));
        let ErrorKind::Message(cause) = error.kind() else { panic!("{error:?}") };
        assert_eq!(error.source().unwrap().to_string(), cause.to_string());
        assert!(cause.to_string().starts_with("failed to decode Protobuf message"), "{cause}");

        stream.push(Bytes::from_static(b"2\n\x08\x08"));
        assert_eq!(stream.next_event(), Err(error.clone()), "an error is final");
        assert_eq!(stream.finish(), Err(error), "an error is final");
        assert_eq!((stream.index(), stream.offset()), (2, 6));
    }
}

#[test]
fn broken_framing_is_told_with_its_place() {
    for (bytes, kind, source) in [
        (&b"x"[..], recordio::ErrorKind::BadHeader, "record header 'x' at byte 4 is not a decimal length"),
        (
            b"3\nab",
            recordio::ErrorKind::Truncated { missing: Some(1) },
            "stream ended inside the record at byte 4, 1 bytes are missing",
        ),
        (
            b"5\n",
            recordio::ErrorKind::RecordTooLong { length: 5, limit: 4 },
            "record at byte 4 has 5 bytes, more than the limit of 4",
        ),
    ] {
        let mut stream = EventStream::<scheduler::Event>::with_max_record_bytes(4);
        stream.push(Bytes::from_static(b"2\n\x08\x08"));
        stream.push(Bytes::from_static(bytes));
        assert!(stream.next_event().unwrap().is_some());
        let error = stream.next_event().and_then(|_| stream.finish()).unwrap_err();
        assert_eq!((error.index(), error.offset()), (1, 4));
        assert_eq!(error.to_string(), "record 1 at byte 4 cannot be read");
        assert_eq!(error.source().unwrap().to_string(), source);
        let ErrorKind::Framing(cause) = error.kind() else { panic!("{error:?}") };
        assert_eq!(cause.kind(), kind);
        assert_eq!(stream.next_event(), Err(error), "an error is final");
    }
}

fn check_api<M: Debug + Default + Message + PartialEq>(events: &[M]) {
    let mut stream = EventStream::<M>::new();
    for event in events {
        stream.push(encode_message(event));
    }
    for event in events {
        assert_eq!(stream.next_event().unwrap().as_ref(), Some(event));
    }
    assert_eq!(stream.next_event(), Ok(None));
    assert_eq!(stream.finish(), Ok(()));
}

fn record(payload: &[u8]) -> Bytes {
    let mut out = bytes::BytesMut::new();
    recordio::encode(payload, &mut out);
    out.freeze()
}
