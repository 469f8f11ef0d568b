//! The states of a session that is told who leads, keeps its id and can renew its credentials: each input in
//! each state, and exactly what follows from it.

use mesos_proto::v1::scheduler::event::Type;
use mesos_scheduler_client::{AuthError, SessionState, StoreError};

use crate::{
    bench::{Bench, STREAM_ID, full_config},
    wire::{error, event, subscribed},
};

const STATES: [SessionState; 11] = [
    SessionState::Idle,
    SessionState::Loading,
    SessionState::Detecting,
    SessionState::Connecting,
    SessionState::ExpectCredentials,
    SessionState::ExpectSubscribed,
    SessionState::Saving,
    SessionState::Subscribed,
    SessionState::Backoff,
    SessionState::Closing,
    SessionState::Closed,
];

/// Brings a fresh session into a state, by the way that it takes when everything is well. In Subscribed, two calls
/// are in flight and a third one waits; in Closing, TEARDOWN is in flight.
fn in_state(state: SessionState) -> Bench {
    let mut bench = Bench::new(full_config());
    let now = bench.now;
    let way = STATES.into_iter().position(|one| one == state).expect("it is one of them");
    let steps: [&dyn Fn(&mut Bench); 7] = [
        &|bench| bench.session.start(now),
        &|bench| bench.session.handle_framework_id_loaded(now, Ok(None)),
        &|bench| bench.session.handle_leader(now, Ok("a:1".parse().unwrap())),
        &|bench| {
            bench.connected();
            bench.head(401, &[], "401 Unauthorized.");
        },
        &|bench| {
            bench.session.handle_credentials(now, Ok(()));
            bench.drain();
            bench.connected();
            bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
        },
        &|bench| bench.record(&subscribed("f", 15.0)),
        &|bench| {
            bench.session.handle_framework_id_saved(now, Ok(()));
            bench.drain();
            for _ in 0..3 {
                bench.decline();
            }
        },
    ];
    for step in steps.into_iter().take(way) {
        step(&mut bench);
        bench.drain();
    }
    match state {
        SessionState::Backoff => {
            bench.end();
        }
        SessionState::Closing => {
            for call in bench.sent.clone() {
                bench.reply(call, 202, "");
            }
            bench.drain();
            bench.reply(bench.sent[2], 202, "");
            bench.session.teardown(now);
        }
        SessionState::Closed => bench.session.close(),
        _ => {}
    }
    bench.drain();
    assert_eq!(bench.session.state(), state);
    bench
}

/// What an input does: outputs, then the state if it is another one. States that are not named ignore it.
fn check(name: &str, input: impl Fn(&mut Bench), expected: &[(SessionState, &str)]) {
    for state in STATES {
        let mut bench = in_state(state);
        input(&mut bench);
        let mut seen = bench.drain();
        if bench.session.state() != state {
            seen = format!("{seen} -> {:?}", bench.session.state());
        }
        let expected = expected.iter().find(|(named, _)| *named == state).map_or("", |(_, text)| text);
        assert_eq!(seen, expected, "{name} in {state:?}");
    }
}

const GHOST: &str = " (the master may have registered this framework; the next attempt registers another)";
const CALLS_LOST: &str = "call0=OutcomeUnknown; call1=OutcomeUnknown; unsent=NotSubscribed; ";

#[test]
fn verbs() {
    use SessionState::*;
    check("start", |bench| bench.session.start(bench.now), &[(Idle, "load -> Loading")]);
    check(
        "teardown",
        |bench| bench.session.teardown(bench.now),
        &[
            (Idle, "load -> Loading"),
            (Detecting, "clear; Closed(TornDown) -> Closed"),
            (Connecting, "abort; clear; Closed(TornDown) -> Closed"),
            (ExpectCredentials, "clear; Closed(TornDown) -> Closed"),
            (ExpectSubscribed, "abort; clear; Closed(TornDown) -> Closed"),
            (Saving, "TEARDOWN -> Closing"),
            (Subscribed, " -> Closing"),
            (Backoff, "SUBSCRIBE http://a:1/api/v1/scheduler id=f -> Connecting"),
        ],
    );
    let closed = "Closed(ClosedByUser) -> Closed";
    let aborted = format!("abort; {closed}");
    check(
        "close",
        |bench| bench.session.close(),
        &[
            (Idle, closed),
            (Loading, closed),
            (Detecting, closed),
            (Connecting, &aborted),
            (ExpectCredentials, closed),
            (ExpectSubscribed, &aborted),
            (Saving, &aborted),
            (Subscribed, &format!("abort; {CALLS_LOST}{closed}")),
            (Backoff, closed),
            (Closing, &format!("abort; call3=OutcomeUnknown; {closed}")),
        ],
    );
    let why = "Disconnected(http://a:1: events were not taken in time, 7 were waiting";
    check(
        "overflow",
        |bench| bench.session.handle_overflow(bench.now, 7),
        &[
            (Connecting, &format!("abort; {why}) -> Backoff")),
            (ExpectCredentials, &format!("{why}) -> Backoff")),
            (ExpectSubscribed, &format!("abort; {why}{GHOST}) -> Backoff")),
            (Saving, &format!("abort; {why}) -> Backoff")),
            (Subscribed, &format!("abort; {CALLS_LOST}{why}) -> Backoff")),
            (Closing, &format!("abort; call3=OutcomeUnknown; {why}) -> Backoff")),
        ],
    );
    let not_subscribed = STATES
        .into_iter()
        .filter(|state| *state != Subscribed)
        .map(|state| (state, "unsent=NotSubscribed"))
        .collect::<Vec<_>>();
    check(
        "call",
        |bench| {
            bench.decline();
        },
        &not_subscribed,
    );
}

#[test]
fn answers_of_the_store() {
    use SessionState::*;
    check(
        "an id was loaded",
        |bench| bench.session.handle_framework_id_loaded(bench.now, Ok(Some("f".into()))),
        &[(Loading, " -> Detecting")],
    );
    check(
        "loading failed",
        |bench| bench.session.handle_framework_id_loaded(bench.now, Err(StoreError::new("/x: denied"))),
        &[(Loading, "Disconnected(framework id: /x: denied) -> Backoff")],
    );
    check(
        "the id was saved",
        |bench| bench.session.handle_framework_id_saved(bench.now, Ok(())),
        &[(Saving, "Subscribed(f, http://a:1) -> Subscribed")],
    );
    check(
        "saving failed",
        |bench| bench.session.handle_framework_id_saved(bench.now, Err(StoreError::new("/x: full"))),
        &[(Saving, "abort; Disconnected(http://a:1: framework id: /x: full) -> Backoff")],
    );
}

#[test]
fn words_of_a_leader() {
    use SessionState::*;
    let connect = "SUBSCRIBE http://b:2/api/v1/scheduler";
    let lost = "Disconnected(http://a:1: http://b:2 leads";
    check(
        "another leader",
        |bench| bench.session.handle_leader(bench.now, Ok("b:2".parse().unwrap())),
        &[
            (Detecting, &format!("{connect} -> Connecting")),
            (Connecting, &format!("abort; {connect}; {lost})")),
            (ExpectCredentials, &format!("{connect}; {lost}) -> Connecting")),
            (ExpectSubscribed, &format!("abort; {connect}; {lost}{GHOST}) -> Connecting")),
            (Saving, &format!("abort; {connect} id=f; {lost}) -> Connecting")),
            (Subscribed, &format!("abort; {connect} id=f; {CALLS_LOST}{lost}) -> Connecting")),
            (Backoff, &format!("{connect} id=f -> Connecting")),
            (Closing, &format!("abort; {connect} id=f; call3=OutcomeUnknown; {lost}) -> Connecting")),
        ],
    );
    let lost = "Disconnected(http://a:1: zk://h/mesos: no master) -> Backoff";
    check(
        "no leader",
        |bench| bench.session.handle_leader(bench.now, Err("zk://h/mesos: no master".into())),
        &[
            (Connecting, &format!("abort; {lost}")),
            (ExpectCredentials, lost),
            (ExpectSubscribed, &format!("abort; {lost}")),
            (Saving, &format!("abort; {lost}")),
            (Subscribed, &format!("abort; {CALLS_LOST}{lost}")),
            (Closing, &format!("abort; call3=OutcomeUnknown; {lost}")),
        ],
    );
    check(
        "the same leader",
        |bench| {
            // Who does not know one yet is told by this.
            if bench.session.state() > Detecting {
                bench.session.handle_leader(bench.now, Ok("a:1".parse().unwrap()));
            }
        },
        &[],
    );
    let closed = "Closed(Detection { why: \"no\" }) -> Closed";
    let aborted = format!("abort; {closed}");
    check(
        "detection failed",
        |bench| bench.session.handle_detection_failed("no"),
        &[
            (Idle, closed),
            (Loading, closed),
            (Detecting, closed),
            (Connecting, &aborted),
            (ExpectCredentials, closed),
            (ExpectSubscribed, &aborted),
            (Saving, &aborted),
            (Subscribed, &format!("abort; {CALLS_LOST}{closed}")),
            (Backoff, closed),
            (Closing, &format!("abort; call3=OutcomeUnknown; {closed}")),
        ],
    );
}

#[test]
fn answers_about_credentials() {
    use SessionState::*;
    check(
        "other credentials",
        |bench| bench.session.handle_credentials(bench.now, Ok(())),
        &[(ExpectCredentials, "SUBSCRIBE http://a:1/api/v1/scheduler -> Connecting")],
    );
    check(
        "no credentials at the moment",
        |bench| bench.session.handle_credentials(bench.now, Err(AuthError::unavailable("busy"))),
        &[(ExpectCredentials, "Disconnected(http://a:1: no credentials: busy) -> Backoff")],
    );
    let closed = "Closed(Unauthorized { url: \"http://a:1\", text: \"no credentials: wrong\" }) -> Closed";
    check(
        "no credentials at all",
        |bench| bench.session.handle_credentials(bench.now, Err(AuthError::refused("wrong"))),
        &[(ExpectCredentials, closed)],
    );
    let aborted = format!("abort; {closed}");
    check(
        "no credentials for a SUBSCRIBE",
        |bench| {
            if let Some(stream) = bench.streams.last().copied() {
                let error = AuthError::refused("wrong");
                bench.session.handle_no_credentials(bench.now, stream, &error);
            }
        },
        &[(Connecting, &aborted)],
    );
}

#[test]
fn records_before_the_id_is_saved() {
    use SessionState::*;
    let record = |event| move |bench: &mut Bench| on_stream(bench, |bench| bench.record(&event));
    check(
        "OFFERS",
        record(event(Type::Offers)),
        &[
            (
                ExpectSubscribed,
                &format!("abort; Disconnected(http://a:1: OFFERS before SUBSCRIBED{GHOST}) -> Backoff"),
            ),
            (Subscribed, "Mesos(OFFERS)"),
        ],
    );
    let closed = "Closed(FailedOver) -> Closed";
    check(
        "failed over",
        record(error("Framework failed over")),
        &[
            (ExpectSubscribed, &format!("abort; {closed}")),
            (Saving, &format!("abort; {closed}")),
            (Subscribed, &format!("abort; {CALLS_LOST}{closed}")),
            (Closing, &format!("abort; call3=OutcomeUnknown; {closed}")),
        ],
    );
    check(
        "end",
        |bench| on_stream(bench, Bench::end),
        &[
            (Connecting, "abort; Disconnected(http://a:1: the master ended the stream) -> Backoff"),
            (
                ExpectSubscribed,
                &format!("abort; Disconnected(http://a:1: the master ended the stream{GHOST}) -> Backoff"),
            ),
            (Saving, "abort; Disconnected(http://a:1: the master ended the stream) -> Backoff"),
            (
                Subscribed,
                &format!(
                    "abort; {CALLS_LOST}Disconnected(http://a:1: the master ended the stream) -> Backoff"
                ),
            ),
        ],
    );
}

fn on_stream(bench: &mut Bench, input: impl Fn(&mut Bench)) {
    if !bench.streams.is_empty() {
        input(bench);
    }
}

#[test]
fn deadlines() {
    use SessionState::*;
    let deadline = |bench: &mut Bench| {
        if bench.session.poll_timeout().is_some() {
            bench.await_deadline();
        }
    };
    let slow = "the store of the framework id did not answer within 10s";
    check(
        "deadline",
        deadline,
        &[
            (Loading, &format!("Disconnected({slow}) -> Backoff")),
            (Detecting, "Disconnected(no master was found)"),
            (Connecting, "abort; Disconnected(http://a:1: no connection within 5s) -> Backoff"),
            (ExpectCredentials, "Disconnected(http://a:1: no credentials: none within 30s) -> Backoff"),
            (
                ExpectSubscribed,
                &format!("abort; Disconnected(http://a:1: no SUBSCRIBED within 30s{GHOST}) -> Backoff"),
            ),
            (Saving, &format!("abort; Disconnected(http://a:1: {slow}) -> Backoff")),
            (
                Subscribed,
                &format!(
                    "abort; {CALLS_LOST}Disconnected(http://a:1: the master was silent for 75s) -> Backoff"
                ),
            ),
            (Backoff, "SUBSCRIBE http://a:1/api/v1/scheduler id=f -> Connecting"),
            (
                Closing,
                "abort; call3=OutcomeUnknown; Closed(TeardownUnconfirmed { why: \"not confirmed within 10s\" }) -> Closed",
            ),
        ],
    );
}

#[test]
fn events_before_the_id_is_saved_are_told_after_subscribed() {
    let mut bench = in_state(SessionState::Saving);
    bench.record(&event(Type::Offers));
    bench.record(&event(Type::Rescind));
    assert_eq!(bench.drain(), "");
    bench.session.handle_framework_id_saved(bench.now, Ok(()));
    assert_eq!(bench.drain(), "Subscribed(f, http://a:1); Mesos(OFFERS); Mesos(RESCIND)");
}

#[test]
fn an_id_is_saved_once() {
    let mut bench = in_state(SessionState::Subscribed);
    bench.end();
    bench.drain();
    bench.await_deadline();
    bench.drain();
    bench.connected();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&subscribed("f", 15.0));
    assert_eq!(bench.drain(), "Subscribed(f, http://a:1)");
}

#[test]
fn an_id_that_could_not_be_saved_is_tried_again_with_the_next_subscription() {
    let mut bench = in_state(SessionState::Saving);
    bench.session.handle_framework_id_saved(bench.now, Err(StoreError::new("full")));
    bench.drain();
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler id=f");
    bench.connected();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&subscribed("f", 15.0));
    assert_eq!(bench.drain(), "save f");
}

#[test]
fn a_stored_id_is_subscribed_with_and_not_stored_again() {
    let mut bench = Bench::new(full_config());
    bench.session.handle_leader(bench.now, Ok("a:1".parse().unwrap()));
    bench.session.start(bench.now);
    assert_eq!(bench.drain(), "load");
    bench.session.handle_framework_id_loaded(bench.now, Ok(Some("f".into())));
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler id=f");
    bench.connected();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&subscribed("f", 15.0));
    assert_eq!(bench.drain(), "Subscribed(f, http://a:1)");
}

#[test]
fn a_store_that_fails_is_asked_again_before_anything_is_sent() {
    let mut bench = in_state(SessionState::Loading);
    bench.session.handle_framework_id_loaded(bench.now, Err(StoreError::new("down")));
    bench.session.handle_leader(bench.now, Ok("a:1".parse().unwrap()));
    assert_eq!(bench.drain(), "load; Disconnected(framework id: down)");
    bench.session.handle_framework_id_loaded(bench.now, Err(StoreError::new("down")));
    bench.drain();
    bench.await_deadline();
    assert_eq!(bench.drain(), "load");
}

#[test]
fn a_teardown_before_the_id_was_loaded_ends_the_stored_framework() {
    let mut bench = in_state(SessionState::Idle);
    bench.session.handle_leader(bench.now, Ok("a:1".parse().unwrap()));
    bench.session.teardown(bench.now);
    assert_eq!(bench.drain(), "load");
    bench.session.handle_framework_id_loaded(bench.now, Ok(Some("f".into())));
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler id=f");
    bench.connected();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&subscribed("f", 15.0));
    assert_eq!(bench.drain(), "TEARDOWN");
    bench.reply(bench.sent[0], 202, "");
    bench.end();
    assert_eq!(bench.drain(), "abort; clear; call0=Accepted; Closed(TornDown)");

    let mut bench = in_state(SessionState::Loading);
    bench.session.teardown(bench.now);
    assert_eq!(bench.drain(), "");
    bench.session.handle_framework_id_loaded(bench.now, Ok(None));
    assert_eq!(bench.drain(), "clear; Closed(TornDown)");
}

#[test]
fn a_redirect_that_was_faster_than_the_detector_is_not_undone() {
    let mut bench = in_state(SessionState::Connecting);
    bench.connected();
    bench.head(307, &[("location", "//b:2/master/api/v1/scheduler")], "");
    assert_eq!(bench.drain(), "abort; SUBSCRIBE http://b:2/master/api/v1/scheduler");
    bench.session.handle_leader(bench.now, Ok("b:2".parse().unwrap()));
    assert_eq!(bench.drain(), "");
}

#[test]
fn a_second_401_in_a_row_is_final() {
    let mut bench = in_state(SessionState::ExpectCredentials);
    bench.session.handle_credentials(bench.now, Ok(()));
    bench.drain();
    bench.connected();
    bench.head(401, &[], "401 Unauthorized.");
    assert_eq!(
        bench.drain(),
        "abort; Closed(Unauthorized { url: \"http://a:1\", text: \"401 Unauthorized.\" })"
    );
}

#[test]
fn calls_that_meet_401_are_sent_again_in_their_order_with_other_credentials() {
    let mut bench = in_state(SessionState::Subscribed);
    let [first, second] = bench.sent[..] else { panic!("two are in flight") };
    bench.reply(first, 401, "401 Unauthorized.");
    assert_eq!(bench.drain(), "", "nothing overtakes");
    bench.reply(second, 401, "401 Unauthorized.");
    assert_eq!(bench.drain(), "refresh");
    bench.session.handle_credentials(bench.now, Ok(()));
    bench.drain();
    assert_eq!(bench.sent[2..], [first, second]);
    // Once more is too often; a SUBSCRIBE will tell what is wrong.
    bench.reply(first, 401, "401 Unauthorized.");
    let told = bench.drain();
    assert!(
        told.ends_with("Disconnected(http://a:1: a call was refused with 401 '401 Unauthorized.')"),
        "{told}"
    );
}

#[test]
fn a_call_that_met_401_is_not_sent_again_by_the_next_subscription() {
    let mut bench = in_state(SessionState::Subscribed);
    bench.reply(bench.sent[0], 401, "");
    bench.end();
    let told = bench.drain();
    assert_eq!(
        told,
        "abort; call1=OutcomeUnknown; call0=NotSubscribed; unsent=NotSubscribed; \
         Disconnected(http://a:1: the master ended the stream)"
    );
}

#[test]
fn more_calls_than_may_wait_are_not_taken() {
    let mut bench = in_state(SessionState::Subscribed);
    bench.decline();
    bench.decline();
    assert_eq!(bench.drain(), "", "three wait");
    bench.decline();
    assert_eq!(bench.drain(), "unsent=QueueFull { waiting: 3 }");
    bench.reply(bench.sent[0], 202, "");
    bench.drain();
    bench.decline();
    assert_eq!(bench.drain(), "", "there is room again");
}

#[test]
fn credentials_go_to_configured_masters_and_where_those_redirect_to() {
    for (first, second, trusted) in [
        ("//b:2/", "//c:3/", vec![true, true, false]),
        ("//b:2/", "//a:1/", vec![true, true, true]),
        ("//a:1/", "//c:3/", vec![true, true, true]),
    ] {
        let mut bench = in_state(SessionState::Connecting);
        for location in [first, second] {
            bench.connected();
            bench.head(307, &[("location", location)], "");
            bench.drain();
        }
        assert_eq!(bench.trusted, trusted, "{first} {second}");
    }
}

#[test]
fn a_401_of_a_master_that_gets_no_credentials_is_no_reason_to_renew_them() {
    let mut bench = in_state(SessionState::Connecting);
    for location in ["//b:2/", "//c:3/"] {
        bench.connected();
        bench.head(307, &[("location", location)], "");
        bench.drain();
    }
    bench.connected();
    bench.head(401, &[], "no");
    assert_eq!(
        bench.drain(),
        "abort; Disconnected(http://c:3: 401 'no', and credentials are not sent there)"
    );
}
