//! Recordings of agents and masters that come and go, played.

use std::time::Duration;

use mesos_local::{Cluster, MasterPhase};

use crate::{
    client::within,
    replay::{Recording, Replay, cluster, config},
};

#[tokio::test]
async fn an_agent_that_dies_is_unreachable_when_its_pings_have_timed_out() {
    for name in ["agent-lost-partition-aware", "agent-lost-plain"] {
        let mut config = config(2, &["r1"]);
        config.master.agent_ping_timeout = Duration::from_millis(50);
        config.master.max_agent_ping_timeouts = 2;
        let cluster = Cluster::start(config).await.unwrap();
        let recording = Recording::load(name);
        let mut replay = Replay::start(&cluster, &recording).await;
        replay.play(1..4).await;
        replay.receive_offers("agent2.example", 2).await;
        assert!(cluster.stop_agent("agent2"));
        // The RECONCILE after RESCIND, UPDATE and FAILURE.
        replay.play(4..5).await;
        within("the answers", replay.receive(12)).await;
        assert!(cluster.return_agent("agent2"));
        replay.play(5..recording.calls.len()).await;
        replay.finish().await;
        cluster.shutdown().await;
    }
}

#[tokio::test]
async fn checkpointed_tasks_survive_the_restart_of_their_agent() {
    let cluster = cluster(1, &["r1"]).await;
    let recording = Recording::load("agent-restart-checkpoint");
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.play(1..4).await;
    replay.receive_offers("agent1.example", 2).await;
    assert!(cluster.stop_agent("agent1"));
    within("RESCIND", replay.receive(7)).await;
    assert!(cluster.return_agent("agent1"));
    replay.receive_offers("agent1.example", 3).await;
    replay.play(4..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_agent_that_takes_its_leave_takes_its_tasks_along() {
    for name in ["agent-unregistered-partition-aware", "agent-unregistered-plain"] {
        let cluster = cluster(2, &["r1"]).await;
        let recording = Recording::load(name);
        let mut replay = Replay::start(&cluster, &recording).await;
        replay.play(1..4).await;
        replay.receive_offers("agent2.example", 2).await;
        assert!(cluster.remove_agent("agent2"));
        replay.play(4..recording.calls.len()).await;
        replay.finish().await;
        cluster.shutdown().await;
    }
}

#[tokio::test]
async fn tasks_survive_their_master() {
    let (before, after) =
        (Recording::load("master-failover-before"), Recording::load("master-failover-after"));
    let mut config = config(2, &["r1"]);
    config.masters = 3;
    let cluster = Cluster::start(config).await.unwrap();
    let mut first = Replay::start(&cluster, &before).await;
    first.play(1..before.calls.len()).await;
    cluster.set_master_phase(0, MasterPhase::Dead).await.unwrap();
    first.finish_broken().await;
    // The agents are silent until the scheduler is there.
    assert!(cluster.stop_agent("agent1") && cluster.stop_agent("agent2"));
    cluster.elect(1).await.unwrap();
    let id = first.scheduler.framework_id.clone();
    let mut second = Replay::start_at(&cluster, &cluster.master_urls()[1], &after, Some(&id)).await;
    second.play(1..3).await;
    assert!(cluster.return_agent("agent1"));
    second.receive_offers("agent1.example", 1).await;
    assert!(cluster.return_agent("agent2"));
    second.receive_offers("agent2.example", 1).await;
    second.play(3..after.calls.len()).await;
    within("the end of the task", second.receive(after.events.len())).await;
    second.compare();
    cluster.shutdown().await;
}
