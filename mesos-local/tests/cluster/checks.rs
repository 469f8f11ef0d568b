//! Recorded scenarios of checks and health checks.

use mesos_local::Cluster;

use crate::replay::{Recording, Replay, config_with_own_ports};

#[tokio::test]
async fn a_task_whose_port_comes_and_goes_is_told_healthy_or_not() {
    let cluster = Cluster::start(config_with_own_ports()).await.unwrap();
    let recording = Recording::load("health-check-tcp");
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.own_ports = true;
    replay.rewrite = with_httpd;
    replay.acknowledge_all = true;
    // How often the check failed in a row depends on the machine.
    replay.collapse = true;
    replay.play(1..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn checks_of_every_kind_are_told_when_they_change() {
    let cluster = Cluster::start(config_with_own_ports()).await.unwrap();
    let recording = Recording::load("checks");
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.own_ports = true;
    replay.rewrite = with_httpd;
    replay.acknowledge_all = true;
    replay.play(1..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

/// The server of the recordings is not on every machine; the one of the tests takes its place.
fn with_httpd(call: &str) -> String {
    let server = concat!("/usr/bin/env python3 -S ", env!("CARGO_MANIFEST_DIR"), "/tests/data/httpd.py ");
    call.replace(" -h w", " w").replace("busybox httpd -f -p 127.0.0.1:", server)
}
