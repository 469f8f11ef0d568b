//! What a cluster is made of.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mesos_proto::v1::{self, Ranges};

use super::credentials::FrameworkCredentials;
use crate::{agent::simulated::SimulatedConfig, master::MasterOptions};

/// What a cluster is made of.
///
/// ```
/// use mesos_local::ClusterConfig;
///
/// let mut config = ClusterConfig::with_agents(2);
/// config.agents[0].attributes.push(("disk".into(), "ssd".into()));
/// assert_eq!(config.agents[1].name, "agent2");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClusterConfig {
    /// The agents, in the order in which they register.
    pub agents: Vec<AgentConfig>,
    /// How many masters there are; the first one leads, the others redirect to it.
    pub masters: usize,
    /// Port of the first master, 0 for any.
    pub port: u16,
    /// Where sandboxes are kept; `None` for a temporary directory that goes with the cluster.
    pub work_dir: Option<PathBuf>,
    /// From one batch of offers to the next.
    pub allocation_interval: Duration,
    /// From one HEARTBEAT to the next.
    pub heartbeat_interval: Duration,
    /// What the flags of the masters say.
    pub master: MasterOptions,
    /// Paths of the masters that are answered with 403, as `--firewall_rules` names them: without `/master`.
    pub disabled_endpoints: Vec<String>,
    /// Who may call the scheduler API; `None`: everybody.
    pub framework_credentials: Option<FrameworkCredentials>,
    /// Program and first arguments that stand for Docker images of OpenWhisk actions; the agent appends
    /// `--kind`, `--port` and `--exit-with-stdin`. `None`: tasks with images fail.
    pub action_runtime: Option<Vec<OsString>>,
    /// Programs with their arguments that play Docker images, by the full names of these. The words `{8080}` and
    /// the like are replaced by the port of the machine that is mapped to this port of the container. They come
    /// before the action runtime.
    pub images: BTreeMap<String, Vec<OsString>>,
    /// What runs the tasks of all agents.
    pub executor: Executor,
    /// Every id and uuid comes out of this number. Each configuration is made with another one, as every
    /// start of a real master is another master.
    pub seed: u64,
    /// So many messages are kept in the transcript.
    pub transcript_limit: usize,
}

/// What runs tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Executor {
    /// Each task is a process of this machine.
    Processes,
    /// Tasks are only told about, for tests of scale: they start and end by this configuration, whatever their
    /// command, image, checks and longest time say. Agents share one listener, have no sandboxes, and each
    /// offers its [`AgentPorts::Reserved`] from 31000 on.
    Simulated(SimulatedConfig),
}

/// One agent of a cluster.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AgentConfig {
    /// What this crate calls the agent; Mesos does not see it.
    pub name: String,
    /// Host name in offers. Clients reach containers by it.
    pub hostname: String,
    /// CPUs in thousandths.
    pub cpus_milli: i64,
    /// Memory in MiB.
    pub mem_mib: i64,
    /// Disk in MiB.
    pub disk_mib: i64,
    /// Ports to offer.
    pub ports: AgentPorts,
    /// Further resources: reserved ones, `gpus`, sets and whatever else the agent offers.
    pub other_resources: v1::Resources,
    /// Where the agent is, in offers and for frameworks that are REGION_AWARE.
    pub domain: Option<v1::DomainInfo>,
    /// Attributes, written as for the agent's flag ([`v1::Attribute::parse`]).
    pub attributes: Vec<(String, String)>,
}

/// Which ports an agent offers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentPorts {
    /// So many, from blocks that no other cluster of this machine offers, below the range of numbers
    /// that systems give out by themselves.
    Reserved(u16),
    /// These and no others, whoever else may use them.
    Exactly(Ranges),
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self::with_agents(1)
    }
}

impl ClusterConfig {
    /// So many agents with different attributes: `host` (their name), `rack` (r1, r2, r3 in turn),
    /// `zone` (z1, z2 in turn) and the scalar `generation` (1, 2, …).
    pub fn with_agents(count: usize) -> Self {
        let agents = (0..count).map(|index| {
            let mut agent = AgentConfig::new(format!("agent{}", index + 1));
            agent.attributes.extend([
                ("rack".into(), format!("r{}", index % 3 + 1)),
                ("zone".into(), format!("z{}", index % 2 + 1)),
                ("generation".into(), (index + 1).to_string()),
            ]);
            agent
        });
        Self {
            agents: agents.collect(),
            masters: 1,
            port: 0,
            work_dir: None,
            allocation_interval: Duration::from_secs(1),
            heartbeat_interval: Duration::from_secs(15),
            master: MasterOptions::default(),
            disabled_endpoints: Vec::new(),
            framework_credentials: None,
            action_runtime: None,
            images: BTreeMap::new(),
            executor: Executor::Processes,
            seed: seed(),
            transcript_limit: 10_000,
        }
    }
}

impl AgentConfig {
    /// An agent with 4 CPUs, 4096 MiB of memory, 10000 MiB of disk, 40 ports, reached at 127.0.0.1, and
    /// the attribute `host` with its name.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            attributes: vec![("host".into(), name.clone())],
            name,
            hostname: "127.0.0.1".into(),
            cpus_milli: 4000,
            mem_mib: 4096,
            disk_mib: 10_000,
            ports: AgentPorts::Reserved(40),
            other_resources: v1::Resources::default(),
            domain: None,
        }
    }

    /// Takes resources as an agent does that has them in its flag `--resources`: what is not named there, reserved
    /// or not, of cpus, mem, disk and ports stays as it is.
    ///
    /// ```
    /// use mesos_local::AgentConfig;
    ///
    /// let mut agent = AgentConfig::new("agent1");
    /// agent.set_resources("cpus:8;cpus(web):1;gpus:2".parse()?);
    /// assert_eq!((agent.cpus_milli, agent.mem_mib), (8000, 4096));
    /// assert_eq!(agent.other_resources.to_string(), "cpus(reservations: [(STATIC,web)]):1; gpus:2");
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn set_resources(&mut self, resources: v1::Resources) {
        let names = |name: &str| resources.iter().any(|resource| resource.name == name);
        let plain = |resource: &v1::Resource| {
            resource.reserved_role().is_none()
                && matches!(resource.name.as_str(), "cpus" | "mem" | "disk" | "ports")
        };
        let unreserved = resources.filter(plain);
        if names("cpus") {
            self.cpus_milli = unreserved.milli("cpus");
        }
        if names("mem") {
            self.mem_mib = unreserved.milli("mem") / 1000;
        }
        if names("disk") {
            self.disk_mib = unreserved.milli("disk") / 1000;
        }
        if names("ports") {
            self.ports = AgentPorts::Exactly(unreserved.ranges("ports"));
        }
        self.other_resources = resources.filter(|resource| !plain(resource));
    }

    pub(super) fn info(&self, port: u16, ports: &Ranges) -> v1::AgentInfo {
        let mut resources = vec![
            v1::Resource::scalar_milli("cpus", self.cpus_milli),
            v1::Resource::scalar_milli("mem", self.mem_mib.saturating_mul(1000)),
            v1::Resource::scalar_milli("disk", self.disk_mib.saturating_mul(1000)),
        ];
        if !ports.is_empty() {
            resources.push(v1::Resource::ranges("ports", ports));
        }
        resources.retain(|resource| resource.ranges.is_some() || resource.milli() != 0);
        resources.extend(self.other_resources.iter());
        v1::AgentInfo {
            domain: self.domain.clone(),
            hostname: self.hostname.clone(),
            port: Some(port.into()),
            resources,
            attributes: self
                .attributes
                .iter()
                .map(|(name, value)| v1::Attribute::parse(name, value))
                .collect(),
            ..v1::AgentInfo::default()
        }
    }
}

/// Differs from start to start, and between programs that start at once.
#[expect(clippy::disallowed_methods, reason = "the one value that should not be the same twice")]
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The lower half of the nanoseconds is the one that differs.
    let nanoseconds = now.as_nanos() as u64;
    nanoseconds ^ u64::from(std::process::id()).rotate_right(16)
}
