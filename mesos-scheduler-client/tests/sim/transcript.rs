//! Everything that happened, as text, if somebody wants to read it.

use std::time::Duration;

/// Lines in the order of what happened. Nothing is written unless it is wanted.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    lines: Option<Vec<String>>,
}

impl Transcript {
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self { lines: is_wanted.then(Vec::new) }
    }

    pub(crate) fn say(&mut self, now: Duration, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>12.6} {}", now.as_secs_f64(), line()));
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
