//! Streams recorded from a real master: every one decodes to what an independent implementation read,
//! however its bytes are cut.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use bytes::Bytes;
use mesos_proto::{
    event_stream::EventStream,
    recordio::{Decoder, ErrorKind},
    v1::scheduler::{Event, event},
};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

/// Streams longer than this are not cut at every byte, but around the bounds of their records and at every
/// 97th byte: each cut copies a record. (They do come in single bytes.)
const CUT_EVERYWHERE: usize = 100_000;

struct Capture {
    name: String,
    bytes: Bytes,
    /// Offset and length of each payload, found here on its own.
    bounds: Vec<(usize, usize)>,
}

#[test]
fn every_protobuf_stream_decodes_to_its_events() {
    let pool = DescriptorPool::decode(mesos_proto::DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name("mesos.v1.scheduler.Event").unwrap();
    let options = SerializeOptions::new().use_proto_field_name(true);
    let index = index();
    let mut streams = 0;
    for capture in captures(".pb") {
        let name = &capture.name;
        let payloads = records(&mut Decoder::new(), [capture.bytes.clone()]);
        let expected = fs::read_to_string(data(&format!("{name}.events.jsonl"))).unwrap();
        assert_eq!(payloads.len(), expected.lines().count(), "{name}");
        for (number, (payload, line)) in payloads.iter().zip(expected.lines()).enumerate() {
            let expected: Value = serde_json::from_str(line).unwrap();
            let bounds = (expected["offset"].as_u64().unwrap(), expected["len"].as_u64().unwrap());
            let (offset, length) = capture.bounds[number];
            assert_eq!(bounds, (offset as u64, length as u64), "{name} {number}");
            let dynamic = DynamicMessage::decode(descriptor.clone(), payload.clone()).unwrap();
            let json = dynamic.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
            assert_eq!(json, expected["event"], "{name} {number}");

            let event = Event::decode(payload.clone()).unwrap();
            assert_eq!(event.r#type().as_str_name(), expected["type"], "{name} {number}");
            assert_eq!(event.encode_to_vec(), dynamic.encode_to_vec(), "{name} {number}");
            let listed = index[name]["events"][number].as_str().unwrap();
            let described = describe(&event);
            assert!(
                if event.update.is_some() { listed.starts_with(&described) } else { listed == described },
                "{name} {number}: {described} is not {listed}"
            );
        }
        streams += 1;
    }
    assert_eq!(streams, 50);
}

#[test]
fn every_protobuf_stream_gives_the_same_events_in_chunks_of_any_size() {
    for capture in captures(".pb") {
        let payload = |(start, length): &(usize, usize)| capture.bytes.slice(*start..start + length);
        let expected: Vec<Event> =
            capture.bounds.iter().map(|bounds| Event::decode(payload(bounds)).unwrap()).collect();
        for size in [1, 7, 100, 1460, 16 * 1024, usize::MAX] {
            let mut stream = EventStream::<Event>::new();
            let mut events = Vec::new();
            for chunk in capture.bytes.chunks(size) {
                stream.push(Bytes::copy_from_slice(chunk));
                while let Some(event) = stream.next_event().unwrap() {
                    events.push(event);
                    let (start, length) = capture.bounds[events.len() - 1];
                    assert_eq!(stream.offset(), (start + length) as u64, "{}", capture.name);
                }
            }
            assert_eq!(events, expected, "{} in chunks of {size}", capture.name);
            assert_eq!(stream.index(), expected.len() as u64, "{}", capture.name);
            assert_eq!(stream.finish(), Ok(()), "{}", capture.name);
        }
    }
}

#[test]
fn every_json_stream_splits_into_its_records() {
    let index = index();
    let mut streams = 0;
    for capture in captures(".json") {
        let payloads = records(&mut Decoder::new(), [capture.bytes.clone()]);
        assert_eq!(
            payloads.len() as u64,
            index[&capture.name]["records"].as_u64().unwrap(),
            "{}",
            capture.name
        );
        for payload in &payloads {
            let event: Value = serde_json::from_slice(payload).unwrap();
            assert!(event["type"].is_string(), "{}", capture.name);
        }
        streams += 1;
    }
    assert_eq!(streams, 50);
}

#[test]
fn every_prefix_holds_the_whole_records_and_says_whether_it_ends_inside_one() {
    for capture in captures("") {
        for cut in cuts(&capture) {
            let mut decoder = Decoder::new();
            let found = records(&mut decoder, [capture.bytes.slice(..cut)]);
            let whole = capture.bounds.iter().filter(|(offset, length)| offset + length <= cut).count();
            assert_eq!(found.len(), whole, "{} cut at {cut}", capture.name);
            let is_between = cut == 0 || capture.bounds.iter().any(|(offset, length)| offset + length == cut);
            match decoder.finish() {
                Ok(()) => assert!(is_between, "{} cut at {cut}", capture.name),
                Err(error) => {
                    assert!(!is_between, "{} cut at {cut}: {error}", capture.name);
                    assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{error}");
                }
            }
        }
    }
}

#[test]
fn every_cut_into_two_chunks_gives_the_same_records() {
    for capture in captures("") {
        let whole = records(&mut Decoder::new(), [capture.bytes.clone()]);
        for cut in cuts(&capture) {
            let chunks = [capture.bytes.slice(..cut), capture.bytes.slice(cut..)];
            let mut decoder = Decoder::new();
            assert_eq!(records(&mut decoder, chunks), whole, "{} cut at {cut}", capture.name);
            assert_eq!(decoder.finish(), Ok(()), "{} cut at {cut}", capture.name);
        }
    }
}

#[test]
fn single_bytes_give_the_same_records() {
    for capture in captures("") {
        let whole = records(&mut Decoder::new(), [capture.bytes.clone()]);
        let single = (0..capture.bytes.len()).map(|at| capture.bytes.slice(at..=at));
        assert_eq!(records(&mut Decoder::new(), single), whole, "{}", capture.name);
    }
}

fn records(decoder: &mut Decoder, chunks: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
    let mut found = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(record) = decoder.next_record().unwrap() {
            found.push(record);
        }
    }
    found
}

fn cuts(capture: &Capture) -> Vec<usize> {
    let length = capture.bytes.len();
    if length <= CUT_EVERYWHERE {
        return (0..=length).collect();
    }
    let mut cuts: Vec<usize> = (0..=length).step_by(97).collect();
    for (offset, payload) in &capture.bounds {
        for bound in [*offset, offset + payload] {
            cuts.extend(bound.saturating_sub(12)..=(bound + 12).min(length));
        }
    }
    cuts
}

/// All streams whose name ends so, read from the folder: none can be forgotten.
fn captures(ending: &str) -> Vec<Capture> {
    let mut captures = Vec::new();
    for entry in fs::read_dir(data("")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".recordio") else { continue };
        if name.ends_with(ending) {
            let bytes = Bytes::from(fs::read(data(&file)).unwrap());
            captures.push(Capture { name: name.to_owned(), bounds: bounds(&bytes), bytes });
        }
    }
    captures.sort_by(|one, other| one.name.cmp(&other.name));
    captures
}

/// The framing, read once more in the plainest way.
fn bounds(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut bounds = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes[at..].iter().position(|byte| *byte == b'\n').unwrap();
        let length: usize = std::str::from_utf8(&bytes[at..at + digits]).unwrap().parse().unwrap();
        bounds.push((at + digits + 1, length));
        at += digits + 1 + length;
    }
    bounds
}

fn index() -> BTreeMap<String, Value> {
    serde_json::from_slice(&fs::read(data("index.json")).unwrap()).unwrap()
}

fn data(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data/scheduler", file].iter().collect()
}

/// The event in the words of the index; of an update its first part: task, state, source, reason and
/// whether it must be acknowledged.
fn describe(event: &Event) -> String {
    let name = event.r#type().as_str_name();
    match event.r#type() {
        event::Type::Subscribed => {
            let subscribed = event.subscribed.as_ref().unwrap();
            let interval = subscribed.heartbeat_interval_seconds();
            format!("{name} framework={} heartbeat={interval:?}", subscribed.framework_id)
        }
        event::Type::Offers => {
            let offers = &event.offers.as_ref().unwrap().offers;
            if offers.len() > 8 {
                return format!("{name} {} offers", offers.len());
            }
            let offers = offers.iter().map(|offer| {
                let role = offer.allocation_info.as_ref().and_then(|info| info.role.as_deref());
                let role = role.unwrap_or("(no allocation_info)");
                format!("{}@{}/{role}", last_part(&offer.id.value), offer.hostname)
            });
            format!("{name} {}", offers.collect::<Vec<_>>().join(", "))
        }
        event::Type::InverseOffers => {
            let offers = &event.inverse_offers.as_ref().unwrap().inverse_offers;
            let listed = offers.iter().map(|offer| {
                let agent = offer.agent_id.as_ref().unwrap();
                format!("{}@agent {}", last_part(&offer.id.value), last_part(&agent.value))
            });
            format!("{name} {}: {}", offers.len(), listed.collect::<Vec<_>>().join(", "))
        }
        event::Type::Rescind => {
            format!("{name} {}", last_part(&event.rescind.as_ref().unwrap().offer_id.value))
        }
        event::Type::RescindInverseOffer => {
            let rescind = event.rescind_inverse_offer.as_ref().unwrap();
            format!("{name} {}", last_part(&rescind.inverse_offer_id.value))
        }
        event::Type::Update => {
            let status = &event.update.as_ref().unwrap().status;
            let mut text = format!("{name} {} {}", status.task_id, status.state().as_str_name());
            if status.source.is_some() {
                text += &format!(" {}", status.source().as_str_name());
            }
            if status.reason.is_some() {
                text += &format!(" {}", status.reason().as_str_name());
            }
            text + if status.uuid.is_some() { " uuid" } else { " no-uuid" }
        }
        event::Type::UpdateOperationStatus => {
            let status = &event.update_operation_status.as_ref().unwrap().status;
            let id = status.operation_id.as_ref().unwrap();
            let uuid = if status.uuid.is_some() { "uuid" } else { "no-uuid" };
            let mut text = format!("{name} {id} {} {uuid}", status.state().as_str_name());
            if let Some(message) = &status.message {
                text += &format!(" message={}", quoted(message));
            }
            text
        }
        event::Type::Message => {
            let message = event.message.as_ref().unwrap();
            format!("{name} executor={} data=b'{}'", message.executor_id, message.data.escape_ascii())
        }
        event::Type::Failure => {
            let failure = event.failure.as_ref().unwrap();
            let mut text = format!("{name} agent={}", last_part(&failure.agent_id.as_ref().unwrap().value));
            if let Some(executor) = &failure.executor_id {
                text += &format!(" executor={executor} status={}", failure.status());
            }
            text
        }
        event::Type::Error => format!("{name} message={}", quoted(&event.error.as_ref().unwrap().message)),
        event::Type::Heartbeat => name.to_owned(),
        event::Type::Unknown => panic!("no capture holds an unknown event"),
    }
}

/// `O3` of `<uuid>-O3`.
fn last_part(id: &str) -> &str {
    id.rsplit('-').next().unwrap()
}

/// In quotes that the text does not hold.
fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}
