//! Recordings in which operators have a part, played, and operations.

use mesos_local::Cluster;
use serde_json::{Value, json};

use crate::{
    client::{Connection, within},
    replay::{Offers, Recording, Replay, cluster},
};

#[tokio::test]
async fn an_agent_that_an_operator_marks_gone_never_comes_back() {
    let cluster = cluster(2, &["r1"]).await;
    let recording = Recording::load("gone-agent-partition-aware");
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.play(1..4).await;
    replay.receive_offers("agent2.example", 2).await;
    let agent_id = json!({ "value": cluster.agents()[1].id });
    operate(&cluster, json!({"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": agent_id}})).await;
    replay.play(4..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn maintenance_is_announced_by_inverse_offers() {
    let cluster = cluster(2, &["r1", "r2"]).await;
    let recording = Recording::load("inverse-offers");
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.offers = Offers::Same;
    // The task runs, and offers of both agents are held.
    replay.play(1..4).await;
    within("offers of both", replay.receive(6)).await;
    let window = json!({
        "machine_ids": [{"hostname": "agent1.example", "ip": "127.0.0.1"}],
        "unavailability": {
            "start": {"nanoseconds": 4_000_000_000_000_000_000_i64},
            "duration": {"nanoseconds": 7_200_000_000_000_i64},
        },
    });
    schedule(&cluster, json!({"windows": [window]})).await;
    replay.play(4..6).await;
    within("the third inverse offer", replay.receive(13)).await;
    let mut master = Connection::open(&cluster.master_url()).await;
    let answer = master.post("/api/v1", r#"{"type":"GET_MAINTENANCE_SCHEDULE"}"#).await;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["get_maintenance_schedule"]["schedule"]["windows"][0], window);
    let answer = master.post("/api/v1", r#"{"type":"GET_MAINTENANCE_STATUS"}"#).await;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let statuses = &answer["get_maintenance_status"]["status"]["draining_machines"][0]["statuses"];
    assert_eq!(statuses[0]["status"], "DECLINE");
    schedule(&cluster, json!({})).await;
    replay.play(6..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn operations_tell_their_end() {
    let cluster = cluster(1, &["r1"]).await;
    let recording = Recording::load("operations");
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.offers = Offers::Same;
    replay.play(1..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

async fn schedule(cluster: &Cluster, schedule: Value) {
    let update = json!({ "schedule": schedule });
    let call = json!({"type": "UPDATE_MAINTENANCE_SCHEDULE", "update_maintenance_schedule": update});
    operate(cluster, call).await;
}

async fn operate(cluster: &Cluster, call: Value) {
    let answer = Connection::open(&cluster.master_url()).await.post("/api/v1", call.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.body.is_empty());
}
