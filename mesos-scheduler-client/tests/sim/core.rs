//! The framework core as the simulation sees it: the one place that knows its methods.

use std::{collections::BTreeSet, time::Instant};

use mesos_proto::v1::{
    self,
    scheduler::{Call, Event},
};
use mesos_scheduler_client::{
    CallOutcome, Change, ChangeKind, FrameworkCore, OutcomeToken, Packing, Policy, PortRequest, TaskSpec,
    calls,
};

use crate::script::{Setup, Wish};

pub(crate) struct Core {
    inner: FrameworkCore,
    known: BTreeSet<String>,
    extra: Vec<Call>,
}

impl Core {
    pub(crate) fn new(setup: &Setup, role: &str, _seed: u64) -> Self {
        let mut policy = Policy::default();
        policy.hold = setup.hold;
        policy.max_held_offers = setup.max_held_offers;
        policy.packing = if setup.is_spreading { Packing::Spread } else { Packing::Pack };
        policy.reconcile_all = std::time::Duration::from_secs(120);
        Self { inner: FrameworkCore::new(role, policy), known: BTreeSet::new(), extra: Vec::new() }
    }

    pub(crate) fn submit(&mut self, now: Instant, id: &str, wish: &Wish) {
        let template = v1::TaskInfo {
            name: id.to_owned(),
            command: Some(v1::CommandInfo { value: Some("true".to_owned()), ..Default::default() }),
            ..v1::TaskInfo::default()
        };
        let mut spec = TaskSpec::new(id, wish.cpus_milli, wish.mem_mib, template);
        spec.ports = (0..wish.ports).map(|_| PortRequest { container_port: 8080 }).collect();
        spec.launch_timeout = wish.launch_timeout;
        spec.kill_grace_period = wish.kill_grace;
        self.known.insert(id.to_owned());
        self.inner.submit(now, spec);
    }

    pub(crate) fn kill(&mut self, now: Instant, id: &str) -> bool {
        let is_known = self.inner.kill(now, id);
        if !is_known && self.known.contains(&format!("adopted {id}")) {
            self.extra.push(calls::kill(v1::TaskId::new(id), None, None));
        }
        is_known
    }

    /// Adopts what the master knows.
    pub(crate) fn recover(&mut self, _now: Instant, tasks: Vec<v1::Task>) {
        for task in tasks {
            let id = task.task_id.value;
            let state = v1::TaskState::try_from(task.state).unwrap_or(v1::TaskState::TaskUnknown);
            if !state.is_terminal() && !self.inner.contains(&id) {
                self.known.insert(format!("adopted {id}"));
                self.extra.push(calls::kill(v1::TaskId::new(id), None, None));
            }
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
        if let Some(call) = self.extra.pop() {
            return Some((None, call));
        }
        self.inner.poll_call()
    }

    pub(crate) fn poll_change(&mut self) -> Option<Change> {
        let change = self.inner.poll_change()?;
        if let ChangeKind::Stranger(state) = change.kind
            && state.is_active()
        {
            self.extra.push(calls::kill(v1::TaskId::new(&change.task_id), None, None));
        }
        Some(change)
    }

    pub(crate) fn poll_suppressed_roles(&mut self) -> Option<Vec<String>> {
        self.inner.poll_suppressed_roles()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.inner.poll_timeout()
    }

    /// Ids of the tasks that are neither ended nor given up.
    pub(crate) fn tasks(&self) -> BTreeSet<String> {
        self.known.iter().filter(|id| self.inner.contains(id)).cloned().collect()
    }
}
