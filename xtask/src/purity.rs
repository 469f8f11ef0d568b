//! Keeps the three cores free of I/O, clocks, randomness and tasks: they get time, bytes and seeds as
//! arguments, so that whole clusters of them can run in one thread under a seed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::print;

/// The files of each core: a module, and everything in the folder of its name.
const CORES: [&str; 3] = [
    "mesos-scheduler-client/src/session",
    "mesos-scheduler-client/src/framework",
    "mesos-local/src/master",
];

/// What must not stand in a core, and why.
const FORBIDDEN: [(&str, &str); 20] = [
    ("std::net", "sockets"),
    ("std::fs", "files"),
    ("std::process", "processes"),
    ("std::thread", "threads"),
    ("std::env", "global state"),
    ("std::io", "I/O"),
    ("tokio", "a runtime"),
    ("hyper", "a transport"),
    ("async ", "waiting"),
    (".await", "waiting"),
    ("Instant::now", "a clock"),
    ("SystemTime", "a clock"),
    ("rand::", "randomness"),
    ("RandomState", "randomness"),
    ("HashMap", "an order that differs from run to run"),
    ("HashSet", "an order that differs from run to run"),
    ("thread_local", "global state"),
    ("OnceLock", "global state"),
    ("LazyLock", "global state"),
    ("println!", "output"),
];

/// Looks at every file of every core.
pub(crate) fn check(repository: &Path) -> Result<(), String> {
    let mut findings = Vec::new();
    let mut files = 0;
    for core in CORES {
        let module = repository.join(core);
        let mut paths = vec![module.with_extension("rs")];
        collect(&module, &mut paths)?;
        for path in paths {
            let source =
                fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            files += 1;
            for (line, word, why) in impurities(&source) {
                findings.push(format!("{}:{line}: '{word}' brings {why} into a core", path.display()));
            }
        }
    }
    if findings.is_empty() {
        print(&format!("purity: {files} files of {} cores are pure", CORES.len()));
        return Ok(());
    }
    Err(findings.join("\n"))
}

/// Files of a folder and of those below it; scripts that test a core are no part of it.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() && !is_test {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            paths.push(path);
        }
    }
    Ok(())
}

/// Lines of code that hold something forbidden. Comments do not count; unit tests stand at the end of a
/// file and may use what they need.
fn impurities(source: &str) -> Vec<(usize, &'static str, &'static str)> {
    let mut found = Vec::new();
    for (index, line) in source.lines().enumerate() {
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        for (word, why) in FORBIDDEN {
            if code.contains(word) {
                found.push((index + 1, word, why));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cores_are_pure() {
        check(&crate::repository()).unwrap();
    }

    #[test]
    fn code_is_looked_at_and_comments_and_tests_are_not() {
        let source = "// Instant::now\nlet now = Instant::now();\nasync fn f() {}\n#[cfg(test)]\nstd::fs::read";
        let found: Vec<(usize, &str)> = impurities(source).iter().map(|(line, word, _)| (*line, *word)).collect();
        assert_eq!(found, [(2, "Instant::now"), (3, "async ")]);
    }
}
