//! The inputs that fuzzing found worth keeping hold on every toolchain, without libFuzzer.
#![allow(missing_docs, reason = "a test")]

use std::{fs, path::Path};

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is the library of the fuzz targets as well")]
mod fuzz;

use fuzz::Outcome;

#[test]
fn committed_inputs_hold() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/constraints");
    let mut outcomes = Vec::new();
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        let outcome = fuzz::constraints(&fs::read(&path).unwrap());
        assert_ne!(outcome, Outcome::Unusable);
        outcomes.push(outcome);
    }
    // A corpus that is refused as a whole would hold as well.
    for outcome in [Outcome::Refused, Outcome::Undecided, Outcome::Decided] {
        assert!(outcomes.contains(&outcome), "no input is {outcome:?}");
    }
}

#[test]
fn texts_are_cut_at_the_separator() {
    let look_ahead = if cfg!(feature = "fancy-regex") { Outcome::Decided } else { Outcome::Refused };
    for (input, outcome) in [
        (&b" \xffrack LIKE r1\xffr1"[..], Outcome::Decided),
        (b" \xffrack LIKE r1\xff", Outcome::Decided),
        (b"::\xffrack::UNLIKE::r(?=1).\xffr1", look_ahead),
        (b"UN\xffrackUNLIKEUNr1\xffr1", Outcome::Decided),
        (b" \xffrack LIKE r[\xffr1", Outcome::Refused),
        (b"\xffrack LIKE r1\xffr1", Outcome::Refused),
        (b" \xffrack LIKE r1", Outcome::Unusable),
        (b" \xffrack LIKE \xc3\xffr1", Outcome::Unusable),
    ] {
        assert_eq!(fuzz::constraints(input), outcome, "{}", input.escape_ascii());
    }
}
