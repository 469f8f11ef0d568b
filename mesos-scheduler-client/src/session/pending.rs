//! Calls that wait to be sent, and calls that wait for an answer.

use std::{
    collections::VecDeque,
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

/// What a call means to the session itself.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    /// Nothing.
    Plain,
    /// Changes what later SUBSCRIBE calls say, if it is accepted.
    Update(Box<UpdateFramework>),
    /// Ends the session.
    Teardown,
}

/// All calls of a session, in the order in which they were made.
#[derive(Debug)]
pub(super) struct Calls {
    next_token: u64,
    waiting: VecDeque<Waiting>,
    in_flight: VecDeque<InFlight>,
    outcomes: VecDeque<(CallToken, CallOutcome)>,
    max_in_flight: usize,
    timeout: Duration,
}

#[derive(Debug)]
struct Waiting {
    token: CallToken,
    kind: Kind,
    body: Bytes,
}

#[derive(Debug)]
struct InFlight {
    token: CallToken,
    kind: Kind,
    deadline: Instant,
}

impl Calls {
    pub(super) fn new(max_in_flight: usize, timeout: Duration) -> Self {
        Self {
            next_token: 0,
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            outcomes: VecDeque::new(),
            max_in_flight,
            timeout,
        }
    }

    pub(super) fn push(&mut self, kind: Kind, body: Bytes) -> CallToken {
        let token = self.new_token();
        self.waiting.push_back(Waiting { token, kind, body });
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
        if self.in_flight.len() >= self.max_in_flight {
            return None;
        }
        let Waiting { token, kind, body } = self.waiting.pop_front()?;
        self.in_flight.push_back(InFlight { token, kind, deadline: after(now, self.timeout) });
        Some((token, body))
    }

    /// When the oldest call in flight is overdue.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.in_flight.front().map(|call| call.deadline)
    }

    /// Resolves a call in flight; `None` if it is none, because it was resolved before.
    pub(super) fn resolve(&mut self, token: CallToken, outcome: CallOutcome) -> Option<Kind> {
        let at = self.in_flight.iter().position(|call| call.token == token)?;
        let call = self.in_flight.remove(at)?;
        self.outcomes.push_back((token, outcome));
        Some(call.kind)
    }

    /// Resolves everything: what is in flight may have had its effect, what waits had none.
    pub(super) fn resolve_all(&mut self, why: &str) {
        for call in self.in_flight.drain(..) {
            self.outcomes.push_back((call.token, CallOutcome::OutcomeUnknown { why: why.to_owned() }));
        }
        for call in self.waiting.drain(..) {
            self.outcomes.push_back((call.token, CallOutcome::NotSubscribed));
        }
    }

    /// Whether TEARDOWN is on the wire.
    pub(super) fn is_teardown_in_flight(&self) -> bool {
        self.in_flight.iter().any(|call| call.kind == Kind::Teardown)
    }

    pub(super) fn poll_outcome(&mut self) -> Option<(CallToken, CallOutcome)> {
        self.outcomes.pop_front()
    }
}
