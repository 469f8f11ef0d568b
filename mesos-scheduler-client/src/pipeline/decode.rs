//! Takes the answers of a connection apart, whatever pieces they come in.

use bytes::{Buf, BytesMut};
use http::StatusCode;

use crate::http1::{
    body::{Body, Part},
    head::{self, Head, excerpt},
};

/// The answer to a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The body, or the first kilobytes of a long one.
    pub(super) text: String,
    /// The server takes no further request of this connection.
    pub(super) is_last: bool,
}

/// Bytes in, answers out.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    buffer: BytesMut,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    ExpectHead,
    ExpectBody(Unfinished),
}

/// An answer whose head is known.
#[derive(Debug)]
struct Unfinished {
    status: StatusCode,
    is_last: bool,
    text: Vec<u8>,
    body: Body,
}

/// Kept of a body: more than a human reads.
const MAX_TEXT_BYTES: usize = 4096;

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next answer that is complete.
    ///
    /// # Errors
    /// This is no HTTP; nothing can be found in what follows.
    pub(super) fn next_answer(&mut self) -> Result<Option<Answer>, String> {
        loop {
            match &mut self.state {
                State::ExpectHead => match head::parse(&self.buffer)? {
                    None => return Ok(None),
                    Some((length, Head::Interim)) => self.buffer.advance(length),
                    Some((length, Head::Final { status, is_last, framing })) => {
                        self.buffer.advance(length);
                        let body = Body::new(framing);
                        let answer = Unfinished { status, is_last, text: Vec::new(), body };
                        self.state = State::ExpectBody(answer);
                    }
                },
                State::ExpectBody(answer) => {
                    let is_complete = answer.take(&mut self.buffer)?;
                    return Ok(if is_complete { self.finish_body() } else { None });
                }
            }
        }
    }

    /// The answer that ends with the connection, if one does.
    ///
    /// # Errors
    /// An answer is cut.
    pub(super) fn end(&mut self) -> Result<Option<Answer>, String> {
        match &self.state {
            State::ExpectHead if self.is_between_answers() => Ok(None),
            State::ExpectHead => Err(format!("in the answer '{}'", excerpt(&self.buffer))),
            State::ExpectBody(answer) if answer.body.ends_with_connection() => Ok(self.finish_body()),
            State::ExpectBody(answer) => Err(format!("in an answer with status {}", answer.status.as_u16())),
        }
    }

    /// Whether nothing of another answer is here.
    pub(super) fn is_between_answers(&self) -> bool {
        matches!(self.state, State::ExpectHead) && self.buffer.is_empty()
    }

    /// Whether the answer that is being read says that it is the last one.
    pub(super) fn is_in_last_answer(&self) -> bool {
        matches!(self.state, State::ExpectBody(Unfinished { is_last: true, .. }))
    }

    /// What came and was not yet understood, for a human.
    pub(super) fn excerpt(&self) -> String {
        excerpt(&self.buffer)
    }

    fn finish_body(&mut self) -> Option<Answer> {
        match std::mem::take(&mut self.state) {
            State::ExpectBody(Unfinished { status, is_last, text, body: _ }) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                Some(Answer { status, text, is_last })
            }
            State::ExpectHead => None,
        }
    }
}

impl Unfinished {
    /// Takes what belongs to the body; whether it is complete.
    fn take(&mut self, buffer: &mut BytesMut) -> Result<bool, String> {
        loop {
            match self.body.next(buffer)? {
                Part::Content(length) => {
                    let kept = length.min(MAX_TEXT_BYTES - self.text.len());
                    self.text.extend_from_slice(&buffer[..kept]);
                    buffer.advance(length);
                }
                Part::Framing(length) => buffer.advance(length),
                Part::Incomplete => return Ok(false),
                Part::End => return Ok(true),
            }
        }
    }
}

#[cfg(test)]
mod tests;
