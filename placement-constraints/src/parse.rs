//! Constraints out of text.

use std::{fmt, sync::Arc};

use crate::{Operator, ParseError, ParseErrorKind, Pattern, constraint::Parts};

/// How constraints are written.
///
/// ```
/// use placement_constraints::{Constraint, ParseOptions};
///
/// let options = ParseOptions::default().delimiter("::");
/// assert_eq!(Constraint::parse_with("rack::LIKE::a::b", &options)?.pattern().as_str(), "a::b");
/// # Ok::<(), placement_constraints::ParseError>(())
/// ```
#[derive(Clone)]
pub struct ParseOptions {
    delimiter: String,
    on_unknown_operator: Option<OnUnknownOperator>,
}

/// Who is told of an entry that is left out.
type OnUnknownOperator = Arc<dyn Fn(usize, &ParseError) + Send + Sync>;

impl Default for ParseOptions {
    fn default() -> Self {
        Self { delimiter: Self::DEFAULT_DELIMITER.to_owned(), on_unknown_operator: None }
    }
}

impl ParseOptions {
    pub(crate) const DEFAULT_DELIMITER: &str = " ";

    /// Sets what separates the parts: plain text of one or more characters. One space by default.
    #[must_use]
    pub fn delimiter(mut self, delimiter: impl Into<String>) -> Self {
        self.delimiter = delimiter.into();
        self
    }

    /// Leaves entries of a list out whose operator is unknown, as Apache OpenWhisk did. By default they are
    /// errors.
    ///
    /// The closure is told of each, with its index in the list and the error that it would have been, while
    /// the list is parsed. The pattern of such an entry is not looked at; an entry without one is an error
    /// all the same, and so is a single constraint, which nothing can be left out of.
    ///
    /// A rule that is left out lets places through that its author meant to keep out: the closure should
    /// warn somebody.
    ///
    /// ```
    /// use placement_constraints::{ConstraintSet, ParseOptions};
    ///
    /// let options = ParseOptions::default()
    ///     .drop_unknown_operators(|index, error| eprintln!("constraint {index} is ignored: {error}"));
    /// let rules = ConstraintSet::parse_with(["rack LIKE r1", "zone EQUALS z1"], &options)?;
    /// assert_eq!(rules.len(), 1);
    /// # Ok::<(), placement_constraints::ParseErrors>(())
    /// ```
    #[must_use]
    pub fn drop_unknown_operators(
        mut self,
        on_drop: impl Fn(usize, &ParseError) + Send + Sync + 'static,
    ) -> Self {
        self.on_unknown_operator = Some(Arc::new(on_drop));
        self
    }

    /// Whether an entry is left out of a list because of an error; tells who wants to know.
    pub(crate) fn drops(&self, index: usize, error: &ParseError) -> bool {
        let (Some(on_drop), ParseErrorKind::UnknownOperator { .. }) =
            (&self.on_unknown_operator, error.kind())
        else {
            return false;
        };
        let value = error.text().splitn(3, &self.delimiter).nth(2);
        let is_whole = value.is_some_and(|value| !value.is_empty());
        if is_whole {
            on_drop(index, error);
        }
        is_whole
    }
}

impl fmt::Debug for ParseOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ParseOptions")
            .field("delimiter", &self.delimiter)
            .field("drops_unknown_operators", &self.on_unknown_operator.is_some())
            .finish()
    }
}

/// Splits a text at its first two delimiters and checks the parts, from left to right.
pub(crate) fn parse(text: &str, options: &ParseOptions) -> Result<Parts, ParseError> {
    let delimiter = options.delimiter.as_str();
    let fail = |at: usize, kind| Err(ParseError::new(text, at, delimiter, kind));
    if delimiter.is_empty() {
        return fail(0, ParseErrorKind::EmptyDelimiter);
    }
    let Some((attribute, rest)) = text.split_once(delimiter) else {
        let kind = if text.is_empty() { ParseErrorKind::EmptyAttribute } else { ParseErrorKind::NoOperator };
        return fail(text.len(), kind);
    };
    if attribute.is_empty() {
        return fail(0, ParseErrorKind::EmptyAttribute);
    }
    let operator_at = attribute.len() + delimiter.len();
    let (word, value) = match rest.split_once(delimiter) {
        Some((word, value)) => (word, Some(value)),
        None => (rest, None),
    };
    if word.is_empty() {
        return fail(operator_at, ParseErrorKind::EmptyOperator);
    }
    let Some(operator) = Operator::ALL.into_iter().find(|operator| operator.as_str() == word) else {
        let kind = ParseErrorKind::UnknownOperator { seen: word.to_owned(), suggestion: suggest(word) };
        return fail(operator_at, kind);
    };
    let Some(value) = value else {
        return fail(text.len(), ParseErrorKind::NoValue);
    };
    if value.is_empty() {
        return fail(text.len(), ParseErrorKind::EmptyValue);
    }
    match Pattern::new(value) {
        Ok(pattern) => Ok(Parts {
            text: text.to_owned(),
            delimiter: delimiter.to_owned(),
            attribute: attribute.to_owned(),
            operator,
            pattern,
        }),
        Err(error) => {
            let value_at = text.len() - value.len();
            fail(value_at + error.offset(), ParseErrorKind::BadPattern { reason: error.reason().to_owned() })
        }
    }
}

/// The operator that was probably meant.
fn suggest(word: &str) -> Option<Operator> {
    const MAX_MISTAKES: usize = 2;
    let word = word.to_ascii_uppercase();
    Operator::ALL
        .into_iter()
        .map(|operator| (mistakes(&word, operator.as_str()), operator))
        .filter(|(mistakes, _)| *mistakes <= MAX_MISTAKES)
        .min()
        .map(|(_, operator)| operator)
}

/// How many letters must be put in, left out, replaced, or swapped with their neighbour to get from one
/// word to the other.
fn mistakes(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().take(16).collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<_>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_recognized() {
        for (word, operator) in [
            ("LIEK", Some(Operator::Like)),
            ("like", Some(Operator::Like)),
            ("Unlike", Some(Operator::Unlike)),
            ("UNLKE", Some(Operator::Unlike)),
            ("LIKES", Some(Operator::Like)),
            ("NOTLIKE", None),
            ("EQUALS", None),
            ("=", None),
            ("IN", None),
        ] {
            assert_eq!(suggest(word), operator, "{word}");
        }
    }
}
