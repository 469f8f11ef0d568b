//! What a task means on an agent of processes: which program to start, or why it cannot be.

use std::{ffi::OsString, time::Duration};

use mesos_proto::v1::{
    self, CommandInfo, Ranges, TaskInfo,
    container_info::{self, DockerInfo, docker_info},
};

use super::{AgentContext, kin::SANDBOX_VARIABLES, process::Program, sandbox::Sandbox};

/// Port that action containers listen on.
const CONTAINER_PORT: u32 = 8080;

/// Which executor of Mesos is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A command.
    Command,
    /// A Docker container; the action runtime takes its place.
    Container,
}

/// A task that can be started.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) role: Role,
    pub(super) program: Program,
    /// The task runs once this port of the machine accepts connections.
    pub(super) port: Option<u16>,
    /// From SIGTERM to SIGKILL, unless a kill says otherwise.
    pub(super) grace: Duration,
    pub(super) max_completion_time: Option<Duration>,
}

impl Plan {
    /// # Errors
    /// Says what the agent cannot do, or what is wrong with the task.
    pub(super) fn new(
        task: &TaskInfo,
        context: &AgentContext,
        base: &[(&str, String)],
        sandbox: &Sandbox,
    ) -> Result<Self, String> {
        let Some(command) = &task.command else {
            return Err("custom executors are not supported by this agent".into());
        };
        if let Some(uri) = command.uris.first() {
            return Err(format!("fetching of URIs is not supported by this agent: {}", uri.value));
        }
        if task.health_check.is_some() || task.check.is_some() {
            return Err("checks and health checks are not supported by this agent".into());
        }
        let docker = match &task.container {
            Some(container) => docker(container)?,
            None => None,
        };
        let (role, port, (path, argv0, arguments)) = match docker {
            Some(docker) => {
                let port = host_port(docker, task)?;
                (Role::Container, Some(port), action_runtime(docker, context, port)?)
            }
            None => (Role::Command, None, shell_or_program(command)?),
        };
        let environment = environment(command, task, base, sandbox)?;
        let default_grace = match role {
            Role::Command => Duration::from_secs(3),
            Role::Container => Duration::from_secs(5),
        };
        Ok(Self {
            role,
            program: Program {
                path,
                argv0,
                arguments,
                environment,
                ends_with_stdin: role == Role::Container,
            },
            port,
            grace: task.kill_policy.as_ref().and_then(grace).unwrap_or(default_grace),
            max_completion_time: task.max_completion_time.as_ref().map(duration),
        })
    }
}

/// The grace period of a policy that has one.
pub(super) fn grace(policy: &v1::KillPolicy) -> Option<Duration> {
    policy.grace_period.as_ref().map(duration)
}

fn duration(info: &v1::DurationInfo) -> Duration {
    Duration::from_nanos(u64::try_from(info.nanoseconds).unwrap_or(0))
}

type Argv = (OsString, Option<OsString>, Vec<OsString>);

fn shell_or_program(command: &CommandInfo) -> Result<Argv, String> {
    let arguments = || command.arguments.iter().map(OsString::from);
    match (&command.value, command.shell()) {
        (Some(value), true) => Ok(("/bin/sh".into(), Some("sh".into()), vec!["-c".into(), value.into()])),
        (None, true) => Err("Shell specified but no command value provided".into()),
        (None, false) => Err("no executable is given and there is no image that could have one".into()),
        // The first of the arguments is the program's name for itself.
        (Some(value), false) => Ok((value.into(), arguments().next(), arguments().skip(1).collect())),
    }
}

/// The Docker part of a container; `None` for a container that is no more than the process itself.
fn docker(container: &v1::ContainerInfo) -> Result<Option<&DockerInfo>, String> {
    if !container.volumes.is_empty() {
        return Err("volumes are not supported by this agent".into());
    }
    match container.r#type() {
        container_info::Type::Docker => Ok(container.docker.as_ref()),
        container_info::Type::Mesos => {
            if container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some()) {
                return Err("images are not supported by this agent outside of Docker containers".into());
            }
            if container.network_infos.iter().any(|network| network.name.is_some()) {
                return Err("container networks are not supported by this agent".into());
            }
            Ok(None)
        }
    }
}

/// The port of the machine that stands for port 8080 of the container.
fn host_port(docker: &DockerInfo, task: &TaskInfo) -> Result<u16, String> {
    let options = |text: String| format!("Failed to create docker run options: {text}");
    let mappings = &docker.port_mappings;
    match docker.network() {
        docker_info::Network::Bridge => {}
        docker_info::Network::Host if mappings.is_empty() => {
            return u16::try_from(CONTAINER_PORT).map_err(|error| error.to_string());
        }
        docker_info::Network::Host | docker_info::Network::None if !mappings.is_empty() => {
            return Err(options(
                "Port mappings are only supported for bridge and user-defined networks".into(),
            ));
        }
        network @ (docker_info::Network::Host | docker_info::Network::None | docker_info::Network::User) => {
            return Err(format!("Docker network {} is not supported by this agent", network.as_str_name()));
        }
    }
    let mut ports = Ranges::default();
    for resource in task.resources.iter().filter(|resource| resource.name == "ports") {
        ports.add(&resource.ranges.as_ref().map(Ranges::from_value).unwrap_or_default());
    }
    for mapping in mappings {
        if ports.is_empty() {
            return Err(options("Port mappings require port resources".into()));
        }
        if !ports.contains_number(mapping.host_port.into()) {
            return Err(options(format!("Port [{}] not included in resources", mapping.host_port)));
        }
    }
    let mapping = mappings.iter().find(|mapping| mapping.container_port == CONTAINER_PORT);
    let port = mapping.and_then(|mapping| u16::try_from(mapping.host_port).ok());
    port.ok_or_else(|| {
        let mapped: Vec<_> = mappings.iter().map(|mapping| mapping.container_port.to_string()).collect();
        format!("the action runtime listens on port {CONTAINER_PORT}, mapped are [{}]", mapped.join(", "))
    })
}

/// The action runtime in place of an image.
fn action_runtime(docker: &DockerInfo, context: &AgentContext, port: u16) -> Result<Argv, String> {
    let image = &docker.image;
    let kind = [("python", "python"), ("node", "nodejs"), ("dockerskeleton", "native")]
        .iter()
        .find(|(part, _)| image.contains(part))
        .map(|(_, kind)| *kind);
    let Some(kind) = kind else {
        return Err(format!(
            "image '{image}' cannot be run without Docker; this agent has action runtimes for images whose name \
             contains python, node or dockerskeleton"
        ));
    };
    let Some((path, first)) = context.action_runtime.as_deref().and_then(<[OsString]>::split_first) else {
        return Err(format!("image '{image}' cannot be run: this agent has no Docker and no action runtime"));
    };
    let mut arguments = first.to_vec();
    arguments.extend(["--kind", kind, "--port", &port.to_string(), "--exit-with-stdin"].map(OsString::from));
    Ok((path.clone(), None, arguments))
}

/// Nothing of the agent's own environment but the search path; the task's variables win.
fn environment(
    command: &CommandInfo,
    task: &TaskInfo,
    base: &[(&str, String)],
    sandbox: &Sandbox,
) -> Result<Vec<(OsString, OsString)>, String> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let mut environment: Vec<(OsString, OsString)> =
        vec![("PATH".into(), path), ("MESOS_TASK_ID".into(), task.task_id.value.clone().into())];
    environment.extend(SANDBOX_VARIABLES.map(|name| (name.into(), sandbox.directory.clone().into())));
    environment.extend(base.iter().map(|(name, value)| ((*name).into(), value.into())));
    for variable in command.environment.iter().flat_map(|environment| &environment.variables) {
        let name = &variable.name;
        let Some(value) = &variable.value else {
            return Err(format!(
                "environment variable '{name}' is a secret, which this agent cannot resolve"
            ));
        };
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(format!(
                "environment variable '{}' cannot be given to a process",
                name.escape_default()
            ));
        }
        environment.push((name.into(), value.into()));
    }
    Ok(environment)
}
