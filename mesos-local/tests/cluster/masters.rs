//! Masters that die, come back, and follow each other.

use mesos_local::{Cluster, ClusterConfig, ClusterError, FrameworkCredentials, MasterPhase};
use mesos_proto::v1::{self, TaskState, scheduler::call, scheduler::event::Type};
use tokio::net::TcpStream;

use crate::client::{Connection, Scheduler, command, framework, within};

async fn cluster(masters: usize) -> Cluster {
    let mut config = ClusterConfig::with_agents(1);
    config.masters = masters;
    Cluster::start(config).await.unwrap()
}

/// A framework with a task that runs; with a `failover_timeout` of 0 its end is at hand.
async fn running(cluster: &Cluster, info: v1::FrameworkInfo) -> Scheduler {
    let subscribe = call::Subscribe { framework_info: info, ..Default::default() };
    let mut scheduler = Scheduler::subscribe(cluster, subscribe).await;
    let offer = scheduler.offer().await;
    scheduler.launch(&offer, command("t1", &offer, "sleep 1000")).await;
    while scheduler.update("t1").await.state() != TaskState::TaskRunning {}
    scheduler
}

async fn again(url: &str, scheduler: &Scheduler) -> Scheduler {
    let info = v1::FrameworkInfo { id: Some(scheduler.framework_id.clone()), ..framework() };
    Scheduler::subscribe_at(url, call::Subscribe { framework_info: info, ..Default::default() }).await
}

async fn expect_broken(scheduler: &mut Scheduler) {
    let broken = within("the break", async {
        loop {
            match scheduler.try_event().await {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    });
    assert!(broken.await, "a stream that is cut has no proper end");
}

#[tokio::test]
async fn a_master_that_starts_anew_gets_frameworks_and_tasks_back_from_agents() {
    let cluster = cluster(1).await;
    let mut scheduler = running(&cluster, framework()).await;
    cluster.set_master_phase(0, MasterPhase::Dead).await.unwrap();
    expect_broken(&mut scheduler).await;
    let address = cluster.master_url().replace("http://", "");
    assert!(TcpStream::connect(&address).await.is_err());
    for (phase, answer) in [
        (MasterPhase::Starting, "404 Not Found."),
        (MasterPhase::NoLeader, "No leader elected"),
        (MasterPhase::Recovering, "Master has not finished recovery"),
    ] {
        cluster.set_master_phase(0, phase.clone()).await.unwrap();
        let mut connection = Connection::open(&cluster.master_url()).await;
        let said = connection.post("/api/v1/scheduler", "").await;
        assert_eq!(said.text(), answer, "{phase:?}");
    }
    cluster.set_master_phase(0, MasterPhase::Leading).await.unwrap();
    let mut scheduler = again(&cluster.master_url(), &scheduler).await;
    let subscribed = scheduler.find(|event| event.subscribed).await;
    assert!(!scheduler.framework_id.value.starts_with(&subscribed.master_info.unwrap().id));
    scheduler.offer().await;
    scheduler.kill("t1", None).await;
    assert_eq!(scheduler.follow("t1").await.last().map(v1::TaskStatus::state), Some(TaskState::TaskKilled));
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_master_forgets_removed_frameworks_only_when_it_dies() {
    let cluster = cluster(1).await;
    for phase in [MasterPhase::Unreachable, MasterPhase::Dead] {
        let mut scheduler = running(&cluster, framework()).await;
        cluster.set_master_phase(0, phase.clone()).await.unwrap();
        expect_broken(&mut scheduler).await;
        cluster.set_master_phase(0, MasterPhase::Leading).await.unwrap();
        let mut scheduler = again(&cluster.master_url(), &scheduler).await;
        let first = scheduler.event().await.unwrap();
        match phase {
            // It was there to see the framework leave, whose failover_timeout is 0.
            MasterPhase::Unreachable => {
                assert_eq!(first.error.unwrap().message, "Framework has been removed");
            }
            _ => assert_eq!(first.r#type(), Type::Subscribed),
        }
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_election_moves_frameworks_and_tasks_to_another_master() {
    let cluster = cluster(3).await;
    let mut scheduler = running(&cluster, framework()).await;
    cluster.elect(2).await.unwrap();
    expect_broken(&mut scheduler).await;
    let leader = cluster.master_urls()[2].replace("http://", "//");
    for standby in &cluster.master_urls()[..2] {
        let mut connection = Connection::open(standby).await;
        let answer = connection.post("/api/v1/scheduler?a=b", "").await;
        assert_eq!(answer.status, 307);
        assert_eq!(answer.headers["Location"], format!("{leader}/master/api/v1/scheduler?a=b"));
    }
    let mut scheduler = again(&cluster.master_urls()[2], &scheduler).await;
    let subscribed = scheduler.find(|event| event.subscribed).await;
    assert_eq!(format!("//127.0.0.1:{}", subscribed.master_info.unwrap().port), leader);
    scheduler.kill("t1", None).await;
    assert_eq!(scheduler.follow("t1").await.last().map(v1::TaskStatus::state), Some(TaskState::TaskKilled));
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_election_without_the_agreement_of_the_leader_ends_it() {
    let cluster = cluster(2).await;
    let mut scheduler = running(&cluster, framework()).await;
    cluster.set_master_phase(1, MasterPhase::Leading).await.unwrap();
    expect_broken(&mut scheduler).await;
    let mut connection = Connection::open(&cluster.master_url()).await;
    assert_eq!(connection.post("/api/v1/scheduler", "").await.status, 307);
    cluster.set_master_phase(1, MasterPhase::Unreachable).await.unwrap();
    cluster.elect(0).await.unwrap();
    assert!(TcpStream::connect(cluster.master_urls()[1].replace("http://", "")).await.is_err());
    again(&cluster.master_url(), &scheduler).await.offer().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn agents_that_are_lost_while_nobody_leads_are_noticed_by_the_next_master() {
    let cluster = cluster(1).await;
    let lasting = v1::FrameworkInfo { failover_timeout: Some(60.0), ..framework() };
    let mut scheduler = running(&cluster, lasting).await;
    for phase in [MasterPhase::Unreachable, MasterPhase::Dead] {
        cluster.set_master_phase(0, phase.clone()).await.unwrap();
        cluster.lose_agent("agent1");
        cluster.set_master_phase(0, MasterPhase::Leading).await.unwrap();
        scheduler = again(&cluster.master_url(), &scheduler).await;
        cluster.return_agent("agent1");
        if phase == MasterPhase::Unreachable {
            let back = scheduler.update("t1").await;
            assert_eq!(back.message(), "Unreachable agent re-reregistered");
        }
        scheduler.offer().await;
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn credentials_can_be_replaced_while_streams_go_on() {
    let mut config = ClusterConfig::with_agents(1);
    config.framework_credentials = Some(FrameworkCredentials::new().header("token=1", "robot"));
    let cluster = Cluster::start(config).await.unwrap();
    let mut connection = Connection::open(&cluster.master_url()).await;
    let denied = connection.post("/api/v1/scheduler", "").await;
    assert_eq!((denied.status.as_u16(), denied.text().as_str()), (401, "401 Unauthorized."));
    cluster.set_framework_credentials(None);
    let mut scheduler = running(&cluster, framework()).await;
    cluster.set_framework_credentials(Some(FrameworkCredentials::new()));
    assert_eq!(connection.post("/api/v1/scheduler", "").await.status, 401);
    cluster.lose_agent("agent1");
    scheduler.find(|event| event.failure).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn connections_are_counted_and_end_with_the_master() {
    let cluster = cluster(2).await;
    assert_eq!(cluster.open_connections(), 0);
    let mut scheduler = running(&cluster, framework()).await;
    assert_eq!(cluster.open_connections(), 2);
    cluster.elect(1).await.unwrap();
    assert_eq!(cluster.open_connections(), 0);
    expect_broken(&mut scheduler).await;
    let again = again(&cluster.master_urls()[1], &scheduler).await;
    assert_eq!(cluster.open_connections(), 2);
    again.vanish();
    within("the end", cluster.wait_for_connections(0)).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn masters_that_are_not_there_are_errors() {
    let cluster = cluster(1).await;
    let error = cluster.elect(1).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no master number 1, the cluster has 1, counted from 0");
    assert!(cluster.set_master_phase(1, MasterPhase::Dead).await.is_err());
    let mut config = ClusterConfig::with_agents(1);
    config.masters = 0;
    let error = Cluster::start(config).await.unwrap_err();
    assert!(matches!(error, ClusterError::NoMaster { masters: 0, .. }), "{error}");
    cluster.shutdown().await;
}
