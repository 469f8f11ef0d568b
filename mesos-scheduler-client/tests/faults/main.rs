//! The client against an embedded Mesos, with a network in between that does what networks do.
//!
//! After each fault the framework is in the state that the documentation of the session tells, works again if that
//! is not the end, and nothing is left of the client when it is dropped: no connection, no task, no socket.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic, and has no users")]

mod answers;
mod calls;
mod connections;
mod framework;
mod leaks;
mod masters;
mod proxy;
mod slow_reader;
mod streams;
mod tokens;
mod world;
