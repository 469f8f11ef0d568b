//! Patterns beside answers recorded from Java 17; see data/README.md.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a test that prints a table")]

use std::collections::{BTreeMap, BTreeSet};

use placement_constraints::Pattern;

#[test]
fn no_recorded_row_is_answered_differently() {
    let counts = check(include_str!("data/java-regex.jsonl"));
    // What is refused is \X.
    assert_eq!((counts.answered, counts.refused_by_both), expected(1749, 1670, 15));
}

#[test]
fn no_row_of_the_second_recording_is_answered_differently() {
    let counts = check(include_str!("data/java-regex-more.jsonl"));
    assert_eq!((counts.answered, counts.refused_by_both), expected(4706, 3730, 547));
}

/// How many rows are answered, fewer without backtracking, and refused by Java too.
fn expected(with_backtracking: usize, without: usize, refused_by_both: usize) -> (usize, usize) {
    (if cfg!(feature = "fancy-regex") { with_backtracking } else { without }, refused_by_both)
}

#[derive(Default)]
struct Counts {
    answered: usize,
    refused_by_both: usize,
}

/// Checks all rows of a recording: `pattern`, `input` and what Java says, which is `match`, `no`, or that the
/// pattern does not compile or cannot be used. Prints what was refused, and why.
fn check(recording: &str) -> Counts {
    let mut counts = Counts::default();
    let mut refused = BTreeMap::<String, (usize, BTreeSet<String>)>::new();
    let mut wrong = Vec::new();
    for line in recording.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap();
        let (pattern, input, java) = (text("pattern"), text("input"), text("java"));
        let is_match =
            Pattern::new(pattern).map(|pattern| pattern.is_match(input).map_err(|error| error.to_string()));
        match is_match {
            Ok(Ok(is_match)) => {
                counts.answered += 1;
                let here = if is_match { "match" } else { "no" };
                if here != java {
                    wrong.push(format!("{pattern:?} on {input:?}: Java {java}, here {here}"));
                }
            }
            // It compiles, which is wrong if it does not in Java.
            Ok(Err(reason)) if matches!(java, "match" | "no") => note(&mut refused, &reason, pattern),
            Ok(Err(reason)) => wrong.push(format!("{pattern:?} on {input:?}: Java {java}, here {reason}")),
            Err(error) if matches!(java, "match" | "no") => note(&mut refused, error.reason(), pattern),
            Err(_) => counts.refused_by_both += 1,
        }
    }
    let rows: usize = refused.values().map(|(rows, _)| rows).sum();
    println!("{:6} rows answered as Java does", counts.answered);
    println!("{:6} rows refused by both", counts.refused_by_both);
    println!("{rows:6} rows refused here only:");
    for (reason, (rows, patterns)) in &refused {
        let shortest = patterns.iter().min_by_key(|pattern| pattern.len());
        println!("{rows:6}   {reason}; {} patterns such as {:?}", patterns.len(), shortest.unwrap());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    counts
}

fn note(refused: &mut BTreeMap<String, (usize, BTreeSet<String>)>, reason: &str, pattern: &str) {
    let (rows, patterns) = refused.entry(reason.lines().next().unwrap_or_default().to_owned()).or_default();
    *rows += 1;
    patterns.insert(pattern.to_owned());
}
