//! Patterns that are plain text, or a few alternatives of it.

use super::node::Node;

/// With more, an engine is faster than comparing one after the other.
const MAX_TEXTS: usize = 16;

/// The texts that a pattern matches, if those are few and nothing else matches.
pub(super) fn texts(node: &Node) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    append(node, &mut texts)?;
    Some(texts)
}

/// Continues each text in each way that a node can match.
fn append(node: &Node, texts: &mut Vec<String>) -> Option<()> {
    match node {
        Node::Empty => {}
        Node::Character(character) => texts.iter_mut().for_each(|text| text.push(*character)),
        Node::Concatenation(parts) => {
            for part in parts {
                append(part, texts)?;
            }
        }
        Node::Alternatives(parts) => {
            let mut all = Vec::new();
            for part in parts {
                let mut continued = texts.clone();
                append(part, &mut continued)?;
                all.append(&mut continued);
                if all.len() > MAX_TEXTS {
                    return None;
                }
            }
            *texts = all;
        }
        Node::Set(_)
        | Node::Repeated(..)
        | Node::Captured(..)
        | Node::Atomic(_)
        | Node::LookAround(..)
        | Node::BackReference(_)
        | Node::Assertion(_) => return None,
    }
    Some(())
}
