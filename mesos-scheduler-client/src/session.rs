//! One subscription over all its streams and masters, as a state machine without I/O.
//!
//! Its states and the answers of masters are the tables of `docs/session.md`, which is the public module
//! [`session_states`](crate::session_states).

mod backoff;
mod cause;
mod config;
mod desired;
mod event;
mod input;
mod leader;
mod masters;
mod pending;
mod replies;
mod request;
mod state;
mod store;
mod timers;
mod transition;
mod verdict;

use std::{collections::VecDeque, time::Instant};

use mesos_proto::v1::{
    self,
    scheduler::{
        self, Call,
        call::{self, Type},
    },
};

use self::{
    backoff::Backoff, desired::Desired, masters::Rotation, pending::Calls, state::State, timers::TimerTable,
};
pub use self::{
    cause::DisconnectCause,
    config::{OnRemoved, SessionConfig},
    event::{CloseReason, Event},
    masters::{Masters, MastersError},
    pending::{CallOutcome, CallToken},
    request::{StreamToken, Transmit},
    state::SessionState,
    timers::Timer,
};
pub(crate) use self::{request::post, verdict::excerpt};
use crate::{
    deadline::after,
    mutation::{Mutation, Mutations},
};

/// One subscription of one framework, over all its streams and masters, without any I/O.
///
/// ```text
///         start          a leader is known      200, stream id           SUBSCRIBED       id is stored
///  Idle ────► Loading, ──────────► Connecting ────────► ExpectSubscribed ───────► Saving ─────► Subscribed
///             Detecting            │ ▲   │ ▲                    │                   │            │     │
///                                  │ │   └─┘ 307                │                   │            │     │ teardown
///                    404, 5xx,     │ │                          │ end, garbage,     │            │     ▼
///                    failed, late, │ │ time is over             │ late, silence     │            │   Closing
///                    no leader     ▼ │                          ▼                   ▼            ▼     │
///                                 Backoff ◄─────────────────────┴───────────────────┴────────────┴─────┘
///
///  Connecting       ── 401 ──► ExpectCredentials ── other credentials ──► Connecting
///  any state        ── close, hopeless 4xx, failed over, removed, refused ──► Closed
///  Closing          ── 202 and end ─────────────────────────────────────────► Closed
/// ```
///
/// The methods come in four families. Verbs ([`start`](Self::start), [`call`](Self::call), ...) are wishes of
/// the owner. `handle_*` takes what happened: each input of a stream carries the token that
/// [`Transmit::Subscribe`] gave, so that late input of an old stream is told apart and ignored. `poll_*` gives
/// what is to be done; after any other method, take from [`poll_transmit`](Self::poll_transmit),
/// [`poll_outcome`](Self::poll_outcome) and [`poll_event`](Self::poll_event) until they are empty, then
/// ask [`poll_timeout`](Self::poll_timeout) how long to wait. The rest are getters.
///
/// ```
/// use std::time::Instant;
/// use mesos_proto::v1;
/// use mesos_scheduler_client::{Masters, Session, SessionConfig, Timer, Transmit};
///
/// let info = v1::FrameworkInfo { user: "nobody".into(), name: "demo".into(), ..Default::default() };
/// let mut session = Session::new(SessionConfig::new(info, Masters::parse("master1.example:5050")?, 42));
/// let now = Instant::now();
/// session.start(now);
/// let Some(Transmit::Subscribe { endpoint, .. }) = session.poll_transmit(now) else { panic!() };
/// assert_eq!(endpoint.to_string(), "http://master1.example:5050");
/// assert!(matches!(session.poll_timeout(), Some((_, Timer::Connect))));
/// # Ok::<(), mesos_scheduler_client::MastersError>(())
/// ```
#[derive(Debug)]
pub struct Session {
    state: State,
    desired: Desired,
    config: SessionConfig,
    rotation: Rotation,
    backoff: Backoff,
    timers: TimerTable,
    calls: Calls,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
    next_stream: u64,
    /// `teardown` was called; from then on the owner hears no more events of Mesos.
    is_tearing_down: bool,
    /// A SUBSCRIBE without id was sent and its outcome is unknown.
    may_have_ghost: bool,
    /// The id that the store has, if it has been asked or told.
    stored_id: Option<v1::FrameworkId>,
    is_id_loaded: bool,
    /// Credentials were renewed since a master accepted some.
    is_refreshed: bool,
    /// When a new leader was last asked without waiting.
    followed: Option<Instant>,
    /// The owner has not taken the events that wait.
    is_owner_behind: bool,
    /// What the last failure was, for the owner who waits for a teardown.
    last_failure: Option<String>,
    mutations: Mutations,
    /// Of the first subscription, for a deliberate bug.
    first_stream_id: Option<http::HeaderValue>,
}

impl Session {
    /// A session that waits for [`start`](Self::start).
    pub fn new(config: SessionConfig) -> Self {
        Self {
            state: State::Idle,
            desired: Desired(call::Subscribe {
                framework_info: config.framework_info.clone(),
                suppressed_roles: config.suppressed_roles.clone(),
                offer_constraints: config.offer_constraints.clone(),
            }),
            rotation: Rotation::new(config.masters.clone()),
            backoff: Backoff::new(config.backoff_base, config.backoff_cap, config.seed),
            timers: TimerTable::default(),
            calls: Calls::new(
                config.max_calls_in_flight.max(1),
                config.max_calls_waiting,
                config.call_timeout,
            ),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            next_stream: 0,
            is_tearing_down: false,
            may_have_ghost: false,
            stored_id: None,
            is_id_loaded: false,
            is_refreshed: false,
            followed: None,
            is_owner_behind: false,
            last_failure: None,
            mutations: Mutations::default(),
            first_stream_id: None,
            config,
        }
    }

    /// Gives the session a deliberate bug.
    #[cfg(feature = "mutations")]
    pub fn set_mutation(&mut self, mutation: Mutation) {
        self.mutations.present = Some(mutation);
    }

    /// What the session waits for.
    pub fn state(&self) -> SessionState {
        self.state.name()
    }

    /// The id of the framework, as soon as one is known.
    pub fn framework_id(&self) -> Option<&v1::FrameworkId> {
        self.desired.framework_id()
    }
}

/// Wishes of the owner.
impl Session {
    /// Begins to subscribe. Has an effect once.
    pub fn start(&mut self, now: Instant) {
        if matches!(self.state, State::Idle) {
            self.proceed(now);
        }
    }

    /// Makes a call. Its `framework_id` is filled in (for UPDATE_FRAMEWORK also that of its info). The outcome
    /// comes from [`poll_outcome`](Self::poll_outcome), once for each token. Calls are sent in the order
    /// in which they were made, each at most once.
    pub fn call(&mut self, mut call: Call) -> CallToken {
        if let Some(why) = why_not_to_send(call.r#type()) {
            return self.calls.push_resolved(CallOutcome::Invalid { why: why.to_owned() });
        }
        if !matches!(self.state, State::Subscribed(_)) {
            return self.calls.push_resolved(CallOutcome::NotSubscribed);
        }
        let id = self.framework_id().cloned();
        call.framework_id.clone_from(&id);
        if let Some(update) = &mut call.update_framework {
            update.framework_info.id = id;
        }
        self.calls.push(self.desired.change_by(&call), request::body(&call))
    }

    /// Sets the roles that get no offers, for the next SUBSCRIBE.
    pub fn set_suppressed_roles(&mut self, roles: Vec<String>) {
        self.desired.0.suppressed_roles = roles;
    }

    /// Sets which offers the master need not make, for the next SUBSCRIBE; `None` for all offers.
    pub fn set_offer_constraints(&mut self, constraints: Option<scheduler::OfferConstraints>) {
        self.desired.0.offer_constraints = constraints;
    }

    /// Sets who the framework is, for the next SUBSCRIBE. An id that is known stays.
    pub fn set_framework_info(&mut self, info: v1::FrameworkInfo) {
        self.desired.set_framework_info(info);
    }

    /// Ends the framework: sends TEARDOWN after the calls made before, subscribing again for it if need be, and
    /// closes when it is confirmed or its time is over.
    pub fn teardown(&mut self, now: Instant) {
        if self.is_tearing_down || matches!(self.state, State::Closed) {
            return;
        }
        self.is_tearing_down = true;
        self.timers.set(Timer::Teardown, after(now, self.config.teardown_timeout));
        match &self.state {
            State::Idle | State::Backoff if self.framework_id().is_none() && !self.must_load() => {
                self.close_without_framework();
            }
            State::Idle | State::Backoff => self.proceed(now),
            State::Detecting if self.framework_id().is_none() => self.close_without_framework(),
            State::Saving(_) | State::Subscribed(_) => self.begin_teardown(),
            // What such an attempt may register ends with its connection: no master need be waited for.
            State::ExpectCredentials(_) | State::Connecting(_) | State::ExpectSubscribed(_)
                if self.dies_with_its_connection() =>
            {
                self.close_with(CloseReason::TornDown);
            }
            State::Loading
            | State::Detecting
            | State::ExpectCredentials(_)
            | State::Connecting(_)
            | State::ExpectSubscribed(_)
            | State::Closing(_)
            | State::Closed => {}
        }
    }

    /// Whether the framework is new and a master would not keep it for a moment.
    fn dies_with_its_connection(&self) -> bool {
        let timeout = self.desired.0.framework_info.failover_timeout.unwrap_or_default();
        self.framework_id().is_none() && timeout <= 0.0
    }

    /// Ends the session and leaves the framework alone.
    pub fn close(&mut self) {
        self.close_with(CloseReason::ClosedByUser);
    }
}

/// What is to be done.
impl Session {
    /// The next thing to do on the network.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if let Some(transmit) = self.transmits.pop_front() {
            return Some(transmit);
        }
        if self.calls.poll_refresh() {
            self.timers.set(Timer::Credentials, after(now, self.config.subscribe_timeout));
            return Some(Transmit::RefreshCredentials);
        }
        let stream = &self.state.subscription()?.stream;
        let stream_id = match &self.first_stream_id {
            Some(first) if self.mutations.has(Mutation::KeepStreamId) => first,
            Some(_) | None => &stream.id,
        };
        let (token, body) = self.calls.transmit(now)?;
        let transmit = Transmit::Call {
            call: token,
            endpoint: stream.target.url.endpoint().clone(),
            request: request::call(&stream.target.url, stream_id, body),
            with_credentials: stream.target.is_trusted,
        };
        self.update_call_timer();
        Some(transmit)
    }

    /// The next call that was resolved.
    pub fn poll_outcome(&mut self) -> Option<(CallToken, CallOutcome)> {
        self.calls.poll_outcome()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and why. `None` only in states Idle and
    /// Closed.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.timers.next()
    }
}

/// Calls that a session does not send for its owner.
fn why_not_to_send(call_type: Type) -> Option<&'static str> {
    match call_type {
        // A master that gets UNKNOWN of a framework it knows ends its process.
        Type::Unknown => Some("the call has no type, or one that the scheduler API does not have"),
        Type::Subscribe => Some("the session subscribes by itself"),
        Type::Teardown => Some("a framework is torn down by the method for it"),
        Type::Accept
        | Type::Decline
        | Type::AcceptInverseOffers
        | Type::DeclineInverseOffers
        | Type::Revive
        | Type::Kill
        | Type::Shutdown
        | Type::Acknowledge
        | Type::AcknowledgeOperationStatus
        | Type::Reconcile
        | Type::ReconcileOperations
        | Type::Message
        | Type::Request
        | Type::Suppress
        | Type::UpdateFramework => None,
    }
}
