//! The syntax of HTTP/1.1 without I/O: requests as bytes, and bytes as the heads and bodies of answers.

pub(crate) mod body;
pub(crate) mod encode;
pub(crate) mod head;
