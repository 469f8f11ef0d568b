//! JSON texts, numbers and booleans to the values of fields.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost_reflect::{EnumDescriptor, Kind, Value};
use serde_json::{Number, Value as Json};

use super::{error::MappingError, path::Path};

/// A value of a kind that is neither message nor enum.
pub(super) fn value(kind: &Kind, json: Json, path: &Path<'_>) -> Result<Value, MappingError> {
    let wrong = |expected: &str, json: &Json| MappingError::new(path, expected, json);
    Ok(match kind {
        Kind::Double => Value::F64(double(&json).ok_or_else(|| wrong("a number", &json))?),
        #[expect(clippy::cast_possible_truncation, reason = "a float field has no more digits")]
        Kind::Float => Value::F32(double(&json).ok_or_else(|| wrong("a number", &json))? as f32),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(integer(&json).ok_or_else(|| wrong("an integer of 32 bits", &json))?)
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            Value::I64(integer(&json).ok_or_else(|| wrong("an integer of 64 bits", &json))?)
        }
        Kind::Uint32 | Kind::Fixed32 => {
            Value::U32(integer(&json).ok_or_else(|| wrong("an unsigned integer of 32 bits", &json))?)
        }
        Kind::Uint64 | Kind::Fixed64 => {
            Value::U64(integer(&json).ok_or_else(|| wrong("an unsigned integer of 64 bits", &json))?)
        }
        Kind::Bool => Value::Bool(json.as_bool().ok_or_else(|| wrong("true or false", &json))?),
        Kind::String => match json {
            Json::String(text) => Value::String(text),
            _ => return Err(wrong("a string", &json)),
        },
        Kind::Bytes => {
            let bytes = json.as_str().and_then(|text| STANDARD.decode(text).ok());
            Value::Bytes(bytes.ok_or_else(|| wrong("bytes in base64 with padding", &json))?.into())
        }
        Kind::Message(_) | Kind::Enum(_) => unreachable!("the caller reads these"),
    })
}

/// The number of an enum value. A name that the schema does not have is from a newer Mesos: `None` leaves the
/// field unset, as Mesos does.
pub(super) fn enum_number(
    descriptor: &EnumDescriptor,
    is_required: bool,
    json: Json,
    path: &Path<'_>,
) -> Result<Option<Value>, MappingError> {
    let known = match &json {
        Json::String(name) => descriptor.get_value_by_name(name),
        _ => {
            let expected = format!("the name of a {}", descriptor.full_name());
            return Err(MappingError::new(path, expected, &json));
        }
    };
    match known {
        Some(known) => Ok(Some(Value::EnumNumber(known.number()))),
        None if is_required => {
            Err(MappingError::new(path, format!("the name of a {}", descriptor.full_name()), &json))
        }
        None => Ok(None),
    }
}

fn double(json: &Json) -> Option<f64> {
    match json {
        Json::String(text) => match text.as_str() {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            // Mesos has no form for it; this one is that of protobuf's own mapping.
            "NaN" => Some(f64::NAN),
            text => number(text)?.as_f64(),
        },
        json => json.as_f64(),
    }
}

/// An integer; it may be written with a fraction of zero, or in a text.
fn integer<T: TryFrom<i128>>(json: &Json) -> Option<T> {
    let number = match json {
        Json::Number(number) => number,
        Json::String(text) => &number(text)?,
        _ => return None,
    };
    let wide = number.as_i128().or_else(|| {
        let float = number.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "i128 is far wider than what is tried next")]
        (float.fract() == 0.0).then_some(float as i128)
    })?;
    T::try_from(wide).ok()
}

/// A text that is a JSON number and nothing else, not even blanks.
fn number(text: &str) -> Option<Number> {
    let is_bare = !text.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace);
    is_bare.then(|| serde_json::from_str(text).ok())?
}
