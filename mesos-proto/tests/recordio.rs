//! The framing on its own: what is refused and where, and that chunks have no meaning.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use bytes::{Bytes, BytesMut};
use mesos_proto::recordio::{Decoder, Encoder, Error, ErrorKind, encode};
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

/// Memory for records of more than 64 KiB is not reserved at once; none of its bounds may show.
#[test]
fn large_records_survive_any_chunking() {
    for length in [65_535, 65_536, 65_537, 100_000, 1 << 20, (1 << 20) + 1] {
        let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let mut stream = BytesMut::new();
        encode(b"before", &mut stream);
        encode(&payload, &mut stream);
        encode(b"behind", &mut stream);
        let stream = stream.freeze();
        for size in [1, 63, 1460, 4096, length / 16, length - 1, length, length + 1, usize::MAX] {
            let mut decoder = Decoder::new();
            let mut found = Vec::new();
            for chunk in stream.chunks(size) {
                decoder.push(Bytes::copy_from_slice(chunk));
                while let Some(record) = decoder.next_record().unwrap() {
                    found.push(record);
                }
            }
            assert_eq!(decoder.finish(), Ok(()));
            assert!(found == [&b"before"[..], &payload, b"behind"], "{length} bytes in chunks of {size}");
        }
    }
}

#[test]
fn what_is_buffered_is_counted() {
    let mut decoder = Decoder::new();
    for (chunk, buffered, offset) in [
        (&b"1"[..], 0, 0),
        (b"0\n0123", 4, 0),
        (b"4567", 8, 0),
        (b"89", 0, 13),
        (b"2\n", 0, 13),
        (b"x", 1, 13),
    ] {
        decoder.push(Bytes::from_static(chunk));
        let record = decoder.next_record().unwrap();
        assert_eq!(record.is_some(), chunk == b"89");
        assert_eq!((decoder.buffered(), decoder.offset()), (buffered, offset), "{}", chunk.escape_ascii());
    }
}

#[test]
fn a_record_that_was_not_taken_counts_as_cut_off() {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::from_static(b"1\na1\nb"));
    let error = decoder.finish().unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Truncated { missing: None }, 0));

    let mut decoder = Decoder::new();
    decoder.push(Bytes::from_static(b"1\n"));
    assert_eq!(decoder.next_record(), Ok(None));
    decoder.push(Bytes::from_static(b"a1\nb"));
    assert_eq!(decoder.finish().unwrap_err().kind(), ErrorKind::Truncated { missing: Some(0) });
}

#[test]
fn headers_are_written_in_their_shortest_form() {
    for (length, header) in
        [(0, "0\n"), (9, "9\n"), (10, "10\n"), (99, "99\n"), (100, "100\n"), (12_345, "12345\n")]
    {
        let (mut encoder, mut out) = (Encoder::new(), BytesMut::new());
        encoder.encode(&vec![b'x'; length], &mut out).unwrap();
        assert_eq!(encoder.offset(), out.len() as u64);
        assert_eq!(out.len(), header.len() + length);
        assert!(out.starts_with(header.as_bytes()));
    }
}

#[test]
fn what_an_encoder_refuses_leaves_no_trace() {
    let (mut encoder, mut out) = (Encoder::with_max_record_bytes(3), BytesMut::new());
    let message = "abcd".to_owned();
    for _ in 0..2 {
        let error = encoder.encode(b"abcd", &mut out).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RecordTooLong { length: 4, limit: 3 });
        assert_eq!((error.offset(), error.seen()), (out.len() as u64, &b"4"[..]));
        // A text as a message is its field 1: two bytes more.
        let error = encoder.encode_message(&message, &mut out).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RecordTooLong { length: 6, limit: 3 });
        encoder.encode(b"abc", &mut out).unwrap();
    }
    assert_eq!(out, "3\nabc3\nabc");
}

proptest! {
    #[test]
    fn records_survive_any_chunking(
        records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20),
        sizes in proptest::collection::vec(1_usize..50, 1..20),
    ) {
        let (mut stream, mut encoder) = (BytesMut::new(), Encoder::new());
        for record in &records {
            encoder.encode(record, &mut stream).unwrap();
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
