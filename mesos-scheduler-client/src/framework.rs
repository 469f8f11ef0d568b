//! The framework core: many tasks over offers, without sockets, clocks or tasks of its own.
//!
//! It knows nothing of connections and streams; whoever drives it tells what the subscription does.

mod agents;
mod cause;
mod change;
mod demand;
mod eligibility;
mod endings;
mod frame;
mod input;
mod jitter;
mod launches;
mod matcher;
mod offers;
mod outcome;
mod policy;
mod ports;
mod push_down;
mod queue;
mod reconcile;
mod recovery;
mod report;
mod spec;
mod supply;
mod task;
mod timers;
mod updates;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use mesos_proto::v1::{self, scheduler::Call};

pub(crate) use self::recovery::submitted_as;
use self::{
    agents::Agents,
    demand::{Demand, DemandCall},
    jitter::Jitter,
    offers::Offers,
    ports::PortBook,
    push_down::PushDown,
    queue::{Queue, Rank},
    reconcile::Reconciliation,
    task::{Task, Tasks},
    timers::{Timer, Timers},
};
pub use self::{
    cause::Cause,
    change::{Change, ChangeKind},
    eligibility::Eligibility,
    outcome::{LaunchFailure, Placement, Recovered, Running, Stage, TaskEnd},
    policy::{Packing, Policy, Strangers},
    report::{Refusal, WhyNot},
    spec::{PortRequest, TaskSpec},
    task::{TaskPhase, TaskView},
};
use crate::{
    deadline::after,
    mutation::{Mutation, Mutations},
    url::{HttpUrl, UrlError},
};

/// Names a call whose outcome must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutcomeToken(u64);

/// The state of one framework: its tasks, its offers, what it asks for.
///
/// ```text
///            submit                  offer fits: ACCEPT            STARTING            RUNNING
///  (nothing) ─────► Pending ───────────────────────────► Launching ───────► Starting ───────► Running ◄── recover
///                     ▲ ▲                                    │  │               │                │   ▲
///                     │ └── never reached an agent ◄─────────┘  │               │    UNREACHABLE ▼   │ RUNNING
///                     └──── its port was taken ◄────────────────┴───────────────┘    Unreachable ────┘
///  kill, launch timeout: Pending ► gone; all others ► Killing ► gone
///  a terminal update, or UNKNOWN for too long: any state ► gone
/// ```
///
/// `docs/framework.md` of the repository has every state with every input.
///
/// Use it like this: after every `handle_*`, `submit`, `kill`, `recover` or `drain`, drain
/// [`poll_call`](Self::poll_call), [`poll_change`](Self::poll_change) and
/// [`poll_suppressed_roles`](Self::poll_suppressed_roles); call [`handle_timeout`](Self::handle_timeout) when the
/// instant of [`poll_timeout`](Self::poll_timeout) has come.
///
/// ```
/// use std::time::Instant;
/// use mesos_scheduler_client::{FrameworkCore, Policy, TaskSpec, mesos_proto::v1::scheduler::call::Type};
///
/// let mut core = FrameworkCore::new(["web".to_owned()], Policy::default(), 42);
/// let now = Instant::now();
/// core.submit(now, TaskSpec::command("t", 100, 32, "sleep 10"));
/// core.handle_subscribed(now);
/// let (_, call) = core.poll_call().unwrap();
/// assert_eq!(call.r#type(), Type::Revive);
/// ```
#[derive(Debug)]
pub struct FrameworkCore {
    policy: Policy,
    roles: Vec<Arc<str>>,
    connection: Connection,
    tasks: Tasks,
    queue: Queue,
    next_sequence: u64,
    agents: Agents,
    offers: Offers,
    ports: PortBook,
    demand: Demand,
    push_down: PushDown,
    reconciliation: Reconciliation,
    timers: Timers,
    jitter: Jitter,
    /// Whether offers or work appeared that the matcher has not seen.
    unmatched: bool,
    /// Whether the master may have to be told something about offers.
    is_demand_due: bool,
    /// Whether tasks came into doubt that nobody was asked for yet.
    is_question_due: bool,
    /// When the master was asked for tasks last.
    asked_at: Option<Instant>,
    /// Whether tasks of earlier lives were taken over, so that those that nobody knows are strangers.
    has_recovered: bool,
    is_draining: bool,
    calls: VecDeque<(Option<OutcomeToken>, Call)>,
    next_token: u64,
    in_flight: BTreeMap<OutcomeToken, InFlight>,
    /// Offers that were declined, and nobody knows whether the master has heard it.
    lost_declines: Vec<v1::OfferId>,
    changes: VecDeque<Change>,
    suppressed_told: Option<Vec<String>>,
    mutations: Mutations,
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

/// Calls whose outcome matters. The others are repeated anyway: KILL and RECONCILE by their timers, an acknowledgement
/// when the agent repeats the update.
#[derive(Debug)]
enum InFlight {
    Accept { task_ids: Vec<Arc<str>>, offer_ids: Vec<v1::OfferId> },
    Decline { offer_ids: Vec<v1::OfferId> },
    Demand(DemandCall),
    PushDown,
}

impl FrameworkCore {
    /// A framework with these roles (`*` for the default one, also if there is none), not subscribed. The seed spreads
    /// what should not happen at once in many frameworks.
    pub fn new(roles: impl IntoIterator<Item = String>, mut policy: Policy, seed: u64) -> Self {
        // Nothing would be a loop without a pause.
        policy.kill_repeat = policy.kill_repeat.max(Duration::from_secs(1));
        policy.reconcile_all = policy.reconcile_all.max(Duration::from_secs(1));
        let mut roles: Vec<Arc<str>> = roles.into_iter().map(Arc::from).collect();
        if roles.is_empty() {
            roles.push("*".into());
        }
        Self {
            policy,
            connection: Connection::Down { why: None },
            tasks: Tasks::default(),
            queue: Queue::default(),
            next_sequence: 0,
            agents: Agents::default(),
            offers: Offers::default(),
            ports: PortBook::default(),
            demand: Demand::new(&roles),
            push_down: PushDown::new(),
            reconciliation: Reconciliation::default(),
            timers: Timers::default(),
            jitter: Jitter::new(seed),
            unmatched: false,
            is_demand_due: true,
            is_question_due: false,
            asked_at: None,
            has_recovered: false,
            is_draining: false,
            calls: VecDeque::new(),
            next_token: 0,
            in_flight: BTreeMap::new(),
            lost_declines: Vec::new(),
            changes: VecDeque::new(),
            suppressed_told: None,
            mutations: Mutations::default(),
            roles,
        }
    }

    /// Gives the core a deliberate bug.
    #[cfg(feature = "mutations")]
    pub fn set_mutation(&mut self, mutation: Mutation) {
        self.mutations.present = Some(mutation);
    }

    /// Lets the master be told which offers need not be made, by UPDATE_FRAMEWORK, which replaces what the framework says
    /// of itself: `info` has to be what SUBSCRIBE says. Before any task is submitted.
    pub fn enable_push_down(&mut self, info: v1::FrameworkInfo) {
        if self.policy.push_down {
            self.push_down.enable(info);
        }
    }
}

/// Wishes of the user.
impl FrameworkCore {
    /// Submits a task. Exactly one [`ChangeKind::Running`] or [`ChangeKind::LaunchFailed`] will answer.
    pub fn submit(&mut self, now: Instant, spec: TaskSpec) {
        let task_id: Arc<str> = spec.id.as_str().into();
        if let Some(failure) = self.why_not_to_submit(&spec) {
            self.change(&task_id, ChangeKind::LaunchFailed(Box::new(failure)));
            return;
        }
        self.timers.set(Timer::Launch(task_id.clone()), after(now, spec.launch_timeout));
        let rank = Rank::new(spec.priority, self.next_sequence);
        self.next_sequence += 1;
        self.tasks.insert(task_id.clone(), Task::pending(rank, spec));
        self.wait(&task_id);
        self.settle(now);
    }

    fn why_not_to_submit(&self, spec: &TaskSpec) -> Option<LaunchFailure> {
        if let Connection::Closed { why } = &self.connection {
            return Some(LaunchFailure::Closed { why: why.clone() });
        }
        if self.is_draining {
            return Some(LaunchFailure::Draining);
        }
        // Mesos may know another task by this id.
        if self.tasks.contains(&spec.id) || self.tasks.named(&spec.id).is_some() {
            return Some(LaunchFailure::DuplicateId);
        }
        spec.check(&self.roles).err().map(|why| LaunchFailure::Invalid { why })
    }

    /// Kills a task. [`ChangeKind::Ended`] tells when it is gone; at once if it waits for an offer.
    /// Returns false if no such task is known, which is as good as gone.
    pub fn kill(&mut self, now: Instant, task_id: &str) -> bool {
        let Some(task_id) = self.tasks.id(task_id) else { return false };
        self.stop(now, &task_id, LaunchFailure::Cancelled);
        self.settle(now);
        true
    }

    /// Tells where agents are that no offer has come from: their id, host name and the base of their API. Of use before
    /// [`recover`](Self::recover).
    pub fn describe_agents(
        &mut self,
        agents: impl IntoIterator<Item = (v1::AgentId, String, Result<HttpUrl, UrlError>)>,
    ) {
        for (agent_id, hostname, url) in agents {
            self.agents.describe(&agent_id, hostname, url);
        }
    }

    /// Takes no tasks any more: those that wait for an offer fail, those that were launched go on.
    pub fn drain(&mut self, now: Instant) {
        self.is_draining = true;
        for task_id in self.tasks.ids_where(|task| task.state == TaskPhase::Pending) {
            self.stop(now, &task_id, LaunchFailure::Draining);
        }
        self.settle(now);
    }

    fn stop(&mut self, now: Instant, task_id: &Arc<str>, failure: LaunchFailure) {
        let Some(task) = self.tasks.get(task_id) else { return };
        match task.state {
            TaskPhase::Pending => {
                if !self.mutations.has(Mutation::LeaveUnanswered) {
                    self.fail_launch(task_id, failure);
                }
                let end = TaskEnd::untold(v1::TaskState::TaskKilled, "killed before it was launched");
                self.remove(task_id, end);
            }
            // Its executor says that it kills it, for reasons of its own.
            TaskPhase::Killing if task.kills == 0 => {
                self.fail_launch(task_id, failure);
                self.send_kill(now, task_id);
            }
            TaskPhase::Killing => {}
            TaskPhase::Launching | TaskPhase::Starting | TaskPhase::Running | TaskPhase::Unreachable => {
                self.fail_launch(task_id, failure);
                self.begin_kill(now, task_id);
            }
        }
    }
}

/// What comes out.
impl FrameworkCore {
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
        let suppressed = self.suppressed_roles();
        if self.suppressed_told.as_ref() == Some(&suppressed) {
            return None;
        }
        self.suppressed_told = Some(suppressed.clone());
        Some(suppressed)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }
}

/// What is there.
impl FrameworkCore {
    /// Whether a task of this id is known: waiting, launching, running, or being killed.
    pub fn contains(&self, task_id: &str) -> bool {
        self.tasks.contains(task_id)
    }

    /// Tasks that are known.
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// Offers that are held.
    pub fn held_offers(&self) -> usize {
        self.offers.len()
    }

    /// The tasks that are known, by id.
    pub fn tasks(&self) -> impl Iterator<Item = TaskView> + '_ {
        self.tasks.iter().map(|(task_id, task)| TaskView {
            task_id: task_id.to_string(),
            phase: task.state,
            placement: task.placement(task_id),
            healthy: task.healthy,
        })
    }

    /// What was tried for a task that does not run yet; `None` if no such task waits for an offer.
    pub fn why_pending(&self, task_id: &str) -> Option<WhyNot> {
        let class = self.tasks.get(task_id)?.launch.as_ref()?.class?;
        let why = self.queue.class(class)?.why.clone();
        Some(why.with_connection(self.connection_trouble()))
    }

    fn suppressed_roles(&self) -> Vec<String> {
        let roles = self.roles.iter().filter(|role| !self.queue.wants_role(role));
        roles.map(ToString::to_string).collect()
    }

    fn connection_trouble(&self) -> Option<String> {
        match &self.connection {
            Connection::Subscribed => None,
            Connection::Down { why: None } => Some("not subscribed at a master yet".to_owned()),
            Connection::Down { why: Some(why) } => Some(format!("not subscribed at a master: {why}")),
            Connection::Closed { why } => Some(format!("the subscription is over: {why}")),
        }
    }

    fn is_subscribed(&self) -> bool {
        matches!(self.connection, Connection::Subscribed) || self.mutations.has(Mutation::IgnoreDisconnection)
    }

    fn change(&mut self, task_id: &str, kind: ChangeKind) {
        self.changes.push_back(Change { task_id: task_id.to_owned(), kind });
    }
}

#[cfg(test)]
mod tests;
