//! The client over loopback, against a peer that says byte by byte what the test wants.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic, and has no users")]

mod agent_files;
mod calls;
mod cluster;
mod credentials;
mod ends;
mod faults;
mod identity;
mod login;
mod metrics;
mod operator;
mod peer;
mod pipeline;
mod stream;
#[path = "../wire/events.rs"]
mod wire;
