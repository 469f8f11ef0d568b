//! The same pattern for RE2, with which Mesos masters filter offers.
//!
//! What RE2 compiles a pattern to must not be longer than 100 instructions, `RE2::ProgramSize()`, by default;
//! its limit of 4096 bytes of memory is met later. How long it gets is estimated here from above: by the
//! costs of the constructs, measured with RE2, less what RE2 saves by sharing.

use std::{collections::BTreeMap, fmt, sync::Arc};

use regex_syntax::{
    hir::{ClassUnicode, ClassUnicodeRange},
    utf8::Utf8Sequences,
};

use crate::PatternError;

use super::{
    emit::{Dialect, emit, is_regular},
    node::{Assertion, Node},
    simplify,
};

/// Instructions of the longest program.
const MAX_SIZE: usize = 100;
/// What versions of RE2 may differ by where there are branches.
const MARGIN: usize = 4;
/// Instructions of a program that matches nothing but the empty text.
const EMPTY_SIZE: usize = 4;
/// How many alternatives of plain text are searched for common parts.
const MAX_TEXTS: usize = 500;

/// Why there is no RE2 text for a pattern; see [`Pattern::re2`](crate::Pattern::re2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Re2Error {
    reason: String,
}

impl fmt::Display for Re2Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for Re2Error {}

impl Re2Error {
    pub(super) fn too_long() -> Self {
        Self { reason: "the pattern is too long for the limits of a master".to_owned() }
    }
}

impl From<PatternError> for Re2Error {
    fn from(error: PatternError) -> Self {
        Self { reason: error.to_string() }
    }
}

/// Writes a pattern for RE2.
pub(super) fn re2(node: &Node) -> Result<String, Re2Error> {
    let fail = |reason: String| Err(Re2Error { reason });
    if !is_regular(node) {
        return fail("RE2 has no look-around, back-references, or possessive repetitions".to_owned());
    }
    if node.any(&|part| matches!(part, Node::Assertion(Assertion::WordBoundary | Assertion::NotWordBoundary)))
    {
        return fail("RE2 has other word boundaries, those of ASCII".to_owned());
    }
    let node = simplify::simplify(factored(node));
    if node.any(&|part| matches!(part, Node::Repeated(part, _) if part.length().0 == 0)) {
        return fail("versions of RE2 differ in repetitions of what may be empty".to_owned());
    }
    let is_straight = !node.any(&|part| matches!(part, Node::Repeated(..) | Node::Alternatives(_)));
    let limit = if is_straight { MAX_SIZE } else { MAX_SIZE - MARGIN };
    match cost(&node).saturating_add(EMPTY_SIZE) {
        size if size > limit => {
            fail(format!("RE2 may need {size} instructions, masters allow {MAX_SIZE} by default"))
        }
        _ => match emit(&node, Dialect::Regular) {
            Some(text) => Ok(text),
            None => fail("it becomes too long".to_owned()),
        },
    }
}

/// How many instructions a node takes at most.
pub(super) fn cost(node: &Node) -> usize {
    match node {
        Node::Empty => 0,
        Node::Character(character) => character.len_utf8(),
        Node::Set(set) => set.ranges().iter().map(range_cost).fold(0, usize::saturating_add),
        Node::Concatenation(parts) => parts.iter().map(cost).fold(0, usize::saturating_add),
        Node::Alternatives(parts) => parts
            .iter()
            .map(|part| cost(part).saturating_add(if part.length().0 == 0 { 3 } else { 1 }))
            .fold(0, usize::saturating_add),
        Node::Repeated(part, repetition) => {
            let is_nested = part.any(&|part| matches!(part, Node::Repeated(..)));
            let once = cost(part).saturating_mul(if is_nested { 2 } else { 1 });
            let least = repetition.least as usize;
            match repetition.most {
                None => once.saturating_mul(least.max(1)).saturating_add(2),
                Some(most) => {
                    let optional = (most - repetition.least) as usize;
                    let optional = optional.saturating_mul(once.saturating_add(2));
                    once.saturating_mul(least).saturating_add(optional)
                }
            }
        }
        Node::Captured(_, part) => cost(part).saturating_add(2),
        Node::Assertion(_) => 1,
        // Not regular.
        Node::Atomic(_) | Node::LookAround(..) | Node::BackReference(_) => usize::MAX,
    }
}

fn range_cost(range: &ClassUnicodeRange) -> usize {
    Utf8Sequences::new(range.start(), range.end()).map(|sequence| sequence.len()).sum()
}

/// The same with alternatives of plain text written so that common parts stand once.
fn factored(node: &Node) -> Node {
    match node {
        Node::Alternatives(parts) => match plain_texts(parts) {
            Some(texts) => of_texts(&texts),
            None => Node::Alternatives(parts.iter().map(factored).collect()),
        },
        Node::Concatenation(parts) => Node::Concatenation(parts.iter().map(factored).collect()),
        Node::Repeated(part, repetition) => Node::Repeated(Box::new(factored(part)), *repetition),
        Node::Captured(number, part) => Node::Captured(*number, Box::new(factored(part))),
        Node::Atomic(_)
        | Node::LookAround(..)
        | Node::Empty
        | Node::Character(_)
        | Node::Set(_)
        | Node::BackReference(_)
        | Node::Assertion(_) => node.clone(),
    }
}

/// The alternatives, in order and once each, if all are plain text.
fn plain_texts(parts: &[Node]) -> Option<Vec<Vec<char>>> {
    if parts.len() > MAX_TEXTS {
        return None;
    }
    let mut texts = parts.iter().map(plain_text).collect::<Option<Vec<_>>>()?;
    texts.sort_unstable();
    texts.dedup();
    Some(texts)
}

fn plain_text(node: &Node) -> Option<Vec<char>> {
    match node {
        Node::Empty => Some(Vec::new()),
        Node::Character(character) => Some(vec![*character]),
        Node::Concatenation(parts) => {
            parts.iter().map(plain_text).collect::<Option<Vec<_>>>().map(|texts| texts.concat())
        }
        Node::Set(_)
        | Node::Alternatives(_)
        | Node::Repeated(..)
        | Node::Captured(..)
        | Node::Atomic(_)
        | Node::LookAround(..)
        | Node::BackReference(_)
        | Node::Assertion(_) => None,
    }
}

/// What matches exactly these texts, of which none is there twice.
fn of_texts(texts: &[Vec<char>]) -> Node {
    let before = common(texts, |text, index| text.get(index));
    let rests: Vec<&[char]> = texts.iter().map(|text| &text[before..]).collect();
    let after = common(&rests, |text, index| {
        index.checked_add(1).and_then(|back| text.len().checked_sub(back)).map(|at| &text[at])
    });
    let Some(first) = texts.first() else { return Node::Set(Arc::new(ClassUnicode::empty())) };
    let mut parts: Vec<Node> = first[..before].iter().copied().map(Node::Character).collect();
    let middles = rests.iter().map(|text| text[..text.len() - after].to_vec());
    parts.extend(branches(middles.collect()));
    parts.extend(first[first.len() - after..].iter().copied().map(Node::Character));
    Node::Concatenation(parts)
}

/// How many elements from one side on are the same in all texts.
fn common<T>(texts: &[T], element: impl Fn(&T, usize) -> Option<&char>) -> usize {
    let Some(first) = texts.first() else { return 0 };
    (0..)
        .take_while(|index| {
            let wanted = element(first, *index);
            wanted.is_some() && texts.iter().all(|text| element(text, *index) == wanted)
        })
        .count()
}

/// Alternatives that differ in their first character; those that go on in the same way share a class.
fn branches(texts: Vec<Vec<char>>) -> Option<Node> {
    let mut rests_by_first: BTreeMap<char, Vec<Vec<char>>> = BTreeMap::new();
    let mut alternatives = Vec::new();
    for text in texts {
        match text.split_first() {
            Some((first, rest)) => rests_by_first.entry(*first).or_default().push(rest.to_vec()),
            None => alternatives.push(Node::Empty),
        }
    }
    let mut firsts_by_rests: BTreeMap<Vec<Vec<char>>, Vec<char>> = BTreeMap::new();
    for (first, rests) in rests_by_first {
        firsts_by_rests.entry(rests).or_default().push(first);
    }
    let mut groups: Vec<_> = firsts_by_rests.into_iter().map(|(rests, firsts)| (firsts, rests)).collect();
    groups.sort_unstable();
    for (firsts, rests) in groups {
        let firsts = firsts.iter().map(|first| ClassUnicodeRange::new(*first, *first));
        let first = Node::Set(Arc::new(ClassUnicode::new(firsts)));
        alternatives.push(Node::Concatenation(vec![first, of_texts(&rests)]));
    }
    match alternatives.len() {
        0 => None,
        1 => alternatives.pop(),
        _ => Some(Node::Alternatives(alternatives)),
    }
}
