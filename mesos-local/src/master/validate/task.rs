//! Tasks before they start, rule by rule in the order of a real master.

use std::collections::BTreeSet;

use mesos_proto::v1::{
    CheckInfo, CommandInfo, ContainerInfo, ExecutorInfo, HealthCheck, Resource, TaskInfo, check_info,
    container_info, environment, executor_info, health_check, milli,
};

use super::{executor, ids, resources};
use crate::master::{
    amounts::{Amounts, allocated, resources_text},
    frameworks::Framework,
    offers::Offer,
};

/// What a task takes from an offer.
#[derive(Debug)]
pub(in crate::master) struct Need {
    pub(in crate::master) task: Amounts,
    /// Of an executor that does not run yet.
    pub(in crate::master) executor: Option<Amounts>,
}

/// Checks a task that is launched by itself, whose resources have their role filled in.
pub(in crate::master) fn validate(
    task: &TaskInfo,
    framework: &Framework,
    offer: &Offer,
) -> Result<Need, String> {
    validate_alone(task, framework, offer)?;
    match (&task.command, &task.executor) {
        (Some(_), Some(_)) | (None, None) => {
            Err("Task should have at least one (but not both) of CommandInfo or ExecutorInfo present".into())
        }
        (None, Some(executor)) => {
            ids::validate(&executor.executor_id.value)
                .map_err(|text| format!("Executor ID is invalid: {text}"))?;
            // Unset counts as CUSTOM.
            if executor.r#type.is_some_and(|kind| kind != i32::from(executor_info::Type::Custom)) {
                return Err("'ExecutorInfo.type' must be 'CUSTOM'".into());
            }
            if executor.command.is_none() {
                return Err("'ExecutorInfo.command' must be set for 'CUSTOM' executor".into());
            }
            let is_running = executor::is_running(executor, framework, offer)?;
            fits(task, (!is_running).then_some(executor), offer)
        }
        (Some(_), None) => fits(task, None, offer),
    }
}

/// The rules that are the same whether a task is launched by itself or in a group.
pub(super) fn validate_alone(task: &TaskInfo, framework: &Framework, offer: &Offer) -> Result<(), String> {
    let id = &task.task_id.value;
    ids::validate(id)?;
    if framework.tasks.contains_key(id) {
        return Err(format!("Task has duplicate ID: {id}"));
    }
    if framework.unreachable.contains_key(id) {
        return Err(format!("Task reuses the ID of an unreachable task: {id}"));
    }
    if task.agent_id.value != offer.agent {
        return Err(format!(
            "Task uses invalid agent {} while agent {} is expected",
            task.agent_id, offer.agent
        ));
    }
    times(task)?;
    if let Some(check) = &task.check {
        check_info(check).map_err(|text| format!("Task uses invalid check: {text}"))?;
    }
    if let Some(check) = &task.health_check {
        health(check).map_err(|text| format!("Task uses invalid health check: {text}"))?;
    }
    if task.resources.is_empty() {
        return Err("Task uses no resources".into());
    }
    one_role(task)?;
    if let Some(command) = &task.command {
        environment(command).map_err(|text| format!("Task's `CommandInfo` is invalid: {text}"))?;
    }
    if let Some(container) = &task.container {
        container_info(container).map_err(|text| format!("Task's `ContainerInfo` is invalid: {text}"))?;
    }
    limits(task)
}

fn times(task: &TaskInfo) -> Result<(), String> {
    let grace = task.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
    if grace.is_some_and(|grace| grace.nanoseconds < 0) {
        return Err("Task's 'kill_policy.grace_period' must be non-negative".into());
    }
    if task.max_completion_time.as_ref().is_some_and(|time| time.nanoseconds < 0) {
        return Err("Task's `max_completion_time` must be non-negative".into());
    }
    Ok(())
}

fn health(check: &HealthCheck) -> Result<(), String> {
    let kind = match check.r#type.and_then(|number| health_check::Type::try_from(number).ok()) {
        Some(kind) => kind,
        // The type may be left out where only one is possible.
        None => match (&check.command, &check.http) {
            (Some(_), None) => health_check::Type::Command,
            (None, Some(_)) => health_check::Type::Http,
            (Some(_), Some(_)) | (None, None) => return Err("HealthCheck must specify 'type'".into()),
        },
    };
    match kind {
        health_check::Type::Command => {
            let command =
                check.command.as_ref().ok_or("Expecting 'command' to be set for COMMAND health check")?;
            environment(command)?;
        }
        health_check::Type::Http => {
            let http = check.http.as_ref().ok_or("Expecting 'http' to be set for HTTP health check")?;
            if let Some(scheme) = http.scheme.as_deref().filter(|scheme| !matches!(*scheme, "http" | "https"))
            {
                return Err(format!("Unsupported HTTP health check scheme: '{scheme}'"));
            }
            absolute(http.path.as_deref(), "health check")?;
        }
        health_check::Type::Tcp => {
            check.tcp.as_ref().ok_or("Expecting 'tcp' to be set for TCP health check")?;
        }
        health_check::Type::Unknown => return Err("'UNKNOWN' is not a valid health check type".into()),
    }
    non_negative("delay_seconds", check.delay_seconds)?;
    non_negative("grace_period_seconds", check.grace_period_seconds)?;
    non_negative("interval_seconds", check.interval_seconds)?;
    non_negative("timeout_seconds", check.timeout_seconds)
}

fn check_info(check: &CheckInfo) -> Result<(), String> {
    match check.r#type.and_then(|number| check_info::Type::try_from(number).ok()) {
        Some(check_info::Type::Command) => {
            let command = check.command.as_ref().ok_or("Expecting 'command' to be set for COMMAND check")?;
            environment(&command.command)?;
        }
        Some(check_info::Type::Http) => {
            let http = check.http.as_ref().ok_or("Expecting 'http' to be set for HTTP check")?;
            absolute(http.path.as_deref(), "check")?;
        }
        Some(check_info::Type::Tcp) => {
            check.tcp.as_ref().ok_or("Expecting 'tcp' to be set for TCP check")?;
        }
        Some(check_info::Type::Unknown) => return Err("'UNKNOWN' is not a valid check type".into()),
        None => return Err("CheckInfo must specify 'type'".into()),
    }
    non_negative("delay_seconds", check.delay_seconds)?;
    non_negative("interval_seconds", check.interval_seconds)?;
    non_negative("timeout_seconds", check.timeout_seconds)
}

fn absolute(path: Option<&str>, kind: &str) -> Result<(), String> {
    match path.filter(|path| !path.starts_with('/')) {
        Some(path) => Err(format!("The path '{path}' of HTTP {kind} must start with '/'")),
        None => Ok(()),
    }
}

fn non_negative(name: &str, seconds: Option<f64>) -> Result<(), String> {
    if seconds.is_some_and(|seconds| seconds < 0.0) {
        return Err(format!("Expecting '{name}' to be non-negative"));
    }
    Ok(())
}

/// All resources of a task are allocated to one role.
fn one_role(task: &TaskInfo) -> Result<(), String> {
    let roles =
        task.resources.iter().filter_map(|resource| resource.allocation_info.as_ref()?.role.as_deref());
    let roles: BTreeSet<&str> = roles.collect();
    let mut roles = roles.into_iter();
    if let (Some(first), Some(second)) = (roles.next(), roles.next()) {
        return Err(format!(
            "Invalid task resources: The resources have multiple allocation roles ('{first}' and '{second}') but \
             only one allocation role is allowed"
        ));
    }
    Ok(())
}

fn environment(command: &CommandInfo) -> Result<(), String> {
    for variable in command.environment.iter().flat_map(|environment| &environment.variables) {
        let name = &variable.name;
        match variable.r#type() {
            environment::variable::Type::Value => {
                if variable.secret.is_some() {
                    return Err(format!(
                        "Environment variable '{name}' of type 'VALUE' must not have a secret set"
                    ));
                }
                if variable.value.is_none() {
                    return Err(format!(
                        "Environment variable '{name}' of type 'VALUE' must have a value set"
                    ));
                }
            }
            environment::variable::Type::Secret => {
                if variable.value.is_some() {
                    return Err(format!(
                        "Environment variable '{name}' of type 'SECRET' must not have a value set"
                    ));
                }
                if variable.secret.is_none() {
                    return Err(format!(
                        "Environment variable '{name}' of type 'SECRET' must have a secret set"
                    ));
                }
            }
            environment::variable::Type::Unknown => {
                return Err(format!("Environment variable '{name}' of type 'UNKNOWN' is not allowed"));
            }
        }
    }
    Ok(())
}

fn container_info(container: &ContainerInfo) -> Result<(), String> {
    for volume in &container.volumes {
        let sources = [volume.host_path.is_some(), volume.image.is_some(), volume.source.is_some()];
        if sources.into_iter().filter(|set| *set).count() > 1 {
            return Err("Only one of 'host_path', 'image' and 'source' can be set for a volume".into());
        }
    }
    if container.r#type() == container_info::Type::Docker {
        let docker = container
            .docker
            .as_ref()
            .ok_or("DockerInfo 'docker' is not set for DOCKER typed ContainerInfo")?;
        if docker.parameters.iter().any(|parameter| parameter.key == "name") {
            return Err("Parameter in DockerInfo must not be 'name'".into());
        }
    }
    Ok(())
}

fn limits(task: &TaskInfo) -> Result<(), String> {
    for (name, limit) in &task.limits {
        let short = match name.as_str() {
            "cpus" => "cpu",
            "mem" => "memory",
            _ => return Err("Only cpus and mem may be included in a task's resource limits".into()),
        };
        let request: i64 = task
            .resources
            .iter()
            .filter(|resource| resource.name == *name)
            .map(|resource| resource.milli())
            .fold(0, i64::saturating_add);
        if request == 0 {
            return Err(format!(
                "When a {short} limit is specified, a {short} request must also be specified"
            ));
        }
        if milli(limit.value) < request {
            return Err(format!("The {short} limit must be greater than or equal to the {short} request"));
        }
    }
    Ok(())
}

/// Task and executor together have to fit in what is left of the offer.
fn fits(task: &TaskInfo, executor: Option<&ExecutorInfo>, offer: &Offer) -> Result<Need, String> {
    let mut total = task.resources.clone();
    let mut amounts = amounts_of(&task.resources, offer);
    let mut own = None;
    if let Some(executor) = executor {
        resources::validate(&executor.resources)
            .map_err(|text| format!("Executor uses invalid resources: {text}"))?;
        let resources = allocated(executor.resources.clone(), &offer.role);
        own = amounts_of(&resources, offer);
        amounts = amounts.filter(|_| own.is_some());
        total.extend(resources);
    }
    let mut sum = amounts.clone().unwrap_or_default();
    sum.add(own.as_ref().unwrap_or(&Amounts::default()));
    match amounts.filter(|_| offer.amounts.contains(&sum)) {
        Some(task) => Ok(Need { task, executor: own }),
        None => Err(format!(
            "Total resources {} required by task and its executor is more than available {}",
            resources_text(&total),
            resources_text(&allocated(offer.amounts.to_resources(), &offer.role))
        )),
    }
}

/// Amounts of the offer's role; `None` if there are others among them.
pub(super) fn amounts_of(resources: &[Resource], offer: &Offer) -> Option<Amounts> {
    let same_role = resources.iter().all(|resource| {
        resource.allocation_info.as_ref().and_then(|info| info.role.as_deref()) == Some(&offer.role)
    });
    Amounts::from_resources(resources).filter(|_| same_role)
}
