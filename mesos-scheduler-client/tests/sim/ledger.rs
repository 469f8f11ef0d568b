//! What the framework was told on its subscription, and what it still has to answer: offers and updates.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use mesos_proto::v1::{
    self,
    scheduler::{Call, call, event},
};
use mesos_scheduler_client::{CallOutcome, OutcomeToken};

use crate::invariant::{Amounts, Checked, Invariant, broken};

/// So much longer than they are to be held offers may stay, for jitter.
const LATENESS: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    is_subscribed: bool,
    held: BTreeMap<String, Offered>,
    spent: BTreeMap<String, Spent>,
    /// Calls whose outcome has not been told, and the offers in them.
    open: BTreeMap<OutcomeToken, Vec<String>>,
    /// Updates of the last event that have to be acknowledged.
    unacknowledged: Vec<(String, Bytes)>,
}

#[derive(Debug)]
struct Offered {
    agent: String,
    amounts: Amounts,
    since: Duration,
}

#[derive(Debug)]
struct Spent {
    how: &'static str,
    /// Nobody knows what became of the call, or it was not sent.
    is_open: bool,
}

impl Ledger {
    /// A subscription begins or ends: what was told on the last one is void.
    pub(crate) fn subscribe(&mut self, is_subscribed: bool) {
        *self = Self { is_subscribed, ..Self::default() };
    }

    pub(crate) fn hear(&mut self, now: Duration, event: &v1::scheduler::Event) {
        match event.r#type() {
            event::Type::Offers => {
                for offer in event.offers.iter().flat_map(|offers| &offers.offers) {
                    let amounts = Amounts::of(&offer.resources);
                    let agent = offer.agent_id.value.clone();
                    self.held.insert(offer.id.value.clone(), Offered { agent, amounts, since: now });
                }
            }
            event::Type::Rescind => {
                let id = event.rescind.as_ref().map(|rescind| rescind.offer_id.value.as_str());
                if self.held.remove(id.unwrap_or_default()).is_some() {
                    self.spend(id.unwrap_or_default(), "rescinded");
                }
            }
            event::Type::Failure => {
                let failure = event.failure.clone().unwrap_or_default();
                if let (Some(agent), None) = (failure.agent_id, failure.executor_id) {
                    let lost = self.held.iter().filter(|(_, offer)| offer.agent == agent.value);
                    let lost: Vec<String> = lost.map(|(id, _)| id.clone()).collect();
                    for id in lost {
                        self.held.remove(&id);
                        self.spend(&id, "lost with its agent");
                    }
                }
            }
            event::Type::Update => {
                let status = event.update.as_ref().map(|update| &update.status);
                if let Some(status) = status.filter(|status| status.needs_acknowledgement()) {
                    let uuid = status.uuid.clone().unwrap_or_default();
                    self.unacknowledged.push((status.task_id.value.clone(), uuid));
                }
            }
            event::Type::Unknown
            | event::Type::Subscribed
            | event::Type::InverseOffers
            | event::Type::RescindInverseOffer
            | event::Type::UpdateOperationStatus
            | event::Type::Message
            | event::Type::Error
            | event::Type::Heartbeat => {}
        }
    }

    /// A call that the core makes.
    pub(crate) fn say(&mut self, token: Option<OutcomeToken>, call: &Call) -> Checked {
        let kind = call.r#type();
        if !self.is_subscribed {
            return broken(
                Invariant::CallsHaveSubscription,
                format!("{} without a subscription", kind.as_str_name()),
            );
        }
        match kind {
            call::Type::Accept => self.accept(token, call.accept.as_ref()),
            call::Type::Decline => self.decline(token, call.decline.as_ref()),
            call::Type::Acknowledge => {
                let acknowledge = call.acknowledge.clone().unwrap_or_default();
                let known = self
                    .unacknowledged
                    .iter()
                    .position(|(id, uuid)| *id == acknowledge.task_id.value && *uuid == acknowledge.uuid);
                match known {
                    Some(index) => drop(self.unacknowledged.remove(index)),
                    None => {
                        let what = format!("{} is acknowledged, nobody asked", acknowledge.task_id);
                        return broken(Invariant::Acknowledged, what);
                    }
                }
                Ok(())
            }
            call::Type::Unknown
            | call::Type::Subscribe
            | call::Type::Teardown
            | call::Type::AcceptInverseOffers
            | call::Type::DeclineInverseOffers
            | call::Type::Revive
            | call::Type::Suppress
            | call::Type::Kill
            | call::Type::Shutdown
            | call::Type::AcknowledgeOperationStatus
            | call::Type::Reconcile
            | call::Type::ReconcileOperations
            | call::Type::Message
            | call::Type::Request
            | call::Type::UpdateFramework => Ok(()),
        }
    }

    fn accept(&mut self, token: Option<OutcomeToken>, accept: Option<&call::Accept>) -> Checked {
        let accept = accept.cloned().unwrap_or_default();
        let mut offered = Amounts::default();
        let mut agents = Vec::new();
        for id in &accept.offer_ids {
            let Some(offer) = self.held.remove(&id.value) else {
                let how = self.spent.get(&id.value).map_or("not of this subscription", |spent| spent.how);
                return broken(Invariant::OfferSpentOnce, format!("offer {id} is accepted, and {how}"));
            };
            offered.add(&offer.amounts);
            agents.push(offer.agent);
            self.spend(&id.value, "accepted before");
        }
        let tasks = accept.operations.iter().flat_map(|operation| &operation.launch);
        let mut wanted = Amounts::default();
        for task in tasks.flat_map(|launch| &launch.task_infos) {
            wanted.add(&Amounts::of(&task.resources));
            if agents.iter().any(|agent| *agent != task.agent_id.value) {
                let what = format!("{} is for agent {}, the offers are not", task.task_id, task.agent_id);
                return broken(Invariant::LaunchFits, what);
            }
        }
        if let Some(missing) = offered.missing(&wanted) {
            return broken(Invariant::LaunchFits, missing);
        }
        self.open(token, accept.offer_ids);
        Ok(())
    }

    fn decline(&mut self, token: Option<OutcomeToken>, decline: Option<&call::Decline>) -> Checked {
        let decline = decline.cloned().unwrap_or_default();
        for id in &decline.offer_ids {
            if self.held.remove(&id.value).is_none() {
                let how = match self.spent.get(&id.value) {
                    Some(spent) if spent.is_open => continue,
                    Some(spent) => spent.how,
                    None => "not of this subscription",
                };
                return broken(Invariant::OfferSpentOnce, format!("offer {id} is declined, and {how}"));
            }
            self.spend(&id.value, "declined before");
        }
        self.open(token, decline.offer_ids);
        Ok(())
    }

    fn spend(&mut self, id: &str, how: &'static str) {
        self.spent.insert(id.to_owned(), Spent { how, is_open: false });
    }

    fn open(&mut self, token: Option<OutcomeToken>, ids: Vec<v1::OfferId>) {
        if let Some(token) = token {
            self.open.insert(token, ids.into_iter().map(|id| id.value).collect());
        }
    }

    /// The core is told what became of a call.
    pub(crate) fn outcome(&mut self, token: OutcomeToken, outcome: &CallOutcome) {
        let is_open = matches!(outcome, CallOutcome::OutcomeUnknown { .. } | CallOutcome::QueueFull { .. });
        for id in self.open.remove(&token).into_iter().flatten().filter(|_| is_open) {
            if let Some(spent) = self.spent.get_mut(&id) {
                spent.is_open = true;
            }
        }
    }

    /// Everything that the core had to say was said.
    pub(crate) fn settle(&mut self) -> Checked {
        match self.unacknowledged.first() {
            Some((id, _)) => {
                broken(Invariant::Acknowledged, format!("an update of {id} is not acknowledged"))
            }
            None => Ok(()),
        }
    }

    /// Whether an offer is held for too long.
    pub(crate) fn check_hold(&self, now: Duration, hold: Duration) -> Checked {
        let limit = hold * 2 + LATENESS;
        match self.held.iter().find(|(_, offer)| offer.since + limit < now) {
            Some((id, offer)) => {
                let what = format!("offer {id} has been held since {:?}", offer.since);
                broken(Invariant::OffersAnswered, what)
            }
            None => Ok(()),
        }
    }

    /// Whether the framework holds the offers that it was given and has not answered, no more and no fewer.
    pub(crate) fn check_held(&self, held: usize) -> Checked {
        if held == self.held.len() {
            return Ok(());
        }
        broken(Invariant::OffersAnswered, format!("{held} offers are held, it should be {}", self.held.len()))
    }

    pub(crate) fn has_offers(&self) -> bool {
        !self.held.is_empty()
    }
}
