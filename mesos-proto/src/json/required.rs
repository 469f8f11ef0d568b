//! The check for required fields, which neither decoding makes.

use prost_reflect::{Cardinality, DynamicMessage, Kind, MapKey, ReflectMessage, Value};

use super::{error::Error, path::Path};

/// How many missing fields are named.
const MAX_NAMED: usize = 20;

/// Names the required fields that a message and the messages in it lack.
pub(super) fn check(message: &DynamicMessage) -> Result<(), Error> {
    let mut missing = Vec::new();
    collect(message, &Path::Root, &mut missing);
    if missing.is_empty() {
        return Ok(());
    }
    if missing.len() > MAX_NAMED {
        missing.truncate(MAX_NAMED);
        missing.push("and more".to_owned());
    }
    Err(Error::MissingFields(missing))
}

fn collect(message: &DynamicMessage, path: &Path<'_>, missing: &mut Vec<String>) {
    for field in message.descriptor().fields() {
        if missing.len() > MAX_NAMED {
            return;
        }
        let path = Path::Field(path, field.name());
        if !message.has_field(&field) {
            if field.cardinality() == Cardinality::Required {
                missing.push(path.to_string());
            }
            continue;
        }
        if !matches!(field.kind(), Kind::Message(_)) {
            continue;
        }
        match message.get_field(&field).as_ref() {
            Value::Message(inner) => collect(inner, &path, missing),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if let Value::Message(inner) = item {
                        collect(inner, &Path::Item(&path, index), missing);
                    }
                }
            }
            Value::Map(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                // Their order would differ from run to run.
                entries.sort_by_key(|(key, _)| *key);
                for (key, item) in entries {
                    if let (MapKey::String(key), Value::Message(inner)) = (key, item) {
                        collect(inner, &Path::Entry(&path, key), missing);
                    }
                }
            }
            _ => {}
        }
    }
}
