//! Who leads, while ZooKeeper is well.

use mesos_scheduler_client::{Detected, HttpUrl, MasterDetector, Scheme};
use zookeeper_client::{Acls, Client, CreateMode};

use crate::{
    group::{GROUP, MASTER_6, MASTER_7, Told, add, add_captured, captured, open, remove},
    server::{Server, eventually, within},
};

#[tokio::test]
async fn the_captured_group_is_followed_until_nobody_is_left() {
    let Some(server) = Server::start().await else { return };
    let admin = server.admin().await;
    add(&admin, GROUP, b"").await;
    add(&admin, "/mesos/log_replicas", b"").await;
    add(&admin, "/mesos/log_replicas/0000000005", b"log-replica(1)@127.0.0.1:5050").await;
    for number in [7, 8, 6] {
        add_captured(&admin, number).await;
    }
    let mut told = Told::by(&server.url(GROUP));
    told.leads(MASTER_6).await;
    remove(&admin, &captured(6).0).await;
    told.leads(MASTER_7).await;
    // A master that does not lead comes and goes: that is no change.
    remove(&admin, &captured(8).0).await;
    add_captured(&admin, 8).await;
    remove(&admin, &captured(8).0).await;
    remove(&admin, &captured(7).0).await;
    let nobody = format!("zk://{}/mesos: the path has no master in it", server.address());
    assert_eq!(told.no_leader().await, nobody);
    add_captured(&admin, 7).await;
    told.leads(MASTER_7).await;
}

#[tokio::test]
async fn a_group_that_does_not_exist_yet_is_waited_for() {
    let Some(server) = Server::start().await else { return };
    let admin = server.admin().await;
    let mut told = Told::by(&server.url("/clusters/mesos"));
    let group = format!("zk://{}/clusters/mesos", server.address());
    assert_eq!(told.no_leader().await, format!("{group}: the path does not exist"));
    admin.mkdir("/clusters/mesos", &open()).await.unwrap();
    assert_eq!(told.no_leader().await, format!("{group}: the path has no master in it"));
    let old = b"master@10.0.0.1:5050";
    add(&admin, "/clusters/mesos/0000000003", old).await;
    told.leads("http://10.0.0.1:5050").await;
    remove(&admin, "/clusters/mesos/0000000003").await;
    assert_eq!(told.no_leader().await, format!("{group}: the path has no master in it"));
    remove(&admin, "/clusters/mesos").await;
    assert_eq!(told.no_leader().await, format!("{group}: the path does not exist"));
}

#[tokio::test]
async fn the_root_may_be_the_group_and_masters_may_be_behind_tls() {
    let Some(server) = Server::start().await else { return };
    let admin = server.admin().await;
    add(&admin, "/json.info_0000000007", &captured(7).1).await;
    let mut detector = MasterDetector::start(&server.url(""), Scheme::Https);
    let found = within("a leader", detector.next()).await;
    let master = "http://master2.example:5055".parse::<HttpUrl>().unwrap();
    let leader = Detected::Leader(master.with_scheme(Scheme::Https));
    assert_eq!(found, Some(leader));
}

#[tokio::test]
async fn a_leader_without_an_address_is_shown_until_another_leads() {
    let Some(server) = Server::start().await else { return };
    let admin = server.admin().await;
    add(&admin, GROUP, b"").await;
    add(&admin, "/mesos/json.info_0000000001", b"{}").await;
    add_captured(&admin, 6).await;
    let mut told = Told::by(&server.url(GROUP));
    assert_eq!(
        told.no_leader().await,
        format!(
            "zk://{}/mesos: the znode 'json.info_0000000001' holds '{{}}': it tells no address, \
             expected 'address', 'ip' and 'port', or 'pid'",
            server.address()
        )
    );
    remove(&admin, "/mesos/json.info_0000000001").await;
    told.leads(MASTER_6).await;
}

/// Leaders that come and go faster than they can be read: the last one is told in the end.
#[tokio::test]
async fn no_change_is_lost_in_a_storm() {
    let Some(server) = Server::start().await else { return };
    let admin = server.admin().await;
    add(&admin, GROUP, b"").await;
    let mut told = Told::by(&server.url(GROUP));
    told.no_leader().await;
    let name = |n: u32| format!("/mesos/json.info_{n:010}");
    let storm = async {
        for n in 1..=200 {
            let json = format!(r#"{{"address":{{"ip":"10.0.0.1","port":{n}}}}}"#);
            add(&admin, &name(n), json.as_bytes()).await;
            if n > 1 {
                remove(&admin, &name(n - 1)).await;
            }
        }
    };
    let last = async {
        let end = Detected::Leader("http://10.0.0.1:200".parse().unwrap());
        while told.next().await != end {}
    };
    tokio::join!(storm, last);
}

#[tokio::test]
async fn a_group_with_an_owner_is_read_with_credentials_and_refused_without() {
    let Some(server) = Server::start().await else { return };
    let owner = Client::connector().with_auth("digest", b"whisk:secret");
    let owner = owner.connect(&server.address()).await.unwrap();
    let owned = CreateMode::Persistent.with_acls(Acls::creator_all());
    owner.create(GROUP, b"", &owned).await.unwrap();
    let (path, data) = captured(6);
    owner.create(&path, &data, &owned).await.unwrap();

    Told::by(&server.url_as("whisk:secret@", GROUP)).leads(MASTER_6).await;
    for (credentials, who) in [
        ("whisk:secre@", "user 'whisk'"),
        ("other:secret@", "user 'other'"),
        ("", "a client without credentials"),
    ] {
        let why = Told::by(&server.url_as(credentials, GROUP)).fails().await;
        assert_eq!(why, format!("ZooKeeper refuses {who} at the path '/mesos': not authorized"));
    }
}

#[tokio::test]
async fn the_session_ends_with_the_detector() {
    let Some(server) = Server::start().await else { return };
    let admin = server.admin().await;
    add(&admin, GROUP, b"").await;
    assert_eq!(server.connections().await, 1);
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let tasks_before = alive();
    let mut detectors: Vec<Told> = (0..5).map(|_| Told::by(&server.url(GROUP))).collect();
    for told in &mut detectors {
        told.no_leader().await;
    }
    assert_eq!(server.connections().await, 6);
    drop(detectors);
    eventually("only the admin is connected", async || server.connections().await == 1).await;
    eventually("no task is left", async || alive() == tasks_before).await;
}
