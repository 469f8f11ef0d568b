//! Who waits for the outcome of a call.

use std::{collections::BTreeMap, time::Instant};

use mesos_proto::v1::scheduler::call;
use tokio::sync::oneshot;
use tracing::{trace, warn};

use crate::{
    metrics::Instruments,
    session::{CallOutcome, CallToken},
};

/// All that wait. Dropping it tells them that the client has ended.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    waiting: BTreeMap<CallToken, Caller>,
}

#[derive(Debug)]
struct Caller {
    kind: call::Type,
    since: Instant,
    reply: oneshot::Sender<CallOutcome>,
}

impl Callers {
    pub(crate) fn add(
        &mut self,
        now: Instant,
        token: CallToken,
        kind: call::Type,
        reply: oneshot::Sender<CallOutcome>,
    ) {
        self.waiting.insert(token, Caller { kind, since: now, reply });
    }

    /// Tells the outcome of a call to who made it; a TEARDOWN is made by the session itself.
    pub(crate) fn tell(
        &mut self,
        now: Instant,
        token: CallToken,
        outcome: CallOutcome,
        instruments: &mut Instruments,
    ) {
        let Some(Caller { kind, since, reply }) = self.waiting.remove(&token) else { return };
        instruments.call_resolved(kind, &outcome, now.saturating_duration_since(since));
        let call = kind.as_str_name();
        match &outcome {
            CallOutcome::Accepted => trace!(call, "call accepted"),
            CallOutcome::Refused { .. }
            | CallOutcome::NotSubscribed
            | CallOutcome::QueueFull { .. }
            | CallOutcome::Invalid { .. }
            | CallOutcome::OutcomeUnknown { .. } => warn!(call, ?outcome, "a call was not accepted"),
        }
        // The caller may have dropped the reply.
        let _ = reply.send(outcome);
    }
}
