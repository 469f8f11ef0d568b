//! JSON recorded from a real master and agent: read as an independent implementation reads it, as the same
//! messages as its protobuf twin, and written back as it was.

#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::{collections::BTreeSet, fs, iter, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use mesos_proto::{
    json::{self, WriteOptions},
    recordio::Decoder,
    v1::{
        agent, master,
        scheduler::{Call, Event},
    },
};
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Value, json};

/// Twins are two runs of one script. How many events and offers only the one in JSON and only the one in
/// protobuf has, and why; all others have the same.
const DIFFERENT_RUNS: [(&str, usize, usize, &str); 8] = [
    ("agent-lost-partition-aware", 0, 1, "an offer more of the agent that stays"),
    ("agent-lost-plain", 1, 0, "an offer more of the agent that stays"),
    ("huge-offers-1000", 110, 110, "which role is offered what no role has reserved"),
    ("master-failover-after", 6, 4, "other roles and another name of the task"),
    ("master-failover-before", 4, 4, "other roles and another name of the task"),
    ("offers-3-agents", 2, 0, "which of two roles is offered an agent"),
    ("task-failed", 1, 0, "an offer before and after a task ended, or after both had"),
    ("task-group", 3, 3, "which task had its address when it started, and which ended first"),
];

#[test]
fn every_record_is_read_as_an_independent_implementation_reads_it() {
    let pool = DescriptorPool::decode(mesos_proto::DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name("mesos.v1.scheduler.Event").unwrap();
    // Those files have the mapping of protobuf itself, with the names of the schema.
    let options = SerializeOptions::new().use_proto_field_name(true);
    let mut without = Vec::new();
    for name in streams(".json") {
        let Ok(expected) = fs::read_to_string(data("scheduler", &format!("{name}.events.jsonl"))) else {
            without.push(name);
            continue;
        };
        let records = records(&name);
        assert_eq!(records.len(), expected.lines().count(), "{name}");
        for (number, (record, line)) in records.iter().zip(expected.lines()).enumerate() {
            let expected: Value = serde_json::from_str(line).unwrap();
            let event: Event = json::from_slice(record).unwrap();
            let dynamic = DynamicMessage::decode(descriptor.clone(), &*event.encode_to_vec()).unwrap();
            let seen = dynamic.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
            assert_eq!(seen, expected["event"], "{name} {number}");
        }
    }
    assert_eq!(without, ["huge-offers-1000.json"], "only its records are too long to be there once more");
}

#[test]
fn every_record_is_written_byte_for_byte_as_the_master_wrote_it() {
    let (mut same, mut other_digits) = (0, 0);
    for name in streams(".json") {
        for (number, record) in records(&name).iter().enumerate() {
            let event: Event = json::from_slice(record).unwrap();
            let written = json::to_vec(&event, &as_mesos());
            if written == *record {
                same += 1;
                continue;
            }
            // Of two shortest texts of one time the master took the other.
            assert_eq!(value(&written), value(record), "{name} {number}");
            assert_eq!(written.len(), record.len(), "{name} {number}");
            let differing = written.iter().zip(record).filter(|(one, other)| one != other).count();
            assert_eq!(differing, 1, "{name} {number}");
            other_digits += 1;
        }
    }
    assert_eq!((same, other_digits), (403, 11));
}

#[test]
fn every_stream_in_json_holds_the_events_of_its_twin_in_protobuf() {
    let without_ending = |names: Vec<String>, ending| -> Vec<String> {
        names.iter().map(|name| name.strip_suffix(ending).unwrap().to_owned()).collect()
    };
    let names = without_ending(streams(".json"), ".json");
    assert_eq!(names, without_ending(streams(".pb"), ".pb"), "no stream is without a twin");
    assert_eq!(names.len(), 50);
    for name in &names {
        let in_json = records(&format!("{name}.json"));
        let in_json = shapes(in_json.iter().map(|record| json::from_slice::<Event>(record).unwrap()));
        let in_protobuf = records(&format!("{name}.pb"));
        let in_protobuf = shapes(in_protobuf.iter().map(|record| json::from_protobuf(record).unwrap()));
        let only_json: Vec<_> = in_json.difference(&in_protobuf).collect();
        let only_protobuf: Vec<_> = in_protobuf.difference(&in_json).collect();
        let different = DIFFERENT_RUNS.iter().find(|(different, ..)| different == name);
        let expected = different.map_or((0, 0), |(_, json, protobuf, _)| (*json, *protobuf));
        assert_eq!(
            (only_json.len(), only_protobuf.len()),
            expected,
            "{name}\njson {only_json:#?}\nprotobuf {only_protobuf:#?}"
        );
    }
}

#[test]
fn every_call_is_the_same_in_json_and_protobuf() {
    let mut calls = 0;
    for entry in fs::read_dir(data("scheduler", "")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.ends_with(".pb.calls.jsonl") {
            continue;
        }
        for line in fs::read_to_string(data("scheduler", &file)).unwrap().lines() {
            let line = value(line.as_bytes());
            let body = STANDARD.decode(line["body_base64"].as_str().unwrap()).unwrap();
            let call: Call = json::from_protobuf(&body).unwrap();
            assert_eq!(json::from_value::<Call>(line["call"].clone()).unwrap(), call, "{file} {line}");
            assert_eq!(
                json::from_slice::<Call>(&json::to_vec(&call, &WriteOptions::default())).unwrap(),
                call
            );
            calls += 1;
        }
    }
    assert_eq!(calls, 309);
}

#[test]
fn every_answer_of_the_operator_api_is_the_same_in_json_and_protobuf() {
    for name in ["get-tasks", "list-files", "read-file-end", "read-file-length-0", "read-file-range"] {
        check_answer::<agent::Response>(&format!("agent-{name}"));
    }
    check_answer::<agent::Response>("agent-read-file-start");
    check_answer::<agent::Response>("agent-read-file-stderr");
    check_answer::<agent::Response>("agent-get-containers");
    for name in ["agents", "frameworks", "health", "master", "roles", "state", "tasks"] {
        check_answer::<master::Response>(&format!("master-get-{name}"));
    }
    let files = fs::read_dir(data("operator", "")).unwrap().count();
    assert_eq!(files, 2 * 15, "every file is a twin of another");
}

#[track_caller]
fn check_answer<M: Message + Name + Default + PartialEq + Clone>(name: &str) {
    let text = fs::read(data("operator", &format!("{name}.json.body"))).unwrap();
    let bytes = fs::read(data("operator", &format!("{name}.pb.body"))).unwrap();
    let read: M = json::from_slice(&text).unwrap();
    let twin: M = json::from_protobuf(&bytes).unwrap();

    let mut written = json::to_value_with(&twin, &as_mesos());
    if name == "agent-get-containers" {
        // It was asked for twice, and this is the time of the question.
        let pointer = "/get_containers/containers/0/resource_statistics/timestamp";
        *written.pointer_mut(pointer).unwrap() = json!(1795345120.447481);
    }
    assert!(json::from_value::<M>(written.clone()).unwrap() == read, "{name}");

    let mut recorded = value(&text);
    without_what_only_answers_have(&mut recorded);
    assert_eq!(written, recorded, "{name}");
}

/// Masters write some answers without messages in between: lists that are empty, and a field of agents that
/// the v1 API does not have.
fn without_what_only_answers_have(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
            if let Some(Value::Object(info)) = fields.get_mut("agent_info") {
                info.remove("checkpoint");
            }
            fields.values_mut().for_each(without_what_only_answers_have);
        }
        Value::Array(items) => items.iter_mut().for_each(without_what_only_answers_have),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What events are about, without what differs from run to run. Offers count each on its own, as it is chance
/// which come together.
fn shapes(events: impl Iterator<Item = Event>) -> BTreeSet<String> {
    let mut shapes = BTreeSet::new();
    for event in events {
        let mut event = json::to_value_with(&event, &as_mesos());
        let parts = match event.pointer_mut("/offers/offers").map(Value::take) {
            Some(Value::Array(offers)) => offers,
            _ => vec![event],
        };
        for mut part in parts {
            remove_chance("", &mut part);
            shapes.insert(part.to_string());
        }
    }
    shapes
}

fn remove_chance(name: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                remove_chance(if name == "uuid" { name } else { field }, value);
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| remove_chance(name, item));
            items.sort_by_key(Value::to_string);
        }
        Value::Number(number) => {
            if ["executor_pid", "ip", "nanoseconds", "port", "timestamp"].contains(&name) {
                *number = 0.into();
            }
        }
        Value::String(text) if ["data", "pid", "uuid"].contains(&name) => text.clear(),
        Value::String(text) => *text = without_ids(text),
        Value::Bool(_) | Value::Null => {}
    }
}

/// Replaces every UUID, and what follows it in ids of offers, agents and frameworks.
fn without_ids(text: &str) -> String {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '-';
    let words = text.split_inclusive(|char| !is_part(char)).map(|word| {
        let id = word.trim_end_matches(|char| !is_part(char));
        let dashes = id.char_indices().filter(|(_, char)| *char == '-').map(|(at, _)| at);
        if dashes.take(4).eq([8, 13, 18, 23]) { word.replace(id, "id") } else { word.to_owned() }
    });
    words.collect()
}

fn as_mesos() -> WriteOptions {
    WriteOptions::default().explicit_defaults(true)
}

fn value(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

fn records(name: &str) -> Vec<Bytes> {
    let mut decoder = Decoder::new();
    decoder.push(fs::read(data("scheduler", &format!("{name}.recordio"))).unwrap().into());
    iter::from_fn(|| decoder.next_record().unwrap()).collect()
}

/// All streams whose name ends so, read from the folder: none can be forgotten.
fn streams(ending: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(data("scheduler", "")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = file.strip_suffix(".recordio").filter(|name| name.ends_with(ending)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    names
}

fn data(folder: &str, file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", folder, file].iter().collect()
}
