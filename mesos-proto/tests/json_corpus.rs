//! The inputs of JSON that fuzzing found worth keeping hold on every toolchain, without libFuzzer.

#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a test")]

use std::{fs, path::Path};

#[path = "../fuzz/src/json.rs"]
mod fuzz;

use fuzz::Outcome;

#[test]
fn committed_inputs_hold() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/json");
    let mut outcomes = Vec::new();
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        let outcome = fuzz::json(&fs::read(&path).unwrap());
        assert_ne!(outcome, Outcome::Unusable);
        outcomes.push(outcome);
    }
    // A corpus that is refused as a whole would hold as well.
    for outcome in [Outcome::Refused, Outcome::ReadWithUnknown, Outcome::Read] {
        assert!(outcomes.contains(&outcome), "no input is {outcome:?}");
    }
}
