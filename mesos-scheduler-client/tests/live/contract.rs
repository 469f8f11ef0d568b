//! The HTTP contract, in both content types.

use bytes::Bytes;
use http::Method;
use mesos_proto::{
    json,
    v1::{
        self,
        scheduler::{
            Call,
            call::{self, Type},
            event,
        },
    },
};
use mesos_scheduler_client::{CloseReason, Credentials, Event, HttpUrl, calls};
use prost::Message;

use crate::{
    raw::{Answer, JSON, PROTOBUF, Question, STREAM_ID, ask},
    scheduler::Scheduler,
    target::Target,
};

fn encode(content_type: &str, call: &Call) -> Bytes {
    match content_type {
        JSON => json::to_vec(call, &json::WriteOptions::default()).into(),
        _ => call.encode_to_vec().into(),
    }
}

fn subscribe(target: &Target) -> Call {
    let subscribe = call::Subscribe { framework_info: target.framework("raw"), ..call::Subscribe::default() };
    Call { r#type: Some(Type::Subscribe.into()), subscribe: Some(subscribe), ..Call::default() }
}

/// The master that leads: the one that takes a subscription.
async fn leader(target: &Target) -> HttpUrl {
    let scheduler = Scheduler::subscribe(target, "who leads").await;
    let master = scheduler.master.clone();
    scheduler.teardown().await;
    master
}

pub(crate) async fn a_subscription_in_json_tells_subscribed_and_heartbeat(target: &Target) {
    subscription(target, JSON).await;
}

pub(crate) async fn a_subscription_in_protobuf_tells_subscribed_and_heartbeat(target: &Target) {
    subscription(target, PROTOBUF).await;
}

async fn subscription(target: &Target, content_type: &str) {
    let step = "subscribe";
    let question = Question::post(content_type, encode(content_type, &subscribe(target)));
    let mut stream = ask(target, step, &leader(target).await, question).await;
    assert_eq!(stream.status, 200, "step '{step}'");
    assert_eq!(stream.header("Content-Type"), content_type, "step '{step}'");
    assert!(
        !stream.header(STREAM_ID).is_empty(),
        "step '{step}': expected {STREAM_ID}: {:?}",
        stream.headers
    );
    assert!(
        framework_id(&mut stream).await.value.contains('-'),
        "step '{step}': a framework id is a uuid and a number"
    );
    // Offers may come before it.
    loop {
        let kind = stream.event("heartbeat").await.expect("the stream goes on").r#type();
        match kind {
            event::Type::Heartbeat => break,
            event::Type::Offers => {}
            other => panic!("step 'heartbeat': expected HEARTBEAT, seen: {other:?}"),
        }
    }
}

async fn framework_id(stream: &mut Answer) -> v1::FrameworkId {
    let event = stream.event("subscribed").await;
    let subscribed = event.clone().and_then(|event| event.subscribed);
    let subscribed = subscribed.unwrap_or_else(|| panic!("step 'subscribed': expected it, seen: {event:?}"));
    assert!(subscribed.heartbeat_interval_seconds.is_some_and(|seconds| seconds > 0.0), "{subscribed:?}");
    subscribed.framework_id
}

/// A question, and the status and the beginning of the text of its answer.
type Case = (&'static str, Question, u16, &'static str);

pub(crate) async fn requests_that_are_wrong_are_refused_with_a_reason(target: &Target) {
    let master = leader(target).await;
    let call = subscribe(target);
    let (in_json, in_protobuf) = (encode(JSON, &call), encode(PROTOBUF, &call));
    for content_type in [JSON, PROTOBUF] {
        check(target, &master, heads(content_type, &encode(content_type, &call))).await;
    }
    check(target, &master, bodies_in_json(&in_protobuf)).await;
    check(target, &master, bodies_in_protobuf(&in_json)).await;
}

/// What is wrong around a body that is right.
fn heads(content_type: &'static str, body: &Bytes) -> Vec<Case> {
    let good = || Question::post(content_type, body.clone());
    let with_parameter = format!("{content_type}; charset=utf-8");
    let unsupported = "Expecting 'Content-Type' of application/json or application/x-protobuf";
    let accept = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'";
    let stream_id = "Subscribe calls should not include the 'Mesos-Stream-Id' header";
    vec![
        ("no content type", good().without("Content-Type"), 400, "Expecting 'Content-Type' to be present"),
        ("content type of text", good().with("Content-Type", "text/plain"), 415, unsupported),
        ("content type with a parameter", good().with("Content-Type", &with_parameter), 415, unsupported),
        ("nothing acceptable", good().with("Accept", "text/html"), 406, accept),
        ("SUBSCRIBE with a stream id", good().with(STREAM_ID, "x"), 400, stream_id),
        ("method PUT", good().method(Method::PUT), 405, "405 Method Not Allowed"),
        ("path in upper case", good().path("/API/v1/scheduler"), 404, "404 Not Found."),
    ]
}

fn bodies_in_json(in_protobuf: &Bytes) -> Vec<Case> {
    let body = |text: &'static str| Question::post(JSON, text);
    let syntax = "Failed to parse body into JSON";
    let convert = "Failed to convert JSON into Call protobuf: ";
    let validate = "Failed to validate scheduler::Call: ";
    vec![
        ("empty body", body(""), 400, syntax),
        ("protobuf as JSON", Question::post(JSON, in_protobuf.clone()), 400, syntax),
        ("JSON that is cut", body(r#"{"type":"SUBSCRIBE""#), 400, syntax),
        ("JSON array", body("[]"), 400, convert),
        (
            "missing name",
            body(r#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"x"}}}"#),
            400,
            convert,
        ),
        ("no type", body("{}"), 400, validate),
        ("SUBSCRIBE without its message", body(r#"{"type":"SUBSCRIBE"}"#), 400, validate),
        ("call without framework", body(r#"{"type":"SUPPRESS"}"#), 400, validate),
        (
            "two ids",
            body(
                r#"{"type":"SUBSCRIBE","framework_id":{"value":"x"},"subscribe":{"framework_info":{"user":"x","name":"x","id":{"value":"y"}}}}"#,
            ),
            400,
            validate,
        ),
    ]
}

fn bodies_in_protobuf(in_json: &Bytes) -> Vec<Case> {
    let body = |bytes: Vec<u8>| Question::post(PROTOBUF, bytes);
    let suppress = Call { r#type: Some(Type::Suppress.into()), ..Call::default() };
    let parse = "Failed to parse body into Call protobuf";
    let validate = "Failed to validate scheduler::Call: ";
    vec![
        ("empty protobuf", body(Vec::new()), 400, validate),
        ("garbage", body(vec![0xff; 4]), 400, parse),
        ("JSON as protobuf", Question::post(PROTOBUF, in_json.clone()), 400, parse),
        ("call without framework", body(suppress.encode_to_vec()), 400, validate),
    ]
}

async fn check(target: &Target, master: &HttpUrl, cases: Vec<Case>) {
    for (step, question, status, text) in cases {
        let kind = question.headers.first().map(|(_, value)| value.clone()).unwrap_or_default();
        let answer = ask(target, step, master, question).await;
        let seen = answer.status;
        assert_ne!(seen, 200, "step '{step}', {kind}: expected {status} '{text}', seen: a stream");
        let body = answer.text(step).await;
        assert!(
            seen == status && body.starts_with(text),
            "step '{step}', {kind}: expected {status} '{text}…', seen: {seen} '{body}'"
        );
    }
}

pub(crate) async fn calls_of_a_stream_that_are_wrong_are_refused_with_a_reason(target: &Target) {
    let master = leader(target).await;
    for content_type in [JSON, PROTOBUF] {
        let question = Question::post(content_type, encode(content_type, &subscribe(target)));
        let mut stream = ask(target, "subscribe", &master, question).await;
        let id = framework_id(&mut stream).await;
        let stream_id = stream.header(STREAM_ID).to_owned();
        let call = |id: &str, call: Call| {
            let call = Call { framework_id: Some(v1::FrameworkId::new(id)), ..call };
            Question::post(content_type, encode(content_type, &call)).with(STREAM_ID, &stream_id)
        };
        let decline = || calls::decline(vec![v1::OfferId::new("no-such-offer")], None);
        let foreign = "Framework cannot be found";
        let missing = "All non-subscribe calls should include the 'Mesos-Stream-Id' header";
        let other = call(&id.value, decline()).with(STREAM_ID, "no-such-stream");
        let other_text = "The stream ID 'no-such-stream' included in this request didn't match the stream ID";
        check(
            target,
            &master,
            vec![
                ("an unknown framework", call("no-such-framework", decline()), 400, foreign),
                ("no stream id", call(&id.value, decline()).without(STREAM_ID), 400, missing),
                ("another stream id", other, 400, other_text),
                ("an unknown offer", call(&id.value, decline()), 202, ""),
            ],
        )
        .await;
    }
}

pub(crate) async fn a_framework_that_is_wrong_is_refused_on_the_stream(target: &Target) {
    let refusal = "'FrameworkInfo.roles' contains invalid role";
    let wrong = v1::FrameworkInfo { roles: vec!["a b".to_owned()], ..target.framework("wrong role") };
    for content_type in [JSON, PROTOBUF] {
        let mut call = subscribe(target);
        call.subscribe.get_or_insert_default().framework_info = wrong.clone();
        let question = Question::post(content_type, encode(content_type, &call));
        let mut stream = ask(target, "a wrong role", &leader(target).await, question).await;
        assert_eq!(stream.status, 200, "step 'a wrong role': the answer begins before the check");
        let event = stream.event("a wrong role").await;
        let message = event.clone().and_then(|event| event.error).map(|error| error.message);
        assert!(
            message.is_some_and(|text| text.starts_with(refusal)),
            "step 'a wrong role': seen: {event:?}"
        );
        let end = stream.event("a wrong role").await;
        assert!(end.is_none(), "step 'a wrong role': expected the end of the stream, seen: {end:?}");
    }
    let (_client, mut events) = target.client(wrong).start().unwrap();
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Closed(CloseReason::Refused { message }) = &event {
            return assert!(message.starts_with(refusal), "step 'a wrong role': {message}");
        }
        seen.push(event);
    }
    panic!("step 'a wrong role': expected Closed(Refused), seen: {seen:?}");
}

pub(crate) async fn wrong_credentials_are_refused_where_some_are_wanted(target: &Target) {
    let step = "no credentials";
    let question = Question::post(PROTOBUF, encode(PROTOBUF, &subscribe(target))).anonymous();
    let answer = ask(target, step, &leader(target).await, question).await;
    if answer.status == 200 {
        // This master lets everybody in.
        return;
    }
    assert_eq!(answer.status, 401, "step '{step}'");
    assert!(answer.header("WWW-Authenticate").starts_with("Basic "), "step '{step}': {:?}", answer.headers);
    let step = "a wrong secret";
    let wrong = Credentials::basic("no-such-principal", "no-such-secret").unwrap();
    let (_client, mut events) = target.client(target.framework(step)).credentials(wrong).start().unwrap();
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Closed(CloseReason::Unauthorized { .. }) = event {
            return;
        }
        seen.push(event);
    }
    panic!("step '{step}': expected Closed(Unauthorized), seen: {seen:?}");
}
