//! One HTTP/1.1 connection over TCP or TLS.

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

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
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};

#[cfg(feature = "tls")]
use crate::tls::{self, Tls};
use crate::{
    auth::{AuthHeader, Credentials},
    url::{Endpoint, Scheme},
};

/// How connections are secured, and who asks over them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security {
    pub(crate) credentials: Credentials,
    /// The header that went out last, which is the one that a 401 is about.
    last_sent: Arc<Mutex<Option<AuthHeader>>>,
    /// The default of `Tls` where it is not set.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

impl Security {
    pub(crate) fn last_sent(&self) -> Option<AuthHeader> {
        self.last_sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_last_sent(&self, header: Option<AuthHeader>) {
        *self.last_sent.lock().unwrap_or_else(PoisonError::into_inner) = header;
    }
}

#[cfg(feature = "zookeeper")]
impl Security {
    /// Whether the owner has said how to use TLS.
    pub(crate) fn has_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }
}

/// A socket, whatever secures it.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Said of a peer that is asked for HTTP and does not answer with it.
pub(crate) const HTTPS_HINT: &str = " (does it speak https:// at this port?)";

/// Time for one of several addresses of a name, so that one that swallows packets does not hide the others.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(1);

/// Connects to the first address of a name that takes it. The last one has as long as the caller waits.
async fn connect(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let mut addresses = lookup_host((endpoint.host(), endpoint.port())).await?.peekable();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    while let Some(address) = addresses.next() {
        let attempt = TcpStream::connect(address);
        let result = match addresses.peek() {
            Some(_) => match timeout(ADDRESS_TIMEOUT, attempt).await {
                Ok(result) => result,
                Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
            },
            None => attempt.await,
        };
        match result {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Resolves the name, connects, and agrees on TLS for `https`.
pub(crate) async fn dial(endpoint: &Endpoint, security: &Security) -> Result<Box<dyn Io>, String> {
    let tcp = connect(endpoint).await.map_err(|error| describe(&error))?;
    // Calls are small and wait for their answers; without this the kernel would hold them back.
    tcp.set_nodelay(true).map_err(|error| describe(&error))?;
    match endpoint.scheme() {
        Scheme::Http => Ok(Box::new(tcp)),
        Scheme::Https => secure(tcp, endpoint, security).await,
    }
}

#[cfg(feature = "tls")]
async fn secure(tcp: TcpStream, endpoint: &Endpoint, security: &Security) -> Result<Box<dyn Io>, String> {
    let tls = match &security.tls {
        Some(tls) => tls,
        None => &Tls::system().await?,
    };
    Ok(Box::new(tls.connect(tcp, endpoint.host()).await?))
}

#[cfg(not(feature = "tls"))]
async fn secure(_: TcpStream, _: &Endpoint, _: &Security) -> Result<Box<dyn Io>, String> {
    Err("https:// needs the feature 'tls', which this build is without".to_owned())
}

/// An open connection. Dropping it closes the socket, also under an answer that is still being read.
#[derive(Debug)]
pub(crate) struct Connection {
    scheme: Scheme,
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; hyper wants this apart from the requests. Ends with what broke the connection.
    io: JoinSet<hyper::Result<()>>,
}

impl Connection {
    /// Dials, and gets ready for HTTP.
    pub(crate) async fn open(endpoint: &Endpoint, security: &Security) -> Result<Self, String> {
        let socket = dial(endpoint, security).await?;
        let (sender, io) = http1::handshake(TokioIo::new(socket)).await.map_err(|error| describe(&error))?;
        let mut task = JoinSet::new();
        task.spawn(io);
        Ok(Self { scheme: endpoint.scheme(), sender, io: task })
    }

    /// Sends a request and waits for the head of its answer. One at a time.
    pub(crate) async fn request(&mut self, request: Request<Bytes>) -> Result<Response<Incoming>, String> {
        let error = match self.sender.send_request(request.map(Full::new)).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        // A connection that broke before the request, such as by a TLS alert, keeps the reason to itself.
        if error.is_canceled()
            && let Some(Ok(Err(cause))) = self.io.join_next().await
        {
            return Err(describe_answer(&cause, self.scheme));
        }
        Err(describe_answer(&error, self.scheme))
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

/// An answer that did not come, or is none. A port for TLS answers plain text with a TLS alert or, as a master does,
/// by closing.
fn describe_answer(error: &hyper::Error, scheme: Scheme) -> String {
    let hint = match scheme {
        Scheme::Http if error.is_parse() || error.is_incomplete_message() => HTTPS_HINT,
        Scheme::Http | Scheme::Https => "",
    };
    describe(error) + hint
}

/// An error with its causes on one line, each said once.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let layer = match error.downcast_ref::<io::Error>() {
            Some(io) => describe_io(io),
            None => error.to_string(),
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

fn describe_io(error: &io::Error) -> String {
    #[cfg(feature = "tls")]
    if let Some(error) = error.get_ref().and_then(|error| error.downcast_ref()) {
        return tls::explain(error);
    }
    #[cfg(feature = "tls")]
    if tls::is_without_farewell(error) {
        return "the peer closed the connection without the farewell of TLS".to_owned();
    }
    let kind = error.kind().to_string();
    // The kind says it in words, the whole also gives a number of this operating system.
    if error.raw_os_error().is_some() && kind != "uncategorized error" { kind } else { error.to_string() }
}
