//! Whole stories of a session that asks its shell: for a stored id, for the leader, for other credentials.

use mesos_proto::v1::scheduler::event::Type;
use mesos_scheduler_client::{SessionState, StoreError};

use crate::{
    bench::{Bench, STREAM_ID, full_config},
    detected::in_state,
    wire::{event, subscribed},
};

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
