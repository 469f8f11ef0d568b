//! Responses in the words and headers of Mesos.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use mesos_proto::json;
use prost::{Message, Name};

/// Every kind of body of a response.
pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Media types of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    Protobuf,
}

impl Encoding {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        }
    }

    pub(super) fn encode<M: Message + Name>(self, message: &M) -> Bytes {
        match self {
            Self::Json => json::to_value(message).to_string().into(),
            Self::Protobuf => message.encode_to_vec().into(),
        }
    }
}

/// A status with a text, or without a body if the text is empty.
pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let text = text.into();
    if text.is_empty() {
        return bytes(status, None, Bytes::new());
    }
    bytes(status, Some("text/plain; charset=utf-8"), text.into())
}

pub(super) fn not_found() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "404 Not Found.")
}

/// The one thing that may be answered once the cluster is being torn down.
pub(super) fn unavailable() -> Response<Body> {
    text(StatusCode::SERVICE_UNAVAILABLE, "The cluster is shutting down")
}

/// To another master. A leader that makes no header value is no leader to tell of.
pub(super) fn redirect(leader: &str, path: &str) -> Response<Body> {
    let Ok(location) = HeaderValue::from_str(&format!("//{leader}{path}")) else {
        return text(StatusCode::INTERNAL_SERVER_ERROR, format!("'{}' is no host", leader.escape_debug()));
    };
    let mut response = text(StatusCode::TEMPORARY_REDIRECT, "");
    response.headers_mut().insert(header::LOCATION, location);
    response
}

pub(super) fn unauthorized(realm: &'static str) -> Response<Body> {
    let mut response = text(StatusCode::UNAUTHORIZED, "401 Unauthorized.");
    let challenge = HeaderValue::try_from(format!("Basic realm=\"{realm}\""));
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge.expect("a realm is a word"));
    response
}

pub(super) fn method_not_allowed(expected: &'static str, received: &http::Method) -> Response<Body> {
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("405 Method Not Allowed. Expecting one of {{ '{expected}' }}, but received '{received}'."),
    );
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(expected));
    response
}

pub(super) fn json(value: &serde_json::Value) -> Response<Body> {
    bytes(StatusCode::OK, Some(Encoding::Json.media_type()), value.to_string().into())
}

pub(super) fn message<M: Message + Name>(encoding: Encoding, message: &M) -> Response<Body> {
    bytes(StatusCode::OK, Some(encoding.media_type()), encoding.encode(message))
}

pub(super) fn bytes(status: StatusCode, media_type: Option<&'static str>, content: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(content).map_err(never).boxed_unsync());
    *response.status_mut() = status;
    if let Some(media_type) = media_type {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    response
}

fn never(error: Infallible) -> std::io::Error {
    match error {}
}
