//! What happens: the subscription, the events of the stream, the outcomes of calls, time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mesos_proto::v1::{
    self,
    scheduler::{Event, event},
};

use super::{
    ChangeKind, Connection, FrameworkCore, InFlight, LaunchFailure, OutcomeToken, TaskEnd, TaskPhase,
    launches::Refused, timers::Timer,
};
use crate::{calls, deadline::after, mutation::Mutation, session::CallOutcome};

/// Pause before something is said again that the master may not have heard.
const PAUSE_BEFORE_AGAIN: Duration = Duration::from_secs(1);

impl FrameworkCore {
    /// A subscription begins: every offer of the last one is void.
    pub fn handle_subscribed(&mut self, now: Instant) {
        if matches!(self.connection, Connection::Closed { .. }) {
            return;
        }
        self.connection = Connection::Subscribed;
        self.forget_offers();
        self.agents.forget_maintenance();
        self.demand.forget();
        self.push_down.resume();
        self.demand.new_work(&self.roles);
        self.is_demand_due = true;
        self.reconcile_known(now);
        self.timers.set(Timer::ReconcileAll, after(now, self.policy.reconcile_all));
        for task_id in self.tasks.ids_where(|task| task.state == TaskPhase::Killing) {
            if !self.mutations.has(Mutation::ForgetKills) {
                self.send_kill(now, &task_id);
            }
        }
        self.settle(now);
    }

    /// The subscription is lost, or could not be had; it will be tried again.
    pub fn handle_disconnected(&mut self, now: Instant, why: impl Into<String>) {
        if matches!(self.connection, Connection::Closed { .. }) {
            return;
        }
        self.connection = Connection::Down { why: Some(why.into()) };
        self.forget_offers();
        self.demand.forget();
        for timer in [Timer::Reconcile, Timer::ReconcileAll, Timer::Demand, Timer::Again] {
            self.timers.stop(&timer);
        }
        // What counts is how long a master that is asked does not know them.
        for task_id in self.tasks.ids_where(|task| task.is_unknown) {
            self.timers.stop(&Timer::Lost(task_id.clone()));
            self.with_task(&task_id, |task| task.is_unknown = false);
        }
        self.settle(now);
    }

    /// Offers end with their subscription, whatever becomes of calls that name them.
    fn forget_offers(&mut self) {
        if self.mutations.has(Mutation::KeepOffers) {
            return;
        }
        self.offers.clear();
        self.lost_declines.clear();
        for call in self.in_flight.values_mut() {
            match call {
                InFlight::Accept { offer_ids, .. } | InFlight::Decline { offer_ids } => offer_ids.clear(),
                InFlight::Demand(_) | InFlight::PushDown => {}
            }
        }
    }

    /// The subscription is over for good: every task is answered with `why`.
    pub fn handle_closed(&mut self, why: impl Into<String>) {
        let why = why.into();
        for task_id in self.tasks.ids_where(|_| true) {
            self.fail_launch(&task_id, LaunchFailure::Closed { why: why.clone() });
            if self.tasks.get(&task_id).is_some_and(|task| task.placed.is_none()) {
                self.forget(&task_id);
                continue;
            }
            self.remove(&task_id, TaskEnd::untold(v1::TaskState::TaskUnknown, why.clone()));
        }
        self.connection = Connection::Closed { why };
        self.offers.clear();
        self.timers.clear();
        self.calls.clear();
        self.in_flight.clear();
    }

    /// An event of the stream.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match event.r#type() {
            event::Type::Offers => {
                self.take_offers(now, event.offers.map(|offers| offers.offers).unwrap_or_default());
            }
            event::Type::Rescind => {
                if let Some(rescind) = event.rescind
                    && !self.mutations.has(Mutation::IgnoreRescind)
                {
                    self.offers.remove_offer(&rescind.offer_id.value);
                }
            }
            event::Type::Update => {
                if let Some(update) = event.update {
                    self.handle_status(now, update.status);
                }
            }
            event::Type::Failure => {
                // With an executor it is only a hint: the updates of its tasks tell the truth.
                if let Some(event::Failure { agent_id: Some(agent_id), executor_id: None, .. }) =
                    event.failure
                {
                    self.offers.remove_agent(&agent_id.value);
                }
            }
            event::Type::InverseOffers => {
                self.take_inverse_offers(
                    event.inverse_offers.map(|offers| offers.inverse_offers).unwrap_or_default(),
                );
            }
            event::Type::RescindInverseOffer => {
                if let Some(rescind) = event.rescind_inverse_offer
                    && let Some(agent) = self.agents.rescind_inverse_offer(&rescind.inverse_offer_id.value)
                {
                    self.offers.set_unavailable(&agent, false);
                    self.unmatched = true;
                }
            }
            // The session deals with the first two and the end; and no operation or message was ever sent that
            // could be answered.
            event::Type::Subscribed
            | event::Type::Heartbeat
            | event::Type::Error
            | event::Type::Unknown
            | event::Type::UpdateOperationStatus
            | event::Type::Message => {}
        }
        self.settle(now);
    }

    fn take_offers(&mut self, now: Instant, offers: Vec<v1::Offer>) {
        let expires = after(now, self.jitter.shorten(self.policy.hold));
        for offer in offers {
            let role = self.role_of(&offer);
            self.demand.offers_arrived(&role);
            let agent = self.agents.of_offer(&offer);
            let is_unavailable = offer.unavailability.is_some();
            if !is_unavailable && self.agents.call_off(&agent.key) {
                self.offers.set_unavailable(&agent.key, false);
            }
            self.offers.add(&agent, &role, offer, is_unavailable, expires);
        }
        self.unmatched = true;
        self.is_demand_due = true;
    }

    /// The role that an offer was made for. Frameworks without the capability MULTI_ROLE have one role, and are not
    /// told.
    fn role_of(&self, offer: &v1::Offer) -> Arc<str> {
        let named = offer.allocation_info.as_ref().and_then(|info| info.role.as_deref());
        match named {
            Some(named) => {
                let known = self.roles.iter().find(|role| ***role == *named);
                known.cloned().unwrap_or_else(|| named.into())
            }
            None => self.roles.first().cloned().unwrap_or_else(|| "*".into()),
        }
    }

    /// The operator plans to take agents away. Agreeing is all that can be done here; the owners of tasks decide
    /// about them.
    fn take_inverse_offers(&mut self, inverse_offers: Vec<v1::InverseOffer>) {
        let mut ids = Vec::new();
        for inverse in inverse_offers {
            let unavailability = inverse.unavailability;
            // It comes again and again, with filters or without.
            if let Some((agent, true)) = self.agents.add_inverse_offer(&inverse) {
                self.offers.set_unavailable(&agent, true);
                let is_there =
                    |task: &super::Task| task.placed.as_ref().is_some_and(|placed| placed.agent.key == agent);
                for task_id in self.tasks.ids_where(is_there) {
                    self.change(&task_id, ChangeKind::Maintenance(Box::new(unavailability)));
                }
            }
            ids.push(inverse.id);
        }
        if !ids.is_empty() && self.is_subscribed() {
            let filters = super::launches::filters(self.policy.refuse);
            self.push_call(calls::accept_inverse_offers(ids, Some(filters)));
        }
    }

    /// What became of a call that [`poll_call`](Self::poll_call) gave out.
    pub fn handle_call_outcome(&mut self, now: Instant, token: OutcomeToken, outcome: CallOutcome) {
        let Some(in_flight) = self.in_flight.remove(&token) else { return };
        match in_flight {
            InFlight::Accept { task_ids, offer_ids } => {
                self.handle_accept_outcome(token, task_ids, offer_ids, outcome);
            }
            InFlight::Decline { offer_ids } => match outcome {
                CallOutcome::OutcomeUnknown { .. } | CallOutcome::QueueFull { .. } => {
                    self.lost_declines.extend(offer_ids);
                    self.say_again_later(now);
                }
                // Done; or the offers went with the subscription; or it would be refused again.
                CallOutcome::Accepted
                | CallOutcome::NotSubscribed
                | CallOutcome::Refused { .. }
                | CallOutcome::Invalid { .. } => {}
            },
            InFlight::Demand(call) => {
                let is_read = matches!(outcome, CallOutcome::Accepted);
                self.demand.answered(&call, is_read);
                match outcome {
                    CallOutcome::Accepted => self.is_demand_due = true,
                    // The next subscription says it all again.
                    CallOutcome::NotSubscribed => {}
                    CallOutcome::OutcomeUnknown { .. }
                    | CallOutcome::QueueFull { .. }
                    | CallOutcome::Refused { .. }
                    | CallOutcome::Invalid { .. } => self.say_again_later(now),
                }
            }
            InFlight::PushDown => match outcome {
                CallOutcome::Accepted => {
                    self.push_down.accepted();
                    // A REVIVE that went out before brought offers by the former rules.
                    self.demand.new_work(&self.roles);
                    self.is_demand_due = true;
                }
                CallOutcome::Refused { status, text } if Refused::by(status, &text) != Refused::ForItself => {
                    self.push_down.lost();
                    self.say_again_later(now);
                }
                CallOutcome::Refused { .. } | CallOutcome::Invalid { .. } => {
                    self.push_down.refused();
                    self.is_demand_due = true;
                }
                CallOutcome::NotSubscribed => self.push_down.lost(),
                CallOutcome::OutcomeUnknown { .. } | CallOutcome::QueueFull { .. } => {
                    self.push_down.lost();
                    self.say_again_later(now);
                }
            },
        }
        self.settle(now);
    }

    /// A call that failed at once would fail at once again: without a pause that is a loop for as long as the connection
    /// of the calls is gone and the stream is not.
    fn say_again_later(&mut self, now: Instant) {
        let pause = if self.mutations.has(Mutation::RepeatWithoutPause) {
            Duration::ZERO
        } else {
            PAUSE_BEFORE_AGAIN
        };
        if self.is_subscribed() && !self.timers.is_set(&Timer::Again) {
            self.timers.set(Timer::Again, after(now, pause));
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Launch(task_id) => self.launch_timed_out(now, &task_id),
                Timer::Kill(task_id) => self.send_kill(now, &task_id),
                Timer::Lost(task_id) => self.give_up(&task_id),
                Timer::Reconcile => self.reconcile_round(now),
                Timer::ReconcileAll => self.reconcile_all(now),
                Timer::Demand => self.is_demand_due = true,
                Timer::Offers => self.give_back_expired(now),
                Timer::Again => {
                    let offer_ids = std::mem::take(&mut self.lost_declines);
                    self.decline(offer_ids);
                    self.is_demand_due = true;
                }
            }
        }
        self.settle(now);
    }
}
