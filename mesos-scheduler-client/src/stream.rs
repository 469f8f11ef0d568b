//! The connection of the event stream: a SUBSCRIBE, and the content of its answer as it comes.
//!
//! hyper does not do here: it hands over each chunk by itself, with a switch of tasks, and a master sends each record
//! as a chunk.

mod glue;

use std::{io, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    task::yield_now,
    time::timeout,
};

use self::glue::{MAX_CHUNKS, Piece, take_content};
use crate::{
    connection::{HTTPS_HINT, Io, Security, describe, dial},
    http1::{
        body::Body,
        encode::encode,
        head::{self, Framing, Head, excerpt},
    },
    session::StreamToken,
    transport::Input,
    url::{Endpoint, Scheme},
};

/// Room for a read. Small reads share it.
const BUFFER_BYTES: usize = 64 * 1024;

/// With less room left a new buffer is begun.
const MIN_READ_BYTES: usize = 16 * 1024;

/// Kept of the text of a refusal: more than a human reads.
const MAX_TEXT_BYTES: usize = 4096;

/// A text that stops in the middle is told as far as it came, since the status matters more.
const TEXT_PATIENCE: Duration = Duration::from_secs(1);

/// Sends a SUBSCRIBE on a connection of its own and passes on what comes, until the stream is over. Dropping the
/// future closes the connection.
///
/// # Errors
/// The connection could not be made, or broke, or brought no HTTP.
pub(crate) async fn subscribe(
    stream: StreamToken,
    endpoint: &Endpoint,
    request: &Request<Bytes>,
    security: &Security,
    inputs: &mpsc::Sender<Input>,
) -> Result<(), String> {
    let mut socket = Socket { io: dial(endpoint, security).await?, buffer: BytesMut::new() };
    send(inputs, Input::Connected { stream }).await?;
    let answer = socket.ask(request, endpoint.scheme()).await?;
    let Answer { status, headers, framing } = answer;
    let body = Body::new(framing);
    if status != StatusCode::OK {
        // What a redirect says besides where to is nothing to wait for.
        let text = match status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => String::new(),
            _ => socket.read_text(body).await,
        };
        return send(inputs, Input::Head { stream, status, headers, text }).await;
    }
    send(inputs, Input::Head { stream, status, headers, text: String::new() }).await?;
    socket.pass_on(body, |bytes| send(inputs, Input::Bytes { stream, bytes })).await
}

async fn send(inputs: &mpsc::Sender<Input>, input: Input) -> Result<(), String> {
    inputs.send(input).await.map_err(|_| "the client ended".to_owned())
}

struct Socket {
    io: Box<dyn Io>,
    /// What was read and not understood yet.
    buffer: BytesMut,
}

/// The head of an answer.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    framing: Framing,
}

impl Socket {
    /// Sends a request and reads the head of its answer.
    async fn ask(&mut self, request: &Request<Bytes>, scheme: Scheme) -> Result<Answer, String> {
        let mut wire = BytesMut::new();
        encode(request, &mut wire);
        // A peer that refuses a request may close the connection before it has read all of it. Its answer, or its
        // alert of TLS, says more than that writing failed.
        let unsent = self.write(&wire).await.err();
        loop {
            match head::parse(&self.buffer).map_err(|why| hinted(why, scheme))? {
                None => {
                    if self.read().await.map_err(|error| describe(&error))? == 0 {
                        return Err(match unsent {
                            Some(error) => describe(&error),
                            None => hinted(self.describe_end(), scheme),
                        });
                    }
                }
                Some((length, Head::Interim)) => self.buffer.advance(length),
                Some((length, Head::Final { status, framing, is_last: _ })) => {
                    let headers = head::headers(&self.buffer[..length]);
                    self.buffer.advance(length);
                    return Ok(Answer { status, headers, framing });
                }
            }
        }
    }

    async fn write(&mut self, wire: &[u8]) -> io::Result<()> {
        self.io.write_all(wire).await?;
        // TLS may keep some back.
        self.io.flush().await
    }

    /// How many bytes came; 0 at the end of the connection.
    async fn read(&mut self) -> io::Result<usize> {
        if self.buffer.capacity() - self.buffer.len() < MIN_READ_BYTES {
            self.buffer.reserve(BUFFER_BYTES);
        }
        self.io.read_buf(&mut self.buffer).await
    }

    /// The connection ended in a head, or before it.
    fn describe_end(&self) -> String {
        if self.buffer.is_empty() {
            return "the connection was closed before the answer".to_owned();
        }
        format!("the connection was closed in the answer '{}'", excerpt(&self.buffer))
    }

    /// Passes the content of a body on as it comes, until its end.
    async fn pass_on<F>(&mut self, mut body: Body, mut send: impl FnMut(Bytes) -> F) -> Result<(), String>
    where
        F: Future<Output = Result<(), String>>,
    {
        let mut pieces = Vec::new();
        let (mut passed_chunks, mut passed_bytes) = (0, 0);
        loop {
            let is_over = take_content(&mut body, &mut self.buffer, &mut pieces);
            for Piece { bytes, chunks } in pieces.drain(..) {
                passed_chunks += chunks;
                passed_bytes += bytes.len();
                send(bytes).await?;
                if passed_chunks >= MAX_CHUNKS || passed_bytes >= BUFFER_BYTES {
                    // The owner of the events gets a turn: their queue has a limit, and a task of tokio takes no more
                    // than 128 in a turn.
                    (passed_chunks, passed_bytes) = (0, 0);
                    yield_now().await;
                }
            }
            if is_over? {
                return Ok(());
            }
            if self.read().await.map_err(|error| describe(&error))? == 0 {
                return match body.ends_with_connection() {
                    true => Ok(()),
                    false => Err("the connection was closed before the end of the stream".to_owned()),
                };
            }
        }
    }

    /// Reads a body as text for a human, up to a few kilobytes; what cannot be read is left out.
    async fn read_text(&mut self, mut body: Body) -> String {
        let mut text = Vec::new();
        let mut pieces = Vec::new();
        loop {
            let is_over = take_content(&mut body, &mut self.buffer, &mut pieces);
            for Piece { bytes, .. } in pieces.drain(..) {
                text.extend_from_slice(&bytes[..bytes.len().min(MAX_TEXT_BYTES - text.len())]);
            }
            let is_enough = text.len() == MAX_TEXT_BYTES || !matches!(is_over, Ok(false));
            if is_enough || !matches!(timeout(TEXT_PATIENCE, self.read()).await, Ok(Ok(1..))) {
                return String::from_utf8_lossy(&text).into_owned();
            }
        }
    }
}

/// A port for TLS answers plain text with a TLS alert or, as a master does, by closing.
fn hinted(why: String, scheme: Scheme) -> String {
    match scheme {
        Scheme::Http => why + HTTPS_HINT,
        Scheme::Https => why,
    }
}
