//! Messages to JSON.

use std::collections::BTreeMap;

use base64::{display::Base64Display, engine::general_purpose::STANDARD};
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// How messages are written.
///
/// ```
/// use mesos_proto::{json::{self, WriteOptions}, v1::Filters};
///
/// let filters = Filters::default();
/// assert_eq!(json::to_vec(&filters, &WriteOptions::default()), b"{}");
/// let options = WriteOptions::default().explicit_defaults(true);
/// assert_eq!(json::to_vec(&filters, &options), br#"{"refuse_seconds":5.0}"#);
/// ```
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    explicit_defaults: bool,
}

impl WriteOptions {
    /// Whether fields that are not set are written with their default if the schema gives them one and
    /// they are not deprecated. Mesos does so; who reads it cannot tell what was set. Off by default.
    pub fn explicit_defaults(mut self, explicit_defaults: bool) -> Self {
        self.explicit_defaults = explicit_defaults;
        self
    }
}

/// A message with what serde asks for.
pub(super) struct Written<'a> {
    message: &'a DynamicMessage,
    options: &'a WriteOptions,
}

impl<'a> Written<'a> {
    pub(super) fn new(message: &'a DynamicMessage, options: &'a WriteOptions) -> Self {
        Self { message, options }
    }
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        let descriptor = self.message.descriptor();
        // As they stand in the schema, which is the order of Mesos; `fields()` goes by number.
        for declared in &descriptor.descriptor_proto().field {
            let field = descriptor
                .get_field_by_name(declared.name())
                .expect("it is in the description of this message");
            // prost leaves the value of an entry of a map out if it is the default one, and with it what is
            // required in that.
            let is_there = self.message.has_field(&field) || field.cardinality() == Cardinality::Required;
            if is_there || self.options.explicit_defaults && has_default(&field) {
                let value = self.message.get_field(&field);
                let written = WrittenValue { value: &value, kind: &field.kind(), options: self.options };
                object.serialize_entry(field.name(), &written)?;
            }
        }
        object.end()
    }
}

/// Whether the schema gives it a default and does not advise against the field.
fn has_default(field: &FieldDescriptor) -> bool {
    let description = field.field_descriptor_proto();
    let is_deprecated = description.options.as_ref().is_some_and(|options| options.deprecated());
    description.default_value.is_some() && !is_deprecated
}

struct WrittenValue<'a> {
    value: &'a Value,
    kind: &'a Kind,
    options: &'a WriteOptions,
}

impl Serialize for WrittenValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let with = |value| WrittenValue { value, ..*self };
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::I64(value) => serializer.serialize_i64(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            Value::U64(value) => serializer.serialize_u64(*value),
            Value::F32(value) => double(f64::from(*value), serializer),
            Value::F64(value) => double(*value, serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => serializer.collect_str(&Base64Display::new(bytes, &STANDARD)),
            Value::EnumNumber(number) => self.enum_value(*number, serializer),
            Value::Message(message) => Written::new(message, self.options).serialize(serializer),
            Value::List(items) => serializer.collect_seq(items.iter().map(with)),
            Value::Map(entries) => {
                let entry = self.kind.as_message().expect("a map is a list of entries in protobuf");
                let kind = entry.map_entry_value_field().kind();
                // Their own order differs from run to run.
                let sorted: BTreeMap<_, _> =
                    entries.iter().map(|(key, value)| (key_text(key), value)).collect();
                let with = |value| WrittenValue { value, kind: &kind, options: self.options };
                serializer.collect_map(sorted.into_iter().map(|(key, value)| (key, with(value))))
            }
        }
    }
}

impl WrittenValue<'_> {
    /// A value that the schema does not have is written as its number: nothing that was there is hidden.
    fn enum_value<S: Serializer>(&self, number: i32, serializer: S) -> Result<S::Ok, S::Error> {
        match self.kind.as_enum().and_then(|descriptor| descriptor.get_value(number)) {
            Some(value) => serializer.serialize_str(value.name()),
            None => serializer.serialize_i32(number),
        }
    }
}

fn double<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(value)
    } else if value.is_nan() {
        serializer.serialize_str("NaN")
    } else {
        serializer.serialize_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
    }
}

/// The schema has no maps with other keys, which a test makes sure of.
fn key_text(key: &MapKey) -> &str {
    key.as_str().expect("the keys of all maps are strings")
}
