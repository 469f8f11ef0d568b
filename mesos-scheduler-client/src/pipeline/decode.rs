//! Takes the answers of a connection apart, whatever pieces they come in.

use bytes::{Buf, BytesMut};
use http::StatusCode;

use super::head::{self, Framing, Head, MAX_HEAD_BYTES, excerpt};

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
    ExpectBody(Body),
}

/// An answer whose head is known.
#[derive(Debug)]
struct Body {
    status: StatusCode,
    is_last: bool,
    text: Vec<u8>,
    rest: Rest,
}

/// What is still to come of a body.
#[derive(Debug)]
enum Rest {
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    /// Lines up to an empty one; so many bytes were seen.
    Trailers(usize),
    UntilEnd,
}

/// Kept of a body: more than a human reads.
const MAX_TEXT_BYTES: usize = 4096;

/// The size of a chunk and its extensions.
const MAX_CHUNK_HEAD_BYTES: usize = 4096;

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
                        self.state = State::ExpectBody(Body::new(status, is_last, framing));
                    }
                },
                State::ExpectBody(body) => {
                    let is_complete = body.take(&mut self.buffer)?;
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
            State::ExpectBody(Body { rest: Rest::UntilEnd, .. }) => Ok(self.finish_body()),
            State::ExpectBody(body) => Err(format!("in an answer with status {}", body.status.as_u16())),
        }
    }

    /// Whether nothing of another answer is here.
    pub(super) fn is_between_answers(&self) -> bool {
        matches!(self.state, State::ExpectHead) && self.buffer.is_empty()
    }

    /// Whether the answer that is being read says that it is the last one.
    pub(super) fn is_in_last_answer(&self) -> bool {
        matches!(self.state, State::ExpectBody(Body { is_last: true, .. }))
    }

    /// What came and was not yet understood, for a human.
    pub(super) fn excerpt(&self) -> String {
        excerpt(&self.buffer)
    }

    fn finish_body(&mut self) -> Option<Answer> {
        match std::mem::take(&mut self.state) {
            State::ExpectBody(Body { status, is_last, text, rest: _ }) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                Some(Answer { status, text, is_last })
            }
            State::ExpectHead => None,
        }
    }
}

impl Body {
    fn new(status: StatusCode, is_last: bool, framing: Framing) -> Self {
        let rest = match framing {
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::ChunkSize,
            Framing::UntilEnd => Rest::UntilEnd,
        };
        Self { status, is_last, text: Vec::new(), rest }
    }

    /// Takes what belongs to this body; whether it is complete.
    fn take(&mut self, buffer: &mut BytesMut) -> Result<bool, String> {
        loop {
            match &mut self.rest {
                Rest::Length(left) => return Ok(take_data(buffer, &mut self.text, left)),
                Rest::UntilEnd => {
                    let mut endless = u64::MAX;
                    take_data(buffer, &mut self.text, &mut endless);
                    return Ok(false);
                }
                Rest::ChunkSize => match take_chunk_size(buffer)? {
                    None => return Ok(false),
                    Some(0) => self.rest = Rest::Trailers(0),
                    Some(size) => self.rest = Rest::ChunkData(size),
                },
                Rest::ChunkData(left) => {
                    if !take_data(buffer, &mut self.text, left) {
                        return Ok(false);
                    }
                    self.rest = Rest::ChunkEnd;
                }
                Rest::ChunkEnd => {
                    if !take_line_end(buffer)? {
                        return Ok(false);
                    }
                    self.rest = Rest::ChunkSize;
                }
                Rest::Trailers(seen) => return take_trailers(buffer, seen),
            }
        }
    }
}

/// Takes up to `left` bytes, of which the first of a text are kept; whether these were all.
fn take_data(buffer: &mut BytesMut, text: &mut Vec<u8>, left: &mut u64) -> bool {
    let taken = usize::try_from(*left).map_or(buffer.len(), |left| left.min(buffer.len()));
    let kept = taken.min(MAX_TEXT_BYTES - text.len());
    text.extend_from_slice(&buffer[..kept]);
    buffer.advance(taken);
    *left -= taken as u64;
    *left == 0
}

fn take_chunk_size(buffer: &mut BytesMut) -> Result<Option<u64>, String> {
    let wrong = |what: &str| Err(format!("expected the size of a chunk, found '{}'{what}", excerpt(buffer)));
    // The parser takes a line without digits for a 0.
    if buffer.first().is_some_and(|first| !first.is_ascii_hexdigit()) {
        return wrong("");
    }
    let Ok(parsed) = httparse::parse_chunk_size(buffer) else { return wrong("") };
    let (length, size) = match parsed {
        httparse::Status::Complete((length, size)) => (length, Some(size)),
        httparse::Status::Partial => (buffer.len(), None),
    };
    if length > MAX_CHUNK_HEAD_BYTES {
        return wrong(&format!(" and more, above {MAX_CHUNK_HEAD_BYTES} bytes"));
    }
    if size.is_some() {
        buffer.advance(length);
    }
    Ok(size)
}

fn take_line_end(buffer: &mut BytesMut) -> Result<bool, String> {
    const LINE_END: &[u8] = b"\r\n";
    let length = buffer.len().min(LINE_END.len());
    if buffer[..length] != LINE_END[..length] {
        return Err(format!("expected the end of a chunk, found '{}'", excerpt(buffer)));
    }
    if length < LINE_END.len() {
        return Ok(false);
    }
    buffer.advance(length);
    Ok(true)
}

/// Skips trailers; whether the empty line behind them was reached.
fn take_trailers(buffer: &mut BytesMut, seen: &mut usize) -> Result<bool, String> {
    while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
        let is_empty = matches!(&buffer[..end], b"" | b"\r");
        *seen += end + 1;
        if *seen > MAX_HEAD_BYTES {
            break;
        }
        buffer.advance(end + 1);
        if is_empty {
            return Ok(true);
        }
    }
    if seen.saturating_add(buffer.len()) > MAX_HEAD_BYTES {
        let found = excerpt(buffer);
        return Err(format!(
            "expected at most {MAX_HEAD_BYTES} bytes behind the last chunk, found '{found}'"
        ));
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
