//! Patterns that match a whole value.

mod translate;

use std::{cmp::Ordering, fmt, hash};

use regex::{Regex, RegexBuilder};

use crate::{MatchError, PatternError};

/// Bytes that the automaton of one pattern may take.
const MAX_AUTOMATON_BYTES: usize = 4 << 20;

/// A Java regular expression that must match a whole value.
///
/// | construct | taken |
/// |---|---|
/// | literals, `\Q…\E`, `\.` and other escaped punctuation, `\t \n \r \f \a \e \xhh \uhhhh` | yes |
/// | `.` | yes: anything but Java's line terminators |
/// | `\d \D \w \W \s \S`, `\p{Alpha}` and the other POSIX names, `\P{…}` | yes: ASCII, as in Java |
/// | classes of characters, ranges and the above, `[^…]` | yes |
/// | classes in classes, `&&` | refused |
/// | `x* x+ x? x{n} x{n,} x{n,m}`, greedy or reluctant | yes |
/// | possessive repetitions, atomic groups | refused |
/// | `(…)`, `(?:…)`, alternatives | yes |
/// | look-around, back-references, named groups | refused |
/// | `(?i)` at the beginning | yes: ASCII letters, as in Java |
/// | other flags | refused |
/// | `^ \A \z`; `$` where the match ends | yes |
/// | `\b \B \Z \G`, Unicode properties | refused |
///
/// Whatever Java's compiler refuses is refused too.
///
/// ```
/// use placement_constraints::Pattern;
///
/// let pattern = Pattern::new("r[0-9]+")?;
/// assert_eq!(pattern.is_match("r17"), Ok(true));
/// assert_eq!(pattern.is_match("r17b"), Ok(false));
/// assert!(Pattern::new("(?<=a)b").is_err());
/// # Ok::<(), placement_constraints::PatternError>(())
/// ```
///
/// Equality and order are those of the text.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// It is no Java regular expression, uses what is not supported, or is too large.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let translated = translate::translate(text)?;
        let regex = RegexBuilder::new(&format!(r"\A(?:{translated})\z"))
            .size_limit(MAX_AUTOMATON_BYTES)
            .build()
            .map_err(|error| {
                let reason = match error {
                    regex::Error::CompiledTooBig(limit) => {
                        format!("the pattern is too large, its automaton would exceed {limit} bytes")
                    }
                    // What is left after the translation are groups nested too deeply.
                    other => other.to_string().lines().last().unwrap_or_default().to_owned(),
                };
                PatternError::new(text, 0, reason)
            })?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// The text that it was compiled from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches the whole value.
    ///
    /// # Errors
    /// It could not be decided within the limits.
    pub fn is_match(&self, value: &str) -> Result<bool, MatchError> {
        Ok(self.regex.is_match(value))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
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
        self.text.cmp(&other.text)
    }
}

impl hash::Hash for Pattern {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
