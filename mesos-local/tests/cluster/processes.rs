//! Tasks as processes: how they end, and that nothing of them is left.

use std::{fs, path::Path, time::Duration};

use mesos_local::{AgentConfig, Cluster, ClusterConfig};
use mesos_proto::v1::{self, TaskState, container_info::DockerInfo, container_info::docker_info};

use crate::client::{Scheduler, command, subscribe, within};

pub(crate) async fn cluster() -> Cluster {
    let mut config = ClusterConfig::with_agents(1);
    config.allocation_interval = Duration::from_millis(50);
    config.action_runtime = Some(vec![env!("CARGO_BIN_EXE_action-runtime").into()]);
    Cluster::start(config).await.unwrap()
}

/// Runs a task on a cluster of one agent to its end; gives `STATE source reason message` of each status.
pub(crate) async fn run(
    scheduler: &mut Scheduler,
    task: impl FnOnce(&v1::Offer) -> v1::TaskInfo,
) -> Vec<String> {
    let offer = scheduler.offer().await;
    let task = task(&offer);
    let id = task.task_id.value.clone();
    scheduler.launch(&offer, task).await;
    scheduler.follow(&id).await.iter().map(line).collect()
}

pub(crate) fn line(status: &v1::TaskStatus) -> String {
    let reason = status.reason.map_or("", |_| status.reason().as_str_name());
    format!(
        "{} {} {reason} {}",
        status.state().as_str_name(),
        status.source().as_str_name(),
        status.message()
    )
}

#[tokio::test]
async fn commands_end_in_the_words_of_the_command_executor() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    for (number, (text, end)) in [
        ("true", "TASK_FINISHED SOURCE_EXECUTOR  Command exited with status 0"),
        ("exit 3", "TASK_FAILED SOURCE_EXECUTOR  Command exited with status 3"),
        ("kill -9 $$", "TASK_FAILED SOURCE_EXECUTOR  Command terminated with signal Killed"),
        ("kill -TERM $$", "TASK_FAILED SOURCE_EXECUTOR  Command terminated with signal Terminated"),
    ]
    .into_iter()
    .enumerate()
    {
        let seen = run(&mut scheduler, |offer| command(&format!("t{number}"), offer, text)).await;
        assert_eq!(
            seen,
            ["TASK_STARTING SOURCE_EXECUTOR  ", "TASK_RUNNING SOURCE_EXECUTOR  ", end],
            "{text}"
        );
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_started_fails_and_says_why() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    type Change = fn(&mut v1::TaskInfo);
    let cases: [(Change, &str); 5] = [
        (|task| command_of(task).value = None, "Shell specified but no command value provided"),
        (
            |task| *command_of(task) = v1::CommandInfo { shell: Some(false), ..Default::default() },
            "no executable is given and there is no image that could have one",
        ),
        (
            |task| {
                let uri =
                    v1::command_info::Uri { value: "file:///no/such/x.tgz".into(), ..Default::default() };
                command_of(task).uris = vec![uri];
            },
            "Failed to fetch all URIs for container 'C': exited with status 1",
        ),
        (
            |task| {
                *command_of(task) = v1::CommandInfo {
                    shell: Some(false),
                    value: Some("/no/such/program".into()),
                    ..Default::default()
                };
            },
            "Failed to run '/no/such/program': No such file or directory (os error 2)",
        ),
        (
            |task| task.container = Some(docker("alpine:3", docker_info::Network::Host, &[])),
            "Failed to run 'docker -H unix:///var/run/docker.sock pull alpine:3': exited with status 1; \
             stderr='image 'alpine:3' not found: this agent has no Docker and no program for this image'",
        ),
    ];
    for (number, (change, text)) in cases.into_iter().enumerate() {
        let offer = scheduler.offer().await;
        let id = format!("t{number}");
        let mut task = command(&id, &offer, "true");
        change(&mut task);
        scheduler.launch(&offer, task).await;
        let status = scheduler.update(&id).await;
        let expected = format!(
            "TASK_FAILED SOURCE_AGENT REASON_CONTAINER_LAUNCH_FAILED Failed to launch container: {text}"
        );
        let container = status.container_status.as_ref().and_then(|status| status.container_id.clone());
        assert_eq!(line(&status).replace(&container.unwrap().value, "C"), expected);
        assert!(status.uuid.is_some());
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_task_sees_its_sandbox_its_variables_and_nothing_else() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    let mut task = command("t1", &offer, "pwd > where; env | sort > names; echo out; echo err >&2; echo $1");
    let variables = [("GREETING", "hello world"), ("MESOS_TASK_ID", "mine")];
    command_of(&mut task).environment = Some(v1::Environment {
        variables: variables
            .map(|(name, value)| v1::environment::Variable {
                name: name.into(),
                value: Some(value.into()),
                ..Default::default()
            })
            .into(),
    });
    scheduler.launch(&offer, task).await;
    let statuses = scheduler.follow("t1").await;
    let container = statuses[1].container_status.clone().unwrap();
    assert_eq!(container.network_infos[0].ip_addresses[0].ip_address(), "127.0.0.1");
    assert_eq!(statuses[1].executor_id, Some(v1::ExecutorId::new("t1")));
    let stdout = read(&cluster, &scheduler, "t1", "stdout").await;
    assert_eq!(stdout, "out\n\n");
    assert_eq!(read(&cluster, &scheduler, "t1", "stderr").await, "err\n");
    let sandbox = read(&cluster, &scheduler, "t1", "where").await;
    assert!(sandbox.trim_end().ends_with(&container.container_id.unwrap().value), "{sandbox}");
    let names = read(&cluster, &scheduler, "t1", "names").await;
    let names: Vec<&str> = names.lines().map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "GREETING",
            "MESOS_AGENT_HOSTNAME",
            "MESOS_AGENT_ID",
            "MESOS_ALLOCATION_ROLE",
            "MESOS_CONTAINER_NAME",
            "MESOS_DIRECTORY",
            "MESOS_EXECUTOR_ID",
            "MESOS_FRAMEWORK_ID",
            "MESOS_SANDBOX",
            "MESOS_SLAVE_ID",
            "MESOS_TASK_ID",
            "PATH",
            "PWD",
        ]
    );
    cluster.shutdown().await;
}

#[tokio::test]
async fn programs_get_their_arguments_with_their_own_name_first() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let seen = run(&mut scheduler, |offer| {
        let mut task = command("t1", offer, "");
        *command_of(&mut task) = v1::CommandInfo {
            shell: Some(false),
            value: Some("/bin/sh".into()),
            arguments: ["sh", "-c", "echo $0 $1 > said", "zero", "one"].map(String::from).into(),
            ..Default::default()
        };
        task
    })
    .await;
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert_eq!(read(&cluster, &scheduler, "t1", "said").await, "zero one\n");
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_stubborn_family_is_killed_to_the_last() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let text = "trap '' TERM; (trap '' TERM; sleep 1001; echo never) & sleep 1002; sleep 1003";
    let leader = scheduler.started("t1", text).await;
    until("the family", || group_members(leader).len() >= 3).await;
    scheduler.kill("t1", Some(Duration::from_millis(100))).await;
    let rest: Vec<String> = scheduler.follow("t1").await.iter().map(line).collect();
    assert_eq!(
        rest,
        [
            "TASK_KILLING SOURCE_EXECUTOR  ",
            "TASK_KILLED SOURCE_EXECUTOR  Command terminated with signal Killed",
        ]
    );
    until("the end of the family", || group_members(leader).is_empty()).await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn what_a_task_leaves_behind_ends_with_it() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let offer = scheduler.offer().await;
    scheduler.launch(&offer, command("t1", &offer, "sleep 1004 & sleep 1005 & exit 0")).await;
    let statuses = scheduler.follow("t1").await;
    let leader = leader(&statuses[0]);
    until("the end of the rest", || group_members(leader).is_empty()).await;
    assert_eq!(statuses.last().unwrap().state(), TaskState::TaskFinished);
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_gentle_kill_is_enough_and_a_second_one_may_shorten_the_wait() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    scheduler.started("gentle", "sleep 1006").await;
    scheduler.kill("gentle", None).await;
    let ends: Vec<String> = scheduler.follow("gentle").await.iter().map(line).collect();
    assert_eq!(ends[1], "TASK_KILLED SOURCE_EXECUTOR  Command terminated with signal Terminated");
    let leader = scheduler.started("stubborn", "trap '' TERM; sleep 1007; sleep 1008").await;
    // The trap is set when the first command after it runs.
    until("the trap", || group_members(leader).len() >= 2).await;
    scheduler.kill("stubborn", Some(Duration::from_secs(3600))).await;
    scheduler.kill("stubborn", Some(Duration::ZERO)).await;
    let ends: Vec<String> = scheduler.follow("stubborn").await.iter().map(line).collect();
    assert_eq!(ends[1], "TASK_KILLED SOURCE_EXECUTOR  Command terminated with signal Killed");
    cluster.shutdown().await;
}

#[tokio::test]
async fn a_task_may_take_so_long_and_no_longer() {
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    for (id, text, signal) in
        [("t1", "sleep 1009", "Terminated"), ("t2", "trap '' TERM; sleep 1014; sleep 1015", "Killed")]
    {
        let seen = run(&mut scheduler, |offer| {
            let mut task = command(id, offer, text);
            // Long enough for a shell to set its trap.
            task.max_completion_time = Some(v1::DurationInfo { nanoseconds: 500_000_000 });
            task
        })
        .await;
        let end = format!("Command terminated with signal {signal}");
        let expected = format!("TASK_FAILED SOURCE_EXECUTOR REASON_MAX_COMPLETION_TIME_REACHED {end}");
        assert_eq!(seen[2], expected);
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn shutdown_and_drop_leave_no_process() {
    for graceful in [true, false] {
        let mut config = ClusterConfig::with_agents(0);
        config.agents.push(AgentConfig::new("one"));
        let cluster = Cluster::start(config).await.unwrap();
        let mut scheduler = subscribe(&cluster).await;
        let text = "trap '' TERM; (trap '' TERM; sleep 1010) & sleep 1011; sleep 1012";
        let leader = scheduler.started("t1", text).await;
        until("the family", || group_members(leader).len() >= 3).await;
        if graceful {
            cluster.shutdown().await;
            assert!(group_members(leader).is_empty());
        } else {
            drop(cluster);
            until("the end of the family", || group_members(leader).is_empty()).await;
        }
    }
}

#[tokio::test]
async fn teardown_ends_the_processes_of_the_framework() {
    use mesos_proto::v1::scheduler::{Call, call};
    let cluster = cluster().await;
    let mut scheduler = subscribe(&cluster).await;
    let leader = scheduler.started("t1", "sleep 1013").await;
    scheduler.call(call::Type::Teardown, Call::default()).await;
    until("the end of the task", || group_members(leader).is_empty()).await;
    cluster.shutdown().await;
}

impl Scheduler {
    /// Runs a shell command on the next offer; gives the number of its process group when it runs.
    async fn started(&mut self, task: &str, text: &str) -> u32 {
        let offer = self.offer().await;
        self.launch(&offer, command(task, &offer, text)).await;
        leader(&self.update_to(task, TaskState::TaskRunning).await)
    }

    /// Reads and acknowledges up to this state of a task.
    pub(crate) async fn update_to(&mut self, task: &str, state: TaskState) -> v1::TaskStatus {
        loop {
            let status = self.update(task).await;
            assert!(status.state() == state || !status.state().is_terminal(), "{}", line(&status));
            if status.state() == state {
                return status;
            }
        }
    }
}

/// The process group of a task, by one of its statuses.
pub(crate) fn leader(status: &v1::TaskStatus) -> u32 {
    if let Some(pid) = status.container_status.as_ref().unwrap().executor_pid {
        return pid;
    }
    // Of a container only Docker knows.
    let inspected: serde_json::Value = serde_json::from_slice(status.data()).unwrap();
    u32::try_from(inspected[0]["State"]["Pid"].as_u64().unwrap()).unwrap()
}

pub(crate) fn command_of(task: &mut v1::TaskInfo) -> &mut v1::CommandInfo {
    task.command.get_or_insert_default()
}

pub(crate) fn docker(image: &str, network: docker_info::Network, ports: &[(u32, u32)]) -> v1::ContainerInfo {
    let mapping = |&(host_port, container_port): &(u32, u32)| docker_info::PortMapping {
        host_port,
        container_port,
        protocol: Some("tcp".into()),
    };
    v1::ContainerInfo {
        r#type: v1::container_info::Type::Docker.into(),
        docker: Some(DockerInfo {
            image: image.into(),
            network: Some(network.into()),
            port_mappings: ports.iter().map(mapping).collect(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(crate) fn first_port(offer: &v1::Offer) -> u32 {
    let ports = offer.resources.iter().find(|resource| resource.name == "ports").unwrap();
    u32::try_from(ports.ranges.as_ref().unwrap().range[0].begin).unwrap()
}

pub(crate) async fn read(cluster: &Cluster, scheduler: &Scheduler, task: &str, file: &str) -> String {
    let mut agent = crate::client::Connection::open(&cluster.agents()[0].url).await;
    let id = &scheduler.framework_id;
    let path = format!("/files/download?path=/frameworks/{id}/executors/{task}/runs/latest/{file}");
    let answer = agent.get(&path).await;
    assert_eq!(answer.status, 200, "{path}");
    answer.text()
}

/// Processes of a group that are alive: neither gone nor waiting to be reaped.
pub(crate) fn group_members(leader: u32) -> Vec<String> {
    let mut members = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let Ok(stat) = fs::read_to_string(Path::new(&entry.path()).join("stat")) else {
            continue;
        };
        // After the name in brackets: state, parent, group.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        if fields[2] == leader.to_string() && fields[0] != "Z" && fields[0] != "X" {
            members.push(stat);
        }
    }
    members
}

pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    within(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
