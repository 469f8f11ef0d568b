//! Patterns that are plain text and then characters of one set: `rack-.*`, `r[0-9]+`, `\d{1,3}`.

use std::sync::Arc;

use regex_syntax::hir::ClassUnicode;

use super::{node::Node, property};

/// A text, then as many characters of a set as are allowed.
pub(super) struct Run {
    text: Box<str>,
    set: Arc<ClassUnicode>,
    /// The ASCII characters of the set, by bits.
    ascii: u128,
    least: usize,
    most: usize,
}

impl Run {
    /// The form of a pattern, if it has this form.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let (run, before) = match node {
            Node::Concatenation(parts) => parts.split_last()?,
            node => (node, &[] as &[Node]),
        };
        let Node::Repeated(body, repetition) = run else { return None };
        let Node::Set(set) = &**body else { return None };
        let text: Option<String> = before
            .iter()
            .map(|part| if let Node::Character(character) = part { Some(*character) } else { None })
            .collect();
        let ascii = (0..128).filter(|byte| property::is_in(set, char::from(*byte)));
        Some(Self {
            text: text?.into_boxed_str(),
            set: Arc::clone(set),
            ascii: ascii.fold(0, |bits, byte| bits | 1 << byte),
            least: repetition.least as usize,
            most: repetition.most.map_or(usize::MAX, |most| most as usize),
        })
    }

    pub(super) fn is_match(&self, value: &str) -> bool {
        let Some(rest) = value.strip_prefix(&*self.text) else { return false };
        let mut count = 0;
        let all_are_in = rest.chars().all(|character| {
            count += 1;
            match u8::try_from(character) {
                Ok(byte @ 0..128) => self.ascii >> byte & 1 == 1,
                _ => property::is_in(&self.set, character),
            }
        });
        all_are_in && (self.least..=self.most).contains(&count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parser::parse, simplify::simplify};
    use super::*;

    #[test]
    fn text_and_one_set_need_no_engine() {
        for (pattern, yes, no) in [
            (
                "rack-.*",
                &["rack-", "rack-é\u{0}x"] as &[&str],
                &["rack", "rack-a\n", "rack-\u{85}", "xrack-"] as &[&str],
            ),
            ("r[0-9]+", &["r1", "r0123456789"], &["r", "r1a", "r٣", "1"]),
            (r"\d{2,3}", &["12", "123"], &["", "1", "1234", "1a"]),
            ("(?s).*", &["", "\n"], &[]),
            (r"ab\P{L}*+", &["ab", "ab1😀"], &["ab1x", "abé"]),
        ] {
            let run = Run::of(&simplify(parse(pattern).unwrap())).unwrap();
            assert!(yes.iter().all(|value| run.is_match(value)), "{pattern}");
            assert!(!no.iter().any(|value| run.is_match(value)), "{pattern}");
        }
        for pattern in ["r[0-9]+x", "(r)*", "[0-9]", "r|[0-9]+", "(a|b)c*", "x*+x"] {
            assert!(Run::of(&simplify(parse(pattern).unwrap())).is_none(), "{pattern}");
        }
    }
}
