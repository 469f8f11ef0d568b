//! The masters that the rows of the table were asked of.

use std::time::Duration;

use mesos_local::{Cluster, ClusterConfig, FrameworkCredentials, MasterPhase};
use mesos_proto::v1::{
    self,
    scheduler::{Call, call},
};

use super::{Row, World};
use crate::client::{Scheduler, command, framework, within};

/// What stands behind a name in the column `listener`; `None` if the test does not know it.
pub(super) async fn stage(listener: &str) -> Option<(Cluster, World)> {
    Some(match listener {
        "listener" | "open" | "open, fresh" | "leader" => open().await,
        "firewall_rules /master/api/v1/scheduler" => fenced("/master/api/v1/scheduler").await,
        "firewall_rules /api/v1/scheduler" => fenced("/api/v1/scheduler").await,
        "authenticate_http_frameworks" => authenticated().await,
        "master starting" => masters(1).await,
        "elected, registry recovery unfinished (quorum 2 of 3, one master up)" => {
            put(masters(1).await, MasterPhase::Recovering).await
        }
        "standby, leader known" => {
            put(masters(1).await, MasterPhase::Standby { leader: "master1.example:5050".into() }).await
        }
        "standby, ZooKeeper gone for longer than the session timeout" => {
            put(masters(1).await, MasterPhase::NoLeader).await
        }
        "new leader, framework not yet resubscribed, agents not yet back" => after_election(false).await,
        "new leader, agents back, framework not resubscribed" => after_election(true).await,
        _ => return None,
    })
}

/// The phases of a start are a row each.
pub(super) async fn prepare(cluster: &Cluster, row: &Row) {
    let phase = match row.number {
        219 => MasterPhase::Dead,
        220 => MasterPhase::Starting,
        221 => MasterPhase::Recovering,
        222 => MasterPhase::Leading,
        _ => return,
    };
    cluster.set_master_phase(0, phase).await.unwrap();
}

async fn put((cluster, world): (Cluster, World), phase: MasterPhase) -> (Cluster, World) {
    cluster.set_master_phase(0, phase).await.unwrap();
    (cluster, world)
}

async fn open() -> (Cluster, World) {
    let (cluster, mut world) = masters(1).await;
    let lasting = v1::FrameworkInfo { failover_timeout: Some(600.0), ..framework() };
    let gone = known(&cluster, lasting).await;
    world.disconnected = (gone.framework_id.value.clone(), gone.stream_id.clone());
    gone.vanish();
    let mut removed = known(&cluster, framework()).await;
    removed.call(call::Type::Teardown, Call::default()).await;
    world.removed = removed.framework_id.value;
    // The master noticed the closed connection when it says so.
    within("the end of a connection", async {
        while !cluster.transcript().entries().any(|entry| entry.kind() == "connection closed") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    (cluster, world)
}

/// A master of which nobody may call a path.
async fn fenced(path: &str) -> (Cluster, World) {
    let mut config = ClusterConfig::with_agents(1);
    config.disabled_endpoints = vec![path.into()];
    let cluster = Cluster::start(config).await.unwrap();
    let address = cluster.master_url().replace("http://", "");
    // The rows need no framework, and nobody can subscribe here.
    let (elsewhere, world) = masters(1).await;
    elsewhere.shutdown().await;
    (cluster, World { address, ..world })
}

/// One framework without a task.
async fn masters(count: usize) -> (Cluster, World) {
    let mut config = ClusterConfig::with_agents(1);
    config.masters = count;
    let cluster = Cluster::start(config).await.unwrap();
    let framework = known(&cluster, framework()).await;
    let world = World {
        address: cluster.master_url().replace("http://", ""),
        framework,
        disconnected: Default::default(),
        removed: String::new(),
    };
    (cluster, world)
}

/// Alice's framework was there before the master wanted to know who is who.
async fn authenticated() -> (Cluster, World) {
    let (cluster, mut world) = masters(1).await;
    let info = v1::FrameworkInfo { principal: Some("alice".into()), ..framework() };
    world.framework = known(&cluster, info).await;
    let accepted = FrameworkCredentials::new().basic("alice", "s3cret").basic("bob", "bob");
    cluster.set_framework_credentials(Some(accepted.basic("bob", "b:ob")));
    (cluster, world)
}

/// The framework of the world has a task, the other one has none. The second master leads.
async fn after_election(agents_are_back: bool) -> (Cluster, World) {
    let (cluster, mut world) = masters(2).await;
    let other = known(&cluster, framework()).await;
    world.disconnected = (other.framework_id.value.clone(), other.stream_id.clone());
    let offer = world.framework.offer().await;
    let task = command("t", &offer, "sleep 1000");
    world.framework.launch(&offer, task).await;
    world.framework.update("t").await;
    cluster.set_master_phase(0, MasterPhase::Dead).await.unwrap();
    if !agents_are_back {
        cluster.lose_agent("agent1");
    }
    cluster.elect(1).await.unwrap();
    world.address = cluster.master_urls()[1].replace("http://", "");
    (cluster, world)
}

/// Subscribes and reads until the framework has its id.
async fn known(cluster: &Cluster, info: v1::FrameworkInfo) -> Scheduler {
    let subscribe = call::Subscribe { framework_info: info, ..Default::default() };
    let mut scheduler = Scheduler::subscribe(cluster, subscribe).await;
    scheduler.event().await.unwrap();
    scheduler
}
