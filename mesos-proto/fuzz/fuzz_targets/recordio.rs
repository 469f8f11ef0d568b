#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use mesos_proto_fuzz::recordio::{Outcome, recordio};

fuzz_target!(|input: &[u8]| -> Corpus {
    match recordio(input) {
        Outcome::Unusable => Corpus::Reject,
        Outcome::Broken | Outcome::Truncated | Outcome::Whole => Corpus::Keep,
    }
});
