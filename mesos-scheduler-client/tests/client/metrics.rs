//! What a client counts, seen by a recorder.

use std::collections::BTreeMap;

use mesos_proto::{recordio::encode_message, v1::scheduler::event::Type};
use mesos_scheduler_client::{CallOutcome, Event};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::{
    peer::{Peer, builder, expect_disconnected, expect_subscribed, next, within},
    wire::{event, subscribed},
};

/// Runs a story and returns what a recorder saw of it: names with labels, and the value, or how many values were
/// recorded.
fn recorded<F: Future<Output = ()>>(story: impl FnOnce() -> F) -> BTreeMap<String, f64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    // The recorder belongs to this thread, which runs everything.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(story()));
    let snapshot = snapshotter.snapshot().into_vec().into_iter();
    snapshot
        .map(|(key, _unit, _text, value)| {
            let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(value) => value.into_inner(),
                DebugValue::Histogram(values) => values.len() as f64,
            };
            (format!("{} {}", key.key().name(), labels.join(" ")), value)
        })
        .collect()
}

fn check(seen: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        assert_eq!(seen.get(&format!("mesos_scheduler_{name}")), Some(value), "{name} of {seen:?}");
    }
}

#[test]
fn what_is_going_on_is_counted() {
    let records = [subscribed("f", 15.0), event(Type::Offers)];
    let received: usize = records.iter().map(|record| encode_message(record).len()).sum();
    let mut sent = 0;
    let seen = recorded(async || {
        let peer = Peer::start().await;
        let (client, mut events) = builder(&peer.url()).start().unwrap();
        let early = client.revive(vec![]);
        assert_eq!(within(early).await, CallOutcome::NotSubscribed);
        let (mut stream, subscribe) = peer.accept_stream(15.0).await;
        expect_subscribed(&mut events, &peer.url()).await;
        stream.record(&event(Type::Offers)).await;
        assert!(matches!(next(&mut events).await, Event::Mesos(_)));
        let answered = client.suppress(vec![]);
        let mut connection = peer.accept().await;
        let suppress = connection.request().await;
        connection.respond("202 Accepted", "", b"").await;
        assert_eq!(within(answered).await, CallOutcome::Accepted);
        let _open = client.revive(vec![]);
        let revive = connection.request().await;
        sent = [subscribe, suppress, revive].iter().map(|request| request.body.len()).sum();
        // Told apart from the end: the client lives when the recording ends.
        std::mem::forget((client, events));
    });
    check(
        &seen,
        &[
            ("subscribed ", 1.0),
            ("disconnected_seconds ", 1.0),
            ("calls_in_flight ", 1.0),
            ("calls_total REVIVE not_subscribed", 1.0),
            ("calls_total SUPPRESS accepted", 1.0),
            ("call_seconds SUPPRESS", 1.0),
            ("events_total OFFERS", 1.0),
            ("event_lag_seconds ", 2.0),
            ("sent_bytes_total ", sent as f64),
            ("received_bytes_total ", received as f64),
        ],
    );
}

#[test]
fn what_was_lost_is_counted_and_nothing_is_left_over() {
    let seen = recorded(async || {
        let peer = Peer::start().await;
        let (client, mut events) = builder(&peer.url()).start().unwrap();
        let (stream, _) = peer.accept_stream(15.0).await;
        expect_subscribed(&mut events, &peer.url()).await;
        let lost = client.suppress(vec![]);
        let mut connection = peer.accept().await;
        connection.request().await;
        stream.reset();
        expect_disconnected(&mut events).await;
        assert!(matches!(within(lost).await, CallOutcome::OutcomeUnknown { .. }));
        let (_stream, _) = peer.accept_stream(15.0).await;
        expect_subscribed(&mut events, &peer.url()).await;
        let _open = client.suppress(vec![]);
        let mut connection = peer.accept().await;
        connection.request().await;
        drop(events);
        connection.closed().await;
    });
    check(
        &seen,
        &[
            ("subscribed ", 0.0),
            ("disconnected_seconds ", 2.0),
            ("disconnects_total stream_ended", 1.0),
            ("calls_total SUPPRESS unknown", 1.0),
            ("calls_in_flight ", 0.0),
        ],
    );
}
