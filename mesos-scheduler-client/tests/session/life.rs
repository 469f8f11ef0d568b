//! Longer stories: masters in turn, waiting, silence, coming back, and going.

use std::time::Duration;

use mesos_proto::v1::{self, scheduler::event::Type};
use mesos_scheduler_client::{Event, SessionState, Timer, Transmit};

use crate::{
    bench::{Bench, STREAM_ID, config, info, lasting, sent},
    wire::{error, event, subscribed},
};

#[test]
fn masters_are_tried_in_turn() {
    let mut bench = Bench::new(config());
    bench.session.start(bench.now);
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler");
    bench.failed("connection refused");
    assert_eq!(bench.drain(), "abort; Disconnected(http://a:1: connection refused)");
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://b:2/api/v1/scheduler");
    bench.await_deadline();
    assert_eq!(bench.drain(), "abort; Disconnected(http://b:2: no connection within 5s)");
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler");
}

#[test]
fn redirects_are_followed_so_far_and_then_the_list_goes_on() {
    let mut bench = Bench::new(config());
    bench.session.start(bench.now);
    bench.drain();
    for hop in 1..=5 {
        bench.connected();
        bench.head(307, &[("location", &format!("//m{hop}:5050/master/api/v1/scheduler"))], "");
        let outputs = format!("abort; SUBSCRIBE http://m{hop}:5050/master/api/v1/scheduler");
        assert_eq!(bench.drain(), outputs);
    }
    bench.head(307, &[("location", "//m6:5050/x")], "");
    assert_eq!(
        bench.drain(),
        "abort; Disconnected(http://m5:5050: redirected 6 times, lastly to '//m6:5050/x')"
    );
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://b:2/api/v1/scheduler");
    bench.head(307, &[("location", "//a:1")], "");
    assert_eq!(bench.drain(), "abort; SUBSCRIBE http://a:1/api/v1/scheduler");
}

#[test]
fn the_time_for_a_connection_and_that_for_subscribed_follow_each_other() {
    let mut bench = Bench::new(config());
    bench.session.start(bench.now);
    bench.drain();
    let connect = bench.now + Duration::from_secs(5);
    assert_eq!(bench.session.poll_timeout(), Some((connect, Timer::Connect)));
    bench.now += Duration::from_secs(3);
    bench.connected();
    let subscribe = bench.now + Duration::from_secs(30);
    assert_eq!(bench.session.poll_timeout(), Some((subscribe, Timer::Subscribe)));
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.bytes("1");
    assert_eq!(bench.session.poll_timeout(), Some((subscribe, Timer::Subscribe)));
}

#[test]
fn any_byte_moves_the_deadline_of_silence() {
    for (announced, silence) in [
        (15.0, Duration::from_secs(75)),
        (0.5, Duration::from_millis(2500)),
        (0.0, Duration::from_secs(75)),
        (-1.0, Duration::from_secs(75)),
        (f64::NAN, Duration::from_secs(75)),
        (f64::INFINITY, Duration::from_secs(75)),
        (1e15, Duration::from_secs(5 * 24 * 60 * 60)),
    ] {
        let mut bench = Bench::new(config());
        bench.session.start(bench.now);
        bench.drain();
        bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
        bench.record(&subscribed("f", announced));
        bench.drain();
        for bytes in [&b"2\n\x08\x08"[..], b"2", b"\n", b"\x08"] {
            bench.now += silence / 2;
            bench.bytes(bytes);
            let deadline = bench.now + silence;
            assert_eq!(bench.session.poll_timeout(), Some((deadline, Timer::Heartbeat)), "{announced}");
        }
        bench.await_deadline();
        let outputs = format!("abort; Disconnected(http://a:1: the master was silent for {silence:?})");
        assert_eq!(bench.drain(), outputs);
    }
}

#[test]
fn waiting_grows_until_a_subscription_was_stable() {
    let mut config = config();
    config.backoff_base = Duration::from_millis(500);
    config.backoff_cap = Duration::from_secs(15);
    let mut bench = Bench::new(config);
    bench.session.start(bench.now);
    let retry_in = |bench: &mut Bench| {
        while bench.session.poll_transmit(bench.now).is_some() {}
        match bench.session.poll_event() {
            Some(Event::Disconnected { retry_in, .. }) => retry_in,
            other => panic!("{other:?}"),
        }
    };
    // With this seed the draws are known; the sums of many show the growth without a bound on one.
    let mut early = Duration::ZERO;
    let mut late = Duration::ZERO;
    for attempt in 0..60 {
        let Some(Transmit::Subscribe { stream, .. }) = bench.session.poll_transmit(bench.now) else {
            panic!()
        };
        bench.session.handle_stream_failed(bench.now, stream, "refused");
        let waited = retry_in(&mut bench);
        assert!(waited <= Duration::from_secs(15));
        if attempt < 3 {
            early += waited
        } else if attempt >= 57 {
            late += waited
        }
        bench.await_deadline();
    }
    assert!(early < Duration::from_millis(500 + 1000 + 2000) && late > early, "{early:?} {late:?}");
    for (lived, limit) in [(9, 15_000), (10, 500)] {
        let Some(Transmit::Subscribe { stream, .. }) = bench.session.poll_transmit(bench.now) else {
            panic!()
        };
        bench.streams.push(stream);
        bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
        bench.record(&subscribed("f", 15.0));
        assert!(matches!(bench.session.poll_event(), Some(Event::Subscribed { .. })));
        bench.now += Duration::from_secs(lived);
        bench.end();
        let waited = retry_in(&mut bench);
        assert!(waited <= Duration::from_millis(limit), "{lived} s: {waited:?}");
        bench.await_deadline();
    }
}

#[test]
fn a_framework_comes_back_with_its_id_and_what_was_set_meanwhile() {
    let mut bench = Bench::subscribed();
    bench.session.set_suppressed_roles(vec!["web".into()]);
    let changed = v1::FrameworkInfo { name: "renamed".into(), id: Some("ignored".into()), ..info() };
    bench.session.set_framework_info(changed);
    assert_eq!(bench.drain(), "");
    bench.end();
    bench.drain();
    bench.await_deadline();
    let Some(Transmit::Subscribe { request, endpoint, .. }) = bench.session.poll_transmit(bench.now) else {
        panic!("a SUBSCRIBE is to be sent")
    };
    let call = sent(&request, &endpoint.authority());
    let subscribe = call.subscribe.unwrap();
    assert_eq!(call.framework_id, Some("f".into()));
    assert_eq!(subscribe.framework_info.id, Some("f".into()));
    assert_eq!(subscribe.framework_info.name, "renamed");
    assert_eq!(subscribe.suppressed_roles, ["web"]);
}

#[test]
fn a_wrong_framework_id_is_not_believed() {
    let mut bench = Bench::subscribed();
    bench.end();
    bench.drain();
    for (id, why) in
        [("g", "SUBSCRIBED names framework 'g', expected 'f'"), ("", "SUBSCRIBED without a framework id")]
    {
        bench.await_deadline();
        bench.drain();
        bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
        bench.record(&subscribed(id, 15.0));
        let told = bench.drain();
        assert!(told.ends_with(&format!(": {why})")), "{told}");
    }
}

#[test]
fn a_call_without_answer_ends_the_subscription() {
    let mut bench = Bench::subscribed();
    bench.decline();
    bench.drain();
    let overdue = bench.now + Duration::from_secs(75);
    for _ in 0..10 {
        bench.now += Duration::from_secs(7);
        bench.record(&event(Type::Heartbeat));
    }
    assert_eq!(bench.session.poll_timeout(), Some((overdue, Timer::Call)));
    bench.await_deadline();
    assert_eq!(
        bench.drain(),
        "abort; call0=OutcomeUnknown; Disconnected(http://a:1: a call was not answered within 75s)"
    );
}

#[test]
fn a_teardown_goes_behind_the_calls_made_before() {
    let mut bench = Bench::subscribed();
    bench.decline();
    bench.session.teardown(bench.now);
    assert_eq!(bench.drain(), "DECLINE");
    bench.record(&event(Type::Offers));
    bench.reply(bench.sent[0], 202, "");
    assert_eq!(bench.drain(), "TEARDOWN; call0=Accepted");
    bench.reply(bench.sent[1], 202, "");
    assert_eq!(bench.drain(), "call1=Accepted");
    assert_eq!(bench.session.state(), SessionState::Closing);
    bench.end();
    assert_eq!(bench.drain(), "abort; Closed(TornDown)");
}

#[test]
fn the_end_of_the_stream_may_come_before_the_answer_to_teardown() {
    let mut bench = Bench::subscribed();
    bench.session.teardown(bench.now);
    bench.drain();
    bench.end();
    assert_eq!(bench.drain(), "");
    bench.reply(bench.sent[0], 202, "");
    assert_eq!(bench.drain(), "abort; call0=Accepted; Closed(TornDown)");
}

#[test]
fn an_accepted_teardown_without_an_end_is_one_anyway() {
    let mut bench = Bench::subscribed();
    bench.session.teardown(bench.now);
    bench.drain();
    bench.reply(bench.sent[0], 202, "");
    bench.drain();
    bench.await_deadline();
    assert_eq!(bench.drain(), "abort; Closed(TornDown)");
}

#[test]
fn a_lost_teardown_is_tried_again_and_a_removed_framework_is_torn_down() {
    let mut bench = Bench::subscribed();
    bench.session.teardown(bench.now);
    bench.drain();
    bench.session.handle_call_failed(bench.now, bench.sent[0], "connection reset");
    assert_eq!(
        bench.drain(),
        "abort; call0=OutcomeUnknown; Disconnected(http://a:1: TEARDOWN: connection reset)"
    );
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://b:2/api/v1/scheduler id=f");
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&subscribed("f", 15.0));
    assert_eq!(bench.drain(), "TEARDOWN", "the owner is not told of a subscription it cannot use");
    bench.failed("connection reset");
    bench.session.handle_call_failed(bench.now, bench.sent[1], "connection reset");
    bench.drain();
    bench.await_deadline();
    bench.drain();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&error("Framework has been removed"));
    assert_eq!(bench.drain(), "abort; Closed(TornDown)");
}

#[test]
fn a_teardown_while_waiting_connects_at_once_and_gives_up_in_time() {
    let mut config = config();
    config.backoff_base = Duration::from_secs(15);
    let mut bench = Bench::new(config);
    bench.subscribe();
    bench.end();
    bench.drain();
    bench.session.teardown(bench.now);
    assert_eq!(bench.drain(), "SUBSCRIBE http://b:2/api/v1/scheduler id=f");
    bench.failed("connection refused");
    bench.drain();
    while bench.session.state() != SessionState::Closed {
        bench.await_deadline();
        let told = bench.drain();
        if told.contains("Closed") {
            assert!(
                told.contains(
                    "TeardownUnconfirmed { why: \"not confirmed within 10s, the last failure was: http://"
                ),
                "{told}"
            );
        }
    }
}

#[test]
fn a_teardown_before_the_first_subscribed_waits_for_it_if_the_framework_would_outlive_its_connection() {
    let mut bench = Bench::new(lasting());
    bench.session.start(bench.now);
    bench.session.teardown(bench.now);
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler");
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&subscribed("f", 15.0));
    assert_eq!(bench.drain(), "TEARDOWN");
}

#[test]
fn a_teardown_without_a_framework_says_whether_one_may_exist() {
    let mut bench = Bench::new(lasting());
    bench.session.start(bench.now);
    bench.drain();
    bench.session.teardown(bench.now);
    bench.failed("connection refused");
    assert_eq!(bench.drain(), "abort; Closed(TornDown)");

    let mut bench = Bench::new(lasting());
    bench.session.start(bench.now);
    bench.drain();
    bench.connected();
    bench.session.teardown(bench.now);
    bench.failed("reset");
    let told = bench.drain();
    assert!(
        told.starts_with("abort; Closed(TeardownUnconfirmed { why: \"http://a:1: reset (the master may"),
        "{told}"
    );
}

#[test]
fn a_framework_with_an_id_takes_over_and_can_be_torn_down_from_idle() {
    let mut config = config();
    config.framework_info.id = Some("f".into());
    let mut bench = Bench::new(config);
    bench.session.teardown(bench.now);
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler id=f");
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&error("Framework has been removed"));
    assert_eq!(bench.drain(), "abort; Closed(TornDown)");
}

#[test]
fn an_overflow_leaves_no_gap_in_the_events() {
    let mut bench = Bench::subscribed();
    for _ in 0..3 {
        bench.record(&event(Type::Offers));
    }
    assert!(matches!(bench.session.poll_event(), Some(Event::Mesos(_))));
    bench.session.handle_overflow(bench.now, 1);
    assert_eq!(
        bench.drain(),
        "abort; Disconnected(http://a:1: events were not taken in time, 1 were waiting)"
    );
    for _ in 0..3 {
        bench.await_deadline();
        assert_eq!(bench.drain(), "", "no attempt while events wait");
    }
    bench.session.handle_caught_up();
    assert_eq!(bench.drain(), "");
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://b:2/api/v1/scheduler id=f");
}
