//! Checks the published crates with the oldest Rust that they promise to build with.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
};

use crate::{print, workspace::Workspace};

/// Whether it may be left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The caller asks for this check alone.
    Required,
    /// One of many steps, which says that it was skipped.
    Optional,
}

/// Checks the libraries and programs, with all features and with the versions of the lock file. Tests and
/// benches are no part of the promise.
pub(crate) fn check(repository: &Path, toolchain: Toolchain) -> Result<(), String> {
    let workspace = Workspace::load(repository)?;
    for (version, packages) in promises(&workspace)? {
        if !is_installed(version) {
            let install = format!("rustup toolchain install {version} --profile minimal");
            match toolchain {
                Toolchain::Required => return Err(format!("Rust {version} is not installed: {install}")),
                Toolchain::Optional => {
                    print(&format!("skipped, Rust {version} is not installed: {install}"));
                    continue;
                }
            }
        }
        let mut command = Command::new("rustup");
        command.args(["run", version, "cargo", "check", "--quiet", "--locked", "--all-features"]);
        for package in &packages {
            command.args(["-p", package]);
        }
        // This program was started by another cargo, which names its own tools.
        command
            .env_remove("CARGO")
            .env_remove("RUSTC")
            .env_remove("RUSTUP_TOOLCHAIN")
            .current_dir(repository);
        let status = command.status().map_err(|error| format!("rustup run {version}: {error}"))?;
        if !status.success() {
            return Err(format!("{} cannot be built with Rust {version}: {status}", packages.join(", ")));
        }
        print(&format!("Rust {version} builds {}", packages.join(", ")));
    }
    Ok(())
}

/// The published crates by the version that they promise.
fn promises(workspace: &Workspace) -> Result<BTreeMap<&str, Vec<&str>>, String> {
    let mut promises: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in workspace.published() {
        let version = package.rust_version.as_deref();
        let version = version.ok_or_else(|| format!("{} has no rust-version", package.name))?;
        promises.entry(version).or_default().push(&package.name);
    }
    Ok(promises)
}

/// Whether rustup has the toolchain; unlike `cargo +version`, this never installs it.
fn is_installed(version: &str) -> bool {
    let answer = Command::new("rustup")
        .args(["run", version, "cargo", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    answer.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::workspace::Crate;

    fn package(name: &str, is_published: bool, rust_version: Option<&str>) -> Crate {
        let (folder, rust_version) = (PathBuf::from(name), rust_version.map(str::to_owned));
        Crate { name: name.to_owned(), folder, is_published, rust_version, benches: Vec::new() }
    }

    #[test]
    fn published_crates_promise_a_version() {
        let mut workspace = Workspace {
            target: PathBuf::from("target"),
            crates: vec![
                package("a", true, Some("1.88")),
                package("b", true, Some("1.90")),
                package("c", true, Some("1.88")),
                package("xtask", false, None),
            ],
        };
        let expected = BTreeMap::from([("1.88", vec!["a", "c"]), ("1.90", vec!["b"])]);
        assert_eq!(promises(&workspace), Ok(expected));
        workspace.crates.push(package("d", true, None));
        assert_eq!(promises(&workspace), Err("d has no rust-version".to_owned()));
    }
}
