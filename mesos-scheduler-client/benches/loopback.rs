//! How fast events and calls go through a client, beside what hyper takes for the same bytes.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::time::Duration;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
    measurement::{Measurement, WallTime},
};
use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::v1;
use mesos_scheduler_client::{CallOutcome, Client, ClientBuilder, Event, Events, Masters};
use tokio::runtime::{Builder, Runtime};

use crate::{
    bare::Bare,
    server::{Server, Writes},
    streams::Stream,
};

#[path = "loopback/bare.rs"]
mod bare;
#[path = "loopback/server.rs"]
mod server;
#[path = "loopback/streams.rs"]
mod streams;

const UPDATES: usize = 50_000;

const CALLS: usize = 2000;

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(100));
    targets = updates_one_by_one, updates_in_bursts, offers, calls, subscribed
}
criterion_main!(benches);

fn updates_one_by_one(criterion: &mut Criterion) {
    events(criterion.benchmark_group("updates_one_by_one"), &Stream::updates(UPDATES), Writes::OneByOne);
}

fn updates_in_bursts(criterion: &mut Criterion) {
    events(criterion.benchmark_group("updates_in_bursts"), &Stream::updates(UPDATES), Writes::InBursts);
}

/// Events of 100 offers.
fn offers(criterion: &mut Criterion) {
    events(criterion.benchmark_group("offers"), &Stream::offers(500, 100), Writes::OneByOne);
}

fn events(group: BenchmarkGroup<'_, WallTime>, stream: &Stream, writes: Writes) {
    let runtime = runtime();
    let start = || Server::start(stream.clone(), writes);
    let (for_bare, for_decoding, for_client) = (start(), start(), start());
    let mut bare = runtime.block_on(Bare::subscribe(&for_bare.authority));
    let mut decoding = runtime.block_on(Bare::subscribe(&for_decoding.authority));
    let (_client, mut events) = runtime.block_on(subscribe(&for_client, 64));
    let number = stream.chunks.len();
    in_turns(
        group,
        number,
        &mut [
            ("hyper", &mut || {
                for_bare.send_stream();
                runtime.block_on(bare.read(stream.record_bytes));
            }),
            ("hyper_and_prost", &mut || {
                for_decoding.send_stream();
                runtime.block_on(decoding.read_events(number));
            }),
            ("client", &mut || {
                for_client.send_stream();
                runtime.block_on(read_events(&mut events, number));
            }),
        ],
    );
}

fn calls(criterion: &mut Criterion) {
    let runtime = runtime();
    let nothing = Stream::offers(0, 0);
    let servers = [(); 3].map(|()| Server::start(nothing.clone(), Writes::OneByOne));
    let [for_bare, for_one, for_many] = &servers;
    let mut bare = runtime.block_on(Bare::connect(&for_bare.authority));
    let (one, _events_of_one) = runtime.block_on(subscribe(for_one, 1));
    let (many, _events_of_many) = runtime.block_on(subscribe(for_many, 64));
    in_turns(
        criterion.benchmark_group("calls"),
        CALLS,
        &mut [
            ("hyper_one_at_a_time", &mut || runtime.block_on(bare.make_calls(CALLS))),
            ("one_at_a_time", &mut || runtime.block_on(make_calls(&one))),
            ("pipelined", &mut || runtime.block_on(make_calls(&many))),
        ],
    );
}

/// From nothing to the event, with a framework that is new each time.
fn subscribed(criterion: &mut Criterion) {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let cluster = runtime.block_on(Cluster::start(ClusterConfig::with_agents(3))).unwrap();
    criterion.bench_function("subscribed", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let (_client, mut events) = start(&cluster.master_url(), 64);
                assert!(matches!(events.next().await, Some(Event::Subscribed { .. })));
            });
        });
    });
}

/// One thread for the client; the server has another.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn start(master: &str, max_calls_in_flight: usize) -> (Client, Events) {
    let info =
        v1::FrameworkInfo { user: "nobody".into(), name: "bench".into(), ..v1::FrameworkInfo::default() };
    let builder = ClientBuilder::new(info, Masters::parse(master).unwrap());
    builder.max_calls_in_flight(max_calls_in_flight).start().unwrap()
}

async fn subscribe(server: &Server, max_calls_in_flight: usize) -> (Client, Events) {
    let (client, mut events) = start(&server.authority, max_calls_in_flight);
    assert!(matches!(events.next().await, Some(Event::Subscribed { .. })));
    (client, events)
}

async fn read_events(events: &mut Events, number: usize) {
    for _ in 0..number {
        match events.next().await {
            Some(Event::Mesos(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn make_calls(client: &Client) {
    let replies: Vec<_> = (0..CALLS).map(|_| client.decline(vec![v1::OfferId::new("o1")], None)).collect();
    for reply in replies {
        assert_eq!(reply.await, CallOutcome::Accepted);
    }
}

/// Reports the fastest run of each, out of many that are made in turns: whatever else a machine does disturbs
/// all of them alike, and the fastest the least.
fn in_turns(mut group: BenchmarkGroup<'_, WallTime>, elements: usize, ways: &mut [(&str, &mut dyn FnMut())]) {
    let mut fastest = vec![Duration::MAX; ways.len()];
    for _ in 0..20 {
        for ((_, run), fastest) in ways.iter_mut().zip(&mut fastest) {
            let start = WallTime.start();
            run();
            *fastest = WallTime.end(start).min(*fastest);
        }
    }
    group.throughput(Throughput::Elements(elements as u64));
    for ((name, run), fastest) in ways.iter_mut().zip(fastest) {
        group.bench_function(*name, |bencher| {
            bencher.iter_custom(|iterations| {
                (0..iterations).for_each(|_| run());
                fastest * u32::try_from(iterations).unwrap()
            });
        });
    }
    group.finish();
}
