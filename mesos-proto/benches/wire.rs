//! How fast streams are split and decoded, beside what has to be done in any case: copying their bytes, and
//! decoding their messages with `prost`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::{hint::black_box, time::Duration};

use bytes::{Bytes, BytesMut};
use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
    measurement::{Measurement, WallTime},
};
use mesos_proto::{
    event_stream::EventStream,
    recordio::{Decoder, encode, encode_message},
    v1::scheduler::Event,
};
use prost::Message;

#[path = "wire/offers.rs"]
mod offers;

const STREAM_BYTES: usize = 32 * 1024 * 1024;

/// How much of a stream comes at once: a part of the Ethernet, a read of hyper, a large read.
const CHUNKS: [(&str, usize); 4] = [
    ("chunks_of_1460", 1460),
    ("chunks_of_8k", 8 * 1024),
    ("chunks_of_64k", 64 * 1024),
    ("one_chunk", usize::MAX),
];

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = split_4k, split_mixed, offers_of_10000_agents
}
criterion_main!(benches);

fn split_4k(criterion: &mut Criterion) {
    split(criterion.benchmark_group("split_4k"), || 4096);
}

/// Records of 0 to 8 KiB, in an order that is the same in each run.
fn split_mixed(criterion: &mut Criterion) {
    let mut random = 1_u64;
    split(criterion.benchmark_group("split_mixed"), || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % 8193
    });
}

fn split(mut group: BenchmarkGroup<'_, WallTime>, mut size: impl FnMut() -> usize) {
    let mut stream = BytesMut::new();
    let mut records = 0;
    while stream.len() < STREAM_BYTES {
        encode(&vec![b'x'; size()], &mut stream);
        records += 1;
    }
    let stream = stream.freeze();
    group.throughput(Throughput::Bytes(stream.len() as u64));
    let mut copy = vec![0; stream.len()];
    group.bench_function("memcpy", |bencher| {
        bencher.iter(|| black_box(&mut copy).copy_from_slice(black_box(&stream)));
    });
    for (name, size) in CHUNKS {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut decoder = Decoder::new();
                let mut found = 0;
                for chunk in chunks(&stream, size) {
                    decoder.push(chunk);
                    while let Some(record) = decoder.next_record().unwrap() {
                        black_box(record);
                        found += 1;
                    }
                }
                assert_eq!(found, records);
            });
        });
    }
    group.finish();
}

fn offers_of_10000_agents(criterion: &mut Criterion) {
    const AGENTS: usize = 10_000;
    let event = offers::offers(AGENTS as u32);
    let payload = Bytes::from(event.encode_to_vec());
    let stream = encode_message(&event);
    let check = |event: Event| {
        assert_eq!(event.offers.as_ref().map(|offers| offers.offers.len()), Some(AGENTS));
        black_box(event)
    };
    let decode = |payload: Bytes| check(Event::decode(payload).unwrap());
    let decode_chunks = |size| {
        let mut events = EventStream::<Event>::new();
        let mut found = None;
        for chunk in chunks(black_box(&stream), size) {
            events.push(chunk);
            while let Some(event) = events.next_event().unwrap() {
                found = Some(check(event));
            }
        }
        events.finish().unwrap();
        found.unwrap()
    };
    let ways: [(&str, &dyn Fn() -> Event); 5] = [
        ("prost", &|| decode(black_box(&payload).clone())),
        // What comes in chunks has to be put together in any case: prost is not faster over the parts.
        ("prost_after_copy", &|| decode(Bytes::copy_from_slice(black_box(&payload)))),
        ("one_chunk", &|| decode_chunks(usize::MAX)),
        ("chunks_of_64k", &|| decode_chunks(64 * 1024)),
        ("chunks_of_1460", &|| decode_chunks(1460)),
    ];
    let fastest = time_in_turns(&ways.map(|(_, run)| run));
    let mut group = criterion.benchmark_group("offers");
    group.throughput(Throughput::Bytes(payload.len() as u64)).sample_size(10);
    for ((name, run), fastest) in ways.into_iter().zip(fastest) {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                (0..iterations).for_each(|_| drop(run()));
                fastest * u32::try_from(iterations).unwrap()
            });
        });
    }
    group.finish();
}

/// The fastest run of each, out of many that are made in turns: whatever else a machine does disturbs a run by
/// more than the twentieth that is in question here. The drop of what is returned does not count.
fn time_in_turns<T>(runs: &[&dyn Fn() -> T]) -> Vec<Duration> {
    let mut fastest = vec![Duration::MAX; runs.len()];
    for _ in 0..60 {
        for (run, fastest) in runs.iter().zip(&mut fastest) {
            let start = WallTime.start();
            let returned = run();
            *fastest = WallTime.end(start).min(*fastest);
            drop(returned);
        }
    }
    fastest
}

fn chunks(stream: &Bytes, size: usize) -> impl Iterator<Item = Bytes> {
    let size = size.min(stream.len());
    (0..stream.len()).step_by(size).map(move |start| stream.slice(start..(start + size).min(stream.len())))
}
