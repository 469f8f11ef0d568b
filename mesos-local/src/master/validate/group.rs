//! Groups of tasks before they start: the rules of tasks, and those that hold for groups alone.

use std::collections::BTreeSet;

use mesos_proto::v1::{
    ContainerInfo, ExecutorInfo, HealthCheck, Resource, TaskInfo, container_info, executor_info,
};

use super::{executor, ids, resources, task};
use crate::master::{
    amounts::{Amounts, allocated, resources_text},
    frameworks::Framework,
    offers::Offer,
};

/// What a group takes from an offer.
#[derive(Debug)]
pub(in crate::master) struct Need {
    /// Of each task.
    pub(in crate::master) tasks: Vec<Amounts>,
    /// Of the executor; `None` if it runs already.
    pub(in crate::master) executor: Option<Amounts>,
}

/// Less than this no executor works with.
const MIN_CPUS_MILLI: i64 = 10;
const MIN_MEM_MILLI: i64 = 32_000;

/// Checks a group whose resources have their role filled in.
pub(in crate::master) fn validate(
    executor: &ExecutorInfo,
    tasks: &[TaskInfo],
    framework: &Framework,
    offer: &Offer,
) -> Result<Need, String> {
    let all = tasks.iter().flat_map(|task| &task.resources).chain(&executor.resources);
    let all: Vec<Resource> = all.cloned().collect();
    resources::validate(&all)?;
    let mut seen = BTreeSet::new();
    for task in tasks {
        let invalid = |text: String| format!("Task '{}' is invalid: {text}", task.task_id);
        task::validate_alone(task, framework, offer).map_err(invalid)?;
        in_group(task).map_err(invalid)?;
        if !seen.insert(&task.task_id.value) {
            return Err(invalid(format!("Task has duplicate ID: {}", task.task_id)));
        }
    }
    own_executor(executor, framework)?;
    let is_running = executor::is_running(executor, framework, offer)?;
    fits(executor, tasks, is_running, offer, &all)
}

fn in_group(task: &TaskInfo) -> Result<(), String> {
    if task.executor.is_some() {
        return Err("'TaskInfo.executor' must not be set".into());
    }
    if task.command.is_none() {
        return Err("'TaskInfo.command' must be set".into());
    }
    if task.container.as_ref().is_some_and(is_docker) {
        return Err("Docker ContainerInfo is not supported on the task".into());
    }
    let has_networks = task.container.as_ref().is_some_and(|container| !container.network_infos.is_empty());
    let probes_network = |check: &HealthCheck| check.http.is_some() || check.tcp.is_some();
    if has_networks && task.health_check.as_ref().is_some_and(probes_network) {
        return Err(
            "HTTP and TCP health checks are not supported for tasks with networks of their own".into()
        );
    }
    let shares_cgroups = task
        .container
        .as_ref()
        .and_then(|container| container.linux_info.as_ref())
        .is_none_or(|linux| linux.share_cgroups());
    if shares_cgroups && !task.limits.is_empty() {
        return Err("Resource limits may only be set for tasks within a task group when the field \
                    'share_cgroups' is set to 'false'."
            .into());
    }
    Ok(())
}

fn own_executor(executor: &ExecutorInfo, framework: &Framework) -> Result<(), String> {
    ids::validate(&executor.executor_id.value).map_err(|text| format!("Executor ID is invalid: {text}"))?;
    let Some(framework_id) = &executor.framework_id else {
        return Err("'ExecutorInfo.framework_id' must be set".into());
    };
    if *framework_id != framework.id() {
        return Err(format!(
            "ExecutorInfo has an invalid FrameworkID (Actual: {framework_id} vs Expected: {})",
            framework.id()
        ));
    }
    if executor.r#type.is_none() {
        return Err("'ExecutorInfo.type' must be set".into());
    }
    executor::validate_type(executor)?;
    if executor.container.as_ref().is_some_and(is_docker) {
        return Err("Docker ContainerInfo is not supported on the executor".into());
    }
    if executor.r#type() == executor_info::Type::Default {
        enough(executor)?;
    }
    Ok(())
}

fn enough(executor: &ExecutorInfo) -> Result<(), String> {
    let id = &executor.executor_id;
    let of = |name: &str| -> Option<i64> {
        let amounts = executor.resources.iter().filter(|resource| resource.name == name);
        amounts.map(Resource::milli).reduce(i64::saturating_add)
    };
    let text = |milli: Option<i64>| {
        milli.map_or_else(|| "None".to_owned(), |milli| (milli as f64 / 1000.0).to_string())
    };
    let (cpus, mem) = (of("cpus"), of("mem"));
    if cpus.is_none_or(|cpus| cpus < MIN_CPUS_MILLI) {
        let cpus = text(cpus);
        return Err(format!("Executor '{id}' uses less CPUs ({cpus}) than the minimum required (0.01)"));
    }
    if mem.is_none_or(|mem| mem < MIN_MEM_MILLI) {
        let mem = text(mem);
        return Err(format!("Executor '{id}' uses less memory ({mem}) than the minimum required (32MB)"));
    }
    if of("disk").is_none() {
        return Err(format!("Executor '{id}' uses no disk"));
    }
    Ok(())
}

fn is_docker(container: &ContainerInfo) -> bool {
    container.r#type() == container_info::Type::Docker
}

/// All tasks and the executor together have to fit in what is left of the offer.
fn fits(
    executor: &ExecutorInfo,
    tasks: &[TaskInfo],
    is_running: bool,
    offer: &Offer,
    all: &[Resource],
) -> Result<Need, String> {
    let mut total = Amounts::default();
    let mut parts = Vec::with_capacity(tasks.len());
    for task in tasks {
        parts.push(task::amounts_of(&task.resources, offer));
    }
    let own = (!is_running).then(|| task::amounts_of(&executor.resources, offer));
    for part in parts.iter().chain(&own).flatten() {
        total.add(part);
    }
    let is_known = parts.iter().chain(&own).all(Option::is_some);
    if !is_known || !offer.amounts.contains(&total) {
        let wanted = if is_known { allocated(total.to_resources(), &offer.role) } else { all.to_vec() };
        return Err(format!(
            "Total resources {} required by task group and its executor are more than available {}",
            resources_text(&wanted),
            resources_text(&allocated(offer.amounts.to_resources(), &offer.role))
        ));
    }
    Ok(Need { tasks: parts.into_iter().flatten().collect(), executor: own.flatten() })
}
