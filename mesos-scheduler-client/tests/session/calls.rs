//! Calls: their order, their bound, and what is never sent.

use mesos_proto::v1::{
    self,
    scheduler::{Call, call},
};
use mesos_scheduler_client::{CallOutcome, Transmit, calls};

use crate::bench::{Bench, config, info, sent};

#[test]
fn calls_leave_in_order_each_after_the_answer_to_the_one_before() {
    let mut bench = Bench::subscribed();
    bench.session.call(calls::revive(vec![]));
    bench.session.call(calls::suppress(vec![]));
    bench.session.call(calls::reconcile(vec![]));
    assert_eq!(bench.drain(), "REVIVE");
    bench.reply(bench.sent[0], 202, "");
    assert_eq!(bench.drain(), "SUPPRESS; call0=Accepted");
    bench.reply(bench.sent[1], 400, "no");
    assert_eq!(bench.drain(), "RECONCILE; call1=Refused(400 'no')");
}

#[test]
fn as_many_calls_are_in_flight_as_allowed() {
    let mut config = config();
    config.max_calls_in_flight = 2;
    let mut bench = Bench::new(config);
    bench.subscribe();
    for _ in 0..3 {
        bench.decline();
    }
    assert_eq!(bench.drain(), "DECLINE; DECLINE");
    bench.reply(bench.sent[1], 202, "");
    assert_eq!(bench.drain(), "DECLINE; call1=Accepted");
}

#[test]
fn an_answer_counts_once_and_not_after_the_stream_was_lost() {
    let mut bench = Bench::subscribed();
    bench.decline();
    bench.drain();
    let call = bench.sent[0];
    bench.reply(call, 202, "");
    assert_eq!(bench.drain(), "call0=Accepted");
    bench.reply(call, 400, "Framework cannot be found");
    assert_eq!(bench.drain(), "");

    bench.decline();
    bench.drain();
    let call = bench.sent[1];
    bench.end();
    bench.drain();
    bench.subscribe();
    bench.reply(call, 400, "Framework cannot be found");
    bench.session.handle_call_failed(bench.now, call, "late");
    assert_eq!(bench.drain(), "");
}

#[test]
fn what_must_not_be_sent_is_not() {
    let mut bench = Bench::subscribed();
    for (call_type, why) in [
        (None, "the call has no type, or one that the scheduler API does not have"),
        (Some(0), "the call has no type, or one that the scheduler API does not have"),
        (Some(99), "the call has no type, or one that the scheduler API does not have"),
        (Some(call::Type::Subscribe.into()), "the session subscribes by itself"),
        (Some(call::Type::Teardown.into()), "a framework is torn down by the method for it"),
    ] {
        let token = bench.session.call(Call { r#type: call_type, ..Call::default() });
        assert!(bench.session.poll_transmit(bench.now).is_none());
        let invalid = CallOutcome::Invalid { why: why.to_owned() };
        assert_eq!(bench.session.poll_outcome(), Some((token, invalid)));
    }
}

#[test]
fn an_update_of_the_framework_is_what_later_subscriptions_say() {
    for (status, name) in [(200, "other"), (400, "demo")] {
        let mut bench = Bench::subscribed();
        let update = call::UpdateFramework {
            framework_info: v1::FrameworkInfo { name: "other".into(), ..info() },
            suppressed_roles: vec!["batch".into()],
            offer_constraints: Some(v1::scheduler::OfferConstraints::default()),
        };
        bench.session.call(calls::update_framework(update.clone()));
        let Some(Transmit::Call { call, request, endpoint, .. }) = bench.session.poll_transmit(bench.now)
        else {
            panic!("a call is to be sent")
        };
        let update = call::UpdateFramework {
            framework_info: v1::FrameworkInfo { id: Some("f".into()), ..update.framework_info },
            ..update
        };
        assert_eq!(sent(&request, &endpoint.authority()).update_framework, Some(update.clone()));
        bench.reply(call, status, "FrameworkInfo update is not valid: x");
        bench.end();
        bench.await_deadline();
        let Some(Transmit::Abort { .. }) = bench.session.poll_transmit(bench.now) else { panic!() };
        let Some(Transmit::Subscribe { request, endpoint, .. }) = bench.session.poll_transmit(bench.now)
        else {
            panic!("a SUBSCRIBE is to be sent")
        };
        let subscribe = sent(&request, &endpoint.authority()).subscribe.unwrap();
        assert_eq!(subscribe.framework_info.name, name);
        assert_eq!(subscribe.framework_info.id, Some("f".into()));
        assert_eq!(subscribe.suppressed_roles.is_empty(), status != 200);
        assert_eq!(subscribe.offer_constraints.is_none(), status != 200);
    }
}
