//! Classes of characters: `[a-z0-9]`, with unions and intersections.

use regex_syntax::hir::ClassUnicode;

use super::{Parser, escape::Escape, is_space};
use crate::{
    PatternError,
    pattern::{case, items::Item, sets},
};

impl Parser<'_> {
    /// Reads a class after its opening bracket.
    pub(super) fn class(&mut self, at: usize) -> Result<ClassUnicode, PatternError> {
        self.enter(at)?;
        let is_negated = self.take_if('^');
        let mut set = self.members(at)?;
        self.next += 1;
        self.depth -= 1;
        if is_negated {
            set.negate();
        }
        Ok(set)
    }

    /// Reads members up to the closing bracket, which is left. A bracket that comes first is a member.
    fn members(&mut self, at: usize) -> Result<ClassUnicode, PatternError> {
        let mut set: Option<ClassUnicode> = None;
        loop {
            let item = self.member_item(at)?;
            if item.is(']') && set.is_some() {
                return Ok(set.unwrap_or_else(ClassUnicode::empty));
            }
            if item.is('&') && self.items.get(self.next + 1).is_some_and(|next| next.is('&')) {
                self.next += 2;
                let right = self.right_of_intersection(at, item)?;
                set = Some(match set {
                    Some(mut set) => {
                        set.intersect(&right);
                        set
                    }
                    None => right,
                });
                self.check_after_intersection(at)?;
                continue;
            }
            let member = self.member(at, item)?;
            set = Some(union(set, &member));
        }
    }

    /// Reads up to a bracket that closes or an ampersand, which are left. What is no class of its own takes
    /// all the rest with it.
    fn right_of_intersection(&mut self, at: usize, sign: Item) -> Result<ClassUnicode, PatternError> {
        let mut right = None;
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
            right = Some(union(right, &member));
        }
        match right {
            Some(right) => Ok(right),
            // Java intersects with whatever it read last.
            None => self.fail(sign.at, "nothing stands on the right of &&"),
        }
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
        let last = self.range_end(at, item.at, first)?;
        Ok(case::variants(first, last, self.case()))
    }

    /// The last character of the range that begins with one that was just read; that one if there is no
    /// range.
    fn range_end(&mut self, at: usize, first_at: usize, first: char) -> Result<char, PatternError> {
        if !self.look_raw().is_some_and(|item| item.is('-')) {
            return Ok(first);
        }
        match self.items.get(self.next + 1) {
            Some(item) if item.is('[') || item.is(']') => return Ok(first),
            _ => self.next += 1,
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
        Ok(last)
    }

    /// The item that is read next in a class.
    fn member_item(&self, at: usize) -> Result<Item, PatternError> {
        let Some(item) = self.look_raw() else {
            return self.fail(at, "this class is not closed, expected ]");
        };
        if self.flags.comments && (is_space(item) || item.is('#')) {
            return self.fail(
                item.at,
                "white space and # in a class are not supported with the flag x, put \\ before them",
            );
        }
        Ok(item)
    }
}

fn union(set: Option<ClassUnicode>, other: &ClassUnicode) -> ClassUnicode {
    let mut set = set.unwrap_or_else(|| sets::of(&[]));
    set.union(other);
    set
}
