//! Tasks that the master refuses, and its words.

use super::*;

/// One LAUNCH with every kind of bad task, in the words of a real master (its recording `task-error`).
#[test]
fn bad_tasks_are_refused_one_by_one() {
    let (mut script, scheduler) = Script::with_agents(1);
    let tasks = vec![task(&script, "dup", "S0", 100)];
    script.accept(&scheduler, &["O0"], tasks, 0.0);
    script.wait(SECOND);
    script.drain();
    let mut tasks = Vec::new();
    let mut expected = Vec::new();
    for (id, change, text) in bad_tasks() {
        let mut bad = task(&script, id, "S0", 100);
        change(&mut bad);
        tasks.push(bad);
        let text = text.replace("AGENT", &script.long("S0"));
        expected.push(script.short(&format!("1 UPDATE {id} TASK_ERROR TASK_INVALID '{text}'")));
    }
    tasks.push(task(&script, "almost", "S0", 3800));
    tasks.push(task(&script, "no-room", "S0", 200));
    tasks.push(task(&script, "last-good", "S0", 50));
    expected.push(
        "1 UPDATE no-room TASK_ERROR TASK_INVALID 'Total resources cpus(allocated: web):0.2; mem(allocated: web):32 \
         required by task and its executor is more than available ports(allocated: web):[31000-31999]; \
         cpus(allocated: web):0.1; mem(allocated: web):4032'"
            .into(),
    );
    expected.extend(["S0 launch almost".into(), "S0 launch last-good".into()]);
    script.accept(&scheduler, &["O1"], tasks, 0.0);
    assert_eq!(script.drain(), expected);
}

type BadTask = (&'static str, fn(&mut v1::TaskInfo), &'static str);

fn bad_tasks() -> Vec<BadTask> {
    vec![
        ("dup", |_| {}, "Task has duplicate ID: dup"),
        (
            "too-big",
            |task| task.resources[0] = v1::Resource::scalar_milli("cpus", 100_000),
            "Total resources cpus(allocated: web):100; mem(allocated: web):32 required by task and its executor is \
             more than available ports(allocated: web):[31000-31999]; cpus(allocated: web):3.9; \
             mem(allocated: web):4064",
        ),
        ("a/b", |_| {}, "'a/b' contains invalid characters"),
        ("no-resources", |task| task.resources.clear(), "Task uses no resources"),
        (
            "wrong-agent",
            |task| task.agent_id = v1::AgentId::new("elsewhere"),
            "Task uses invalid agent elsewhere while agent AGENT is expected",
        ),
        (
            "bad-port",
            |task| task.resources.push(v1::Resource::ranges("ports", &v1::Ranges::single(40000, 40000))),
            "Total resources cpus(allocated: web):0.1; mem(allocated: web):32; \
             ports(allocated: web):[40000-40000] required by task and its executor is more than available \
             ports(allocated: web):[31000-31999]; cpus(allocated: web):3.9; mem(allocated: web):4064",
        ),
        (
            "both",
            |task| task.executor = Some(v1::ExecutorInfo::default()),
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present",
        ),
        (
            "neither",
            |task| task.command = None,
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present",
        ),
        (
            "bad-health-check",
            |task| task.health_check = Some(v1::HealthCheck::default()),
            "Task uses invalid health check: HealthCheck must specify 'type'",
        ),
        (
            "bad-http-check",
            |task| {
                let http =
                    v1::health_check::HttpCheckInfo { path: Some("nope".into()), ..Default::default() };
                task.health_check = Some(v1::HealthCheck { http: Some(http), ..Default::default() });
            },
            "Task uses invalid health check: The path 'nope' of HTTP health check must start with '/'",
        ),
        (
            "bad-grace",
            |task| {
                let grace_period = Some(v1::DurationInfo { nanoseconds: -1 });
                task.kill_policy = Some(v1::KillPolicy { grace_period });
            },
            "Task's 'kill_policy.grace_period' must be non-negative",
        ),
        (
            "bad-limit",
            |task| task.limits = [("cpus".to_owned(), v1::value::Scalar { value: 0.01 })].into(),
            "The cpu limit must be greater than or equal to the cpu request",
        ),
        (
            "bad-limit-name",
            |task| task.limits = [("disk".to_owned(), v1::value::Scalar { value: 10.0 })].into(),
            "Only cpus and mem may be included in a task's resource limits",
        ),
        ("..", |_| {}, "'..' is disallowed"),
        ("", |_| {}, "ID must not be empty"),
        (
            "docker-name",
            |task| {
                let parameters = vec![v1::Parameter { key: "name".into(), value: "mine".into() }];
                let docker = v1::container_info::DockerInfo { parameters, ..Default::default() };
                task.container = Some(v1::ContainerInfo {
                    r#type: v1::container_info::Type::Docker.into(),
                    docker: Some(docker),
                    ..Default::default()
                });
            },
            "Task's `ContainerInfo` is invalid: Parameter in DockerInfo must not be 'name'",
        ),
        (
            "docker-missing",
            |task| {
                let r#type = v1::container_info::Type::Docker.into();
                task.container = Some(v1::ContainerInfo { r#type, ..Default::default() });
            },
            "Task's `ContainerInfo` is invalid: DockerInfo 'docker' is not set for DOCKER typed ContainerInfo",
        ),
        (
            "bad-env",
            |task| {
                let variables = vec![v1::environment::Variable { name: "A".into(), ..Default::default() }];
                task.command.as_mut().unwrap().environment = Some(v1::Environment { variables });
            },
            "Task's `CommandInfo` is invalid: Environment variable 'A' of type 'VALUE' must have a value set",
        ),
        (
            "two-roles",
            |task| {
                for (resource, role) in task.resources.iter_mut().zip(["web", "batch"]) {
                    resource.allocation_info = Some(v1::resource::AllocationInfo { role: Some(role.into()) });
                }
            },
            "Invalid task resources: The resources have multiple allocation roles ('batch' and 'web') but only one \
             allocation role is allowed",
        ),
    ]
}
