//! The masters and what they do with those who come.

use std::{collections::BTreeMap, time::Duration};

use mesos_local::master::{AgentRegistration, Master, MasterConfig, StreamNumber};
use mesos_proto::v1;

use crate::{agents::Agent, network::LinkId, script::Setup};

/// What a master does with those who come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Connections are refused.
    Dead,
    /// 404 on every path.
    Starting,
    /// 503, nobody leads.
    NoLeader,
    /// 307 to another one, which may be dead.
    Standby(usize),
    /// 503, it reads the registry.
    Recovering,
    Leading,
}

pub(crate) struct Cluster {
    /// The core of the one that leads, or will lead next.
    pub(crate) master: Master,
    config: MasterConfig,
    /// When that core began.
    started: Duration,
    pub(crate) phases: Vec<Phase>,
    /// The one that leads or led last.
    pub(crate) leader: usize,
    /// Counts masters that led.
    pub(crate) generation: u64,
    pub(crate) agents: Vec<Agent>,
    pub(crate) streams: BTreeMap<StreamNumber, LinkId>,
    /// Where each task was started, by what Mesos calls it: agent and ports.
    pub(crate) places: BTreeMap<String, (v1::AgentId, Vec<u64>)>,
    ports: u16,
}

pub(crate) const FIRST_PORT: u16 = 31_000;
const MASTER_PORT: u16 = 5050;

impl Cluster {
    pub(crate) fn new(setup: &Setup, seed: u64) -> Self {
        let mut config = MasterConfig::new(seed);
        config.options.offer_timeout = setup.offer_timeout;
        let mut phases = vec![Phase::Standby(0); usize::from(setup.masters)];
        phases[0] = Phase::Leading;
        let mut cluster = Self {
            master: Master::new(config.clone()),
            config,
            started: Duration::ZERO,
            phases,
            leader: 0,
            generation: 0,
            agents: Vec::new(),
            streams: BTreeMap::new(),
            places: BTreeMap::new(),
            ports: setup.ports,
        };
        for _ in 0..setup.agents {
            cluster.add_agent(Duration::ZERO);
        }
        cluster
    }

    /// A new agent registers with the leader.
    pub(crate) fn add_agent(&mut self, now: Duration) {
        let number = self.agents.len();
        // Most are small, so that tasks have to wait.
        let (cpus, mem) = [(1.0, 512.0), (2.0, 2048.0), (4.0, 1024.0)][number % 3];
        let last = FIRST_PORT + self.ports - 1;
        let resources = vec![scalar("cpus", cpus), scalar("mem", mem), range("ports", FIRST_PORT, last)];
        let info = v1::AgentInfo {
            hostname: format!("agent{number}"),
            port: Some(5051),
            resources: resources.clone(),
            attributes: vec![rack(if number.is_multiple_of(2) { "a" } else { "b" })],
            ..v1::AgentInfo::default()
        };
        let now = self.master_now(now);
        let registered = self.master.handle_agent_registered(now, AgentRegistration { info });
        let id = registered.expect("a master takes unreserved scalars and ranges");
        self.agents.push(Agent::new(id, &resources));
    }

    /// The time of the present core, which began when it started.
    pub(crate) fn master_now(&self, now: Duration) -> Duration {
        now.saturating_sub(self.started)
    }

    /// When the master has something to do.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.is_leading().then(|| self.master.poll_timeout().map(|at| self.started + at)).flatten()
    }

    pub(crate) fn is_leading(&self) -> bool {
        self.phases[self.leader] == Phase::Leading
    }

    /// Puts another core in the place of the present one, whose process died.
    pub(crate) fn succeed(&mut self, now: Duration) {
        self.generation += 1;
        self.started = now;
        let mut config = self.config.clone();
        config.seed ^= self.generation.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        config.started_at += now;
        let placeholder = Master::new(config.clone());
        let predecessor = std::mem::replace(&mut self.master, placeholder);
        self.master = Master::after(config, predecessor);
        self.streams.clear();
        for agent in &mut self.agents {
            agent.is_registered = false;
        }
    }

    pub(crate) fn agent_index(&self, id: &v1::AgentId) -> Option<usize> {
        self.agents.iter().position(|agent| agent.id == *id)
    }

    /// Tasks that live on agents, and where.
    pub(crate) fn living(&self) -> BTreeMap<String, &v1::AgentId> {
        let runs =
            self.agents.iter().flat_map(|agent| agent.runs.keys().map(move |id| (id.clone(), &agent.id)));
        runs.collect()
    }
}

/// The address of a master.
pub(crate) fn authority(master: usize) -> String {
    format!("master{master}:{MASTER_PORT}")
}

/// The number of the master with this address.
pub(crate) fn master_of(authority: &str) -> Option<usize> {
    authority.strip_prefix("master")?.strip_suffix(&format!(":{MASTER_PORT}"))?.parse().ok()
}

fn rack(name: &str) -> v1::Attribute {
    v1::Attribute {
        name: "rack".to_owned(),
        r#type: v1::value::Type::Text.into(),
        text: Some(v1::value::Text { value: name.to_owned() }),
        ..v1::Attribute::default()
    }
}

fn scalar(name: &str, value: f64) -> v1::Resource {
    v1::Resource {
        name: name.to_owned(),
        r#type: v1::value::Type::Scalar.into(),
        scalar: Some(v1::value::Scalar { value }),
        ..v1::Resource::default()
    }
}

fn range(name: &str, begin: u16, end: u16) -> v1::Resource {
    let range = vec![v1::value::Range { begin: begin.into(), end: end.into() }];
    v1::Resource {
        name: name.to_owned(),
        r#type: v1::value::Type::Ranges.into(),
        ranges: Some(v1::value::Ranges { range }),
        ..v1::Resource::default()
    }
}
