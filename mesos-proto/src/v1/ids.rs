//! Ids from text and to text.

use std::{cmp::Ordering, fmt, str::FromStr};

use super::{
    AgentId, ExecutorId, FrameworkId, OfferId, OperationId, ResourceProviderId, TaskId,
    resource_message::shown,
};

/// The longest id that the master takes, in bytes.
const MAX_BYTES: usize = 255;

/// A text that the master would refuse as an id.
///
/// ```
/// # use mesos_proto::v1::TaskId;
/// let error = "a/b".parse::<TaskId>().unwrap_err();
/// assert_eq!(error.to_string(), "invalid id 'a/b': expected no '/', found at column 2");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidId {
    text: String,
    expected: String,
}

impl InvalidId {
    /// The text, without control characters and cut where it is long.
    ///
    /// ```
    /// # use mesos_proto::v1::TaskId;
    /// assert_eq!("..".parse::<TaskId>().unwrap_err().text(), "..");
    /// ```
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for InvalidId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid id '{}': expected {}", self.text, self.expected)
    }
}

impl std::error::Error for InvalidId {}

/// Checks what a framework chooses as an id.
fn check(text: &str) -> Result<(), InvalidId> {
    let invalid = |expected: String| Err(InvalidId { text: shown(text), expected });
    if text.is_empty() {
        return invalid("a text that is not empty".into());
    }
    if text.len() > MAX_BYTES {
        return invalid(format!("{MAX_BYTES} bytes at most, not {}", text.len()));
    }
    if text == "." || text == ".." {
        return invalid("something other than '.' and '..'".into());
    }
    let bad = text.chars().enumerate().find(|(_, character)| {
        // Sandboxes are folders named by ids.
        character.is_control() || ['/', '\\'].contains(character)
    });
    match bad {
        None => Ok(()),
        Some((position, character)) if character.is_control() => {
            invalid(format!("no control character, found at column {}", position + 1))
        }
        Some((position, character)) => invalid(format!("no '{character}', found at column {}", position + 1)),
    }
}

macro_rules! text_id {
    ($($id:ident),*) => {$(
        impl $id {
            /// Makes an id of a text. The master refuses texts that are empty, longer than 255
            /// characters, `.` or `..`, or that hold control characters, `/` or `\`; parsing checks that.
            ///
            /// ```
            #[doc = concat!("# use mesos_proto::v1::", stringify!($id), ";")]
            #[doc = concat!("assert_eq!(", stringify!($id), "::new(\"a-1\").to_string(), \"a-1\");")]
            /// ```
            pub fn new(value: impl Into<String>) -> Self {
                Self { value: value.into() }
            }

            /// The id as text.
            ///
            /// ```
            #[doc = concat!("# use mesos_proto::v1::", stringify!($id), ";")]
            #[doc = concat!("assert_eq!(", stringify!($id), "::new(\"a-1\").as_str(), \"a-1\");")]
            /// ```
            pub fn as_str(&self) -> &str {
                &self.value
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.value)
            }
        }

        /// Does not check the text.
        impl From<&str> for $id {
            fn from(value: &str) -> Self {
                Self::new(value)
            }
        }

        /// Does not check the text.
        impl From<String> for $id {
            fn from(value: String) -> Self {
                Self { value }
            }
        }

        /// Fails for a text that the master would refuse.
        impl FromStr for $id {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check(text)?;
                Ok(Self::new(text))
            }
        }

        /// By the text.
        impl Ord for $id {
            fn cmp(&self, other: &Self) -> Ordering {
                self.value.cmp(&other.value)
            }
        }

        impl PartialOrd for $id {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
    )*};
}

text_id!(AgentId, ExecutorId, FrameworkId, OfferId, OperationId, ResourceProviderId, TaskId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_refuses_what_the_master_refuses() {
        let longest = "e".repeat(MAX_BYTES);
        for text in ["a", "...", "a b", "web.1_2-3", longest.as_str()] {
            assert_eq!(text.parse::<TaskId>().unwrap().to_string(), text);
        }
        let too_long = "a".repeat(256);
        for (text, expected) in [
            ("", "a text that is not empty"),
            (".", "something other than '.' and '..'"),
            ("..", "something other than '.' and '..'"),
            ("a/b", "no '/', found at column 2"),
            ("é\\", "no '\\', found at column 2"),
            ("a\nb", "no control character, found at column 2"),
            ("\u{7f}", "no control character, found at column 1"),
            (too_long.as_str(), "255 bytes at most, not 256"),
        ] {
            let error = text.parse::<ExecutorId>().unwrap_err();
            assert_eq!(error.expected, expected, "{text:?}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn ids_are_in_order_of_their_texts() {
        let mut ids = ["b", "a-10", "a-2"].map(TaskId::from);
        ids.sort();
        assert_eq!(ids.map(|id| id.value), ["a-10", "a-2", "b"]);
    }
}
