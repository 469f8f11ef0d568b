//! Requests written by hand, for what the client never sends.

use std::error::Error;
#[cfg(feature = "tls")]
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use mesos_proto::{json, recordio, v1::scheduler::Event};
use mesos_scheduler_client::{Endpoint, HttpUrl, Scheme};
use prost::Message;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

use crate::target::{PATIENCE, Target};

pub(crate) const JSON: &str = "application/json";
pub(crate) const PROTOBUF: &str = "application/x-protobuf";
pub(crate) const STREAM_ID: &str = "Mesos-Stream-Id";

/// A request that may be wrong in any way.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    /// Whether the credentials of the target go along.
    pub(crate) is_authorized: bool,
}

impl Question {
    /// A POST to the scheduler API that is fine but for its body.
    pub(crate) fn post(content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("Content-Type", content_type.to_owned()), ("Accept", content_type.to_owned())];
        Self {
            method: Method::POST,
            path: "/api/v1/scheduler",
            headers,
            body: body.into(),
            is_authorized: true,
        }
    }

    pub(crate) fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    pub(crate) fn path(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    pub(crate) fn anonymous(self) -> Self {
        Self { is_authorized: false, ..self }
    }

    pub(crate) fn with(self, name: &'static str, value: &str) -> Self {
        let mut question = self.without(name);
        question.headers.push((name, value.to_owned()));
        question
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self
    }
}

/// An answer, with the part of its body that was read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    decoder: recordio::Decoder,
    _io: JoinSet<()>,
}

/// Asks on a connection of its own.
pub(crate) async fn ask(target: &Target, step: &str, master: &HttpUrl, question: Question) -> Answer {
    let asking = async {
        let endpoint = master.endpoint();
        let socket = dial(endpoint).await.unwrap_or_else(|error| panic!("step '{step}': {master}: {error}"));
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.unwrap();
        let mut io = JoinSet::new();
        io.spawn(async move {
            // What breaks it is told by the request.
            let _ = connection.await;
        });
        let mut request = Request::builder()
            .method(question.method)
            .uri(format!("{}{}", master.path().trim_end_matches('/'), question.path))
            .header("Host", endpoint.authority());
        for (name, value) in question.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = target.authorization().filter(|_| question.is_authorized) {
            request = request.header("Authorization", authorization);
        }
        let response = sender.send_request(request.body(Full::new(question.body)).unwrap()).await;
        let response = response.unwrap_or_else(|error| panic!("step '{step}': {master}: {error}"));
        let (head, body) = response.into_parts();
        let (status, headers) = (head.status, head.headers);
        Answer { status, headers, body, decoder: recordio::Decoder::new(), _io: io }
    };
    patiently(step, "an answer", asking).await
}

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

async fn dial(endpoint: &Endpoint) -> Result<Box<dyn Socket>, Box<dyn Error + Send + Sync>> {
    let tcp = TcpStream::connect((endpoint.host(), endpoint.port())).await?;
    match endpoint.scheme() {
        Scheme::Http => Ok(Box::new(tcp)),
        #[cfg(feature = "tls")]
        Scheme::Https => {
            let name = rustls::pki_types::ServerName::try_from(endpoint.host().to_owned())?;
            Ok(Box::new(tls()?.connect(name, tcp).await?))
        }
        #[cfg(not(feature = "tls"))]
        Scheme::Https => Err("the feature tls is off".into()),
    }
}

/// Trusts whom the system trusts, or the file in `SSL_CERT_FILE`.
#[cfg(feature = "tls")]
fn tls() -> Result<tokio_rustls::TlsConnector, Box<dyn Error + Send + Sync>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

impl Answer {
    pub(crate) async fn text(self, step: &str) -> String {
        let body = patiently(step, "a body", self.body.collect()).await;
        String::from_utf8_lossy(&body.unwrap().to_bytes()).trim_end().to_owned()
    }

    /// A header, empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The next event of a stream, `None` at its end.
    pub(crate) async fn event(&mut self, step: &str) -> Option<Event> {
        let reading = async {
            loop {
                if let Some(record) = self.decoder.next_record().unwrap() {
                    return Some(record);
                }
                match self.body.frame().await {
                    None => return None,
                    Some(frame) => self.decoder.push(frame.unwrap().into_data().unwrap_or_default()),
                }
            }
        };
        let record = patiently(step, "an event", reading).await?;
        Some(match self.header("Content-Type") {
            JSON => json::from_slice(&record).unwrap_or_else(|error| panic!("step '{step}': {error}")),
            PROTOBUF => Event::decode(record).unwrap_or_else(|error| panic!("step '{step}': {error}")),
            other => panic!("step '{step}': expected events in JSON or protobuf, seen: '{other}'"),
        })
    }
}

async fn patiently<T>(step: &str, expected: &str, future: impl Future<Output = T>) -> T {
    let outcome = timeout(PATIENCE, future).await;
    outcome.unwrap_or_else(|_| panic!("step '{step}': expected {expected} within {PATIENCE:?}"))
}
