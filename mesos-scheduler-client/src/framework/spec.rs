//! What a caller wants to run, and where it may run.

use std::{collections::BTreeSet, fmt, time::Duration};

use mesos_proto::v1;

use super::eligibility::Eligibility;

/// The longest id. Mesos takes 255 characters; launches that are repeated need some of them.
const MAX_ID: usize = 245;

/// A task to run: what it needs, where it may run, and how Mesos is told about it.
///
/// ```
/// use std::time::Duration;
/// use mesos_scheduler_client::{PortRequest, TaskSpec};
///
/// let spec = TaskSpec::docker("web-1", 250, 256, "nginx:1")
///     .port(PortRequest::any(80))
///     .env("MODE", "test")
///     .label("owner", "me")
///     .launch_timeout(Duration::from_secs(120));
/// assert_eq!(spec.ports[0].container_port, 80);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct TaskSpec {
    /// Unique among all tasks that this framework ever launched; 1 to 245 characters without `/`, `\` and
    /// control characters.
    pub id: String,
    /// Thousandths of a cpu.
    pub cpus_milli: i64,
    /// Memory in MiB.
    pub mem_mib: i64,
    /// Disk in MiB; 0 asks for none.
    pub disk_mib: i64,
    /// Whole GPUs; 0 asks for none. Offers have them only for frameworks with the capability `GPU_RESOURCES`.
    pub gpus: u32,
    /// Ports of the host that the task wants. For a Docker container in a bridge or user network, and for a
    /// Mesos container in a named network, each is mapped to its container port; every task with a command
    /// finds them in its environment as `PORT0`, `PORT1`, ….
    pub ports: Vec<PortRequest>,
    /// The roles whose offers may carry it; all roles of the framework if empty.
    pub roles: Vec<String>,
    /// Tasks of higher priority are placed first; 0 unless set. Those of one priority go in the order of their
    /// submission.
    pub priority: i32,
    /// Which offers may carry it; all if absent.
    pub eligibility: Option<Eligibility>,
    /// The rest of the description: name, command, container, labels, health check. Id, agent,
    /// resources and host ports are filled in when an offer is chosen.
    pub template: v1::TaskInfo,
    /// How long the task may take from submission until it runs; 60 s unless set.
    pub launch_timeout: Duration,
    /// Time between the gentle and the forced signal of a kill; 3 s unless set. A `kill_policy` of the template goes
    /// before it.
    pub kill_grace_period: Duration,
}

/// A port of the host that leads to a port of the container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct PortRequest {
    /// The port that the program in the container listens on.
    pub container_port: u16,
    /// The port of the host; any free one if absent.
    pub host_port: Option<u16>,
}

impl PortRequest {
    /// Any free port of the host.
    pub fn any(container_port: u16) -> Self {
        Self { container_port, host_port: None }
    }

    /// This port of the host: only agents where it is offered can carry the task.
    pub fn fixed(host_port: u16, container_port: u16) -> Self {
        Self { container_port, host_port: Some(host_port) }
    }
}

/// What to run.
impl TaskSpec {
    /// A task with no ports, no disk, no rules about offers, one minute to start and 3 s to die.
    pub fn new(id: impl Into<String>, cpus_milli: i64, mem_mib: i64, template: v1::TaskInfo) -> Self {
        Self {
            id: id.into(),
            cpus_milli,
            mem_mib,
            disk_mib: 0,
            gpus: 0,
            ports: Vec::new(),
            roles: Vec::new(),
            priority: 0,
            eligibility: None,
            template,
            launch_timeout: Duration::from_secs(60),
            kill_grace_period: Duration::from_secs(3),
        }
    }

    /// A line for the shell of the agent. The name of the task is its id.
    pub fn command(id: impl Into<String>, cpus_milli: i64, mem_mib: i64, line: impl Into<String>) -> Self {
        let command = v1::CommandInfo { value: Some(line.into()), ..v1::CommandInfo::default() };
        Self::of(id, cpus_milli, mem_mib, command, None)
    }

    /// A Docker image with its own entry point, in a bridge network.
    pub fn docker(id: impl Into<String>, cpus_milli: i64, mem_mib: i64, image: impl Into<String>) -> Self {
        use v1::container_info::{DockerInfo, Type, docker_info::Network};
        let docker = DockerInfo {
            image: image.into(),
            network: Some(Network::Bridge.into()),
            ..DockerInfo::default()
        };
        let container = v1::ContainerInfo {
            r#type: Type::Docker.into(),
            docker: Some(docker),
            ..v1::ContainerInfo::default()
        };
        Self::of(id, cpus_milli, mem_mib, entry_point(), Some(container))
    }

    /// A Docker image with its own entry point, run by the Mesos containerizer (UCR) in the network of the host.
    pub fn ucr(id: impl Into<String>, cpus_milli: i64, mem_mib: i64, image: impl Into<String>) -> Self {
        use v1::container_info::Type;
        let docker = v1::image::Docker { name: image.into(), ..v1::image::Docker::default() };
        let image = v1::Image {
            r#type: v1::image::Type::Docker.into(),
            docker: Some(docker),
            ..v1::Image::default()
        };
        let mesos = v1::container_info::MesosInfo { image: Some(image) };
        let container = v1::ContainerInfo {
            r#type: Type::Mesos.into(),
            mesos: Some(mesos),
            ..v1::ContainerInfo::default()
        };
        Self::of(id, cpus_milli, mem_mib, entry_point(), Some(container))
    }

    fn of(
        id: impl Into<String>,
        cpus_milli: i64,
        mem_mib: i64,
        command: v1::CommandInfo,
        container: Option<v1::ContainerInfo>,
    ) -> Self {
        let id = id.into();
        let template =
            v1::TaskInfo { name: id.clone(), command: Some(command), container, ..v1::TaskInfo::default() };
        Self::new(id, cpus_milli, mem_mib, template)
    }
}

/// How it is run.
impl TaskSpec {
    /// Adds a port.
    pub fn port(mut self, port: PortRequest) -> Self {
        self.ports.push(port);
        self
    }

    /// Sets the disk in MiB.
    pub fn disk_mib(mut self, disk_mib: i64) -> Self {
        self.disk_mib = disk_mib;
        self
    }

    /// Allows one more role.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets the priority.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Sets which offers may carry it.
    pub fn eligibility(mut self, eligibility: Eligibility) -> Self {
        self.eligibility = Some(eligibility);
        self
    }

    /// Sets how long it may take until it runs.
    pub fn launch_timeout(mut self, timeout: Duration) -> Self {
        self.launch_timeout = timeout;
        self
    }

    /// Sets the time between the gentle and the forced signal of a kill.
    pub fn kill_grace_period(mut self, grace_period: Duration) -> Self {
        self.kill_grace_period = grace_period;
        self
    }

    /// Adds a variable of the environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let command = self.template.command.get_or_insert_default();
        command.environment.get_or_insert_default().variables.push(v1::environment::Variable {
            name: name.into(),
            value: Some(value.into()),
            ..v1::environment::Variable::default()
        });
        self
    }

    /// Adds a label. Labels stay with the task in the master: [`FrameworkCore::recover`](super::FrameworkCore::recover)
    /// brings them back. The key `submitted-as` is taken: it names a task that had to be launched again.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let labels = self.template.labels.get_or_insert_default();
        labels.labels.push(v1::Label { key: key.into(), value: Some(value.into()) });
        self
    }

    /// Sets the health check that the executor makes.
    pub fn health_check(mut self, health_check: v1::HealthCheck) -> Self {
        self.template.health_check = Some(health_check);
        self
    }

    /// Time between the gentle and the forced signal.
    pub(super) fn grace_period(&self) -> Duration {
        let own = self.template.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
        own.map_or(self.kill_grace_period, |own| {
            Duration::from_nanos(u64::try_from(own.nanoseconds).unwrap_or(0))
        })
    }

    /// What it wants of scalars, in thousandths, in the order in which it is checked; nothing of 0.
    pub(super) fn scalars(&self) -> impl Iterator<Item = (&'static str, i64)> {
        let wanted = [
            ("cpus", self.cpus_milli),
            ("mem", self.mem_mib.saturating_mul(1000)),
            ("disk", self.disk_mib.saturating_mul(1000)),
            ("gpus", i64::from(self.gpus) * 1000),
        ];
        wanted.into_iter().filter(|(_, milli)| *milli > 0)
    }

    /// What no master could ever accept about it, given the roles of the framework.
    pub(super) fn check(&self, roles: &[std::sync::Arc<str>]) -> Result<(), String> {
        check_id(&self.id)?;
        for (name, amount) in [("cpus", self.cpus_milli), ("mem", self.mem_mib), ("disk", self.disk_mib)] {
            if amount < 0 {
                return Err(format!("{name} of task '{}' is {amount}, expected 0 or more", self.id));
            }
        }
        let is_empty = self.cpus_milli == 0 && self.mem_mib == 0 && self.disk_mib == 0 && self.gpus == 0;
        if is_empty && self.ports.is_empty() {
            return Err(format!("task '{}' wants no resources, expected some cpus or mem", self.id));
        }
        let mut fixed = BTreeSet::new();
        for port in self.ports.iter().filter_map(|port| port.host_port) {
            if port == 0 || !fixed.insert(port) {
                return Err(format!(
                    "task '{}' wants host port {port}, expected each of 1 to 65535 once",
                    self.id
                ));
            }
        }
        let known = |role: &&String| roles.iter().any(|known| **known == ***role);
        if let Some(role) = self.roles.iter().find(|role| !known(role)) {
            return Err(format!(
                "task '{}' wants role '{role}', expected one of '{}'",
                self.id,
                roles.join("', '")
            ));
        }
        Ok(())
    }
}

/// The rules of a master about ids that frameworks choose.
fn check_id(id: &str) -> Result<(), String> {
    let is_bad = |character: char| character.is_control() || matches!(character, '/' | '\\');
    if id.is_empty() || id.len() > MAX_ID || id == "." || id == ".." || id.contains(is_bad) {
        return Err(format!(
            "invalid task id '{}': expected 1 to {MAX_ID} characters without '/', '\\' and control characters, \
             and neither '.' nor '..'",
            id.escape_debug()
        ));
    }
    Ok(())
}

/// No value and no shell: the entry point of the image runs.
fn entry_point() -> v1::CommandInfo {
    v1::CommandInfo { shell: Some(false), ..v1::CommandInfo::default() }
}

impl fmt::Debug for TaskSpec {
    /// Leaves the template out: its environment may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskSpec")
            .field("id", &self.id)
            .field("cpus_milli", &self.cpus_milli)
            .field("mem_mib", &self.mem_mib)
            .field("disk_mib", &self.disk_mib)
            .field("gpus", &self.gpus)
            .field("ports", &self.ports)
            .field("roles", &self.roles)
            .field("priority", &self.priority)
            .field("launch_timeout", &self.launch_timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_master_could_accept_is_told_with_the_offending_text() {
        let good = || TaskSpec::command("t", 100, 32, "true");
        let roles = ["web".into(), "batch".into()];
        assert_eq!(good().role("web").port(PortRequest::fixed(80, 80)).check(&roles), Ok(()));
        let named = |id: &str| TaskSpec { id: id.into(), ..good() };
        for (spec, error) in [
            (named(""), "invalid task id ''"),
            (named(".."), "invalid task id '..'"),
            (named("a/b"), "invalid task id 'a/b'"),
            (named("a\u{7}"), "invalid task id 'a\\u{7}'"),
            (named(&"x".repeat(246)), "expected 1 to 245 characters"),
            (TaskSpec { cpus_milli: -1, ..good() }, "cpus of task 't' is -1, expected 0 or more"),
            (TaskSpec::command("t", 0, 0, "true"), "task 't' wants no resources, expected some cpus or mem"),
            (good().role("wbe"), "task 't' wants role 'wbe', expected one of 'web', 'batch'"),
            (
                good().port(PortRequest::fixed(80, 1)).port(PortRequest::fixed(80, 2)),
                "task 't' wants host port 80, expected each of 1 to 65535 once",
            ),
        ] {
            let text = spec.check(&roles).unwrap_err();
            assert!(text.contains(error), "{text}");
        }
    }
}
