//! Packages the published crates as a registry would get them, without asking one.

use std::{path::Path, process::Command};

use crate::workspace::Workspace;

/// Crates that need no other crate of the repository: what was packaged of them builds in seconds.
const STANDING_ALONE: [&str; 2] = ["mesos-proto", "placement-constraints"];

/// Packages everything and builds all of it from the packages: what is missing in one is found here.
pub(crate) fn verify(repository: &Path) -> Result<(), String> {
    package(repository, &names(repository)?, &[])
}

/// Packages everything, and builds only the crates that stand alone.
pub(crate) fn verify_quickly(repository: &Path) -> Result<(), String> {
    package(repository, &names(repository)?, &["--no-verify"])?;
    package(repository, &STANDING_ALONE.map(str::to_owned), &[])
}

fn names(repository: &Path) -> Result<Vec<String>, String> {
    let workspace = Workspace::load(repository)?;
    Ok(workspace.published().map(|package| package.name.clone()).collect())
}

/// Runs `cargo package`. `cargo publish --dry-run` checks the same and asks the registry as well, for which
/// there may be no network.
fn package(repository: &Path, packages: &[String], options: &[&str]) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO"));
    // Whoever has changes to commit wants to know before.
    command.args(["package", "--quiet", "--offline", "--allow-dirty"]).args(options);
    for package in packages {
        command.args(["-p", package]);
    }
    let status =
        command.current_dir(repository).status().map_err(|error| format!("cargo package: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo package of {}: {status}", packages.join(", "))) }
}
