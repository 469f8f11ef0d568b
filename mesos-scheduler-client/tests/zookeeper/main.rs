//! Tests with a real ZooKeeper, Debian's, which each test starts for itself on loopback.
//!
//! Where it is not installed they say so in one line and pass, but not on CI.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic, and has no users")]

mod detection;
mod group;
mod outages;
mod server;
mod stores;
