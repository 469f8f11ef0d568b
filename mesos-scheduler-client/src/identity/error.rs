//! A framework id that could not be read or written, and whose fault that is.

use std::{fmt, io};

/// How much of what a store holds is shown.
const SHOWN: usize = 80;

/// A framework id that could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    kind: Kind,
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The place cannot be read or written, or not for now.
    Unavailable,
    Garbage,
    Unfit,
    #[cfg(feature = "zookeeper")]
    Conflict,
}

impl StoreError {
    /// A place that cannot be read or written, or not for now. `why` names the place and says what was
    /// seen there.
    pub fn new(why: impl Into<String>) -> Self {
        Self { kind: Kind::Unavailable, why: why.into() }
    }

    /// What is kept there is no id. Somebody has to look at it; the store never overwrites it by itself.
    pub fn is_garbage(&self) -> bool {
        self.kind == Kind::Garbage
    }

    /// Somebody else has saved an id since this store read it: there are two lives of the program.
    pub fn is_conflict(&self) -> bool {
        #[cfg(feature = "zookeeper")]
        return self.kind == Kind::Conflict;
        #[cfg(not(feature = "zookeeper"))]
        false
    }

    pub(super) fn io(doing: &str, place: &str, error: &io::Error) -> Self {
        Self::new(format!("{place} cannot be {doing}: {error}"))
    }

    pub(super) fn garbage(place: &str, kept: &[u8], why: &str) -> Self {
        let kept = excerpt(&String::from_utf8_lossy(kept));
        let why = format!("{place} holds '{kept}', which {why}, expected one line with an id");
        Self { kind: Kind::Garbage, why }
    }

    pub(super) fn unfit(place: &str, id: &str, why: &str) -> Self {
        let why = format!("'{}' {why}, so that it cannot be kept in {place}", excerpt(id));
        Self { kind: Kind::Unfit, why }
    }

    #[cfg(feature = "zookeeper")]
    pub(super) fn conflict(place: &str, kept: &str) -> Self {
        Self { kind: Kind::Conflict, why: format!("{place} was changed by somebody else: it holds {kept}") }
    }
}

pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "framework id: {}", self.why)
    }
}

impl std::error::Error for StoreError {}
