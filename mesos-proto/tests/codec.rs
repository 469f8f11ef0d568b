//! The codec under a reader of `tokio_util`, which decides on its own how much it reads.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use mesos_proto::recordio::{CodecError, ErrorKind, RecordCodec};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::codec::{Encoder, FramedRead};

#[test]
fn records_are_the_same_however_they_are_read() {
    let payloads = [&b"abc"[..], b"", &[7; 100_000], b"de", &[8; 9000]];
    let stream = encode(&payloads);
    for at_once in [1, 2, 1460, usize::MAX] {
        for capacity in [1, 100, 8192, 200_000] {
            let (records, end) = read(&stream, at_once, capacity);
            end.unwrap();
            assert_eq!(records, payloads, "{at_once} at once, capacity {capacity}");
        }
    }
}

#[test]
fn a_record_in_one_read_is_not_copied() {
    let mut buffer = BytesMut::from(&encode(&[b"abc", b"de"])[..]);
    let range = buffer.as_ptr_range();
    let mut codec = RecordCodec::new();
    while let Some(record) = tokio_util::codec::Decoder::decode(&mut codec, &mut buffer).unwrap() {
        assert!(range.contains(&record.as_ptr()), "a copy was made");
    }
}

#[test]
fn the_end_inside_a_record_is_an_error() {
    let stream = encode(&[b"abc", b"defg"]);
    let ends: Vec<bool> = (0..=stream.len())
        .map(|cut| match read(&stream[..cut], 3, 8192).1 {
            Ok(()) => true,
            Err(CodecError::Record(error)) => {
                assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{error}");
                false
            }
            Err(other) => panic!("{other}"),
        })
        .collect();
    let clean: Vec<usize> = (0..ends.len()).filter(|cut| ends[*cut]).collect();
    assert_eq!(clean, [0, 5, 11]);
}

#[test]
fn what_is_too_long_is_neither_read_nor_written() {
    let mut codec = RecordCodec::with_max_record_bytes(3);
    let mut out = BytesMut::new();
    codec.encode("abc", &mut out).unwrap();
    let error = codec.encode("defg", &mut out).unwrap_err();
    assert_eq!(error.to_string(), "record at byte 5 has 4 bytes, more than the limit of 3");
    assert_eq!(&out[..], b"3\nabc");

    out.extend_from_slice(b"4\n");
    let mut reader = FramedRead::new(InParts { rest: &out, at_once: 1 }, codec);
    assert_eq!(next(&mut reader).unwrap().unwrap(), "abc");
    let error = next(&mut reader).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "record at byte 5 has 4 bytes, more than the limit of 3");
}

fn encode(payloads: &[&[u8]]) -> BytesMut {
    let (mut codec, mut out) = (RecordCodec::new(), BytesMut::new());
    for payload in payloads {
        codec.encode(payload, &mut out).unwrap();
    }
    out
}

fn read(stream: &[u8], at_once: usize, capacity: usize) -> (Vec<Bytes>, Result<(), CodecError>) {
    let parts = InParts { rest: stream, at_once };
    let mut reader = FramedRead::with_capacity(parts, RecordCodec::new(), capacity);
    let mut records = Vec::new();
    loop {
        match next(&mut reader) {
            Some(Ok(record)) => records.push(record),
            Some(Err(error)) => return (records, Err(error)),
            None => return (records, Ok(())),
        }
    }
}

fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    match pin!(stream).poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(item) => item,
        Poll::Pending => panic!("the bytes are all there"),
    }
}

/// Gives so many bytes for each read.
struct InParts<'a> {
    rest: &'a [u8],
    at_once: usize,
}

impl AsyncRead for InParts<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (part, rest) = self.rest.split_at(self.at_once.min(buffer.remaining()).min(self.rest.len()));
        buffer.put_slice(part);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}
