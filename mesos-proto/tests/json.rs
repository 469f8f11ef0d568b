//! The JSON form, and the check for required fields.

#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use mesos_proto::{
    json::{self, Error},
    v1::{self, scheduler::Call},
};
use prost::Message;
use serde_json::json;

#[test]
fn a_call_goes_to_json_and_back() {
    let text = json!({
        "framework_id": {"value": "f"},
        "type": "ACKNOWLEDGE",
        "acknowledge": {
            "agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": "AQIDBAUGBwgJCgsMDQ4PEA=="
        }
    });
    let call: Call = json::from_slice(text.to_string().as_bytes()).unwrap();
    assert_eq!(call.acknowledge.as_ref().unwrap().uuid[15], 16);
    assert_eq!(json::to_value(&call), text);
}

#[test]
fn numbers_of_64_bits_are_numbers_and_may_be_read_from_texts() {
    let policy = v1::KillPolicy { grace_period: Some(v1::DurationInfo { nanoseconds: 5_000_000_000 }) };
    assert_eq!(json::to_value(&policy), json!({"grace_period": {"nanoseconds": 5_000_000_000_i64}}));
    let read: v1::KillPolicy =
        json::from_slice(br#"{"grace_period": {"nanoseconds": "5000000000"}}"#).unwrap();
    assert_eq!(read, policy);
}

#[test]
fn unknown_fields_are_ignored() {
    let id: v1::TaskId = json::from_slice(br#"{"value": "t", "more": [1]}"#).unwrap();
    assert_eq!(id.value, "t");
}

#[test]
fn missing_required_fields_are_named_in_json_and_protobuf() {
    let text = br#"{"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "nobody"}}}"#;
    let error = json::from_slice::<Call>(text).unwrap_err();
    assert_eq!(error.to_string(), "missing required fields: subscribe.framework_info.name");

    // A TaskInfo whose only resource has a type but no name.
    let bytes = b"\x0a\x01n\x12\x03\x0a\x01t\x1a\x03\x0a\x01a\x22\x02\x10\x00";
    assert!(v1::TaskInfo::decode(&bytes[..]).is_ok(), "plain decoding does not look");
    let error = json::from_protobuf::<v1::TaskInfo>(bytes).unwrap_err();
    assert_eq!(error.to_string(), "missing required fields: resources[0].name");
}

#[test]
fn what_is_no_message_is_told_apart_by_its_layer() {
    assert!(matches!(json::from_slice::<Call>(b"{"), Err(Error::Syntax(_))));
    assert!(matches!(json::from_slice::<Call>(b"[]"), Err(Error::Mapping(_))));
    assert!(matches!(json::from_slice::<Call>(br#"{"framework_id": 7}"#), Err(Error::Mapping(_))));
    assert!(matches!(json::from_protobuf::<Call>(b"\xff\xff\xff\xff"), Err(Error::Protobuf(_))));
}
