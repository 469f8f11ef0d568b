//! How fast the framework core alone is: placing tasks, taking updates, reconciling. All of it is processor time of
//! its one thread, whatever else the machine does.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a benchmark")]

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mesos_proto::v1::{TaskState, scheduler::Event};
use mesos_scheduler_client::Packing;
use prost::Message;

use crate::bench::{Bench, Launched, Rules};

#[path = "framework/bench.rs"]
mod bench;

/// Tasks that wait when the offers come.
const WAITING: usize = 10_000;

/// Tasks that run when updates come.
const RUNNING: usize = 100_000;

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(100));
    targets = placements, updates, reconcile
}
criterion_main!(benches);

/// One event with offers of so many agents, for tasks with two constraints each; until the last call is given out.
fn placements(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("placements");
    group.throughput(Throughput::Elements(WAITING as u64));
    for (name, rules, packing) in [
        ("shared", Rules::Shared, Packing::Pack),
        ("distinct", Rules::Distinct, Packing::Pack),
        ("spread", Rules::Shared, Packing::Spread),
    ] {
        for agents in [100, 1000, 10_000] {
            let offers = bench::offers(agents);
            group.bench_function(BenchmarkId::new(name, agents), |bencher| {
                bencher
                    .iter_custom(|iterations| (0..iterations).map(|_| place(&offers, rules, packing)).sum());
            });
        }
    }
    group.finish();
}

fn place(offers: &Event, rules: Rules, packing: Packing) -> Duration {
    let mut bench = Bench::new(packing);
    bench.submit(WAITING, rules);
    bench.drain();
    let event = offers.clone();
    let start = bench::cpu_time();
    bench.core.handle_event(bench.now, event);
    let output = bench.drain();
    let took = bench::cpu_time() - start;
    assert_eq!(output.launched().len(), WAITING);
    took
}

/// Updates about so many tasks, each acknowledged.
fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("updates");
    group.throughput(Throughput::Elements(2 * RUNNING as u64));
    group.bench_function("starting_and_running", |bencher| {
        bencher.iter_custom(|iterations| {
            (0..iterations)
                .map(|_| {
                    let mut bench = Bench::new(Packing::Pack);
                    let launched = bench.launch(RUNNING);
                    let starting = bench::updates(&launched, TaskState::TaskStarting, 0);
                    let running = bench::updates(&launched, TaskState::TaskRunning, 1);
                    take(&mut bench, starting) + take(&mut bench, running)
                })
                .sum()
        });
    });
    group.throughput(Throughput::Elements(RUNNING as u64));
    // Only made if it is measured.
    let mut running = None;
    let mut number = 1;
    group.bench_function("running", |bencher| {
        let (bench, launched) = running.get_or_insert_with(all_running);
        bencher.iter_custom(|iterations| {
            (0..iterations)
                .map(|_| {
                    number += 1;
                    take(bench, bench::updates(launched, TaskState::TaskRunning, number))
                })
                .sum()
        });
    });
    group.finish();
}

fn take(bench: &mut Bench, updates: Vec<Event>) -> Duration {
    let number = updates.len();
    let start = bench::cpu_time();
    let mut acknowledged = 0;
    for update in updates {
        bench.core.handle_event(bench.now, update);
        acknowledged += bench.drain().calls.len();
    }
    let took = bench::cpu_time() - start;
    assert_eq!(acknowledged, number);
    took
}

fn all_running() -> (Bench, Vec<Launched>) {
    let mut bench = Bench::new(Packing::Pack);
    let launched = bench.launch(RUNNING);
    for (number, state) in [TaskState::TaskStarting, TaskState::TaskRunning].into_iter().enumerate() {
        take(&mut bench, bench::updates(&launched, state, number));
    }
    (bench, launched)
}

/// The longest that the loop stands still while all tasks are asked for after a new subscription, the answers come,
/// and time passes: one input, all output, and the bytes of each call.
fn reconcile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reconcile");
    let mut running = None;
    group.bench_function("longest_pause", |bencher| {
        let (bench, launched) = running.get_or_insert_with(all_running);
        bencher.iter_custom(|iterations| (0..iterations).map(|_| longest_pause(bench, launched)).sum());
    });
    group.finish();
}

fn longest_pause(bench: &mut Bench, launched: &[Launched]) -> Duration {
    let answers = bench::answers(launched);
    let mut longest = Duration::ZERO;
    let mut step = |bench: &mut Bench, input: &mut dyn FnMut(&mut Bench)| {
        let start = bench::cpu_time();
        input(bench);
        let calls = bench.drain().calls;
        for (_, call) in &calls {
            black_box(call.encode_to_vec());
        }
        longest = longest.max(bench::cpu_time() - start);
        calls.len()
    };
    step(bench, &mut |bench| bench.core.handle_disconnected(bench.now, "the stream ended"));
    let asked = step(bench, &mut |bench| bench.core.handle_subscribed(bench.now));
    assert!(asked > 0, "every task is asked for");
    // The first round is repeated, as if no answer had come in time.
    bench.now = bench.core.poll_timeout().unwrap();
    step(bench, &mut |bench| bench.core.handle_timeout(bench.now));
    for answer in answers {
        let mut answer = Some(answer);
        step(bench, &mut |bench| bench.core.handle_event(bench.now, answer.take().unwrap()));
    }
    bench.now = bench.core.poll_timeout().unwrap();
    step(bench, &mut |bench| bench.core.handle_timeout(bench.now));
    longest
}
