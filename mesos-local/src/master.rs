//! The core of a master: calls, reports and time in; answers, events and commands out.
//!
//! It knows no socket, file, clock or process. Times are durations since the master started.

mod agents;
mod allocator;
mod amounts;
mod calls;
mod config;
mod constraints;
mod duty;
mod executors;
mod failover;
mod frameworks;
mod groups;
mod ids;
mod launch;
mod maintenance;
mod offers;
mod operations;
mod operator;
mod output;
mod reconcile;
mod streams;
mod tasks;
mod timers;
mod updates;
mod validate;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use mesos_proto::v1;

use self::{
    agents::Agent,
    failover::AbsentAgent,
    frameworks::Framework,
    ids::Ids,
    maintenance::{InverseOffer, Maintenance},
    offers::Offer,
    timers::{Timer, Timers},
};
pub use self::{
    agents::{AgentLoss, AgentRegistration},
    config::{MasterConfig, MasterOptions, MinAllocatable},
    output::{AgentAction, AgentCommand, Answer, StreamNumber, StreamOutput},
    validate::validate_call,
};
pub(crate) use self::{frameworks::has_capability, validate::is_uuid};

/// So many frameworks that ended are remembered, so that their ids are refused (the default of
/// `--max_completed_frameworks`).
const MAX_COMPLETED_FRAMEWORKS: usize = 50;

/// A master that leads, as a state machine.
///
/// Input goes in by `handle_*`; after each input drain [`poll_stream`](Self::poll_stream) and
/// [`poll_command`](Self::poll_command), then call [`handle_timeout`](Self::handle_timeout) no later
/// than [`poll_timeout`](Self::poll_timeout) tells.
///
/// ```
/// use std::time::Duration;
/// use mesos_local::master::{Answer, Master, MasterConfig};
/// use mesos_proto::v1::{self, scheduler};
///
/// let mut master = Master::new(MasterConfig::new(1));
/// let info = v1::FrameworkInfo { user: "me".into(), name: "demo".into(), ..Default::default() };
/// let subscribe = scheduler::Call {
///     r#type: Some(scheduler::call::Type::Subscribe.into()),
///     subscribe: Some(scheduler::call::Subscribe { framework_info: info, ..Default::default() }),
///     ..Default::default()
/// };
/// let Answer::Stream { stream, .. } = master.handle_call(Duration::ZERO, subscribe, None) else {
///     panic!("a SUBSCRIBE is answered with a stream");
/// };
/// let first = master.poll_stream().expect("SUBSCRIBED");
/// assert_eq!(first.stream, stream);
/// assert_eq!(first.event.map(|event| event.r#type()), Some(scheduler::event::Type::Subscribed));
/// ```
#[derive(Debug)]
pub struct Master {
    config: MasterConfig,
    ids: Ids,
    timers: Timers,
    frameworks: BTreeMap<String, Framework>,
    /// Frameworks that were removed, the oldest first.
    completed: VecDeque<Framework>,
    agents: BTreeMap<String, Agent>,
    /// Agents of a predecessor that have not registered here.
    absent: BTreeMap<String, AbsentAgent>,
    offers: BTreeMap<u64, Offer>,
    inverse_offers: BTreeMap<u64, InverseOffer>,
    maintenance: Maintenance,
    /// Open streams, and whose they are.
    streams: BTreeMap<StreamNumber, String>,
    last_stream: u64,
    /// Counts grants of offers, for fairness.
    turns: u64,
    stream_outputs: VecDeque<StreamOutput>,
    commands: VecDeque<AgentCommand>,
}

impl Master {
    /// A master without agents and frameworks, at time zero.
    ///
    /// An interval of nothing would never end; it counts as a millisecond.
    pub fn new(mut config: MasterConfig) -> Self {
        config.allocation_interval = config.allocation_interval.max(Duration::from_millis(1));
        config.heartbeat_interval = config.heartbeat_interval.max(Duration::from_millis(1));
        let mut timers = Timers::default();
        timers.set(Timer::Allocate, config.allocation_interval);
        Self {
            ids: Ids::new(config.seed),
            config,
            timers,
            frameworks: BTreeMap::new(),
            completed: VecDeque::new(),
            agents: BTreeMap::new(),
            absent: BTreeMap::new(),
            offers: BTreeMap::new(),
            inverse_offers: BTreeMap::new(),
            maintenance: Maintenance::default(),
            streams: BTreeMap::new(),
            last_stream: 0,
            turns: 0,
            stream_outputs: VecDeque::new(),
            commands: VecDeque::new(),
        }
    }

    /// Does what became due.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Allocate => {
                    self.timers.set(Timer::Allocate, now + self.config.allocation_interval);
                    self.forget_expired_filters(now);
                    self.allocate(now);
                }
                Timer::Heartbeat(stream) => self.heartbeat(now, stream),
                Timer::OfferTimeout(number) => self.expire_offer(number),
                Timer::AgentPing { agent } => {
                    self.handle_agent_lost(now, &v1::AgentId::new(agent), AgentLoss::Unreachable);
                }
                Timer::AgentsReregister => self.lose_absent_agents(now),
                Timer::ResendOperation { framework, operation } => {
                    self.forward_operation(now, &framework, &operation);
                }
                Timer::Failover { framework } => self.remove_framework(now, &framework),
                Timer::Resend { framework, task } => self.forward_update(now, &framework, &task),
            }
        }
    }

    /// The next thing for an event stream.
    pub fn poll_stream(&mut self) -> Option<StreamOutput> {
        self.stream_outputs.pop_front()
    }

    /// The next thing for an agent.
    pub fn poll_command(&mut self) -> Option<AgentCommand> {
        self.commands.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// The master as SUBSCRIBED and GET_MASTER tell it.
    pub fn master_info(&self) -> v1::MasterInfo {
        let MasterConfig { hostname, port, .. } = &self.config;
        v1::MasterInfo {
            id: self.ids.master().to_owned(),
            // Octets in network order, read as a little-endian number: what a real master sends.
            ip: u32::from_le_bytes([127, 0, 0, 1]),
            port: u32::from(*port),
            pid: Some(format!("master@127.0.0.1:{port}")),
            hostname: Some(hostname.clone()),
            version: Some(VERSION.into()),
            domain: self.config.options.domain.clone(),
            capabilities: vec![v1::master_info::Capability {
                r#type: Some(v1::master_info::capability::Type::AgentDraining.into()),
            }],
            address: Some(v1::Address {
                hostname: Some(hostname.clone()),
                ip: Some("127.0.0.1".into()),
                port: i32::from(*port),
            }),
        }
    }

    fn event(&mut self, stream: StreamNumber, event: v1::scheduler::Event) {
        self.stream_outputs.push_back(StreamOutput { stream, event: Some(event) });
    }

    /// An event for a framework; dropped if its scheduler is not connected, as a real master does.
    fn framework_event(&mut self, framework: &str, event: v1::scheduler::Event) {
        if let Some(stream) = self.frameworks.get(framework).and_then(Framework::stream) {
            self.event(stream, event);
        }
    }

    fn command(&mut self, agent: &str, action: AgentAction) {
        self.commands.push_back(AgentCommand { agent_id: v1::AgentId::new(agent), action });
    }

    /// Seconds since the Unix epoch.
    fn timestamp(&self, now: Duration) -> f64 {
        (self.config.started_at + now).as_secs_f64()
    }

    fn time_info(&self, now: Duration) -> v1::TimeInfo {
        let nanoseconds = (self.config.started_at + now).as_nanos();
        v1::TimeInfo { nanoseconds: i64::try_from(nanoseconds).unwrap_or(i64::MAX) }
    }
}

/// The release whose behaviour this master follows.
pub(crate) const VERSION: &str = "1.12.0";

#[cfg(test)]
mod tests;
