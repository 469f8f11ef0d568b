//! The examples as programs: what they print, and their exit codes.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic, and has no users")]

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use mesos_local::{Cluster, ClusterConfig, FrameworkCredentials};
use mesos_scheduler_client::{Masters, operator::MasterApi};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
    task::JoinSet,
    time::timeout,
};

/// An example takes a small part of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

async fn cluster() -> Cluster {
    let mut config = ClusterConfig::with_agents(2);
    config.allocation_interval = Duration::from_millis(20);
    Cluster::start(config).await.unwrap()
}

fn example(name: &str, arguments: &[&str]) -> Command {
    // Tests are in `deps`, examples beside it. Cargo builds them along unless it is told which tests to build.
    let tests = std::env::current_exe().unwrap();
    let built: PathBuf = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    let built = built.with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        built.is_file(),
        "'{}' is missing; build it: cargo build -p mesos-scheduler-client --examples",
        built.display()
    );
    let mut command = Command::new(built);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs it to its end: the exit code, stdout, stderr.
async fn run(mut command: Command) -> (i32, String, String) {
    let output = timeout(PATIENCE, command.output()).await.expect("an example ends").unwrap();
    texts(&output)
}

fn texts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().expect("no signal ended it");
    (code, text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn watch_offers_prints_resources_and_attributes() {
    let cluster = cluster().await;
    let url = cluster.master_url();
    let (code, stdout, stderr) = run(example("watch_offers", &["--count", "4", &url])).await;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout.lines().count(), 4, "{stdout}");
    for line in stdout.lines() {
        assert!(line.contains("cpus:4;mem:4096") && line.contains(" host:agent"), "{line}");
    }
    assert!(stderr.starts_with(&format!("{url}: subscribed as ")), "{stderr}");
    cluster.shutdown().await;
}

#[cfg(unix)]
#[tokio::test]
async fn watch_offers_tries_again_until_it_is_interrupted() {
    let mut watching = example("watch_offers", &[NOBODY]).spawn().unwrap();
    let mut lines = BufReader::new(watching.stderr.take().unwrap()).lines();
    for _ in 0..2 {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        assert!(line.starts_with("http://127.0.0.1:1: connection refused; trying again in "), "{line}");
    }
    interrupt(&watching).await;
    let status = timeout(PATIENCE, watching.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn watch_offers_ends_its_framework_when_it_is_interrupted() {
    let cluster = cluster().await;
    let mut watching = example("watch_offers", &[&cluster.master_url()]).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert!(line.contains("host:agent"), "{line}");
    interrupt(&watching).await;
    let status = timeout(PATIENCE, watching.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(cluster.transcript().to_string().contains("TEARDOWN"), "{}", cluster.transcript());
    cluster.shutdown().await;
}

async fn interrupt(child: &Child) {
    let id = child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
}

#[tokio::test]
async fn run_command_succeeds_with_the_task() {
    let cluster = cluster().await;
    let masters = format!("{},{NOBODY}", cluster.master_url());
    let (code, stdout, stderr) = run(example("run_command", &[&masters, "echo hello; echo oh >&2"])).await;
    assert_eq!((code, stdout.as_str()), (0, "hello\n"), "{stderr}");
    let told = "launching on 127.0.0.1\nTASK_STARTING\nTASK_RUNNING\nTASK_FINISHED\noh\n";
    assert!(stderr.ends_with(told), "{stderr}");
    cluster.shutdown().await;
}

/// An agent gives 64 KiB of a file at once.
#[tokio::test]
async fn run_command_prints_all_of_a_long_output() {
    let cluster = cluster().await;
    let command = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done";
    let (code, stdout, stderr) = run(example("run_command", &[&cluster.master_url(), command])).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.lines().eq((0..20_000).map(|number| number.to_string())), "{} bytes", stdout.len());
    cluster.shutdown().await;
}

#[cfg(unix)]
#[tokio::test]
async fn run_command_leaves_no_task_when_it_is_interrupted() {
    let cluster = cluster().await;
    let mut running = example("run_command", &[&cluster.master_url(), "sleep 1000"]).spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let mut next = async || timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
    while next().await.expect("the task runs before the example ends") != "TASK_RUNNING" {}
    interrupt(&running).await;
    assert_eq!(next().await.as_deref(), Some("run_command: interrupted"));
    let status = timeout(PATIENCE, running.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(1));
    let master = MasterApi::new(Masters::parse(&cluster.master_url()).unwrap());
    assert_eq!(master.get_tasks().await.unwrap().tasks, []);
    assert!(cluster.transcript().to_string().contains("TEARDOWN"), "{}", cluster.transcript());
    cluster.shutdown().await;
}

#[tokio::test]
async fn run_command_fails_with_the_task() {
    let cluster = cluster().await;
    let (code, stdout, stderr) = run(example("run_command", &[&cluster.master_url(), "exit 3"])).await;
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    let told = "TASK_RUNNING\nTASK_FAILED\nrun_command: TASK_FAILED: Command exited with status 3\n";
    assert!(stderr.ends_with(told), "{stderr}");
    cluster.shutdown().await;
}

#[tokio::test]
async fn run_command_tries_each_master_once() {
    let (code, stdout, stderr) = run(example("run_command", &["127.0.0.1:1,127.0.0.1:2", "true"])).await;
    let told = "run_command: no master answers: http://127.0.0.1:1: connection refused; \
                http://127.0.0.1:2: connection refused\n";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (1, "", told));
}

/// The lines of a fleet that keeps three copies.
fn fleet(cluster: &Cluster, store: &std::path::Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let url = cluster.master_url();
    let arguments = [url.as_str(), "3", "sleep 1000", store.to_str().unwrap()];
    let mut child = example("fleet", &arguments).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn running(lines: &mut Lines<BufReader<ChildStdout>>, copies: usize) -> Vec<String> {
    let mut running = Vec::new();
    while running.len() < copies {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("the fleet goes on");
        running.extend(line.split_once(" runs on ").map(|(id, _)| id.to_owned()));
    }
    running
}

#[cfg(unix)]
#[tokio::test]
async fn fleet_replaces_what_a_lost_agent_had_and_outlives_its_own_death() {
    let cluster = cluster().await;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("id");
    let (mut first, mut lines) = fleet(&cluster, &store);
    let ids = running(&mut lines, 3).await;
    assert_eq!(ids.len(), 3);

    // Packed, all of them are on one agent; which one does not matter.
    let master = MasterApi::new(Masters::parse(&cluster.master_url()).unwrap());
    let tasks = master.get_tasks().await.unwrap().tasks;
    let lost =
        cluster.agents().iter().find(|agent| agent.id == tasks[0].agent_id.value).unwrap().name.clone();
    let there = tasks.iter().filter(|task| task.agent_id == tasks[0].agent_id).count();
    assert!(cluster.lose_agent(&lost));
    assert_eq!(running(&mut lines, there).await.len(), there);

    first.kill().await.unwrap();
    let (mut second, mut lines) = fleet(&cluster, &store);
    let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert_eq!(line, "took over 3 tasks");
    assert!(cluster.return_agent(&lost));
    interrupt(&second).await;
    let status = timeout(PATIENCE, second.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(master.get_tasks().await.unwrap().tasks, []);
    cluster.shutdown().await;
}

#[tokio::test]
async fn wrong_arguments_are_told_with_the_usage() {
    for (name, arguments, problem) in [
        ("watch_offers", vec![], "expected MASTERS, and --count N before it if at all, seen: []"),
        ("watch_offers", vec!["--count", "0", "a:1"], "'0' is no count, expected a number from 1"),
        ("watch_offers", vec!["--cuont", "1", "a:1"], "unknown option '--cuont', expected --count N"),
        ("watch_offers", vec!["htp://a:1"], "invalid URL 'htp://a:1': unknown scheme 'htp'"),
        ("run_command", vec!["a:1"], r#"expected MASTERS and COMMAND, seen: ["a:1"]"#),
        ("run_command", vec!["a", "true"], "invalid URL 'a': it has no port"),
        ("fleet", vec!["a:1"], r#"expected MASTERS, COPIES, COMMAND and STORE, seen: ["a:1"]"#),
        ("fleet", vec!["a:1", "many", "true", "id"], "COPIES is 'many', expected a number"),
        ("dcos_auth", vec!["a:1"], r#"expected LOGIN_URL and MASTERS, seen: ["a:1"]"#),
        ("dcos_auth", vec!["a:1", "b:1"], "DCOS_UID: environment variable not found"),
    ] {
        let mut command = example(name, &arguments);
        command.env_remove("DCOS_UID").env_remove("DCOS_PASSWORD");
        let (code, stdout, stderr) = run(command).await;
        assert_eq!((code, stdout.as_str()), (2, ""), "{name} {arguments:?}: {stderr}");
        let told = stderr.strip_prefix(&format!("{name}: ")).is_some_and(|told| told.starts_with(problem));
        assert!(told && stderr.contains("\n\nusage: "), "{name} {arguments:?}: {stderr}");
    }
}

#[tokio::test]
async fn help_is_the_usage() {
    for name in ["watch_offers", "run_command", "dcos_auth", "fleet"] {
        for option in ["--help", "-h"] {
            let (code, stdout, stderr) = run(example(name, &[option])).await;
            assert_eq!((code, stderr.as_str()), (0, ""), "{name} {option}");
            assert!(stdout.starts_with("usage: ") && stdout.contains(name), "{stdout}");
        }
    }
}

#[cfg(not(feature = "zookeeper"))]
#[tokio::test]
async fn without_the_feature_zookeeper_the_usage_names_it() {
    for (name, arguments) in
        [("watch_offers", &["zk://a/mesos"] as &[_]), ("run_command", &["zk://a/mesos", "true"])]
    {
        let (code, stdout, stderr) = run(example(name, arguments)).await;
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains("built without the feature 'zookeeper'"), "{stderr}");
        assert!(stderr.contains("cargo run --features zookeeper"), "{stderr}");
    }
}

/// Answers logins, one after the other, with these statuses and bodies, the last one again and again.
async fn login(answers: &'static [(&'static str, &'static str)]) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/acs/api/v1/auth/login", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut left = answers.iter();
        let mut answer = left.next().unwrap();
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            // The body is the one JSON object of the request.
            while !request.ends_with(b"}") {
                assert_ne!(tcp.read_buf(&mut request).await.unwrap(), 0, "a request comes");
            }
            let request = String::from_utf8(request).unwrap();
            assert!(request.starts_with("POST /acs/api/v1/auth/login HTTP/1.1\r\n"), "{request}");
            let body = request.split_once("\r\n\r\n").unwrap().1;
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            let right = body == serde_json::json!({"uid": "robot", "password": "s3cret"});
            let (status, body) = if right { *answer } else { ("401 Unauthorized", "{}") };
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
            tcp.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            answer = left.next().unwrap_or(answer);
        }
    });
    (url, server)
}

fn dcos_auth(login: &str, masters: &str, password: &str) -> Command {
    let mut command = example("dcos_auth", &[login, masters]);
    command.env("DCOS_UID", "robot").env("DCOS_PASSWORD", password);
    command
}

/// A cluster that knows one token.
async fn secured() -> Cluster {
    let cluster = cluster().await;
    let accepted = FrameworkCredentials::new().header("token=good", "robot");
    cluster.set_framework_credentials(Some(accepted));
    cluster
}

#[tokio::test]
async fn dcos_auth_logs_in_and_again_when_its_token_is_refused() {
    let cluster = secured().await;
    for answers in [
        &[("200 OK", r#"{"token":"good"}"#)] as &[_],
        &[("200 OK", r#"{"token":"old"}"#), ("200 OK", r#"{"token":"good"}"#)],
        &[("503 Service Unavailable", ""), ("200 OK", r#"{"token":"good"}"#)],
    ] {
        let (url, _server) = login(answers).await;
        let (code, stdout, stderr) = run(dcos_auth(&url, &cluster.master_url(), "s3cret")).await;
        let subscribed = format!("{}: subscribed as ", cluster.master_url());
        assert!(code == 0 && stdout.starts_with(&subscribed), "{answers:?}: {code}\n{stdout}\n{stderr}");
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn dcos_auth_ends_when_nobody_lets_it_in() {
    let cluster = secured().await;
    for (answers, password, expected) in [
        (&[("200 OK", r#"{"token":"old"}"#)] as &[_], "s3cret", "401"),
        (&[("200 OK", r#"{"token":"good"}"#)], "wr0ng", "401 Unauthorized for 'robot'"),
        (&[("200 OK", "<html>")], "s3cret", "expected a JSON object with 'token'"),
    ] {
        let (url, _server) = login(answers).await;
        let (code, stdout, stderr) = run(dcos_auth(&url, &cluster.master_url(), password)).await;
        assert_eq!((code, stdout.as_str()), (1, ""), "{answers:?}: {stderr}");
        let told = stderr.lines().last().unwrap_or_default();
        assert!(told.starts_with("dcos_auth: ") && told.contains(expected), "{answers:?}: {stderr}");
        assert!(!stderr.contains(password), "{stderr}");
    }
    cluster.shutdown().await;
}
