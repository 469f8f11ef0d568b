//! The framework core as the simulation sees it: the one place that knows its methods.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use mesos_proto::v1::{
    self,
    scheduler::{
        AttributeConstraint, Call, Event,
        attribute_constraint::{Predicate, Selector, predicate, selector},
    },
};
use mesos_scheduler_client::{
    CallOutcome, Change, Eligibility, FrameworkCore, OutcomeToken, Packing, Policy, PortRequest, TaskPhase,
    TaskSpec,
};

use crate::script::{Setup, Wish};

pub(crate) struct Core {
    inner: FrameworkCore,
    /// One for each rack: tasks that share a rule are placed together.
    rules: BTreeMap<&'static str, Eligibility>,
}

/// What the core says of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// What Mesos calls it; `None` while it waits for an offer.
    pub(crate) wire_id: Option<String>,
    pub(crate) agent: Option<v1::AgentId>,
    pub(crate) runs: bool,
}

impl Core {
    pub(crate) fn new(setup: &Setup, info: v1::FrameworkInfo, seed: u64) -> Self {
        let mut policy = Policy::default();
        policy.hold = setup.hold;
        policy.max_held_offers = setup.max_held_offers;
        policy.packing = if setup.is_spreading { Packing::Spread } else { Packing::Pack };
        policy.reconcile_all = Duration::from_secs(120);
        policy.unknown_grace = Duration::from_secs(700);
        let mut inner = FrameworkCore::new(setup.roles(), policy, seed);
        inner.enable_push_down(info);
        Self { inner, rules: ["a", "b"].map(|rack| (rack, rule(rack))).into() }
    }

    #[cfg(feature = "mutations")]
    pub(crate) fn set_mutation(&mut self, mutation: crate::script::Mutation) {
        self.inner.set_mutation(mutation);
    }

    pub(crate) fn submit(&mut self, now: Instant, id: &str, wish: &Wish) {
        let mut spec =
            TaskSpec::command(id, wish.cpus_milli, wish.mem_mib, "true").launch_timeout(wish.launch_timeout);
        spec.kill_grace_period = wish.kill_grace;
        spec.ports = (0..wish.ports).map(|_| PortRequest::any(8080)).collect();
        spec.priority = wish.priority;
        spec.roles = wish.role.map(str::to_owned).into_iter().collect();
        spec.eligibility = wish.rack.map(|rack| self.rules[rack].clone());
        self.inner.submit(now, spec);
    }

    pub(crate) fn kill(&mut self, now: Instant, id: &str) {
        self.inner.kill(now, id);
    }

    /// Takes over what a master knows, which may not be all.
    pub(crate) fn recover(&mut self, now: Instant, tasks: Vec<v1::Task>, is_complete: bool) {
        if is_complete {
            self.inner.recover(now, tasks);
        } else {
            self.inner.adopt(now, tasks);
        }
    }

    pub(crate) fn subscribed(&mut self, now: Instant) {
        self.inner.handle_subscribed(now);
    }

    pub(crate) fn disconnected(&mut self, now: Instant, why: String) {
        self.inner.handle_disconnected(now, why);
    }

    pub(crate) fn closed(&mut self, why: String) {
        self.inner.handle_closed(why);
    }

    pub(crate) fn event(&mut self, now: Instant, event: Event) {
        self.inner.handle_event(now, event);
    }

    pub(crate) fn outcome(&mut self, now: Instant, token: OutcomeToken, outcome: CallOutcome) {
        self.inner.handle_call_outcome(now, token, outcome);
    }

    pub(crate) fn timeout(&mut self, now: Instant) {
        self.inner.handle_timeout(now);
    }

    pub(crate) fn poll_call(&mut self) -> Option<(Option<OutcomeToken>, Call)> {
        self.inner.poll_call()
    }

    pub(crate) fn poll_change(&mut self) -> Option<Change> {
        self.inner.poll_change()
    }

    pub(crate) fn poll_suppressed_roles(&mut self) -> Option<Vec<String>> {
        self.inner.poll_suppressed_roles()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.inner.poll_timeout()
    }

    pub(crate) fn held_offers(&self) -> usize {
        self.inner.held_offers()
    }

    /// The tasks that have not ended, by the ids that they were submitted with.
    pub(crate) fn tasks(&self) -> BTreeMap<String, View> {
        let views = self.inner.tasks().map(|task| {
            let runs = task.phase == TaskPhase::Running;
            let (wire_id, agent) = match task.placement {
                Some(placement) => (Some(placement.task_id.value), Some(placement.agent_id)),
                None => (None, None),
            };
            (task.task_id, View { wire_id, agent, runs })
        });
        views.collect()
    }
}

/// Agents of one rack. The master is told, and its word is not taken for it.
fn rule(rack: &'static str) -> Eligibility {
    let is_in_rack = move |offer: &v1::Offer| {
        let is_it = |attribute: &&v1::Attribute| attribute.name == "rack";
        let text = offer.attributes.iter().find(is_it).and_then(|attribute| attribute.text.as_ref());
        match text {
            Some(text) if text.value == rack => Ok(()),
            Some(_) | None => Err(format!("it is not in rack {rack}")),
        }
    };
    let equals = predicate::TextEquals { value: rack.to_owned() };
    let constraint = AttributeConstraint {
        selector: Selector { selector: Some(selector::Selector::AttributeName("rack".to_owned())) },
        predicate: Predicate { predicate: Some(predicate::Predicate::TextEquals(equals)) },
    };
    Eligibility::new(is_in_rack).with_offer_constraints(vec![constraint])
}
