//! Any message of the schema goes to JSON and back unchanged.

#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test program")]

use std::{collections::BTreeSet, sync::LazyLock};

use mesos_proto::{
    json::{self, WriteOptions},
    v1::{agent, executor, master, quota, resource_provider, scheduler, value::Scalar},
};
use proptest::prelude::*;
use prost::{Message, Name};
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(mesos_proto::DESCRIPTORS).unwrap());

/// Messages in each other, of those that are not required: recursion ends somewhere.
const MAX_DEPTH: usize = 8;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_message_survives_json(choices in prop::collection::vec(any::<u8>(), 0..1000)) {
        check::<scheduler::Event>(&choices);
        check::<scheduler::Call>(&choices);
        check::<master::Event>(&choices);
        check::<master::Call>(&choices);
        check::<master::Response>(&choices);
        check::<agent::Call>(&choices);
        check::<agent::Response>(&choices);
        check::<executor::Call>(&choices);
        check::<executor::Event>(&choices);
        check::<resource_provider::Call>(&choices);
        check::<resource_provider::Event>(&choices);
        check::<quota::QuotaStatus>(&choices);
    }
}

#[test]
fn messages_that_are_made_have_fields_of_all_kinds() {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    let mut names = BTreeSet::new();
    for _ in 0..20 {
        let choices: Vec<u8> = (0..1000).map(|_| next()).collect();
        names_in(&json::to_value(&made::<scheduler::Call>(&choices).0), &mut names);
        names_in(&json::to_value(&made::<master::Response>(&choices).0), &mut names);
    }
    for name in ["uuid", "nanoseconds", "timestamp", "limits", "labels", "checkpoint", "state", "port"] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
}

fn names_in(json: &serde_json::Value, names: &mut BTreeSet<String>) {
    match json {
        serde_json::Value::Object(fields) => {
            for (name, json) in fields {
                names.insert(name.clone());
                names_in(json, names);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| names_in(item, names)),
        _ => {}
    }
}

#[test]
fn zeros_in_maps_are_there_although_prost_leaves_them_out_of_the_bytes() {
    let config = quota::QuotaConfig {
        role: "web".to_owned(),
        limits: [("cpus".to_owned(), Scalar { value: 0.0 })].into(),
        ..quota::QuotaConfig::default()
    };
    let text = br#"{"role":"web","limits":{"cpus":{"value":0.0}}}"#;
    assert_eq!(json::to_vec(&config, &WriteOptions::default()), text);
    assert_eq!(json::from_slice::<quota::QuotaConfig>(text).unwrap(), config);
}

#[track_caller]
fn check<M: Message + Name + Default>(choices: &[u8]) {
    let (message, in_full) = made::<M>(choices);
    let bytes = message.encode_to_vec();
    let text = json::to_vec(&message, &WriteOptions::default());
    let shown = || String::from_utf8_lossy(&text).into_owned();
    // Bytes, because NaN does not equal itself.
    assert_eq!(json::from_slice::<M>(&text).unwrap().encode_to_vec(), bytes, "{}", shown());
    assert_eq!(
        json::from_value::<M>(json::to_value(&message)).unwrap().encode_to_vec(),
        bytes,
        "{}",
        shown()
    );
    assert_eq!(json::from_protobuf::<M>(&in_full).unwrap().encode_to_vec(), bytes, "{}", shown());

    // Defaults that are written are set afterwards, and nothing else is different.
    let options = WriteOptions::default().explicit_defaults(true);
    let with_defaults = json::to_vec(&message, &options);
    let read: M = json::from_slice(&with_defaults).unwrap();
    assert_eq!(json::to_vec(&read, &WriteOptions::default()), with_defaults, "{}", shown());
}

/// A message out of choices, and its bytes; when choices end, only what is required is there.
fn made<M: Message + Name + Default>(choices: &[u8]) -> (M, Vec<u8>) {
    let descriptor = POOL.get_message_by_name(&M::full_name()).unwrap();
    let mut choices = choices.iter().copied();
    let message = message(&descriptor, &mut choices, 0);
    (message.transcode_to().unwrap(), message.encode_to_vec())
}

type Choices<'a> = dyn Iterator<Item = u8> + 'a;

fn message(descriptor: &MessageDescriptor, choices: &mut Choices<'_>, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let is_required = field.cardinality() == Cardinality::Required;
        let is_wanted = depth < MAX_DEPTH && choices.next().is_some_and(|choice| choice.is_multiple_of(3));
        if is_required || is_wanted {
            let value = value(&field, choices, depth);
            message.set_field(&field, value);
        }
    }
    message
}

fn value(field: &FieldDescriptor, choices: &mut Choices<'_>, depth: usize) -> Value {
    let kind = field.kind();
    if field.is_list() {
        let length = choices.next().unwrap_or(0) % 4;
        return Value::List((0..length).map(|_| single(&kind, choices, depth)).collect());
    }
    if field.is_map() {
        let kind = kind.as_message().unwrap().map_entry_value_field().kind();
        let length = choices.next().unwrap_or(0) % 4;
        let entries = (0..length).map(|_| (MapKey::String(text(choices)), single(&kind, choices, depth)));
        return Value::Map(entries.collect());
    }
    single(&kind, choices, depth)
}

fn single(kind: &Kind, choices: &mut Choices<'_>, depth: usize) -> Value {
    let mut wide = || {
        let word = u64::from_le_bytes(std::array::from_fn(|_| choices.next().unwrap_or(0)));
        // Small numbers, large ones and the limits alike.
        match word % 5 {
            0 => u64::MAX,
            1 => 1 << 63,
            2 => word >> 56,
            _ => word,
        }
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "any number will do")]
    match kind {
        Kind::Double => {
            let double = f64::from_bits(wide());
            // JSON knows one NaN.
            Value::F64(if double.is_nan() { f64::NAN } else { double })
        }
        Kind::Float => unreachable!("the schema has none"),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(wide() as i32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(wide() as i64),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(wide() as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(wide()),
        Kind::Bool => Value::Bool(wide() % 2 == 0),
        Kind::String => Value::String(text(choices)),
        Kind::Bytes => {
            let length = usize::from(choices.next().unwrap_or(0) % 6);
            Value::Bytes(choices.take(length).collect::<Vec<_>>().into())
        }
        Kind::Enum(descriptor) => {
            let values: Vec<_> = descriptor.values().collect();
            Value::EnumNumber(values[(wide() % values.len() as u64) as usize].number())
        }
        Kind::Message(descriptor) => Value::Message(message(descriptor, choices, depth + 1)),
    }
}

fn text(choices: &mut Choices<'_>) -> String {
    const CHARS: [char; 16] = [
        'a', '0', '"', '\\', '/', '\n', '\0', '\u{7f}', 'é', '\u{2028}', '\u{ffff}', '😀', '\'', ' ', '<',
        '\u{1b}',
    ];
    let length = usize::from(choices.next().unwrap_or(0) % 6);
    choices.take(length).map(|choice| CHARS[usize::from(choice % 16)]).collect()
}
