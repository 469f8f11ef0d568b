//! The fuzz targets of the repository, in the layout of cargo-fuzz.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::fuzz::corpus::files_of;

/// One fuzz target: `<crate>/fuzz/fuzz_targets/<name>.rs`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The folder of the crate that it belongs to.
    pub(crate) krate: String,
    pub(crate) name: String,
    /// The folder `fuzz`, a workspace of its own.
    pub(crate) folder: PathBuf,
}

impl Target {
    /// Committed inputs.
    pub(crate) fn corpus(&self) -> PathBuf {
        self.folder.join("corpus").join(&self.name)
    }

    /// Inputs that broke it.
    pub(crate) fn artifacts(&self) -> PathBuf {
        self.folder.join("artifacts").join(&self.name)
    }

    /// Words that its inputs are made of, if there is such a file.
    pub(crate) fn dictionary(&self) -> PathBuf {
        self.folder.join("fuzz_targets").join(&self.name).with_extension("dict")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.krate, self.name)
    }
}

/// All targets of all crates, in the order of their names.
pub(crate) fn find(repository: &Path) -> Result<Vec<Target>, String> {
    let mut targets = Vec::new();
    let entries = fs::read_dir(repository).map_err(|error| format!("{}: {error}", repository.display()))?;
    for entry in entries {
        let entry = entry.map_err(|error| format!("{}: {error}", repository.display()))?;
        let folder = entry.path().join("fuzz");
        if !folder.join("Cargo.toml").exists() {
            continue;
        }
        let krate = entry.file_name().to_string_lossy().into_owned();
        for source in files_of(&folder.join("fuzz_targets"))? {
            if source.extension().is_some_and(|extension| extension == "rs")
                && let Some(name) = source.file_stem()
            {
                let name = name.to_string_lossy().into_owned();
                targets.push(Target { krate: krate.clone(), name, folder: folder.clone() });
            }
        }
    }
    targets.sort_by_key(Target::to_string);
    Ok(targets)
}

/// The targets that were asked for, by their name or by that of their crate; all if none was.
pub(crate) fn select(targets: Vec<Target>, names: &[String]) -> Result<Vec<Target>, String> {
    let is_named = |target: &Target, name: &str| {
        target.name == name || target.krate == name || target.to_string() == name
    };
    for name in names {
        if !targets.iter().any(|target| is_named(target, name)) {
            let known: Vec<String> = targets.iter().map(Target::to_string).collect();
            return Err(format!("there is no fuzz target '{name}', expected one of: {}", known.join(", ")));
        }
    }
    let is_wanted = |target: &Target| names.is_empty() || names.iter().any(|name| is_named(target, name));
    Ok(targets.into_iter().filter(is_wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(krate: &str, name: &str) -> Target {
        Target { krate: krate.to_owned(), name: name.to_owned(), folder: PathBuf::from(krate).join("fuzz") }
    }

    fn selected(names: &[&str]) -> Result<Vec<String>, String> {
        let targets = vec![target("a", "json"), target("a", "text"), target("b", "json")];
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        select(targets, &names).map(|targets| targets.iter().map(Target::to_string).collect())
    }

    #[test]
    fn targets_are_selected_by_name_or_crate() {
        for (names, expected) in [
            (&[][..], &["a/json", "a/text", "b/json"][..]),
            (&["json"], &["a/json", "b/json"]),
            (&["a"], &["a/json", "a/text"]),
            (&["b/json", "text"], &["a/text", "b/json"]),
        ] {
            assert_eq!(selected(names).unwrap(), expected, "{names:?}");
        }
        let error = selected(&["text", "jsno"]).unwrap_err();
        assert_eq!(error, "there is no fuzz target 'jsno', expected one of: a/json, a/text, b/json");
    }

    #[test]
    fn every_target_of_the_repository_has_a_corpus() {
        let targets = find(&crate::repository()).unwrap();
        assert!(targets.iter().any(|target| target.to_string() == "placement-constraints/constraints"));
        for target in targets {
            assert!(!files_of(&target.corpus()).unwrap().is_empty(), "{target}");
        }
    }
}
