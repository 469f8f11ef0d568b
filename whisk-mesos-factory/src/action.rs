//! What is said to an action container, and what its answers mean to OpenWhisk.
//!
//! The container is an HTTP server: `/init` gives it code once, `/run` runs it. How its answers become
//! results of activations, word for word, is settled by OpenWhisk's invoker.

mod exchange;
mod mapping;

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};

pub(crate) use self::{
    exchange::{Answer, post},
    mapping::{init_response, run_response},
};

/// The code of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Initializer {
    /// The bare name of the action.
    pub name: String,
    /// The entry point.
    pub main: String,
    /// Source text, or base64 of an archive or executable; absent for images that hold their code.
    pub code: Option<String>,
    /// Whether `code` is base64.
    pub binary: bool,
    /// Variables that are set before the code is loaded.
    pub env: BTreeMap<String, String>,
}

impl Initializer {
    /// Source text with the entry point `main`.
    pub fn source(name: impl Into<String>, code: impl Into<String>) -> Self {
        Self { name: name.into(), main: "main".to_owned(), code: Some(code.into()), ..Self::default() }
    }

    /// The body of `/init`.
    pub(crate) fn body(&self) -> Value {
        let mut value = Map::new();
        value.insert("name".to_owned(), json!(self.name));
        value.insert("main".to_owned(), json!(self.main));
        if let Some(code) = &self.code {
            value.insert("code".to_owned(), json!(code));
        }
        value.insert("binary".to_owned(), json!(self.binary));
        if !self.env.is_empty() {
            value.insert("env".to_owned(), json!(self.env));
        }
        json!({ "value": value })
    }
}

/// Who runs which action, and why. All of it reaches the action as text: some runtimes die of numbers
/// here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activation {
    /// The namespace that the action runs in.
    pub namespace: String,
    /// The full name of the action, with a leading slash.
    pub action_name: String,
    /// The version of the action.
    pub action_version: String,
    /// Names this activation.
    pub activation_id: String,
    /// Names the request that caused it.
    pub transaction_id: String,
    /// Credentials for calls back to OpenWhisk, if the action may have them.
    pub api_key: Option<String>,
}

impl Activation {
    fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let fields = [
            ("namespace", self.namespace.as_str()),
            ("action_name", &self.action_name),
            ("action_version", &self.action_version),
            ("activation_id", &self.activation_id),
            ("transaction_id", &self.transaction_id),
        ];
        fields.into_iter().chain(self.api_key.as_deref().map(|key| ("api_key", key)))
    }

    /// What `/init` says of the activation: variables named `__OW_` and the field in capitals.
    pub fn environment(&self, timeout: Duration) -> BTreeMap<String, String> {
        let deadline = ("deadline", deadline(timeout));
        let fields = self.fields().map(|(name, value)| (name, value.to_owned())).chain([deadline]);
        fields.map(|(name, value)| (format!("__OW_{}", name.to_ascii_uppercase()), value)).collect()
    }

    /// The body of `/run`.
    pub(crate) fn body(&self, parameters: &Value, timeout: Duration) -> Value {
        let mut body = Map::new();
        body.insert("value".to_owned(), parameters.clone());
        for (name, value) in self.fields() {
            body.insert(name.to_owned(), json!(value));
        }
        body.insert("deadline".to_owned(), json!(deadline(timeout)));
        Value::Object(body)
    }
}

/// Milliseconds since 1970 at which the time of an activation is up.
#[expect(clippy::disallowed_methods, reason = "the action is told a time of day")]
fn deadline(timeout: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_add(timeout).as_millis().to_string()
}

/// How an activation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivationStatus {
    /// The action returned a result.
    Success = 0,
    /// The action returned an error.
    ApplicationError = 1,
    /// The action's code is at fault: no result, a crash, a time limit.
    ActionDeveloperError = 2,
    /// The platform is at fault.
    WhiskInternalError = 3,
}

impl ActivationStatus {
    /// The words that OpenWhisk stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ApplicationError => "application error",
            Self::ActionDeveloperError => "action developer error",
            Self::WhiskInternalError => "whisk internal error",
        }
    }
}

/// What an activation gives to its caller.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationResponse {
    /// How it ended.
    pub status: ActivationStatus,
    /// The result; for all but a success an object with the one field `error`.
    pub result: Value,
    /// How long the container took to answer.
    pub duration: Duration,
}

impl ActivationResponse {
    /// Whether the action returned a result.
    pub fn is_success(&self) -> bool {
        self.status == ActivationStatus::Success
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initializer_leaves_out_what_is_not_there() {
        let bare = Initializer { name: "n".into(), main: "main".into(), ..Initializer::default() };
        assert_eq!(bare.body(), json!({"value": {"name": "n", "main": "main", "binary": false}}));
        let mut full = Initializer::source("n", "code");
        full.env.insert("A".into(), "b".into());
        assert_eq!(
            full.body(),
            json!({"value": {"name": "n", "main": "main", "code": "code", "binary": false, "env": {"A": "b"}}})
        );
    }

    #[test]
    fn everything_beside_the_value_is_text() {
        let activation = Activation { action_name: "/guest/hello".into(), ..Activation::default() };
        let body = activation.body(&json!({"n": 1}), Duration::from_secs(60));
        let fields = body.as_object().unwrap();
        assert_eq!(fields["value"], json!({"n": 1}));
        assert!(fields.iter().filter(|(name, _)| *name != "value").all(|(_, value)| value.is_string()));
        assert!(!fields.contains_key("api_key"));
        let environment = activation.environment(Duration::from_secs(60));
        assert_eq!(environment["__OW_ACTION_NAME"], "/guest/hello");
        assert!(environment["__OW_DEADLINE"].parse::<u64>().unwrap() > 1_700_000_000_000);
    }
}
