//! The id of the framework on its way through a client to its store and back.

use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use mesos_proto::v1;
use mesos_scheduler_client::{
    CloseReason, DisconnectCause, Event, FrameworkIdStore, MemoryStore, OnRemoved, StoreError,
};
use tokio::sync::Semaphore;

use crate::{
    peer::{Peer, builder, expect_no_tasks, expect_subscribed, next, within},
    wire::error,
};

/// A store whose answers wait until the test lets them go.
#[derive(Clone, Debug)]
struct HeldStore {
    kept: Arc<Mutex<Option<v1::FrameworkId>>>,
    asked: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl HeldStore {
    fn new() -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self { kept: Arc::default(), asked: none(), answers: none() }
    }

    async fn answer(&self) {
        self.asked.add_permits(1);
        self.answers.acquire().await.unwrap().forget();
    }

    /// Waits until the store has been asked once more.
    async fn was_asked(&self) {
        within(self.asked.acquire()).await.unwrap().forget();
    }
}

impl FrameworkIdStore for HeldStore {
    fn load(&self) -> BoxFuture<'_, Result<Option<v1::FrameworkId>, StoreError>> {
        Box::pin(async {
            self.answer().await;
            Ok(self.kept.lock().unwrap().clone())
        })
    }

    fn save(&self, id: v1::FrameworkId) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            self.answer().await;
            *self.kept.lock().unwrap() = Some(id);
            Ok(())
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            self.answer().await;
            *self.kept.lock().unwrap() = None;
            Ok(())
        })
    }
}

#[tokio::test]
async fn the_id_is_stored_before_the_subscription_is_told_and_used_by_the_next_life() {
    let peer = Peer::start().await;
    let store = MemoryStore::default();
    let (client, mut events) = builder(&peer.url()).identity(store.clone()).start().unwrap();
    let (_stream, first) = peer.accept_stream(15.0).await;
    assert_eq!(first.call().framework_id, None);
    expect_subscribed(&mut events, &peer.url()).await;
    assert_eq!(store.load().await.unwrap(), Some("f".into()));
    within(client.close()).await;

    let (_client, mut events) = builder(&peer.url()).identity(store).start().unwrap();
    let (_stream, second) = peer.accept_stream(15.0).await;
    assert_eq!(second.call().framework_id, Some("f".into()));
    expect_subscribed(&mut events, &peer.url()).await;
}

#[tokio::test]
async fn a_teardown_clears_the_store_before_it_returns() {
    let peer = Peer::start().await;
    let store = MemoryStore::default();
    let (client, mut events) = builder(&peer.url()).identity(store.clone()).start().unwrap();
    let (mut stream, _) = peer.accept_stream(15.0).await;
    expect_subscribed(&mut events, &peer.url()).await;
    let master = async {
        let mut calls = peer.accept().await;
        calls.request().await;
        calls.respond("202 Accepted", "", b"").await;
        stream.write("0\r\n\r\n").await;
        calls
    };
    let (torn_down, _calls) = tokio::join!(within(client.teardown()), master);
    torn_down.unwrap();
    assert_eq!(store.load().await.unwrap(), None);
    expect_no_tasks().await;
}

#[tokio::test]
async fn a_teardown_while_the_id_is_being_stored_leaves_none_behind() {
    let peer = Peer::start().await;
    let store = HeldStore::new();
    let (client, _events) = builder(&peer.url()).identity(store.clone()).start().unwrap();
    store.was_asked().await;
    store.answers.add_permits(1);
    let (mut stream, _) = peer.accept_stream(15.0).await;
    store.was_asked().await;
    let master = async {
        let mut calls = peer.accept().await;
        calls.request().await;
        calls.respond("202 Accepted", "", b"").await;
        stream.write("0\r\n\r\n").await;
        // First the id is stored, then it is removed.
        store.answers.add_permits(1);
        store.was_asked().await;
        store.answers.add_permits(1);
        calls
    };
    let (torn_down, _calls) = tokio::join!(within(client.teardown()), master);
    torn_down.unwrap();
    assert_eq!(*store.kept.lock().unwrap(), None);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the clock stands still unless something waits")]
async fn a_store_that_hangs_does_not_hold_up_the_end() {
    let store = HeldStore::new();
    let (client, mut events) = builder("127.0.0.1:1").identity(store.clone()).start().unwrap();
    store.was_asked().await;
    let before = tokio::time::Instant::now();
    client.close().await;
    assert_eq!(before.elapsed(), std::time::Duration::ZERO);
    assert_eq!(events.next().await, Some(Event::Closed(CloseReason::ClosedByUser)));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_told_and_asked_again() {
    let store = HeldStore::new();
    let (_client, mut events) = builder("127.0.0.1:1").identity(store.clone()).start().unwrap();
    match events.next().await {
        Some(Event::Disconnected { cause, why, .. }) => {
            assert_eq!(cause, DisconnectCause::Store);
            assert_eq!(why, "the store of the framework id did not answer within 10s");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_removed_framework_starts_over_and_its_new_id_is_stored() {
    let peer = Peer::start().await;
    let store = MemoryStore::default();
    store.save("void".into()).await.unwrap();
    let builder = builder(&peer.url()).identity(store.clone()).on_removed(OnRemoved::StartOver);
    let (_client, mut events) = builder.start().unwrap();
    let mut stream = peer.accept().await;
    assert_eq!(stream.request().await.call().framework_id, Some("void".into()));
    stream.write(crate::peer::STREAM_HEAD).await;
    stream.record(&error("Framework has been removed")).await;
    match next(&mut events).await {
        Event::Disconnected { cause, .. } => assert_eq!(cause, DisconnectCause::Removed),
        other => panic!("{other:?}"),
    }
    let (_stream, again) = peer.accept_stream(15.0).await;
    assert_eq!(again.call().framework_id, None);
    expect_subscribed(&mut events, &peer.url()).await;
    assert_eq!(store.load().await.unwrap(), Some("f".into()));
}
