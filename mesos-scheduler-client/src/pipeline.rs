//! Calls over one connection, pipelined: each is written at once, and the answers come in the order of the
//! calls.
//!
//! A master works off the requests of a connection in their order, so this keeps the order of calls without
//! waiting for an answer between them. It is also why hyper does not do: its client sends the next request after
//! the answer to the one before.

mod decode;
mod exchange;

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
};

use bytes::Bytes;
use http::Request;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    sync::mpsc,
    task::{JoinSet, yield_now},
};

use self::{
    decode::Answer,
    exchange::{Exchange, Remains},
};
use crate::{
    connection::{Io, Security, describe, dial},
    session::CallToken,
    transport::{Input, add_credentials},
    url::Endpoint,
};

/// A call on its way.
#[derive(Debug)]
pub(crate) struct OutgoingCall {
    pub(crate) token: CallToken,
    pub(crate) endpoint: Endpoint,
    pub(crate) request: Request<Bytes>,
    pub(crate) with_credentials: bool,
}

/// Works off calls in their order; each is resolved by one input. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct CallLane {
    queue: mpsc::UnboundedSender<OutgoingCall>,
    _tasks: JoinSet<()>,
}

/// Nobody takes the inputs any more.
#[derive(Debug)]
struct Gone;

impl CallLane {
    pub(crate) fn start(security: Security, inputs: mpsc::Sender<Input>) -> Self {
        let (queue, new) = mpsc::unbounded_channel();
        let (ready, calls) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        // Apart from the connection, because a provider may take its time while answers come.
        tasks.spawn(prepare(new, ready, security.clone(), inputs.clone()));
        tasks.spawn(async move {
            // Without a receiver nobody waits for the calls.
            let _ = Lane { security, calls, inputs, waiting: VecDeque::new() }.run().await;
        });
        Self { queue, _tasks: tasks }
    }

    pub(crate) fn send(&self, call: OutgoingCall) {
        // The tasks end only when this is dropped, or with the receiver of the inputs.
        let _ = self.queue.send(call);
    }
}

/// Adds credentials to calls.
async fn prepare(
    mut new: mpsc::UnboundedReceiver<OutgoingCall>,
    ready: mpsc::UnboundedSender<OutgoingCall>,
    security: Security,
    inputs: mpsc::Sender<Input>,
) {
    while let Some(mut call) = new.recv().await {
        let added = match call.with_credentials {
            true => add_credentials(&mut call.request, &security).await,
            false => Ok(()),
        };
        let is_taken = match added {
            Ok(()) => ready.send(call).is_ok(),
            Err(error) => inputs.send(failed(call, &error.to_string())).await.is_ok(),
        };
        if !is_taken {
            return;
        }
    }
}

fn failed(call: OutgoingCall, why: &str) -> Input {
    Input::CallFailed { call: call.token, why: format!("{}: {why}", call.endpoint) }
}

#[derive(Debug)]
struct Lane {
    security: Security,
    calls: mpsc::UnboundedReceiver<OutgoingCall>,
    inputs: mpsc::Sender<Input>,
    /// Calls that are on no connection.
    waiting: VecDeque<OutgoingCall>,
}

/// An open connection with what it carries.
struct Link {
    endpoint: Endpoint,
    reader: ReadHalf<Box<dyn Io>>,
    writer: WriteHalf<Box<dyn Io>>,
    /// Bytes were written that may not have left: TLS keeps some back.
    is_unflushed: bool,
    exchange: Exchange,
}

/// Why a connection is left.
enum Left {
    /// Something broke it.
    Broken(String),
    /// It was in order and is not used again: its server closed it, or the next call goes elsewhere.
    Done,
}

const READ_BYTES: usize = 8 * 1024;

impl Lane {
    /// One connection after the other, each for as long as it lasts.
    async fn run(mut self) -> Result<(), Gone> {
        loop {
            let Some(first) = self.waiting.front() else {
                // The sender is dropped together with this task.
                let Some(call) = self.calls.recv().await else { return Ok(()) };
                self.waiting.push_back(call);
                continue;
            };
            let endpoint = first.endpoint.clone();
            match dial(&endpoint, &self.security).await {
                Ok(io) => {
                    let mut link = Link::new(endpoint, io);
                    let left = self.serve(&mut link).await?;
                    self.leave(link.exchange, left).await?;
                }
                Err(why) => self.fail_first(&why).await?,
            }
        }
    }

    /// Writes calls and reads answers, until the connection is left.
    async fn serve(&mut self, link: &mut Link) -> Result<Left, Gone> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            self.fill(link);
            if link.exchange.is_over() || link.exchange.is_idle() && !self.waiting.is_empty() {
                return Ok(Left::Done);
            }
            tokio::select! {
                // What the server says comes first: it may have closed the connection.
                biased;
                read = link.reader.read(&mut buffer) => {
                    let read = read.map(|length| &buffer[..length]);
                    if let Some(left) = self.handle_read(&mut link.exchange, read).await? {
                        return Ok(left);
                    }
                }
                written = write_some(&mut link.writer, link.exchange.unwritten()), if link.has_to_write() => {
                    match written {
                        Ok(length) => link.handle_written(length),
                        Err(error) => return self.read_rest(link, &mut buffer, &error).await,
                    }
                }
                Some(call) = self.calls.recv(), if self.waiting.is_empty() => {
                    self.waiting.push_back(call);
                    if link.exchange.is_idle() {
                        // The server may have closed the connection while it was idle, and a call that is written
                        // then is lost. The runtime looks at its sockets before it goes on here.
                        yield_now().await;
                    }
                }
            }
        }
    }

    /// Puts on the connection what goes to its endpoint.
    fn fill(&mut self, link: &mut Link) {
        while let Some(call) = self.waiting.pop_front().or_else(|| self.calls.try_recv().ok()) {
            if call.endpoint != link.endpoint {
                self.waiting.push_front(call);
                return;
            }
            link.exchange.push(call);
        }
    }

    /// Tells the answers that are complete. Returns why the connection is left, if it is.
    async fn handle_read(
        &mut self,
        exchange: &mut Exchange,
        read: io::Result<&[u8]>,
    ) -> Result<Option<Left>, Gone> {
        let is_end = match read {
            Ok(bytes) => {
                exchange.handle_bytes(bytes);
                bytes.is_empty()
            }
            Err(error) => return Ok(Some(Left::Broken(describe(&error)))),
        };
        loop {
            match if is_end { exchange.handle_end() } else { exchange.poll_answer() } {
                Ok(Some((call, Answer { status, text, is_last: _ }))) => {
                    self.tell(Input::CallReply { call: call.token, status, text }).await?;
                }
                Ok(None) => return Ok(is_end.then_some(Left::Done)),
                Err(why) => return Ok(Some(Left::Broken(why))),
            }
        }
    }

    /// Takes the answers that are here although nothing more can be written: a server that refuses a call
    /// may close the connection before it has read all of it.
    async fn read_rest(
        &mut self,
        link: &mut Link,
        buffer: &mut [u8],
        error: &io::Error,
    ) -> Result<Left, Gone> {
        while let Poll::Ready(Ok(length)) = poll_once(link.reader.read(buffer)).await {
            if let Some(left) = self.handle_read(&mut link.exchange, Ok(&buffer[..length])).await? {
                return Ok(left);
            }
        }
        Ok(Left::Broken(describe(error)))
    }

    /// Fails the calls that may have had their effect, and keeps the others for the next connection.
    async fn leave(&mut self, exchange: Exchange, left: Left) -> Result<(), Gone> {
        let why = match left {
            Left::Broken(why) => why,
            Left::Done => "the connection was closed".to_owned(),
        };
        let is_used = exchange.is_used();
        let Remains { lost, mut unsent } = exchange.end();
        unsent.append(&mut self.waiting);
        self.waiting = unsent;
        for call in lost {
            self.tell(failed(call, &why)).await?;
        }
        if !is_used {
            // As if it had not connected: else such a server would be connected to again and again.
            self.fail_first(&why).await?;
        }
        Ok(())
    }

    /// The first call that waits pays for the attempt, so that each call costs at most one.
    async fn fail_first(&mut self, why: &str) -> Result<(), Gone> {
        match self.waiting.pop_front() {
            Some(call) => self.tell(failed(call, why)).await,
            None => Ok(()),
        }
    }

    async fn tell(&self, input: Input) -> Result<(), Gone> {
        self.inputs.send(input).await.map_err(|_| Gone)
    }
}

impl Link {
    fn new(endpoint: Endpoint, io: Box<dyn Io>) -> Self {
        let (reader, writer) = tokio::io::split(io);
        Self { endpoint, reader, writer, is_unflushed: false, exchange: Exchange::default() }
    }

    fn has_to_write(&self) -> bool {
        self.is_unflushed || !self.exchange.unwritten().is_empty()
    }

    fn handle_written(&mut self, length: usize) {
        self.is_unflushed = length > 0;
        self.exchange.handle_written(length);
    }
}

/// Writes some of `bytes` and returns how many; flushes if there are none.
async fn write_some(writer: &mut WriteHalf<Box<dyn Io>>, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        writer.flush().await?;
        return Ok(0);
    }
    match writer.write(bytes).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        length => Ok(length),
    }
}

/// What a future has without waiting.
async fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    let mut future = pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}
