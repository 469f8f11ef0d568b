//! Recorded scenarios of checks and health checks.

use std::io::Write as _;

use mesos_local::Cluster;
use mesos_proto::v1;

use crate::{
    client::{command, subscribe},
    processes::first_port,
    replay::{Recording, Replay, config_with_own_ports},
};

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

#[tokio::test]
async fn a_server_with_any_certificate_is_healthy() {
    let cluster = Cluster::start(config_with_own_ports()).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let port = first_port(&offer);
    let own = rcgen::generate_simple_self_signed(["elsewhere.example".to_owned()]).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "{}{}", own.signing_key.serialize_pem(), own.cert.pem()).unwrap();
    let text = format!("echo page > index.html; {SERVER}{port} . {}", file.path().display());
    let mut task = command("web", &offer, &text);
    task.resources.push(v1::Resource::ranges("ports", &v1::Ranges::single(port.into(), port.into())));
    let http = v1::health_check::HttpCheckInfo {
        port,
        scheme: Some("https".into()),
        path: Some("/index.html".into()),
        ..Default::default()
    };
    task.health_check = Some(v1::HealthCheck {
        r#type: Some(v1::health_check::Type::Http.into()),
        http: Some(http),
        delay_seconds: Some(0.0),
        interval_seconds: Some(0.1),
        grace_period_seconds: Some(60.0),
        ..Default::default()
    });
    scheduler.launch(&offer, task).await;
    let healthy = loop {
        if let Some(healthy) = scheduler.update("web").await.healthy {
            break healthy;
        }
    };
    assert!(healthy);
    cluster.shutdown().await;
}

/// The server of the recordings is not on every machine; the one of the tests takes its place.
fn with_httpd(call: &str) -> String {
    call.replace(" -h w", " w").replace("busybox httpd -f -p 127.0.0.1:", SERVER)
}

const SERVER: &str = concat!("/usr/bin/env python3 -S ", env!("CARGO_MANIFEST_DIR"), "/tests/data/httpd.py ");
