//! The same pattern with less in it.
//!
//! What needs a backtracking engine in general often does not where it stands: `$` at the end of the whole
//! match, a possessive repetition that could give nothing back. Groups that nobody refers to are dissolved.

use std::{collections::BTreeSet, sync::Arc};

use regex_syntax::hir::ClassUnicode;

use super::{
    node::{Assertion, Node, Repetition, RepetitionKind},
    sets,
};

/// Simplifies a pattern that must match a whole value.
pub(super) fn simplify(node: Node) -> Node {
    let mut referred_to = BTreeSet::new();
    collect_references(&node, &mut referred_to);
    Simplifier { referred_to }.node(node, true)
}

fn collect_references(node: &Node, numbers: &mut BTreeSet<u32>) {
    if let Node::BackReference(number) = node {
        numbers.insert(*number);
    }
    node.parts().iter().for_each(|part| collect_references(part, numbers));
}

struct Simplifier {
    /// The groups that are kept.
    referred_to: BTreeSet<u32>,
}

impl Simplifier {
    /// `is_last` says that nothing but the end of the value can follow the node.
    fn node(&self, node: Node, is_last: bool) -> Node {
        match node {
            Node::Concatenation(parts) => self.concatenation(parts, is_last),
            Node::Alternatives(parts) => {
                Node::Alternatives(parts.into_iter().map(|part| self.node(part, is_last)).collect())
            }
            Node::Captured(number, part) if !self.referred_to.contains(&number) => self.node(*part, is_last),
            Node::Captured(number, part) => Node::Captured(number, Box::new(self.node(*part, is_last))),
            // Within these, what is tried first matters, so that a shorter way must stay one.
            Node::Atomic(part) => {
                let part = self.node(*part, false);
                if part.is_rigid() { part } else { Node::Atomic(Box::new(part)) }
            }
            Node::LookAround(kind, part) => Node::LookAround(kind, Box::new(self.node(*part, false))),
            Node::Repeated(part, repetition) => self.repeated(*part, repetition, is_last),
            Node::Assertion(Assertion::EndOrLastLine(_) | Assertion::LineEnd(_)) if is_last => {
                Node::Assertion(Assertion::End)
            }
            node @ (Node::Empty
            | Node::Character(_)
            | Node::Set(_)
            | Node::BackReference(_)
            | Node::Assertion(_)) => node,
        }
    }

    fn concatenation(&self, parts: Vec<Node>, is_last: bool) -> Node {
        let mut is_last = is_last;
        let mut reversed: Vec<Node> = Vec::with_capacity(parts.len());
        for part in parts.into_iter().rev() {
            let mut part = self.node(part, is_last);
            if let Node::Repeated(body, repetition) = &mut part {
                let follows = reversed.last().and_then(first);
                if gives_nothing_back(body, *repetition, is_last, follows.as_ref()) {
                    repetition.kind = RepetitionKind::Greedy;
                }
            }
            is_last &= part.length().1 == Some(0);
            match part {
                Node::Empty => {}
                Node::Concatenation(inner) => reversed.extend(inner.into_iter().rev()),
                part => reversed.push(part),
            }
        }
        reversed.reverse();
        match reversed.len() {
            0 => Node::Empty,
            1 => reversed.pop().unwrap_or(Node::Empty),
            _ => Node::Concatenation(reversed),
        }
    }

    fn repeated(&self, part: Node, mut repetition: Repetition, is_last: bool) -> Node {
        let may_go_on = repetition.most != Some(1);
        let part = self.node(part, is_last && !may_go_on && repetition.kind != RepetitionKind::Possessive);
        if gives_nothing_back(&part, repetition, is_last, None) {
            repetition.kind = RepetitionKind::Greedy;
        }
        match part {
            Node::Empty => Node::Empty,
            // Engines do not like these repeated.
            Node::LookAround(..) | Node::Assertion(_) if repetition.least == 0 => Node::Empty,
            Node::LookAround(..) | Node::Assertion(_) => part,
            part => Node::Repeated(Box::new(part), repetition),
        }
    }
}

/// Whether a possessive repetition means the same as a greedy one: what it could give back does no good.
fn gives_nothing_back(
    body: &Node,
    repetition: Repetition,
    is_last: bool,
    follows: Option<&ClassUnicode>,
) -> bool {
    let Some(set) = as_set(body) else { return false };
    let is_disjoint = || {
        follows.is_some_and(|follows| {
            let mut both = (*set).clone();
            both.intersect(follows);
            both.ranges().is_empty()
        })
    };
    repetition.kind == RepetitionKind::Possessive
        && (Some(repetition.least) == repetition.most || is_last || is_disjoint())
}

/// The set of something that is exactly one character.
fn as_set(node: &Node) -> Option<Arc<ClassUnicode>> {
    match node {
        Node::Character(character) => Some(Arc::new(sets::one(*character))),
        Node::Set(set) => Some(Arc::clone(set)),
        Node::Captured(_, part) => as_set(part),
        Node::Empty
        | Node::Concatenation(_)
        | Node::Alternatives(_)
        | Node::Repeated(..)
        | Node::Atomic(_)
        | Node::LookAround(..)
        | Node::BackReference(_)
        | Node::Assertion(_) => None,
    }
}

/// The set of the characters that something must begin with.
fn first(node: &Node) -> Option<ClassUnicode> {
    match node {
        Node::Character(_) | Node::Set(_) => as_set(node).map(|set| (*set).clone()),
        Node::Concatenation(parts) => parts.first().and_then(first),
        Node::Alternatives(parts) => parts
            .iter()
            .map(first)
            .reduce(|a, b| {
                a.zip(b).map(|(mut a, b)| {
                    a.union(&b);
                    a
                })
            })
            .flatten(),
        Node::Repeated(part, repetition) if repetition.least > 0 => first(part),
        Node::Captured(_, part) | Node::Atomic(part) => first(part),
        Node::Empty
        | Node::Repeated(..)
        | Node::LookAround(..)
        | Node::BackReference(_)
        | Node::Assertion(_) => None,
    }
}
