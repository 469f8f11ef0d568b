//! Executors that tasks share: groups under the default executor, and executors of a framework's own.

use std::time::Duration;

use mesos_local::{Cluster, ClusterConfig};
use mesos_proto::v1::{
    self, TaskState,
    offer::operation,
    scheduler::{Call, call, event},
};

use crate::{
    client::{Connection, Scheduler, command, subscribe},
    processes::{line, read},
    replay::{Recording, Replay, cluster},
};

#[tokio::test]
async fn recorded_groups_bring_the_same_events() {
    let cluster = cluster(1, &["r1"]).await;
    let recording = Recording::load("task-group");
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.acknowledge_all = true;
    replay.play(1..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_recorded_executor_brings_the_same_events() {
    let cluster = cluster(1, &["r1"]).await;
    let recording = Recording::load("custom-executor");
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.rewrite = |call| call.replace("/usr/bin/python3 /srv/mesos/x/executor.py", EXECUTOR);
    replay.acknowledge_all = true;
    replay.play(1..recording.calls.len()).await;
    replay.finish().await;
    let kinds: Vec<_> = replay.seen.iter().map(v1::scheduler::Event::r#type).collect();
    let place = |kind| kinds.iter().rposition(|one| *one == kind).unwrap();
    assert!(place(event::Type::Failure) < place(event::Type::Update), "{kinds:?}");
    cluster.shutdown().await;
}

#[tokio::test]
async fn tasks_of_a_group_have_sandboxes_within_that_of_their_executor() {
    let cluster = cluster(1, &["r1"]).await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let tasks = vec![command("t1", &offer, "pwd; echo to stderr >&2"), command("t2", &offer, "true")];
    scheduler.launch_group(&offer, "pod", tasks).await;
    scheduler.wait_for_exit("pod").await;
    let base = format!("/frameworks/{}/executors/pod/runs/latest", scheduler.framework_id);
    let mut agent = Connection::open(&cluster.agents()[0].url).await;
    let answer = agent.get(&format!("/files/read?path={base}/tasks/t1/stdout&offset=0")).await;
    let text: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let directory = text["data"].as_str().unwrap().trim().to_owned();
    let (run, nested) = directory.split_once("/containers/").unwrap();
    assert!(run.contains("/executors/pod/runs/"), "{directory}");
    let answer = agent.get(&format!("/files/read?path={base}/containers/{nested}/stderr&offset=0")).await;
    assert!(answer.text().contains("to stderr"), "{}", answer.text());
    cluster.shutdown().await;
}

#[tokio::test]
async fn the_resources_of_an_executor_are_used_until_it_ends() {
    let cluster = cluster(1, &["r1"]).await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    scheduler.launch_group(&offer, "pod", vec![command("t1", &offer, "exec sleep 1018")]).await;
    scheduler.update_to("t1", TaskState::TaskRunning).await;
    // 0.1 of the task and 0.1 of the executor.
    let rest = scheduler.offer().await;
    assert_eq!(milli(&rest, "cpus"), 3800);
    assert_eq!(milli(&rest, "disk"), 9_984_000);
    assert_eq!(rest.executor_ids, [v1::ExecutorId::new("pod")]);
    // A second group needs no more than its tasks, and lives on its own.
    scheduler.launch_group(&rest, "pod", vec![command("t2", &rest, "exit 3")]).await;
    let ends: Vec<String> = scheduler.follow("t2").await.iter().map(line).collect();
    assert_eq!(ends[2], "TASK_FAILED SOURCE_EXECUTOR  Command exited with status 3");
    let rest = scheduler.offer_with(3800).await;
    let mut other = scheduler_executor("pod", &scheduler.framework_id);
    other.name = Some("another".into());
    scheduler.launch_group_in(&rest, other, vec![command("t3", &rest, "true")]).await;
    assert_eq!(
        line(&scheduler.update("t3").await),
        "TASK_ERROR SOURCE_MASTER REASON_TASK_GROUP_INVALID ExecutorInfo is not compatible with existing \
         ExecutorInfo with same ExecutorID."
    );
    scheduler.shutdown_executor("pod", &offer.agent_id).await;
    let ends: Vec<String> = scheduler.follow("t1").await.iter().map(line).collect();
    assert_eq!(
        ends,
        [
            "TASK_KILLING SOURCE_EXECUTOR  ",
            "TASK_KILLED SOURCE_EXECUTOR  Command terminated with signal Terminated",
        ]
    );
    scheduler.offer_with(4000).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_killed_task_takes_its_group_with_it() {
    let cluster = cluster(1, &["r1"]).await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let tasks = ["t1", "t2"].map(|id| command(id, &offer, "exec sleep 1019"));
    scheduler.launch_group(&offer, "pod", tasks.into()).await;
    scheduler.update_to("t2", TaskState::TaskRunning).await;
    scheduler.kill("t1", Some(Duration::ZERO)).await;
    let end = scheduler.follow("t2").await.pop().unwrap();
    assert_eq!(line(&end), "TASK_KILLED SOURCE_EXECUTOR  Command terminated with signal Terminated");
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_executor_is_told_what_concerns_it() {
    let cluster = cluster(1, &["r1"]).await;
    let mut scheduler = subscribe(&cluster).await;
    for (id, act, end) in [
        ("finished", Act::Say("finish"), "TASK_FINISHED SOURCE_EXECUTOR  told to"),
        ("killed", Act::Kill, "TASK_KILLED SOURCE_EXECUTOR  killed by its executor"),
        (
            "shut-down",
            Act::Shutdown,
            "TASK_FAILED SOURCE_AGENT REASON_EXECUTOR_TERMINATED Executor terminated",
        ),
    ] {
        let offer = scheduler.offer_with(4000).await;
        scheduler.launch(&offer, in_executor(id, &offer, EXECUTOR)).await;
        scheduler.update_to(id, TaskState::TaskRunning).await;
        match act {
            Act::Say(text) => scheduler.tell_executor(id, &offer.agent_id, text).await,
            Act::Kill => scheduler.kill(id, None).await,
            Act::Shutdown => scheduler.shutdown_executor(id, &offer.agent_id).await,
        }
        let last = scheduler.follow(id).await.pop().unwrap();
        assert_eq!(line(&last), end);
        let said = read(&cluster, &scheduler, id, "stdout").await;
        assert!(said.starts_with("SUBSCRIBED\nLAUNCH\nACKNOWLEDGED\n"), "{said}");
    }
    cluster.shutdown().await;
}

enum Act {
    Say(&'static str),
    Kill,
    Shutdown,
}

#[tokio::test]
async fn a_task_is_killed_while_its_executor_starts() {
    let cluster = cluster(1, &["r1"]).await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    // It never subscribes.
    scheduler.launch(&offer, in_executor("t1", &offer, "sleep 1020")).await;
    scheduler.kill("t1", None).await;
    assert_eq!(
        line(&scheduler.update("t1").await),
        "TASK_KILLED SOURCE_AGENT REASON_TASK_KILLED_DURING_LAUNCH Killed before delivery to the executor"
    );
    assert_eq!(scheduler.wait_for_exit("t1").await, Some(9));
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_executor_that_cannot_be_started_fails_its_task() {
    let cluster = cluster(1, &["r1"]).await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let mut task = in_executor("t1", &offer, "");
    task.executor.as_mut().unwrap().command = Some(v1::CommandInfo {
        shell: Some(false),
        value: Some("/no/such/program".into()),
        ..Default::default()
    });
    scheduler.launch(&offer, task).await;
    assert_eq!(
        line(&scheduler.update("t1").await),
        "TASK_FAILED SOURCE_AGENT REASON_CONTAINER_LAUNCH_FAILED Failed to launch container: Failed to run \
         '/no/such/program': No such file or directory (os error 2)"
    );
    scheduler.offer_with(4000).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn calls_of_strangers_to_the_executor_api_are_refused() {
    let mut config = ClusterConfig::with_agents(1);
    config.allocation_interval = Duration::from_millis(50);
    let cluster = Cluster::start(config).await.unwrap();
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    scheduler.launch(&offer, in_executor("t1", &offer, "sleep 1021")).await;
    // It runs as soon as a second offer shows what it took.
    scheduler.offer_with(3900).await;
    let mut agent = Connection::open(&cluster.agents()[0].url).await;
    let id = scheduler.framework_id.value.clone();
    let call = |framework: &str, executor: &str, rest: &str| {
        format!(
            r#"{{"framework_id":{{"value":"{framework}"}},"executor_id":{{"value":"{executor}"}}{rest}}}"#
        )
    };
    let update = |uuid: &str, source: &str| {
        format!(
            r#","type":"UPDATE","update":{{"status":{{"task_id":{{"value":"t1"}},"state":"TASK_RUNNING","source":"{source}"{uuid}}}}}"#
        )
    };
    let uuid = r#","uuid":"g80RwGfVSAm+IHC3PMXZKA==""#;
    for (body, status, text) in [
        (call("nobody", "t1", r#","type":"SUBSCRIBE","subscribe":{}"#), 400, "Framework cannot be found"),
        (call(&id, "nobody", r#","type":"SUBSCRIBE","subscribe":{}"#), 400, "Executor cannot be found"),
        (call(&id, "t1", &update(uuid, "SOURCE_EXECUTOR")), 403, "Executor is not subscribed"),
        (call(&id, "t1", ""), 400, "Failed to validate executor::Call: Expecting 'type' to be present"),
        (
            call(&id, "t1", r#","type":"SUBSCRIBE""#),
            400,
            "Failed to validate executor::Call: Expecting 'subscribe' to be present",
        ),
        (
            call(&id, "t1", &update("", "SOURCE_EXECUTOR")),
            400,
            "Failed to validate executor::Call: Expecting 'uuid' to be present",
        ),
        (
            call(&id, "t1", &update(r#","uuid":"AAAAAAAAAAAAAAAAAAAAAA==""#, "SOURCE_EXECUTOR")),
            400,
            "Failed to validate executor::Call: Not a valid UUID",
        ),
        (
            call(&id, "t1", &update(uuid, "SOURCE_AGENT")),
            400,
            "Failed to validate executor::Call: Received Call from executor t1 of framework",
        ),
    ] {
        let answer = agent.post("/api/v1/executor", body.clone()).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.text().starts_with(text), "{body}: {}", answer.text());
    }
    assert_eq!(agent.get("/api/v1/executor").await.status, 405);
    cluster.shutdown().await;
}

/// The command of an executor that the tests bring along.
const EXECUTOR: &str =
    concat!("/usr/bin/env python3 -S ", env!("CARGO_MANIFEST_DIR"), "/tests/data/executor.py");

/// A task in an executor of its own, both of the same id.
fn in_executor(id: &str, offer: &v1::Offer, text: &str) -> v1::TaskInfo {
    let executor = v1::ExecutorInfo {
        executor_id: v1::ExecutorId::new(id),
        command: Some(v1::CommandInfo { value: Some(format!("exec {text}")), ..Default::default() }),
        ..Default::default()
    };
    v1::TaskInfo { command: None, executor: Some(executor), ..command(id, offer, "") }
}

fn scheduler_executor(id: &str, framework: &v1::FrameworkId) -> v1::ExecutorInfo {
    v1::ExecutorInfo {
        executor_id: v1::ExecutorId::new(id),
        framework_id: Some(framework.clone()),
        r#type: Some(v1::executor_info::Type::Default.into()),
        resources: vec![
            v1::Resource::scalar_milli("cpus", 100),
            v1::Resource::scalar_milli("mem", 32_000),
            v1::Resource::scalar_milli("disk", 16_000),
        ],
        ..Default::default()
    }
}

fn milli(offer: &v1::Offer, name: &str) -> i64 {
    offer.resources.iter().filter(|resource| resource.name == name).map(v1::Resource::milli).sum()
}

impl Scheduler {
    async fn launch_group(&mut self, offer: &v1::Offer, executor: &str, tasks: Vec<v1::TaskInfo>) {
        let executor = scheduler_executor(executor, &self.framework_id);
        self.launch_group_in(offer, executor, tasks).await;
    }

    async fn launch_group_in(
        &mut self,
        offer: &v1::Offer,
        executor: v1::ExecutorInfo,
        tasks: Vec<v1::TaskInfo>,
    ) {
        let task_group = v1::TaskGroupInfo { tasks };
        let operation = v1::offer::Operation {
            r#type: Some(operation::Type::LaunchGroup.into()),
            launch_group: Some(Box::new(operation::LaunchGroup { executor, task_group })),
            ..Default::default()
        };
        let accept = call::Accept {
            offer_ids: vec![offer.id.clone()],
            operations: vec![operation],
            filters: Some(v1::Filters { refuse_seconds: Some(0.0) }),
        };
        self.call(call::Type::Accept, Call { accept: Some(accept), ..Default::default() }).await;
    }

    /// Waits until an executor has ended; gives the status.
    async fn wait_for_exit(&mut self, executor: &str) -> Option<i32> {
        loop {
            let event = self.event().await.unwrap();
            if let Some(update) = &event.update {
                self.acknowledge(&update.status).await;
            }
            let failure = event
                .failure
                .filter(|failure| failure.executor_id.as_ref().is_some_and(|id| id.value == executor));
            if let Some(failure) = failure {
                return failure.status;
            }
        }
    }

    /// Declines until the whole agent is offered but for what is not there.
    async fn offer_with(&mut self, cpus_milli: i64) -> v1::Offer {
        loop {
            let offer = self.offer().await;
            if milli(&offer, "cpus") == cpus_milli {
                return offer;
            }
            let decline = call::Decline {
                offer_ids: vec![offer.id],
                filters: Some(v1::Filters { refuse_seconds: Some(0.0) }),
            };
            self.call(call::Type::Decline, Call { decline: Some(decline), ..Default::default() }).await;
        }
    }

    async fn tell_executor(&mut self, executor: &str, agent_id: &v1::AgentId, text: &'static str) {
        let message = call::Message {
            agent_id: agent_id.clone(),
            executor_id: v1::ExecutorId::new(executor),
            data: text.into(),
        };
        self.call(call::Type::Message, Call { message: Some(message), ..Default::default() }).await;
    }

    async fn shutdown_executor(&mut self, executor: &str, agent_id: &v1::AgentId) {
        let shutdown =
            call::Shutdown { agent_id: agent_id.clone(), executor_id: v1::ExecutorId::new(executor) };
        self.call(call::Type::Shutdown, Call { shutdown: Some(shutdown), ..Default::default() }).await;
    }
}
