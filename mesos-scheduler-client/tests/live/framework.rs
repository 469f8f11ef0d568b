//! Tasks over offers, as the framework layer runs them.

use std::{collections::BTreeSet, env, time::Duration};

use mesos_proto::v1::TaskState;
use mesos_scheduler_client::{
    Cause, ClientBuilder, FileStore, Framework, LaunchFailure, Policy, Recover, TaskPhase, TaskSpec,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::target::{PATIENCE, Target};

/// The file with the framework's id, for the scheduler that is killed.
const STORE: &str = "LIVE_TEST_STORE";

fn builder(target: &Target, name: &str) -> ClientBuilder {
    let mut info = target.framework(name);
    info.failover_timeout = Some(60.0);
    target.client(info)
}

fn start(builder: ClientBuilder) -> Framework {
    let (client, events) = builder.start().unwrap();
    Framework::start(client, events, Policy::default())
}

fn spec(id: &str, line: &str) -> TaskSpec {
    TaskSpec::command(id, 100, 32, line).launch_timeout(PATIENCE)
}

/// The framework ends with its scenario, also if that fails before: its timeout is short.
async fn teardown(framework: Framework) {
    framework.teardown().await.unwrap_or_else(|error| panic!("step 'tear down': {error}"));
}

pub(crate) async fn submitted_tasks_run_and_their_ends_have_causes(target: &Target) {
    let framework = start(builder(target, "submit"));
    for (id, line, cause) in [("good", "exit 0", Cause::Finished), ("bad", "exit 3", Cause::Failed)] {
        let running = framework.submit(spec(id, line)).await;
        let mut task = running.unwrap_or_else(|failure| panic!("step 'submit {id}': {failure}"));
        let end = timeout(PATIENCE, task.ended()).await;
        let end = end.unwrap_or_else(|_| panic!("step 'wait for {id}': it goes on for {PATIENCE:?}"));
        assert_eq!(end.cause(), cause, "step 'wait for {id}': {end}");
    }
    teardown(framework).await;
}

pub(crate) async fn a_submitted_task_is_killed_and_known_to_be_gone(target: &Target) {
    let framework = start(builder(target, "kill"));
    let running = framework.submit(spec("sleeper", "sleep 1000")).await;
    let task = running.unwrap_or_else(|failure| panic!("step 'submit': {failure}"));
    timeout(PATIENCE, framework.kill("sleeper")).await.expect("step 'kill': it is gone in time");
    let end = task.end().expect("step 'kill': its end is told before");
    assert_eq!(end.cause(), Cause::Killed, "step 'kill': {end}");
    assert_eq!(framework.tasks().await, [], "step 'kill': nothing is left");
    teardown(framework).await;
}

pub(crate) async fn a_task_that_no_agent_can_carry_fails_with_what_was_missing(target: &Target) {
    let framework = start(builder(target, "capacity"));
    let huge = TaskSpec::command("huge", 1_000_000_000, 32, "true").launch_timeout(Duration::from_secs(5));
    let failure = framework.submit(huge).await.expect_err("step 'submit': no agent has a million cpus");
    let LaunchFailure::NoCapacity { why } = &*failure else { panic!("step 'submit': {failure}") };
    let steps: Vec<String> = why.funnel().map(|(step, _)| step).collect();
    assert_eq!(steps, ["cpus"], "step 'submit': {failure}");
    teardown(framework).await;
}

pub(crate) async fn tasks_are_taken_over_after_their_scheduler_was_killed(target: &Target) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("framework-id");
    let mut scheduler = start_scheduler(target, &store);
    let mut lines = BufReader::new(scheduler.stdout.take().unwrap()).lines();
    let runs = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("both tasks run") {
                return;
            }
        }
        panic!("step 'first life': the scheduler ended before its tasks ran");
    };
    timeout(PATIENCE, runs).await.expect("step 'first life': its tasks run in time");
    // SIGKILL on Unix: the scheduler has no time for anything.
    scheduler.kill().await.unwrap();

    let framework = start(builder(target, "recovery").identity(FileStore::new(&store)));
    let recovery = timeout(PATIENCE, framework.recover(Recover::All)).await;
    let recovery = recovery.expect("step 'recover': in time");
    let recovery = recovery.unwrap_or_else(|error| panic!("step 'recover': {error}"));
    let ids: BTreeSet<&str> = recovery.tasks.iter().map(|recovered| recovered.task.id.as_str()).collect();
    assert_eq!(ids, BTreeSet::from(["one", "two"]), "step 'recover'");
    assert!(recovery.tasks.iter().all(|recovered| recovered.state == TaskState::TaskRunning));
    timeout(PATIENCE, framework.kill("one")).await.expect("step 'kill one': it is gone in time");
    let left: Vec<(String, TaskPhase)> =
        framework.tasks().await.into_iter().map(|task| (task.task_id, task.phase)).collect();
    assert_eq!(left, [("two".to_owned(), TaskPhase::Running)], "step 'kill one': the other runs on");
    teardown(framework).await;
}

/// Another process of this program, with the test below.
fn start_scheduler(target: &Target, store: &std::path::Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "framework::a_scheduler_that_is_killed", "--nocapture"])
        .envs(target.environment())
        .env(STORE, store)
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true);
    command.spawn().unwrap()
}

#[tokio::test]
#[ignore = "the scheduler that 'tasks_are_taken_over_after_their_scheduler_was_killed' starts and kills"]
async fn a_scheduler_that_is_killed() {
    let store = env::var(STORE).expect("a scenario starts this and says where the id is kept");
    let target = Target::of_environment();
    let framework = start(builder(&target, "recovery").identity(FileStore::new(store)));
    let (one, two) = tokio::join!(
        framework.submit(spec("one", "sleep 1000")),
        framework.submit(spec("two", "sleep 1000"))
    );
    one.unwrap();
    two.unwrap();
    println!("both tasks run");
    std::future::pending::<()>().await;
}
