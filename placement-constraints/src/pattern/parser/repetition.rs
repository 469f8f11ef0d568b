//! `*`, `+`, `?` and counts.

use super::Parser;
use crate::{
    PatternError,
    pattern::node::{Node, Repetition, RepetitionKind},
};

impl Parser<'_> {
    /// Reads what follows an atom; there is no second repetition of the same atom.
    pub(super) fn repetition(&mut self, node: Node) -> Result<Node, PatternError> {
        let Some(item) = self.look().filter(|item| !item.is_quoted) else { return Ok(node) };
        let (least, most) = match item.character {
            '?' => (0, Some(1)),
            '*' => (0, None),
            '+' => (1, None),
            '{' => {
                self.next += 1;
                let counts = self.counts(item.at)?;
                return self.repeated(node, counts);
            }
            _ => return Ok(node),
        };
        self.next += 1;
        self.repeated(node, (least, most))
    }

    fn repeated(&mut self, node: Node, (least, most): (u32, Option<u32>)) -> Result<Node, PatternError> {
        let kind = match self.look() {
            Some(item) if item.is('?') => RepetitionKind::Reluctant,
            Some(item) if item.is('+') => RepetitionKind::Possessive,
            _ => RepetitionKind::Greedy,
        };
        if kind != RepetitionKind::Greedy {
            self.next += 1;
        }
        Ok(match node {
            Node::Empty => Node::Empty,
            node => Node::Repeated(Box::new(node), Repetition { least, most, kind }),
        })
    }

    /// Reads `n}`, `n,}` or `n,m}`.
    fn counts(&mut self, at: usize) -> Result<(u32, Option<u32>), PatternError> {
        const EXPECTED: &str = "expected a repetition such as {2}, {2,} or {2,5}";
        let Some(least) = self.number(at)? else { return self.fail(at, EXPECTED) };
        let most = if self.take_if(',') { self.number(at)? } else { Some(least) };
        if !self.take_if('}') {
            return self.fail(at, EXPECTED);
        }
        match most {
            Some(most) if most < least => self.fail(at, format!("{{{least},{most}}} is no range")),
            most => Ok((least, most)),
        }
    }

    /// Reads digits; `None` if there are none.
    fn number(&mut self, at: usize) -> Result<Option<u32>, PatternError> {
        let mut number = None;
        while let Some(digit) = self.look_raw().and_then(|item| item.character.to_digit(10)) {
            if self.look_raw().is_some_and(|item| item.is_quoted) {
                return self.fail(at, "a count cannot be quoted");
            }
            self.next += 1;
            let larger = number.unwrap_or(0_u32).checked_mul(10).and_then(|tens| tens.checked_add(digit));
            match larger.filter(|larger| i32::try_from(*larger).is_ok()) {
                Some(larger) => number = Some(larger),
                None => return self.fail(at, format!("a count is larger than {}", i32::MAX)),
            }
        }
        Ok(number)
    }
}
