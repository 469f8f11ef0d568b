//! What reaches the session and the core of the framework.

use std::time::Duration;

use mesos_proto::v1::{
    self, FrameworkId,
    task_status::{Reason, Source},
};
use mesos_scheduler_client::{CallOutcome, DisconnectCause, Event, OutcomeToken, StoreError};

use crate::{
    invariant::Invariant,
    process::{Process, Recovery, ToSession},
    shown::{event_text, tail},
    world::{Happening, World},
};

impl World {
    pub(crate) fn event_to_core(&mut self, process: &mut Process, event: Event) {
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
                self.say(|| event_text(&event));
                if self.is_quiet && event.offers.is_some() {
                    self.fail(Invariant::RestsWithoutDemand, "offers come at rest");
                }
                self.note(&event);
                let second = self.now.as_secs();
                let before = if self.heard_in_second.0 == second { self.heard_in_second.1 } else { 0 };
                self.heard_in_second = (second, before + 1);
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

    pub(crate) fn wish_to_session(&mut self, process: &mut Process, wish: ToSession) {
        match wish {
            ToSession::Suppress(roles) => process.session.set_suppressed_roles(roles),
            ToSession::Call(token, call) => {
                let call = process.session.call(*call);
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
