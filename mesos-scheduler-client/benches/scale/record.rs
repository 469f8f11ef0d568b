//! What a run has to say: one line of `name=value`, which `cargo xtask scale` reads.

use std::{fmt::Display, time::Duration};

/// A line that grows.
pub(crate) struct Record(String);

impl Record {
    pub(crate) fn new(kind: &str) -> Self {
        Self(format!("record {kind}"))
    }

    pub(crate) fn add(&mut self, name: impl Display, value: impl Display) {
        self.0.push_str(&format!(" {name}={value}"));
    }

    pub(crate) fn add_seconds(&mut self, name: impl Display, time: Duration) {
        self.add(name, format_args!("{:.6}", time.as_secs_f64()));
    }

    pub(crate) fn print(self) {
        println!("{}", self.0);
    }
}
