//! Docker tasks, played by the action runtime.

use std::time::Duration;

use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::v1::{self, TaskState, container_info::docker_info};

use crate::{
    client::{Connection, command, subscribe},
    processes::{cluster, command_of, docker, first_port, group_members, leader, line, read, until},
    replay::{Recording, Replay, config_with_own_ports},
};

#[tokio::test]
async fn options_that_make_no_sense_fail_the_task_when_its_executor_lives() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let image = "openwhisk/action-python-v3.11";
    type Change = fn(&mut v1::TaskInfo, u32);
    let cases: [(Change, &str); 6] = [
        (
            |task, port| docker_of(task).port_mappings[0].host_port = port + 1,
            "Port [NEXT] not included in resources",
        ),
        (|task, _| drop(task.resources.pop()), "Port mappings require port resources"),
        (
            |task, _| docker_of(task).network = Some(docker_info::Network::Host.into()),
            "Port mappings are only supported for bridge and user-defined networks",
        ),
        (
            |task, _| docker_of(task).network = Some(docker_info::Network::User.into()),
            "No network info found in container info",
        ),
        (
            |task, _| {
                docker_of(task).network = Some(docker_info::Network::User.into());
                task.container.as_mut().unwrap().network_infos.push(v1::NetworkInfo::default());
            },
            "No network name found in network info",
        ),
        (
            |task, _| *command_of(task) = v1::CommandInfo::default(),
            "Shell specified but no command value provided",
        ),
    ];
    for (number, (change, text)) in cases.into_iter().enumerate() {
        let offer = scheduler.offer().await;
        let port = first_port(&offer);
        let id = format!("t{number}");
        let mut task = action(&id, &offer, image, port, port);
        change(&mut task, port);
        scheduler.launch(&offer, task).await;
        let lines: Vec<String> = scheduler.follow(&id).await.iter().map(line).collect();
        let text = text.replace("NEXT", &(port + 1).to_string());
        let end = format!("TASK_FAILED SOURCE_EXECUTOR  Failed to create docker run options: {text}");
        assert_eq!(lines, ["TASK_STARTING SOURCE_EXECUTOR  ", end.as_str()]);
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn the_docker_executor_dies_of_a_check() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let port = first_port(&offer);
    let mut task = action("t1", &offer, "whisk/nodejs", port, port);
    task.check = Some(v1::CheckInfo {
        r#type: Some(v1::check_info::Type::Tcp.into()),
        tcp: Some(v1::check_info::Tcp { port: 8080 }),
        ..Default::default()
    });
    scheduler.launch(&offer, task).await;
    assert_eq!(
        line(&scheduler.update("t1").await),
        "TASK_FAILED SOURCE_AGENT REASON_EXECUTOR_TERMINATED Executor terminated"
    );
    cluster.shutdown().await;
}

fn docker_of(task: &mut v1::TaskInfo) -> &mut v1::container_info::DockerInfo {
    task.container.as_mut().unwrap().docker.as_mut().unwrap()
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
    let lines: Vec<String> = scheduler.follow("action").await.iter().map(line).collect();
    assert_eq!(
        lines,
        ["TASK_STARTING SOURCE_EXECUTOR  ", "TASK_FAILED SOURCE_EXECUTOR  Container exited with status 125"]
    );
    let text = read(&cluster, &scheduler, "action", "stderr").await;
    assert!(text.starts_with(&format!("port {port} cannot be bound to stand for port 8080")), "{text}");
    cluster.shutdown().await;
}

#[tokio::test]
async fn recorded_containers_bring_the_same_events() {
    // The image is played by a program of the test, and by the web server that the runtime brings along.
    let mut with_runtime = config_with_own_ports();
    with_runtime.action_runtime = Some(vec![env!("CARGO_BIN_EXE_action-runtime").into()]);
    tokio::join!(
        replay("docker-bridge", config_with_httpd()),
        replay("docker-bridge", with_runtime.clone()),
        replay("docker-health-http", with_runtime),
    );
}

async fn replay(name: &str, config: ClusterConfig) {
    let cluster = Cluster::start(config).await.unwrap();
    let recording = Recording::load(name);
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.acknowledge_all = true;
    replay.own_ports = true;
    replay.play(1..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_running_container_tells_its_address_and_what_docker_would_say_of_it() {
    let cluster = Cluster::start(config_with_httpd()).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let port = first_port(&offer);
    let mut task = action("web", &offer, "demo/httpd:1", port, port);
    let variable = v1::environment::Variable {
        name: "GREETING".into(),
        value: Some("hello".into()),
        ..Default::default()
    };
    command_of(&mut task).environment = Some(v1::Environment { variables: vec![variable] });
    scheduler.launch(&offer, task).await;
    let status = scheduler.update_to("web", TaskState::TaskRunning).await;
    let container = status.container_status.clone().unwrap();
    let address = container.network_infos[0].ip_addresses[0].ip_address().to_owned();
    let inspected: serde_json::Value = serde_json::from_slice(status.data()).unwrap();
    let inspected = &inspected[0];
    assert_eq!(inspected["Name"], format!("/mesos-{}", container.container_id.unwrap().value));
    assert_eq!(inspected["State"]["Running"], true);
    assert_eq!(inspected["Config"]["Image"], "demo/httpd:1");
    assert!(inspected["Config"]["Env"].as_array().unwrap().contains(&"GREETING=hello".into()));
    assert_eq!(inspected["NetworkSettings"]["IPAddress"], address);
    assert_eq!(inspected["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"], port.to_string());
    assert_eq!(inspected["HostConfig"]["Memory"], 32 * 1024 * 1024);
    assert_eq!(inspected["HostConfig"]["CpuShares"], 102);
    // The container's own port, and the one that stands for it.
    for url in [format!("http://{address}:8080"), format!("http://127.0.0.1:{port}")] {
        let answer = Connection::open(&url).await.get("/httpd.py").await;
        assert_eq!(answer.status, 200, "{url}");
    }
    scheduler.kill("web", Some(Duration::ZERO)).await;
    scheduler.follow("web").await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_container_without_a_handler_lives_to_the_end_of_the_grace_period() {
    let cluster = Cluster::start(config_with_httpd()).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    for (id, text, grace, end) in [
        ("stubborn", "exec sleep 1017", Duration::from_millis(1), 137),
        ("obliging", "trap 'exit 7' TERM; while :; do sleep 0.01; done", Duration::from_secs(100), 7),
    ] {
        let offer = scheduler.offer().await;
        let port = first_port(&offer);
        let mut task = action(id, &offer, "demo/httpd:1", port, port);
        *command_of(&mut task) = v1::CommandInfo { value: Some(text.into()), ..Default::default() };
        scheduler.launch(&offer, task).await;
        scheduler.update_to(id, TaskState::TaskRunning).await;
        scheduler.kill(id, Some(grace)).await;
        let ends: Vec<String> = scheduler.follow(id).await.iter().map(line).collect();
        assert_eq!(ends[1], format!("TASK_KILLED SOURCE_EXECUTOR  Container exited with status {end}"));
    }
    cluster.shutdown().await;
}

/// An agent as that of the recordings, on which a small server plays their image.
fn config_with_httpd() -> ClusterConfig {
    let mut config = config_with_own_ports();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let server = format!("{data}/httpd.py");
    let words = ["/usr/bin/env", "python3", "-S", server.as_str(), "{8080}", data];
    config.images.insert("demo/httpd:1".into(), words.map(Into::into).into());
    config
}

#[tokio::test]
async fn an_option_that_docker_does_not_know_ends_the_container() {
    let cluster = Cluster::start(config_with_httpd()).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let port = first_port(&offer);
    let mut task = action("web", &offer, "demo/httpd:1", port, port);
    let parameter = v1::Parameter { key: "no-such-option".into(), value: "1".into() };
    docker_of(&mut task).parameters.push(parameter);
    scheduler.launch(&offer, task).await;
    let lines: Vec<String> = scheduler.follow("web").await.iter().map(line).collect();
    assert_eq!(
        lines,
        ["TASK_STARTING SOURCE_EXECUTOR  ", "TASK_FAILED SOURCE_EXECUTOR  Container exited with status 125"]
    );
    assert_eq!(read(&cluster, &scheduler, "web", "stderr").await, "unknown flag: --no-such-option\n");
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
        [
            "TASK_STARTING SOURCE_EXECUTOR  ",
            // The Docker executor looks late, and does not read what `docker inspect` says.
            "TASK_RUNNING SOURCE_EXECUTOR  ",
            "TASK_FAILED SOURCE_EXECUTOR  Container exited with status 7",
        ]
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
