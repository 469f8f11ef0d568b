//! JSON values to messages.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde_json::Value as Json;

use super::{error::MappingError, path::Path, scalar};

/// How many messages may be around one: what protobuf decoding takes.
const MAX_DEPTH: usize = 100;

/// Reads a message; fields that it does not have are ignored, required ones are not looked for.
pub(super) fn message(
    descriptor: &MessageDescriptor,
    json: Json,
    path: &Path<'_>,
) -> Result<DynamicMessage, MappingError> {
    let fields = match json {
        Json::Object(fields) if path.depth() <= MAX_DEPTH => fields,
        Json::Object(_) => {
            let expected = format!("no more than {MAX_DEPTH} messages in each other");
            return Err(MappingError::new(path, expected, &json));
        }
        _ => return Err(MappingError::new(path, "an object", &json)),
    };
    let mut message = DynamicMessage::new(descriptor.clone());
    for (name, json) in fields {
        let Some(field) = descriptor.get_field_by_name(&name) else { continue };
        if json.is_null() {
            continue;
        }
        if let Some(value) = value(&field, json, &Path::Field(path, &name))? {
            message.set_field(&field, value);
        }
    }
    Ok(message)
}

/// The value of a field; `None` leaves it unset.
fn value(field: &FieldDescriptor, json: Json, path: &Path<'_>) -> Result<Option<Value>, MappingError> {
    if field.is_list() {
        list(field, json, path).map(Some)
    } else if field.is_map() {
        map(field, json, path).map(Some)
    } else {
        single(field, json, path)
    }
}

fn list(field: &FieldDescriptor, json: Json, path: &Path<'_>) -> Result<Value, MappingError> {
    let Json::Array(items) = json else { return Err(MappingError::new(path, "an array", &json)) };
    let mut values = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        values.extend(single(field, item, &Path::Item(path, index))?);
    }
    Ok(Value::List(values))
}

fn map(field: &FieldDescriptor, json: Json, path: &Path<'_>) -> Result<Value, MappingError> {
    let Json::Object(entries) = json else { return Err(MappingError::new(path, "an object", &json)) };
    let entry = field.kind();
    let entry = entry.as_message().expect("a map is a list of entries in protobuf");
    let field = entry.map_entry_value_field();
    let mut map = Value::Map(Default::default());
    let values = map.as_map_mut().expect("it is one");
    for (key, item) in entries {
        if let Some(value) = single(&field, item, &Path::Entry(path, &key))? {
            values.insert(MapKey::String(key), value);
        }
    }
    Ok(map)
}

/// A value that is neither list nor map.
fn single(field: &FieldDescriptor, json: Json, path: &Path<'_>) -> Result<Option<Value>, MappingError> {
    match field.kind() {
        Kind::Message(descriptor) => message(&descriptor, json, path).map(Value::Message).map(Some),
        Kind::Enum(descriptor) => {
            let is_required = field.cardinality() == prost_reflect::Cardinality::Required;
            scalar::enum_number(&descriptor, is_required, json, path)
        }
        kind => scalar::value(&kind, json, path).map(Some),
    }
}
