//! Scripts on the master core: input, then every line of output that is expected and no other.

mod agents;
mod bad_tasks;
mod calls;
mod duty;
mod executors;
mod failover;
mod maintenance;
mod offers;
mod operations;
mod reservations;
mod subscriptions;
mod tasks;

use std::{fmt::Write as _, time::Duration};

use mesos_proto::v1::{
    self, TaskState,
    framework_info::{Capability, capability},
    scheduler::{Call, Event, call, event},
    task_status::Source,
};

use super::{
    AgentAction, AgentRegistration, Answer, Master, MasterConfig, MasterOptions, StreamNumber,
    amounts::Amounts,
};

/// A master, its time, and what it gave out so far.
struct Script {
    master: Master,
    now: Duration,
    /// What the ids of the predecessor begin with; `old-` for short.
    old: Option<String>,
    /// Updates that a scheduler received with a uuid, the last one last.
    received: Vec<v1::TaskStatus>,
}

/// A scheduler that subscribed.
#[derive(Clone, Debug)]
struct Scheduler {
    id: v1::FrameworkId,
    stream: StreamNumber,
    stream_id: String,
}

impl Script {
    fn new() -> Self {
        Self::with_options(MasterOptions::default())
    }

    fn with_options(options: MasterOptions) -> Self {
        let master = Master::new(MasterConfig { options, ..MasterConfig::new(1) });
        Self { master, now: Duration::ZERO, old: None, received: Vec::new() }
    }

    /// A master with agents of 4 CPUs each, and a scheduler for role `web` that took note of everything.
    fn with_agents(count: usize) -> (Self, Scheduler) {
        let mut script = Self::new();
        for _ in 0..count {
            script.agent();
        }
        let scheduler = script.subscribe(&aware("web"));
        script.drain();
        (script, scheduler)
    }

    fn agent(&mut self) -> v1::AgentId {
        let attributes = vec![v1::Attribute::parse("rack", "r1"), v1::Attribute::parse("level", "7")];
        self.agent_with(attributes)
    }

    /// An agent with other resources, at this host.
    fn agent_of(&mut self, hostname: &str, resources: &str) -> v1::AgentId {
        let resources = resources.parse::<v1::Resources>().unwrap().to_vec();
        self.agent_as(v1::AgentInfo { hostname: hostname.into(), resources, ..Default::default() })
    }

    fn agent_as(&mut self, info: v1::AgentInfo) -> v1::AgentId {
        self.master.handle_agent_registered(self.now, AgentRegistration { info }).unwrap()
    }

    fn agent_with(&mut self, attributes: Vec<v1::Attribute>) -> v1::AgentId {
        let resources = vec![
            v1::Resource::scalar_milli("cpus", 4000),
            v1::Resource::scalar_milli("mem", 4_096_000),
            v1::Resource::ranges("ports", &v1::Ranges::single(31000, 31999)),
        ];
        let info =
            v1::AgentInfo { hostname: "agent.example".into(), resources, attributes, ..Default::default() };
        self.master.handle_agent_registered(self.now, AgentRegistration { info }).unwrap()
    }

    fn subscribe(&mut self, info: &v1::FrameworkInfo) -> Scheduler {
        self.subscribe_with(call::Subscribe { framework_info: info.clone(), ..Default::default() })
    }

    fn subscribe_with(&mut self, subscribe: call::Subscribe) -> Scheduler {
        let id = subscribe.framework_info.id.clone();
        let call = Call {
            framework_id: id.clone(),
            r#type: Some(call::Type::Subscribe.into()),
            subscribe: Some(subscribe),
            ..Default::default()
        };
        let Answer::Stream { stream, stream_id } = self.master.handle_call(self.now, call, None) else {
            panic!("a SUBSCRIBE is answered with a stream");
        };
        let id = id.or_else(|| self.master.streams.get(&stream).map(|id| v1::FrameworkId::new(id.clone())));
        Scheduler { id: id.unwrap_or_default(), stream, stream_id }
    }

    /// Makes a call; gives the status and the text of the answer.
    fn call(&mut self, scheduler: &Scheduler, kind: call::Type, call: Call) -> String {
        let call = Call { framework_id: Some(scheduler.id.clone()), r#type: Some(kind.into()), ..call };
        match self.master.handle_call(self.now, call, Some(&scheduler.stream_id)) {
            Answer::Status { status, text } if text.is_empty() => status.to_string(),
            Answer::Status { status, text } => format!("{status} {text}"),
            Answer::Stream { .. } => "200 stream".into(),
        }
    }

    fn accept(&mut self, scheduler: &Scheduler, offers: &[&str], tasks: Vec<v1::TaskInfo>, refuse: f64) {
        let launch = v1::offer::Operation {
            r#type: Some(v1::offer::operation::Type::Launch.into()),
            launch: Some(v1::offer::operation::Launch { task_infos: tasks }),
            ..Default::default()
        };
        let accept = call::Accept {
            offer_ids: self.offer_ids(offers),
            operations: vec![launch],
            filters: Some(v1::Filters { refuse_seconds: Some(refuse) }),
        };
        let call = Call { accept: Some(accept), ..Default::default() };
        assert_eq!(self.call(scheduler, call::Type::Accept, call), "202");
    }

    fn decline(&mut self, scheduler: &Scheduler, offers: &[&str], refuse: Option<f64>) {
        let filters = refuse.map(|seconds| v1::Filters { refuse_seconds: Some(seconds) });
        let decline = call::Decline { offer_ids: self.offer_ids(offers), filters };
        let call = Call { decline: Some(decline), ..Default::default() };
        assert_eq!(self.call(scheduler, call::Type::Decline, call), "202");
    }

    fn revive(&mut self, scheduler: &Scheduler, roles: &[&str]) {
        let roles = roles.iter().map(ToString::to_string).collect();
        let call = Call { revive: Some(call::Revive { roles }), ..Default::default() };
        assert_eq!(self.call(scheduler, call::Type::Revive, call), "202");
    }

    fn suppress(&mut self, scheduler: &Scheduler, roles: &[&str]) {
        let roles = roles.iter().map(ToString::to_string).collect();
        let call = Call { suppress: Some(call::Suppress { roles }), ..Default::default() };
        assert_eq!(self.call(scheduler, call::Type::Suppress, call), "202");
    }

    fn reconcile(&mut self, scheduler: &Scheduler, tasks: &[(&str, Option<&str>)]) {
        let tasks = tasks
            .iter()
            .map(|(task, agent)| call::reconcile::Task {
                task_id: v1::TaskId::new(*task),
                agent_id: agent.map(|agent| v1::AgentId::new(self.long(agent))),
            })
            .collect();
        let call = Call { reconcile: Some(call::Reconcile { tasks }), ..Default::default() };
        assert_eq!(self.call(scheduler, call::Type::Reconcile, call), "202");
    }

    fn kill(&mut self, scheduler: &Scheduler, task: &str, agent: Option<&str>) {
        let kill = call::Kill {
            task_id: v1::TaskId::new(task),
            agent_id: agent.map(|agent| v1::AgentId::new(self.long(agent))),
            kill_policy: None,
        };
        let call = Call { kill: Some(kill), ..Default::default() };
        assert_eq!(self.call(scheduler, call::Type::Kill, call), "202");
    }

    /// Acknowledges the last update received.
    fn acknowledge(&mut self, scheduler: &Scheduler) {
        let status = self.received.last().expect("an update with a uuid came").clone();
        let acknowledge = call::Acknowledge {
            agent_id: status.agent_id.unwrap(),
            task_id: status.task_id,
            uuid: status.uuid.unwrap(),
        };
        let call = Call { acknowledge: Some(acknowledge), ..Default::default() };
        assert_eq!(self.call(scheduler, call::Type::Acknowledge, call), "202");
    }

    /// Makes a call of an operator; gives the status and the text of the answer.
    fn operate(&mut self, kind: v1::master::call::Type, call: v1::master::Call) -> String {
        let call = v1::master::Call { r#type: Some(kind.into()), ..call };
        match self.master.handle_operator_call(self.now, &call).expect("a call that is known") {
            Answer::Status { status, text } if text.is_empty() => status.to_string(),
            Answer::Status { status, text } => format!("{status} {}", self.short(&text)),
            Answer::Stream { .. } => "200 stream".into(),
        }
    }

    /// An agent reports a state.
    fn report(&mut self, scheduler: &Scheduler, agent: &str, task: &str, state: TaskState) {
        let agent = v1::AgentId::new(self.long(agent));
        let status = v1::TaskStatus {
            task_id: v1::TaskId::new(task),
            state: state.into(),
            source: Some(Source::Executor.into()),
            ..Default::default()
        };
        self.master.handle_status(self.now, &agent, &scheduler.id, status);
    }

    /// Lets time go on; everything due on the way happens at its time.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.master.poll_timeout().filter(|at| *at <= end) {
            self.now = at;
            self.master.handle_timeout(at);
        }
        self.now = end;
    }

    /// Compares everything that came out since the last check.
    #[track_caller]
    fn check(&mut self, expected: &[&str]) {
        assert_eq!(self.drain(), expected);
    }

    fn drain(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(output) = self.master.poll_stream() {
            let what = output.event.map_or_else(|| "END".into(), |event| self.event_line(event));
            lines.push(self.short(&format!("{} {what}", output.stream.0)));
        }
        while let Some(command) = self.master.poll_command() {
            let what = match command.action {
                AgentAction::Launch { task, .. } => format!("launch {}", task.task_id),
                AgentAction::LaunchInExecutor { executor, tasks, is_group, launch_executor, .. } => {
                    let ids: Vec<_> = tasks.iter().map(|task| task.task_id.value.as_str()).collect();
                    let kind = if is_group { "group" } else { "tasks" };
                    let executor_id = executor.executor_id;
                    format!("launch {kind} [{}] in {executor_id} new={launch_executor}", ids.join(" "))
                }
                AgentAction::Message { executor_id, data, .. } => {
                    format!("message {executor_id} {}", data.escape_ascii())
                }
                AgentAction::ShutdownExecutor { executor_id, .. } => format!("shut down {executor_id}"),
                AgentAction::Kill { task_id, .. } => format!("kill {task_id}"),
                AgentAction::ShutdownFramework { framework_id } => format!("shut down {framework_id}"),
                AgentAction::Shutdown => "shut down".into(),
            };
            lines.push(self.short(&format!("{} {what}", command.agent_id)));
        }
        self.check_books();
        lines
    }

    fn event_line(&mut self, event: Event) -> String {
        let mut line = event.r#type().as_str_name().to_owned();
        if let Some(subscribed) = &event.subscribed {
            line += &format!(" {}", subscribed.framework_id);
        }
        for offer in event.offers.iter().flat_map(|offers| &offers.offers) {
            let role = offer.allocation_info.as_ref().and_then(|info| info.role.clone());
            let cpus = offer.resources.iter().find(|resource| resource.name == "cpus");
            write!(
                line,
                " {}@{}/{}:{}",
                offer.id,
                offer.agent_id,
                role.unwrap_or_else(|| "-".into()),
                cpus.map_or(0, |cpus| cpus.milli())
            )
            .unwrap();
        }
        if let Some(rescind) = &event.rescind {
            line += &format!(" {}", rescind.offer_id);
        }
        for offer in event.inverse_offers.iter().flat_map(|offers| &offers.inverse_offers) {
            let start = offer.unavailability.start.nanoseconds / 1_000_000_000;
            line += &format!(" {}@{} at {start}", offer.id, offer.agent_id.clone().unwrap_or_default());
        }
        if let Some(rescind) = &event.rescind_inverse_offer {
            line += &format!(" {}", rescind.inverse_offer_id);
        }
        if let Some(failure) = &event.failure {
            line += &format!(" {}", failure.agent_id.clone().unwrap_or_default());
            if let Some(executor) = &failure.executor_id {
                line += &format!(" {executor} {:?}", failure.status);
            }
        }
        if let Some(message) = &event.message {
            line += &format!(" {} {}", message.executor_id, message.data.escape_ascii());
        }
        if let Some(error) = &event.error {
            line += &format!(" {}", error.message);
        }
        if let Some(event::UpdateOperationStatus { status }) = &event.update_operation_status {
            let id = status.operation_id.clone().unwrap_or_default();
            let uuid = if status.uuid.is_some() { "uuid" } else { status.message() };
            line += &format!(" {id} {} {uuid}", status.state().as_str_name());
        }
        if let Some(event::Update { status }) = event.update {
            line += &update_line(&status);
            if status.uuid.is_some() {
                self.received.push(status);
            }
        }
        line
    }

    /// Nothing is lost and nothing is given twice: what is free, offered and used adds up to what the
    /// agent has.
    fn check_books(&self) {
        for (id, agent) in self.master.agents.iter().filter(|(_, agent)| agent.is_registered()) {
            let mut sum: Amounts = agent.available.clone();
            for offer in self.master.offers.values().filter(|offer| offer.agent == *id) {
                sum.add(&offer.amounts);
            }
            let frameworks = self.master.frameworks.values();
            for task in frameworks.flat_map(|known| known.tasks.values()).filter(|task| task.agent == *id) {
                sum.add(&task.amounts);
            }
            for (key, held) in self.master.frameworks.values().flat_map(|known| &known.executors) {
                if key.0 == *id {
                    sum.add(&held.amounts);
                }
            }
            assert_eq!(sum, agent.total, "{id}");
        }
    }

    fn offer_ids(&self, offers: &[&str]) -> Vec<v1::OfferId> {
        offers.iter().map(|offer| v1::OfferId::new(self.long(offer))).collect()
    }

    /// `S0` as the master writes it.
    fn long(&self, short: &str) -> String {
        match (short.strip_prefix("old-"), &self.old) {
            (Some(short), Some(old)) => format!("{old}-{short}"),
            _ => format!("{}-{short}", self.master.ids.master()),
        }
    }

    fn short(&self, text: &str) -> String {
        let text = text.replace(&format!("{}-", self.master.ids.master()), "");
        self.old.iter().fold(text, |text, old| text.replace(old, "old"))
    }
}

fn update_line(status: &v1::TaskStatus) -> String {
    let mut line = format!(" {} {}", status.task_id, status.state().as_str_name());
    if status.reason.is_some() {
        line += &format!(" {}", status.reason().as_str_name().trim_start_matches("REASON_"));
    }
    if status.uuid.is_some() {
        line += " uuid";
    }
    if let Some(message) = &status.message {
        line += &format!(" '{message}'");
    }
    line
}

/// A framework of one role that understands everything new.
fn aware(role: &str) -> v1::FrameworkInfo {
    let capabilities = [
        capability::Type::MultiRole,
        capability::Type::PartitionAware,
        capability::Type::TaskKillingState,
        capability::Type::ReservationRefinement,
    ];
    v1::FrameworkInfo { roles: vec![role.into()], ..framework(&capabilities) }
}

fn framework(capabilities: &[capability::Type]) -> v1::FrameworkInfo {
    let capabilities =
        capabilities.iter().map(|capability| Capability { r#type: Some((*capability).into()) }).collect();
    v1::FrameworkInfo { user: "nobody".into(), name: "demo".into(), capabilities, ..Default::default() }
}

/// A task that sleeps, on the agent with this short name.
fn task(script: &Script, id: &str, agent: &str, cpus_milli: i64) -> v1::TaskInfo {
    v1::TaskInfo {
        name: id.into(),
        task_id: v1::TaskId::new(id),
        agent_id: v1::AgentId::new(script.long(agent)),
        resources: vec![
            v1::Resource::scalar_milli("cpus", cpus_milli),
            v1::Resource::scalar_milli("mem", 32_000),
        ],
        command: Some(v1::CommandInfo { value: Some("sleep 1000".into()), ..Default::default() }),
        ..Default::default()
    }
}

const SECOND: Duration = Duration::from_secs(1);
