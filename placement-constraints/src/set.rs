//! Constraints that must all hold.

use std::{fmt, sync::Arc};

use crate::{Attributes, Constraint, MissingAttribute, ParseErrors, ParseOptions, Reason, error::Shown};

/// Constraints that must all hold; compiled once, cheap to clone. An empty set always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConstraintSet {
    constraints: Arc<[Constraint]>,
    missing: MissingAttribute,
}

impl ConstraintSet {
    /// Parses a list of constraints whose parts are separated by one space.
    ///
    /// # Errors
    /// Some are wrong: the error holds all of those, with their index.
    pub fn parse(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, ParseErrors> {
        Self::parse_with(texts, &ParseOptions::default())
    }

    /// Parses a list of constraints.
    ///
    /// Indices are those of the list given, also if [`ParseOptions::drop_unknown_operators`] leaves entries
    /// out.
    ///
    /// # Errors
    /// Some are wrong: the error holds all of those, with their index.
    pub fn parse_with(
        texts: impl IntoIterator<Item = impl AsRef<str>>,
        options: &ParseOptions,
    ) -> Result<Self, ParseErrors> {
        let mut constraints = Vec::new();
        let mut errors = Vec::new();
        let mut total = 0;
        for (index, text) in texts.into_iter().enumerate() {
            total = index + 1;
            match Constraint::parse_with(text.as_ref(), options) {
                Ok(constraint) => constraints.push(constraint),
                Err(error) if options.drops(index, &error) => {}
                Err(error) => errors.push((index, error)),
            }
        }
        if errors.is_empty() {
            Ok(constraints.into_iter().collect())
        } else {
            Err(ParseErrors::new(errors, total))
        }
    }

    /// The same constraints with another meaning of a missing attribute.
    #[must_use]
    pub fn with_missing_attribute(mut self, missing: MissingAttribute) -> Self {
        self.missing = missing;
        self
    }

    /// What a missing attribute means.
    pub fn missing_attribute(&self) -> MissingAttribute {
        self.missing
    }

    /// The constraints, in the order in which they were given.
    pub fn iter(&self) -> std::slice::Iter<'_, Constraint> {
        self.constraints.iter()
    }

    /// How many constraints there are.
    pub fn len(&self) -> usize {
        self.constraints.len()
    }

    /// Whether there is no constraint: every set of attributes is satisfying.
    pub fn is_empty(&self) -> bool {
        self.constraints.is_empty()
    }

    /// Checks a set of attributes, up to the first constraint that fails.
    pub fn check<'a>(&'a self, attributes: &'a (impl Attributes + ?Sized)) -> Verdict<'a> {
        let mut constraints = self.iter();
        Verdict {
            failure: constraints.find_map(|constraint| constraint.check_with(attributes, self.missing).err()),
        }
    }

    /// Checks a set of attributes against every constraint.
    ///
    /// ```
    /// use placement_constraints::ConstraintSet;
    ///
    /// let rules = ConstraintSet::parse(["rack LIKE r1", "zone LIKE z.", "disk LIKE ssd"])?;
    /// let explanation = rules.explain(&[("rack", "r2"), ("zone", "z1")]);
    /// assert_eq!(
    ///     explanation.to_string(),
    ///     "'rack LIKE r1' fails: rack is 'r2'\n'zone LIKE z.' holds\n'disk LIKE ssd' fails: disk is missing"
    /// );
    /// # Ok::<(), placement_constraints::ParseErrors>(())
    /// ```
    pub fn explain<'a>(&'a self, attributes: &'a (impl Attributes + ?Sized)) -> Explanation<'a> {
        let outcomes =
            self.iter().map(|constraint| (constraint, constraint.check_with(attributes, self.missing)));
        Explanation { outcomes: outcomes.collect() }
    }
}

impl FromIterator<Constraint> for ConstraintSet {
    fn from_iter<I: IntoIterator<Item = Constraint>>(constraints: I) -> Self {
        Self { constraints: constraints.into_iter().collect(), missing: MissingAttribute::default() }
    }
}

impl<'a> IntoIterator for &'a ConstraintSet {
    type Item = &'a Constraint;
    type IntoIter = std::slice::Iter<'a, Constraint>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Whether a set of constraints holds, and if not, the first one that fails.
///
/// Displayed, it is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    failure: Option<Reason<'a>>,
}

impl<'a> Verdict<'a> {
    /// Whether all constraints hold.
    pub fn is_satisfied(&self) -> bool {
        self.failure.is_none()
    }

    /// The first constraint that fails, and why.
    pub fn failure(&self) -> Option<(&'a Constraint, &Reason<'a>)> {
        self.failure.as_ref().map(|reason| (reason.constraint(), reason))
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(reason) => write!(formatter, "'{}' fails: {reason}", shown(reason.constraint())),
            None => formatter.write_str("all constraints hold"),
        }
    }
}

/// What each constraint of a set says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<'a> {
    outcomes: Vec<(&'a Constraint, Result<(), Reason<'a>>)>,
}

impl<'a> Explanation<'a> {
    /// Whether all constraints hold.
    pub fn is_satisfied(&self) -> bool {
        self.outcomes.iter().all(|(_, outcome)| outcome.is_ok())
    }

    /// Each constraint and whether it holds, in the order of the set.
    pub fn iter(&self) -> impl Iterator<Item = (&'a Constraint, Result<(), &Reason<'a>>)> {
        self.outcomes.iter().map(|(constraint, outcome)| (*constraint, outcome.as_ref().copied()))
    }
}

/// A line for each constraint.
impl fmt::Display for Explanation<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (constraint, outcome)) in self.outcomes.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            let constraint = shown(constraint);
            match outcome {
                Ok(()) => write!(formatter, "{line_end}'{constraint}' holds")?,
                Err(reason) => write!(formatter, "{line_end}'{constraint}' fails: {reason}")?,
            }
        }
        Ok(())
    }
}

fn shown(constraint: &Constraint) -> Shown<'_> {
    Shown::new(constraint.as_str())
}
