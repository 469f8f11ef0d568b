//! The framing on its own: what is refused and where, and that chunks have no meaning.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use bytes::{Bytes, BytesMut};
use mesos_proto::recordio::{Decoder, Error, ErrorKind, encode};
use proptest::prelude::*;

fn decode(stream: &[u8]) -> (Vec<Bytes>, Result<(), Error>) {
    let mut decoder = Decoder::with_max_record_bytes(1000);
    decoder.push(Bytes::copy_from_slice(stream));
    let mut records = Vec::new();
    loop {
        match decoder.next_record() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return (records, decoder.finish()),
            Err(error) => {
                assert_eq!(decoder.next_record(), Err(error.clone()), "an error is final");
                assert_eq!(decoder.finish(), Err(error.clone()), "an error is final");
                return (records, Err(error));
            }
        }
    }
}

#[test]
fn what_is_no_recordio_is_refused_with_place_and_bytes() {
    for (stream, records, kind, offset, message) in [
        (&b"x"[..], 0, ErrorKind::BadHeader, 0, "record header 'x' at byte 0 is not a decimal length"),
        (b"1\na\n", 1, ErrorKind::BadHeader, 3, "record header '\\n' at byte 3 is not a decimal length"),
        (b"0x10\n", 0, ErrorKind::BadHeader, 0, "record header '0x' at byte 0 is not a decimal length"),
        (b"+5\nhello", 0, ErrorKind::BadHeader, 0, "record header '+' at byte 0 is not a decimal length"),
        (b"-1\n", 0, ErrorKind::BadHeader, 0, "record header '-' at byte 0 is not a decimal length"),
        (b"1\na 5\n", 1, ErrorKind::BadHeader, 3, "record header ' ' at byte 3 is not a decimal length"),
        (b"2\r\nab", 0, ErrorKind::BadHeader, 0, "record header '2\\r' at byte 0 is not a decimal length"),
        (
            b"000000000000000000001\na",
            0,
            ErrorKind::HeaderTooLong,
            0,
            "record header '000000000000000000001' at byte 0 is longer than any length, \
             expected at most 20 digits and at most 18446744073709551615",
        ),
        (
            b"99999999999999999999\n",
            0,
            ErrorKind::HeaderTooLong,
            0,
            "record header '99999999999999999999' at byte 0 is longer than any length, \
             expected at most 20 digits and at most 18446744073709551615",
        ),
        (
            b"1001\n",
            0,
            ErrorKind::RecordTooLong { length: 1001, limit: 1000 },
            0,
            "record at byte 0 has 1001 bytes, more than the limit of 1000",
        ),
        (
            b"1\na5\nhel",
            1,
            ErrorKind::Truncated { missing: Some(2) },
            3,
            "stream ended inside the record at byte 3, 2 bytes are missing",
        ),
        (
            b"1\na12",
            1,
            ErrorKind::Truncated { missing: None },
            3,
            "stream ended inside the record header '12' at byte 3",
        ),
    ] {
        let (found, end) = decode(stream);
        let error = end.unwrap_err();
        let seen = (found.len(), error.kind(), error.offset(), error.to_string());
        assert_eq!(seen, (records, kind, offset, message.to_owned()), "{}", stream.escape_ascii());
    }
}

#[test]
fn a_record_may_be_empty_and_a_header_may_have_zeros() {
    let (records, end) = decode(b"0\n0003\nabc0\n");
    assert_eq!(records, [&b""[..], b"abc", b""]);
    assert_eq!(end, Ok(()));
}

#[test]
fn a_record_in_one_chunk_is_a_slice_of_it() {
    let chunk = Bytes::from_static(b"3\nabc3\ndef");
    let range = chunk.as_ptr_range();
    let mut decoder = Decoder::new();
    decoder.push(chunk);
    while let Some(record) = decoder.next_record().unwrap() {
        assert!(range.contains(&record.as_ptr()), "a copy was made");
    }
}

#[test]
fn a_length_alone_reserves_nothing() {
    let mut decoder = Decoder::with_max_record_bytes(u64::MAX);
    decoder.push(Bytes::from_static(b"9000000000000000000\nabc"));
    assert_eq!(decoder.next_record(), Ok(None));
    assert_eq!(decoder.buffered(), 3);
}

#[test]
fn garbage_anywhere_is_an_error_or_another_record_but_never_a_panic() {
    let stream = b"2\n\x08\x0810\n0123456789";
    for at in 0..=stream.len() {
        for garbage in [0_u8, b'\n', b'9', b'-', 255] {
            let mut broken = stream.to_vec();
            broken.insert(at, garbage);
            let (records, end) = decode(&broken);
            assert!(end.is_err() || records.len() >= 2, "{}", broken.escape_ascii());
        }
    }
}

proptest! {
    #[test]
    fn records_survive_any_chunking(
        records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20),
        sizes in proptest::collection::vec(1_usize..50, 1..20),
    ) {
        let mut stream = BytesMut::new();
        for record in &records {
            encode(record, &mut stream);
        }
        let mut stream = stream.freeze();
        let mut decoder = Decoder::new();
        let mut found = Vec::new();
        for size in sizes.iter().cycle() {
            if stream.is_empty() {
                break;
            }
            decoder.push(stream.split_to((*size).min(stream.len())));
            while let Some(record) = decoder.next_record().unwrap() {
                found.push(record.to_vec());
            }
        }
        prop_assert_eq!(found, records);
        prop_assert_eq!(decoder.finish(), Ok(()));
    }

    #[test]
    fn any_bytes_are_records_or_an_error(stream: Vec<u8>) {
        let (records, _) = decode(&stream);
        prop_assert!(records.iter().map(|record| record.len() + 2).sum::<usize>() <= stream.len());
    }
}
