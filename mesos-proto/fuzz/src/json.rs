//! Any text as JSON and any bytes as protobuf of several messages: what is read is written and read again.

use mesos_proto::{
    json::{self, Error, WriteOptions},
    v1::{agent, master, scheduler},
};
use prost::{Message, Name};

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It does not say of which message it is.
    Unusable,
    /// It is no such message.
    Refused,
    /// It is one, with values of enums that the schema does not have: JSON cannot give them back.
    ReadWithUnknown,
    /// It is one.
    Read,
}

/// Reads a message and checks what it is written as. The input is a letter that chooses the message, a small one
/// for JSON and a capital one for protobuf, and the text or bytes.
///
/// # Panics
/// Something does not hold that holds for every text.
pub fn json(input: &[u8]) -> Outcome {
    let Some((choice, rest)) = input.split_first() else { return Outcome::Unusable };
    match choice {
        b'e' => from_text::<scheduler::Event>(rest),
        b'c' => from_text::<scheduler::Call>(rest),
        b'm' => from_text::<master::Response>(rest),
        b'a' => from_text::<agent::Response>(rest),
        b'E' => from_bytes::<scheduler::Event>(rest),
        b'C' => from_bytes::<scheduler::Call>(rest),
        b'M' => from_bytes::<master::Event>(rest),
        _ => Outcome::Unusable,
    }
}

fn from_text<M: Message + Name + Default>(text: &[u8]) -> Outcome {
    match json::from_slice::<M>(text) {
        Ok(message) => {
            let written = json::to_vec(&message, &WriteOptions::default());
            check_same(&message, &json::from_slice(&written).expect("it was just written"));
            check_defaults(&message);
            Outcome::Read
        }
        Err(error) => refused(&error),
    }
}

fn from_bytes<M: Message + Name + Default>(bytes: &[u8]) -> Outcome {
    let message = match json::from_protobuf::<M>(bytes) {
        Ok(message) => message,
        Err(error) => return refused(&error),
    };
    match json::from_value(json::to_value(&message)) {
        Ok(again) => {
            check_same(&message, &again);
            check_defaults(&message);
            Outcome::Read
        }
        Err(Error::Mapping(error)) => {
            let text = error.to_string();
            assert!(text.contains("expected the name of a "), "{text}");
            assert!(error.found().parse::<i32>().is_ok(), "{text}");
            Outcome::ReadWithUnknown
        }
        Err(error) => panic!("what was written is refused: {error}"),
    }
}

/// Bytes are compared, because NaN does not equal itself. Those of one message are the same each time.
fn check_same<M: Message>(one: &M, other: &M) {
    assert_eq!(one.encode_to_vec(), other.encode_to_vec());
}

fn check_defaults<M: Message + Name + Default>(message: &M) {
    let with_defaults = json::to_vec(message, &WriteOptions::default().explicit_defaults(true));
    let read: M = json::from_slice(&with_defaults).expect("it was just written");
    assert_eq!(json::to_vec(&read, &WriteOptions::default()), with_defaults, "what was written is set");
}

fn refused(error: &Error) -> Outcome {
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    Outcome::Refused
}
