//! What the scheduler wants done, and what of it can be judged at once.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use mesos_proto::v1::{self, scheduler::Call};
use mesos_scheduler_client::{CallOutcome, CallToken, Change, Event, SessionState, Transmit};
use prost::Message;

use crate::{
    cluster::master_of,
    invariant::{Checked, Invariant, broken},
    network::{HttpRequest, LinkId, Purpose, Up},
    process::{Process, ToSession},
    user::Heard,
    world::{Happening, World},
};

/// More calls that nobody asked for are a flood.
const MOST_CALLS_IN_A_SECOND: u32 = 200;

impl World {
    pub(crate) fn transmit(&mut self, process: &mut Process, transmit: Transmit) {
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
    fn count_call(&mut self, body: &Bytes) {
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
        // A stream that was held up brings many offers at once, each with its answer.
        let allowed = MOST_CALLS_IN_A_SECOND + 3 * self.events_in_second(second);
        if self.calls_in_second.1 > allowed {
            self.fail(
                Invariant::TimeGoesOn,
                format!("{} of {kind:?} and the like within a second", self.calls_in_second.1),
            );
        }
    }

    fn events_in_second(&self, second: u64) -> u32 {
        if self.heard_in_second.0 == second { self.heard_in_second.1 } else { 0 }
    }

    fn send_request(&mut self, id: LinkId, call: Option<CallToken>, request: Request<Bytes>) {
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

    pub(crate) fn resolve(&mut self, process: &mut Process, call: CallToken, outcome: CallOutcome) {
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

    pub(crate) fn pass_event(&mut self, process: &mut Process, event: Event) {
        if self.script.setup.lag.is_zero() {
            return self.event_to_core(process, event);
        }
        process.to_core.push_back(event);
        let (incarnation, lag) = (process.incarnation, self.lag());
        self.after(lag, Happening::ToCore { incarnation });
    }

    pub(crate) fn pass_wish(&mut self, process: &mut Process, wish: ToSession) {
        if self.script.setup.lag.is_zero() {
            return self.wish_to_session(process, wish);
        }
        process.to_session.push_back(wish);
        let (incarnation, lag) = (process.incarnation, self.lag());
        self.after(lag, Happening::ToSession { incarnation });
    }

    pub(crate) fn lag(&mut self) -> Duration {
        let most = u64::try_from(self.script.setup.lag.as_millis()).expect("it is short");
        self.random.millis(0, most)
    }

    pub(crate) fn tell(&mut self, change: Change) {
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
