//! Executors that tasks share, and groups of tasks.

use mesos_proto::v1::{ExecutorInfo, TaskInfo, executor_info, offer::operation};

use super::*;
use crate::master::AgentLoss;

#[test]
fn a_group_takes_what_its_tasks_and_a_new_executor_need() {
    let (mut script, scheduler) = with_disk();
    let tasks = vec![task(&script, "t1", "S0", 100), task(&script, "t2", "S0", 200)];
    script.group(&scheduler, "O0", &pod(&scheduler), tasks);
    script.check(&["S0 launch group [t1 t2] in pod new=true"]);
    script.wait(SECOND);
    script.check(&["1 OFFERS O1@S0/web:3600"]);
    // The executor runs: it needs nothing again.
    let tasks = vec![task(&script, "t3", "S0", 100)];
    script.group(&scheduler, "O1", &pod(&scheduler), tasks);
    script.check(&["S0 launch group [t3] in pod new=false"]);
    script.wait(SECOND);
    script.check(&["1 OFFERS O2@S0/web:3500"]);
    // The tasks give back what is theirs, the executor what is its own when it ends.
    for id in ["t1", "t2", "t3"] {
        script.report(&scheduler, "S0", id, TaskState::TaskFinished);
    }
    script.drain();
    script.decline(&scheduler, &["O2"], Some(0.0));
    script.wait(SECOND);
    script.check(&["1 OFFERS O3@S0/web:3900"]);
    script.decline(&scheduler, &["O3"], Some(0.0));
    script.exit(&scheduler, "pod", 0);
    script.check(&["1 FAILURE S0 pod Some(0)"]);
    script.wait(SECOND);
    script.check(&["1 OFFERS O4@S0/web:4000"]);
    // Nobody knows it any more.
    script.exit(&scheduler, "pod", 0);
    script.check(&[]);
}

#[test]
fn bad_groups_are_refused_as_a_whole() {
    type Change = fn(&mut ExecutorInfo, &mut Vec<TaskInfo>);
    let cases: &[(Change, &str)] = &[
        (|pod, _| pod.framework_id = None, "'ExecutorInfo.framework_id' must be set"),
        (|pod, _| pod.r#type = None, "'ExecutorInfo.type' must be set"),
        (
            |pod, _| pod.command = Some(v1::CommandInfo::default()),
            "'ExecutorInfo.command' must not be set for 'DEFAULT' executor",
        ),
        (
            |pod, _| pod.r#type = Some(executor_info::Type::Custom.into()),
            "'ExecutorInfo.command' must be set for 'CUSTOM' executor",
        ),
        (
            |pod, _| pod.container = Some(docker_container()),
            "'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor",
        ),
        (
            |pod, _| pod.resources[0] = v1::Resource::scalar_milli("cpus", 5),
            "Executor 'pod' uses less CPUs (0.005) than the minimum required (0.01)",
        ),
        (
            |pod, _| drop(pod.resources.remove(1)),
            "Executor 'pod' uses less memory (None) than the minimum required (32MB)",
        ),
        (|pod, _| drop(pod.resources.pop()), "Executor 'pod' uses no disk"),
        (
            |_, tasks| tasks[1].task_id = v1::TaskId::new("t1"),
            "Task 't1' is invalid: Task has duplicate ID: t1",
        ),
        (|_, tasks| tasks[1].resources.clear(), "Task 't2' is invalid: Task uses no resources"),
        (|_, tasks| tasks[1].command = None, "Task 't2' is invalid: 'TaskInfo.command' must be set"),
        (
            |_, tasks| tasks[1].container = Some(docker_container()),
            "Task 't2' is invalid: Docker ContainerInfo is not supported on the task",
        ),
        (
            |_, tasks| tasks[0].limits = [("cpus".to_owned(), v1::value::Scalar { value: 1.0 })].into(),
            "Task 't1' is invalid: Resource limits may only be set for tasks within a task group when the field \
             'share_cgroups' is set to 'false'.",
        ),
        (
            |_, tasks| tasks[1].resources[0] = v1::Resource::scalar_milli("cpus", 50_000),
            "Total resources cpus(allocated: web):50.2; mem(allocated: web):96; disk(allocated: web):16 required by \
             task group and its executor are more than available ports(allocated: web):[31000-31999]; \
             cpus(allocated: web):4; mem(allocated: web):4096; disk(allocated: web):100",
        ),
        (
            |_, tasks| tasks[1].resources[0].scalar = Some(v1::value::Scalar { value: -1.0 }),
            "Resource 'cpus(allocated: web):-1' is invalid: Invalid scalar resource: value <= 0",
        ),
    ];
    for (change, text) in cases {
        let (mut script, scheduler) = with_disk();
        let mut executor = pod(&scheduler);
        let mut tasks = vec![task(&script, "t1", "S0", 100), task(&script, "t2", "S0", 100)];
        change(&mut executor, &mut tasks);
        let ids: Vec<String> = tasks.iter().map(|task| task.task_id.value.clone()).collect();
        script.group(&scheduler, "O0", &executor, tasks);
        let expected: Vec<String> =
            ids.iter().map(|id| format!("1 UPDATE {id} TASK_ERROR TASK_GROUP_INVALID '{text}'")).collect();
        assert_eq!(script.drain(), expected);
    }
}

#[test]
fn an_executor_of_the_framework_is_told_apart_by_all_that_it_is() {
    let (mut script, scheduler) = with_disk();
    let mut first = task(&script, "t1", "S0", 100);
    first.command = None;
    first.executor = Some(worker());
    let mut second = TaskInfo { task_id: v1::TaskId::new("t2"), ..first.clone() };
    script.accept(&scheduler, &["O0"], vec![first, second.clone()], 0.0);
    script.check(&["S0 launch tasks [t1] in worker new=true", "S0 launch tasks [t2] in worker new=false"]);
    script.wait(SECOND);
    // 0.1 for each task and 0.5 for the executor.
    script.check(&["1 OFFERS O1@S0/web:3300"]);
    second.task_id = v1::TaskId::new("t3");
    second.executor.as_mut().unwrap().data = Some("else".into());
    script.accept(&scheduler, &["O1"], vec![second], 0.0);
    script.check(&[
        "1 UPDATE t3 TASK_ERROR TASK_INVALID 'ExecutorInfo is not compatible with existing ExecutorInfo \
                    with same ExecutorID.'",
    ]);
}

#[test]
fn messages_go_both_ways_while_the_agent_is_there() {
    let (mut script, scheduler) = with_disk();
    let agent = v1::AgentId::new(script.long("S0"));
    script.message(&scheduler, "worker", "ping");
    script.check(&["S0 message worker ping"]);
    let worker = v1::ExecutorId::new("worker");
    script.master.handle_executor_message(&agent, &scheduler.id, &worker, "pong\0".into());
    script.check(&["1 MESSAGE worker pong\\x00"]);
    script.master.handle_agent_lost(script.now, &agent, AgentLoss::Unreachable);
    script.drain();
    script.message(&scheduler, "worker", "ping");
    script.master.handle_executor_message(&agent, &scheduler.id, &worker, "pong".into());
    script.check(&[]);
}

#[test]
fn an_executor_holds_its_resources_through_the_loss_of_its_agent() {
    let (mut script, scheduler) = with_disk();
    let tasks = vec![task(&script, "t1", "S0", 100)];
    script.group(&scheduler, "O0", &pod(&scheduler), tasks);
    script.drain();
    let agent = v1::AgentId::new(script.long("S0"));
    script.master.handle_agent_lost(script.now, &agent, AgentLoss::Unreachable);
    script.master.handle_agent_returned(script.now, &agent);
    let lines = script.drain();
    assert!(lines.iter().any(|line| line.ends_with("@S0/web:3800")), "{lines:?}");
    // It ends while nobody hears of it.
    script.master.handle_agent_lost(script.now, &agent, AgentLoss::Unreachable);
    script.drain();
    script.exit(&scheduler, "pod", 0);
    script.check(&[]);
    script.master.handle_agent_returned(script.now, &agent);
    let lines = script.drain();
    assert!(lines.iter().any(|line| line.ends_with("@S0/web:3900")), "{lines:?}");
    script.master.handle_agent_lost(script.now, &agent, AgentLoss::Gone);
    script.drain();
}

#[test]
fn executors_outlive_the_master() {
    let (mut script, scheduler) = with_disk();
    let tasks = vec![task(&script, "t1", "S0", 100)];
    script.group(&scheduler, "O0", &pod(&scheduler), tasks);
    script.drain();
    let agent = v1::AgentId::new(script.long("S0"));
    let old = std::mem::replace(&mut script.master, Master::new(MasterConfig::new(2)));
    script.master = Master::after(MasterConfig::new(3), old);
    script.master.handle_agent_reregistered(script.now, &agent);
    script.check(&[]);
    let held = &script.master.frameworks[&scheduler.id.value].executors;
    assert_eq!(held.len(), 1);
    // Its end is told to the one who leads.
    script.exit_on(&agent, &scheduler, "pod", 0);
    assert!(script.master.frameworks[&scheduler.id.value].executors.is_empty());
    script.check(&[]);
}

#[test]
fn the_end_of_a_framework_frees_its_executors() {
    let (mut script, scheduler) = with_disk();
    let tasks = vec![task(&script, "t1", "S0", 100)];
    script.group(&scheduler, "O0", &pod(&scheduler), tasks);
    script.drain();
    assert_eq!(script.call(&scheduler, call::Type::Teardown, Call::default()), "202");
    let lines = script.drain();
    assert!(lines.iter().any(|line| line.starts_with("S0 shut down")), "{lines:?}");
    let agent = script.master.agents.values().next().unwrap();
    assert_eq!(agent.available, agent.total);
}

/// One agent with disk, and a scheduler that holds its offer O0.
fn with_disk() -> (Script, Scheduler) {
    let mut script = Script::new();
    let resources = vec![
        v1::Resource::scalar_milli("cpus", 4000),
        v1::Resource::scalar_milli("mem", 4_096_000),
        v1::Resource::scalar_milli("disk", 100_000),
        v1::Resource::ranges("ports", &v1::Ranges::single(31000, 31999)),
    ];
    let info = v1::AgentInfo { hostname: "agent.example".into(), resources, ..Default::default() };
    script.master.handle_agent_registered(script.now, AgentRegistration { info }).unwrap();
    let scheduler = script.subscribe(&aware("web"));
    script.drain();
    (script, scheduler)
}

fn pod(scheduler: &Scheduler) -> ExecutorInfo {
    ExecutorInfo {
        executor_id: v1::ExecutorId::new("pod"),
        framework_id: Some(scheduler.id.clone()),
        r#type: Some(executor_info::Type::Default.into()),
        resources: vec![
            v1::Resource::scalar_milli("cpus", 100),
            v1::Resource::scalar_milli("mem", 32_000),
            v1::Resource::scalar_milli("disk", 16_000),
        ],
        ..Default::default()
    }
}

fn worker() -> ExecutorInfo {
    ExecutorInfo {
        executor_id: v1::ExecutorId::new("worker"),
        command: Some(v1::CommandInfo { value: Some("work".into()), ..Default::default() }),
        resources: vec![v1::Resource::scalar_milli("cpus", 500)],
        ..Default::default()
    }
}

fn docker_container() -> v1::ContainerInfo {
    v1::ContainerInfo {
        r#type: v1::container_info::Type::Docker.into(),
        docker: Some(v1::container_info::DockerInfo::default()),
        ..Default::default()
    }
}

impl Script {
    fn group(&mut self, scheduler: &Scheduler, offer: &str, pod: &ExecutorInfo, tasks: Vec<TaskInfo>) {
        let operation = v1::offer::Operation {
            r#type: Some(operation::Type::LaunchGroup.into()),
            launch_group: Some(Box::new(operation::LaunchGroup {
                executor: pod.clone(),
                task_group: v1::TaskGroupInfo { tasks },
            })),
            ..Default::default()
        };
        let accept = call::Accept {
            offer_ids: self.offer_ids(&[offer]),
            operations: vec![operation],
            filters: Some(v1::Filters { refuse_seconds: Some(0.0) }),
        };
        let call = Call { accept: Some(accept), ..Default::default() };
        assert_eq!(self.call(scheduler, call::Type::Accept, call), "202");
    }

    fn message(&mut self, scheduler: &Scheduler, executor: &str, data: &'static str) {
        let message = call::Message {
            agent_id: v1::AgentId::new(self.long("S0")),
            executor_id: v1::ExecutorId::new(executor),
            data: data.into(),
        };
        let call = Call { message: Some(message), ..Default::default() };
        assert_eq!(self.call(scheduler, call::Type::Message, call), "202");
    }

    fn exit(&mut self, scheduler: &Scheduler, executor: &str, status: i32) {
        let agent = v1::AgentId::new(self.long("S0"));
        self.exit_on(&agent, scheduler, executor, status);
    }

    fn exit_on(&mut self, agent: &v1::AgentId, scheduler: &Scheduler, executor: &str, status: i32) {
        let executor = v1::ExecutorId::new(executor);
        self.master.handle_executor_exited(agent, &scheduler.id, &executor, status);
    }
}
