//! The requests that a session sends.

use std::fmt;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT},
    uri::PathAndQuery,
};
use mesos_proto::v1::{self, scheduler::Call};
use prost::Message;

use crate::url::{Endpoint, HttpUrl};

/// Names a subscription on the wire. Only calls carry it: the master refuses a SUBSCRIBE with it.
pub(super) const STREAM_ID: HeaderName = HeaderName::from_static("mesos-stream-id");

/// The media type of both directions. The master compares it byte by byte, without parameters.
pub(super) const PROTOBUF: &str = "application/x-protobuf";

/// A text that begins with `libprocess/` would make the master take the request for an actor's message.
const AGENT: &str = concat!("mesos-scheduler-client/", env!("CARGO_PKG_VERSION"));

/// Names one attempt to subscribe, and the stream that it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamToken(pub(super) u64);

/// Something to do on the network, in the order in which a session says it. Its Debug form leaves out what is in
/// the body of a request: tasks have secrets in their environments.
#[non_exhaustive]
pub enum Transmit {
    /// Open a connection of its own to `endpoint` and send `request`, a SUBSCRIBE. Its answer is the event
    /// stream; no time limit applies to it.
    #[non_exhaustive]
    Subscribe {
        /// Goes with everything that this stream brings.
        stream: StreamToken,
        /// Where to connect.
        endpoint: Endpoint,
        /// What to send.
        request: Request<Bytes>,
        /// Whether to add the header with the credentials: `endpoint` is a configured master, or one that
        /// such a master redirected to.
        with_credentials: bool,
    },
    /// Send a call, after all earlier calls, on a second connection that all calls share.
    #[non_exhaustive]
    Call {
        /// Goes with the answer.
        call: super::CallToken,
        /// Where to connect.
        endpoint: Endpoint,
        /// What to send.
        request: Request<Bytes>,
        /// Whether to add the header with the credentials: `endpoint` is a configured master, or one that
        /// such a master redirected to.
        with_credentials: bool,
    },
    /// Ask for other credentials: the present ones were answered with 401. The result goes to
    /// [`handle_credentials`](super::Session::handle_credentials).
    RefreshCredentials,
    /// Read the id of the framework from its store. The result goes to
    /// [`handle_framework_id_loaded`](super::Session::handle_framework_id_loaded).
    LoadFrameworkId,
    /// Store the id of the framework. The result goes to
    /// [`handle_framework_id_saved`](super::Session::handle_framework_id_saved).
    SaveFrameworkId {
        /// What to store.
        id: v1::FrameworkId,
    },
    /// Remove the id of the framework from its store: the framework was torn down.
    ClearFrameworkId,
    /// Close the connection of this stream, and that of the calls. What they still bring need not be told.
    #[non_exhaustive]
    Abort {
        /// The stream; it may have ended already.
        stream: StreamToken,
    },
}

impl fmt::Debug for Transmit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscribe { stream, endpoint, request, with_credentials } => formatter
                .debug_struct("Subscribe")
                .field("stream", stream)
                .field("endpoint", endpoint)
                .field("bytes", &request.body().len())
                .field("with_credentials", with_credentials)
                .finish(),
            Self::Call { call, endpoint, request, with_credentials } => formatter
                .debug_struct("Call")
                .field("call", call)
                .field("endpoint", endpoint)
                .field("bytes", &request.body().len())
                .field("with_credentials", with_credentials)
                .finish(),
            Self::RefreshCredentials => formatter.write_str("RefreshCredentials"),
            Self::LoadFrameworkId => formatter.write_str("LoadFrameworkId"),
            Self::SaveFrameworkId { id } => write!(formatter, "SaveFrameworkId({id})"),
            Self::ClearFrameworkId => formatter.write_str("ClearFrameworkId"),
            Self::Abort { stream } => write!(formatter, "Abort({stream:?})"),
        }
    }
}

/// A POST of protobuf that asks for protobuf.
pub(crate) fn post(url: &HttpUrl, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = origin_form(url.path());
    let headers = request.headers_mut();
    let host = HeaderValue::from_str(&url.endpoint().authority())
        .expect("a host is letters, digits, '-', '.', '_' or an IPv6 address");
    headers.insert(HOST, host);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
    headers.insert(ACCEPT, HeaderValue::from_static(PROTOBUF));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    request
}

fn origin_form(path: &str) -> Uri {
    let path = if path.is_empty() { "/" } else { path };
    Uri::from(PathAndQuery::try_from(path).expect("the path of a URL was checked when it was parsed"))
}

/// A call of a subscription.
pub(super) fn call(url: &HttpUrl, stream_id: &HeaderValue, body: Bytes) -> Request<Bytes> {
    let mut request = post(url, body);
    request.headers_mut().insert(STREAM_ID, stream_id.clone());
    request
}

/// The bytes of a call.
pub(super) fn body(call: &Call) -> Bytes {
    call.encode_to_vec().into()
}

/// Whether an answer says that it is protobuf, parameters aside.
pub(super) fn is_protobuf(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let media_type = value.split(';').next().unwrap_or_default();
        media_type.trim().eq_ignore_ascii_case(PROTOBUF)
    })
}
