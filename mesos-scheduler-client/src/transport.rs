//! The two connections of a client: one for the event stream, one for all calls in their order.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    connection::{Connection, describe, read_text},
    session::{CallToken, StreamToken, Transmit},
    url::Endpoint,
};

/// Chunks and answers that wait for the driver. When it is full the sockets are not read, which the
/// master notices by TCP.
const INPUTS: usize = 64;

/// Something that came from the network, for a `handle_*` of the session.
#[derive(Debug)]
pub(crate) enum Input {
    Connected { stream: StreamToken },
    Head { stream: StreamToken, status: StatusCode, headers: HeaderMap, text: String },
    Bytes { stream: StreamToken, bytes: Bytes },
    End { stream: StreamToken },
    StreamFailed { stream: StreamToken, why: String },
    CallReply { call: CallToken, status: StatusCode, text: String },
    CallFailed { call: CallToken, why: String },
}

/// Carries out what a session wants to transmit. Dropping it closes both connections.
#[derive(Debug)]
pub(crate) struct Transport {
    inputs: mpsc::Sender<Input>,
    stream: Option<(StreamToken, JoinSet<()>)>,
    calls: Option<CallLane>,
}

/// A task that works off calls one after the other.
#[derive(Debug)]
struct CallLane {
    queue: mpsc::UnboundedSender<OutgoingCall>,
    _task: JoinSet<()>,
}

#[derive(Debug)]
struct OutgoingCall {
    token: CallToken,
    endpoint: Endpoint,
    request: Request<Bytes>,
}

impl Transport {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Input>) {
        let (inputs, receiver) = mpsc::channel(INPUTS);
        (Self { inputs, stream: None, calls: None }, receiver)
    }

    pub(crate) fn transmit(&mut self, transmit: Transmit) {
        match transmit {
            Transmit::Subscribe { stream, endpoint, request } => {
                let mut task = JoinSet::new();
                task.spawn(run_stream(stream, endpoint, request, self.inputs.clone()));
                self.stream = Some((stream, task));
            }
            Transmit::Call { call, endpoint, request } => {
                let lane = self.calls.get_or_insert_with(|| CallLane::start(self.inputs.clone()));
                // The lane ends only when it is dropped, or with the receiver of the inputs.
                let _ = lane.queue.send(OutgoingCall { token: call, endpoint, request });
            }
            Transmit::Abort { stream } => {
                self.stream.take_if(|(open, _)| *open == stream);
                self.calls = None;
            }
        }
    }
}

/// Subscribes and passes on what comes, until the stream is over.
async fn run_stream(
    stream: StreamToken,
    endpoint: Endpoint,
    request: Request<Bytes>,
    inputs: mpsc::Sender<Input>,
) {
    let over = match subscribe(stream, &endpoint, request, &inputs).await {
        Ok(()) => Input::End { stream },
        Err(why) => Input::StreamFailed { stream, why },
    };
    // Without a receiver nobody waits for it.
    let _ = inputs.send(over).await;
}

async fn subscribe(
    stream: StreamToken,
    endpoint: &Endpoint,
    request: Request<Bytes>,
    inputs: &mpsc::Sender<Input>,
) -> Result<(), String> {
    let gone = |_| "the client ended".to_owned();
    let mut connection = Connection::open(endpoint).await?;
    inputs.send(Input::Connected { stream }).await.map_err(gone)?;
    let response = connection.request(request).await.map_err(|error| error.why)?;
    let (head, mut body) = response.into_parts();
    let (status, headers) = (head.status, head.headers);
    if status != StatusCode::OK {
        let text = read_text(body).await;
        return inputs.send(Input::Head { stream, status, headers, text }).await.map_err(gone);
    }
    inputs.send(Input::Head { stream, status, headers, text: String::new() }).await.map_err(gone)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| describe(&error))?;
        if let Ok(bytes) = frame.into_data() {
            inputs.send(Input::Bytes { stream, bytes }).await.map_err(gone)?;
        }
    }
    Ok(())
}

impl CallLane {
    fn start(inputs: mpsc::Sender<Input>) -> Self {
        let (queue, calls) = mpsc::unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(run_calls(calls, inputs));
        Self { queue, _task: task }
    }
}

async fn run_calls(mut calls: mpsc::UnboundedReceiver<OutgoingCall>, inputs: mpsc::Sender<Input>) {
    let mut connection = None;
    while let Some(OutgoingCall { token, endpoint, request }) = calls.recv().await {
        let input = match send_call(&mut connection, &endpoint, request).await {
            Ok((status, text)) => Input::CallReply { call: token, status, text },
            Err(why) => {
                connection = None;
                Input::CallFailed { call: token, why: format!("{endpoint}: {why}") }
            }
        };
        if inputs.send(input).await.is_err() {
            return;
        }
    }
}

/// Sends one call over the connection at hand, or over a new one if there is none that is open. A call of which
/// nothing was sent, because the master had closed an idle connection, is sent over a new one; any
/// other failure leaves its outcome unknown.
async fn send_call(
    connection: &mut Option<Connection>,
    endpoint: &Endpoint,
    request: Request<Bytes>,
) -> Result<(StatusCode, String), String> {
    let mut unsent = request;
    if let Some(open) = connection.as_mut().filter(|open| open.is_open_to(endpoint)) {
        match open.request(unsent).await {
            Ok(response) => return Ok((response.status(), read_text(response.into_body()).await)),
            Err(error) => unsent = error.unsent.ok_or(error.why)?,
        }
    }
    let open = connection.insert(Connection::open(endpoint).await?);
    let response = open.request(unsent).await.map_err(|error| error.why)?;
    Ok((response.status(), read_text(response.into_body()).await))
}
