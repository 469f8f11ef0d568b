//! What a task means on an agent of processes: which program to start, or why it cannot be.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
    time::Duration,
};

use mesos_proto::v1::{self, CommandInfo, TaskInfo, container_info};

use super::{
    AgentContext,
    checks::{CheckPlan, Ports, Reach},
    docker::{self, Docker},
    kin::SANDBOX_VARIABLES,
    process::Program,
    sandbox::Sandbox,
};

/// Which executor of Mesos is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A command.
    Command,
    /// A Docker container; another program takes its place.
    Container,
    /// A task of a group: a container within that of its executor.
    Nested,
}

/// Why a task is not started.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The agent cannot make the container.
    Launch(String),
    /// The executor, which lives by then, cannot make sense of the task.
    Executor(String),
    /// The executor dies of the task.
    Abort,
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self::Launch(text)
    }
}

/// A task that can be started.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) program: Program,
    pub(super) checks: CheckPlan,
    /// What there is to a Docker container.
    pub(super) docker: Option<Docker>,
    /// From SIGTERM to SIGKILL, unless a kill says otherwise.
    pub(super) grace: Duration,
    pub(super) max_completion_time: Option<Duration>,
}

impl Role {
    /// The executor for a task that is launched by itself.
    pub(super) fn of(task: &TaskInfo) -> Self {
        let kind = task.container.as_ref().map(v1::ContainerInfo::r#type);
        match kind {
            Some(container_info::Type::Docker) => Self::Container,
            Some(container_info::Type::Mesos) | None => Self::Command,
        }
    }

    fn default_grace(self) -> Duration {
        match self {
            Self::Command | Self::Nested => Duration::from_secs(3),
            Self::Container => Duration::from_secs(5),
        }
    }
}

impl Plan {
    /// # Errors
    /// Says what the agent cannot do, or what is wrong with the task.
    pub(super) fn new(
        task: &TaskInfo,
        role: Role,
        context: &AgentContext,
        base: &[(&str, String)],
        sandbox: &Sandbox,
    ) -> Result<Self, Refusal> {
        let command = task
            .command
            .as_ref()
            .ok_or_else(|| "a task without a command needs an executor of its own".to_owned())?;
        let mut environment = environment(base, sandbox);
        environment.push(("MESOS_TASK_ID".into(), task.task_id.value.clone().into()));
        add_variables(&mut environment, command)?;
        let (docker, (path, argv0, arguments)) = match role {
            Role::Container => {
                let docker = Docker::new(task, context)?;
                let program = docker.program(command, context)?;
                (Some(docker), program)
            }
            Role::Command | Role::Nested => {
                task.container.as_ref().map_or(Ok(()), plain)?;
                (None, shell_or_program(command)?)
            }
        };
        let ports = docker.as_ref().map_or(&Ports::Machine, |docker| &docker.ports);
        let checks = CheckPlan::new(task, Reach { ports, environment: &environment, sandbox })?;
        let ends_with_stdin = docker.as_ref().is_some_and(|docker| docker.ends_with_stdin);
        Ok(Self {
            program: Program { path, argv0, arguments, environment, ends_with_stdin },
            checks,
            docker,
            grace: task.kill_policy.as_ref().and_then(grace).unwrap_or(role.default_grace()),
            max_completion_time: task.max_completion_time.as_ref().map(duration),
        })
    }
}

/// The grace period of a policy that has one.
pub(super) fn grace(policy: &v1::KillPolicy) -> Option<Duration> {
    policy.grace_period.as_ref().map(duration)
}

pub(super) fn duration(info: &v1::DurationInfo) -> Duration {
    Duration::from_nanos(u64::try_from(info.nanoseconds).unwrap_or(0))
}

/// A path, what replaces the first argument, and the others.
pub(super) type Argv = (OsString, Option<OsString>, Vec<OsString>);

pub(super) fn shell_or_program(command: &CommandInfo) -> Result<Argv, String> {
    let arguments = || command.arguments.iter().map(OsString::from);
    match (&command.value, command.shell()) {
        (Some(value), true) => Ok(("/bin/sh".into(), Some("sh".into()), vec!["-c".into(), value.into()])),
        (None, true) => Err(docker::NO_SHELL_COMMAND.into()),
        (None, false) => Err("no executable is given and there is no image that could have one".into()),
        // The first of the arguments is the program's name for itself.
        (Some(value), false) => Ok((value.into(), arguments().next(), arguments().skip(1).collect())),
    }
}

/// A container that is no more than the process itself.
fn plain(container: &v1::ContainerInfo) -> Result<(), String> {
    if container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some()) {
        return Err("images are not supported by this agent outside of Docker containers".into());
    }
    if container.network_infos.iter().any(|network| network.name.is_some()) {
        return Err("container networks are not supported by this agent".into());
    }
    Ok(())
}

/// Nothing of the agent's own environment but the search path.
pub(super) fn environment(base: &[(&str, String)], sandbox: &Sandbox) -> Vec<(OsString, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let mut environment: Vec<(OsString, OsString)> = vec![("PATH".into(), path)];
    environment.extend(SANDBOX_VARIABLES.map(|name| (name.into(), sandbox.directory.clone().into())));
    environment.extend(base.iter().map(|(name, value)| ((*name).into(), value.into())));
    environment
}

/// Adds the variables of a command, which win over those before.
pub(super) fn add_variables(
    environment: &mut Vec<(OsString, OsString)>,
    command: &CommandInfo,
) -> Result<(), String> {
    for variable in command.environment.iter().flat_map(|environment| &environment.variables) {
        let name = &variable.name;
        let value = value_of(variable).ok_or_else(|| {
            format!("environment variable '{name}' is a secret by reference, which this agent cannot resolve")
        })?;
        if name.is_empty() || name.contains(['=', '\0']) || value.contains(&0) {
            return Err(format!(
                "environment variable '{}' cannot be given to a process",
                name.escape_default()
            ));
        }
        environment.push((name.into(), OsStr::from_bytes(value).into()));
    }
    Ok(())
}

/// The value of a variable, or that of a secret which brings it along; `None` for one that refers to a store.
fn value_of(variable: &v1::environment::Variable) -> Option<&[u8]> {
    match (&variable.value, &variable.secret) {
        (Some(value), _) => Some(value.as_bytes()),
        (None, Some(secret)) => secret.value.as_ref().map(|value| &*value.data),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use mesos_proto::v1::{Environment, Secret, environment::Variable, secret};

    use super::*;

    #[test]
    fn variables_come_after_those_that_were_there() {
        let variable = |name: &str, value: Option<&str>, data: Option<&'static str>| Variable {
            name: name.into(),
            value: value.map(Into::into),
            secret: data
                .map(|data| Secret { value: Some(secret::Value { data: data.into() }), ..Secret::default() }),
            ..Variable::default()
        };
        for (added, expected) in [
            (variable("A", Some("1"), None), Ok("1")),
            (variable("A", None, Some("hidden")), Ok("hidden")),
            (variable("A", None, None), Err("secret by reference")),
            (variable("A=", Some("1"), None), Err("cannot be given")),
            (variable("", Some("1"), None), Err("cannot be given")),
            (variable("A", Some("1\0"), None), Err("cannot be given")),
        ] {
            let environment = Some(Environment { variables: vec![added] });
            let command = CommandInfo { environment, ..CommandInfo::default() };
            let mut variables = vec![("A".into(), "0".into())];
            match (add_variables(&mut variables, &command), expected) {
                (Ok(()), Ok(value)) => assert_eq!(variables[1], ("A".into(), value.into())),
                (Err(text), Err(part)) => assert!(text.contains(part), "{text}"),
                (got, expected) => panic!("{got:?} instead of {expected:?}"),
            }
        }
    }
}
