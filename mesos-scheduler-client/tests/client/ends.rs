//! Every way in which a client ends: told once, and nothing is left.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mesos_proto::v1::scheduler::{call, event::Type};
use mesos_scheduler_client::{BuildError, CallOutcome, CloseReason, DisconnectCause, Event};

use crate::{
    peer::{
        Peer, builder, expect_disconnected, expect_no_tasks, expect_subscribed, next, subscribed_client,
        within,
    },
    wire::{error, event},
};

#[tokio::test]
async fn a_master_ends_a_client_for_good() {
    for (message, reason) in [
        ("Framework failed over", CloseReason::FailedOver),
        ("Framework has been removed", CloseReason::Removed { message: "Framework has been removed".into() }),
    ] {
        let peer = Peer::start().await;
        let (client, mut events, mut stream) = subscribed_client(&peer).await;
        stream.record(&error(message)).await;
        assert_eq!(next(&mut events).await, Event::Closed(reason.clone()));
        assert_eq!(within(events.next()).await, None);
        assert_eq!(client.close_reason(), Some(&reason));
        assert_eq!(within(client.revive(vec![])).await, CallOutcome::NotSubscribed);
        stream.closed().await;
        expect_no_tasks().await;
    }
}

#[tokio::test]
async fn a_master_refuses_a_client_for_good() {
    let no_role = "Roles { other } are not present in the master's --roles";
    let stream = [
        crate::peer::STREAM_HEAD.as_bytes(),
        &chunk(&mesos_proto::recordio::encode_message(&error(no_role))),
        b"0\r\n\r\n",
    ]
    .concat();
    let unauthorized = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 17\r\n\r\n401 Unauthorized.".to_vec();
    let rejected = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno".to_vec();
    for (answer, text) in [
        (stream, format!("the master refuses this framework: '{no_role}'")),
        (unauthorized, "URL: credentials are needed, or other ones: 401 '401 Unauthorized.'".into()),
        (rejected, "URL: the master rejects the subscription with 400: 'no'".into()),
    ] {
        let peer = Peer::start().await;
        let (_client, mut events) = builder(&peer.url()).start().unwrap();
        let mut connection = peer.accept().await;
        connection.request().await;
        connection.write(answer).await;
        let Event::Closed(reason) = next(&mut events).await else { panic!("the client ends") };
        assert_eq!(reason.to_string(), text.replace("URL", &peer.url()));
        assert!(reason.is_misconfiguration());
        assert_eq!(within(events.next()).await, None);
        expect_no_tasks().await;
    }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

#[tokio::test]
async fn a_teardown_waits_for_its_answer_and_the_end() {
    let peer = Peer::start().await;
    let (client, mut events, mut stream) = subscribed_client(&peer).await;
    let master = async {
        let mut connection = peer.accept().await;
        let request = connection.request().await;
        assert_eq!(request.call().r#type(), call::Type::Teardown);
        assert_eq!(request.call().framework_id, Some("f".into()));
        connection.respond("202 Accepted", "", b"").await;
        stream.last_chunk().await;
        connection
    };
    let (torn_down, connection) = tokio::join!(within(client.teardown()), master);
    assert_eq!(torn_down, Ok(()));
    assert_eq!(next(&mut events).await, Event::Closed(CloseReason::TornDown));
    connection.closed().await;
    stream.closed().await;
    assert_eq!(within(client.teardown()).await, Ok(()), "a second one finds it done");
    expect_no_tasks().await;
}

#[tokio::test]
async fn a_teardown_that_nobody_confirms_is_an_error() {
    let gone = Peer::start().await;
    let (client, mut events, stream) = {
        let (client, mut events) =
            builder(&gone.url()).teardown_timeout(Duration::from_millis(500)).start().unwrap();
        let (stream, _) = gone.accept_stream(15.0).await;
        expect_subscribed(&mut events, &gone.url()).await;
        (client, events, stream)
    };
    let url = gone.url();
    drop(gone);
    drop(stream);
    expect_disconnected(&mut events).await;
    let error = within(client.teardown()).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "cannot tear the framework down: the framework may still exist, its teardown was not confirmed: \
             not confirmed within 500ms, the last failure was: "
        ) && text.ends_with(&format!("{url}: connection refused")),
        "{text}"
    );
}

#[tokio::test]
async fn a_closed_client_drops_its_connections() {
    let peer = Peer::start().await;
    let (client, mut events, stream) = subscribed_client(&peer).await;
    let in_flight = client.revive(vec![]);
    let mut connection = peer.accept().await;
    connection.request().await;
    within(client.close()).await;
    assert!(matches!(within(in_flight).await, CallOutcome::OutcomeUnknown { .. }));
    assert_eq!(next(&mut events).await, Event::Closed(CloseReason::ClosedByUser));
    stream.closed().await;
    connection.closed().await;
    within(client.close()).await;
    let error = within(client.teardown()).await.unwrap_err();
    assert_eq!(error.close_reason(), &CloseReason::ClosedByUser);
    expect_no_tasks().await;
}

#[tokio::test]
async fn dropped_events_close_everything() {
    let peer = Peer::start().await;
    let (client, events, stream) = subscribed_client(&peer).await;
    let in_flight = client.revive(vec![]);
    let mut connection = peer.accept().await;
    connection.request().await;
    drop(events);
    stream.closed().await;
    connection.closed().await;
    assert!(matches!(within(in_flight).await, CallOutcome::OutcomeUnknown { .. }));
    assert_eq!(within(client.revive(vec![])).await, CallOutcome::NotSubscribed);
    within(client.close()).await;
    expect_no_tasks().await;
}

#[tokio::test]
async fn events_go_on_without_a_client() {
    let peer = Peer::start().await;
    let (client, mut events, mut stream) = subscribed_client(&peer).await;
    drop(client);
    stream.record(&event(Type::Offers)).await;
    assert!(matches!(next(&mut events).await, Event::Mesos(_)));
    drop(events);
    stream.closed().await;
    expect_no_tasks().await;
}

#[tokio::test]
async fn events_that_nobody_takes_end_the_subscription_until_they_are_taken() {
    let peer = Peer::start().await;
    let (client, mut events) = builder(&peer.url()).event_capacity(3).start().unwrap();
    let (mut stream, _) = peer.accept_stream(15.0).await;
    for _ in 0..3 {
        stream.record(&event(Type::Offers)).await;
    }
    stream.closed().await;
    expect_subscribed(&mut events, &peer.url()).await;
    assert!(matches!(next(&mut events).await, Event::Mesos(_)));
    assert!(matches!(next(&mut events).await, Event::Mesos(_)));
    match next(&mut events).await {
        Event::Disconnected { cause, why, .. } => {
            assert_eq!(cause, DisconnectCause::Overflow);
            let told = format!("{}: events were not taken in time, 3 were waiting", peer.url());
            assert_eq!(why, told);
        }
        other => panic!("{other:?}"),
    }
    let (_stream, again) = peer.accept_stream(15.0).await;
    assert_eq!(again.call().framework_id, Some("f".into()));
    expect_subscribed(&mut events, &peer.url()).await;
    assert_eq!(client.close_reason(), None);
}

#[tokio::test]
async fn a_setting_that_makes_no_sense_is_named() {
    let error = builder("a:1").missed_heartbeats(0).start().unwrap_err();
    assert_eq!(error, BuildError::Zero { setting: "missed_heartbeats" });
    assert_eq!(error.to_string(), "missed_heartbeats is 0, expected more than that");
}

#[tokio::test]
async fn an_overflow_closes_the_stream_and_resolves_calls_at_once() {
    let peer = Peer::start().await;
    let hour = Duration::from_secs(3600);
    let patient = builder(&peer.url()).event_capacity(1).backoff(hour, hour).call_timeout(hour);
    let (client, mut events) = patient.start().unwrap();
    let (mut stream, _) = peer.accept_stream(1e5).await;
    expect_subscribed(&mut events, &peer.url()).await;
    let reply = client.revive(vec![]);
    let mut calls = peer.accept().await;
    calls.request().await;
    stream.record(&event(Type::Offers)).await;
    stream.record(&event(Type::Offers)).await;
    stream.closed().await;
    assert!(matches!(within(reply).await, CallOutcome::OutcomeUnknown { .. }));
}

#[tokio::test]
async fn observers_see_what_the_owner_sees() {
    let peer = Peer::start().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let observed = builder(&peer.url()).observer(move |event| notes.lock().unwrap().push(event.clone()));
    let (client, mut events) = observed.start().unwrap();
    let (mut stream, _) = peer.accept_stream(15.0).await;
    stream.record(&event(Type::Offers)).await;
    let mut told = vec![next(&mut events).await, next(&mut events).await];
    within(client.close()).await;
    told.push(next(&mut events).await);
    assert!(matches!(told.last(), Some(Event::Closed(_))));
    assert_eq!(*seen.lock().unwrap(), told);
}

#[tokio::test]
async fn the_largest_queue_is_taken_as_no_bound() {
    let peer = Peer::start().await;
    let (_client, mut events) = builder(&peer.url()).event_capacity(usize::MAX).start().unwrap();
    let (_stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
}
