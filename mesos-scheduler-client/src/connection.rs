//! One HTTP/1.1 connection over TCP.

use std::{error::Error, io};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
};

use crate::{auth::Credentials, url::{Endpoint, Scheme}};

/// How connections are secured, and who asks over them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security {
    pub(crate) credentials: Credentials,
}

/// A socket, whatever secures it.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Resolves the name and connects.
pub(crate) async fn dial(endpoint: &Endpoint, _security: &Security) -> Result<Box<dyn Io>, String> {
    if endpoint.scheme() == Scheme::Https {
        return Err("TLS is not built in".to_owned());
    }
    let address = (endpoint.host(), endpoint.port());
    let tcp = TcpStream::connect(address).await.map_err(|error| describe(&error))?;
    // Calls are small and wait for their answers; without this the kernel would hold them back.
    tcp.set_nodelay(true).map_err(|error| describe(&error))?;
    Ok(Box::new(tcp))
}

/// An open connection. Dropping it closes the socket, also under an answer that is still being read.
#[derive(Debug)]
pub(crate) struct Connection {
    endpoint: Endpoint,
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; hyper wants this apart from the requests.
    _io: JoinSet<()>,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) struct RequestError {
    pub(crate) why: String,
    /// The request, if not a byte of it was sent.
    pub(crate) unsent: Option<Request<Bytes>>,
}

impl Connection {
    /// Resolves the name and connects.
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, String> {
        let socket = dial(endpoint, &Security::default()).await?;
        let (sender, io) = http1::handshake(TokioIo::new(socket)).await.map_err(|error| describe(&error))?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            // What breaks the connection also fails the request on it, and is told there.
            let _ = io.await;
        });
        Ok(Self { endpoint: endpoint.clone(), sender, _io: task })
    }

    /// Whether it leads there and the peer has not closed it, as far as is known.
    pub(crate) fn is_open_to(&self, endpoint: &Endpoint) -> bool {
        self.endpoint == *endpoint && !self.sender.is_closed()
    }

    /// Sends a request and waits for the head of its answer. One at a time.
    pub(crate) async fn request(
        &mut self,
        request: Request<Bytes>,
    ) -> Result<Response<Incoming>, RequestError> {
        if let Err(error) = self.sender.ready().await {
            return Err(RequestError { why: describe(&error), unsent: Some(request) });
        }
        let request = request.map(Full::new);
        self.sender.try_send_request(request).await.map_err(|mut refused| {
            let unsent = refused.take_message().map(|request| {
                let (parts, body) = request.into_parts();
                Request::from_parts(parts, body.into_inner().unwrap_or_default())
            });
            RequestError { why: describe(refused.error()), unsent }
        })
    }
}

/// Reads a body as text for a human, up to a few kilobytes; what cannot be read is left out.
pub(crate) async fn read_text(mut body: Incoming) -> String {
    const LIMIT: usize = 4096;
    let mut read = Vec::new();
    while read.len() < LIMIT {
        let Some(Ok(frame)) = body.frame().await else { break };
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(&data[..data.len().min(LIMIT - read.len())]);
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// An error with its causes on one line, each said once.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let layer = match error.downcast_ref::<io::Error>() {
            // The kind says it in words, the whole also gives a number of this operating system.
            Some(io) if io.raw_os_error().is_some() && io.kind().to_string() != "uncategorized error" => {
                io.kind().to_string()
            }
            Some(_) | None => error.to_string(),
        };
        if !text.contains(&layer) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&layer);
        }
        next = error.source();
    }
    text
}
