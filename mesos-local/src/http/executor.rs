//! `/api/v1/executor` of an agent.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming};
use mesos_proto::{
    recordio,
    v1::{
        TaskState, executor,
        executor::{Call, call},
        task_status::Source,
    },
};
use tokio::sync::mpsc;

use super::{
    accept, body,
    respond::{self, Body, Encoding},
};
use crate::{
    agent::{ExecutorInput, Executors, Standing},
    master::is_uuid,
};

type Outcome = Result<Response<Body>, Response<Body>>;

/// Answers a request; the first check that fails gives the answer.
pub(super) async fn answer(executors: &Executors, request: Request<Incoming>) -> Outcome {
    let (head, incoming) = request.into_parts();
    if head.method != Method::POST {
        return Err(respond::method_not_allowed("POST", &head.method));
    }
    let call: Call = body::read(&head.headers, incoming).await?;
    let kind = validate(&call).map_err(|text| {
        respond::text(StatusCode::BAD_REQUEST, format!("Failed to validate executor::Call: {text}"))
    })?;
    let encoding = match kind {
        call::Type::Subscribe => Some(accept::negotiate(&head.headers)?),
        call::Type::Update | call::Type::Message | call::Type::Heartbeat | call::Type::Unknown => None,
    };
    let key = (call.framework_id.value.clone(), call.executor_id.value.clone());
    match (executors.standing(&key), kind) {
        (Standing::NoFramework, _) => {
            return Err(respond::text(StatusCode::BAD_REQUEST, "Framework cannot be found"));
        }
        (Standing::NoExecutor, _) => return Err(gone()),
        (Standing::Launched, call::Type::Subscribe) | (Standing::Subscribed, _) => {}
        (Standing::Launched, _) => {
            return Err(respond::text(StatusCode::FORBIDDEN, "Executor is not subscribed"));
        }
    }
    let input = match kind {
        call::Type::Subscribe => {
            let (events, receiver) = mpsc::unbounded_channel();
            let subscribe = Box::new(call.subscribe.unwrap_or_default());
            let input = ExecutorInput::Subscribe { subscribe, events };
            executors.send(&key, input).map_err(|_| gone())?;
            return Ok(stream(receiver, encoding.unwrap_or(Encoding::Json)));
        }
        call::Type::Update => {
            let status = call.update.unwrap_or_default().status;
            ExecutorInput::Update(Box::new(status))
        }
        call::Type::Message => ExecutorInput::MessageToFramework(call.message.unwrap_or_default().data),
        call::Type::Heartbeat => return Ok(respond::text(StatusCode::ACCEPTED, "")),
        call::Type::Unknown => {
            let text = "A call of type UNKNOWN cannot be handled";
            return Err(respond::text(StatusCode::NOT_IMPLEMENTED, text));
        }
    };
    executors.send(&key, input).map_err(|_| gone())?;
    Ok(respond::text(StatusCode::ACCEPTED, ""))
}

fn gone() -> Response<Body> {
    respond::text(StatusCode::BAD_REQUEST, "Executor cannot be found")
}

/// The checks of a call by itself.
fn validate(call: &Call) -> Result<call::Type, String> {
    let expecting = |field: &str| format!("Expecting '{field}' to be present");
    let kind = call.r#type.and_then(|number| call::Type::try_from(number).ok());
    let kind = kind.ok_or_else(|| expecting("type"))?;
    match kind {
        call::Type::Subscribe if call.subscribe.is_none() => Err(expecting("subscribe")),
        call::Type::Message if call.message.is_none() => Err(expecting("message")),
        call::Type::Update => {
            let update = call.update.as_ref().ok_or_else(|| expecting("update"))?;
            let status = &update.status;
            let uuid = status.uuid.as_ref().ok_or_else(|| expecting("uuid"))?;
            if !is_uuid(uuid) {
                return Err("Not a valid UUID".into());
            }
            if let Some(id) = status.executor_id.as_ref().filter(|id| **id != call.executor_id) {
                return Err(format!(
                    "ExecutorID in Call: {} does not match ExecutorID in TaskStatus: {id}",
                    call.executor_id
                ));
            }
            if status.source.is_none() || status.source() != Source::Executor {
                return Err(format!(
                    "Received Call from executor {} of framework {} with invalid source, expecting \
                     'SOURCE_EXECUTOR'",
                    call.executor_id, call.framework_id
                ));
            }
            if status.state() == TaskState::TaskStaging {
                return Err(format!(
                    "Received TASK_STAGING from executor {} of framework {} which is not allowed",
                    call.executor_id, call.framework_id
                ));
            }
            Ok(kind)
        }
        call::Type::Subscribe | call::Type::Message | call::Type::Heartbeat | call::Type::Unknown => Ok(kind),
    }
}

fn stream(events: mpsc::UnboundedReceiver<executor::Event>, encoding: Encoding) -> Response<Body> {
    let mut response = Response::new(ExecutorStream { events, encoding }.boxed_unsync());
    let media_type = HeaderValue::from_static(encoding.media_type());
    response.headers_mut().insert(http::header::CONTENT_TYPE, media_type);
    response
}

/// Ends when the executor subscribes again or is gone.
struct ExecutorStream {
    events: mpsc::UnboundedReceiver<executor::Event>,
    encoding: Encoding,
}

impl hyper::body::Body for ExecutorStream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let encoding = self.encoding;
        self.events.poll_recv(context).map(|event| {
            let mut record = BytesMut::new();
            recordio::encode(&encoding.encode(&event?), &mut record);
            Some(Ok(Frame::data(record.freeze())))
        })
    }
}
