//! The operator API of an agent, held to the shape of recorded answers.

use std::{collections::BTreeSet, path::Path, time::Duration};

use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::{json, v1};
use serde_json::{Value, json};

use crate::{
    client::{Connection, command, subscribe},
    processes::{command_of, first_port},
};

#[tokio::test]
async fn tasks_and_containers_of_an_agent_look_as_recorded() {
    let mut config = ClusterConfig::with_agents(1);
    config.allocation_interval = Duration::from_millis(50);
    let cluster = Cluster::start(config).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let recorded = recorded("agent-get-tasks")["get_tasks"]["launched_tasks"][0].clone();
    let offer = scheduler.offer().await;
    let port = first_port(&offer);
    let mut task = command("web-1", &offer, "echo first line; sleep 1024");
    task.resources.push(v1::Resource::ranges("ports", &v1::Ranges::single(port.into(), port.into())));
    task.labels = Some(json::from_slice(recorded["labels"].to_string().as_bytes()).unwrap());
    task.discovery = Some(json::from_slice(recorded["discovery"].to_string().as_bytes()).unwrap());
    let check = v1::CommandInfo { value: Some("true".into()), ..Default::default() };
    task.health_check = Some(v1::HealthCheck {
        r#type: Some(v1::health_check::Type::Command.into()),
        command: Some(check),
        delay_seconds: Some(0.0),
        ..Default::default()
    });
    scheduler.launch(&offer, task).await;
    while scheduler.update("web-1").await.healthy.is_none() {}
    let mut agent = Connection::open(&cluster.agents()[0].url).await;

    let tasks = get(&mut agent, "GET_TASKS", "get_tasks").await;
    let task = &tasks["launched_tasks"][0];
    let mut wanted = shape(&recorded);
    // Real agents print defaults, too.
    for default in [
        "command.shell",
        "consecutive_failures",
        "grace_period_seconds",
        "interval_seconds",
        "timeout_seconds",
    ] {
        assert!(wanted.remove(&format!(".health_check.{default}")));
    }
    assert_eq!(shape(task), wanted);
    assert_eq!(task["state"], "TASK_RUNNING");
    assert_eq!(task["framework_id"]["value"], scheduler.framework_id.value);
    assert_eq!(task["status_update_uuid"], task["statuses"][1]["uuid"]);

    let containers = get(&mut agent, "GET_CONTAINERS", "get_containers").await;
    let container = &containers["containers"][0];
    let recorded = self::recorded("agent-get-containers")["get_containers"]["containers"][0].clone();
    let (own, mut wanted) = (shape(container), shape(&recorded));
    // Nothing is measured here.
    wanted.retain(|path| !path.starts_with(".resource_statistics"));
    assert_eq!(own, wanted);
    assert_eq!(container["executor_name"], recorded["executor_name"]);
    assert_eq!(container["container_id"], task["statuses"][0]["container_status"]["container_id"]);

    scheduler.kill("web-1", Some(Duration::ZERO)).await;
    scheduler.follow("web-1").await;
    let tasks = get(&mut agent, "GET_TASKS", "get_tasks").await;
    assert_eq!(tasks["launched_tasks"].as_array().map_or(0, Vec::len), 0);
    assert_eq!(tasks["completed_tasks"][0]["state"], "TASK_KILLED");
    let containers = get(&mut agent, "GET_CONTAINERS", "get_containers").await;
    assert_eq!(containers["containers"].as_array().map_or(0, Vec::len), 0);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_task_whose_executor_has_not_subscribed_is_queued() {
    let mut config = ClusterConfig::with_agents(1);
    config.allocation_interval = Duration::from_millis(50);
    let cluster = Cluster::start(config).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let mut task = command("t1", &offer, "exec sleep 1025");
    let command = Some(command_of(&mut task).clone());
    task.command = None;
    let executor_id = v1::ExecutorId::new("worker");
    task.executor = Some(v1::ExecutorInfo { executor_id, command, ..Default::default() });
    scheduler.launch(&offer, task).await;
    // What is left comes when the task is there.
    scheduler.offer().await;
    let mut agent = Connection::open(&cluster.agents()[0].url).await;
    let tasks = loop {
        let tasks = get(&mut agent, "GET_TASKS", "get_tasks").await;
        if tasks["queued_tasks"].is_array() {
            break tasks;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(tasks["queued_tasks"][0]["executor_id"]["value"], "worker");
    cluster.shutdown().await;
}

async fn get(agent: &mut Connection, kind: &str, field: &str) -> Value {
    let answer = agent.post("/api/v1", json!({ "type": kind }).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    answer[field].clone()
}

fn recorded(name: &str) -> Value {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/operator");
    let body = std::fs::read(directory.join(format!("{name}.json.body"))).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// The paths to all values that are there.
fn shape(value: &Value) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    collect(value, String::new(), &mut paths);
    paths
}

fn collect(value: &Value, path: String, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(value, format!("{path}.{name}"), paths);
            }
        }
        Value::Array(values) => {
            for value in values {
                collect(value, format!("{path}[]"), paths);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            paths.insert(path);
        }
    }
}
