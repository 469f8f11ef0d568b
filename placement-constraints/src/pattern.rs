//! Patterns that match a whole value.

mod case;
mod doubts;
mod emit;
mod engine;
mod items;
mod node;
mod parser;
mod property;
mod re2;
mod run;
mod scripts;
mod sets;
mod simplify;
mod texts;

use std::{cmp::Ordering, fmt, hash, sync::Arc};

pub use self::re2::Re2Error;
use self::{
    engine::Engine,
    node::{Assertion, LookAround, Node},
};
use crate::{MatchError, PatternError};

/// Bytes of the longest pattern that is tried to be written for RE2.
const MAX_RE2_SOURCE: usize = 16 << 10;

/// A Java regular expression that must match a whole value; cheap to clone.
///
/// It means what it means in Java 17, `Pattern.compile(pattern).matcher(value).matches()`, or is refused:
///
/// | in Java | here |
/// |---|---|
/// | plain text, also quoted with `\Q…\E`, and up to 16 alternatives of it | compared, without an engine |
/// | plain text and then a class or `.` repeated: `rack-.*`, `r[0-9]+` | compared, without an engine |
/// | `.`, `\d \w \s \h \v` and their complements, classes with ranges, unions, `&&`, `^` | linear, as explicit sets: ASCII without `U`, `.` stops at all of Java's line terminators |
/// | `\p{Alpha}` and the like, categories, scripts, `\p{IsAlphabetic}` and the like, `\p{javaLetter}` and the like | linear, as explicit sets of Unicode 13, which Java 17 knows |
/// | `(…)`, `(?:…)`, `(?<name>…)`, alternatives, `* + ? {n} {n,} {n,m}`, greedy and reluctant | linear |
/// | possessive repetitions, atomic groups | linear where it makes no difference, else backtracking |
/// | flags `i d m s u x U`, alone or of a group | resolved; `i` is ASCII without `u` |
/// | `^ \A \G \z`; `$ \Z` at the end of the match | linear |
/// | `$ \Z` elsewhere, `^ $` with `m` | backtracking |
/// | `\R` | linear; backtracking if repeated |
/// | `\b \B` | linear; undecided for a value with combining marks and other doubtful characters, which versions of Java treat differently |
/// | look-ahead | backtracking |
/// | look-behind with an obvious limit | backtracking; undecided for a value with characters beyond U+FFFF, of which Java may see halves |
/// | back-references | backtracking |
/// | `\t \n \r \f \a \e \cx \0nn \xhh \x{h…} \uhhhh`, escaped punctuation | linear |
/// | `a{1,2}{3}`, `{2}` | as in Java, which repeats the empty text there |
/// | back-references with `i`, into look-around, into their own group, ahead, or to a group in a repetition of what may be empty; `\R` in a repeated group | refused |
/// | anchors and look-around in two or more rounds that may be empty: `(?:^\|a){2}`; alternatives in rounds that may be empty within atomic groups | refused: Java leaves a loop after an empty round |
/// | `\p{Lu}`, `\p{Lower}` and the like with `i` | refused: versions of Java differ |
/// | blocks such as `\p{InGreek}`, some `\p{java…}` | refused |
/// | `\X`, `\b{g}`, `\N{…}`, the flag `c`, `(?-U)`, halves of surrogate pairs, NUL as it is | refused |
/// | `[a&&]`, members after an intersection, white space within a construct with `x` | refused: Java takes them in ways that nobody means |
/// | nesting deeper than 60, automata beyond 4 MiB | refused |
///
/// Backtracking needs the feature `fancy-regex`. It is limited, for one match, to 100,000 steps back and
/// values of 16 KiB; beyond, the pattern is undecided.
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
    has_look_behind: bool,
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
        let has_look_behind =
            node.any(&|part| matches!(part, Node::LookAround(LookAround::Behind | LookAround::NotBehind, _)));
        let engine = Engine::new(&node).map_err(|reason| PatternError::new(text, 0, reason))?;
        Ok(Self(Arc::new(Parts { text: text.to_owned(), engine, has_word_boundaries, has_look_behind })))
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
        if self.as_str().len() > MAX_RE2_SOURCE {
            return Err(Re2Error::too_long());
        }
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
    /// and a pattern of 200 instructions, that it might take long; or the pattern has `\b` or `\B` and the
    /// value has characters for which it is not known whether Java counts them to a word: combining marks,
    /// connectors other than `_`, and what is younger than Unicode 13;
    /// or it has look-behind and the value characters beyond U+FFFF.
    pub fn is_match(&self, value: &str) -> Result<bool, MatchError> {
        if self.0.has_word_boundaries && !value.is_ascii() && value.chars().any(property::is_doubtful_in_word)
        {
            return Err(MatchError::word_boundaries());
        }
        if self.0.has_look_behind && value.chars().any(|character| character > '\u{FFFF}') {
            return Err(MatchError::look_behind());
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
