//! The inputs that fuzzing found worth keeping hold on every toolchain, without libFuzzer.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a test")]

use std::{fmt::Debug, fs, path::Path};

#[path = "../fuzz/src/event.rs"]
mod event;
#[path = "../fuzz/src/recordio.rs"]
mod recordio;

#[test]
fn committed_events_hold() {
    use event::Outcome;
    let outcomes = [Outcome::Refused, Outcome::Broken, Outcome::Whole];
    check("event", event::event, Outcome::Unusable, &outcomes);
}

#[test]
fn committed_streams_hold() {
    use recordio::Outcome;
    check(
        "recordio",
        recordio::recordio,
        Outcome::Unusable,
        &[Outcome::Broken, Outcome::Truncated, Outcome::Whole],
    );
}

/// Runs the committed inputs of a target. Each outcome must be seen: a corpus that is refused as a whole would
/// hold as well.
#[track_caller]
#[expect(clippy::print_stdout, reason = "the last path that is printed is the input that failed")]
fn check<T: Debug + PartialEq>(target: &str, run: impl Fn(&[u8]) -> T, unusable: T, outcomes: &[T]) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut seen = Vec::new();
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        let outcome = run(&fs::read(&path).unwrap());
        assert_ne!(outcome, unusable, "{}", path.display());
        seen.push(outcome);
    }
    for outcome in outcomes {
        assert!(seen.contains(outcome), "no input is {outcome:?}");
    }
}
