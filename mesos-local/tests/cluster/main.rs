//! The embedded cluster over loopback: HTTP contract, recorded scenarios, processes, files.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod agents;
mod checks;
mod client;
mod containers;
mod contract;
mod executors;
mod fetching;
mod files;
mod left_behind;
mod life;
mod masters;
mod operator;
mod processes;
mod replay;
mod scenarios;
mod scenarios_of_agents;
mod scenarios_of_offers;
mod scenarios_of_operators;
mod simulated;
