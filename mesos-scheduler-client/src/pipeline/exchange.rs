//! The calls of one connection and their answers, without I/O.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};

use super::{
    OutgoingCall,
    decode::{Answer, Decoder},
};
use crate::http1::encode::encode;

/// What one connection carries: bytes to write, and calls that wait for an answer. Answers come in the order
/// of their calls.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    unwritten: BytesMut,
    written: u64,
    /// Calls without an answer, in their order.
    calls: VecDeque<Pending>,
    decoder: Decoder,
    is_over: bool,
}

#[derive(Debug)]
struct Pending {
    call: OutgoingCall,
    /// Where its bytes begin in all that is written.
    start: u64,
}

/// What is left of a connection that is over.
#[derive(Debug, Default)]
pub(super) struct Remains {
    /// Calls that may have had their effect.
    pub(super) lost: Vec<OutgoingCall>,
    /// Calls that had none.
    pub(super) unsent: VecDeque<OutgoingCall>,
}

impl Exchange {
    /// Puts a call behind the others.
    pub(super) fn push(&mut self, call: OutgoingCall) {
        let start = self.written + self.unwritten.len() as u64;
        encode(&call.request, &mut self.unwritten);
        self.calls.push_back(Pending { call, start });
    }

    /// What to write next.
    pub(super) fn unwritten(&self) -> &[u8] {
        &self.unwritten
    }

    /// So many bytes of [`unwritten`](Self::unwritten) are on their way.
    pub(super) fn handle_written(&mut self, bytes: usize) {
        self.unwritten.advance(bytes);
        self.written += bytes as u64;
        if self.unwritten.is_empty() {
            // Else the memory of the largest call would be kept.
            self.unwritten = BytesMut::new();
        }
    }

    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// Whether all calls are answered.
    pub(super) fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether the server takes no further calls: the last answer said so. More is then not to be read.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether a byte was written.
    pub(super) fn is_used(&self) -> bool {
        self.written > 0
    }

    /// The next call that is answered.
    ///
    /// # Errors
    /// What came is not HTTP, or nobody asked for it. The connection is of no use any more.
    pub(super) fn poll_answer(&mut self) -> Result<Option<(OutgoingCall, Answer)>, String> {
        if self.is_over || self.decoder.is_between_answers() {
            return Ok(None);
        }
        if self.calls.front().is_none_or(|first| first.start >= self.written) {
            return Err(format!("an answer that nobody asked for: '{}'", self.decoder.excerpt()));
        }
        let answer = self.decoder.next_answer()?;
        Ok(answer.and_then(|answer| self.answer(answer)))
    }

    /// The peer sends nothing more. Returns the call that this answers, if it does.
    ///
    /// # Errors
    /// A call was written and has no answer, or not a whole one.
    pub(super) fn handle_end(&mut self) -> Result<Option<(OutgoingCall, Answer)>, String> {
        if self.is_over {
            return Ok(None);
        }
        let cut = |place: &str| format!("the connection was closed {place}");
        let last = self.decoder.end().map_err(|place| cut(&place))?;
        match last.and_then(|answer| self.answer(answer)) {
            Some(answered) => Ok(Some(answered)),
            None if self.calls.front().is_some_and(|first| first.start < self.written) => {
                Err(cut("before the answer"))
            }
            None => Ok(None),
        }
    }

    fn answer(&mut self, answer: Answer) -> Option<(OutgoingCall, Answer)> {
        self.is_over = answer.is_last;
        self.calls.pop_front().map(|pending| (pending.call, answer))
    }

    /// Gives the connection up.
    pub(super) fn end(mut self) -> Remains {
        let mut remains = Remains::default();
        // A server that says `close` does not process what it gets on this connection behind the request of
        // that answer (RFC 9112, section 9.6), so nothing of that had an effect.
        let is_first_the_last = self.decoder.is_in_last_answer();
        if is_first_the_last {
            remains.lost.extend(self.calls.pop_front().map(|pending| pending.call));
        }
        let has_no_effect = self.is_over || is_first_the_last;
        for Pending { call, start } in self.calls {
            if has_no_effect || start >= self.written {
                remains.unsent.push_back(call);
            } else {
                remains.lost.push(call);
            }
        }
        remains
    }
}
