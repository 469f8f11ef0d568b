//! Runs the simulation of session, framework and master under many seeds.

use std::{path::Path, process::Command};

use crate::print;

/// Which seeds to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) seeds: u64,
    /// The first one.
    pub(crate) seed: u64,
}

/// Takes about a minute on two processors.
pub(crate) const CI: Options = Options { seeds: 6000, seed: 0 };

/// The test that reads the variables below.
const TEST: &str = "many_seeds";

/// Runs the seeds; the first that fails is told with the least that makes it fail.
pub(crate) fn run(repository: &Path, options: Options) -> Result<(), String> {
    let Options { seeds, seed } = options;
    print(&format!("== simulation: {seeds} seeds from {seed} on"));
    let status = Command::new(env!("CARGO"))
        .args(["test", "--release", "--quiet", "-p", "mesos-scheduler-client", "--test", "sim", "--"])
        .args(["--ignored", "--exact", TEST, "--nocapture"])
        .env("SIM_SEEDS", seeds.to_string())
        .env("SIM_SEED", seed.to_string())
        // What the test tells is what happened in the simulation; where it was told from helps nobody.
        .env("RUST_BACKTRACE", "0")
        .current_dir(repository)
        .status()
        .map_err(|error| format!("cargo test: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the simulation: {status}")) }
}
