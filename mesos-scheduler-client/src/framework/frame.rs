//! One frame of the framework core: match, prune, ask, in this order.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use mesos_proto::v1::{self, scheduler::Call};

use super::{
    ChangeKind, Connection, FrameworkCore, InFlight, OutcomeToken, Stage, State, TaskEnd, demand::DemandCall,
    matcher, timers::Timer,
};
use crate::{calls, session::CallOutcome};

impl FrameworkCore {
    pub(super) fn settle(&mut self, now: Instant) {
        if matches!(self.connection, Connection::Subscribed) {
            if std::mem::take(&mut self.unmatched) {
                self.match_waiting(now);
                self.prune_offers();
            }
            self.ask(now);
        }
        self.suppressed = Some(self.waiting.is_empty());
    }

    pub(super) fn match_waiting(&mut self, now: Instant) {
        if self.waiting.is_empty() || self.offers.is_empty() {
            return;
        }
        let mut agents = self.offers.by_agent();
        let mut launches: BTreeMap<usize, Vec<v1::TaskInfo>> = BTreeMap::new();
        let waiting: Vec<(u64, String)> =
            self.waiting.iter().map(|(sequence, task_id)| (*sequence, task_id.clone())).collect();
        for (sequence, task_id) in waiting {
            let Some(task) = self.tasks.get_mut(&task_id) else { continue };
            match matcher::place(now, &task.spec, &mut agents, &self.ports, self.policy.packing) {
                Err(refusals) => {
                    for (agent, refusal) in refusals {
                        task.why.refuse(&agent, refusal);
                    }
                }
                Ok(found) => {
                    let host_ports: Vec<u64> =
                        found.placement.host_ports.iter().map(|port| u64::from(*port)).collect();
                    self.ports.given(&found.placement.agent_id.value, &host_ports);
                    task.state = State::Launching;
                    task.placement = Some(found.placement);
                    launches.entry(found.agent).or_default().push(found.task_info);
                    self.waiting.remove(&sequence);
                    self.change(&task_id, ChangeKind::Stage(Stage::Staging));
                }
            }
        }
        for (agent, task_infos) in launches {
            let offer_ids: Vec<v1::OfferId> =
                agents[agent].offers.iter().map(|offer| offer.id.clone()).collect();
            for offer_id in &offer_ids {
                self.drop_offer(&offer_id.value);
            }
            self.accept(offer_ids, task_infos);
        }
    }

    /// Gives back what nothing needs: everything while work waits that it does not fit, and what is too
    /// much to hold otherwise. The rest is given back by its timer.
    pub(super) fn prune_offers(&mut self) {
        let keep = if self.waiting.is_empty() && !self.policy.hold.is_zero() {
            self.policy.max_held_offers
        } else {
            0
        };
        if self.offers.len() <= keep {
            return;
        }
        let surplus: Vec<String> = self.offers.ids().skip(keep).cloned().collect();
        for offer_id in &surplus {
            self.drop_offer(offer_id);
        }
        self.decline(surplus);
    }

    pub(super) fn ask(&mut self, now: Instant) {
        let work_waits = !self.waiting.is_empty();
        if let Some(demand) = self.demand.poll(now, work_waits) {
            let roles = vec![self.role.clone()];
            self.push_call(match demand {
                DemandCall::Revive => calls::revive(roles),
                DemandCall::Suppress => calls::suppress(roles),
            });
        }
        match self.demand.next_deadline(work_waits) {
            Some(at) => self.timers.set(Timer::Demand, at),
            None => self.timers.stop(&Timer::Demand),
        }
    }

    // Calls.

    pub(super) fn accept(&mut self, offer_ids: Vec<v1::OfferId>, task_infos: Vec<v1::TaskInfo>) {
        let task_ids = task_infos.iter().map(|task| task.task_id.value.clone()).collect();
        let spent = offer_ids.iter().map(|offer_id| offer_id.value.clone()).collect();
        // One operation for each task: a malformed resource fails every task of its operation.
        let operations = task_infos.into_iter().map(launch).collect();
        let refuse = if self.waiting.is_empty() { self.policy.refuse } else { Duration::ZERO };
        let call = calls::accept(offer_ids, operations, Some(filters(refuse)));
        let launched = Vec::clone(&task_ids);
        let token = self.push_tracked_call(call, InFlight::Accept { task_ids, offer_ids: spent });
        for task_id in launched {
            if let Some(task) = self.tasks.get_mut(&task_id) {
                task.launched_by = Some(token);
            }
        }
    }

    pub(super) fn decline(&mut self, offer_ids: Vec<String>) {
        if offer_ids.is_empty() || !matches!(self.connection, Connection::Subscribed) {
            return;
        }
        let wire_ids = offer_ids.iter().map(v1::OfferId::new).collect();
        let call = calls::decline(wire_ids, Some(filters(self.policy.refuse)));
        self.push_tracked_call(call, InFlight::Decline { offer_ids });
    }

    pub(super) fn push_call(&mut self, call: Call) {
        self.calls.push_back((None, call));
    }

    pub(super) fn push_tracked_call(&mut self, call: Call, in_flight: InFlight) -> OutcomeToken {
        let token = OutcomeToken(self.next_token);
        self.next_token += 1;
        self.in_flight.insert(token, in_flight);
        self.calls.push_back((Some(token), call));
        token
    }

    pub(super) fn handle_accept_outcome(
        &mut self,
        now: Instant,
        task_ids: Vec<String>,
        offer_ids: Vec<String>,
        outcome: CallOutcome,
    ) {
        match outcome {
            CallOutcome::Accepted => {}
            CallOutcome::OutcomeUnknown { .. } => {
                // The master may have launched them: only it can tell. Never sent again; if it did not
                // come through, the offers must not stay outstanding.
                for task_id in &task_ids {
                    if let Some(task) = self.tasks.get_mut(task_id) {
                        task.is_doubtful = true;
                    }
                }
                self.reconcile(now, &task_ids);
                self.decline(offer_ids);
            }
            CallOutcome::NotSubscribed => {
                for task_id in task_ids {
                    self.back_to_waiting(&task_id);
                }
            }
            CallOutcome::QueueFull { .. } => {
                for task_id in task_ids {
                    self.back_to_waiting(&task_id);
                }
                self.decline(offer_ids);
            }
            CallOutcome::Refused { status, text } => self.handle_refused_accept(task_ids, status, &text),
            CallOutcome::Invalid { why } => {
                self.fail_accepted(task_ids, &format!("the ACCEPT was not sent: {why}"));
            }
        }
    }

    /// A refused ACCEPT was not carried out. If the subscription is what is wrong, the tasks wait for
    /// the next one; otherwise the same call would be refused again.
    pub(super) fn handle_refused_accept(&mut self, task_ids: Vec<String>, status: u16, text: &str) {
        let is_about_subscription = status == 403
            || status >= 500
            || text.contains("Mesos-Stream-Id")
            || text.contains("stream ID")
            || text == "Framework cannot be found";
        if is_about_subscription {
            for task_id in task_ids {
                self.back_to_waiting(&task_id);
            }
        } else {
            let why = format!("the master refused the ACCEPT with HTTP {status}: {text}");
            self.fail_accepted(task_ids, &why);
        }
    }

    pub(super) fn fail_accepted(&mut self, task_ids: Vec<String>, why: &str) {
        for task_id in task_ids {
            let end = TaskEnd {
                state: v1::TaskState::TaskError,
                reason: None,
                source: None,
                message: why.to_owned(),
            };
            self.end(&task_id, end);
        }
    }
}

fn launch(task_info: v1::TaskInfo) -> v1::offer::Operation {
    v1::offer::Operation {
        r#type: Some(v1::offer::operation::Type::Launch.into()),
        launch: Some(v1::offer::operation::Launch { task_infos: vec![task_info] }),
        ..v1::offer::Operation::default()
    }
}

fn filters(refuse: Duration) -> v1::Filters {
    v1::Filters { refuse_seconds: Some(refuse.as_secs_f64()) }
}
