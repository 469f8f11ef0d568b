//! Docker tasks without Docker: the options of `docker run`, and the program that plays an image.

use std::ffi::OsString;

use mesos_proto::v1::{
    CommandInfo, Ranges, TaskInfo,
    container_info::{DockerInfo, docker_info},
};

use super::{
    AgentContext,
    checks::Ports,
    plan::{self, Argv, Refusal},
};

pub(super) const NO_SHELL_COMMAND: &str = "Shell specified but no command value provided";

/// Port that action containers listen on.
const CONTAINER_PORT: u32 = 8080;

/// A container that can be run.
#[derive(Clone, Debug)]
pub(super) struct Docker {
    pub(super) info: DockerInfo,
    pub(super) ports: Ports,
    player: Player,
    pub(super) ends_with_stdin: bool,
}

/// What plays an image.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Player {
    /// The action runtime of this kind, or its web server, on this port of the machine.
    ActionRuntime { kind: &'static str, port: u16 },
    /// The program that the configuration names for the image.
    Program(Vec<OsString>),
}

impl Docker {
    /// Looks for the image first, as a real agent pulls it before anything else is known.
    ///
    /// # Errors
    /// Nothing here plays the image, the options make no sense, or the executor would not live through it.
    pub(super) fn new(task: &TaskInfo, context: &AgentContext) -> Result<Self, Refusal> {
        let info = task.container.as_ref().and_then(|container| container.docker.clone());
        let info = info.ok_or_else(|| "no DockerInfo is given".to_owned())?;
        let kind = find_player(&info.image, context)?;
        if task.check.is_some() {
            return Err(Refusal::Abort);
        }
        let ports = ports(&info, task).map_err(options)?;
        let player = kind.on(&info.image, &ports)?;
        let is_command = task.command.as_ref().is_some_and(|command| command.shell());
        let ends_with_stdin = matches!(player, Player::ActionRuntime { .. }) && !is_command;
        Ok(Self { info, ports, player, ends_with_stdin })
    }

    /// The port of the machine that answers when the container is ready for work; `None` if nothing tells.
    pub(super) fn ready_port(&self) -> Option<u16> {
        match self.player {
            Player::ActionRuntime { port, .. } if self.ends_with_stdin => Some(port),
            Player::ActionRuntime { .. } | Player::Program(_) => None,
        }
    }

    /// The ports of the machine that stand for those of the container.
    pub(super) fn mapped(&self) -> &[(u32, u16)] {
        match &self.ports {
            Ports::Machine => &[],
            Ports::Mapped(mapped) => mapped,
        }
    }

    /// What to start for a command: `shell` replaces the image's own program, other values are arguments of it.
    pub(super) fn program(&self, command: &CommandInfo, context: &AgentContext) -> Result<Argv, Refusal> {
        if command.shell() {
            return plan::shell_or_program(command).map_err(options);
        }
        let added = command.value.iter().chain(&command.arguments).map(OsString::from);
        let (mut words, added): (Vec<OsString>, Vec<OsString>) = match &self.player {
            Player::ActionRuntime { kind, port } => {
                let mut words = context.action_runtime.clone().unwrap_or_default();
                words.extend(
                    ["--kind", kind, "--port", &port.to_string(), "--exit-with-stdin"].map(OsString::from),
                );
                // The proxies of action images take no arguments.
                (words, Vec::new())
            }
            Player::Program(words) => {
                (words.iter().map(|word| with_ports(word, self.mapped())).collect(), added.collect())
            }
        };
        words.extend(added);
        let mut words = words.into_iter();
        let path = words.next().ok_or_else(|| format!("image '{}' has no program", self.info.image))?;
        Ok((path, None, words.collect()))
    }
}

/// Puts ports of the machine in the place of `{8080}`.
fn with_ports(word: &OsString, mapped: &[(u32, u16)]) -> OsString {
    let Some(text) = word.to_str() else {
        return word.clone();
    };
    let replaced = mapped
        .iter()
        .fold(text.to_owned(), |text, (of, to)| text.replace(&format!("{{{of}}}"), &to.to_string()));
    replaced.into()
}

fn options(text: String) -> Refusal {
    Refusal::Executor(format!("Failed to create docker run options: {text}"))
}

/// Which ports of the machine the container has.
fn ports(docker: &DockerInfo, task: &TaskInfo) -> Result<Ports, String> {
    let mappings = &docker.port_mappings;
    match docker.network() {
        docker_info::Network::Bridge => {}
        docker_info::Network::Host if mappings.is_empty() => return Ok(Ports::Machine),
        docker_info::Network::None if mappings.is_empty() => return Ok(Ports::Mapped(Vec::new())),
        docker_info::Network::Host | docker_info::Network::None => {
            return Err("Port mappings are only supported for bridge and user-defined networks".into());
        }
        docker_info::Network::User => user_network(task)?,
    }
    if !mappings.is_empty() && task.resources.is_empty() {
        return Err("Port mappings require resources".into());
    }
    let mut granted = Ranges::default();
    for resource in task.resources.iter().filter(|resource| resource.name == "ports") {
        granted.add(&resource.ranges.as_ref().map(Ranges::from_value).unwrap_or_default());
    }
    let mut mapped = Vec::with_capacity(mappings.len());
    for mapping in mappings {
        if granted.is_empty() {
            return Err("Port mappings require port resources".into());
        }
        match u16::try_from(mapping.host_port) {
            Ok(port) if granted.contains_number(port.into()) => mapped.push((mapping.container_port, port)),
            Ok(_) | Err(_) => return Err(format!("Port [{}] not included in resources", mapping.host_port)),
        }
    }
    Ok(Ports::Mapped(mapped))
}

/// A network of the user's own is played like the bridge; it has to be exactly one.
fn user_network(task: &TaskInfo) -> Result<(), String> {
    let networks = task.container.as_ref().map_or(&[][..], |container| &container.network_infos);
    match networks {
        [] => Err("No network info found in container info".into()),
        [network] if network.name.is_none() => Err("No network name found in network info".into()),
        [_] => Ok(()),
        [..] => Err("Only a single network can be defined in Docker run".into()),
    }
}

/// What is there for an image, before its ports are known.
enum Found {
    ActionRuntime(&'static str),
    Program(Vec<OsString>),
}

/// # Errors
/// Nothing plays the image: in the words of a pull that failed.
fn find_player(image: &str, context: &AgentContext) -> Result<Found, String> {
    if let Some(words) = context.images.get(image) {
        return Ok(Found::Program(words.clone()));
    }
    let kind = [("python", "python"), ("node", "nodejs"), ("dockerskeleton", "native"), ("httpd", "httpd")]
        .iter()
        .find(|(part, _)| image.contains(part))
        .map(|(_, kind)| *kind);
    let has_runtime = context.action_runtime.as_ref().is_some_and(|words| !words.is_empty());
    match kind {
        Some(kind) if has_runtime => Ok(Found::ActionRuntime(kind)),
        Some(_) | None => {
            let why = if kind.is_some() { "no action runtime" } else { "no program for this image" };
            Err(format!(
                "Failed to run 'docker -H unix:///var/run/docker.sock pull {image}': exited with status 1; \
                 stderr='image '{image}' not found: this agent has no Docker and {why}'"
            ))
        }
    }
}

impl Found {
    fn on(self, image: &str, ports: &Ports) -> Result<Player, String> {
        let kind = match self {
            Self::Program(words) => return Ok(Player::Program(words)),
            Self::ActionRuntime(kind) => kind,
        };
        let port = match ports {
            Ports::Machine => u16::try_from(CONTAINER_PORT).ok(),
            Ports::Mapped(mapped) => {
                let mut mapped = mapped.iter();
                // A web server listens on any port.
                let wanted = mapped.find(|(of, _)| *of == CONTAINER_PORT || kind == "httpd");
                wanted.map(|(_, to)| *to)
            }
        };
        let port = port.ok_or_else(|| {
            format!(
                "the action runtime in the place of '{image}' listens on port {CONTAINER_PORT}, which is not mapped"
            )
        })?;
        Ok(Player::ActionRuntime { kind, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_the_machine_are_put_in() {
        let mapped = [(8080, 31001), (80, 31002)];
        for (word, expected) in [
            ("127.0.0.1:{8080}", "127.0.0.1:31001"),
            ("{80}{8080}", "3100231001"),
            ("{81}", "{81}"),
            ("-f", "-f"),
        ] {
            assert_eq!(with_ports(&word.into(), &mapped), OsString::from(expected));
        }
    }
}
