//! The action's code and parameters, from files and words.

use std::{fs, path::Path};

use serde_json::{Map, Value};

/// A runtime that is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Python,
    Nodejs,
    Native,
}

const KINDS: &str = "python:3, nodejs:20, native";

impl Kind {
    /// Reads a kind as OpenWhisk names them. The version is a wish that the image decides about.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "python" | "python:3" | "python:3.11" | "python:default" => Ok(Self::Python),
            "nodejs" | "nodejs:20" | "nodejs:default" => Ok(Self::Nodejs),
            "native" | "blackbox" => Ok(Self::Native),
            _ => Err(format!("unknown kind '{text}', expected one of {KINDS}")),
        }
    }

    /// Tells the kind from the name of the file, or from a first line that names an interpreter.
    pub(super) fn of_file(path: &Path, code: &[u8]) -> Result<Self, String> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("py") => return Ok(Self::Python),
            Some("js" | "mjs" | "cjs") => return Ok(Self::Nodejs),
            Some("sh" | "exe") => return Ok(Self::Native),
            Some(_) | None => {}
        }
        if code.starts_with(b"#!") || code.starts_with(b"\x7fELF") {
            return Ok(Self::Native);
        }
        Err(format!(
            "the kind of '{}' is not clear from its name; say --kind with one of {KINDS}",
            path.display()
        ))
    }

    /// The image that OpenWhisk publishes for this kind.
    pub(super) fn image(self) -> &'static str {
        match self {
            Self::Python => "openwhisk/action-python-v3.11",
            Self::Nodejs => "openwhisk/action-nodejs-v20",
            Self::Native => "openwhisk/dockerskeleton",
        }
    }
}

/// The content of a file.
pub(super) fn read(what: &str, path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{what} '{}' cannot be read: {error}", path.display()))
}

/// All parameters: those of the file, then those of the command line.
pub(super) fn parameters(file: Option<&Path>, words: &[String]) -> Result<Value, String> {
    let mut parameters = match file {
        None => Map::new(),
        Some(path) => {
            let text = read("the parameter file", path)?;
            match serde_json::from_slice(&text) {
                Ok(Value::Object(object)) => object,
                Ok(other) => {
                    return Err(format!(
                        "the parameter file '{}' holds {}, expected a JSON object",
                        path.display(),
                        type_name(&other)
                    ));
                }
                Err(error) => {
                    return Err(format!("the parameter file '{}' is not JSON: {error}", path.display()));
                }
            }
        }
    };
    for pair in words.chunks_exact(2) {
        let value = serde_json::from_str(&pair[1]).unwrap_or_else(|_| Value::String(pair[1].clone()));
        parameters.insert(pair[0].clone(), value);
    }
    Ok(Value::Object(parameters))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_told_from_names_and_first_lines() {
        for (file, code, kind) in [
            ("a.py", "", Some(Kind::Python)),
            ("a.js", "", Some(Kind::Nodejs)),
            ("a.sh", "", Some(Kind::Native)),
            ("a", "#!/bin/sh", Some(Kind::Native)),
            ("a", "text", None),
            ("a.zip", "PK", None),
        ] {
            assert_eq!(Kind::of_file(Path::new(file), code.as_bytes()).ok(), kind, "{file}");
        }
        assert!(Kind::parse("perl:5").unwrap_err().contains("'perl:5'"));
    }

    #[test]
    fn parameters_are_json_where_they_can_be() {
        let words: Vec<String> =
            ["n", "1", "s", "text", "o", r#"{"a": [1]}"#, "q", "\"1\"", "n", "2"].map(String::from).to_vec();
        assert_eq!(
            parameters(None, &words).unwrap(),
            json!({"n": 2, "s": "text", "o": {"a": [1]}, "q": "1"})
        );
    }
}
