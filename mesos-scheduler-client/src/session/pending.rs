//! Calls that wait to be sent, and calls that wait for an answer.

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use bytes::Bytes;
use mesos_proto::v1::scheduler::call::UpdateFramework;

use crate::deadline::after;

/// Names one call of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallToken(u64);

/// What became of a call. A call is sent at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutcome {
    /// The master took the call. Its effects, also failures, come as events.
    Accepted,
    /// The master refused the call; it has no effect.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The body of the answer.
        text: String,
    },
    /// The call was not sent, because there is no subscription.
    NotSubscribed,
    /// The call was not sent, because so many wait for their turn already.
    QueueFull {
        /// Calls that wait.
        waiting: usize,
    },
    /// The call was not sent, because it must not be.
    Invalid {
        /// What is wrong with it.
        why: String,
    },
    /// The call was sent and may have had its effect; no answer came.
    OutcomeUnknown {
        /// What was seen.
        why: String,
    },
}

impl CallOutcome {
    /// Whether the master took the call.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted)
    }
}

impl fmt::Display for CallOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => write!(formatter, "accepted"),
            Self::Refused { status, text } => write!(formatter, "refused with {status} '{text}'"),
            Self::NotSubscribed => write!(formatter, "not sent, as there is no subscription"),
            Self::QueueFull { waiting } => write!(formatter, "not sent, as {waiting} calls wait already"),
            Self::Invalid { why } => write!(formatter, "not sent: {why}"),
            Self::OutcomeUnknown { why } => write!(formatter, "of unknown outcome: {why}"),
        }
    }
}

/// What a call means to the session itself.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    /// Nothing.
    Plain,
    /// Changes what later SUBSCRIBE calls say, if it is accepted.
    Update(Box<UpdateFramework>),
    /// Changes the roles that later SUBSCRIBE calls suppress, unless it is refused.
    Suppression { roles: Vec<String>, is_suppressed: bool },
    /// Ends the session.
    Teardown,
}

/// All calls of a session, in the order in which they were made.
#[derive(Debug)]
pub(super) struct Calls {
    next_token: u64,
    waiting: VecDeque<Waiting>,
    in_flight: VecDeque<InFlight>,
    /// Answered with 401, to be sent once more when there are other credentials. While there is one, nothing
    /// else is sent, so that calls keep their order.
    unauthorized: VecDeque<Waiting>,
    is_refresh_asked: bool,
    outcomes: VecDeque<(CallToken, CallOutcome)>,
    max_in_flight: usize,
    max_waiting: usize,
    timeout: Duration,
}

struct Waiting {
    token: CallToken,
    kind: Kind,
    body: Bytes,
    /// It was answered with 401 once.
    is_repeated: bool,
}

/// Without the body, which may hold the environment of a task.
impl fmt::Debug for Waiting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} of {} bytes", self.token, self.body.len())
    }
}

#[derive(Debug)]
struct InFlight {
    call: Waiting,
    deadline: Instant,
}

impl Calls {
    pub(super) fn new(max_in_flight: usize, max_waiting: usize, timeout: Duration) -> Self {
        Self {
            next_token: 0,
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            unauthorized: VecDeque::new(),
            is_refresh_asked: false,
            outcomes: VecDeque::new(),
            max_in_flight,
            max_waiting,
            timeout,
        }
    }

    /// Takes a call of the owner, if there is room.
    pub(super) fn push(&mut self, kind: Kind, body: Bytes) -> CallToken {
        if self.waiting.len() >= self.max_waiting {
            return self.push_resolved(CallOutcome::QueueFull { waiting: self.waiting.len() });
        }
        self.push_always(kind, body)
    }

    /// Takes a call of the session.
    pub(super) fn push_always(&mut self, kind: Kind, body: Bytes) -> CallToken {
        let token = self.new_token();
        self.waiting.push_back(Waiting { token, kind, body, is_repeated: false });
        token
    }

    /// A call that is resolved before it is sent.
    pub(super) fn push_resolved(&mut self, outcome: CallOutcome) -> CallToken {
        let token = self.new_token();
        self.outcomes.push_back((token, outcome));
        token
    }

    fn new_token(&mut self) -> CallToken {
        let token = CallToken(self.next_token);
        self.next_token += 1;
        token
    }

    /// The next call to put on the wire.
    pub(super) fn transmit(&mut self, now: Instant) -> Option<(CallToken, Bytes)> {
        if self.in_flight.len() >= self.max_in_flight || !self.unauthorized.is_empty() {
            return None;
        }
        let call = self.waiting.pop_front()?;
        let (token, body) = (call.token, call.body.clone());
        self.in_flight.push_back(InFlight { call, deadline: after(now, self.timeout) });
        Some((token, body))
    }

    /// When the oldest call in flight is overdue.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.in_flight.front().map(|call| call.deadline)
    }

    /// Resolves a call in flight; `None` if it is none, because it was resolved before.
    pub(super) fn resolve(&mut self, token: CallToken, outcome: CallOutcome) -> Option<Kind> {
        let call = self.take_in_flight(token)?;
        self.outcomes.push_back((token, outcome));
        Some(call.kind)
    }

    fn take_in_flight(&mut self, token: CallToken) -> Option<Waiting> {
        let at = self.in_flight.iter().position(|call| call.call.token == token)?;
        self.in_flight.remove(at).map(|call| call.call)
    }

    /// Keeps a call in flight that was answered with 401 for once more; `false` if it was so before.
    pub(super) fn keep_unauthorized(&mut self, token: CallToken) -> bool {
        let is_first = |call: &InFlight| call.call.token == token && !call.call.is_repeated;
        if !self.in_flight.iter().any(is_first) {
            return false;
        }
        if let Some(call) = self.take_in_flight(token) {
            self.unauthorized.push_back(Waiting { is_repeated: true, ..call });
        }
        true
    }

    /// Whether other credentials are to be asked for: everything else was answered. `true` once.
    pub(super) fn poll_refresh(&mut self) -> bool {
        let is_due = !self.unauthorized.is_empty() && self.in_flight.is_empty() && !self.is_refresh_asked;
        self.is_refresh_asked |= is_due;
        is_due
    }

    /// Whether calls wait for other credentials that were asked for.
    pub(super) fn is_refresh_asked(&self) -> bool {
        self.is_refresh_asked
    }

    /// There are other credentials: what was answered with 401 goes first.
    pub(super) fn repeat_unauthorized(&mut self) {
        self.is_refresh_asked = false;
        while let Some(call) = self.unauthorized.pop_back() {
            self.waiting.push_front(call);
        }
    }

    /// Resolves everything: what is in flight may have had its effect, what waits had none.
    /// Returns what the calls in flight mean to the session.
    pub(super) fn resolve_all(&mut self, why: &str) -> Vec<Kind> {
        self.is_refresh_asked = false;
        let mut kinds = Vec::new();
        for InFlight { call, .. } in self.in_flight.drain(..) {
            self.outcomes.push_back((call.token, CallOutcome::OutcomeUnknown { why: why.to_owned() }));
            kinds.push(call.kind);
        }
        for call in self.unauthorized.drain(..).chain(self.waiting.drain(..)) {
            self.outcomes.push_back((call.token, CallOutcome::NotSubscribed));
        }
        kinds
    }

    /// What must never be done: the call may have had its effect. For a deliberate bug.
    pub(super) fn send_again(&mut self, token: CallToken) {
        if let Some(call) = self.take_in_flight(token) {
            self.waiting.push_front(call);
        }
    }

    /// Whether TEARDOWN is on the wire.
    pub(super) fn is_teardown_in_flight(&self) -> bool {
        self.in_flight.iter().any(|call| call.call.kind == Kind::Teardown)
    }

    pub(super) fn poll_outcome(&mut self) -> Option<(CallToken, CallOutcome)> {
        self.outcomes.pop_front()
    }
}
