//! The two connections of a client: one for the event stream, one for all calls in their order.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    auth::{AuthError, Credentials},
    connection::Security,
    pipeline::{CallLane, OutgoingCall},
    session::{CallToken, StreamToken, Transmit},
    stream::subscribe,
    url::Endpoint,
};

/// Pieces of the stream and answers that wait for the driver. When it is full the sockets are not read, which the
/// master notices by TCP.
const INPUTS: usize = 64;

/// Something that came from the network, for a `handle_*` of the session.
#[derive(Debug)]
pub(crate) enum Input {
    /// The credentials are there, and the connection is being made.
    Dialing {
        stream: StreamToken,
    },
    Connected {
        stream: StreamToken,
    },
    Head {
        stream: StreamToken,
        status: StatusCode,
        headers: HeaderMap,
        text: String,
    },
    Bytes {
        stream: StreamToken,
        bytes: Bytes,
    },
    End {
        stream: StreamToken,
    },
    StreamFailed {
        stream: StreamToken,
        why: String,
    },
    CallReply {
        call: CallToken,
        status: StatusCode,
        text: String,
    },
    CallFailed {
        call: CallToken,
        why: String,
    },
    /// There are no credentials to send the SUBSCRIBE of this stream with.
    NoCredentials {
        stream: StreamToken,
        error: AuthError,
    },
    /// The answer to `Transmit::RefreshCredentials`.
    Credentials {
        result: Result<(), AuthError>,
    },
}

impl Input {
    /// Bytes of the stream that it brings.
    pub(crate) fn stream_bytes(&self) -> usize {
        if let Self::Bytes { bytes, .. } = self { bytes.len() } else { 0 }
    }
}

/// Carries out what a session wants to transmit. Dropping it closes both connections.
#[derive(Debug)]
pub(crate) struct Transport {
    inputs: mpsc::Sender<Input>,
    security: Security,
    /// Asks for other credentials.
    refresh: JoinSet<()>,
    stream: Option<(StreamToken, JoinSet<()>)>,
    calls: Option<CallLane>,
}

impl Transport {
    pub(crate) fn new(security: Security) -> (Self, mpsc::Receiver<Input>) {
        let (inputs, receiver) = mpsc::channel(INPUTS);
        (Self { inputs, security, refresh: JoinSet::new(), stream: None, calls: None }, receiver)
    }

    pub(crate) fn transmit(&mut self, transmit: Transmit) {
        match transmit {
            Transmit::Subscribe { stream, endpoint, request, with_credentials } => {
                let mut task = JoinSet::new();
                let mut security = self.security.clone();
                if !with_credentials {
                    security.credentials = Credentials::none();
                }
                task.spawn(run_stream(stream, endpoint, request, security, self.inputs.clone()));
                self.stream = Some((stream, task));
            }
            Transmit::Call { call, endpoint, request, with_credentials } => {
                let (security, inputs) = (&self.security, &self.inputs);
                let lane =
                    self.calls.get_or_insert_with(|| CallLane::start(security.clone(), inputs.clone()));
                lane.send(OutgoingCall { token: call, endpoint, request, with_credentials });
            }
            // The driver does these.
            Transmit::LoadFrameworkId | Transmit::SaveFrameworkId { .. } | Transmit::ClearFrameworkId => {}
            Transmit::RefreshCredentials => {
                let (credentials, inputs) = (self.security.credentials.clone(), self.inputs.clone());
                // Not the present one: whoever shares the credentials may have renewed them meanwhile.
                let refused = self.security.last_sent();
                // One that still runs answers a question that nobody asks any more.
                self.refresh = JoinSet::new();
                self.refresh.spawn(async move {
                    let result = credentials.refresh(refused).await;
                    // Without a receiver nobody waits for it.
                    let _ = inputs.send(Input::Credentials { result }).await;
                });
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
    mut request: Request<Bytes>,
    security: Security,
    inputs: mpsc::Sender<Input>,
) {
    // Without a receiver nobody waits for any of these.
    if let Err(error) = add_credentials(&mut request, &security).await {
        let _ = inputs.send(Input::NoCredentials { stream, error }).await;
        return;
    }
    let _ = inputs.send(Input::Dialing { stream }).await;
    let over = match subscribe(stream, &endpoint, &request, &security, &inputs).await {
        Ok(()) => Input::End { stream },
        Err(why) => Input::StreamFailed { stream, why },
    };
    let _ = inputs.send(over).await;
}

/// Adds the header with the credentials, if there are any, and keeps in mind which one it was.
pub(crate) async fn add_credentials(
    request: &mut Request<Bytes>,
    security: &Security,
) -> Result<(), AuthError> {
    let header = security.credentials.current().await?;
    if let Some(header) = &header {
        request.headers_mut().insert(header.name().clone(), header.value().clone());
    }
    security.set_last_sent(header);
    Ok(())
}
