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
    /// There is no delimiter, or no operator after it.
    NoOperator,
    /// The operator is none.
    UnknownOperator {
        /// The word that stands in its place.
        seen: String,
        /// What was probably meant.
        suggestion: Option<Operator>,
    },
    /// Nothing stands after the operator.
    NoValue,
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
        write!(formatter, "invalid constraint '{}' at column {column}: ", Shown(text))?;
        match kind {
            ParseErrorKind::EmptyDelimiter => formatter.write_str("the delimiter is empty"),
            ParseErrorKind::EmptyAttribute => formatter.write_str("expected the name of an attribute"),
            ParseErrorKind::NoOperator => {
                write!(formatter, "expected '{delimiter}' and LIKE or UNLIKE after the attribute")
            }
            ParseErrorKind::UnknownOperator { seen, suggestion } => {
                write!(formatter, "unknown operator '{}', expected LIKE or UNLIKE", Shown(seen))?;
                match suggestion {
                    Some(operator) => write!(formatter, "; did you mean {operator}?"),
                    None => Ok(()),
                }
            }
            ParseErrorKind::NoValue => {
                write!(formatter, "expected '{delimiter}' and a pattern after the operator")
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
            Shown(&self.text),
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

/// A text on one line: control characters are escaped, and a very long one is cut.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_CHARACTERS: usize = 1000;
        for character in self.0.chars().take(MAX_CHARACTERS) {
            if character.is_control() {
                write!(formatter, "{}", character.escape_default())?;
            } else {
                write!(formatter, "{character}")?;
            }
        }
        match self.0.chars().count().checked_sub(MAX_CHARACTERS) {
            None | Some(0) => Ok(()),
            Some(more) => write!(formatter, "… ({more} more characters)"),
        }
    }
}
