//! What later SUBSCRIBE calls say, and what happens when the framework is gone.

use mesos_proto::v1::{
    self,
    scheduler::{self, call},
};
use mesos_scheduler_client::{OnRemoved, SessionConfig, Transmit, calls};
use prost::Message;

use crate::{
    bench::{Bench, STREAM_ID, config},
    wire::{error, subscribed},
};

fn with_roles(roles: &[&str]) -> SessionConfig {
    let mut config = config();
    config.framework_info.roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let multi_role = v1::framework_info::capability::Type::MultiRole;
    config.framework_info.capabilities =
        vec![v1::framework_info::Capability { r#type: Some(multi_role.into()) }];
    config
}

/// Loses the stream and returns what the next SUBSCRIBE says.
fn next_subscribe(bench: &mut Bench) -> call::Subscribe {
    bench.end();
    bench.drain();
    bench.await_deadline();
    match bench.session.poll_transmit(bench.now) {
        Some(Transmit::Subscribe { request, .. }) => {
            let call = scheduler::Call::decode(request.into_body()).unwrap();
            call.subscribe.unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// Makes one call on a subscription and answers it; `None` breaks its connection.
fn after_call(config: SessionConfig, call: scheduler::Call, answer: Option<u16>) -> call::Subscribe {
    let mut bench = Bench::new(config);
    bench.subscribe();
    bench.session.call(call);
    bench.drain();
    match answer {
        Some(status) => bench.reply(bench.sent[0], status, "no"),
        None => bench.session.handle_call_failed(bench.now, bench.sent[0], "reset"),
    }
    bench.drain();
    next_subscribe(&mut bench)
}

fn roles(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn suppress_and_revive_are_said_again() {
    let two = || with_roles(&["web", "batch"]);
    for (call, answer, expected) in [
        (calls::suppress(roles(&["web"])), Some(202), &["web"][..]),
        (calls::suppress(roles(&[])), Some(202), &["web", "batch"]),
        (calls::suppress(roles(&["web"])), None, &["web"]),
        (calls::suppress(roles(&["web"])), Some(400), &[]),
        // A master drops a call with a role that the framework does not have.
        (calls::suppress(roles(&["web", "other"])), Some(202), &[]),
    ] {
        let said = after_call(two(), call.clone(), answer);
        assert_eq!(said.suppressed_roles, expected, "{call:?} {answer:?}");
    }
    for (call, expected) in [
        (calls::revive(roles(&["web"])), &["batch"][..]),
        (calls::revive(roles(&[])), &[]),
        (calls::suppress(roles(&["web"])), &["batch", "web"]),
    ] {
        let mut config = two();
        config.suppressed_roles = roles(&["web", "batch"]);
        let said = after_call(config, call.clone(), Some(202));
        assert_eq!(said.suppressed_roles, expected, "{call:?}");
    }
}

#[test]
fn a_wish_in_flight_when_the_stream_is_lost_is_said_again() {
    let mut config = with_roles(&["web"]);
    config.suppressed_roles = roles(&["web"]);
    let mut bench = Bench::new(config);
    bench.subscribe();
    bench.session.call(calls::revive(roles(&[])));
    bench.drain();
    assert_eq!(next_subscribe(&mut bench).suppressed_roles, [""; 0]);
}

#[test]
fn a_framework_of_one_role_suppresses_that_one() {
    let said = after_call(config(), calls::suppress(roles(&[])), Some(202));
    assert_eq!(said.suppressed_roles, ["*"]);
}

#[test]
fn offer_constraints_are_said_again_until_they_are_changed() {
    let constraints = |role: &str| scheduler::OfferConstraints {
        role_constraints: [(role.to_owned(), Default::default())].into(),
    };
    let mut config = with_roles(&["web"]);
    config.offer_constraints = Some(constraints("web"));
    let mut bench = Bench::new(config.clone());
    bench.subscribe();
    assert_eq!(next_subscribe(&mut bench).offer_constraints, Some(constraints("web")));

    let mut bench = Bench::new(config.clone());
    bench.subscribe();
    bench.session.set_offer_constraints(None);
    assert_eq!(next_subscribe(&mut bench).offer_constraints, None);

    let update = |bench_config: &SessionConfig| call::UpdateFramework {
        framework_info: bench_config.framework_info.clone(),
        offer_constraints: Some(constraints("batch")),
        ..call::UpdateFramework::default()
    };
    let call = calls::update_framework(update(&config));
    let accepted = after_call(config.clone(), call.clone(), Some(200));
    assert_eq!(accepted.offer_constraints, Some(constraints("batch")));
    assert_eq!(accepted.framework_info.id, Some("f".into()));
    // Refused or lost, they may be wrong, and would end the next subscription.
    for answer in [Some(400), None] {
        let said = after_call(config.clone(), call.clone(), answer);
        assert_eq!(said.offer_constraints, Some(constraints("web")), "{answer:?}");
    }
}

#[test]
fn a_removed_framework_starts_over_only_if_that_was_chosen() {
    let mut bench = Bench::subscribed();
    bench.record(&error("Framework has been removed"));
    assert_eq!(bench.drain(), "abort; Closed(Removed { message: \"Framework has been removed\" })");

    let mut config = config();
    config.on_removed = OnRemoved::StartOver;
    config.framework_info.id = Some("old".into());
    let mut bench = Bench::new(config);
    bench.session.start(bench.now);
    bench.drain();
    bench.connected();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&error("Framework has been removed"));
    assert_eq!(
        bench.drain(),
        "abort; Disconnected(http://a:1: framework 'old' is gone: 'Framework has been removed'; the next attempt \
         registers a new one)"
    );
    bench.await_deadline();
    assert_eq!(bench.drain(), "SUBSCRIBE http://b:2/api/v1/scheduler");
    bench.connected();
    bench.head(200, &[("mesos-stream-id", STREAM_ID)], "");
    bench.record(&subscribed("new", 15.0));
    assert_eq!(bench.drain(), "Subscribed(new, http://b:2)");
}
