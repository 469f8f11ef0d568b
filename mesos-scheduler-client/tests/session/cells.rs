//! Every cell of the state table: one input in one state, and exactly what follows from it.

use mesos_proto::v1::scheduler::event::Type;
use mesos_scheduler_client::SessionState;

use crate::{
    bench::{Bench, STREAM_ID, config},
    wire::{error, event, subscribed},
};

const STATES: [SessionState; 7] = [
    SessionState::Idle,
    SessionState::Connecting,
    SessionState::ExpectSubscribed,
    SessionState::Subscribed,
    SessionState::Backoff,
    SessionState::Closing,
    SessionState::Closed,
];

/// Brings a fresh session into a state. In Subscribed, call0 is in flight and another one waits; in Closing,
/// TEARDOWN is in flight.
fn in_state(state: SessionState) -> Bench {
    let mut bench = Bench::new(config());
    match state {
        SessionState::Idle => {}
        SessionState::Connecting | SessionState::ExpectSubscribed => {
            bench.session.start(bench.now);
            bench.drain();
            bench.connected();
            if state == SessionState::ExpectSubscribed {
                bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
            }
        }
        SessionState::Subscribed => {
            bench.subscribe();
            bench.decline();
            bench.decline();
        }
        SessionState::Backoff => {
            bench.session.start(bench.now);
            bench.drain();
            bench.failed("connection refused");
        }
        SessionState::Closing => {
            bench.subscribe();
            bench.session.teardown(bench.now);
        }
        SessionState::Closed => {
            bench.subscribe();
            bench.session.close();
        }
        other => panic!("unknown {other:?}"),
    }
    bench.drain();
    assert_eq!(bench.session.state(), state);
    bench
}

/// What an input does in each state: outputs, then the state if it is another one.
fn check(name: &str, input: impl Fn(&mut Bench), expected: [&str; 7]) {
    for (state, expected) in STATES.into_iter().zip(expected) {
        let mut bench = in_state(state);
        input(&mut bench);
        let mut seen = bench.drain();
        if bench.session.state() != state {
            seen = format!("{seen} -> {:?}", bench.session.state());
        }
        assert_eq!(seen, expected, "{name} in {state:?}");
    }
}

/// An input of a stream; where there is none, there is nothing to say it of.
fn of_stream(input: impl Fn(&mut Bench)) -> impl Fn(&mut Bench) {
    move |bench| {
        if !bench.streams.is_empty() {
            input(bench);
        }
    }
}

const CLOSED_BY_USER: &str = "abort; Closed(ClosedByUser) -> Closed";

#[test]
fn verbs() {
    check(
        "start",
        |bench| bench.session.start(bench.now),
        ["SUBSCRIBE http://a:1/api/v1/scheduler -> Connecting", "", "", "", "", "", ""],
    );
    check(
        "call",
        |bench| {
            bench.decline();
        },
        [
            "unsent=NotSubscribed",
            "unsent=NotSubscribed",
            "unsent=NotSubscribed",
            "",
            "unsent=NotSubscribed",
            "unsent=NotSubscribed",
            "unsent=NotSubscribed",
        ],
    );
    check(
        "teardown",
        |bench| bench.session.teardown(bench.now),
        [
            "Closed(TornDown) -> Closed",
            "abort; Closed(TornDown) -> Closed",
            "abort; Closed(TornDown) -> Closed",
            " -> Closing",
            "Closed(TornDown) -> Closed",
            "",
            "",
        ],
    );
    check(
        "close",
        |bench| bench.session.close(),
        [
            "Closed(ClosedByUser) -> Closed",
            CLOSED_BY_USER,
            CLOSED_BY_USER,
            "abort; call0=OutcomeUnknown; unsent=NotSubscribed; Closed(ClosedByUser) -> Closed",
            "Closed(ClosedByUser) -> Closed",
            "abort; call0=OutcomeUnknown; Closed(ClosedByUser) -> Closed",
            "",
        ],
    );
    let mut overflow = lost("events were not taken in time, 7 were waiting");
    overflow[1] = overflow[2].clone();
    overflow[5].clear();
    check("overflow", |bench| bench.session.handle_overflow(bench.now, 7), texts(&overflow));
    check("caught up", |bench| bench.session.handle_caught_up(), [""; 7]);
    for (name, set) in [
        (
            "suppressed roles",
            (|bench| bench.session.set_suppressed_roles(vec!["r".into()])) as fn(&mut Bench),
        ),
        ("framework info", |bench| bench.session.set_framework_info(crate::bench::info())),
        ("offer constraints", |bench| bench.session.set_offer_constraints(None)),
        ("credentials nobody asked for", |bench| bench.session.handle_credentials(bench.now, Ok(()))),
        ("an id nobody asked for", |bench| {
            bench.session.handle_framework_id_loaded(bench.now, Ok(Some("g".into())));
            bench.session.handle_framework_id_saved(bench.now, &"f".into(), Ok(()));
        }),
        ("a leader nobody asked for", |bench| {
            bench.session.handle_leader(bench.now, Ok("c:3".parse().unwrap()));
        }),
    ] {
        check(name, set, [""; 7]);
    }
}

/// The column of Connecting; elsewhere nothing follows.
fn connecting(outputs: &str) -> [&str; 7] {
    ["", outputs, "", "", "", "", ""]
}

#[test]
fn heads() {
    let head = |status, headers: &'static [(&'static str, &str)], text| {
        of_stream(move |bench: &mut Bench| bench.head(status, headers, text))
    };

    check("connected", of_stream(Bench::connected), [""; 7]);
    check("200", head(200, &[("mesos-stream-id", STREAM_ID)], ""), connecting(" -> ExpectSubscribed"));
    check(
        "200 with a parameter",
        head(
            200,
            &[("mesos-stream-id", STREAM_ID), ("content-type", "Application/X-Protobuf; charset=utf-8")],
            "",
        ),
        connecting(" -> ExpectSubscribed"),
    );
    check(
        "200 of the operator API",
        head(200, &[], ""),
        connecting(
            "abort; Disconnected(http://a:1: 200 without Mesos-Stream-Id, so this is not the scheduler API \
             of a master) -> Backoff",
        ),
    );
    check(
        "200 of something else",
        head(200, &[("mesos-stream-id", STREAM_ID), ("content-type", "text/html")], ""),
        connecting(
            "abort; Disconnected(http://a:1: content type 'text/html', expected 'application/x-protobuf' \
             (the master may have registered this framework; the next attempt registers another)) -> Backoff",
        ),
    );
    check(
        "307",
        head(307, &[("location", "//b:7/master/api/v1/scheduler")], ""),
        connecting("abort; SUBSCRIBE http://b:7/master/api/v1/scheduler"),
    );
    check(
        "307 without Location",
        head(307, &[], ""),
        connecting("abort; Disconnected(http://a:1: a redirect without Location) -> Backoff"),
    );
    check(
        "307 to nowhere",
        head(307, &[("location", "ftp://b:7")], ""),
        connecting(
            "abort; Disconnected(http://a:1: cannot follow the redirect: invalid URL 'ftp://b:7': unknown \
             scheme 'ftp', expected http://host:port or https://host:port) -> Backoff",
        ),
    );
    for (status, text, why) in [
        (503, "No leader elected", "503 'No leader elected'"),
        (503, "Master has not finished recovery", "503 'Master has not finished recovery'"),
        (500, "", "500 ''"),
        (404, "404 Not Found.", "404 '404 Not Found.'"),
        (429, "slow down", "429 'slow down'"),
        (302, "", "302 ''"),
        (202, "", "202 ''"),
    ] {
        let outputs = format!("abort; Disconnected(http://a:1: {why}) -> Backoff");
        check("a status that may heal", head(status, &[], text), connecting(&outputs));
    }
    check(
        "401",
        head(401, &[], "401 Unauthorized."),
        connecting(
            "abort; Closed(Unauthorized { url: \"http://a:1\", text: \"401 Unauthorized.\" }) -> Closed",
        ),
    );
    for status in [400, 403, 405, 406, 415, 418] {
        let reason = format!("Rejected {{ url: \"http://a:1\", status: {status}, text: \"no\" }}");
        let outputs = format!("abort; Closed({reason}) -> Closed");
        check("a hopeless status", head(status, &[], "no"), connecting(&outputs));
    }
}

/// What follows when the present attempt or stream is given up.
fn lost(why: &str) -> [String; 7] {
    const GHOST: &str =
        " (the master may have registered this framework; the next attempt registers another)";
    [
        String::new(),
        String::new(),
        format!("abort; Disconnected(http://a:1: {why}{GHOST}) -> Backoff"),
        format!(
            "abort; call0=OutcomeUnknown; unsent=NotSubscribed; Disconnected(http://a:1: {why}) -> Backoff"
        ),
        String::new(),
        format!("abort; call0=OutcomeUnknown; Disconnected(http://a:1: {why}) -> Backoff"),
        String::new(),
    ]
}

fn texts(expected: &[String; 7]) -> [&str; 7] {
    expected.each_ref().map(String::as_str)
}

#[test]
fn records() {
    let record =
        |event: mesos_proto::v1::scheduler::Event| of_stream(move |bench: &mut Bench| bench.record(&event));
    let nothing = "";
    let twice = lost("SUBSCRIBED twice on one stream");
    check(
        "SUBSCRIBED",
        record(subscribed("f", 15.0)),
        ["", "", "Subscribed(f, http://a:1) -> Subscribed", &twice[3], "", "", ""],
    );
    check("HEARTBEAT", record(event(Type::Heartbeat)), [""; 7]);
    check("an empty record", of_stream(|bench| bench.bytes("0\n")), [""; 7]);
    let mut unknown = event(Type::Heartbeat);
    unknown.r#type = Some(99);
    check("an unknown event", record(unknown), ["", "", "", "Mesos(UNKNOWN)", "", "", ""]);
    for kind in [
        Type::Offers,
        Type::InverseOffers,
        Type::Rescind,
        Type::RescindInverseOffer,
        Type::Update,
        Type::UpdateOperationStatus,
        Type::Message,
        Type::Failure,
    ] {
        let early = lost(&format!("{} before SUBSCRIBED", kind.as_str_name()));
        let told = format!("Mesos({})", kind.as_str_name());
        check(kind.as_str_name(), record(event(kind)), ["", "", &early[2], &told, "", nothing, ""]);
    }
}

#[test]
fn broken_records() {
    for (bytes, why) in [
        (&b"x"[..], "record header 'x' at byte 0 is not a decimal length"),
        (b"2\n\xff\xff", "a record is no event: failed to decode Protobuf message: invalid varint"),
    ] {
        let mut expected = lost(why);
        // A stream that began with SUBSCRIBED has bytes behind it.
        let offset = mesos_proto::recordio::encode_message(&subscribed("f", 15.0)).len();
        for text in &mut expected[3..] {
            *text = text.replace("at byte 0", &format!("at byte {offset}"));
        }
        check("broken", of_stream(move |bench| bench.bytes(bytes)), texts(&expected));
    }
}

#[test]
fn error_events() {
    let closed = |reason: &str| {
        let closed = format!("Closed({reason}) -> Closed");
        let with = |calls: &str| format!("abort; {calls}{closed}");
        [
            String::new(),
            String::new(),
            with(""),
            with("call0=OutcomeUnknown; unsent=NotSubscribed; "),
            String::new(),
            with("call0=OutcomeUnknown; "),
            String::new(),
        ]
    };
    let torn_down = closed("TornDown");
    let check_error = |text: &'static str, expected: &[String; 7]| {
        check(text, of_stream(move |bench| bench.record(&error(text))), texts(expected));
    };
    check_error("Framework failed over", &closed("FailedOver"));
    for text in [
        "Framework has been removed",
        "Completed framework attempted to re-register",
        "Completed framework attempted to re-subscribe",
    ] {
        let mut expected = closed(&format!("Removed {{ message: \"{text}\" }}"));
        expected[5].clone_from(&torn_down[5]);
        check_error(text, &expected);
    }
    let mut expected = lost("the master ended the stream: 'Authorization failure: x'");
    expected[2] = expected[3].replace("call0=OutcomeUnknown; unsent=NotSubscribed; ", "");
    check_error("Authorization failure: x", &expected);
    for text in [
        "Roles { other } are not present in the master's --roles",
        "User 'root' is not allowed to run frameworks without --root_submissions set",
        "'a/b' contains invalid characters",
        "The framework failover_timeout (1e+10) is invalid",
        "Suppressed roles { batch } are not contained in the set of roles",
        "Not authorized to use role 'web'",
        "Changing framework's principal is not allowed.",
    ] {
        let mut expected = lost(&format!("the master ended the stream: '{text}'"));
        expected[2].clone_from(&closed(&format!("Refused {{ message: {text:?} }}"))[2]);
        check_error(text, &expected);
    }
}

#[test]
fn ends() {
    let mut ended = lost("the master ended the stream");
    ended[1] = ended[2].clone();
    // The answer to TEARDOWN is still to come.
    ended[5].clear();
    check("end", of_stream(Bench::end), texts(&ended));
    let mut failed = lost("connection reset");
    failed[1] = failed[2].clone();
    failed[5].clear();
    check("failure", of_stream(|bench| bench.failed("connection reset")), texts(&failed));
}

#[test]
fn answers_to_calls() {
    let reply = |status, text: &'static str| {
        move |bench: &mut Bench| {
            if let Some(call) = bench.sent.last().copied() {
                bench.reply(call, status, text);
            }
        }
    };
    check("202", reply(202, ""), ["", "", "", "DECLINE; call0=Accepted", "", "call0=Accepted", ""]);
    check(
        "400 about this call",
        reply(400, "Not a valid UUID"),
        [
            "",
            "",
            "",
            "DECLINE; call0=Refused(400 'Not a valid UUID')",
            "",
            "abort; call0=Refused(400 'Not a valid UUID'); Closed(TeardownUnconfirmed { why: \"TEARDOWN was \
             refused with 400 'Not a valid UUID'\" }) -> Closed",
            "",
        ],
    );
    check(
        "400 about the framework",
        reply(400, "Framework cannot be found"),
        [
            "",
            "",
            "",
            "abort; call0=Refused(400 'Framework cannot be found'); unsent=NotSubscribed; \
             Disconnected(http://a:1: a call was refused with 400 'Framework cannot be found') -> Backoff",
            "",
            "abort; call0=Refused(400 'Framework cannot be found'); Closed(TornDown) -> Closed",
            "",
        ],
    );
    for (status, text) in [
        (307, ""),
        (401, "401 Unauthorized."),
        (503, "No leader elected"),
        (404, "404 Not Found."),
        (403, "Framework is not subscribed"),
        (400, "The stream ID 's1' included in this request didn't match"),
    ] {
        let lost = format!("Disconnected(http://a:1: a call was refused with {status} '{text}') -> Backoff");
        check(
            "an answer about the stream",
            reply(status, text),
            [
                "",
                "",
                "",
                &format!("abort; call0=Refused({status} '{text}'); unsent=NotSubscribed; {lost}"),
                "",
                &format!("abort; call0=Refused({status} '{text}'); {lost}"),
                "",
            ],
        );
    }
    check(
        "a broken connection",
        |bench| {
            if let Some(call) = bench.sent.last().copied() {
                bench.session.handle_call_failed(bench.now, call, "connection reset");
            }
        },
        [
            "",
            "",
            "",
            "DECLINE; call0=OutcomeUnknown",
            "",
            "abort; call0=OutcomeUnknown; Disconnected(http://a:1: TEARDOWN: connection reset) -> Backoff",
            "",
        ],
    );
}

#[test]
fn deadlines() {
    let mut expected = lost("no SUBSCRIBED within 30s");
    expected[1] = expected[2].clone();
    expected[3] = lost("a call was not answered within 75s")[3].clone();
    expected[4] = "SUBSCRIBE http://b:2/api/v1/scheduler -> Connecting".to_owned();
    expected[5] =
        "abort; call0=OutcomeUnknown; Closed(TeardownUnconfirmed { why: \"not confirmed within 10s\" \
                   }) -> Closed"
            .to_owned();
    // In Subscribed both deadlines come at once; the heartbeat is looked at first unless it was later.
    let deadline = |bench: &mut Bench| {
        if bench.session.state() == SessionState::Subscribed {
            bench.now += std::time::Duration::from_secs(1);
            bench.record(&event(Type::Heartbeat));
            bench.drain();
        }
        if bench.session.poll_timeout().is_some() {
            bench.await_deadline();
        }
    };
    check("deadline", deadline, texts(&expected));
    check(
        "no deadline yet",
        |bench| bench.session.handle_timeout(bench.now - std::time::Duration::from_secs(1)),
        [""; 7],
    );
}

#[test]
fn input_of_an_old_stream_is_ignored_in_every_state() {
    for state in STATES {
        let bench = in_state(state);
        let Some(old) = bench.streams.first().copied() else { continue };
        if state == SessionState::Closed {
            continue;
        }
        // Replace the stream, then bring the session back into the state.
        let mut bench = Bench::new(config());
        bench.session.start(bench.now);
        bench.drain();
        bench.failed("connection refused");
        bench.drain();
        match state {
            SessionState::Connecting | SessionState::ExpectSubscribed => {
                bench.await_deadline();
                bench.drain();
                bench.connected();
                if state == SessionState::ExpectSubscribed {
                    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
                }
            }
            SessionState::Backoff => {}
            SessionState::Subscribed => bench.subscribe(),
            _ => {
                bench.subscribe();
                bench.session.teardown(bench.now);
            }
        }
        bench.drain();
        assert_eq!(bench.session.state(), state);
        let now = bench.now;
        bench.session.handle_connected(now, old);
        bench.head_of(old, 200, &[("mesos-stream-id", "old")], "");
        bench.head_of(old, 401, &[], "");
        bench.head_of(old, 307, &[("location", "//c:3")], "");
        let failed_over = mesos_proto::recordio::encode_message(&error("Framework failed over"));
        bench.session.handle_stream_bytes(now, old, failed_over);
        bench.session.handle_stream_end(now, old);
        bench.session.handle_stream_failed(now, old, "late");
        assert_eq!(bench.drain(), "", "{state:?}");
        assert_eq!(bench.session.state(), state);
    }
}
