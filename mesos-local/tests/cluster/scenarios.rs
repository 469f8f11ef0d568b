//! Scenarios that were recorded from a running master, replayed: the same calls bring the same events.

use crate::replay::{Recording, Replay, cluster};

#[tokio::test]
async fn recorded_scenarios_bring_the_same_events() {
    for (name, agents) in [
        ("task-finished", 1),
        ("task-failed", 1),
        ("task-killed", 1),
        ("task-error", 1),
        ("two-offers-one-agent", 1),
        ("suppress-revive", 2),
        ("invalid-offers-partition-aware", 2),
        ("invalid-offers-plain", 2),
        ("reconcile-partition-aware", 1),
        ("reconcile-plain", 1),
    ] {
        let cluster = cluster(agents, &["r1"]).await;
        let recording = Recording::load(name);
        let mut replay = Replay::start(&cluster, &recording).await;
        replay.play(1..recording.calls.len()).await;
        replay.finish().await;
        cluster.shutdown().await;
    }
}

#[tokio::test]
async fn a_changed_framework_gets_other_offers() {
    let cluster = cluster(3, &["r1", "r2", "7"]).await;
    let recording = Recording::load("update-framework");
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.wait_for_offers = true;
    replay.play(1..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_second_scheduler_takes_over() {
    let cluster = cluster(1, &["r1"]).await;
    let (old, new) = (Recording::load("failed-over-old"), Recording::load("failed-over-new"));
    let mut first = Replay::start(&cluster, &old).await;
    let last = old.calls.len() - 1;
    first.play(1..last).await;
    let mut second = Replay::start_with(&cluster, &new, Some(&first.scheduler.framework_id)).await;
    first.play(last..last + 1).await;
    first.finish().await;
    second.play(1..new.calls.len()).await;
    second.finish().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_scheduler_that_comes_back_gets_what_it_did_not_acknowledge() {
    let cluster = cluster(1, &["r1"]).await;
    let (before, after) = (Recording::load("lost-connection-1"), Recording::load("lost-connection-2"));
    let mut first = Replay::start(&cluster, &before).await;
    first.play(1..before.calls.len()).await;
    first.receive(before.events.len()).await;
    first.compare();
    let (id, uuid) = (first.scheduler.framework_id.clone(), first.seen.last().unwrap().update.clone());
    first.scheduler.vanish();
    let mut second = Replay::start_with(&cluster, &after, Some(&id)).await;
    second.receive(4).await;
    let again = second.seen.iter().find_map(|event| event.update.clone()).unwrap();
    assert_eq!(again.status.uuid, uuid.unwrap().status.uuid);
    second.play(1..after.calls.len()).await;
    second.finish().await;
    cluster.shutdown().await;
}
