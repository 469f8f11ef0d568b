//! ZooKeeper freezes, dies, comes back.

use std::time::Duration;

use crate::{
    group::{GROUP, MASTER_6, MASTER_7, Told, add, add_captured, captured, remove},
    server::{Server, eventually},
};

/// Short, so that the test need not wait for long.
const SESSION: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_freeze_beyond_the_session_timeout_is_told_and_so_is_its_end() {
    let Some(server) = Server::start().await else { return };
    let admin = server.admin().await;
    add(&admin, GROUP, b"").await;
    add_captured(&admin, 6).await;
    let mut told = Told::by(&server.url(GROUP).with_session_timeout(SESSION));
    told.leads(MASTER_6).await;
    server.freeze();
    told.no_leader().await;
    server.thaw();
    told.leads_in_the_end(MASTER_6).await;
}

#[tokio::test]
async fn a_restart_within_the_session_timeout_is_not_told() {
    let Some(mut server) = Server::start().await else { return };
    let admin = server.admin().await;
    add(&admin, GROUP, b"").await;
    add_captured(&admin, 6).await;
    let mut told = Told::by(&server.url(GROUP).with_session_timeout(crate::server::LIMIT * 2));
    told.leads(MASTER_6).await;
    server.kill();
    server.restart().await;
    let admin = server.admin().await;
    add_captured(&admin, 7).await;
    remove(&admin, &captured(6).0).await;
    // What comes next is the next leader.
    told.leads(MASTER_7).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_until_it_is() {
    let Some(mut server) = Server::prepare() else { return };
    let url = server.url(GROUP).with_session_timeout(SESSION);
    let mut told = Told::by(&url);
    let nobody = format!("no ZooKeeper server answers at {}", server.address());
    assert_eq!(told.no_leader().await, nobody);
    server.restart().await;
    let admin = server.admin().await;
    add(&admin, GROUP, b"").await;
    add_captured(&admin, 6).await;
    told.leads_in_the_end(MASTER_6).await;
    server.kill();
    told.no_leader().await;
    server.restart().await;
    told.leads_in_the_end(MASTER_6).await;
}

#[tokio::test]
async fn the_first_of_several_servers_may_be_dead() {
    let Some(server) = Server::start().await else { return };
    let admin = server.admin().await;
    add(&admin, GROUP, b"").await;
    add_captured(&admin, 6).await;
    let Some(dead) = Server::prepare() else { return };
    let both = format!("zk://{},{}{GROUP}", dead.address(), server.address());
    Told::by(&both.parse().unwrap()).leads(MASTER_6).await;
}

#[tokio::test]
async fn a_detector_dropped_during_an_outage_leaves_nothing() {
    let Some(server) = Server::start().await else { return };
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let tasks_before = alive();
    let mut told = Told::by(&server.url(GROUP).with_session_timeout(SESSION));
    told.no_leader().await;
    server.freeze();
    drop(told);
    eventually("no task is left", async || alive() == tasks_before).await;
    server.thaw();
    eventually("nobody is connected", async || server.connections().await == 0).await;
}
