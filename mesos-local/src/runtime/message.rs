//! Requests and answers of the contract, and the JSON in them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

/// One HTTP request, read to its end.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    /// `None` if it was larger than the runtime takes.
    pub(super) body: Option<Bytes>,
}

/// One HTTP answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Bytes,
}

impl Reply {
    /// `{"error": …}` in a line of its own, as the Python and native runtimes write it.
    pub(super) fn error(status: StatusCode, text: &str) -> Self {
        Self::json_line(status, &error_json(text))
    }

    /// JSON text and a line feed.
    pub(super) fn json_line(status: StatusCode, json: &[u8]) -> Self {
        let body = [json, b"\n"].concat().into();
        Self { status, content_type: Some("application/json"), body }
    }
}

/// `{"error":"<text>"}`.
pub(super) fn error_json(text: &str) -> Vec<u8> {
    serde_json::json!({ "error": text }).to_string().into_bytes()
}

/// What `/init` sends in `value`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct InitValue {
    pub(super) code: Option<String>,
    pub(super) main: Option<String>,
    pub(super) binary: Option<bool>,
    pub(super) env: Option<BTreeMap<String, serde_json::Value>>,
}

impl InitValue {
    /// Reads the body of an `/init`; a body without `value` is one with an empty `value`.
    pub(super) fn from_body(body: &[u8]) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct InitBody {
            value: Option<InitValue>,
        }
        let body: InitBody = serde_json::from_slice(body)?;
        Ok(body.value.unwrap_or_default())
    }
}

/// The fields of a JSON object, each as it is written; `None` for anything else.
pub(super) fn object_fields(text: &[u8]) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_slice(text).ok()
}

/// What kind of JSON value a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonKind {
    Object,
    Array,
    Null,
    /// A string, a number or a boolean.
    Other,
    /// No JSON.
    Invalid,
}

impl JsonKind {
    pub(super) fn of(text: &[u8]) -> Self {
        // Unlike `Value`, this does not recurse: deep nesting is no error.
        if serde_json::from_slice::<IgnoredAny>(text).is_err() {
            return Self::Invalid;
        }
        match text.trim_ascii_start().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'n') => Self::Null,
            _ => Self::Other,
        }
    }
}

/// Rewrites the blanks between the tokens of a JSON text: none, except what is asked for after `,` and `:`.
pub(super) fn respace(json: &str, after_comma: &str, after_colon: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 8);
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if in_string {
            out.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            ' ' | '\t' | '\r' | '\n' => {}
            ',' => {
                out.push(',');
                out.push_str(after_comma);
            }
            ':' => {
                out.push(':');
                out.push_str(after_colon);
            }
            _ => {
                in_string = character == '"';
                out.push(character);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_change_outside_of_strings_only() {
        let text = r#" {"a, b":[1 ,2,"\"x: ,\\"],"c" : {} } "#;
        assert_eq!(respace(text, " ", " "), r#"{"a, b": [1, 2, "\"x: ,\\"], "c": {}}"#);
        assert_eq!(respace(text, "", ""), r#"{"a, b":[1,2,"\"x: ,\\"],"c":{}}"#);
    }

    #[test]
    fn kinds_of_json() {
        assert_eq!(JsonKind::of(b" {\"a\":1}"), JsonKind::Object);
        assert_eq!(JsonKind::of(b"[1]"), JsonKind::Array);
        assert_eq!(JsonKind::of(b"null"), JsonKind::Null);
        assert_eq!(JsonKind::of(b"\"text\""), JsonKind::Other);
        assert_eq!(JsonKind::of(b"NaN"), JsonKind::Invalid);
        assert_eq!(JsonKind::of(b"{\"a\":1} x"), JsonKind::Invalid);
        assert_eq!(JsonKind::of("[".repeat(10_000).as_bytes()), JsonKind::Invalid);
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(JsonKind::of(deep.as_bytes()), JsonKind::Array);
    }

    #[test]
    fn a_body_of_init_may_lack_everything() {
        assert!(InitValue::from_body(b"{}").unwrap().code.is_none());
        assert!(InitValue::from_body(b"{\"value\":null}").unwrap().code.is_none());
        assert!(InitValue::from_body(b"{\"value\":").unwrap_err().is_eof());
        assert!(InitValue::from_body(b"").unwrap_err().is_eof());
    }
}
