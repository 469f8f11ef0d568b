//! Keeps the three cores free of I/O, clocks, randomness and tasks: they get time, bytes and seeds as
//! arguments, so that whole clusters of them can run in one thread under a seed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::print;

/// The files of each core: a module, and everything in the folder of its name.
const CORES: [&str; 3] =
    ["mesos-scheduler-client/src/session", "mesos-scheduler-client/src/framework", "mesos-local/src/master"];

/// What must not stand in a core, and why. Modules of the standard library count with or without `std::`
/// before them, since imports are grouped; so do the shells of the same crate.
const FORBIDDEN: [(&str, &str); 32] = [
    ("net::", "sockets"),
    ("fs::", "files"),
    ("process::", "processes"),
    ("thread::", "threads"),
    ("env::", "global state"),
    ("io::", "I/O"),
    ("tokio", "a runtime"),
    ("hyper", "a transport"),
    ("async ", "waiting"),
    (".await", "waiting"),
    ("Instant::now", "a clock"),
    (".elapsed()", "a clock"),
    ("SystemTime", "a clock"),
    ("rand::", "randomness"),
    ("RandomState", "randomness"),
    ("HashMap", "an order that differs from run to run"),
    ("HashSet", "an order that differs from run to run"),
    ("thread_local", "global state"),
    ("OnceLock", "global state"),
    ("LazyLock", "global state"),
    ("Mutex", "sharing"),
    ("spawn", "tasks"),
    ("println!", "output"),
    ("transport::", "a shell"),
    ("driver::", "a shell"),
    ("client::", "a shell"),
    ("connection::", "a shell"),
    ("operator::", "a shell"),
    ("agent::", "a shell"),
    ("cluster::", "a shell"),
    ("http::serve", "a shell"),
    ("runtime::", "a shell"),
];

/// Modules of `std` that no core may import, in whatever group they stand.
const FORBIDDEN_IMPORTS: [&str; 6] = ["net", "fs", "process", "thread", "env", "io"];

/// Looks at every file of every core.
pub(crate) fn check(repository: &Path) -> Result<(), String> {
    let mut findings = Vec::new();
    let mut files = 0;
    for core in CORES {
        let module = repository.join(core);
        let mut paths = vec![module.with_extension("rs")];
        collect(&module, &mut paths)?;
        for path in paths {
            let source = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
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
    let mut in_std_import = false;
    for (index, line) in source.lines().enumerate() {
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        let code = without_comment(line);
        in_std_import |= code.trim_start().starts_with("use std::");
        if in_std_import {
            for word in FORBIDDEN_IMPORTS {
                if words(code).any(|found| found == word) {
                    found.push((index + 1, word, "the outside world"));
                }
            }
            in_std_import = !code.contains(';');
        }
        for (word, why) in FORBIDDEN {
            if stands_alone(code, word) {
                found.push((index + 1, word, why));
            }
        }
    }
    found
}

/// The part of a line before its comment; slashes in a string are no comment.
fn without_comment(line: &str) -> &str {
    let mut in_string = false;
    let bytes = line.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' if at == 0 || bytes[at - 1] != b'\\' => in_string = !in_string,
            b'/' if !in_string && bytes.get(at + 1) == Some(&b'/') => return &line[..at],
            _ => {}
        }
    }
    line
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

/// Whether the text stands in the code, and not as the end of a longer name.
fn stands_alone(code: &str, text: &str) -> bool {
    let begins_a_name = text.starts_with(|letter: char| letter.is_alphabetic());
    code.match_indices(text).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !begins_a_name || !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cores_are_pure() {
        check(&crate::repository()).unwrap();
    }

    #[test]
    fn whatever_reaches_outside_is_found() {
        for (source, line) in [
            ("use std::{fs, collections::BTreeMap};", 1),
            ("use std::{\n    net::TcpStream,\n};", 2),
            ("use std::{\n    collections::BTreeMap,\n    thread,\n};", 3),
            ("use std::env;", 1),
            ("let text = fs::read(path);", 1),
            ("let now = Instant::now();", 1),
            ("call(\"http://host\", Instant::now());", 1),
            ("let age = start.elapsed();", 1),
            ("async fn f() {}", 1),
            ("use crate::transport::Transport;", 1),
            ("use crate::operator::agent_url;", 1),
            ("use tokio::sync::Notify;", 1),
        ] {
            assert!(impurities(source).iter().any(|(at, ..)| *at == line), "{source}");
        }
    }

    #[test]
    fn comments_tests_and_longer_names_are_left_alone() {
        for source in [
            "// Instant::now, fs::read",
            "let a = 1; // std::net::TcpStream",
            "use std::collections::BTreeMap;\nlet filesystem = prefs::of(a);",
            "/// tokio",
            "#[cfg(test)]\nstd::fs::read",
        ] {
            assert_eq!(impurities(source), [], "{source}");
        }
    }
}
