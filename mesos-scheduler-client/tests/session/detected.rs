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
pub(crate) fn in_state(state: SessionState) -> Bench {
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
            bench.session.handle_framework_id_saved(now, &"f".into(), Ok(()));
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
        |bench| bench.session.handle_framework_id_saved(bench.now, &"f".into(), Ok(())),
        &[(Saving, "Subscribed(f, http://a:1) -> Subscribed")],
    );
    check(
        "saving failed",
        |bench| {
            bench.session.handle_framework_id_saved(bench.now, &"f".into(), Err(StoreError::new("/x: full")))
        },
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
    let closed = "Closed(NoCredentials { why: \"no credentials: wrong\" }) -> Closed";
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
            (Connecting, "abort; Disconnected(http://a:1: no credentials: none within 30s) -> Backoff"),
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
