//! What was said under a key, as the kind of value that the key takes.

use std::{net::IpAddr, time::Duration};

use hocon::{Config, HoconValue};
use mesos_scheduler_client::Masters;

use super::keys::{Key, Kind};

/// A year; longer is a mistake.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// An exbibyte; more is a mistake.
const LARGEST: u64 = 1 << 60;
/// What an option has that carries the variables of a container.
const OPTIONS_OF_SECRETS: [&str; 2] = ["env", "e"];

/// A value of the right kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Absent,
    Text(String),
    Flag(bool),
    Count(u64),
    Cpus(f64),
    Duration(Duration),
    Bytes(u64),
    Texts(Vec<String>),
    TextsByName(Vec<(String, Vec<String>)>),
}

/// Why a value is none of the kind. The text never shows a secret.
pub(super) type Wrong = String;

/// Reads what stands under a path as the value of a key; the path is that of the key or an old name of it.
pub(super) fn read(config: &Config, path: &str, key: &Key) -> Result<Value, Wrong> {
    let Some(found) = config.get(path) else { return Ok(Value::Absent) };
    if found.is_null() && key.default.is_none() {
        return Ok(Value::Absent);
    }
    match key.kind {
        Kind::Constraints | Kind::Texts => list(found).map(Value::Texts),
        Kind::Addresses => addresses(list(found)?),
        Kind::Variables => variables(list(found)?),
        Kind::TextsByName => texts_by_name(found),
        Kind::Text
        | Kind::Name
        | Kind::Secret
        | Kind::Masters
        | Kind::WebUrl
        | Kind::Registry
        | Kind::Flag
        | Kind::Count { .. }
        | Kind::Cpus
        | Kind::Duration { .. }
        | Kind::Size
        | Kind::Choice(_)
        | Kind::Path => scalar(config, path, key, found),
    }
}

/// Seconds without a unit, as an old name had them.
pub(super) fn seconds(text: &str) -> Result<Value, Wrong> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let duration = duration.filter(|duration| *duration <= LONGEST);
    duration.map(Value::Duration).ok_or_else(|| wrong(text, "a number of seconds, at most a year"))
}

fn scalar(config: &Config, path: &str, key: &Key, found: &HoconValue) -> Result<Value, Wrong> {
    let expected = expected(key.kind);
    let text = match found {
        HoconValue::Scalar(scalar) if found.is_null() => return Err(wrong(&scalar.raw, &expected)),
        HoconValue::Scalar(scalar) => scalar.raw.as_str(),
        HoconValue::Array(_) => return Err(format!("is a list, expected {expected}")),
        _ => return Err(format!("is a section, expected {expected}")),
    };
    let value = match key.kind {
        Kind::Text | Kind::Secret => Some(Value::Text(text.to_owned())),
        Kind::Name | Kind::Path => (!text.is_empty()).then(|| Value::Text(text.to_owned())),
        // These errors have the text in them, without its secrets.
        Kind::Masters => {
            Masters::parse(text).map_err(|error| error.to_string())?;
            Some(Value::Text(text.to_owned()))
        }
        Kind::WebUrl => is_web_url(text).then(|| Value::Text(text.to_owned())),
        Kind::Registry => is_registry(text).then(|| Value::Text(text.to_owned())),
        Kind::Flag => text.parse().ok().map(Value::Flag),
        Kind::Count { least, most } => {
            let count = found.as_i64().and_then(|count| u64::try_from(count).ok());
            count.filter(|count| (least..=most).contains(count)).map(Value::Count)
        }
        Kind::Cpus => found.as_f64().filter(|cpus| (0.01..=1e6).contains(cpus)).map(Value::Cpus),
        Kind::Duration { may_be_zero } => {
            let duration = config.get_duration(path).ok();
            let duration = duration.filter(|duration| *duration <= LONGEST);
            duration.filter(|duration| may_be_zero || !duration.is_zero()).map(Value::Duration)
        }
        Kind::Size => {
            let bytes = config.get_bytes(path).ok().and_then(|bytes| u64::try_from(bytes).ok());
            bytes.filter(|bytes| (1..=LARGEST).contains(bytes)).map(Value::Bytes)
        }
        Kind::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
        Kind::Constraints | Kind::Texts | Kind::Addresses | Kind::Variables | Kind::TextsByName => None,
    };
    let shown = if key.kind == Kind::Secret { "***" } else { text };
    value.ok_or_else(|| wrong(shown, &expected))
}

/// What may be said, in words.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text | Kind::Secret => "a text".to_owned(),
        Kind::Name => "a text that is not empty".to_owned(),
        Kind::Masters => "http://host:port, several with commas, or zk://host:port/path".to_owned(),
        Kind::WebUrl => "http://host or https://host, perhaps with a port and a path".to_owned(),
        Kind::Registry => "host, host:port or host/path without a scheme".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Count { least, most } if least == most => format!("{least}"),
        Kind::Count { least, most } => format!("a whole number from {least} to {most}"),
        Kind::Cpus => "a number of cpus from 0.01".to_owned(),
        Kind::Duration { may_be_zero: true } => {
            "a duration such as 5 seconds or 250ms, at most a year".to_owned()
        }
        Kind::Duration { may_be_zero: false } => {
            "a duration such as 5 seconds or 250ms, longer than nothing and at most a year".to_owned()
        }
        Kind::Size => "a size such as 1024 m or 2 GiB".to_owned(),
        Kind::Choice(words) => words.join(" or "),
        Kind::Path => "a path".to_owned(),
        Kind::Constraints | Kind::Texts => "a list such as [\"one\", \"two\"]".to_owned(),
        Kind::Addresses => "a list of IP addresses".to_owned(),
        Kind::Variables => "a list such as [\"NAME=VALUE\"]".to_owned(),
        Kind::TextsByName => "a section such as { name = [\"value\"] }".to_owned(),
    }
}

fn wrong(shown: &str, expected: &str) -> Wrong {
    format!("'{}', expected {expected}", shown.escape_debug())
}

/// A list, or a section whose keys are indexes: that is how variables say one.
fn list(found: &HoconValue) -> Result<Vec<String>, Wrong> {
    let items: Vec<&HoconValue> = match found {
        HoconValue::Array(items) => items.iter().collect(),
        HoconValue::Object(section) => {
            let mut items = Vec::new();
            for (name, item) in section {
                let index = name
                    .parse::<u32>()
                    .map_err(|_| format!("has a part '{}', expected indexes 0, 1, …", name.escape_debug()))?;
                items.push((index, item));
            }
            items.sort_by_key(|(index, _)| *index);
            items.into_iter().map(|(_, item)| item).collect()
        }
        HoconValue::Scalar(scalar) => {
            let text = scalar.raw.as_str();
            return Err(wrong(
                text,
                "a list such as [\"one\", \"two\"], or in variables one with _0, _1, … each",
            ));
        }
        _ => return Err("has no value".to_owned()),
    };
    let text = |item: &HoconValue| match item {
        HoconValue::Scalar(scalar) if !item.is_null() => Ok(scalar.raw.clone()),
        _ => Err("has an item that is no text".to_owned()),
    };
    items.into_iter().map(text).collect()
}

fn addresses(items: Vec<String>) -> Result<Value, Wrong> {
    match items.iter().find(|item| item.parse::<IpAddr>().is_err()) {
        Some(item) => Err(wrong(item, "an IP address without a mask or a port")),
        None => Ok(Value::Texts(items)),
    }
}

fn variables(items: Vec<String>) -> Result<Value, Wrong> {
    match items.iter().find(|item| item.is_empty() || item.starts_with('=')) {
        // What stands behind the sign may be a secret.
        Some(_) => Err("has an item without a name, expected NAME=VALUE or NAME".to_owned()),
        None => Ok(Value::Texts(items)),
    }
}

fn texts_by_name(found: &HoconValue) -> Result<Value, Wrong> {
    let Some(section) = found.as_object() else {
        return Err(format!("is no section, expected {}", expected(Kind::TextsByName)));
    };
    let mut entries = Vec::new();
    for (name, values) in section {
        let values = list(values).map_err(|why| format!("{}: {why}", name.escape_debug()))?;
        entries.push((name.clone(), values));
    }
    Ok(Value::TextsByName(entries))
}

fn is_web_url(text: &str) -> bool {
    let Ok(url) = text.parse::<http::Uri>() else { return false };
    matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
}

/// Empty, or what can stand before the name of an image.
fn is_registry(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_:/[]".contains(letter);
    !text.contains("://") && !text.starts_with('/') && text.chars().all(is_plain)
}

/// A value as people may see it.
pub(super) fn shown(kind: Kind, value: &Value) -> String {
    match value {
        Value::Absent => "-".to_owned(),
        Value::Text(text) if kind == Kind::Secret && !text.is_empty() => "***".to_owned(),
        Value::Text(text) if kind == Kind::Masters => Masters::parse(text).map_or_else(
            |_| quoted(text),
            |masters| masters.zookeeper().map_or_else(|| quoted(text), |url| quoted(&url.to_string())),
        ),
        Value::Text(text) => quoted(text),
        Value::Flag(flag) => flag.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Cpus(cpus) => cpus.to_string(),
        Value::Duration(duration) if duration.is_zero() => "0s".to_owned(),
        Value::Duration(duration) => humantime::format_duration(*duration).to_string(),
        Value::Bytes(bytes) if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        Value::Bytes(bytes) => format!("{bytes} B"),
        Value::Texts(texts) if kind == Kind::Variables => shown_list(texts.iter().map(|text| masked(text))),
        Value::Texts(texts) => shown_list(texts.iter().cloned()),
        Value::TextsByName(entries) => {
            let entries = entries.iter().map(|(name, values)| {
                let is_secret = OPTIONS_OF_SECRETS.contains(&name.as_str());
                let values = values.iter().map(|value| if is_secret { masked(value) } else { value.clone() });
                format!("{}: {}", name.escape_debug(), shown_list(values))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A variable without its value.
fn masked(variable: &str) -> String {
    match variable.split_once('=') {
        Some((name, value)) if !value.is_empty() => format!("{name}=***"),
        _ => variable.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.escape_debug())
}

fn shown_list(texts: impl Iterator<Item = String>) -> String {
    format!("[{}]", texts.map(|text| quoted(&text)).collect::<Vec<_>>().join(", "))
}
