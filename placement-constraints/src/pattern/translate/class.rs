//! Classes of characters: `[a-z0-9]`.

use super::{Escape, Translator, push_character};
use crate::PatternError;

impl Translator<'_> {
    /// Reads a class after its opening bracket.
    pub(super) fn class(&mut self, at: usize) -> Result<String, PatternError> {
        const NOT_CLOSED: &str = "this class is not closed, expected ]";
        let mut out = String::from("[");
        if self.peek() == Some('^') {
            self.next();
            out.push('^');
        }
        let mut is_empty = true;
        loop {
            let Some((item_at, character)) = self.next() else { return self.fail(at, NOT_CLOSED) };
            let first = match character {
                ']' if is_empty => return self.fail(item_at, "] is not supported as the first of a class"),
                ']' => break,
                '[' => return self.fail(item_at, "classes in classes are not supported"),
                '&' if self.peek() == Some('&') => {
                    return self.fail(item_at, "intersections of classes are not supported");
                }
                '^' if is_empty => return self.fail(item_at, "^^ is not supported in a class"),
                '-' if !is_empty && self.peek() != Some(']') => {
                    return self.fail(item_at, "- is supported only in ranges and at the ends of a class");
                }
                '\\' => match self.escape(item_at)? {
                    Escape::Character(character) => character,
                    Escape::Set(set) => {
                        out.push_str(set);
                        is_empty = false;
                        self.no_range_from_set()?;
                        continue;
                    }
                    Escape::Complement(set) => {
                        out.push_str(&format!("[^{}]", set));
                        is_empty = false;
                        self.no_range_from_set()?;
                        continue;
                    }
                    Escape::Anchor(_) | Escape::Quote => {
                        return self.fail(item_at, "this escape is not supported in a class");
                    }
                },
                literal => literal,
            };
            is_empty = false;
            let last = self.range_end(item_at, first)?;
            self.push_range(&mut out, first, last);
        }
        out.push(']');
        Ok(out)
    }

    /// Refuses `\d-x`, whose meaning is doubtful.
    fn no_range_from_set(&mut self) -> Result<(), PatternError> {
        let mut ahead = self.rest.clone();
        match (ahead.next(), ahead.next()) {
            (Some((at, '-')), Some((_, next))) if next != ']' => {
                self.fail(self.base + at, "a range cannot begin with a set")
            }
            _ => Ok(()),
        }
    }

    /// The last character of the range that begins with one that was just read; that one if there is no
    /// range.
    fn range_end(&mut self, at: usize, first: char) -> Result<char, PatternError> {
        let mut ahead = self.rest.clone();
        if !matches!(ahead.next(), Some((_, '-'))) || matches!(ahead.next(), None | Some((_, ']'))) {
            return Ok(first);
        }
        self.next();
        let last = match self.next() {
            Some((_, '[')) => return self.fail(at, "a range cannot end with a class"),
            Some((last_at, '\\')) => match self.escape(last_at)? {
                Escape::Character(character) => character,
                Escape::Set(_) | Escape::Complement(_) | Escape::Anchor(_) | Escape::Quote => {
                    return self.fail(at, "a range cannot end with a set");
                }
            },
            Some((_, character)) => character,
            None => first,
        };
        if last < first {
            return self
                .fail(at, format!("{}-{} is no range", first.escape_default(), last.escape_default()));
        }
        Ok(last)
    }

    fn push_range(&self, out: &mut String, first: char, last: char) {
        let mut push = |first: char, last: char| {
            push_character(out, first);
            if first != last {
                out.push('-');
                push_character(out, last);
            }
        };
        push(first, last);
        if !self.ignore_case {
            return;
        }
        for (from, to, other_case) in
            [('a', 'z', char::to_ascii_uppercase as fn(&char) -> char), ('A', 'Z', char::to_ascii_lowercase)]
        {
            let (first, last) = (first.max(from), last.min(to));
            if first <= last {
                push(other_case(&first), other_case(&last));
            }
        }
    }
}
