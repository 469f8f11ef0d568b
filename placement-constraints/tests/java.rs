//! Patterns beside answers recorded from Java 17.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::collections::BTreeMap;

use placement_constraints::Pattern;

/// Rows of `pattern`, `input` and what Java says: `match`, `no`, or why the pattern does not compile.
const RECORDING: &str = include_str!("data/java-regex.jsonl");

/// No row may be answered in another way than Java does; a pattern may be refused.
#[test]
fn no_recorded_row_is_answered_differently() {
    let (mut answered, mut refused_by_both, mut refused) = (0, 0, BTreeMap::<String, usize>::new());
    let mut wrong = Vec::new();
    for line in RECORDING.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap();
        let (pattern, input, java) = (text("pattern"), text("input"), text("java"));
        match Pattern::new(pattern) {
            Err(_) if !matches!(java, "match" | "no") => refused_by_both += 1,
            Err(error) => *refused.entry(error.reason().to_owned()).or_default() += 1,
            Ok(compiled) => {
                answered += 1;
                let here = if compiled.is_match(input).unwrap() { "match" } else { "no" };
                if here != java {
                    wrong.push(format!("{pattern:?} on {input:?}: Java {java}, here {here}"));
                }
            }
        }
    }
    println!("{answered} rows answered, {refused_by_both} refused by Java too, refused here only:");
    for (reason, count) in &refused {
        println!("{count:6}  {reason}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(answered > 900, "only {answered} rows were answered");
}
