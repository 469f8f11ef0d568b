//! Why a text or bytes are no message of the wanted type.

use std::fmt::{self, Write as _};

use super::path::Path;

/// Longest piece of a text that an error shows, in characters.
const SHOWN: usize = 60;

/// Why a text or bytes are no message of the wanted type: the fault of who wrote them.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Not JSON at all.
    Syntax(SyntaxError),
    /// JSON, but not of this message.
    Mapping(MappingError),
    /// Not protobuf of this message.
    Protobuf(prost::DecodeError),
    /// Required fields are missing; their paths, such as `subscribe.framework_info.name`.
    /// Of very many the first ones are named, and the last entry says that there are more.
    MissingFields(Vec<String>),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => error.fmt(formatter),
            Self::Mapping(error) => error.fmt(formatter),
            Self::Protobuf(_) => formatter.write_str("not a protobuf message of this type"),
            Self::MissingFields(paths) => write!(formatter, "missing required fields: {}", paths.join(", ")),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Syntax(error) => error.source(),
            Self::Protobuf(error) => Some(error),
            Self::Mapping(_) | Self::MissingFields(_) => None,
        }
    }
}

impl From<SyntaxError> for Error {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}

impl From<MappingError> for Error {
    fn from(error: MappingError) -> Self {
        Self::Mapping(error)
    }
}

/// A text that is not JSON.
#[derive(Debug)]
pub struct SyntaxError {
    /// What stands where it stops to be JSON; empty at the end of the text.
    near: String,
    error: serde_json::Error,
}

impl SyntaxError {
    pub(super) fn new(text: &str, error: serde_json::Error) -> Self {
        let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
        // The column is the byte that was read last.
        let mut at = error.column().saturating_sub(1).min(line.len());
        while !line.is_char_boundary(at) {
            at -= 1;
        }
        let near = if error.is_eof() { String::new() } else { shortened(&line[at..]) };
        Self { near, error }
    }

    /// The line of the text where it is wrong; 1 is the first.
    pub fn line(&self) -> usize {
        self.error.line()
    }

    /// The column in that line, in bytes; 1 is the first.
    pub fn column(&self) -> usize {
        self.error.column()
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.error.is_eof() {
            formatter.write_str("not JSON: the text ends too early")
        } else {
            write!(formatter, "not JSON at '{}'", self.near.escape_debug())
        }
    }
}

impl std::error::Error for SyntaxError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// A JSON value that is not what the schema has in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingError {
    path: String,
    expected: String,
    found: String,
}

impl MappingError {
    pub(super) fn new(path: &Path<'_>, expected: impl Into<String>, found: &serde_json::Value) -> Self {
        let mut beginning = Beginning { text: String::new(), left: SHOWN, is_cut: false };
        // It stops with an error when it has enough.
        let _ = write!(beginning, "{found}");
        let mut text = String::new();
        for character in beginning.text.chars() {
            // JSON lets some of what commands terminals stand as it is.
            if character.is_control() {
                text.extend(character.escape_unicode())
            } else {
                text.push(character)
            }
        }
        if beginning.is_cut {
            text.push('…');
        }
        Self { path: path.to_string(), expected: expected.into(), found: text }
    }

    /// Where the value is, such as `offers.offers[2].id`; empty for the message itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value as JSON, its beginning if it is long.
    pub fn found(&self) -> &str {
        &self.found
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, expected, found } = self;
        if !path.is_empty() {
            write!(formatter, "{path}: ")?;
        }
        write!(formatter, "expected {expected}, found {found}")
    }
}

impl std::error::Error for MappingError {}

/// Takes the beginning of a text, and no more.
struct Beginning {
    text: String,
    /// How many characters it still takes.
    left: usize,
    is_cut: bool,
}

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.left == 0 {
                self.is_cut = true;
                return Err(fmt::Error);
            }
            self.text.push(character);
            self.left -= 1;
        }
        Ok(())
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
