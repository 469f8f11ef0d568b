//! How Mesos reads JSON as a message, where that differs from other mappings.
//!
//! Fields go by the names of the schema alone, null is as good as nothing, enum values are names and
//! unknown ones are dropped. Numbers may be texts. Everything else is an error with the words of Mesos.

use std::sync::LazyLock;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use prost::Name;
use prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(mesos_proto::DESCRIPTORS).expect("the crate of the schema tests its descriptors")
});

/// Brings JSON into a form that every mapping reads as Mesos does.
///
/// # Errors
/// What Mesos says about JSON that is no such message.
pub(super) fn conform<M: Name>(value: &mut Value) -> Result<(), String> {
    let descriptor =
        POOL.get_message_by_name(&M::full_name()).expect("every message of the schema is in its descriptors");
    match value {
        Value::Object(object) => conform_object(object, &descriptor),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err("Expecting a JSON object".into())
        }
    }
}

fn conform_object(object: &mut Map<String, Value>, descriptor: &MessageDescriptor) -> Result<(), String> {
    object.retain(|name, value| !value.is_null() && descriptor.get_field_by_name(name).is_some());
    for field in descriptor.fields() {
        let Some(value) = object.get_mut(field.name()) else {
            continue;
        };
        if !conform_field(value, &field)? {
            object.remove(field.name());
        }
    }
    Ok(())
}

/// `false`: the value counts as not given.
fn conform_field(value: &mut Value, field: &FieldDescriptor) -> Result<bool, String> {
    if field.is_map() {
        let Value::Object(entries) = value else {
            return Err(unexpected(value, field));
        };
        let Kind::Message(entry) = field.kind() else {
            return Ok(true);
        };
        let item = entry.map_entry_value_field();
        for value in entries.values_mut() {
            conform_single(value, &item)?;
        }
        return Ok(true);
    }
    if !field.is_list() {
        return conform_single(value, field);
    }
    let Value::Array(items) = value else {
        return Err(unexpected(value, field));
    };
    let mut kept = Vec::with_capacity(items.len());
    for mut item in std::mem::take(items) {
        if conform_single(&mut item, field)? {
            kept.push(item);
        }
    }
    *items = kept;
    Ok(true)
}

fn conform_single(value: &mut Value, field: &FieldDescriptor) -> Result<bool, String> {
    match (field.kind(), &mut *value) {
        (Kind::Message(inner), Value::Object(object)) => conform_object(object, &inner).map(|()| true),
        (Kind::Enum(names), Value::String(name)) => {
            let known = names.values().any(|value| value.name() == name);
            if !known && field.cardinality() == Cardinality::Required {
                return Err(format!("Failed to find enum for '{name}' of field '{}'", field.name()));
            }
            Ok(known)
        }
        (Kind::Bytes, Value::String(text)) => match BASE64_STANDARD.decode(text.as_bytes()) {
            Ok(_) => Ok(true),
            Err(error) => {
                let reason = match error {
                    base64::DecodeError::InvalidByte(_, byte) => {
                        format!("Invalid character '{}'", char::from(byte))
                    }
                    other => other.to_string(),
                };
                Err(format!("Failed to base64 decode bytes field '{}': {reason}", field.name()))
            }
        },
        (Kind::String, Value::String(_)) | (Kind::Bool, Value::Bool(_)) => Ok(true),
        (
            Kind::Message(_) | Kind::Enum(_) | Kind::Bytes | Kind::String | Kind::Bool,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
        ) => Err(unexpected(value, field)),
        // All that is left are numbers.
        (_, Value::Number(_) | Value::String(_)) => Ok(true),
        (_, Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            Err(unexpected(value, field))
        }
    }
}

fn unexpected(value: &Value, field: &FieldDescriptor) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("Not expecting a JSON {kind} for field '{}'", field.name())
}

#[cfg(test)]
mod tests {
    use mesos_proto::v1::scheduler::Call;
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_brought_into_form() {
        let capabilities = json!([{"type": "MULTI_ROLE"}, {"type": "NO_SUCH"}]);
        let mut call = json!({
            "type": "SUBSCRIBE", "frameworkId": {"value": "x"}, "stranger": 1, "framework_id": null,
            "subscribe": {"framework_info": {"user": "me", "name": "n", "failover_timeout": "0", "capabilities": capabilities}},
        });
        conform::<Call>(&mut call).unwrap();
        let expected = json!({
            "type": "SUBSCRIBE",
            "subscribe": {"framework_info": {"user": "me", "name": "n", "failover_timeout": "0", "capabilities": [{"type": "MULTI_ROLE"}, {}]}},
        });
        assert_eq!(call, expected);
    }

    #[test]
    fn maps_and_lists_are_looked_into() {
        for (call, text) in [
            (json!([]), "Expecting a JSON object"),
            (
                json!({"accept": {"offer_ids": [{"value": 1}]}}),
                "Not expecting a JSON number for field 'value'",
            ),
            (json!({"accept": {"offer_ids": [[]]}}), "Not expecting a JSON array for field 'offer_ids'"),
            (
                json!({"subscribe": {"offer_constraints": {"role_constraints": {"web": 7}}}}),
                "Not expecting a JSON number for field 'value'",
            ),
            (json!({"type": 1}), "Not expecting a JSON number for field 'type'"),
            (json!({"subscribe": true}), "Not expecting a JSON boolean for field 'subscribe'"),
            (
                json!({"acknowledge": {"uuid": "***"}}),
                "Failed to base64 decode bytes field 'uuid': Invalid character '*'",
            ),
        ] {
            let mut conformed = call.clone();
            assert_eq!(conform::<Call>(&mut conformed).unwrap_err(), text, "{call}");
        }
    }
}
