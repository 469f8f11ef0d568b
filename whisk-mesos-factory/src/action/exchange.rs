//! One HTTP request to an action container, and everything that can come of it.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time};

use crate::container::{ContainerAddress, Target};

/// Bytes of an answer that are kept; what is more is cut off.
pub(crate) const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A response with a body of known length.
    Response {
        status: u16,
        /// As much of it as is kept, as text.
        body: String,
        /// Its whole length, if it was cut.
        cut_from: Option<u64>,
    },
    /// A response that says nothing: without a length, or 204.
    NoResponse,
    /// Nobody listens, or nobody yet: the request was not read.
    NotConnected(String),
    /// The connection broke after the request was sent.
    ConnectionLost(String),
    /// No answer in time.
    TimedOut,
}

/// Sends a JSON body. A connection serves one request, as in OpenWhisk: a kept one may be closed by the
/// container at the very moment when it is used, and `/run` must not be sent twice.
pub(crate) async fn post(target: &Target, path: &str, body: Bytes, timeout: Duration) -> Answer {
    match time::timeout(timeout, exchange(target, path, body)).await {
        Ok(answer) => answer,
        Err(_elapsed) => Answer::TimedOut,
    }
}

async fn exchange(target: &Target, path: &str, body: Bytes) -> Answer {
    let address = &target.address;
    let stream = match connect(target).await {
        Ok(stream) => stream,
        Err(error) => return Answer::NotConnected(format!("{address}: {error}")),
    };
    // Without it the kernel waits for more to send; a failure costs time only.
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = match http1::handshake(TokioIo::new(stream)).await {
        Ok(parts) => parts,
        Err(error) => return Answer::ConnectionLost(format!("{address}: {error}")),
    };
    let request = Request::post(path)
        .header(header::HOST, address.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .header(header::CONNECTION, "close")
        .body(Full::new(body));
    let request = match request {
        Ok(request) => request,
        Err(error) => return Answer::NotConnected(format!("{address}: {error}")),
    };
    let answered = async {
        match sender.send_request(request).await {
            Ok(response) => read(address, response).await,
            Err(error) => lost(address, &error),
        }
    };
    // The connection only moves while it is polled; the answer decides when both are done.
    let mut answered = std::pin::pin!(answered);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        answer = &mut answered => answer,
        _ended = &mut connection => answered.await,
    }
}

/// Goes by the host name of the agent; by its address if that leads nowhere.
async fn connect(target: &Target) -> io::Result<TcpStream> {
    let ContainerAddress { host, port } = &target.address;
    let error = match TcpStream::connect((host.as_str(), *port)).await {
        Ok(stream) => return Ok(stream),
        Err(error) => error,
    };
    match &target.other_host {
        Some(other) if other != host && error.kind() != io::ErrorKind::ConnectionRefused => {
            TcpStream::connect((other.as_str(), *port)).await.map_err(|_| error)
        }
        _ => Err(error),
    }
}

fn lost(address: &ContainerAddress, error: &hyper::Error) -> Answer {
    let why = format!("{address}: {error}");
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    if cause.is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused) {
        return Answer::NotConnected(why);
    }
    Answer::ConnectionLost(why)
}

async fn read(address: &ContainerAddress, response: http::Response<hyper::body::Incoming>) -> Answer {
    let status = response.status().as_u16();
    let length = response.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let Some(length) = length.filter(|_| status != 204) else { return Answer::NoResponse };
    let mut kept = BytesMut::new();
    let mut body = response.into_body();
    // Read to the end even if it is cut, so that the container is not left writing.
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Answer::ConnectionLost(format!("{address}: {error}")),
        };
        if let Ok(data) = frame.into_data() {
            let room = (MAX_ANSWER_BYTES as usize).saturating_sub(kept.len());
            kept.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    let body = String::from_utf8_lossy(&kept).into_owned();
    Answer::Response { status, body, cut_from: Some(length).filter(|length| *length > MAX_ANSWER_BYTES) }
}
