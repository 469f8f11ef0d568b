//! The factory as a library, on the embedded Mesos.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::time::Duration;

use mesos_local::{Cluster, ClusterConfig, FrameworkCredentials};
use serde_json::{Value, json};
use whisk_mesos_factory::{
    Activation, ActivationStatus, ConfigSources, Container, ContainerFactory, ContainerRequest, CreateError,
    FactoryConfig, Initializer,
};

const MINUTE: Duration = Duration::from_secs(60);
const NO_LIMIT: u64 = 10 * 1024 * 1024;
const PYTHON: &str = "openwhisk/action-python-v3.11";

async fn start(configure: impl FnOnce(&mut FactoryConfig)) -> (Cluster, ContainerFactory) {
    let mut cluster = ClusterConfig::with_agents(3);
    cluster.action_runtime = Some(vec![env!("CARGO_BIN_EXE_whisk-mesos").into(), "action-runtime".into()]);
    let cluster = Cluster::start(cluster).await.unwrap();
    let mut config = FactoryConfig::default();
    config.master_url = cluster.master_url();
    configure(&mut config);
    (cluster, ContainerFactory::start(config).unwrap())
}

async fn stop(cluster: Cluster, factory: ContainerFactory) {
    factory.cleanup().await.unwrap();
    cluster.shutdown().await;
}

fn request(image: &str) -> ContainerRequest {
    ContainerRequest::new("wsk0_1_guest_test", image, 256, 256)
}

/// A container with this Python code in it.
async fn container(factory: &ContainerFactory, code: &str) -> Container {
    let container = factory.create(request(PYTHON)).await.unwrap();
    container.initialize(&Initializer::source("test", code), MINUTE).await.unwrap();
    container
}

async fn run(container: &Container, parameters: Value) -> Value {
    container.run(parameters, &Activation::default(), MINUTE).await.result
}

async fn logs(container: &Container) -> Vec<String> {
    let logs = container.logs(NO_LIMIT, true).await;
    assert_eq!((logs.failure, logs.is_truncated), (None, false));
    logs.lines.into_iter().map(|line| format!("{}: {}", line.stream, line.log)).collect()
}

#[tokio::test]
async fn each_activation_has_its_own_logs_exactly_once() {
    let (cluster, factory) = start(|_| {}).await;
    let code = "import sys\ndef main(args):\n    print('out', args['n'])\n    \
                print('err', args['n'], file=sys.stderr)\n    return args\n";
    let container = container(&factory, code).await;
    for number in 0..5 {
        assert_eq!(run(&container, json!({"n": number})).await, json!({"n": number}));
        assert_eq!(
            logs(&container).await,
            [format!("stdout: out {number}"), format!("stderr: err {number}")]
        );
        container.suspend();
        container.resume();
    }
    assert_eq!(container.logs(NO_LIMIT, false).await.lines, []);
    stop(cluster, factory).await;
}

#[tokio::test]
async fn logs_of_many_parts_are_complete() {
    let (cluster, factory) = start(|_| {}).await;
    let code =
        "def main(args):\n    for i in range(args['n']):\n        print('line %06d' % i)\n    return {}\n";
    let container = container(&factory, code).await;
    // Several parts of 64 KiB each.
    run(&container, json!({"n": 20_000})).await;
    let lines = logs(&container).await;
    assert_eq!(lines.len(), 20_000);
    assert_eq!(lines[19_999], "stdout: line 019999");
    stop(cluster, factory).await;
}

#[tokio::test]
async fn logs_over_the_limit_are_cut_and_say_so() {
    let (cluster, factory) = start(|_| {}).await;
    let code = "def main(args):\n    for i in range(100):\n        print('x' * 99)\n    return {}\n";
    let container = container(&factory, code).await;
    run(&container, json!({})).await;
    let logs_cut = container.logs(1000, true).await;
    assert!(logs_cut.is_truncated);
    let last = &logs_cut.lines.last().unwrap().log;
    assert_eq!(last, "Logs were truncated because the total bytes size exceeds the limit of 1000 bytes.");
    assert!(logs_cut.lines.len() < 12, "{}", logs_cut.lines.len());
    // The rest of that activation does not turn up in the next one.
    run(&container, json!({})).await;
    assert_eq!(logs(&container).await.len(), 100);
    stop(cluster, factory).await;
}

#[tokio::test]
async fn a_last_line_without_end_is_kept_and_its_sentinel_is_not() {
    let (cluster, factory) = start(|_| {}).await;
    let code = "import sys\ndef main(args):\n    sys.stdout.write('no end')\n    return {}\n";
    let container = container(&factory, code).await;
    run(&container, json!({})).await;
    assert_eq!(logs(&container).await, ["stdout: no end"]);
    stop(cluster, factory).await;
}

#[tokio::test]
async fn an_action_that_never_stops_writing_is_left_alone_and_its_lines_are_kept() {
    let (cluster, factory) = start(|_| {}).await;
    let code = "def main(args):\n    while True:\n        print('x' * 1000)\n";
    let container = container(&factory, code).await;
    let response = container.run(json!({}), &Activation::default(), Duration::from_millis(500)).await;
    assert_eq!(response.status, ActivationStatus::ActionDeveloperError);
    let logs = container.logs(100_000, false).await;
    assert!(logs.is_truncated && logs.lines.len() > 50, "{}", logs.lines.len());
    stop(cluster, factory).await;
}

#[tokio::test]
async fn logs_of_an_agent_that_is_gone_are_a_failure_that_loses_nothing() {
    let (cluster, factory) = start(|_| {}).await;
    let container = container(&factory, "def main(args):\n    print('line')\n    return {}\n").await;
    run(&container, json!({})).await;
    cluster.shutdown().await;
    let logs = container.logs(NO_LIMIT, true).await;
    assert!(logs.failure.unwrap().contains("refused"));
    let lines: Vec<&str> = logs.lines.iter().map(|line| line.log.as_str()).collect();
    assert_eq!(lines, ["There was an issue while collecting your logs. Data might be missing."]);
}

#[tokio::test]
async fn a_container_that_is_destroyed_is_gone_and_destroying_it_again_is_no_error() {
    let (cluster, factory) = start(|_| {}).await;
    let container = container(&factory, "def main(args):\n    return {}\n").await;
    assert_eq!(container.end(), None);
    container.destroy().await.unwrap();
    assert!(container.end().is_some());
    container.destroy().await.unwrap();
    let response = container.run(json!({}), &Activation::default(), MINUTE).await;
    assert_eq!(response.status, ActivationStatus::ActionDeveloperError);
    stop(cluster, factory).await;
}

#[tokio::test]
async fn the_death_of_a_container_is_told_at_once() {
    let (cluster, factory) = start(|_| {}).await;
    let container = factory.create(request("openwhisk/action-nodejs-v20")).await.unwrap();
    let code = "function main() { process.exit(3) }";
    container.initialize(&Initializer::source("test", code), MINUTE).await.unwrap();
    let response = container.run(json!({}), &Activation::default(), MINUTE).await;
    assert_eq!(response.status, ActivationStatus::ActionDeveloperError);
    let end = container.ended().await;
    assert_eq!(end.message, "Container exited with status 3");
    stop(cluster, factory).await;
}

#[tokio::test]
async fn an_initialization_that_fails_names_the_error_of_the_runtime() {
    let (cluster, factory) = start(|_| {}).await;
    let container = factory.create(request(PYTHON)).await.unwrap();
    let good = Initializer::source("test", "def main(args):\n    return {}\n");
    container.initialize(&good, MINUTE).await.unwrap();
    let error = container.initialize(&good, MINUTE).await.unwrap_err();
    assert_eq!(error.response.result, json!({"error": "Cannot initialize the action more than once."}));
    stop(cluster, factory).await;
}

#[tokio::test]
async fn blackbox_containers_have_constraints_of_their_own() {
    let (cluster, factory) = start(|config| {
        config.constraints = vec!["rack LIKE r1".into()];
        config.blackbox_constraints = vec!["rack LIKE r9".into()];
        config.launch_timeout = Duration::from_secs(2);
        config.push_down_constraints = false;
    })
    .await;
    factory.create(request(PYTHON)).await.unwrap();
    let error = factory.create(request(PYTHON).user_provided()).await.unwrap_err();
    assert!(matches!(error, CreateError::Platform { .. }));
    assert!(error.to_string().contains("'rack LIKE r9' fails: rack is 'r1'"), "{error}");
    stop(cluster, factory).await;
}

#[tokio::test]
async fn a_master_that_is_told_the_constraints_offers_only_agents_that_satisfy_them() {
    let (cluster, factory) = start(|config| {
        config.constraints = vec!["rack LIKE r2".into()];
        config.blackbox_constraints = vec!["rack UNLIKE r[12]".into(), "zone LIKE (?!z9).*".into()];
    })
    .await;
    let managed = factory.create(request(PYTHON)).await.unwrap();
    let said = cluster.transcript().to_string();
    assert!(said.contains("UPDATE_FRAMEWORK"), "{said}");
    let blackbox = factory.create(request(PYTHON).user_provided()).await.unwrap();
    let code = Initializer::source("test", "def main(args):\n    return args\n");
    for container in [&managed, &blackbox] {
        container.initialize(&code, MINUTE).await.unwrap();
        assert_eq!(run(container, json!({"n": 1})).await, json!({"n": 1}));
    }
    stop(cluster, factory).await;
}

#[tokio::test]
async fn credentials_of_the_configuration_let_a_factory_in_and_wrong_ones_do_not() {
    let (cluster, first) = start(|_| {}).await;
    first.cleanup().await.unwrap();
    cluster.set_framework_credentials(Some(FrameworkCredentials::new().basic("alice", "s3cret")));
    let load = |secret: &str| {
        let sources = ConfigSources::new()
            .define(format!("whisk.mesos.master-url={}", cluster.master_url()))
            .define("whisk.mesos.credentials.principal=alice")
            .define(format!("whisk.mesos.credentials.secret={secret}"))
            .define("whisk.mesos.timeouts.task-launch=5 s");
        sources.load().unwrap().factory_config()
    };
    let factory = ContainerFactory::start(load("s3cret")).unwrap();
    let container = container(&factory, "def main(args):\n    print('in')\n    return args\n").await;
    assert_eq!(run(&container, json!({"n": 1})).await, json!({"n": 1}));
    assert_eq!(logs(&container).await, ["stdout: in"]);
    let wrong = ContainerFactory::start(load("guess")).unwrap();
    let error = wrong.create(request(PYTHON)).await.unwrap_err().to_string();
    assert!(error.contains("401") && !error.contains("guess"), "{error}");
    stop(cluster, factory).await;
}

#[tokio::test]
async fn no_logs_are_collected_where_that_is_off() {
    let (cluster, factory) = start(|config| config.log_collection = false).await;
    let container = container(&factory, "def main(args):\n    print('line')\n    return {}\n").await;
    run(&container, json!({})).await;
    assert_eq!(container.logs(NO_LIMIT, true).await.lines, []);
    stop(cluster, factory).await;
}

#[tokio::test]
async fn ten_containers_at_once_run_side_by_side() {
    let (cluster, factory) = start(|_| {}).await;
    let creations: Vec<_> = (0..10).map(|_| factory.create(request(PYTHON))).collect();
    let mut containers = Vec::new();
    for creation in creations {
        containers.push(creation.await.unwrap());
    }
    let code = Initializer::source("test", "def main(args):\n    return args\n");
    for (number, container) in containers.iter().enumerate() {
        container.initialize(&code, MINUTE).await.unwrap();
        assert_eq!(run(container, json!({"n": number})).await, json!({"n": number}));
    }
    stop(cluster, factory).await;
}

#[tokio::test]
async fn a_configuration_names_everything_that_is_wrong_with_it() {
    let mut config = FactoryConfig::default();
    config.master_url = "zk:/nowhere".into();
    config.constraints = vec!["rack LIKE r1".into(), "rack IS r1".into()];
    config.blackbox_constraints = vec!["rack".into()];
    config.role = String::new();
    config.heartbeat_max_failures = 0;
    let error = ContainerFactory::start(config).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.problems().len(), 5, "{text}");
    for part in
        ["master-url", "zk:/nowhere", "rack IS r1", "blackbox-constraints", "role", "heartbeat-max-failures"]
    {
        assert!(text.contains(part), "'{part}' is missing in {text}");
    }
}
