//! The list that CI runs, and that everybody runs before the end.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{codegen, msrv, package, print, purity, sim};

/// Runs every step; the first that fails ends it.
pub(crate) fn run(repository: &Path) -> Result<(), String> {
    let cargo = |step: &str, arguments: &str| run_cargo(repository, step, arguments, &[]);
    cargo("format", "fmt --all -- --check")?;
    step("generated code");
    codegen::run(repository, codegen::Mode::Check)?;
    step("purity of the cores");
    purity::check(repository)?;
    cargo("lints", "clippy --workspace --all-targets --all-features -- -D warnings")?;
    for package in ["mesos-proto", "mesos-scheduler-client", "placement-constraints", "mesos-local"] {
        cargo("default features", &format!("check --quiet -p {package}"))?;
        cargo("no default features", &format!("check --quiet -p {package} --no-default-features"))?;
    }
    let alone = "check --quiet -p mesos-scheduler-client --no-default-features --features zookeeper";
    cargo("a feature alone", alone)?;
    step("oldest Rust");
    msrv::check(repository, msrv::Toolchain::Optional)?;
    let deny_warnings = [("RUSTDOCFLAGS", "-D warnings")];
    run_cargo(repository, "docs", "doc --workspace --no-deps --all-features", &deny_warnings)?;
    if is_installed("cargo-deny") {
        cargo("licences, sources, bans", "deny --config .deny.toml check bans licenses sources")?;
    } else {
        step("licences: skipped, cargo-deny is not installed");
    }
    step("packages");
    package::verify_quickly(repository)?;
    cargo("tests and doctests", "test --workspace --all-features")?;
    cargo("tests without backtracking", "test -p placement-constraints --no-default-features --tests")?;
    step("simulation");
    sim::run(repository, sim::CI)
}

fn run_cargo(
    repository: &Path,
    name: &str,
    arguments: &str,
    environment: &[(&str, &str)],
) -> Result<(), String> {
    step(&format!("{name}: cargo {arguments}"));
    let status = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .envs(environment.iter().copied())
        .current_dir(repository)
        .status()
        .map_err(|error| format!("cargo {arguments}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name}: cargo {arguments}: {status}")) }
}

fn step(text: &str) {
    print(&format!("\n== {text}"));
}

fn is_installed(program: &str) -> bool {
    let answer = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    answer.is_ok_and(|status| status.success())
}
