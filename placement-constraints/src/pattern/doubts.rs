//! What Java and the engines do not do in the same way.
//!
//! When a round of a repetition matches the empty text, Java leaves the loop, also before the least count; the
//! engines go on. That shows where the order of attempts counts, and where being empty depends on the place.

use std::collections::BTreeSet;

use super::node::{Node, RepetitionKind};

/// Why a pattern is refused, if it is.
pub(super) fn find(node: &Node, referred_to: &BTreeSet<u32>) -> Option<&'static str> {
    search(node, referred_to, false)
}

fn search(node: &Node, referred_to: &BTreeSet<u32>, is_atomic: bool) -> Option<&'static str> {
    let is_atomic = is_atomic
        || match node {
            Node::Atomic(_) => true,
            Node::Repeated(_, repetition) => repetition.kind == RepetitionKind::Possessive,
            Node::Empty
            | Node::Character(_)
            | Node::Set(_)
            | Node::Concatenation(_)
            | Node::Alternatives(_)
            | Node::Captured(..)
            | Node::LookAround(..)
            | Node::BackReference(_)
            | Node::Assertion(_) => false,
        };
    if let Node::Repeated(body, repetition) = node
        && let (0, most) = body.length()
    {
        if body.any(&|part| matches!(part, Node::Captured(number, _) if referred_to.contains(number))) {
            return Some("back-references to a group in a repetition of what may be empty are not supported");
        }
        let is_sometimes_more = most != Some(0);
        if is_sometimes_more
            && repetition.least >= 2
            && body.any(&|part| matches!(part, Node::Assertion(_) | Node::LookAround(..)))
        {
            return Some("anchors and look-around in two or more rounds that may be empty are not supported");
        }
        if is_sometimes_more && is_atomic && repetition.most != Some(1) && body.any(&has_order) {
            return Some(
                "alternatives in rounds that may be empty are not supported within atomic groups and \
                 possessive repetitions",
            );
        }
    }
    node.parts().iter().find_map(|part| search(part, referred_to, is_atomic))
}

/// Whether it makes a difference which way is tried first.
fn has_order(node: &Node) -> bool {
    match node {
        Node::Alternatives(_) => true,
        Node::Repeated(_, repetition) => repetition.kind == RepetitionKind::Reluctant,
        Node::Empty
        | Node::Character(_)
        | Node::Set(_)
        | Node::Concatenation(_)
        | Node::Captured(..)
        | Node::Atomic(_)
        | Node::LookAround(..)
        | Node::BackReference(_)
        | Node::Assertion(_) => false,
    }
}
