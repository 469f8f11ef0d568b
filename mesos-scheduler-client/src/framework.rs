//! The framework core: many tasks over offers, without sockets, clocks or tasks of its own.
//!
//! It knows nothing of connections and streams; whoever drives it tells what the subscription does.

mod change;
mod demand;
mod endings;
mod frame;
mod matcher;
mod offers;
mod policy;
mod ports;
mod reconcile;
mod report;
mod resources;
mod task;
mod timers;
mod updates;

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;
use mesos_proto::v1::{
    self,
    scheduler::{Call, Event, event},
};

pub use self::{
    change::{Change, ChangeKind},
    matcher::Packing,
    policy::Policy,
    report::{Refusal, WhyNot},
    task::{Eligibility, LaunchFailure, Placement, PortRequest, Running, Stage, TaskEnd, TaskSpec},
};
use self::{
    demand::Demand,
    offers::Offers,
    ports::PortBook,
    reconcile::Reconciliation,
    timers::{Timer, Timers},
};
use crate::{calls, deadline::after, session::CallOutcome};

/// Names a call whose outcome must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutcomeToken(u64);

/// The state of one framework: its tasks, its offers, what it asks for.
///
/// ```text
///            submit                  offer fits: ACCEPT            STARTING            RUNNING
///  (nothing) ─────► Pending ───────────────────────────► Launching ───────► Starting ───────► Running
///                     ▲                                      │                                │   ▲
///                     └── never reached an agent ◄───────────┘                    UNREACHABLE ▼   │ RUNNING
///  kill, launch timeout: Pending ► gone; all others ► Killing ► gone              Unreachable ────┘
///  a terminal update, or UNKNOWN for too long: any state ► gone
/// ```
///
/// Use it like this: after every `handle_*`, `submit` or `kill`, drain [`poll_call`](Self::poll_call),
/// [`poll_change`](Self::poll_change) and [`poll_suppressed_roles`](Self::poll_suppressed_roles); call
/// [`handle_timeout`](Self::handle_timeout) when the instant of [`poll_timeout`](Self::poll_timeout) has
/// come.
#[derive(Debug)]
pub struct FrameworkCore {
    policy: Policy,
    role: String,
    connection: Connection,
    tasks: BTreeMap<String, Task>,
    /// Tasks that wait for an offer, in the order of their submission.
    waiting: BTreeMap<u64, String>,
    next_sequence: u64,
    offers: Offers,
    ports: PortBook,
    demand: Demand,
    reconciliation: Reconciliation,
    timers: Timers,
    /// Whether offers or work appeared that the matcher has not seen.
    unmatched: bool,
    calls: VecDeque<(Option<OutcomeToken>, Call)>,
    next_token: u64,
    in_flight: BTreeMap<OutcomeToken, InFlight>,
    /// Tasks that were given up although they may live, the latest last.
    ghosts: VecDeque<String>,
    changes: VecDeque<Change>,
    suppressed: Option<bool>,
    suppressed_told: Option<bool>,
}

#[derive(Debug)]
enum Connection {
    /// No subscription; why, if one was tried.
    Down { why: Option<String> },
    /// Calls can be made.
    Subscribed,
    /// Nothing will ever work again.
    Closed { why: String },
}

/// Calls whose outcome matters. The others are repeated anyway: KILL and REVIVE by their timers, SUPPRESS
/// when offers arrive, an acknowledgement when the agent repeats the update.
#[derive(Debug)]
enum InFlight {
    Accept { task_ids: Vec<String>, offer_ids: Vec<String> },
    Decline { offer_ids: Vec<String> },
}

#[derive(Debug)]
struct Task {
    spec: TaskSpec,
    sequence: u64,
    state: State,
    placement: Option<Placement>,
    /// The ACCEPT that it was sent with.
    launched_by: Option<OutcomeToken>,
    /// The update that ended its last launch.
    ended_by: Option<Bytes>,
    /// Whether an ACCEPT of it may or may not have come through.
    is_doubtful: bool,
    /// Whether the submission was answered.
    answered: bool,
    why: WhyNot,
    kill_repeat: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Launching,
    Starting,
    Running,
    Killing,
    Unreachable,
}

impl FrameworkCore {
    /// A framework with one role, `*` for the default one, not subscribed.
    pub fn new(role: impl Into<String>, mut policy: Policy) -> Self {
        // Nothing would be a loop without a pause.
        policy.kill_repeat = policy.kill_repeat.max(Duration::from_secs(1));
        policy.reconcile_all = policy.reconcile_all.max(Duration::from_secs(1));
        Self {
            policy,
            role: role.into(),
            connection: Connection::Down { why: None },
            tasks: BTreeMap::new(),
            waiting: BTreeMap::new(),
            next_sequence: 0,
            offers: Offers::default(),
            ports: PortBook::default(),
            demand: Demand::new(),
            reconciliation: Reconciliation::default(),
            timers: Timers::default(),
            unmatched: false,
            calls: VecDeque::new(),
            next_token: 0,
            in_flight: BTreeMap::new(),
            ghosts: VecDeque::new(),
            changes: VecDeque::new(),
            suppressed: Some(true),
            suppressed_told: None,
        }
    }

    // Wishes of the user.

    /// Submits a task. Exactly one [`ChangeKind::Running`] or [`ChangeKind::LaunchFailed`] will answer.
    pub fn submit(&mut self, now: Instant, spec: TaskSpec) {
        let task_id = spec.id.clone();
        if let Connection::Closed { why } = &self.connection {
            let failure = LaunchFailure::Closed { why: why.clone() };
            self.change(&task_id, ChangeKind::LaunchFailed(Box::new(failure)));
            return;
        }
        if self.tasks.contains_key(&task_id) {
            self.change(&task_id, ChangeKind::LaunchFailed(Box::new(LaunchFailure::DuplicateId)));
            return;
        }
        self.timers.set(Timer::Launch(task_id.clone()), after(now, spec.launch_timeout));
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.waiting.insert(sequence, task_id.clone());
        let kill_repeat = self.policy.kill_repeat;
        self.tasks.insert(
            task_id.clone(),
            Task {
                spec,
                sequence,
                state: State::Pending,
                placement: None,
                launched_by: None,
                ended_by: None,
                is_doubtful: false,
                answered: false,
                why: WhyNot::default(),
                kill_repeat,
            },
        );
        self.change(&task_id, ChangeKind::Stage(Stage::WaitingForOffer));
        self.new_work();
        self.settle(now);
    }

    /// Kills a task. [`ChangeKind::Ended`] tells when it is gone; at once if it waits for an offer.
    /// Returns false if no such task is known, which is as good as gone.
    pub fn kill(&mut self, now: Instant, task_id: &str) -> bool {
        let Some(task) = self.tasks.get_mut(task_id) else { return false };
        match task.state {
            State::Pending => {
                self.fail_launch(task_id, LaunchFailure::Cancelled);
                let end = TaskEnd {
                    state: v1::TaskState::TaskKilled,
                    reason: None,
                    source: None,
                    message: "killed before it was launched".to_owned(),
                };
                self.remove(task_id, end);
            }
            State::Killing => {}
            State::Launching | State::Starting | State::Running | State::Unreachable => {
                self.fail_launch(task_id, LaunchFailure::Cancelled);
                self.begin_kill(now, task_id);
            }
        }
        self.settle(now);
        true
    }

    // What the subscription does.

    /// A subscription begins: every offer of the last one is void.
    pub fn handle_subscribed(&mut self, now: Instant) {
        self.connection = Connection::Subscribed;
        self.forget_offers();
        self.demand.forget();
        self.new_work();
        self.reconcile_known(now);
        self.timers.set(Timer::ReconcileAll, after(now, self.policy.reconcile_all));
        let killing: Vec<String> = self.ids_in(State::Killing);
        for task_id in killing {
            self.send_kill(now, &task_id);
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
        self.timers.stop(&Timer::Reconcile);
        self.timers.stop(&Timer::ReconcileAll);
        self.settle(now);
    }

    /// The subscription is over for good: every task is answered with `why`.
    pub fn handle_closed(&mut self, why: impl Into<String>) {
        let why = why.into();
        let task_ids: Vec<String> = self.tasks.keys().cloned().collect();
        for task_id in task_ids {
            self.fail_launch(&task_id, LaunchFailure::Closed { why: why.clone() });
            if self.tasks.get(&task_id).is_some_and(|task| task.placement.is_none()) {
                self.forget(&task_id);
                continue;
            }
            let end = TaskEnd {
                state: v1::TaskState::TaskUnknown,
                reason: None,
                source: None,
                message: why.clone(),
            };
            self.remove(&task_id, end);
        }
        self.connection = Connection::Closed { why };
        self.forget_offers();
        self.timers.clear();
        self.calls.clear();
    }

    /// An event of the stream.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match event.r#type() {
            event::Type::Offers => {
                self.demand.offers_arrived();
                for offer in event.offers.map(|offers| offers.offers).unwrap_or_default() {
                    self.timers.set(Timer::Offer(offer.id.value.clone()), after(now, self.policy.hold));
                    self.offers.add(offer);
                }
                self.unmatched = true;
            }
            event::Type::Rescind => {
                if let Some(rescind) = event.rescind {
                    self.drop_offer(&rescind.offer_id.value);
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
                    for offer_id in self.offers.remove_agent(&agent_id.value) {
                        self.timers.stop(&Timer::Offer(offer_id));
                    }
                }
            }
            // The session deals with the first two and the end; the rest is of no use here: inverse
            // offers are advice, and no operation or message was ever sent that could be answered.
            event::Type::Subscribed
            | event::Type::Heartbeat
            | event::Type::Error
            | event::Type::Unknown
            | event::Type::InverseOffers
            | event::Type::RescindInverseOffer
            | event::Type::UpdateOperationStatus
            | event::Type::Message => {}
        }
        self.settle(now);
    }

    /// What became of a call that [`poll_call`](Self::poll_call) gave out.
    pub fn handle_call_outcome(&mut self, now: Instant, token: OutcomeToken, outcome: CallOutcome) {
        let Some(in_flight) = self.in_flight.remove(&token) else { return };
        match in_flight {
            InFlight::Accept { task_ids, offer_ids } => {
                // A task that was launched again since then belongs to another ACCEPT.
                let is_of_this_call = |task: &Task| task.launched_by == Some(token);
                let task_ids =
                    task_ids.into_iter().filter(|id| self.tasks.get(id).is_some_and(is_of_this_call));
                let task_ids = task_ids.collect();
                self.handle_accept_outcome(now, task_ids, offer_ids, outcome);
            }
            InFlight::Decline { offer_ids } => match outcome {
                CallOutcome::OutcomeUnknown { .. } | CallOutcome::QueueFull { .. } => {
                    self.decline(offer_ids);
                }
                // Done; or the offers went with the subscription; or it would be refused again.
                CallOutcome::Accepted
                | CallOutcome::NotSubscribed
                | CallOutcome::Refused { .. }
                | CallOutcome::Invalid { .. } => {}
            },
        }
        self.settle(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Launch(task_id) => self.launch_timed_out(now, &task_id),
                Timer::Kill(task_id) => self.send_kill(now, &task_id),
                Timer::Offer(offer_id) => {
                    if self.offers.remove(&offer_id).is_some() {
                        self.decline(vec![offer_id]);
                    }
                }
                Timer::Lost(task_id) => self.give_up(&task_id),
                Timer::Reconcile => self.reconcile_round(now),
                Timer::ReconcileAll => {
                    self.push_call(calls::reconcile(Vec::new()));
                    self.timers.set(Timer::ReconcileAll, after(now, self.policy.reconcile_all));
                }
                // Only wakes: settling does the work.
                Timer::Demand => {}
            }
        }
        self.settle(now);
    }

    // What comes out.

    /// The next call to make, in order. With a token, its outcome must be told to
    /// [`handle_call_outcome`](Self::handle_call_outcome).
    pub fn poll_call(&mut self) -> Option<(Option<OutcomeToken>, Call)> {
        self.calls.pop_front()
    }

    /// The next thing that happened to a task.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// The roles that the next SUBSCRIBE must suppress, if that changed.
    pub fn poll_suppressed_roles(&mut self) -> Option<Vec<String>> {
        if self.suppressed == self.suppressed_told {
            return None;
        }
        self.suppressed_told = self.suppressed;
        Some(if self.suppressed == Some(true) { vec![self.role.clone()] } else { Vec::new() })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Whether a task of this id is known: waiting, launching, running, or being killed.
    pub fn contains(&self, task_id: &str) -> bool {
        self.tasks.contains_key(task_id)
    }

    /// Tasks that are known.
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// What was tried for a task that does not run yet.
    pub fn why_pending(&self, task_id: &str) -> Option<WhyNot> {
        let task = self.tasks.get(task_id)?;
        Some(task.why.clone().with_connection(self.connection_trouble()))
    }

    // Small things that all parts use.

    fn change(&mut self, task_id: &str, kind: ChangeKind) {
        self.changes.push_back(Change { task_id: task_id.to_owned(), kind });
    }

    fn new_work(&mut self) {
        self.unmatched = true;
        self.demand.new_work();
    }

    fn forget_offers(&mut self) {
        let offer_ids: Vec<String> = self.offers.ids().cloned().collect();
        for offer_id in offer_ids {
            self.drop_offer(&offer_id);
        }
    }

    fn drop_offer(&mut self, offer_id: &str) {
        self.offers.remove(offer_id);
        self.timers.stop(&Timer::Offer(offer_id.to_owned()));
    }

    fn ids_in(&self, state: State) -> Vec<String> {
        let in_state = self.tasks.iter().filter(|(_, task)| task.state == state);
        in_state.map(|(task_id, _)| task_id.clone()).collect()
    }

    fn connection_trouble(&self) -> Option<String> {
        match &self.connection {
            Connection::Subscribed => None,
            Connection::Down { why: None } => Some("not subscribed at a master yet".to_owned()),
            Connection::Down { why: Some(why) } => Some(format!("not subscribed at a master: {why}")),
            Connection::Closed { why } => Some(format!("the subscription is over: {why}")),
        }
    }
}

#[cfg(test)]
mod tests;
