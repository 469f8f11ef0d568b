//! TLS over loopback, with certificates that are made for each test.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic, and has no users")]

mod authority;
mod client;
mod handshakes;
mod redirects;
mod server;
mod settings;
