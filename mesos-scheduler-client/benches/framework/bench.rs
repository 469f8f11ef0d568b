//! A framework core with what a master would say to it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use mesos_proto::v1::{
    self, Ranges, TaskState,
    scheduler::{Call, Event, event},
    task_status::{Reason, Source},
};
use mesos_scheduler_client::{
    CallOutcome, Change, Eligibility, FrameworkCore, OutcomeToken, Packing, Policy, PortRequest, TaskSpec,
};

const CPUS_MILLI: i64 = 100;
const MEM_MIB: i64 = 128;
/// So many tasks fit on an agent.
const ROOM: i64 = 128;

const RACKS: usize = 10;
const ZONES: usize = 3;

pub(crate) struct Bench {
    pub(crate) core: FrameworkCore,
    pub(crate) now: Instant,
}

/// Whether tasks share their rules. Each has two constraints, which one of thirty agents satisfies.
#[derive(Clone, Copy)]
pub(crate) enum Rules {
    Shared,
    Distinct,
}

/// What came out after one input.
pub(crate) struct Output {
    pub(crate) calls: Vec<(Option<OutcomeToken>, Call)>,
    #[allow(dead_code, reason = "dropped outside of what is timed")]
    pub(crate) changes: Vec<Change>,
}

/// A task that was sent to an agent.
pub(crate) struct Launched {
    pub(crate) task_id: v1::TaskId,
    pub(crate) agent_id: v1::AgentId,
}

/// What this thread has used of a processor.
pub(crate) fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

impl Bench {
    /// Subscribed, and nothing to do.
    pub(crate) fn new(packing: Packing) -> Self {
        let mut policy = Policy::default();
        policy.packing = packing;
        let mut bench = Self { core: FrameworkCore::new(["*".to_owned()], policy, 1), now: Instant::now() };
        bench.core.handle_subscribed(bench.now);
        bench.drain();
        bench
    }

    pub(crate) fn submit(&mut self, tasks: usize, rules: Rules) {
        let shared: Vec<Eligibility> = (0..RACKS * ZONES).map(rule).collect();
        for number in 0..tasks {
            let rule = match rules {
                Rules::Shared => shared[number % shared.len()].clone(),
                Rules::Distinct => rule(number),
            };
            let spec = TaskSpec::docker(format!("task-{number}"), CPUS_MILLI, MEM_MIB, "openwhisk/action")
                .port(PortRequest::any(8080))
                .eligibility(rule)
                .launch_timeout(Duration::from_secs(24 * 60 * 60));
            self.core.submit(self.now, spec);
        }
    }

    /// Gets so many tasks launched, each ACCEPT answered.
    pub(crate) fn launch(&mut self, tasks: usize) -> Vec<Launched> {
        self.submit(tasks, Rules::Shared);
        self.drain();
        self.core.handle_event(self.now, offers(tasks / 100));
        let output = self.drain();
        let launched = output.launched();
        assert_eq!(launched.len(), tasks);
        for (token, _) in output.calls {
            if let Some(token) = token {
                self.core.handle_call_outcome(self.now, token, CallOutcome::Accepted);
            }
        }
        self.drain();
        launched
    }

    /// Everything that the core has to say.
    pub(crate) fn drain(&mut self) -> Output {
        let calls = std::iter::from_fn(|| self.core.poll_call()).collect();
        let changes = std::iter::from_fn(|| self.core.poll_change()).collect();
        self.core.poll_suppressed_roles();
        Output { calls, changes }
    }
}

impl Output {
    pub(crate) fn launched(&self) -> Vec<Launched> {
        let accepts = self.calls.iter().filter_map(|(_, call)| call.accept.as_ref());
        let launches = accepts.flat_map(|accept| &accept.operations).filter_map(|one| one.launch.as_ref());
        let infos = launches.flat_map(|launch| &launch.task_infos);
        infos
            .map(|info| Launched { task_id: info.task_id.clone(), agent_id: info.agent_id.clone() })
            .collect()
    }
}

fn rule(number: usize) -> Eligibility {
    let (rack, zone) = (format!("r{}", number % RACKS), format!("z{}", number % ZONES));
    Eligibility::new(move |offer| require(offer, "rack", &rack).and_then(|()| require(offer, "zone", &zone)))
}

fn require(offer: &v1::Offer, name: &str, value: &str) -> Result<(), String> {
    let attribute = offer.attributes.iter().find(|attribute| attribute.name == name);
    let text = attribute.and_then(|attribute| attribute.text.as_ref()).map(|text| text.value.as_str());
    if text == Some(value) { Ok(()) } else { Err(format!("{name} is not {value}")) }
}

/// An event with an offer of each of so many agents.
pub(crate) fn offers(agents: usize) -> Event {
    let offers = event::Offers { offers: (0..agents).map(offer).collect() };
    Event { r#type: Some(event::Type::Offers.into()), offers: Some(offers), ..Event::default() }
}

fn offer(number: usize) -> v1::Offer {
    let attributes = [
        ("host", format!("agent{number}")),
        ("rack", format!("r{}", number % RACKS)),
        ("zone", format!("z{}", number % ZONES)),
    ];
    v1::Offer {
        id: v1::OfferId::new(format!("6b1fa3f6-0c1c-4a39-a4f3-1ac1d2f0b3a8-O{number}")),
        framework_id: v1::FrameworkId::new("6b1fa3f6-0c1c-4a39-a4f3-1ac1d2f0b3a8-0000"),
        agent_id: v1::AgentId::new(format!("6b1fa3f6-0c1c-4a39-a4f3-1ac1d2f0b3a8-S{number}")),
        hostname: format!("agent{number}.example.org"),
        resources: vec![
            v1::Resource::ranges("ports", &Ranges::single(31_000, 31_999)),
            v1::Resource::scalar_milli("cpus", ROOM * CPUS_MILLI),
            v1::Resource::scalar_milli("mem", ROOM * MEM_MIB * 1000),
            v1::Resource::scalar_milli("disk", 10_000_000),
        ],
        attributes: attributes.map(|(name, value)| v1::Attribute::parse(name, &value)).to_vec(),
        ..v1::Offer::default()
    }
}

/// An update of each task, as executors make them. The number makes uuids that come once.
pub(crate) fn updates(launched: &[Launched], state: TaskState, number: usize) -> Vec<Event> {
    let mut index = (number as u128) << 64;
    let updates = launched.iter().map(|task| {
        index += 1;
        update(v1::TaskStatus {
            source: Some(Source::Executor.into()),
            uuid: Some(Bytes::copy_from_slice(&index.to_be_bytes())),
            container_status: Some(container_status()),
            ..status(task, state)
        })
    });
    updates.collect()
}

/// What the master answers when it is asked for the tasks.
pub(crate) fn answers(launched: &[Launched]) -> Vec<Event> {
    let answers = launched.iter().map(|task| {
        update(v1::TaskStatus {
            source: Some(Source::Master.into()),
            reason: Some(Reason::Reconciliation.into()),
            message: Some("Reconciliation: Latest task state".into()),
            container_status: Some(container_status()),
            ..status(task, TaskState::TaskRunning)
        })
    });
    answers.collect()
}

fn status(task: &Launched, state: TaskState) -> v1::TaskStatus {
    v1::TaskStatus {
        task_id: task.task_id.clone(),
        state: state.into(),
        agent_id: Some(task.agent_id.clone()),
        executor_id: Some(v1::ExecutorId::new(task.task_id.value.clone())),
        timestamp: Some(1.0),
        ..v1::TaskStatus::default()
    }
}

fn container_status() -> v1::ContainerStatus {
    let address = v1::network_info::IpAddress {
        protocol: Some(v1::network_info::Protocol::IPv4.into()),
        ip_address: Some("172.17.0.2".into()),
    };
    let network = v1::NetworkInfo { ip_addresses: vec![address], ..v1::NetworkInfo::default() };
    v1::ContainerStatus { network_infos: vec![network], ..v1::ContainerStatus::default() }
}

fn update(status: v1::TaskStatus) -> Event {
    let update = event::Update { status };
    Event { r#type: Some(event::Type::Update.into()), update: Some(update), ..Event::default() }
}
