//! What a stream costs in memory: how often is allocated for a record, and how much is in use at once.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use bytes::{Bytes, BytesMut};
use mesos_proto::{
    event_stream::EventStream,
    recordio::{DEFAULT_MAX_RECORD_BYTES, Decoder, Encoder, encode, encode_message},
    v1::scheduler::Event,
};
use prost::Message;

#[path = "../benches/wire/offers.rs"]
mod offers;

const RECORDS: usize = 1000;

#[test]
fn records_in_one_chunk_are_not_allocated() {
    let stream = stream(&[b'x'; 100]);
    let mut decoder = Decoder::new();
    let counted = measure(|| push_and_take(&mut decoder, stream.clone(), RECORDS));
    assert_eq!(counted.count_total, 1, "room for a few chunks, once: {counted:?}");
    let counted = measure(|| push_and_take(&mut decoder, stream.clone(), RECORDS));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn a_record_in_several_chunks_is_allocated_once() {
    for size in [100, 100_000] {
        let stream = stream(&vec![b'x'; size]);
        let mut decoder = Decoder::new();
        push_and_take(&mut decoder, Bytes::from_static(b"1\na"), 1);
        let record = stream.len() / RECORDS;
        // Every record begins in one chunk and ends in the next one.
        let mut chunks = vec![stream.slice(..record / 2)];
        chunks.extend(
            (0..RECORDS - 1).map(|at| stream.slice(at * record + record / 2..(at + 1) * record + record / 2)),
        );
        chunks.push(stream.slice(stream.len() - record + record / 2..));
        let mut found = 0;
        let counted = measure(|| {
            for chunk in &chunks {
                decoder.push(chunk.clone());
                while let Some(record) = decoder.next_record().unwrap() {
                    black_box(record);
                    found += 1;
                }
            }
        });
        assert_eq!(found, RECORDS);
        assert_eq!(counted.count_total, RECORDS as u64, "{counted:?}");
        assert_eq!(counted.bytes_total, (RECORDS * size) as u64, "{counted:?}");
    }
}

#[test]
fn events_without_content_are_not_allocated() {
    let stream = stream(b"\x08\x08");
    let mut events = EventStream::<Event>::new();
    let mut count = || {
        events.push(stream.clone());
        (0..RECORDS).for_each(|_| drop(black_box(events.next_event().unwrap().unwrap())));
    };
    count();
    let counted = measure(count);
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn encoding_allocates_the_record_at_most() {
    let event = offers::offers(10);
    let record = encode_message(&event);
    let counted = measure(|| drop(black_box(encode_message(&event))));
    assert_eq!((counted.count_total, counted.bytes_total), (1, record.len() as u64), "{counted:?}");

    let mut out = BytesMut::with_capacity(2 * record.len());
    let mut encoder = Encoder::new();
    let counted = measure(|| {
        encoder.encode_message(&event, &mut out).unwrap();
        encoder.encode(&record[..100], &mut out).unwrap();
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
    assert_eq!(encoder.offset(), out.len() as u64);
}

#[test]
fn what_is_announced_is_not_reserved() {
    let announced = DEFAULT_MAX_RECORD_BYTES as usize;
    let header = format!("{announced}\n");
    for (sent, limit) in [(0, 1000), (1000, 10_000), (announced / 20, announced / 16)] {
        let counted = peak_of(|decoder| {
            decoder.push(Bytes::copy_from_slice(header.as_bytes()));
            assert_eq!(decoder.next_record(), Ok(None));
            for _ in 0..sent / 1000 {
                decoder.push(Bytes::from(vec![b'x'; 1000]));
                assert_eq!(decoder.next_record(), Ok(None));
            }
        });
        assert!(counted.bytes_max <= limit as u64, "{sent} bytes were sent: {counted:?}");
    }
}

#[test]
fn single_bytes_take_little_more_than_the_record() {
    const SIZE: usize = 1_000_000;
    let counted = peak_of(|decoder| {
        decoder.push(Bytes::from(format!("{SIZE}\n")));
        for _ in 1..SIZE {
            decoder.push(Bytes::from(vec![b'x']));
            assert_eq!(decoder.next_record(), Ok(None));
        }
        decoder.push(Bytes::from_static(b"x"));
        assert_eq!(decoder.next_record().unwrap().map(|record| record.len()), Some(SIZE));
    });
    assert!(counted.bytes_max <= SIZE as u64 * 11 / 10, "{counted:?}");
}

#[test]
fn a_broken_stream_keeps_nothing() {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::from_static(b"x"));
    decoder.next_record().unwrap_err();
    let counted = measure(|| (0..RECORDS).for_each(|_| decoder.push(Bytes::from(vec![b'x'; 1000]))));
    assert_eq!(counted.bytes_current, 0, "{counted:?}");
    assert_eq!(decoder.buffered(), 0);
}

/// The chunks come from the network, so that each has its memory; the payload is decoded when it is complete.
#[test]
fn the_offers_of_a_large_cluster_take_their_payload_and_their_messages() {
    let event = offers::offers(10_000);
    let payload = Bytes::from(event.encode_to_vec());
    let record = encode_message(&event);
    let mut decoded = None;
    let messages = measure(|| decoded = Some(Event::decode(payload.clone()).unwrap()));
    for size in [1460, 8 * 1024, 64 * 1024, record.len()] {
        let mut found = None;
        let counted = measure(|| {
            let mut events = EventStream::<Event>::new();
            for part in record.chunks(size) {
                events.push(Bytes::copy_from_slice(part));
                if let Some(event) = events.next_event().unwrap() {
                    found = Some(event);
                }
            }
        });
        assert_eq!(found, decoded);
        let bound = payload.len() as u64 * 11 / 10 + messages.bytes_max;
        assert!(
            counted.bytes_max <= bound,
            "chunks of {size}: {} > 1.1 x {} + {}",
            counted.bytes_max,
            payload.len(),
            messages.bytes_max
        );
    }
}

/// What the other tests rely on.
#[test]
fn allocations_are_counted() {
    assert_eq!(measure(|| drop(black_box(vec![0_u8; 17]))).bytes_total, 17);
}

fn peak_of(run: impl FnOnce(&mut Decoder)) -> AllocationInfo {
    let mut decoder = Decoder::new();
    measure(|| run(&mut decoder))
}

fn push_and_take(decoder: &mut Decoder, chunk: Bytes, records: usize) {
    decoder.push(chunk);
    for _ in 0..records {
        assert!(black_box(decoder.next_record().unwrap()).is_some());
    }
    assert_eq!(decoder.next_record(), Ok(None));
}

/// A stream of the same record, whose bytes are shared already.
fn stream(payload: &[u8]) -> Bytes {
    let mut stream = BytesMut::new();
    (0..RECORDS).for_each(|_| encode(payload, &mut stream));
    stream.freeze()
}
