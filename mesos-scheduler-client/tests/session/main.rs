//! Scripts and properties of the session core, over its public API alone.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic, and has no users")]

mod answers;
mod bench;
mod calls;
mod cells;
mod desired;
mod detected;
mod life;
mod properties;
mod shell_answers;
mod streams;
#[path = "../wire/events.rs"]
mod wire;
