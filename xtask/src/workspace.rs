//! What cargo knows about the workspace: its crates, their benches, where it builds.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The crates of the repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Workspace {
    /// The folder that cargo builds into, whatever sets it.
    pub(crate) target: PathBuf,
    /// In the order of their names.
    pub(crate) crates: Vec<Crate>,
}

/// One crate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Whether it may go to a registry.
    pub(crate) is_published: bool,
    /// The oldest Rust that it promises to build with.
    pub(crate) rust_version: Option<String>,
    pub(crate) benches: Vec<String>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load(repository: &Path) -> Result<Self, String> {
        let arguments = ["metadata", "--no-deps", "--format-version", "1"];
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(repository)
            .output()
            .map_err(|error| format!("cargo metadata: {error}"))?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(format!("cargo metadata: {}: {}", output.status, told.trim()));
        }
        Self::parse(&output.stdout)
    }

    fn parse(metadata: &[u8]) -> Result<Self, String> {
        let metadata: Value =
            serde_json::from_slice(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
        let mut crates = Vec::new();
        for package in list(&metadata, "packages")? {
            crates.push(Crate::parse(package)?);
        }
        crates.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { target: PathBuf::from(text(&metadata, "target_directory")?), crates })
    }

    /// The crates that go to a registry.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Crate> {
        self.crates.iter().filter(|package| package.is_published)
    }
}

impl Crate {
    fn parse(package: &Value) -> Result<Self, String> {
        let manifest = Path::new(text(package, "manifest_path")?);
        let folder =
            manifest.parent().ok_or_else(|| format!("'{}' lies in no folder", manifest.display()))?;
        let mut benches = Vec::new();
        for target in list(package, "targets")? {
            if list(target, "kind")?.iter().any(|kind| kind == "bench") {
                benches.push(text(target, "name")?.to_owned());
            }
        }
        Ok(Self {
            name: text(package, "name")?.to_owned(),
            folder: folder.to_path_buf(),
            // `publish = false` is an empty list of registries; no list at all means any.
            is_published: package["publish"].as_array().is_none_or(|registries| !registries.is_empty()),
            rust_version: package["rust_version"].as_str().map(str::to_owned),
            benches,
        })
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, String> {
    value[key]
        .as_str()
        .ok_or_else(|| format!("cargo metadata: expected a text as '{key}', found {}", value[key]))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value], String> {
    let found = value[key].as_array().map(Vec::as_slice);
    found.ok_or_else(|| format!("cargo metadata: expected a list as '{key}', found {}", value[key]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_tells_is_understood() {
        let metadata = r#"{"target_directory": "/t", "packages": [
            {"name": "tool", "manifest_path": "/r/tool/Cargo.toml", "publish": [], "rust_version": null,
             "targets": [{"name": "tool", "kind": ["bin"]}]},
            {"name": "core", "manifest_path": "/r/core/Cargo.toml", "publish": null, "rust_version": "1.88",
             "targets": [{"name": "core", "kind": ["lib"]}, {"name": "checks", "kind": ["bench"]}]}
        ]}"#;
        let workspace = Workspace::parse(metadata.as_bytes()).unwrap();
        let core = Crate {
            name: "core".to_owned(),
            folder: PathBuf::from("/r/core"),
            is_published: true,
            rust_version: Some("1.88".to_owned()),
            benches: vec!["checks".to_owned()],
        };
        let tool = Crate {
            name: "tool".to_owned(),
            folder: PathBuf::from("/r/tool"),
            is_published: false,
            rust_version: None,
            benches: Vec::new(),
        };
        assert_eq!(workspace.published().collect::<Vec<_>>(), [&core]);
        assert_eq!(workspace, Workspace { target: PathBuf::from("/t"), crates: vec![core, tool] });
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Workspace::parse(br#"{"packages": [{"name": 7}]}"#).unwrap_err();
        assert_eq!(error, "cargo metadata: expected a text as 'manifest_path', found null");
    }

    #[test]
    fn this_workspace_is_understood() {
        let workspace = Workspace::load(&crate::repository()).unwrap();
        let constraints = workspace.published().find(|package| package.name == "placement-constraints");
        assert!(constraints.is_some_and(|package| package.rust_version.is_some()));
        assert!(workspace.published().all(|package| package.name != "xtask"));
    }
}
