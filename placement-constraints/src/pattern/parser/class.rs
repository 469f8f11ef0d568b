//! Classes of characters: `[a-z0-9]`, with unions and intersections.

use regex_syntax::hir::ClassUnicode;

use super::{Parser, escape::Escape};
use crate::{
    PatternError,
    pattern::{case, items::Item, sets},
};

impl Parser<'_> {
    /// Reads a class after its opening bracket.
    pub(super) fn class(&mut self, at: usize) -> Result<ClassUnicode, PatternError> {
        self.enter(at)?;
        if self.is_at_gap() && self.look().is_some_and(|item| item.is('^')) {
            return self.fail(at, "white space before ^ is not supported");
        }
        let is_negated = self.take_if('^');
        let set = self.members(at)?;
        self.next += 1;
        self.depth -= 1;
        Ok(if is_negated { sets::complement(set) } else { set })
    }

    /// Reads members up to the closing bracket, which is left. A bracket that comes first is a member.
    fn members(&mut self, at: usize) -> Result<ClassUnicode, PatternError> {
        // Put together at the end, because each union looks at all ranges.
        let mut ranges = Vec::new();
        let mut is_first = true;
        loop {
            let item = self.member_item(at)?;
            if item.is(']') && !is_first {
                return Ok(ClassUnicode::new(ranges));
            }
            if item.is('&') && self.items.get(self.next + 1).is_some_and(|next| next.is('&')) {
                self.next += 2;
                let right = self.right_of_intersection(at, item)?;
                if is_first {
                    ranges = right.ranges().to_vec();
                } else {
                    let mut set = ClassUnicode::new(ranges);
                    set.intersect(&right);
                    ranges = set.ranges().to_vec();
                }
                is_first = false;
                self.check_after_intersection(at)?;
                continue;
            }
            if item.is('&') && self.is_gap(self.next + 1) {
                return self.fail(item.at, "white space after & is not supported");
            }
            let member = self.member(at, item)?;
            self.charge(&member, item.at)?;
            ranges.extend_from_slice(member.ranges());
            is_first = false;
        }
    }

    /// Reads up to a bracket that closes or an ampersand, which are left. What is no class of its own takes
    /// all the rest with it.
    fn right_of_intersection(&mut self, at: usize, sign: Item) -> Result<ClassUnicode, PatternError> {
        let mut ranges = Vec::new();
        let mut is_first = true;
        loop {
            let item = self.member_item(at)?;
            if item.is(']') || item.is('&') {
                break;
            }
            let member = if item.is('[') {
                self.next += 1;
                self.class(item.at)?
            } else {
                self.enter(item.at)?;
                let rest = self.members(at)?;
                self.depth -= 1;
                rest
            };
            self.charge(&member, item.at)?;
            ranges.extend_from_slice(member.ranges());
            is_first = false;
        }
        if is_first {
            // Java intersects with whatever it read last.
            return self.fail(sign.at, "nothing stands on the right of &&");
        }
        Ok(ClassUnicode::new(ranges))
    }

    /// Java unites what follows an intersection with what was read before it.
    fn check_after_intersection(&mut self, at: usize) -> Result<(), PatternError> {
        let item = self.member_item(at)?;
        let is_next = |character| self.items.get(self.next + 1).is_some_and(|next| next.is(character));
        if item.is(']') || item.is('&') && is_next('&') {
            return Ok(());
        }
        self.fail(item.at, "after an intersection a member is not supported, put it into brackets")
    }

    fn member(&mut self, at: usize, item: Item) -> Result<ClassUnicode, PatternError> {
        self.next += 1;
        if item.is('[') {
            return self.class(item.at);
        }
        let first = if item.is('\\') {
            match self.escape_in_class(item.at)? {
                Escape::Character(character) => character,
                Escape::Set(set) => return Ok(set),
                Escape::Node(_) => return self.fail(item.at, "this escape cannot stand in a class"),
            }
        } else {
            item.character
        };
        Ok(match self.range_end(at, item.at, first)? {
            Some(last) => case::of_range(first, last, self.case()),
            None => case::of_character(first, self.case()),
        })
    }

    /// The last character of the range that begins with one that was just read, if it begins one.
    fn range_end(&mut self, at: usize, first_at: usize, first: char) -> Result<Option<char>, PatternError> {
        let is_apart = self.is_at_gap();
        if !self.look().is_some_and(|item| item.is('-')) {
            return Ok(None);
        }
        if is_apart {
            return self.fail(first_at, "white space before - is not supported");
        }
        match self.items.get(self.next + 1) {
            Some(item) if item.is('[') || item.is(']') => return Ok(None),
            _ => self.next += 1,
        }
        if self.is_at_gap() {
            return self.fail(first_at, "white space after - is not supported");
        }
        let item = self.member_item(at)?;
        self.next += 1;
        let last = if item.is('\\') {
            match self.escape_in_class(item.at)? {
                Escape::Character(character) => character,
                Escape::Set(_) | Escape::Node(_) => {
                    return self.fail(first_at, "a range cannot end with a set");
                }
            }
        } else {
            item.character
        };
        if last < first {
            let (first, last) = (first.escape_default(), last.escape_default());
            return self.fail(first_at, format!("{first}-{last} is no range"));
        }
        Ok(Some(last))
    }

    /// The item that is read next in a class.
    fn member_item(&mut self, at: usize) -> Result<Item, PatternError> {
        match self.look() {
            Some(item) => Ok(item),
            None => self.fail(at, "this class is not closed, expected ]"),
        }
    }
}
