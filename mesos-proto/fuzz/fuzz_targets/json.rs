#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use mesos_proto_fuzz::json::{Outcome, json};

fuzz_target!(|input: &[u8]| -> Corpus {
    match json(input) {
        Outcome::Unusable => Corpus::Reject,
        Outcome::Refused | Outcome::ReadWithUnknown | Outcome::Read => Corpus::Keep,
    }
});
