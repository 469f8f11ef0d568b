#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use mesos_proto_fuzz::event::{Outcome, event};

fuzz_target!(|input: &[u8]| -> Corpus {
    match event(input) {
        Outcome::Unusable => Corpus::Reject,
        Outcome::Refused | Outcome::Broken | Outcome::Whole => Corpus::Keep,
    }
});
