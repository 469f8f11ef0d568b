//! The JSON form of the messages, and what protobuf decoding alone does not check.
//!
//! Names are those of the schema (`framework_id`), enum values are written by name, 64-bit integers
//! as numbers, bytes as base64; unknown fields are ignored. Works over the descriptors of the schema:
//! convenient, not fast.

use prost::{Message, Name};
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, Kind, MessageDescriptor, ReflectMessage,
    SerializeOptions, Value,
};
use std::sync::LazyLock;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(crate::DESCRIPTORS).expect("codegen wrote a descriptor set and a test decodes it")
});

/// Why a text or bytes are no message of the wanted type.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Not JSON at all.
    Syntax(serde_json::Error),
    /// JSON, but not of this message.
    Mapping(serde_json::Error),
    /// Not protobuf of this message.
    Protobuf(prost::DecodeError),
    /// Required fields are missing; their paths, such as `subscribe.framework_info.name`.
    MissingFields(Vec<String>),
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax(_) => formatter.write_str("not JSON"),
            Self::Mapping(_) => formatter.write_str("JSON that does not fit the message"),
            Self::Protobuf(_) => formatter.write_str("not a protobuf message of this type"),
            Self::MissingFields(paths) => write!(formatter, "missing required fields: {}", paths.join(", ")),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Syntax(error) | Self::Mapping(error) => Some(error),
            Self::Protobuf(error) => Some(error),
            Self::MissingFields(_) => None,
        }
    }
}

/// Writes a message as JSON.
///
/// ```
/// # use mesos_proto::{json, v1};
/// assert_eq!(json::to_value(&v1::TaskId::new("t1")), serde_json::json!({"value": "t1"}));
/// ```
pub fn to_value<M: Message + Name>(message: &M) -> serde_json::Value {
    let mut dynamic = DynamicMessage::new(descriptor::<M>());
    dynamic.transcode_from(message).expect("the code and the descriptors come from the same schema");
    let options = SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    dynamic
        .serialize_with_options(serde_json::value::Serializer, &options)
        .expect("every message of the schema has a JSON form")
}

/// Reads a message from JSON and checks its required fields.
///
/// # Errors
/// The text is no JSON, not of this message, or lacks required fields.
pub fn from_slice<M: Message + Name + Default>(text: &[u8]) -> Result<M, Error> {
    let value: serde_json::Value = serde_json::from_slice(text).map_err(Error::Syntax)?;
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let dynamic = DynamicMessage::deserialize_with_options(descriptor::<M>(), value, &options)
        .map_err(Error::Mapping)?;
    require_fields(&dynamic)?;
    dynamic.transcode_to().map_err(Error::Protobuf)
}

/// Reads a message from protobuf and checks its required fields, which plain decoding does not do.
///
/// # Errors
/// The bytes are no such message, or lack required fields.
pub fn from_protobuf<M: Message + Name + Default>(bytes: &[u8]) -> Result<M, Error> {
    let dynamic = DynamicMessage::decode(descriptor::<M>(), bytes).map_err(Error::Protobuf)?;
    require_fields(&dynamic)?;
    M::decode(bytes).map_err(Error::Protobuf)
}

fn descriptor<M: Name>() -> MessageDescriptor {
    POOL.get_message_by_name(&M::full_name()).expect("every generated message is in the descriptors")
}

fn require_fields(message: &DynamicMessage) -> Result<(), Error> {
    let mut missing = Vec::new();
    collect_missing(message, "", &mut missing);
    if missing.is_empty() { Ok(()) } else { Err(Error::MissingFields(missing)) }
}

fn collect_missing(message: &DynamicMessage, path: &str, missing: &mut Vec<String>) {
    for field in message.descriptor().fields() {
        let path = format!("{path}{}", field.name());
        if !message.has_field(&field) {
            if field.cardinality() == prost_reflect::Cardinality::Required {
                missing.push(path);
            }
            continue;
        }
        if !matches!(field.kind(), Kind::Message(_)) {
            continue;
        }
        match message.get_field(&field).as_ref() {
            Value::Message(inner) => collect_missing(inner, &format!("{path}."), missing),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if let Value::Message(inner) = item {
                        collect_missing(inner, &format!("{path}[{index}]."), missing);
                    }
                }
            }
            Value::Map(entries) => {
                for item in entries.values() {
                    if let Value::Message(inner) = item {
                        collect_missing(inner, &format!("{path}."), missing);
                    }
                }
            }
            _ => {}
        }
    }
}
