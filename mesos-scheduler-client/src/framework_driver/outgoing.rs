//! The calls of a framework that have no answer yet.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use mesos_proto::v1::scheduler::Call;

use crate::{
    client::{CallReply, Client},
    framework::OutcomeToken,
    session::CallOutcome,
};

/// More calls wait in the core, where they take as little as there: a burst of updates asks for more acknowledgements
/// than a client takes at once.
const MOST_UNANSWERED: usize = 16_384;

/// Answers come in the order of the calls, so no more than the first of them is waited for.
#[derive(Debug)]
pub(super) struct Outgoing {
    client: Client,
    replies: VecDeque<(Option<OutcomeToken>, CallReply)>,
    most: usize,
}

impl Outgoing {
    pub(super) fn new(client: Client) -> Self {
        let most = client.max_calls_waiting.min(MOST_UNANSWERED);
        Self { client, replies: VecDeque::new(), most }
    }

    pub(super) fn has_room(&self) -> bool {
        self.replies.len() < self.most
    }

    pub(super) fn send(&mut self, token: Option<OutcomeToken>, call: Call) {
        self.replies.push_back((token, self.client.send(call)));
    }

    /// Waits for answers; gives those that the core wants to know. Dropping the future loses none.
    pub(super) async fn answered(&mut self) -> Vec<(OutcomeToken, CallOutcome)> {
        poll_fn(|context| self.poll_answered(context)).await
    }

    fn poll_answered(&mut self, context: &mut Context<'_>) -> Poll<Vec<(OutcomeToken, CallOutcome)>> {
        let mut outcomes = Vec::new();
        let mut is_answered = false;
        while let Some((token, reply)) = self.replies.front_mut() {
            let Poll::Ready(outcome) = Pin::new(reply).poll(context) else { break };
            outcomes.extend(token.map(|token| (token, outcome)));
            self.replies.pop_front();
            is_answered = true;
        }
        if is_answered { Poll::Ready(outcomes) } else { Poll::Pending }
    }
}
