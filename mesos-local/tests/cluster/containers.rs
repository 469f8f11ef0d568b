//! Docker tasks, played by the action runtime.

use std::time::Duration;

use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::v1::{self, TaskState, container_info::docker_info};

use crate::{
    client::{Connection, command, subscribe},
    processes::{cluster, command_of, docker, first_port, group_members, leader, line, read, until},
};

#[tokio::test]
async fn a_port_outside_of_the_task_is_not_mapped() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let port = first_port(&offer);
    let task = action("t1", &offer, "openwhisk/action-python-v3.11", port, port + 1);
    scheduler.launch(&offer, task).await;
    let expected = format!(
        "TASK_FAILED SOURCE_AGENT REASON_CONTAINER_LAUNCH_FAILED Failed to launch container: Failed to create docker \
         run options: Port [{}] not included in resources",
        port + 1
    );
    assert_eq!(line(&scheduler.update("t1").await), expected);
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_action_container_runs_when_its_port_answers() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let port = first_port(&offer);
    let task = action("action", &offer, "openwhisk/action-python-v3.11:latest", port, port);
    scheduler.launch(&offer, task).await;
    let leader = leader(&scheduler.update_to("action", TaskState::TaskRunning).await);
    let mut connection = Connection::open(&format!("http://{}:{port}", offer.hostname)).await;
    let init = r#"{"value":{"name":"hi","main":"main","binary":false,"code":"def main(args):\n    print('log')\n    return {'got': args['x']}"}}"#;
    let answer = connection.post("/init", init).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = connection.post("/run", r#"{"value":{"x":7}}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let result: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(result, serde_json::json!({"got": 7}));
    scheduler.kill("action", Some(Duration::ZERO)).await;
    let ends: Vec<String> = scheduler.follow("action").await.iter().map(line).collect();
    assert_eq!(ends[1], "TASK_KILLED SOURCE_EXECUTOR  Container exited with status 137");
    assert!(read(&cluster, &scheduler, "action", "stdout").await.starts_with("log\n"));
    until("the end of the runtime", || group_members(leader).is_empty()).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_port_that_is_taken_fails_the_container() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let port = first_port(&offer);
    let _taken = std::net::TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    let task = action("action", &offer, "whisk/nodejs", port, port);
    scheduler.launch(&offer, task).await;
    let status = scheduler.update("action").await;
    let expected =
        format!("Failed to launch container: Failed to run the container: port {port} cannot be bound: ");
    assert!(status.message().starts_with(&expected), "{}", status.message());
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_end_before_the_port_answers_is_the_end() {
    let mut config = ClusterConfig::with_agents(1);
    config.action_runtime = Some(["/bin/sh", "-c", "exit 7"].map(Into::into).into());
    let cluster = Cluster::start(config).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let port = first_port(&offer);
    let task = action("action", &offer, "whisk/nodejs", port, port);
    scheduler.launch(&offer, task).await;
    let lines: Vec<String> = scheduler.follow("action").await.iter().map(line).collect();
    assert_eq!(
        lines,
        ["TASK_STARTING SOURCE_EXECUTOR  ", "TASK_FAILED SOURCE_EXECUTOR  Container exited with status 7",]
    );
    cluster.shutdown().await;
}

/// An action container as OpenWhisk asks for it: `granted` is the port of the task, `mapped` the one that
/// stands for 8080.
pub(crate) fn action(id: &str, offer: &v1::Offer, image: &str, granted: u32, mapped: u32) -> v1::TaskInfo {
    let mut task = command(id, offer, "");
    *command_of(&mut task) = v1::CommandInfo { shell: Some(false), ..Default::default() };
    task.container = Some(docker(image, docker_info::Network::Bridge, &[(mapped, 8080)]));
    task.resources.push(v1::Resource::ranges("ports", &v1::Ranges::single(granted.into(), granted.into())));
    task
}
