//! The program of the scheduler: session and framework core, driven as the drivers do it, effect by effect.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use http::HeaderValue;
use mesos_proto::v1::{
    self, FrameworkId,
    framework_info::capability,
    scheduler::Call,
    task_status::{Reason, Source},
};
use mesos_scheduler_client::{
    CallOutcome, CallToken, Change, CloseReason, DisconnectCause, Event, Masters, OutcomeToken, Session,
    SessionConfig, SessionState, StoreError, Transmit,
};
use prost::Message;

use crate::{
    cluster::{authority, master_of},
    core::Core,
    invariant::{Checked, Invariant, broken},
    network::{HttpRequest, LinkId, Purpose, Up},
    script::{Mutation, Script, Setup},
    user::Heard,
    wires::{shown, tail},
    world::{Happening, World},
};

/// More outputs than this at once are a loop.
const MOST_EFFECTS_AT_ONCE: u64 = 20_000;

/// More calls that nobody asked for are a flood.
const MOST_CALLS_IN_A_SECOND: u32 = 200;

/// One life of the program.
pub(crate) struct Process {
    pub(crate) incarnation: u32,
    pub(crate) session: Session,
    pub(crate) core: Core,
    tokens: BTreeMap<CallToken, OutcomeToken>,
    /// The header of the stream that answered last.
    pub(crate) stream_id: Option<HeaderValue>,
    to_core: VecDeque<Event>,
    to_session: VecDeque<ToSession>,
    recovery: Recovery,
    ended: Option<CloseReason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recovery {
    NotAsked,
    Asked,
    Done,
}

enum ToSession {
    Suppress(Vec<String>),
    Call(Option<OutcomeToken>, Call),
}

impl Process {
    fn new(incarnation: u32, script: &Script, seed: u64) -> Self {
        let setup = &script.setup;
        let masters: Vec<String> = (0..usize::from(setup.masters)).map(authority).collect();
        let masters = Masters::parse(&masters.join(",")).expect("they are addresses");
        let mut config = SessionConfig::new(framework_info(setup), masters, seed);
        config.has_framework_id_store = true;
        let mut session = Session::new(config);
        let mut core = Core::new(setup, framework_info(setup), seed);
        set_mutation(script.mutation, &mut session, &mut core);
        Self {
            incarnation,
            session,
            core,
            tokens: BTreeMap::new(),
            stream_id: None,
            to_core: VecDeque::new(),
            to_session: VecDeque::new(),
            recovery: Recovery::NotAsked,
            ended: None,
        }
    }

    pub(crate) fn is_recovered(&self) -> bool {
        self.recovery == Recovery::Done
    }
}

#[cfg(feature = "mutations")]
fn set_mutation(mutation: Option<Mutation>, session: &mut Session, core: &mut Core) {
    if let Some(mutation) = mutation {
        session.set_mutation(mutation);
        core.set_mutation(mutation);
    }
}

#[cfg(not(feature = "mutations"))]
fn set_mutation(mutation: Option<Mutation>, _: &mut Session, _: &mut Core) {
    match mutation {
        None => {}
        Some(none) => match none {},
    }
}

#[expect(deprecated, reason = "frameworks without MULTI_ROLE speak by the field `role`")]
fn framework_info(setup: &Setup) -> v1::FrameworkInfo {
    let capabilities = [
        (setup.is_partition_aware, capability::Type::PartitionAware),
        (setup.is_multi_role, capability::Type::MultiRole),
        (setup.tells_killing, capability::Type::TaskKillingState),
    ];
    let capabilities = capabilities.into_iter().filter(|(is_wanted, _)| *is_wanted);
    v1::FrameworkInfo {
        user: "nobody".to_owned(),
        name: "simulation".to_owned(),
        role: if setup.is_multi_role { None } else { setup.roles().pop() },
        roles: if setup.is_multi_role { setup.roles() } else { Vec::new() },
        failover_timeout: Some(1_000_000.0),
        capabilities: capabilities
            .map(|(_, kind)| v1::framework_info::Capability { r#type: Some(kind.into()) })
            .collect(),
        ..v1::FrameworkInfo::default()
    }
}

/// Life and death.
impl World {
    pub(crate) fn start_scheduler(&mut self) {
        if self.process.is_some() {
            return;
        }
        self.incarnation += 1;
        let seed = self.random.next();
        let mut process = Process::new(self.incarnation, &self.script, seed);
        process.session.start(self.instant());
        self.say(|| "the scheduler starts".to_owned());
        self.process = Some(process);
    }

    /// Ends the program at once: nothing of it is carried out any more.
    pub(crate) fn kill_scheduler(&mut self, down: Duration, is_silent: bool) {
        let Some(process) = self.process.take() else { return };
        self.say(|| format!("the scheduler ends; back in {down:?}"));
        self.user.forget();
        self.ledger.subscribe(false);
        let of_it =
            |link: &crate::network::Link| link.incarnation == process.incarnation && link.is_open_below;
        let links: Vec<LinkId> =
            self.network.links.iter().filter(|(_, link)| of_it(link)).map(|(id, _)| *id).collect();
        for id in links {
            let delay = if is_silent { self.random.millis(1_000, 120_000) } else { self.latency() };
            self.close_below(id, delay);
        }
        self.after(down, Happening::StartScheduler);
    }

    /// Counts an output of the scheduler and carries it out, unless the program dies before. Tells whether it
    /// lives on.
    fn effect(&mut self, process: &mut Process, carry_out: impl FnOnce(&mut Self, &mut Process)) -> bool {
        let number = self.effects;
        self.effects += 1;
        self.effects_at_once += 1;
        if self.effects_at_once > MOST_EFFECTS_AT_ONCE {
            self.fail(Invariant::TimeGoesOn, "the scheduler has something to do again and again");
            return false;
        }
        let crash = self.crash.filter(|crash| crash.at_effect <= number);
        if crash.is_some_and(|crash| !crash.is_carried_out) {
            self.seen.note("the scheduler crashes before an effect");
        }
        if crash.is_none_or(|crash| crash.is_carried_out) {
            carry_out(self, process);
        }
        crash.is_none()
    }

    /// Does all that the scheduler wants.
    pub(crate) fn drain_process(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        self.effects_at_once = 0;
        let lives = self.drain(&mut process);
        let ended = process.ended.take();
        self.process = Some(process);
        if let Some(crash) = self.crash.take_if(|_| !lives) {
            self.seen.note("the scheduler crashes");
            self.kill_scheduler(crash.down, crash.is_silent);
        } else if let Some(reason) = ended {
            // Two SUBSCRIBE of one program may overtake each other: the later one evicts its own stream.
            if reason != CloseReason::FailedOver {
                self.fail(Invariant::FrameworkLives, reason.to_string());
            }
            self.kill_scheduler(Duration::from_secs(5), false);
        }
    }

    fn drain(&mut self, process: &mut Process) -> bool {
        let now = self.instant();
        loop {
            let before = self.effects;
            while let Some(transmit) = process.session.poll_transmit(now) {
                if !self.effect(process, |world, process| world.transmit(process, transmit)) {
                    return false;
                }
            }
            while let Some((call, outcome)) = process.session.poll_outcome() {
                let lives = self.effect(process, |world, process| world.resolve(process, call, outcome));
                if !lives || !self.drain_core(process) {
                    return false;
                }
            }
            while let Some(event) = process.session.poll_event() {
                let lives = self.effect(process, |world, process| world.pass_event(process, event));
                if !lives || !self.drain_core(process) {
                    return false;
                }
            }
            if !self.drain_core(process) {
                return false;
            }
            if self.effects == before || self.violation.is_some() {
                return true;
            }
        }
    }

    fn drain_core(&mut self, process: &mut Process) -> bool {
        while let Some(roles) = process.core.poll_suppressed_roles() {
            let wish = ToSession::Suppress(roles);
            if !self.effect(process, |world, process| world.pass_wish(process, wish)) {
                return false;
            }
        }
        while let Some((token, call)) = process.core.poll_call() {
            self.check(self.quiet_call(&call));
            let said = self.ledger.say(token, &call);
            self.check(said);
            if let Some(kill) = &call.kill {
                self.user.kill(&kill.task_id.value);
            }
            let wish = ToSession::Call(token, call);
            if !self.effect(process, |world, process| world.pass_wish(process, wish)) {
                return false;
            }
        }
        let settled = self.ledger.settle();
        self.check(settled);
        let held = self.ledger.check_held(process.core.held_offers());
        self.check(held);
        while let Some(change) = process.core.poll_change() {
            if !self.effect(process, |world, _| world.tell(change)) {
                return false;
            }
        }
        let checked = self.user.check_kills(|| process.core.tasks());
        self.check(checked);
        true
    }

    fn quiet_call(&self, call: &Call) -> Checked {
        use v1::scheduler::call::Type;
        let is_busy = matches!(
            call.r#type(),
            Type::Accept | Type::Decline | Type::Revive | Type::Suppress | Type::Kill
        );
        if self.is_quiet && is_busy {
            return broken(Invariant::RestsWithoutDemand, format!("{} at rest", shown(call)));
        }
        Ok(())
    }
}

/// Effects.
impl World {
    fn transmit(&mut self, process: &mut Process, transmit: Transmit) {
        match transmit {
            Transmit::Subscribe { stream, endpoint, request, .. } => {
                let Some(master) = master_of(&endpoint.authority()) else { return };
                let id = self.connect(process.incarnation, Purpose::Stream(stream), master);
                self.send_request(id, None, request);
            }
            Transmit::Call { call, endpoint, request, .. } => {
                self.count_call(request.body());
                let Some(master) = master_of(&endpoint.authority()) else { return };
                let checked = check_call(process, request.headers().get("mesos-stream-id"));
                self.check(checked);
                let open = self.network.calls_of(process.incarnation).map(|(id, link)| (id, link.master));
                let id = match open {
                    Some((id, at)) if at == master => id,
                    Some(_) | None => self.connect(process.incarnation, Purpose::Calls, master),
                };
                self.send_request(id, Some(call), request);
            }
            Transmit::LoadFrameworkId => {
                let (incarnation, is_good) = (process.incarnation, self.store_works());
                self.after(Duration::from_millis(2), Happening::Loaded { incarnation, is_good });
            }
            Transmit::SaveFrameworkId { id } => {
                let (incarnation, is_good) = (process.incarnation, self.store_works());
                self.after(Duration::from_millis(5), Happening::Saved { incarnation, id, is_good });
            }
            Transmit::ClearFrameworkId => self.store.id = None,
            Transmit::Abort { .. } => {
                let stream = self.network.stream_of(process.incarnation).map(|(id, _)| id);
                let calls = self.network.calls_of(process.incarnation).map(|(id, _)| id);
                for id in stream.into_iter().chain(calls) {
                    let delay = self.latency();
                    self.close_below(id, delay);
                }
            }
            other => self.fail(Invariant::FrameworkLives, format!("an unexpected {other:?}")),
        }
    }

    /// What the scheduler says by itself must not flood the master.
    fn count_call(&mut self, body: &bytes::Bytes) {
        use v1::scheduler::call::Type;
        let kind = Call::decode(body.clone()).map(|call| call.r#type());
        let is_by_itself = matches!(
            kind,
            Ok(Type::Suppress | Type::Revive | Type::Decline | Type::UpdateFramework | Type::Reconcile)
        );
        if !is_by_itself {
            return;
        }
        let second = self.now.as_secs();
        self.calls_in_second =
            if self.calls_in_second.0 == second { (second, self.calls_in_second.1 + 1) } else { (second, 1) };
        if self.calls_in_second.1 > MOST_CALLS_IN_A_SECOND {
            self.fail(
                Invariant::TimeGoesOn,
                format!("{} of {kind:?} and the like within a second", self.calls_in_second.1),
            );
        }
    }

    fn send_request(&mut self, id: LinkId, call: Option<CallToken>, request: http::Request<bytes::Bytes>) {
        let (head, body) = request.into_parts();
        let Some(link) = self.network.links.get_mut(&id) else { return };
        link.waiting.extend(call);
        let is_new = link.waiting.len() <= 1;
        // A new connection has to be made first.
        let rounds = if is_new { 3 } else { 1 };
        let mut delay = Duration::ZERO;
        for _ in 0..rounds {
            delay += self.latency();
        }
        let request = HttpRequest { call, path: head.uri.path().to_owned(), headers: head.headers, body };
        self.send_up(id, delay, Up::Request(request));
    }

    fn store_works(&mut self) -> bool {
        let is_failing = self.store.failures > 0;
        if is_failing {
            self.seen.note("the store fails");
        }
        self.store.failures = self.store.failures.saturating_sub(1);
        !is_failing
    }

    fn resolve(&mut self, process: &mut Process, call: CallToken, outcome: CallOutcome) {
        let Some(token) = process.tokens.remove(&call) else { return };
        if self.script.setup.lag.is_zero() {
            let now = self.instant();
            self.ledger.outcome(token, &outcome);
            process.core.outcome(now, token, outcome);
        } else {
            let (incarnation, lag) = (process.incarnation, self.lag());
            self.after(lag, Happening::Outcome { incarnation, token, outcome });
        }
    }

    fn pass_event(&mut self, process: &mut Process, event: Event) {
        if self.script.setup.lag.is_zero() {
            return self.event_to_core(process, event);
        }
        process.to_core.push_back(event);
        let (incarnation, lag) = (process.incarnation, self.lag());
        self.after(lag, Happening::ToCore { incarnation });
    }

    fn pass_wish(&mut self, process: &mut Process, wish: ToSession) {
        if self.script.setup.lag.is_zero() {
            return self.wish_to_session(process, wish);
        }
        process.to_session.push_back(wish);
        let (incarnation, lag) = (process.incarnation, self.lag());
        self.after(lag, Happening::ToSession { incarnation });
    }

    fn lag(&mut self) -> Duration {
        let most = u64::try_from(self.script.setup.lag.as_millis()).expect("it is short");
        self.random.millis(0, most)
    }

    fn tell(&mut self, change: Change) {
        self.say(|| format!("   {}: {:?}", change.task_id, change.kind));
        match self.user.hear(change) {
            Ok(Heard::Nothing) => {}
            Ok(Heard::Runs(id, placement)) => {
                let told: Vec<u64> = placement.host_ports.iter().map(|port| u64::from(*port)).collect();
                let is_true = |(agent, ports): &(v1::AgentId, Vec<u64>)| {
                    let mut told = told.clone();
                    told.sort_unstable();
                    *agent == placement.agent_id && *ports == told
                };
                let place = self.cluster.places.get(&placement.task_id.value);
                if !place.is_some_and(is_true) {
                    let what = format!(
                        "{id} is told to run on {} {told:?}, it does at {place:?}",
                        placement.agent_id
                    );
                    self.fail(Invariant::PlacementIsTrue, what);
                }
            }
            Ok(Heard::Ended { id, wire_id, state }) => {
                let wire_id = wire_id.unwrap_or_else(|| id.clone());
                let lives = self.cluster.agents.iter().any(|agent| {
                    agent.is_connected && agent.is_registered && agent.runs.contains_key(&wire_id)
                });
                if lives && !state.may_come_back() {
                    self.fail(Invariant::TerminalIsFinal, format!("{id} ended as {state:?}, and lives"));
                }
            }
            Err(violation) => self.check(Err(violation)),
        }
    }
}

fn check_call(process: &Process, stream_id: Option<&HeaderValue>) -> Checked {
    let state = process.session.state();
    if !matches!(state, SessionState::Subscribed | SessionState::Closing) {
        return broken(Invariant::CallsHaveSubscription, format!("a call while {state:?}"));
    }
    if stream_id.is_none() || stream_id != process.stream_id.as_ref() {
        let what = format!("a call with stream id {stream_id:?}, it is {:?}", process.stream_id);
        return broken(Invariant::CallsHaveSubscription, what);
    }
    Ok(())
}

/// What reaches the two cores.
impl World {
    fn event_to_core(&mut self, process: &mut Process, event: Event) {
        let now = self.instant();
        match event {
            Event::Subscribed { framework_id, .. } => {
                self.say(|| format!("   subscribed as {}", tail(&framework_id.value)));
                self.ledger.subscribe(true);
                process.core.subscribed(now);
                if process.recovery == Recovery::NotAsked {
                    process.recovery = Recovery::Asked;
                    let incarnation = process.incarnation;
                    let delay = self.latency();
                    self.after(delay, Happening::Ask { incarnation });
                }
            }
            Event::Mesos(event) => {
                self.say(|| shown_event(&event));
                if self.is_quiet && event.offers.is_some() {
                    self.fail(Invariant::RestsWithoutDemand, "offers come at rest");
                }
                self.note(&event);
                if let Some(update) = &event.update {
                    self.user.hear_status(&update.status);
                }
                self.ledger.hear(self.now, &event);
                process.core.event(now, *event);
            }
            Event::Disconnected { cause, why, .. } => {
                if cause == DisconnectCause::Silent {
                    self.seen.note("a stream is silent for too long");
                }
                self.say(|| format!("   disconnected: {why}"));
                self.ledger.subscribe(false);
                process.core.disconnected(now, why);
            }
            Event::Closed(reason) => {
                self.say(|| format!("   closed: {reason}"));
                self.ledger.subscribe(false);
                process.core.closed(reason.to_string());
                process.ended = Some(reason);
            }
            other => self.fail(Invariant::FrameworkLives, format!("an unexpected {other:?}")),
        }
    }

    fn note(&mut self, event: &v1::scheduler::Event) {
        if event.rescind.is_some() {
            self.seen.note("an offer is rescinded");
        }
        let Some(v1::scheduler::event::Update { status }) = &event.update else { return };
        if let Some(uuid) = status.uuid.as_ref().filter(|_| status.needs_acknowledgement())
            && !self.uuids.insert(uuid.to_vec())
        {
            self.seen.note("an update comes twice");
        }
        match status.state() {
            v1::TaskState::TaskLost => self.seen.note("a task is lost"),
            v1::TaskState::TaskUnknown => self.seen.note("a task is unknown"),
            v1::TaskState::TaskUnreachable => self.seen.note("a task is unreachable"),
            v1::TaskState::TaskGoneByOperator => self.seen.note("a task is gone by operator"),
            _ => {}
        }
        match status.known_reason() {
            Some(Reason::InvalidOffers) => self.seen.note("a launch names void offers"),
            Some(Reason::Reconciliation) if status.source() == Source::Agent => {
                self.seen.note("a launch is lost on its way to the agent");
            }
            _ => {}
        }
        if status.message() == "Container exited with status 125" {
            self.seen.note("a port is taken by somebody else");
        }
    }

    fn wish_to_session(&mut self, process: &mut Process, wish: ToSession) {
        match wish {
            ToSession::Suppress(roles) => process.session.set_suppressed_roles(roles),
            ToSession::Call(token, call) => {
                let call = process.session.call(call);
                if let Some(token) = token {
                    process.tokens.insert(call, token);
                }
            }
        }
    }

    /// Does something with the program of this life, if it lives.
    fn with(&mut self, incarnation: u32, what: impl FnOnce(&mut Self, &mut Process)) {
        let Some(mut process) = self.process.take_if(|process| process.incarnation == incarnation) else {
            return;
        };
        what(self, &mut process);
        self.process = Some(process);
    }

    pub(crate) fn one_event_to_core(&mut self, incarnation: u32) {
        self.with(incarnation, |world, process| {
            if let Some(event) = process.to_core.pop_front() {
                world.event_to_core(process, event);
            }
        });
    }

    pub(crate) fn outcome_to_core(&mut self, incarnation: u32, token: OutcomeToken, outcome: CallOutcome) {
        self.with(incarnation, |world, process| {
            let now = world.instant();
            world.ledger.outcome(token, &outcome);
            process.core.outcome(now, token, outcome);
        });
    }

    pub(crate) fn one_wish_to_session(&mut self, incarnation: u32) {
        self.with(incarnation, |world, process| {
            if let Some(wish) = process.to_session.pop_front() {
                world.wish_to_session(process, wish);
            }
        });
    }

    pub(crate) fn loaded(&mut self, incarnation: u32, is_good: bool) {
        self.with(incarnation, |world, process| {
            let result = if is_good { Ok(world.store.id.clone()) } else { Err(store_error()) };
            process.session.handle_framework_id_loaded(world.instant(), result);
        });
    }

    /// What was to be saved is saved, whether or not the program still lives.
    pub(crate) fn saved(&mut self, incarnation: u32, id: &FrameworkId, is_good: bool) {
        if is_good {
            self.store.id = Some(id.clone());
        }
        self.with(incarnation, |world, process| {
            let result = if is_good { Ok(()) } else { Err(store_error()) };
            process.session.handle_framework_id_saved(world.instant(), id, result);
        });
    }

    /// The question for all tasks reaches the leader, or nobody.
    pub(crate) fn ask(&mut self, incarnation: u32) {
        let is_answered = self.cluster.is_leading()
            && self.network.partitioned_until <= self.now
            && self.queries_to_fail == 0;
        self.queries_to_fail = self.queries_to_fail.saturating_sub(1);
        let own = self.store.id.clone().unwrap_or_default();
        let tasks = is_answered.then(|| {
            let answer = self.cluster.master.get_tasks();
            let tasks = answer.tasks.into_iter().chain(answer.unreachable_tasks);
            tasks.filter(|task| task.framework_id == own).collect()
        });
        let is_complete = self.cluster.master.get_agents().recovered_agents.is_empty();
        let delay = self.latency();
        self.after(delay, Happening::Answered { incarnation, tasks, is_complete });
    }

    /// As long as agents are missing it is asked again.
    pub(crate) fn answered(&mut self, incarnation: u32, tasks: Option<Vec<v1::Task>>, is_complete: bool) {
        self.with(incarnation, |world, process| match tasks {
            Some(tasks) => {
                world.say(|| format!("   recovers {} tasks", tasks.len()));
                if !tasks.is_empty() {
                    world.seen.note("the scheduler recovers tasks");
                }
                world.user.recover(&tasks, is_complete);
                process.core.recover(world.instant(), tasks, is_complete);
                if is_complete {
                    process.recovery = Recovery::Done;
                } else {
                    world.after(Duration::from_secs(5), Happening::Ask { incarnation });
                }
            }
            None => world.after(Duration::from_secs(1), Happening::Ask { incarnation }),
        });
    }
}

fn store_error() -> StoreError {
    StoreError::new("the store is not there")
}

fn shown_event(event: &v1::scheduler::Event) -> String {
    let name = event.r#type().as_str_name();
    if let Some(update) = &event.update {
        let status = &update.status;
        let uuid = if status.needs_acknowledgement() { ", with uuid" } else { "" };
        return format!("<- {name} {} {:?} {}{uuid}", status.task_id, status.state(), status.message());
    }
    if let Some(offers) = &event.offers {
        let offers: Vec<String> = offers
            .offers
            .iter()
            .map(|offer| format!("{} of {}", tail(&offer.id.value), tail(&offer.agent_id.value)))
            .collect();
        return format!("<- {name} {offers:?}");
    }
    if let Some(rescind) = &event.rescind {
        return format!("<- {name} {}", tail(&rescind.offer_id.value));
    }
    format!("<- {name}")
}
