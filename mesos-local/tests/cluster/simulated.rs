//! Agents whose tasks are simulated.

use std::collections::BTreeSet;

use mesos_local::{Cluster, ClusterConfig, Executor, SimulatedConfig};
use mesos_proto::v1::TaskState;

use crate::client::{Connection, command, subscribe};

#[tokio::test]
async fn simulated_tasks_speak_as_processes_do() {
    let mut config = ClusterConfig::with_agents(1);
    config.executor = Executor::Simulated(SimulatedConfig::default());
    let cluster = Cluster::start(config).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    scheduler.launch(&offer, command("t1", &offer, "exit 1")).await;
    while scheduler.update("t1").await.state() != TaskState::TaskRunning {}
    scheduler.kill("t1", None).await;
    let seen = scheduler.follow("t1").await;
    let states: Vec<_> = seen.iter().map(|status| status.state()).collect();
    assert_eq!(states, [TaskState::TaskKilling, TaskState::TaskKilled]);
    assert_eq!(seen[1].message(), "Command terminated with signal Terminated");
    let known = seen[1].container_status.as_ref().unwrap();
    assert_eq!(known.network_infos[0].ip_addresses[0].ip_address(), "127.0.0.1");
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_thousand_agents_take_one_listener() {
    let mut config = ClusterConfig::with_agents(1000);
    config.executor = Executor::Simulated(SimulatedConfig::default());
    let cluster = Cluster::start(config).await.unwrap();
    let urls: BTreeSet<&str> = cluster.agents().iter().map(|agent| agent.url.as_str()).collect();
    assert_eq!((cluster.agents().len(), urls.len()), (1000, 1));
    let health = Connection::open(urls.first().unwrap()).await.get("/health").await;
    assert_eq!(health.status, 200);
    let mut scheduler = subscribe(&cluster).await;
    let offers = scheduler.find(|event| Some(event.offers?.offers)).await;
    let ports: BTreeSet<String> = offers.iter().map(|offer| offer.resources[0].to_string()).collect();
    assert_eq!(offers.len(), 1000);
    assert_eq!(ports, ["ports(allocated: web):[31000-31039]".to_owned()].into());
    cluster.shutdown().await;
}
