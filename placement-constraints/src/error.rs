//! What is wrong with a text, and where.

use std::fmt;

use crate::Operator;

/// A text that is no constraint. It shows the text, points at the character, and says what was expected.
///
/// ```
/// use placement_constraints::Constraint;
///
/// let error = Constraint::parse("rack LIEK a").unwrap_err();
/// assert_eq!(error.column(), 6);
/// assert_eq!(
///     error.to_string(),
///     "invalid constraint 'rack LIEK a' at column 6: unknown operator 'LIEK', expected LIKE or UNLIKE; \
///      did you mean LIKE?"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    text: String,
    column: usize,
    delimiter: String,
    kind: ParseErrorKind,
}

/// What is wrong with the text of a constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The delimiter of the options is empty: the options are wrong, not the text.
    EmptyDelimiter,
    /// Nothing stands before the first delimiter.
    EmptyAttribute,
    /// There is no delimiter after the attribute.
    NoOperator,
    /// Nothing stands between the first two delimiters, or after the only one.
    EmptyOperator,
    /// The operator is none.
    UnknownOperator {
        /// The word that stands in its place.
        seen: String,
        /// What was probably meant.
        suggestion: Option<Operator>,
    },
    /// There is no delimiter after the operator.
    NoValue,
    /// Nothing stands after the second delimiter.
    EmptyValue,
    /// The pattern is wrong, or not supported.
    BadPattern {
        /// Why, in words.
        reason: String,
    },
}

impl ParseError {
    /// An error at a byte of the text.
    pub(crate) fn new(text: &str, offset: usize, delimiter: &str, kind: ParseErrorKind) -> Self {
        Self { text: text.to_owned(), column: column(text, offset), delimiter: delimiter.to_owned(), kind }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it is wrong: the number of the character, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong.
    pub fn kind(&self) -> &ParseErrorKind {
        &self.kind
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, column, delimiter, kind } = self;
        let delimiter = Shown::new(delimiter);
        write!(formatter, "invalid constraint '{}' at column {column}: ", Shown::around(text, *column))?;
        match kind {
            ParseErrorKind::EmptyDelimiter => {
                formatter.write_str("the delimiter is empty, expected one or more characters")
            }
            ParseErrorKind::EmptyAttribute => formatter.write_str("expected the name of an attribute"),
            ParseErrorKind::NoOperator => {
                write!(formatter, "expected '{delimiter}' and LIKE or UNLIKE after the attribute")
            }
            ParseErrorKind::EmptyOperator => {
                write!(formatter, "expected LIKE or UNLIKE after the first '{delimiter}'")
            }
            ParseErrorKind::UnknownOperator { seen, suggestion } => {
                write!(formatter, "unknown operator '{}', expected LIKE or UNLIKE", Shown::new(seen))?;
                match suggestion {
                    Some(operator) => write!(formatter, "; did you mean {operator}?"),
                    None => Ok(()),
                }
            }
            ParseErrorKind::NoValue => {
                write!(formatter, "expected '{delimiter}' and a pattern after the operator")
            }
            ParseErrorKind::EmptyValue => {
                write!(formatter, "expected a pattern after the second '{delimiter}'")
            }
            ParseErrorKind::BadPattern { reason } => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for ParseError {}

/// All wrong entries of a list of constraints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseErrors {
    errors: Vec<(usize, ParseError)>,
    total: usize,
}

impl ParseErrors {
    pub(crate) fn new(errors: Vec<(usize, ParseError)>, total: usize) -> Self {
        Self { errors, total }
    }

    /// The wrong entries: the index of each, from 0, and what is wrong.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &ParseError)> {
        self.errors.iter().map(|(index, error)| (*index, error))
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { errors, total } = self;
        write!(formatter, "{} of {total} constraints are invalid", errors.len())?;
        for (index, error) in errors {
            write!(formatter, "; [{index}] {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseErrors {}

/// A text that is no pattern, or one that is not supported.
///
/// ```
/// use placement_constraints::Pattern;
///
/// let error = Pattern::new("r[0-9").unwrap_err();
/// assert_eq!(error.to_string(), "invalid pattern 'r[0-9' at column 2: this class is not closed, expected ]");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    text: String,
    offset: usize,
    reason: String,
}

impl PatternError {
    /// An error at a byte of the text.
    pub(crate) fn new(text: &str, offset: usize, reason: impl Into<String>) -> Self {
        Self { text: text.to_owned(), offset, reason: reason.into() }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it is wrong: the number of the character, from 1.
    pub fn column(&self) -> usize {
        column(&self.text, self.offset)
    }

    /// What is wrong, in words.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "invalid pattern '{}' at column {}: {}",
            Shown::around(&self.text, self.column()),
            self.column(),
            self.reason
        )
    }
}

impl std::error::Error for PatternError {}

/// A pattern could not be decided for a value; see [`Pattern::is_match`](crate::Pattern::is_match).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchError {
    reason: &'static str,
}

impl MatchError {
    #[cfg(feature = "fancy-regex")]
    pub(crate) fn too_much_backtracking() -> Self {
        Self { reason: "undecided, the pattern needs too much backtracking for this value" }
    }

    pub(crate) fn value_too_long() -> Self {
        Self { reason: "undecided, the value is too long for a pattern of this size" }
    }

    pub(crate) fn look_behind() -> Self {
        Self { reason: "undecided, look-behind is not defined for all characters of this value" }
    }

    pub(crate) fn word_boundaries() -> Self {
        Self { reason: "undecided, \\b is not defined for all characters of this value" }
    }
}

impl fmt::Display for MatchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.reason)
    }
}

impl std::error::Error for MatchError {}

/// The number of the character at a byte, from 1.
fn column(text: &str, offset: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < offset).count() + 1
}

/// A text on one line: what would break or reorder the line is escaped, and a very long text is cut.
pub(crate) struct Shown<'a> {
    text: &'a str,
    /// The character that must be in view, from 1.
    column: usize,
}

impl<'a> Shown<'a> {
    const MAX_CHARACTERS: usize = 1000;

    pub(crate) fn new(text: &'a str) -> Self {
        Self::around(text, 1)
    }

    fn around(text: &'a str, column: usize) -> Self {
        Self { text, column }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.text.chars().count();
        let before = if self.column <= Self::MAX_CHARACTERS {
            0
        } else {
            let centred = self.column - Self::MAX_CHARACTERS / 2;
            centred.min(total.saturating_sub(Self::MAX_CHARACTERS))
        };
        if before > 0 {
            write!(formatter, "({before} characters) …")?;
        }
        for character in self.text.chars().skip(before).take(Self::MAX_CHARACTERS) {
            if breaks_or_reorders_the_line(character) {
                write!(formatter, "{}", character.escape_default())?;
            } else {
                write!(formatter, "{character}")?;
            }
        }
        match (total - before).saturating_sub(Self::MAX_CHARACTERS) {
            0 => Ok(()),
            more => write!(formatter, "… ({more} more characters)"),
        }
    }
}

/// Whether a character is a control, a line or paragraph separator, or one that sets the direction of text.
fn breaks_or_reorders_the_line(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{61C}'
        )
}
