//! Calls over their own connection.

use std::time::Duration;

use mesos_proto::v1::{self, scheduler::call::Type};
use mesos_scheduler_client::{CallOutcome, Event, calls};

use crate::{
    peer::{Peer, builder, expect_disconnected, expect_subscribed, next, subscribed_client, within},
    wire::event,
};

fn decline(id: &str) -> v1::scheduler::Call {
    calls::decline(vec![v1::OfferId::new(id)], None)
}

#[tokio::test]
async fn requests_have_what_a_master_asks_for() {
    let peer = Peer::start().await;
    let (client, mut events) = builder(&peer.url()).suppressed_roles(vec!["web".into()]).start().unwrap();
    let (_stream, subscribe) = peer.accept_stream(15.0).await;
    assert!(subscribe.head.starts_with("POST /api/v1/scheduler HTTP/1.1\r\n"), "{}", subscribe.head);
    let authority = peer.authority();
    for (header, value) in [
        ("host", Some(authority.as_str())),
        ("content-type", Some("application/x-protobuf")),
        ("accept", Some("application/x-protobuf")),
        ("mesos-stream-id", None),
        ("expect", None),
        ("accept-encoding", None),
    ] {
        assert_eq!(subscribe.header(header), value, "{header}");
    }
    assert!(subscribe.header("user-agent").unwrap().starts_with("mesos-scheduler-client/"));
    assert_eq!(subscribe.call().framework_id, None);
    assert_eq!(subscribe.call().subscribe.unwrap().suppressed_roles, ["web"]);
    expect_subscribed(&mut events, &peer.url()).await;

    let reply = client.send(decline("o1"));
    let mut connection = peer.accept().await;
    let call = connection.request().await;
    assert_eq!(call.header("mesos-stream-id"), Some("s1"));
    assert_eq!(call.header("host"), Some(authority.as_str()));
    assert_eq!(call.call().framework_id, Some("f".into()));
    connection.respond("202 Accepted", "", b"").await;
    assert_eq!(within(reply).await, CallOutcome::Accepted);
}

#[tokio::test]
async fn calls_keep_their_order_on_one_connection() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let names: Vec<_> = (0..100).map(|number| format!("o{number}")).collect();
    let replies: Vec<_> = names.iter().map(|name| client.send(decline(name))).collect();
    let mut connection = peer.accept().await;
    for name in &names {
        let request = connection.request().await;
        assert_eq!(request.call().decline.unwrap().offer_ids[0].value, *name);
        connection.respond("202 Accepted", "", b"").await;
    }
    for reply in replies {
        assert_eq!(within(reply).await, CallOutcome::Accepted);
    }
}

#[tokio::test]
async fn a_dropped_reply_does_not_stop_its_call() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    drop(client.revive(vec![]));
    let last = client.suppress(vec![]);
    let mut connection = peer.accept().await;
    for expected in [Type::Revive, Type::Suppress] {
        assert_eq!(connection.request().await.call().r#type(), expected);
        connection.respond("202 Accepted", "", b"").await;
    }
    assert_eq!(within(last).await, CallOutcome::Accepted);
}

#[tokio::test]
async fn a_refused_call_has_status_and_text() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    let reply = client.send(decline("o1"));
    let mut connection = peer.accept().await;
    connection.request().await;
    connection.respond("400 Bad Request", "", b"Failed to validate").await;
    let refused = CallOutcome::Refused { status: 400, text: "Failed to validate".into() };
    assert_eq!(within(reply).await, refused);
}

#[tokio::test]
async fn calls_before_the_subscription_are_not_sent() {
    let peer = Peer::start().await;
    let (client, mut events) = builder(&peer.url()).start().unwrap();
    assert_eq!(within(client.send(decline("o1"))).await, CallOutcome::NotSubscribed);
    let (_stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
}

#[tokio::test]
async fn a_broken_call_connection_costs_its_calls_and_not_the_subscription() {
    let peer = Peer::start().await;
    let (client, mut events, mut stream) = subscribed_client(&peer).await;
    let lost = client.send(decline("o1"));
    let mut connection = peer.accept().await;
    connection.request().await;
    connection.reset();
    let why = format!("{}: connection reset", peer.url());
    assert_eq!(within(lost).await, CallOutcome::OutcomeUnknown { why });
    let next_one = client.send(decline("o2"));
    let mut connection = peer.accept().await;
    assert_eq!(connection.request().await.call().decline.unwrap().offer_ids[0].value, "o2");
    connection.respond("202 Accepted", "", b"").await;
    assert_eq!(within(next_one).await, CallOutcome::Accepted);
    stream.record(&event(v1::scheduler::event::Type::Offers)).await;
    assert!(matches!(next(&mut events).await, Event::Mesos(_)), "the stream lives on");
}

#[tokio::test]
async fn an_idle_connection_that_the_master_closed_is_replaced() {
    let peer = Peer::start().await;
    let (client, _events, _stream) = subscribed_client(&peer).await;
    for name in ["o1", "o2", "o3"] {
        let reply = client.send(decline(name));
        let mut connection = peer.accept().await;
        connection.request().await;
        connection.respond("202 Accepted", "Connection: close\r\n", b"").await;
        connection.closed().await;
        assert_eq!(within(reply).await, CallOutcome::Accepted, "{name}");
    }
}

#[tokio::test]
async fn calls_in_flight_when_the_stream_is_lost_have_an_unknown_outcome() {
    let peer = Peer::start().await;
    let (client, mut events) = builder(&peer.url()).max_calls_in_flight(1).start().unwrap();
    let (stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
    let in_flight = client.send(decline("o1"));
    let mut connection = peer.accept().await;
    connection.request().await;
    stream.reset();
    assert!(matches!(within(in_flight).await, CallOutcome::OutcomeUnknown { .. }));
    connection.closed().await;
    expect_disconnected(&mut events).await;
    let (_stream, again) = peer.accept_stream(15.0).await;
    assert_eq!(again.call().framework_id, Some("f".into()));
    assert_eq!(again.call().subscribe.unwrap().framework_info.id, Some("f".into()));
    expect_subscribed(&mut events, &peer.url()).await;
    let reply = client.send(decline("o3"));
    let mut connection = peer.accept().await;
    connection.request().await;
    connection.respond("202 Accepted", "", b"").await;
    assert_eq!(within(reply).await, CallOutcome::Accepted);
}

#[tokio::test]
async fn a_call_that_says_the_subscription_is_gone_leads_to_a_new_one() {
    let peer = Peer::start().await;
    let (client, mut events, stream) = subscribed_client(&peer).await;
    let reply = client.send(decline("o1"));
    let mut connection = peer.accept().await;
    connection.request().await;
    connection.respond("403 Forbidden", "", b"Framework is not subscribed").await;
    assert!(matches!(within(reply).await, CallOutcome::Refused { status: 403, .. }));
    assert_eq!(
        expect_disconnected(&mut events).await,
        format!("{}: a call was refused with 403 'Framework is not subscribed'", peer.url())
    );
    stream.closed().await;
    let (_stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
}

#[tokio::test]
async fn a_call_without_an_answer_ends_the_subscription() {
    let peer = Peer::start().await;
    let (client, mut events) = builder(&peer.url()).call_timeout(Duration::from_millis(50)).start().unwrap();
    let (stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
    let reply = client.send(decline("o1"));
    let mut connection = peer.accept().await;
    connection.request().await;
    assert!(matches!(within(reply).await, CallOutcome::OutcomeUnknown { .. }));
    assert_eq!(
        expect_disconnected(&mut events).await,
        format!("{}: a call was not answered within 50ms", peer.url())
    );
    stream.closed().await;
    connection.closed().await;
}
