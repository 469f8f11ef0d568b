#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use placement_constraints_fuzz::{Outcome, constraints};

fuzz_target!(|input: &[u8]| -> Corpus {
    match constraints(input) {
        Outcome::Unusable => Corpus::Reject,
        Outcome::Refused | Outcome::Undecided | Outcome::Decided => Corpus::Keep,
    }
});
