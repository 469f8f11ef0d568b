//! `/api/v1/scheduler`.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use mesos_proto::v1::scheduler::{Call, call};

use super::{
    accept, body, gate,
    respond::{self, Body, Encoding},
    stream::EventStream,
};
use crate::{
    driver::{DriverHandle, Reply},
    master::validate_call,
};

const STREAM_ID: &str = "Mesos-Stream-Id";

/// Answers a request; the first check that fails gives the answer.
pub(super) async fn answer(
    driver: &DriverHandle,
    principal: Option<&str>,
    request: Request<Incoming>,
) -> Response<Body> {
    match try_answer(driver, principal, request).await {
        Ok(response) | Err(response) => response,
    }
}

async fn try_answer(
    driver: &DriverHandle,
    principal: Option<&str>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Response<Body>> {
    let (head, incoming) = request.into_parts();
    if head.method != Method::POST {
        return Err(respond::method_not_allowed("POST", &head.method));
    }
    let call: Call = body::read(&head.headers, incoming).await?;
    let encoding = match call.r#type() {
        call::Type::Subscribe | call::Type::ReconcileOperations => {
            validate_call(&call, principal).map_err(|text| respond::text(StatusCode::BAD_REQUEST, text))?;
            accept::negotiate(&head.headers)?
        }
        // Other calls are answered without a body that could be encoded.
        _ => Encoding::Json,
    };
    match driver.call(principal, call, stream_id(&head.headers)).await {
        Some(Reply::Status { status, text }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok(respond::text(status, text))
        }
        Some(Reply::Stream { stream_id, events }) => {
            let mut response = Response::new(EventStream { events, encoding }.boxed_unsync());
            let headers = response.headers_mut();
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(encoding.media_type()));
            let stream_id = HeaderValue::from_str(&stream_id).expect("a uuid is a header value");
            headers.insert(STREAM_ID, stream_id);
            Ok(response)
        }
        None => Err(respond::unavailable()),
    }
}

/// The last of several counts. What is not text equals no stream id.
fn stream_id(headers: &HeaderMap) -> Option<String> {
    headers.get_all(STREAM_ID).iter().next_back().map(gate::as_sent)
}
