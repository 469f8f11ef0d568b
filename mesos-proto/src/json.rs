//! The JSON form of the messages, and what protobuf decoding alone does not check.
//!
//! It is the mapping of Mesos, not the one that protobuf defines: names are those of the schema
//! (`framework_id`) and no others, enum values are written by name, 64-bit integers as numbers, bytes
//! as base64; unknown fields are ignored, and so are unknown names of enum values where the field is
//! not required. The decision record on JSON in the repository has every rule.
//!
//! Works over the descriptors of the schema: convenient, not fast.

mod error;
mod path;
mod read;
mod required;
mod scalar;
mod write;

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

pub use self::{
    error::{Error, MappingError, SyntaxError},
    write::WriteOptions,
};
use self::{path::Path, write::Written};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(crate::DESCRIPTORS).expect("codegen wrote a descriptor set and a test decodes it")
});

/// Writes a message as JSON, as it is: without defaults.
///
/// ```
/// # use mesos_proto::{json, v1};
/// assert_eq!(json::to_value(&v1::TaskId::new("t1")), serde_json::json!({"value": "t1"}));
/// ```
///
/// # Panics
/// Messages are nested in each other more than 100 levels deep. Neither protobuf nor JSON is decoded to
/// such a one; only a [`ContainerId`](crate::v1::ContainerId) with that many parents can be made.
pub fn to_value<M: Message + Name>(message: &M) -> serde_json::Value {
    to_value_with(message, &WriteOptions::default())
}

/// Writes a message as JSON.
///
/// # Panics
/// As [`to_value`].
pub fn to_value_with<M: Message + Name>(message: &M, options: &WriteOptions) -> serde_json::Value {
    let dynamic = dynamic(message);
    serde_json::to_value(Written::new(&dynamic, options)).expect("every message has a JSON form")
}

/// Writes a message as compact JSON text, fields in the order of the schema as Mesos has them.
///
/// ```
/// # use mesos_proto::{json, v1::scheduler::{Call, call}};
/// let revive = call::Revive { roles: vec!["web".to_owned()] };
/// let call = Call { r#type: Some(call::Type::Revive.into()), revive: Some(revive), ..Call::default() };
/// let text = json::to_vec(&call, &json::WriteOptions::default());
/// assert_eq!(text, br#"{"type":"REVIVE","revive":{"roles":["web"]}}"#);
/// ```
///
/// # Panics
/// As [`to_value`].
pub fn to_vec<M: Message + Name>(message: &M, options: &WriteOptions) -> Vec<u8> {
    let dynamic = dynamic(message);
    serde_json::to_vec(&Written::new(&dynamic, options)).expect("every message has a JSON form")
}

/// Reads a message from JSON text and checks its required fields.
///
/// Bytes of texts that are no UTF-8 become U+FFFD: masters take and send them.
///
/// # Errors
/// The text is no JSON, not of this message, or lacks required fields.
pub fn from_slice<M: Message + Name + Default>(text: &[u8]) -> Result<M, Error> {
    let text = String::from_utf8_lossy(text);
    let value = serde_json::from_str(&text).map_err(|error| SyntaxError::new(&text, error))?;
    from_value(value)
}

/// Reads a message from JSON and checks its required fields.
///
/// # Errors
/// The value is not of this message, or lacks required fields.
///
/// ```
/// # use mesos_proto::{json, v1};
/// # use serde_json::json;
/// let error = json::from_value::<v1::Offer>(json!({"id": {"value": 7}})).unwrap_err();
/// assert_eq!(error.to_string(), "id.value: expected a string, found 7");
/// ```
pub fn from_value<M: Message + Name + Default>(value: serde_json::Value) -> Result<M, Error> {
    let dynamic = read::message(&descriptor::<M>(), value, &Path::Root)?;
    required::check(&dynamic)?;
    dynamic.transcode_to().map_err(Error::Protobuf)
}

/// Reads a message from protobuf and checks its required fields, which plain decoding does not do.
///
/// # Errors
/// The bytes are no such message, or lack required fields.
pub fn from_protobuf<M: Message + Name + Default>(bytes: &[u8]) -> Result<M, Error> {
    let dynamic = DynamicMessage::decode(descriptor::<M>(), bytes).map_err(Error::Protobuf)?;
    required::check(&dynamic)?;
    M::decode(bytes).map_err(Error::Protobuf)
}

fn dynamic<M: Message + Name>(message: &M) -> DynamicMessage {
    let mut dynamic = DynamicMessage::new(descriptor::<M>());
    dynamic.transcode_from(message).expect("code and descriptors are of one schema, the nesting is bounded");
    dynamic
}

fn descriptor<M: Name>() -> MessageDescriptor {
    POOL.get_message_by_name(&M::full_name()).expect("every generated message is in the descriptors")
}
