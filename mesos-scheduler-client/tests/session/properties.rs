//! Whatever comes in whatever order: the invariants of the bench hold, and the same inputs give the same outputs.

use std::time::Duration;

use bytes::Bytes;
use mesos_proto::{recordio::encode_message, v1::scheduler::event::Type};
use mesos_scheduler_client::{AuthError, OnRemoved, SessionConfig, StoreError};
use proptest::{collection::vec, prelude::*};

use crate::{
    bench::{Bench, STREAM_ID, config, full_config},
    wire::{error, event, subscribed},
};

#[derive(Clone, Debug)]
enum Step {
    Start,
    Call,
    Teardown,
    Close,
    Overflow,
    CaughtUp,
    Leader(Option<u8>),
    DetectionFailed,
    Loaded(u8),
    Saved(bool),
    Credentials(u8),
    NoCredentials(Which),
    SetRoles,
    Dialing(Which),
    Connected(Which),
    Head(Which, u16, u8),
    Record(Which, u8),
    Bytes(Which, Vec<u8>),
    End(Which),
    Failed(Which),
    Reply(Which, u16, u8),
    CallFailed(Which),
    Deadline,
    Time(u16),
}

/// Of the streams or calls so far: the last one mostly.
#[derive(Clone, Copy, Debug)]
struct Which(u8);

impl Which {
    fn of<T: Copy>(self, all: &[T]) -> Option<T> {
        let back = if self.0 < 200 { 0 } else { usize::from(self.0 - 200) };
        all.len().checked_sub(1 + back).map(|at| all[at])
    }
}

fn step() -> impl Strategy<Value = Step> {
    let which = || any::<u8>().prop_map(Which);
    let status = || {
        prop::sample::select(vec![200, 202, 200, 202, 307, 308, 400, 401, 403, 404, 405, 500, 501, 503, 999])
    };
    prop_oneof![
        4 => Just(Step::Start),
        4 => Just(Step::Call),
        1 => Just(Step::Teardown),
        1 => Just(Step::SetRoles),
        2 => which().prop_map(Step::Dialing),
        4 => which().prop_map(Step::Connected),
        6 => (which(), status(), any::<u8>()).prop_map(|(which, status, kind)| Step::Head(which, status, kind)),
        12 => (which(), any::<u8>()).prop_map(|(which, kind)| Step::Record(which, kind)),
        1 => (which(), vec(any::<u8>(), 0..20)).prop_map(|(which, bytes)| Step::Bytes(which, bytes)),
        1 => which().prop_map(Step::End),
        1 => which().prop_map(Step::Failed),
        4 => (which(), status(), any::<u8>()).prop_map(|(which, status, kind)| Step::Reply(which, status, kind)),
        1 => which().prop_map(Step::CallFailed),
        3 => Just(Step::CaughtUp),
        2 => any::<u8>().prop_map(|number| Step::Leader((number > 20).then_some(number))),
        4 => any::<u8>().prop_map(Step::Loaded),
        4 => any::<u8>().prop_map(|kind| Step::Saved(kind > 30)),
        3 => any::<u8>().prop_map(Step::Credentials),
        1 => which().prop_map(Step::NoCredentials),
        1 => Just(Step::Overflow),
        4 => Just(Step::Deadline),
        2 => any::<u16>().prop_map(Step::Time),
    ]
}

/// The end comes once, so that most runs have something to end.
fn last_step() -> impl Strategy<Value = Step> {
    prop_oneof![Just(Step::Close), Just(Step::DetectionFailed), Just(Step::Teardown), Just(Step::Deadline)]
}

fn head_kind(kind: u8) -> &'static [(&'static str, &'static str)] {
    match kind % 6 {
        0 => &[],
        1 => &[("location", "//c:3/x")],
        2 => &[("location", "nowhere://")],
        _ => &[("mesos-stream-id", STREAM_ID), ("location", "a:1")],
    }
}

fn record_kind(kind: u8) -> Bytes {
    match kind % 24 {
        0 => encode_message(&error("Framework failed over")),
        1 => encode_message(&error("Framework has been removed")),
        2 => encode_message(&error("something else")),
        3 => encode_message(&error("Authorization failure: x")),
        4 => encode_message(&subscribed("", f64::NAN)),
        5 => encode_message(&subscribed("g", 1.0)),
        6 => Bytes::from_static(b"0\n"),
        7 => encode_message(&event(Type::Unknown)),
        8..12 => encode_message(&event(Type::Offers)),
        12..14 => encode_message(&event(Type::Heartbeat)),
        _ => encode_message(&subscribed("f", 15.0)),
    }
}

fn reply_text(kind: u8) -> &'static str {
    match kind % 5 {
        0 => "Framework cannot be found",
        1 => "Framework is not subscribed",
        2 => "The stream ID 'x' included",
        _ => "no",
    }
}

fn apply(bench: &mut Bench, step: &Step) {
    let now = bench.now;
    match step {
        Step::Start => bench.session.start(now),
        Step::Call => {
            bench.decline();
        }
        Step::Teardown => bench.session.teardown(now),
        Step::Close => bench.session.close(),
        Step::Overflow => bench.session.handle_overflow(now, 1),
        Step::CaughtUp => bench.session.handle_caught_up(),
        Step::Leader(leader) => {
            let leader = leader.map(|number| format!("m{}:1", number / 100).parse().unwrap());
            bench.session.handle_leader(now, leader.ok_or_else(|| "nobody".to_owned()));
        }
        Step::DetectionFailed => bench.session.handle_detection_failed("no"),
        Step::Loaded(kind) => bench.session.handle_framework_id_loaded(
            now,
            match kind % 8 {
                0 => Err(StoreError::new("down")),
                1 => Ok(Some("f".into())),
                _ => Ok(None),
            },
        ),
        Step::Saved(is_saved) => {
            let result = if *is_saved { Ok(()) } else { Err(StoreError::new("full")) };
            bench.session.handle_framework_id_saved(now, &"f".into(), result);
        }
        Step::Credentials(kind) => bench.session.handle_credentials(
            now,
            match kind % 8 {
                0 => Err(AuthError::refused("wrong")),
                1 => Err(AuthError::unavailable("busy")),
                _ => Ok(()),
            },
        ),
        Step::NoCredentials(which) => {
            if let Some(stream) = which.of(&bench.streams) {
                bench.session.handle_no_credentials(now, stream, &AuthError::unavailable("busy"));
            }
        }
        Step::SetRoles => bench.session.set_suppressed_roles(vec!["r".into()]),
        Step::Deadline => {
            if bench.session.poll_timeout().is_some() {
                bench.await_deadline();
            }
        }
        Step::Time(millis) => {
            bench.now += Duration::from_millis(u64::from(*millis));
            bench.session.handle_timeout(bench.now);
        }
        Step::Dialing(which) => {
            if let Some(stream) = which.of(&bench.streams) {
                bench.session.handle_dialing(now, stream);
            }
        }
        Step::Connected(which) => {
            if let Some(stream) = which.of(&bench.streams) {
                bench.session.handle_connected(now, stream);
            }
        }
        Step::Head(which, status, kind) => {
            if let Some(stream) = which.of(&bench.streams) {
                bench.head_of(stream, *status, head_kind(*kind), "text");
            }
        }
        Step::Record(which, kind) => {
            if let Some(stream) = which.of(&bench.streams) {
                bench.session.handle_stream_bytes(now, stream, record_kind(*kind));
            }
        }
        Step::Bytes(which, bytes) => {
            if let Some(stream) = which.of(&bench.streams) {
                bench.session.handle_stream_bytes(now, stream, bytes.clone().into());
            }
        }
        Step::End(which) => {
            if let Some(stream) = which.of(&bench.streams) {
                bench.session.handle_stream_end(now, stream);
            }
        }
        Step::Failed(which) => {
            if let Some(stream) = which.of(&bench.streams) {
                bench.session.handle_stream_failed(now, stream, "failed");
            }
        }
        Step::Reply(which, status, kind) => {
            if let Some(call) = which.of(&bench.sent) {
                bench.reply(call, *status, reply_text(*kind));
            }
        }
        Step::CallFailed(which) => {
            if let Some(call) = which.of(&bench.sent) {
                bench.session.handle_call_failed(now, call, "failed");
            }
        }
    }
}

/// Runs the steps, draining after each; then closes, and returns what was seen.
fn run(config: SessionConfig, steps: &[Step]) -> Vec<String> {
    let mut bench = Bench::new(config);
    let mut seen: Vec<_> = steps
        .iter()
        .map(|step| {
            apply(&mut bench, step);
            bench.drain()
        })
        .collect();
    bench.session.close();
    seen.push(bench.drain());
    assert!(bench.unresolved.is_empty(), "every call has an outcome");
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_inputs_keep_the_invariants(steps in vec(step(), 0..60), last in last_step()) {
        let steps = [steps, vec![last]].concat();
        prop_assert_eq!(run(config(), &steps), run(config(), &steps));
    }

    #[test]
    fn any_inputs_keep_the_invariants_of_a_session_that_is_told_the_leader(
        steps in vec(step(), 0..60),
        last in last_step(),
        on_removed in prop::sample::select(vec![OnRemoved::Close, OnRemoved::StartOver]),
    ) {
        let steps = [vec![Step::Start, Step::Leader(Some(1))], steps, vec![last]].concat();
        let mut config = full_config();
        config.on_removed = on_removed;
        prop_assert_eq!(run(config.clone(), &steps), run(config, &steps));
    }
}

#[test]
fn the_steps_reach_every_state() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..3000 {
        let steps = vec(step(), 0..60).new_tree(&mut runner).unwrap().current();
        let mut config = full_config();
        config.framework_info.failover_timeout = Some(60.0);
        let mut bench = Bench::new(config);
        for step in [Step::Start, Step::Leader(Some(1))].iter().chain(&steps) {
            apply(&mut bench, step);
            bench.drain();
            reached.insert(bench.session.state());
        }
    }
    // The first step leads out of Idle.
    assert_eq!(reached.len(), 10, "{reached:?}");
}
