#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use mesos_proto_fuzz::resources_text::{Outcome, resources_text};

fuzz_target!(|input: &[u8]| -> Corpus {
    match resources_text(input) {
        Outcome::Unusable => Corpus::Reject,
        Outcome::Refused | Outcome::Empty | Outcome::Read => Corpus::Keep,
    }
});
