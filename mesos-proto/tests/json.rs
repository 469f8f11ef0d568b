//! The JSON form: each rule of the mapping, and the check for required fields.

#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::{error::Error as _, fmt::Debug};

use mesos_proto::{
    json::{self, Error, WriteOptions},
    v1::{
        self,
        scheduler::{Call, Event, event},
    },
};
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, Kind};
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
fn integers_are_numbers_and_may_be_read_from_texts() {
    let duration = |nanoseconds| v1::DurationInfo { nanoseconds };
    assert_eq!(json::to_value(&duration(i64::MAX)), json!({"nanoseconds": i64::MAX}));
    for (text, nanoseconds) in [
        ("9223372036854775807", i64::MAX),
        ("\"9223372036854775807\"", i64::MAX),
        ("-9223372036854775808", i64::MIN),
        ("\"-9223372036854775808\"", i64::MIN),
        ("5.0", 5),
        ("5e2", 500),
        ("\"5e2\"", 500),
        ("-0", 0),
    ] {
        reads(&format!(r#"{{"nanoseconds": {text}}}"#), &duration(nanoseconds));
    }
    for text in [
        "9223372036854775808",
        "\"9223372036854775808\"",
        "5.5",
        "1e300",
        "\"\"",
        "\" 5\"",
        "\"5 \"",
        "\"+5\"",
        "\"0x5\"",
        "\"five\"",
        "true",
        "[5]",
        "{}",
    ] {
        let found = serde_json::from_str::<serde_json::Value>(text).unwrap();
        refuses::<v1::DurationInfo>(
            &format!(r#"{{"nanoseconds": {text}}}"#),
            &format!("nanoseconds: expected an integer of 64 bits, found {found}"),
        );
    }
}

#[test]
fn integers_have_the_bounds_of_their_type() {
    reads(r#"{"begin": 0, "end": 18446744073709551615}"#, &v1::value::Range { begin: 0, end: u64::MAX });
    reads(r#"{"begin": 0, "end": "18446744073709551615"}"#, &v1::value::Range { begin: 0, end: u64::MAX });
    let range = |end: &str| format!(r#"{{"begin": 0, "end": {end}}}"#);
    refuses::<v1::value::Range>(&range("-1"), "end: expected an unsigned integer of 64 bits, found -1");
    let too_large = "\"18446744073709551616\"";
    let expected = format!("end: expected an unsigned integer of 64 bits, found {too_large}");
    refuses::<v1::value::Range>(&range(too_large), &expected);

    let port = |port: &str| format!(r#"{{"port": {port}}}"#);
    reads(&port("-2147483648"), &v1::Address { port: i32::MIN, ..Default::default() });
    refuses::<v1::Address>(&port("2147483648"), "port: expected an integer of 32 bits, found 2147483648");
    let check = |port: &str| format!(r#"{{"port": {port}}}"#);
    reads(&check("4294967295"), &v1::check_info::Tcp { port: u32::MAX });
    refuses::<v1::check_info::Tcp>(
        &check("4294967296"),
        "port: expected an unsigned integer of 32 bits, found 4294967296",
    );
}

#[test]
fn doubles_are_exact_and_take_texts_and_infinity() {
    let written = |value| String::from_utf8(json::to_vec(&scalar(value), &WriteOptions::default())).unwrap();
    for (value, text) in [
        (5.0, "5.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (123456789012.0, "123456789012.0"),
        (1795344499.5588312, "1795344499.5588312"),
        (f64::INFINITY, "\"Infinity\""),
        (f64::NEG_INFINITY, "\"-Infinity\""),
        (f64::NAN, "\"NaN\""),
    ] {
        assert_eq!(written(value), format!(r#"{{"value":{text}}}"#));
        let read: v1::value::Scalar = json::from_slice(format!(r#"{{"value":{text}}}"#).as_bytes()).unwrap();
        assert_eq!(read.value.to_bits(), value.to_bits(), "{text}");
    }
    for (text, value) in [
        ("5", 5.0),
        ("\"5\"", 5.0),
        ("\"-1.5e3\"", -1500.0),
        ("1E2", 100.0),
        ("1e300", 1e300),
        ("5e-324", 5e-324),
        ("1.7976931348623157e308", f64::MAX),
        ("18446744073709551615", 18446744073709551615.0),
        ("1e-400", 0.0),
    ] {
        reads(&format!(r#"{{"value": {text}}}"#), &scalar(value));
        assert_eq!(json::from_slice::<v1::value::Scalar>(written(value).as_bytes()).unwrap(), scalar(value));
    }
    for text in ["\"inf\"", "\"infinity\"", "\"nan\"", "\"0x10\"", "\"1_0\"", "\"1.\"", "\"\"", "false", "[]"]
    {
        refuses::<v1::value::Scalar>(
            &format!(r#"{{"value": {text}}}"#),
            &format!("value: expected a number, found {text}"),
        );
    }
    let error = json::from_slice::<v1::value::Scalar>(br#"{"value": 1e400}"#).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "number out of range at line 1 column 15");
}

#[test]
fn enums_are_names_and_unknown_names_leave_a_field_unset() {
    let status = |state| v1::TaskStatus {
        task_id: v1::TaskId::new("t"),
        state: i32::from(state),
        ..v1::TaskStatus::default()
    };
    let text = r#"{"task_id": {"value": "t"}, "state": "TASK_LOST", "source": "SOURCE_NEW", "reason": "REASON_NEW"}"#;
    reads(text, &status(v1::TaskState::TaskLost));
    // Its place in the list is not kept, either: masters drop them silently.
    reads(
        r#"{"user": "u", "name": "n", "capabilities": [{"type": "NEW"}, {"type": "MULTI_ROLE"}]}"#,
        &v1::FrameworkInfo {
            user: "u".to_owned(),
            name: "n".to_owned(),
            capabilities: vec![
                v1::framework_info::Capability { r#type: None },
                v1::framework_info::Capability {
                    r#type: Some(v1::framework_info::capability::Type::MultiRole.into()),
                },
            ],
            ..v1::FrameworkInfo::default()
        },
    );
    reads(r#"{"type": "NEW_EVENT"}"#, &Event::default());
    let expected = "state: expected the name of a mesos.v1.TaskState, found ";
    for state in ["\"TASK_NEW\"", "\"task_lost\"", "\"\"", "5", "true", "{}"] {
        let text = format!(r#"{{"task_id": {{"value": "t"}}, "state": {state}}}"#);
        refuses::<v1::TaskStatus>(&text, &format!("{expected}{state}"));
    }
    let expected = "type: expected the name of a mesos.v1.scheduler.Event.Type, found 8";
    refuses::<Event>(r#"{"type": 8}"#, expected);
}

#[test]
fn unknown_numbers_of_enums_are_written_as_numbers() {
    let event = Event { r#type: Some(99), ..Event::default() };
    assert_eq!(json::to_value(&event), json!({"type": 99}));
    let read: Event = json::from_protobuf(b"\x08\x63").unwrap();
    assert_eq!(read, event);
}

#[test]
fn bytes_are_standard_base64_with_padding() {
    let message = |data: &[u8]| event::Message {
        agent_id: v1::AgentId::new("a"),
        executor_id: v1::ExecutorId::new("e"),
        data: bytes::Bytes::copy_from_slice(data),
    };
    let text = |data: &str| {
        format!(r#"{{"agent_id": {{"value": "a"}}, "executor_id": {{"value": "e"}}, "data": {data}}}"#)
    };
    for (data, bytes) in
        [("\"\"", &b""[..]), ("\"AA==\"", b"\0"), ("\"+/8=\"", b"\xfb\xff"), ("\"+/\\/7\"", b"\xfb\xff\xfb")]
    {
        reads(&text(data), &message(bytes));
    }
    for data in ["\"AA\"", "\"AA=\"", "\"AB==\"", "\"-_8=\"", "\"AA==\\n\"", "\" AA==\"", "\"é\"", "[0]", "0"]
    {
        let expected = format!("data: expected bytes in base64 with padding, found {data}");
        refuses::<event::Message>(&text(data), &expected);
    }
}

#[test]
fn names_are_those_of_the_schema_and_unknown_ones_are_ignored() {
    reads(r#"{"value": "t", "more": [1, {"a": null}]}"#, &v1::TaskId::new("t"));
    reads(r#"{"frameworkId": {"value": "f"}, "Type": "REVIVE", "FRAMEWORK_ID": 5}"#, &Call::default());
}

#[test]
fn null_is_unset_and_of_repeated_keys_the_last_counts() {
    reads(r#"{"framework_id": null, "type": null, "accept": null}"#, &Call::default());
    reads(r#"{"value": 5, "value": "first", "value": "last"}"#, &v1::TaskId::new("last"));
    let error = json::from_slice::<v1::TaskId>(br#"{"value": "t", "value": null}"#).unwrap_err();
    assert_eq!(error.to_string(), "missing required fields: value");
    // An item of a list or an entry of a map cannot be unset.
    refuses::<v1::Labels>(r#"{"labels": [null]}"#, "labels[0]: expected an object, found null");
    refuses::<v1::quota::QuotaConfig>(
        r#"{"role": "web", "limits": {"cpus": null}}"#,
        r#"limits["cpus"]: expected an object, found null"#,
    );
}

#[test]
fn maps_are_objects_and_labels_a_list() {
    let limits = [("cpus".to_owned(), scalar(1.5)), ("a\"b".to_owned(), scalar(2.0))];
    let config = v1::quota::QuotaConfig {
        role: "web".to_owned(),
        limits: limits.into(),
        ..v1::quota::QuotaConfig::default()
    };
    let text = r#"{"role":"web","limits":{"a\"b":{"value":2.0},"cpus":{"value":1.5}}}"#;
    reads(text, &config);
    assert_eq!(json::to_vec(&config, &WriteOptions::default()), text.as_bytes());
    refuses::<v1::quota::QuotaConfig>(
        r#"{"role": "web", "limits": {"a\"b": {"value": "much"}}}"#,
        r#"limits["a\"b"].value: expected a number, found "much""#,
    );
    let error = json::from_slice::<v1::quota::QuotaConfig>(br#"{"limits": {"cpus": {}}}"#).unwrap_err();
    assert_eq!(error.to_string(), r#"missing required fields: role, limits["cpus"].value"#);

    let label = v1::Label { key: "k".to_owned(), value: None };
    reads(r#"{"labels": [{"key": "k"}]}"#, &v1::Labels { labels: vec![label] });
}

#[test]
fn no_map_of_the_schema_has_other_keys_than_texts() {
    let pool = DescriptorPool::decode(mesos_proto::DESCRIPTORS).unwrap();
    let entries: Vec<_> = pool.all_messages().filter(|message| message.is_map_entry()).collect();
    assert_eq!(entries.len(), 11);
    for entry in entries {
        assert_eq!(entry.map_entry_key_field().kind(), Kind::String, "{}", entry.full_name());
    }
}

#[test]
fn the_wrong_type_is_told_with_its_path() {
    for (text, expected) in [
        ("[]", "expected an object, found []"),
        ("7", "expected an object, found 7"),
        ("null", "expected an object, found null"),
        (r#"{"framework_id": 7}"#, "framework_id: expected an object, found 7"),
        (r#"{"framework_id": {"value": 7}}"#, "framework_id.value: expected a string, found 7"),
        (r#"{"revive": {"roles": "web"}}"#, r#"revive.roles: expected an array, found "web""#),
        (r#"{"revive": {"roles": {"0": "web"}}}"#, r#"revive.roles: expected an array, found {"0":"web"}"#),
        (r#"{"revive": {"roles": ["web", ["a"]]}}"#, r#"revive.roles[1]: expected a string, found ["a"]"#),
        (
            r#"{"accept": {"operations": [{"launch": {"task_infos": [{}, {"resources": [{"name": 1}]}]}}]}}"#,
            "accept.operations[0].launch.task_infos[1].resources[0].name: expected a string, found 1",
        ),
        (
            r#"{"subscribe": {"framework_info": {"checkpoint": "true"}}}"#,
            r#"subscribe.framework_info.checkpoint: expected true or false, found "true""#,
        ),
    ] {
        refuses::<Call>(text, expected);
    }
    let long = format!(r#"{{"type": ["{}"]}}"#, "é".repeat(100));
    let expected =
        format!("type: expected the name of a mesos.v1.scheduler.Call.Type, found [\"{}…", "é".repeat(58));
    refuses::<Call>(&long, &expected);
}

#[test]
fn messages_are_nested_as_deep_as_protobuf_has_them() {
    let nested = |depth: usize| {
        (0..depth).fold(v1::ContainerId { value: "c".to_owned(), parent: None }, |parent, _| {
            v1::ContainerId { value: "c".to_owned(), parent: Some(Box::new(parent)) }
        })
    };
    let text = |depth: usize| {
        let open = r#"{"value":"c","parent":"#.repeat(depth);
        format!(r#"{open}{{"value":"c"}}{}"#, "}".repeat(depth))
    };
    assert_eq!(String::from_utf8(json::to_vec(&nested(100), &WriteOptions::default())).unwrap(), text(100));
    reads(&text(100), &nested(100));
    assert!(json::from_protobuf::<v1::ContainerId>(&nested(100).encode_to_vec()).is_ok());
    assert!(json::from_protobuf::<v1::ContainerId>(&nested(101).encode_to_vec()).is_err());
    let path = [r"parent"; 101].join(".");
    let expected =
        format!(r#"{path}: expected no more than 100 messages in each other, found {{"value":"c"}}"#);
    refuses::<v1::ContainerId>(&text(101), &expected);
    // Far deeper is no JSON for the parser.
    let error = json::from_slice::<v1::ContainerId>(text(100_000).as_bytes()).unwrap_err();
    assert!(matches!(error, Error::Syntax(_)), "{error}");
    let deep = format!(r#"{{"value":"c","more":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let error = json::from_slice::<v1::ContainerId>(deep.as_bytes()).unwrap_err();
    assert!(error.source().unwrap().to_string().starts_with("recursion limit exceeded"), "{error:?}");
}

#[test]
fn explicit_defaults_are_written_only_on_request() {
    let info = v1::FrameworkInfo { user: "u".to_owned(), name: "n".to_owned(), ..Default::default() };
    assert_eq!(json::to_value(&info), json!({"user": "u", "name": "n"}));
    let options = WriteOptions::default().explicit_defaults(true);
    // `role` has a default, too, and is deprecated.
    let expected = r#"{"user":"u","name":"n","failover_timeout":0.0,"checkpoint":false}"#;
    assert_eq!(String::from_utf8(json::to_vec(&info, &options)).unwrap(), expected);
    let variable = v1::environment::Variable { name: "A".to_owned(), ..Default::default() };
    assert_eq!(json::to_value_with(&variable, &options), json!({"name": "A", "type": "VALUE"}));
    let set = v1::Filters { refuse_seconds: Some(0.0) };
    assert_eq!(json::to_value_with(&set, &options), json!({"refuse_seconds": 0.0}));
}

#[test]
fn bytes_of_texts_that_are_no_utf8_are_replaced() {
    let id: v1::TaskId = json::from_slice(b"{\"value\": \"a\xffb\"}").unwrap();
    assert_eq!(id.value, "a\u{fffd}b");
    assert!(json::from_slice::<v1::TaskId>(b"{\"value\": \xff}").is_err());
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
fn errors_stay_short_and_hold_no_control_characters() {
    let text = format!(r#"{{"type": "OFFERS", "offers": {{"offers": [{}{{}}]}}}}"#, "{},".repeat(10_000));
    let error = json::from_slice::<Event>(text.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("missing required fields: offers.offers[0].id, "), "{error}");
    assert!(error.ends_with(", and more") && error.len() < 2000, "{error}");

    let text = format!("{{\"type\": [\"\u{9b}2J\u{7f}{}\"]}}", "x".repeat(100_000));
    let error = json::from_slice::<Event>(text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("\\u{9b}2J\\u{7f}xxx") && error.ends_with('…') && error.len() < 300, "{error}");
}

#[test]
fn what_is_no_message_is_told_apart_by_its_layer() {
    for (text, shown, source) in [
        ("{", "not JSON: the text ends too early", "EOF while parsing an object at line 1 column 1"),
        ("", "not JSON: the text ends too early", "EOF while parsing a value at line 1 column 0"),
        ("{} x", "not JSON at 'x'", "trailing characters at line 1 column 4"),
        ("{\n \"é\": nul}", "not JSON at '}'", "expected ident at line 2 column 11"),
        ("{'a': 1}", r"not JSON at '\'a\': 1}'", "key must be a string at line 1 column 2"),
    ] {
        let error = json::from_slice::<Call>(text.as_bytes()).unwrap_err();
        assert!(matches!(error, Error::Syntax(_)), "{error:?}");
        assert_eq!(
            (error.to_string().as_str(), error.source().unwrap().to_string().as_str()),
            (shown, source)
        );
    }
    let Error::Mapping(error) = json::from_value::<Call>(json!({"type": 7})).unwrap_err() else { panic!() };
    assert_eq!((error.path(), error.found()), ("type", "7"));
    assert!(matches!(json::from_protobuf::<Call>(b"\xff\xff\xff\xff"), Err(Error::Protobuf(_))));
}

#[track_caller]
fn reads<M: Message + Name + Default + PartialEq + Debug>(text: &str, expected: &M) {
    assert_eq!(
        json::from_slice::<M>(text.as_bytes()).as_ref().map_err(ToString::to_string),
        Ok(expected),
        "{text}"
    );
}

#[track_caller]
fn refuses<M: Message + Name + Default + Debug>(text: &str, expected: &str) {
    let error = json::from_slice::<M>(text.as_bytes()).unwrap_err();
    assert!(matches!(error, Error::Mapping(_)), "{text}: {error}");
    assert_eq!(error.to_string(), expected, "{text}");
}

fn scalar(value: f64) -> v1::value::Scalar {
    v1::value::Scalar { value }
}
