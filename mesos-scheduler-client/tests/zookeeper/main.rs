//! Tests with a real ZooKeeper, Debian's, which each test starts for itself on loopback.
//!
//! Where it is not installed they say so in one line and pass, but not on CI.

mod detection;
mod group;
mod outages;
mod server;
mod stores;
