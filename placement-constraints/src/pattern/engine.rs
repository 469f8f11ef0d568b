//! What decides whether a value matches.

use regex::{Regex, RegexBuilder};

use super::{
    emit::{Dialect, emit, is_regular},
    node::Node,
    re2,
    run::Run,
    texts::texts,
};
use crate::MatchError;

/// Bytes that the automaton of one pattern may take.
const MAX_AUTOMATON_BYTES: usize = 4 << 20;
/// How many steps one match may take at worst, when each byte meets each instruction of the automaton. That
/// is about a second; nearly always it takes far fewer.
const MAX_STEPS: usize = 200_000_000;
/// How often one match may go back. Each time may read much of the value again.
#[cfg(feature = "fancy-regex")]
const MAX_BACKTRACKS: usize = 100_000;
/// Parts of the largest pattern that is matched by backtracking, and bytes of the longest value: the time
/// for one match grows with both.
#[cfg(feature = "fancy-regex")]
const MAX_BACKTRACKING_PARTS: usize = 4096;
/// What the counts of repetitions may come to, nested ones multiplied. Not each round is a step back.
#[cfg(feature = "fancy-regex")]
const MAX_BACKTRACKING_ROUNDS: u32 = 1000;
#[cfg(feature = "fancy-regex")]
const MAX_BACKTRACKING_VALUE: usize = 16 << 10;

const TOO_LARGE: &str = "the pattern is too large";

/// A compiled pattern.
pub(super) enum Engine {
    /// The value is one of these.
    Texts(Box<[Box<str>]>),
    Run(Run),
    Regular {
        regex: Regex,
        /// Bytes of the longest value that is matched.
        longest: usize,
    },
    #[cfg(feature = "fancy-regex")]
    Backtracking(Box<fancy_regex::Regex>),
}

impl Engine {
    /// Compiles a pattern; an error is the reason in words.
    pub(super) fn new(node: &Node) -> Result<Self, String> {
        if let Some(texts) = texts(node) {
            return Ok(Self::Texts(texts.into_iter().map(String::into_boxed_str).collect()));
        }
        if let Some(run) = Run::of(node) {
            return Ok(Self::Run(run));
        }
        if !is_regular(node) {
            return Self::backtracking(node);
        }
        let pattern = anchored(node, Dialect::Regular)?;
        let built = RegexBuilder::new(&pattern).size_limit(MAX_AUTOMATON_BYTES).nest_limit(1000).build();
        let longest = MAX_STEPS / re2::cost(node).max(1);
        built.map(|regex| Self::Regular { regex, longest }).map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => {
                format!("{TOO_LARGE}, its automaton would exceed {limit} bytes")
            }
            // The syntax is our own; what is left are limits of the library.
            _ => TOO_LARGE.to_owned(),
        })
    }

    #[cfg(feature = "fancy-regex")]
    fn backtracking(node: &Node) -> Result<Self, String> {
        if node.count() > MAX_BACKTRACKING_PARTS {
            return Err(format!("{TOO_LARGE} for look-around or back-references"));
        }
        if node.rounds() > MAX_BACKTRACKING_ROUNDS {
            return Err(format!(
                "more than {MAX_BACKTRACKING_ROUNDS} rounds are too many for look-around or back-references"
            ));
        }
        let pattern = anchored(node, Dialect::Backtracking)?;
        let built = fancy_regex::RegexBuilder::new(&pattern)
            .backtrack_limit(MAX_BACKTRACKS)
            .delegate_size_limit(MAX_AUTOMATON_BYTES)
            .delegate_dfa_size_limit(MAX_AUTOMATON_BYTES)
            .build();
        match built {
            Ok(regex) => Ok(Self::Backtracking(Box::new(regex))),
            // Mostly look-behind that must look back too far, or in too many ways.
            Err(_) => Err("this use of look-around or back-references is not supported".to_owned()),
        }
    }

    #[cfg(not(feature = "fancy-regex"))]
    fn backtracking(_: &Node) -> Result<Self, String> {
        Err("look-around, back-references, atomic groups, possessive repetitions and anchors within the \
             pattern need the feature fancy-regex"
            .to_owned())
    }

    pub(super) fn is_match(&self, value: &str) -> Result<bool, MatchError> {
        match self {
            Self::Texts(texts) => Ok(texts.iter().any(|text| &**text == value)),
            Self::Run(run) => Ok(run.is_match(value)),
            Self::Regular { longest, .. } if value.len() > *longest => Err(MatchError::value_too_long()),
            Self::Regular { regex, .. } => Ok(regex.is_match(value)),
            #[cfg(feature = "fancy-regex")]
            Self::Backtracking(_) if value.len() > MAX_BACKTRACKING_VALUE => {
                Err(MatchError::too_much_backtracking())
            }
            #[cfg(feature = "fancy-regex")]
            Self::Backtracking(regex) => regex
                .is_match_input(fancy_regex::RegexInput::new(value).anchored(true))
                .map_err(|_| MatchError::too_much_backtracking()),
        }
    }
}

fn anchored(node: &Node, dialect: Dialect) -> Result<String, String> {
    let pattern = emit(node, dialect).ok_or(TOO_LARGE)?;
    Ok(format!(r"\A(?:{pattern})\z"))
}
