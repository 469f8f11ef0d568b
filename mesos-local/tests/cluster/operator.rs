//! The operator API of the master, and its small routes.

use mesos_local::{Cluster, ClusterConfig};
use serde_json::{Value, json};

use crate::client::{Connection, command, subscribe};

#[tokio::test]
async fn the_operator_api_shows_what_is_there() {
    let cluster = Cluster::start(ClusterConfig::with_agents(2)).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    scheduler.launch(&offer, command("t1", &offer, "sleep 1000")).await;
    scheduler.update("t1").await;
    scheduler.update("t1").await;
    let mut master = Connection::open(&cluster.master_url()).await;

    let tasks = get(&mut master, "GET_TASKS", "get_tasks").await;
    let task = &tasks["tasks"][0];
    assert_eq!(task["task_id"]["value"], "t1");
    assert_eq!(task["state"], "TASK_RUNNING");
    assert_eq!(task["status_update_state"], "TASK_RUNNING");
    assert_eq!(task["status_update_uuid"], task["statuses"][1]["uuid"]);
    assert_eq!(task["statuses"][0]["state"], "TASK_STARTING");
    assert_eq!(task["framework_id"]["value"], scheduler.framework_id.value);
    assert_eq!(task["resources"][0]["allocation_info"]["role"], "web");
    assert!(task.get("executor_id").is_none());

    let agents = get(&mut master, "GET_AGENTS", "get_agents").await;
    let agents = agents["agents"].as_array().unwrap();
    assert_eq!(agents.len(), 2);
    let port = agents[0]["agent_info"]["port"].as_u64().unwrap();
    assert_eq!(cluster.agents()[0].url, format!("http://127.0.0.1:{port}"));
    assert_eq!(agents[0]["pid"], format!("slave(1)@127.0.0.1:{port}"));
    assert_eq!(agents[0]["agent_info"]["id"]["value"], cluster.agents()[0].id);
    let rack = &agents[1]["agent_info"]["attributes"][1];
    assert_eq!(*rack, json!({"name": "rack", "type": "TEXT", "text": {"value": "r2"}}));
    assert_eq!(agents[0]["total_resources"][0]["role"], "*");
    assert_eq!(agents[0]["active"], true);

    let frameworks = get(&mut master, "GET_FRAMEWORKS", "get_frameworks").await;
    assert_eq!(frameworks["frameworks"][0]["framework_info"]["name"], "demo");
    assert_eq!(frameworks["frameworks"][0]["connected"], true);

    let info = &get(&mut master, "GET_MASTER", "get_master").await["master_info"];
    assert_eq!(info["version"], "1.12.0");
    assert_eq!(format!("http://127.0.0.1:{}", info["port"]), cluster.master_url());
    assert_eq!(get(&mut master, "GET_HEALTH", "get_health").await, json!({"healthy": true}));
    assert_eq!(get(&mut master, "GET_VERSION", "get_version").await["version_info"]["version"], "1.12.0");
    cluster.shutdown().await;
}

#[tokio::test]
async fn what_the_operator_api_cannot_is_said() {
    let cluster = Cluster::start(ClusterConfig::with_agents(0)).await.unwrap();
    let mut master = Connection::open(&cluster.master_url()).await;
    for (body, status, text) in [
        (r#"{"type":"GET_STATE"}"#, 501, "GET_STATE is not supported by this master"),
        (r#"{"type":"SUBSCRIBE"}"#, 501, "SUBSCRIBE is not supported by this master"),
        ("{}", 400, "Failed to validate master::Call: Expecting 'type' to be present"),
    ] {
        let answer = master.post("/master/api/v1", body).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (status, text));
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn the_master_is_healthy_and_leads() {
    let cluster = Cluster::start(ClusterConfig::with_agents(0)).await.unwrap();
    let mut master = Connection::open(&cluster.master_url()).await;
    let health = master.get("/health").await;
    assert_eq!((health.status.as_u16(), health.text().as_str()), (200, ""));
    for path in ["/redirect", "/master/redirect"] {
        let redirect = master.get(path).await;
        assert_eq!(redirect.status, 307);
        assert_eq!(redirect.headers["Location"], cluster.master_url().replace("http:", ""));
    }
    cluster.shutdown().await;
}

async fn get(master: &mut Connection, kind: &str, field: &str) -> Value {
    let answer = master.post("/api/v1", json!({"type": kind}).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["Content-Type"], "application/json");
    let json: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json["type"], kind);
    json[field].clone()
}
