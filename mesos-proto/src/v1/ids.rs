//! Ids from text and to text.

use std::fmt;

use super::{AgentId, ExecutorId, FrameworkId, OfferId, OperationId, TaskId};

macro_rules! text_id {
    ($($id:ident),*) => {$(
        impl $id {
            /// Makes an id of a text. The master refuses texts that are empty, longer than 255
            /// characters, `.` or `..`, or that hold control characters, `/` or `\`.
            pub fn new(value: impl Into<String>) -> Self {
                Self { value: value.into() }
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.value)
            }
        }

        impl From<&str> for $id {
            fn from(value: &str) -> Self {
                Self::new(value)
            }
        }
    )*};
}

text_id!(AgentId, ExecutorId, FrameworkId, OfferId, OperationId, TaskId);
