//! What a pattern is made of.

use std::sync::Arc;

use regex_syntax::hir::ClassUnicode;

use super::sets;

/// A part of a pattern, with all flags resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Matches nothing at all, in between characters.
    Empty,
    Character(char),
    /// One character out of a set; of an empty set there is none.
    Set(Arc<ClassUnicode>),
    Concatenation(Vec<Self>),
    Alternatives(Vec<Self>),
    Repeated(Box<Self>, Repetition),
    /// A group that can be referred to by its number.
    Captured(u32, Box<Self>),
    /// Once it has matched, it is not tried in other ways.
    Atomic(Box<Self>),
    LookAround(LookAround, Box<Self>),
    BackReference(u32),
    Assertion(Assertion),
}

/// How often something is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repetition {
    pub(super) least: u32,
    pub(super) most: Option<u32>,
    pub(super) kind: RepetitionKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RepetitionKind {
    Greedy,
    Reluctant,
    Possessive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookAround {
    Ahead,
    NotAhead,
    Behind,
    NotBehind,
}

/// Something that holds between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    Start,
    End,
    /// At the end, or before the line terminator that ends the text.
    EndOrLastLine(LineTerminators),
    LineStart(LineTerminators),
    LineEnd(LineTerminators),
    WordBoundary,
    NotWordBoundary,
}

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineTerminators {
    /// `\n`, `\r`, `\r\n`, next line, line separator, paragraph separator.
    All,
    /// `\n`, with the flag `d`.
    LineFeed,
}

impl Node {
    /// A line break of `\R`, the longer one first.
    pub(super) fn line_break() -> Self {
        let both = Self::Concatenation(vec![Self::Character('\r'), Self::Character('\n')]);
        Self::Alternatives(vec![both, Self::Set(Arc::new(sets::of(sets::VERTICAL_SPACE)))])
    }

    /// How many characters it matches at least and, unless there is no limit, at most.
    pub(super) fn length(&self) -> (u32, Option<u32>) {
        match self {
            Self::Empty | Self::LookAround(..) | Self::Assertion(_) => (0, Some(0)),
            Self::Character(_) | Self::Set(_) => (1, Some(1)),
            Self::Concatenation(parts) => parts.iter().map(Self::length).fold((0, Some(0)), |sum, part| {
                (sum.0.saturating_add(part.0), sum.1.zip(part.1).and_then(|(a, b)| a.checked_add(b)))
            }),
            Self::Alternatives(parts) => parts
                .iter()
                .map(Self::length)
                .reduce(|a, b| (a.0.min(b.0), a.1.zip(b.1).map(|(a, b)| a.max(b))))
                .unwrap_or((0, Some(0))),
            Self::Repeated(part, repetition) => {
                let (least, most) = part.length();
                let most = match (most, repetition.most) {
                    (Some(0), _) => Some(0),
                    (most, times) => most.zip(times).and_then(|(length, times)| length.checked_mul(times)),
                };
                (least.saturating_mul(repetition.least), most)
            }
            Self::Captured(_, part) | Self::Atomic(part) => part.length(),
            Self::BackReference(_) => (0, None),
        }
    }

    /// Whether there is only one way to match it from a place on.
    pub(super) fn is_rigid(&self) -> bool {
        match self {
            Self::Empty
            | Self::Character(_)
            | Self::Set(_)
            | Self::Assertion(_)
            | Self::BackReference(_)
            | Self::Atomic(_)
            | Self::LookAround(..) => true,
            Self::Concatenation(parts) => parts.iter().all(Self::is_rigid),
            Self::Repeated(part, repetition) => Some(repetition.least) == repetition.most && part.is_rigid(),
            Self::Captured(_, part) => part.is_rigid(),
            Self::Alternatives(_) => false,
        }
    }

    /// How many parts it has, itself included.
    #[cfg(feature = "fancy-regex")]
    pub(super) fn count(&self) -> usize {
        1 + self.parts().iter().map(Self::count).sum::<usize>()
    }

    /// The largest count of a repetition, times those of what it repeats.
    #[cfg(feature = "fancy-regex")]
    pub(super) fn rounds(&self) -> u32 {
        let inner = self.parts().iter().map(Self::rounds).max().unwrap_or(1);
        match self {
            Self::Repeated(_, repetition) => {
                let times = repetition.most.unwrap_or(repetition.least).max(1);
                times.saturating_mul(inner)
            }
            Self::Empty
            | Self::Character(_)
            | Self::Set(_)
            | Self::Concatenation(_)
            | Self::Alternatives(_)
            | Self::Captured(..)
            | Self::Atomic(_)
            | Self::LookAround(..)
            | Self::BackReference(_)
            | Self::Assertion(_) => inner,
        }
    }

    /// Whether it, or something in it, is as asked.
    pub(super) fn any(&self, asked: &impl Fn(&Self) -> bool) -> bool {
        asked(self) || self.parts().iter().any(|part| part.any(asked))
    }

    /// What it is made of.
    pub(super) fn parts(&self) -> &[Self] {
        match self {
            Self::Concatenation(parts) | Self::Alternatives(parts) => parts,
            Self::Repeated(part, _)
            | Self::Captured(_, part)
            | Self::Atomic(part)
            | Self::LookAround(_, part) => std::slice::from_ref(&**part),
            Self::Empty | Self::Character(_) | Self::Set(_) | Self::BackReference(_) | Self::Assertion(_) => {
                &[]
            }
        }
    }
}
