//! Placement rules of the form `attribute LIKE pattern`: parse once, check many attribute sets, say why not.
//!
//! A rule names an attribute of a place (an agent, a node, a host), an operator, and a pattern:
//!
//! ```
//! use placement_constraints::ConstraintSet;
//! use std::collections::BTreeMap;
//!
//! let rules = ConstraintSet::parse(["rack LIKE r[0-9]+", "zone UNLIKE test-.*"])?;
//! let node = BTreeMap::from([("rack", "r17"), ("zone", "test-3")]);
//! let verdict = rules.check(&node);
//! assert!(!verdict.is_satisfied());
//! assert_eq!(verdict.to_string(), "'zone UNLIKE test-.*' fails: zone is 'test-3'");
//! # Ok::<(), placement_constraints::ParseErrors>(())
//! ```
//!
//! # Grammar
//!
//! `<attribute><delimiter><operator><delimiter><pattern>`. The delimiter is plain text, one space unless
//! [`ParseOptions`] say otherwise. The first two delimiters split; the pattern is all the rest and may hold
//! the delimiter. Nothing is trimmed, and no part may be empty. An unknown operator is an error;
//! [`ParseOptions::drop_unknown_operators`] leaves such an entry out of a list and tells a closure.
//!
//! # Semantics
//!
//! | | the value matches | it does not | the attribute is missing |
//! |---|---|---|---|
//! | `LIKE` | holds | fails | fails |
//! | `UNLIKE` | fails | holds | fails; holds with [`MissingAttribute::SatisfiesUnlike`] |
//!
//! A pattern must match the whole value. A set holds if all of its constraints do; an empty one holds.
//!
//! # Patterns
//!
//! Patterns are Java regular expressions, because the rules in use come from schedulers written for the
//! JVM. A pattern means what it means in Java or is refused when it is parsed: [`Pattern`] lists what is
//! taken. Matching takes time linear in the value, and is limited where it cannot; a pattern that meets a
//! limit is [undecided](Reason::undecided), and its constraint fails. [`Pattern::re2`] gives the text for the
//! offer constraints of a Mesos master.
//!
//! # Attributes
//!
//! Values are text, from anything that implements [`Attributes`]. Who has numbers, ranges or sets makes
//! text of them first. For Apache Mesos that is: a scalar without trailing zeros (`7`, `7.5`), ranges as
//! `[1-3,8-9]`, a set sorted as `{a,b}`; of two attributes of one name the first counts.
//!
//! # Cost
//!
//! A check looks an attribute up and matches; it allocates only if the attributes do, if the engine of a
//! pattern meets something for the first time, or if the pattern needs backtracking. Sets, constraints and
//! patterns are shared, so that a clone costs next to nothing, and may be used by many threads.
//!
//! # Features
//!
//! - `fancy-regex` (default): patterns with look-around, back-references and what else needs backtracking.
//! - `serde`: [`Constraint`] as its text, [`ConstraintSet`] as a list of texts, [`Operator`] as `LIKE` or
//!   `UNLIKE`, [`MissingAttribute`] as `fails` or `satisfies-unlike`. Texts that are read have the parts
//!   separated by one space; a list reports all its wrong entries at once. What its text alone does not tell
//!   is not written but an error: a constraint with another delimiter, a set in which a missing attribute
//!   satisfies `UNLIKE`.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod attributes;
mod constraint;
mod error;
mod parse;
mod pattern;
#[cfg(feature = "serde")]
mod serde;
mod set;

pub use self::{
    attributes::Attributes,
    constraint::{Constraint, MissingAttribute, Operator, Reason},
    error::{MatchError, ParseError, ParseErrorKind, ParseErrors, PatternError},
    parse::ParseOptions,
    pattern::{Pattern, Re2Error},
    set::{ConstraintSet, Explanation, Verdict},
};
