//! Runs many tasks through the client and `mesos-local` over HTTP, prints what that takes as tables for the docs,
//! and judges how it grows.

mod bars;
mod plot;
mod record;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use self::record::{Burst, Latency, Record};
use crate::print;

/// The bench that measures one run each time it is started; `cargo xtask bench` leaves it out.
pub(crate) const BENCH: &str = "scale";

/// What to measure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Leaves out the largest burst and the comparison, and takes fewer samples.
    pub(crate) is_quick: bool,
    /// So many tasks are also launched in mesos-actor's way; none for 0.
    pub(crate) compared: u32,
    /// Where to draw how the cost grows.
    pub(crate) plot: Option<PathBuf>,
}

const AGENTS: u32 = 1000;

/// A run of at most so many tasks is short, and the median of several counts.
const SHORT: u32 = 10_000;
const REPEATS: usize = 5;

/// Measures everything; bars that are missed are told at the end.
pub(crate) fn run(repository: &Path, options: &Options) -> Result<(), String> {
    let sizes: &[u32] = if options.is_quick { &[1000, 10_000] } else { &[1000, 10_000, 100_000] };
    let mut bursts = Vec::new();
    for size in sizes {
        bursts.push(burst(repository, "framework", *size, if *size <= SHORT { REPEATS } else { 1 })?);
    }
    if !options.is_quick && options.compared > 0 {
        let size = options.compared;
        if !sizes.contains(&size) {
            bursts.push(burst(repository, "framework", size, 1)?);
        }
        bursts.push(burst(repository, "mesos-actor", size, 1)?);
    }
    let samples = if options.is_quick { "50" } else { "200" };
    let latencies = measure(repository, &["latency", samples, "100"])?;
    let latencies: Vec<Latency> = latencies.iter().map(Latency::read).collect::<Result<_, _>>()?;

    print(&table::bursts(&bursts, AGENTS));
    print(&table::messages(&bursts));
    print(&table::latencies(&latencies));
    if let Some(path) = &options.plot {
        let path = repository.join(path);
        fs::write(&path, plot::draw(&bursts)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let outcomes = bars::judge(&bursts, &latencies)?;
    for outcome in &outcomes {
        print(&outcome.to_string());
    }
    match outcomes.iter().filter(|outcome| !outcome.is_met).count() {
        0 => Ok(()),
        1 => Err("a bar is missed".to_owned()),
        more => Err(format!("{more} bars are missed")),
    }
}

/// The run whose time is the median.
fn burst(repository: &Path, way: &str, tasks: u32, repeats: usize) -> Result<Burst, String> {
    print(&format!("== {tasks} tasks at once, {way}"));
    let mut runs = Vec::new();
    for _ in 0..repeats {
        let records = measure(repository, &["burst", way, &tasks.to_string(), &AGENTS.to_string()])?;
        let [record] = records.as_slice() else {
            return Err(format!("the burst of {tasks} tasks gave {} records, expected one", records.len()));
        };
        runs.push(Burst::read(record)?);
    }
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    Ok(runs.swap_remove(runs.len() / 2))
}

fn measure(repository: &Path, arguments: &[&str]) -> Result<Vec<Record>, String> {
    let output = Command::new(env!("CARGO"))
        .args(["bench", "--quiet", "-p", "mesos-scheduler-client", "--bench", BENCH, "--"])
        .args(arguments)
        .current_dir(repository)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo bench: {error}"))?;
    if !output.status.success() {
        return Err(format!("'{}' ended with '{}'", arguments.join(" "), output.status));
    }
    record::parse(&String::from_utf8_lossy(&output.stdout))
}
