//! Patterns that match a whole value.

mod case;
mod emit;
mod engine;
mod items;
mod node;
mod parser;
mod property;
mod re2;
mod scripts;
mod sets;
mod simplify;
mod texts;

use std::{cmp::Ordering, fmt, hash, sync::Arc};

pub use self::re2::Re2Error;
use self::{
    engine::Engine,
    node::{Assertion, Node},
};
use crate::{MatchError, PatternError};

/// A Java regular expression that must match a whole value; cheap to clone.
///
/// ```
/// use placement_constraints::Pattern;
///
/// let pattern = Pattern::new("r[0-9]+")?;
/// assert_eq!(pattern.is_match("r17"), Ok(true));
/// assert_eq!(pattern.is_match("r17b"), Ok(false));
/// # Ok::<(), placement_constraints::PatternError>(())
/// ```
///
/// Equality and order are those of the text.
#[derive(Clone)]
pub struct Pattern(Arc<Parts>);

struct Parts {
    text: String,
    engine: Engine,
    /// Whether it has `\b` or `\B`.
    has_word_boundaries: bool,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// It is no Java regular expression, uses what is not supported, or is too large.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let node = simplify::simplify(parser::parse(text)?);
        let has_word_boundaries = node.any(&|part| {
            matches!(part, Node::Assertion(Assertion::WordBoundary | Assertion::NotWordBoundary))
        });
        let engine = Engine::new(&node).map_err(|reason| PatternError::new(text, 0, reason))?;
        Ok(Self(Arc::new(Parts { text: text.to_owned(), engine, has_word_boundaries })))
    }

    /// The text that it was compiled from.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The same for RE2, if there is such a text within the limits of a Mesos master.
    ///
    /// Masters match the whole text of an attribute against it, in the `text_matches` of an offer
    /// constraint. It needs at most 100 instructions of RE2, which is what masters allow by default; that is
    /// estimated, so that some that would fit are refused.
    ///
    /// ```
    /// use placement_constraints::Pattern;
    ///
    /// assert_eq!(Pattern::new("r\\d")?.re2().as_deref(), Ok("r[0-9]"));
    /// assert!(Pattern::new("(?!r1).*")?.re2().is_err());
    /// # Ok::<(), placement_constraints::PatternError>(())
    /// ```
    ///
    /// # Errors
    /// RE2 cannot express it, or might need more.
    pub fn re2(&self) -> Result<String, Re2Error> {
        // Read again, which is seldom needed, so that the tree need not be kept.
        match parser::parse(self.as_str()) {
            Ok(node) => re2::re2(&simplify::simplify(node)),
            Err(error) => Err(Re2Error::from(error)),
        }
    }

    /// Whether it matches the whole value.
    ///
    /// Takes time linear in the length of the value, except for look-around, back-references and what else
    /// needs backtracking, which is limited.
    ///
    /// # Errors
    /// It could not be decided: by backtracking within the limits; or at all, for a value so long, a megabyte
    /// and a pattern of 500 instructions, that it might take seconds; or the pattern has `\b` or `\B` and the
    /// value has characters for which it is not known whether Java counts them to a word: combining marks,
    /// connectors other than `_`, and what is younger than Unicode 13.
    pub fn is_match(&self, value: &str) -> Result<bool, MatchError> {
        if self.0.has_word_boundaries && !value.is_ascii() && value.chars().any(property::is_doubtful_in_word)
        {
            return Err(MatchError::word_boundaries());
        }
        self.0.engine.is_match(value)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Pattern").field(&self.as_str()).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl hash::Hash for Pattern {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
