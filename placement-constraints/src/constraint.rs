//! One constraint and what it says about a set of attributes.

use std::{borrow::Cow, cmp::Ordering, fmt, hash, sync::Arc};

use crate::{Attributes, MatchError, ParseError, ParseOptions, Pattern, error::Shown, parse};

/// What a constraint asks of the value of its attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "UPPERCASE"))]
pub enum Operator {
    /// The pattern matches the whole value.
    Like,
    /// The pattern does not match the whole value.
    Unlike,
}

impl Operator {
    /// All operators.
    pub const ALL: [Self; 2] = [Self::Like, Self::Unlike];

    /// The operator as it is written: `LIKE` or `UNLIKE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Like => "LIKE",
            Self::Unlike => "UNLIKE",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a missing attribute means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum MissingAttribute {
    /// It fails both operators, as in Apache OpenWhisk.
    #[default]
    Fails,
    /// It fails `LIKE` and satisfies `UNLIKE`, as in Marathon and in the offer constraints of Mesos.
    SatisfiesUnlike,
}

/// A compiled constraint; cheap to clone.
///
/// Displayed, it is the text that it was parsed from. Equality and order are those of that text and its
/// delimiter.
///
/// ```
/// use placement_constraints::{Constraint, Operator};
///
/// let constraint = Constraint::parse("rack LIKE r[0-9]+")?;
/// assert_eq!(constraint.attribute(), "rack");
/// assert_eq!(constraint.operator(), Operator::Like);
/// assert_eq!(constraint.pattern().as_str(), "r[0-9]+");
/// assert_eq!(constraint.to_string(), "rack LIKE r[0-9]+");
/// let failure = constraint.check(&[("rack", "x1")]).unwrap_err();
/// assert_eq!(failure.to_string(), "rack is 'x1'");
/// # Ok::<(), placement_constraints::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Constraint(Arc<Parts>);

/// The parts of a constraint.
pub(crate) struct Parts {
    pub(crate) text: String,
    pub(crate) delimiter: String,
    pub(crate) attribute: String,
    pub(crate) operator: Operator,
    pub(crate) pattern: Pattern,
}

impl Constraint {
    /// Parses a constraint whose parts are separated by one space.
    ///
    /// # Errors
    /// The text is no constraint; the error says where and what was expected.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::parse_with(text, &ParseOptions::default())
    }

    /// Parses a constraint.
    ///
    /// # Errors
    /// The text is no constraint; the error says where and what was expected.
    pub fn parse_with(text: &str, options: &ParseOptions) -> Result<Self, ParseError> {
        parse::parse(text, options).map(|parts| Self(Arc::new(parts)))
    }

    /// The name of the attribute.
    pub fn attribute(&self) -> &str {
        &self.0.attribute
    }

    /// The operator.
    pub fn operator(&self) -> Operator {
        self.0.operator
    }

    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.0.pattern
    }

    /// The text that it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// What separates the parts of the text.
    pub fn delimiter(&self) -> &str {
        &self.0.delimiter
    }

    /// Checks a set of attributes, in which a missing attribute fails.
    ///
    /// # Errors
    /// The constraint does not hold, for the reason returned.
    #[inline]
    pub fn check<'a>(&'a self, attributes: &'a (impl Attributes + ?Sized)) -> Result<(), Reason<'a>> {
        self.check_with(attributes, MissingAttribute::default())
    }

    /// Checks a set of attributes.
    ///
    /// # Errors
    /// The constraint does not hold, for the reason returned.
    // Inlined, nothing is made of a reason that the caller does not look at: a tenth of a check.
    #[inline]
    pub fn check_with<'a>(
        &'a self,
        attributes: &'a (impl Attributes + ?Sized),
        missing: MissingAttribute,
    ) -> Result<(), Reason<'a>> {
        let Some(value) = attributes.get(self.attribute()) else {
            return match (self.operator(), missing) {
                (Operator::Unlike, MissingAttribute::SatisfiesUnlike) => Ok(()),
                (Operator::Like, MissingAttribute::SatisfiesUnlike) | (_, MissingAttribute::Fails) => {
                    Err(self.reason(None, None))
                }
            };
        };
        let wanted = match self.operator() {
            Operator::Like => true,
            Operator::Unlike => false,
        };
        match self.pattern().is_match(&value) {
            Ok(matches) if matches == wanted => Ok(()),
            Ok(_) => Err(self.reason(Some(value), None)),
            Err(error) => Err(self.reason(Some(value), Some(error))),
        }
    }

    fn reason<'a>(&'a self, value: Option<Cow<'a, str>>, undecided: Option<MatchError>) -> Reason<'a> {
        Reason { constraint: self, value, undecided }
    }
}

impl std::str::FromStr for Constraint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Constraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Constraint").field(&self.as_str()).finish()
    }
}

impl Constraint {
    fn key(&self) -> (&str, &str) {
        (&self.0.text, &self.0.delimiter)
    }
}

impl PartialEq for Constraint {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Constraint {}

impl PartialOrd for Constraint {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Constraint {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl hash::Hash for Constraint {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// Why a constraint does not hold.
///
/// Displayed, it is one line, in which a very long value is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason<'a> {
    // Borrowed: clones of an Arc by many threads at once would wait for each other's counting.
    constraint: &'a Constraint,
    value: Option<Cow<'a, str>>,
    undecided: Option<MatchError>,
}

impl<'a> Reason<'a> {
    /// The constraint that does not hold.
    pub fn constraint(&self) -> &'a Constraint {
        self.constraint
    }

    /// The attribute that was looked at.
    pub fn attribute(&self) -> &'a str {
        self.constraint.attribute()
    }

    /// The value that it has; `None` if it is missing.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Why it is not known whether the pattern matches the value. Such a constraint fails, be it `LIKE` or
    /// `UNLIKE`.
    pub fn undecided(&self) -> Option<&MatchError> {
        self.undecided.as_ref()
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attribute = Shown::new(self.attribute());
        match (self.value.as_deref().map(Shown::new), &self.undecided) {
            (Some(value), None) => write!(formatter, "{attribute} is '{value}'"),
            (Some(value), Some(error)) => write!(formatter, "{attribute} is '{value}': {error}"),
            (None, _) => write!(formatter, "{attribute} is missing"),
        }
    }
}
