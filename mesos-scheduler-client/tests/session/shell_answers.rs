//! Whole stories of a session that asks its shell: for a stored id, for the leader, for other credentials.

use std::time::Duration;

use mesos_proto::v1::scheduler::event::Type;
use mesos_scheduler_client::{AuthError, Event, OnRemoved, SessionState, StoreError, Timer, calls};

use crate::{
    bench::{Bench, STREAM_ID, full_config},
    detected::in_state,
    wire::{error, event, subscribed},
};

#[test]
fn events_before_the_id_is_saved_are_told_after_subscribed() {
    let mut bench = in_state(SessionState::Saving);
    bench.record(&event(Type::Offers));
    bench.record(&event(Type::Rescind));
    assert_eq!(bench.drain(), "");
    bench.session.handle_framework_id_saved(bench.now, &"f".into(), Ok(()));
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
    bench.session.handle_framework_id_saved(bench.now, &"f".into(), Err(StoreError::new("full")));
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

#[test]
fn one_failed_renewal_is_not_the_end() {
    let answers: [fn(&mut Bench); 4] = [
        |bench| bench.session.handle_credentials(bench.now, Err(AuthError::unavailable("busy"))),
        |bench| {
            bench.session.handle_overflow(bench.now, 7);
            bench.session.handle_caught_up();
        },
        Bench::await_deadline,
        // The master took the other credentials, only not the rest.
        |bench| {
            bench.session.handle_credentials(bench.now, Ok(()));
            bench.drain();
            bench.connected();
            bench.head(503, &[], "No leader elected");
        },
    ];
    for answer in answers {
        let mut bench = in_state(SessionState::ExpectCredentials);
        answer(&mut bench);
        bench.drain();
        bench.await_deadline();
        bench.drain();
        bench.connected();
        bench.head(401, &[], "401 Unauthorized.");
        assert_eq!(bench.drain(), "abort; refresh");
    }
}

#[test]
fn a_lost_subscription_is_told_also_when_the_queue_is_full() {
    let mut bench = in_state(SessionState::Subscribed);
    bench.record(&event(Type::Offers));
    bench.end();
    while bench.session.poll_transmit(bench.now).is_some() {}
    while bench.session.poll_outcome().is_some() {}
    // The first of these did not fit.
    assert!(bench.session.poll_event().is_some());
    bench.session.handle_overflow(bench.now, 1);
    assert!(matches!(bench.session.poll_event(), Some(Event::Disconnected { .. })));
}

#[test]
fn a_teardown_does_not_wait_for_an_owner_who_is_behind() {
    let mut bench = in_state(SessionState::Subscribed);
    bench.session.handle_overflow(bench.now, 7);
    bench.drain();
    bench.session.teardown(bench.now);
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler id=f");
    bench.connected();
    bench.head(503, &[], "No leader elected");
    bench.drain();
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler id=f");
}

#[test]
fn a_new_leader_waits_for_an_owner_who_is_behind() {
    for state in [SessionState::Detecting, SessionState::Backoff] {
        let mut bench = in_state(state);
        bench.session.handle_overflow(bench.now, 7);
        bench.session.handle_leader(bench.now, Ok("b:2".parse().unwrap()));
        assert_eq!((bench.drain().as_str(), bench.session.state()), ("", SessionState::Backoff), "{state:?}");
        bench.session.handle_caught_up();
        bench.await_deadline();
        assert!(bench.drain().starts_with("SUBSCRIBE http://b:2/api/v1/scheduler"), "{state:?}");
    }
}

#[test]
fn a_late_word_of_the_store_about_another_id_is_ignored() {
    let mut bench = in_state(SessionState::Saving);
    bench.session.handle_framework_id_saved(bench.now, &"older".into(), Ok(()));
    assert_eq!((bench.drain().as_str(), bench.session.state()), ("", SessionState::Saving));
}

#[test]
fn a_removed_framework_stays_in_its_store() {
    let mut bench = in_state(SessionState::Subscribed);
    bench.record(&error("Framework has been removed"));
    let told = bench.drain();
    assert!(!told.contains("clear") && told.contains("Closed(Removed"), "{told}");
}

#[test]
fn starting_over_does_not_take_up_what_the_store_has() {
    let mut config = full_config();
    config.on_removed = OnRemoved::StartOver;
    config.framework_info.id = Some("x".into());
    let mut bench = Bench::new(config);
    bench.session.handle_leader(bench.now, Ok("a:1".parse().unwrap()));
    bench.session.start(bench.now);
    bench.drain();
    bench.connected();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&error("Framework has been removed"));
    bench.drain();
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://a:1/api/v1/scheduler");
}

#[test]
fn leaders_that_come_and_go_are_not_all_asked_at_once() {
    let mut bench = in_state(SessionState::Subscribed);
    let mut asked = 0;
    for number in 0..1000 {
        let leader = format!("m{}:1", number % 2).parse().unwrap();
        bench.session.handle_leader(bench.now, Ok(leader));
        asked += bench.drain().matches("SUBSCRIBE").count();
    }
    assert_eq!(asked, 1);
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://m1:1/api/v1/scheduler id=f");
    bench.now += Duration::from_secs(10);
    bench.session.handle_leader(bench.now, Ok("m0:1".parse().unwrap()));
    assert!(bench.drain().contains("SUBSCRIBE http://m0:1/"), "calm again");
}

#[test]
fn a_new_leader_is_said_to_be_asked_without_waiting() {
    let mut bench = in_state(SessionState::Subscribed);
    bench.session.handle_leader(bench.now, Ok("b:2".parse().unwrap()));
    match bench.session.poll_event() {
        Some(Event::Disconnected { retry_in, .. }) => assert_eq!(retry_in, Duration::ZERO),
        other => panic!("{other:?}"),
    }
}

#[test]
fn deadlines_of_credentials_end_with_them() {
    // While calls wait for them.
    let both_refused = || {
        let mut bench = in_state(SessionState::Subscribed);
        for call in bench.sent.clone() {
            bench.reply(call, 401, "");
        }
        assert_eq!(bench.drain(), "refresh");
        bench
    };
    let bench = both_refused();
    let (at, timer) = bench.session.poll_timeout().unwrap();
    assert_eq!((timer, at - bench.now), (Timer::Credentials, Duration::from_secs(30)));
    let mut bench = both_refused();
    bench.await_deadline();
    assert_eq!(
        bench.drain(),
        "abort; call0=NotSubscribed; call1=NotSubscribed; unsent=NotSubscribed; \
         Disconnected(http://a:1: no credentials: none within 30s)"
    );
    let mut bench = both_refused();
    bench.session.handle_credentials(bench.now, Ok(()));
    bench.drain();
    let again = bench.sent.split_off(2);
    for call in again {
        bench.reply(call, 202, "");
    }
    bench.drain();
    bench.reply(*bench.sent.last().unwrap(), 202, "");
    bench.drain();
    assert_eq!(bench.session.poll_timeout().unwrap().1, Timer::Heartbeat);

    // After a loss they can be asked for again.
    let mut bench = both_refused();
    bench.end();
    bench.drain();
    bench.subscribe();
    bench.decline();
    bench.drain();
    bench.reply(*bench.sent.last().unwrap(), 401, "");
    assert_eq!(bench.drain(), "refresh");

    // While a SUBSCRIBE waits for them, then for its connection.
    let mut bench = in_state(SessionState::Connecting);
    assert_eq!(bench.session.poll_timeout().unwrap().1, Timer::Credentials);
    bench.session.handle_dialing(bench.now, bench.stream());
    let (at, timer) = bench.session.poll_timeout().unwrap();
    assert_eq!((timer, at - bench.now), (Timer::Connect, Duration::from_secs(5)));
    bench.connected();
    assert_eq!(bench.session.poll_timeout().unwrap().1, Timer::Subscribe);
}

#[test]
fn an_old_stream_without_credentials_is_no_news() {
    let mut bench = in_state(SessionState::Connecting);
    let old = bench.stream();
    bench.end();
    bench.drain();
    bench.await_deadline();
    bench.drain();
    bench.session.handle_no_credentials(bench.now, old, &AuthError::refused("late"));
    assert_eq!((bench.drain().as_str(), bench.session.state()), ("", SessionState::Connecting));
}

#[test]
fn what_a_task_is_told_in_secret_is_not_printed() {
    let mut bench = in_state(SessionState::Saving);
    bench.session.handle_framework_id_saved(bench.now, &"f".into(), Ok(()));
    let message = calls::message("a".into(), "e".into(), "s3cret-text".into());
    bench.session.call(message);
    assert!(!format!("{:?}", bench.session).contains("s3cret"));
    let sent = bench.session.poll_transmit(bench.now).unwrap();
    let printed = format!("{sent:?}");
    assert!(printed.starts_with("Call {") && !printed.contains("s3cret"), "{printed}");
}
