//! Runs the benches of the crates, prints what they measured as one table, and judges it by bars.

mod bars;
mod measurement;
mod table;

use std::{fs, path::Path, process::Command};

use crate::{
    bench::bars::Bars,
    print, scale,
    workspace::{Crate, Workspace},
};

/// What to measure, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Names of crates; all that have benches if there is none.
    pub(crate) crates: Vec<String>,
    /// Whether criterion may stop as soon as the figures are steady.
    pub(crate) is_quick: bool,
}

/// Measures one crate after the other; bars that are missed are told at the end.
pub(crate) fn run(repository: &Path, options: &Options) -> Result<(), String> {
    let workspace = Workspace::load(repository)?;
    let mut missed = 0;
    for package in select(&workspace, &options.crates)? {
        missed += measure(repository, &workspace.target, package, options.is_quick)?;
    }
    match missed {
        0 => Ok(()),
        1 => Err("a bar is missed".to_owned()),
        more => Err(format!("{more} bars are missed")),
    }
}

fn select<'a>(workspace: &'a Workspace, names: &[String]) -> Result<Vec<&'a Crate>, String> {
    let with_benches = || workspace.crates.iter().filter(|package| !package.benches.is_empty());
    for name in names {
        if !with_benches().any(|package| package.name == *name) {
            let known: Vec<&str> = with_benches().map(|package| package.name.as_str()).collect();
            return Err(format!("no crate '{name}' has benches, expected one of: {}", known.join(", ")));
        }
    }
    Ok(with_benches().filter(|package| names.is_empty() || names.contains(&package.name)).collect())
}

/// Runs the benches of a crate and returns how many bars it misses.
fn measure(repository: &Path, target: &Path, package: &Crate, is_quick: bool) -> Result<usize, String> {
    let bars = read_bars(&package.folder.join("benches/bars.txt"))?;
    // A folder of its own, emptied before, so that all figures are of this run.
    let results = target.join("xtask-bench").join(&package.name);
    if results.exists() {
        fs::remove_dir_all(&results).map_err(|error| format!("{}: {error}", results.display()))?;
    }
    // That one has no figures for criterion, and an own command.
    for bench in package.benches.iter().filter(|bench| *bench != scale::BENCH) {
        print(&format!("== {}: {bench}", package.name));
        let mut command = Command::new(env!("CARGO"));
        command.args(["bench", "--quiet", "-p", &package.name, "--bench", bench, "--", "--noplot"]);
        if is_quick {
            command.arg("--quick");
        }
        command.env("CRITERION_HOME", &results).current_dir(repository);
        let status = command.status().map_err(|error| format!("cargo bench: {error}"))?;
        if !status.success() {
            return Err(format!("the bench '{bench}' of {} ended with '{status}'", package.name));
        }
    }
    let measurements = measurement::read_all(&results)?;
    print(&table::render(&measurements, &bars.references));
    let outcomes = bars.judge(&measurements)?;
    for outcome in &outcomes {
        print(&outcome.to_string());
    }
    Ok(outcomes.iter().filter(|outcome| !outcome.is_met()).count())
}

fn read_bars(path: &Path) -> Result<Bars, String> {
    if !path.exists() {
        return Ok(Bars::default());
    }
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Bars::parse(&text).map_err(|error| format!("{}:{error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn package(name: &str, benches: &[&str]) -> Crate {
        Crate {
            name: name.to_owned(),
            folder: PathBuf::from(name),
            is_published: true,
            rust_version: None,
            benches: benches.iter().map(|bench| (*bench).to_owned()).collect(),
        }
    }

    fn selected(names: &[&str]) -> Result<Vec<String>, String> {
        let crates = vec![package("a", &["x", "y"]), package("b", &[]), package("c", &["z"])];
        let workspace = Workspace { target: PathBuf::from("target"), crates };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let found = select(&workspace, &names)?;
        Ok(found.iter().map(|package| package.name.clone()).collect())
    }

    #[test]
    fn crates_with_benches_are_selected() {
        assert_eq!(selected(&[]).unwrap(), ["a", "c"]);
        assert_eq!(selected(&["c"]).unwrap(), ["c"]);
        assert_eq!(selected(&["b"]).unwrap_err(), "no crate 'b' has benches, expected one of: a, c");
    }

    /// They are read only when benches run, which CI does not do.
    #[test]
    fn the_bars_of_the_repository_are_understood() {
        for package in Workspace::load(&crate::repository()).unwrap().crates {
            read_bars(&package.folder.join("benches/bars.txt")).unwrap();
        }
    }
}
