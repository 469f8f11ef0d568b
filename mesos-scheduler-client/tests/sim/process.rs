//! The program of the scheduler: session and framework core, driven as the drivers do it, effect by effect.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use http::HeaderValue;
use mesos_proto::v1::{self, framework_info::capability, scheduler::Call};
use mesos_scheduler_client::{CallToken, CloseReason, Event, Masters, OutcomeToken, Session, SessionConfig};

use crate::{
    cluster::authority,
    core::Core,
    invariant::{Checked, Invariant, broken},
    network::{Link, LinkId},
    script::{Mutation, Script, Setup},
    shown::call_text,
    world::{Happening, World},
};

/// More outputs than this at once are a loop.
const MOST_EFFECTS_AT_ONCE: u64 = 20_000;

/// One life of the program.
pub(crate) struct Process {
    pub(crate) incarnation: u32,
    pub(crate) session: Session,
    pub(crate) core: Core,
    pub(crate) tokens: BTreeMap<CallToken, OutcomeToken>,
    /// The header of the stream that answered last.
    pub(crate) stream_id: Option<HeaderValue>,
    pub(crate) to_core: VecDeque<Event>,
    pub(crate) to_session: VecDeque<ToSession>,
    pub(crate) recovery: Recovery,
    pub(crate) ended: Option<CloseReason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    NotAsked,
    Asked,
    Done,
}

pub(crate) enum ToSession {
    Suppress(Vec<String>),
    Call(Option<OutcomeToken>, Box<Call>),
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
        checkpoint: Some(setup.is_checkpointed),
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
        let of_it = |link: &Link| link.incarnation == process.incarnation && link.is_open_below;
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
            let wish = ToSession::Call(token, Box::new(call));
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
            return broken(Invariant::RestsWithoutDemand, format!("{} at rest", call_text(call)));
        }
        Ok(())
    }
}
