//! How much memory a framework core takes for each task that runs.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test may panic, read clocks, and has no users"
)]

use allocation_counter::measure;
use mesos_proto::v1::TaskState;
use mesos_scheduler_client::Packing;

#[allow(dead_code, reason = "the benches use the rest")]
#[path = "../benches/framework/bench.rs"]
mod bench;

/// A build for debugging takes its time.
const TASKS: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

#[test]
fn a_running_task_takes_less_than_a_kib() {
    let mut running = None;
    let bytes = measure(|| {
        let mut bench = bench::Bench::new(Packing::Pack);
        let launched = bench.launch(TASKS);
        for (number, state) in [TaskState::TaskStarting, TaskState::TaskRunning].into_iter().enumerate() {
            for update in bench::updates(&launched, state, number) {
                bench.core.handle_event(bench.now, update);
                bench.drain();
            }
        }
        drop(launched);
        running = Some(bench.core);
    })
    .bytes_current;
    let tasks = running.unwrap().task_count();
    assert_eq!(tasks, TASKS);
    let each = bytes / TASKS as i64;
    println!("{each} bytes for each of {TASKS} running tasks");
    assert!(each <= 1024, "{each} bytes for each running task");
}
