//! Groups, look-around and flags: what begins with a parenthesis.

use super::{Group, Parser};
use crate::{
    PatternError,
    pattern::node::{LookAround, Node},
};

/// What a group is for.
enum Kind {
    Plain,
    Captured(u32),
    Atomic,
    LookAround(LookAround),
}

impl Parser<'_> {
    /// Reads a group and its repetition; `None` if it only sets flags.
    pub(super) fn group(&mut self) -> Result<Option<Node>, PatternError> {
        let Some(open) = self.take_raw() else { return Ok(None) };
        let outside = self.flags;
        let kind = if self.look().is_some_and(|item| item.is('?')) {
            self.next += 1;
            match self.special(open.at)? {
                Some(kind) => kind,
                None => return Ok(None),
            }
        } else {
            Kind::Captured(self.open_group())
        };
        self.enter(open.at)?;
        self.flags.in_look_around |= matches!(kind, Kind::LookAround(_));
        let body = self.alternatives()?;
        self.depth -= 1;
        if self.look().is_none() {
            return self.fail(open.at, "this group is not closed, expected )");
        }
        self.next += 1;
        self.flags = outside;
        Ok(Some(match kind {
            Kind::Plain => body,
            Kind::Captured(number) => {
                self.groups[number as usize - 1].is_open = false;
                Node::Captured(number, Box::new(body))
            }
            Kind::Atomic => Node::Atomic(Box::new(body)),
            Kind::LookAround(look_around) => {
                self.check_look_behind(look_around, &body, open.at)?;
                Node::LookAround(look_around, Box::new(body))
            }
        }))
    }

    /// Reads what follows `(?`; `None` if it only sets flags.
    fn special(&mut self, at: usize) -> Result<Option<Kind>, PatternError> {
        let item = self.look_raw().filter(|item| !item.is_quoted);
        let kind = match item.map(|item| item.character) {
            Some(':') => Kind::Plain,
            Some('>') => Kind::Atomic,
            Some('=') => Kind::LookAround(LookAround::Ahead),
            Some('!') => Kind::LookAround(LookAround::NotAhead),
            Some('<') => {
                self.next += 1;
                if self.take_if('=') {
                    return Ok(Some(Kind::LookAround(LookAround::Behind)));
                }
                if self.take_if('!') {
                    return Ok(Some(Kind::LookAround(LookAround::NotBehind)));
                }
                let name = self.group_name(at)?;
                let number = self.open_group();
                if self.names.insert(name.clone(), number).is_some() {
                    return self.fail(at, format!("there is a group <{name}> already"));
                }
                return Ok(Some(Kind::Captured(number)));
            }
            _ => return self.flags(at),
        };
        self.next += 1;
        Ok(Some(kind))
    }

    fn open_group(&mut self) -> u32 {
        let is_in_look_around = self.flags.in_look_around;
        self.groups.push(Group { is_open: true, is_in_look_around });
        u32::try_from(self.groups.len()).unwrap_or(u32::MAX)
    }

    /// Reads a name and the `>` after it.
    pub(super) fn group_name(&mut self, at: usize) -> Result<String, PatternError> {
        let mut name = String::new();
        while let Some(item) = self.take_raw().filter(|item| !item.is_quoted) {
            match item.character {
                '>' if !name.is_empty() => return Ok(name),
                letter if letter.is_ascii_alphabetic() => name.push(letter),
                digit if digit.is_ascii_digit() && !name.is_empty() => name.push(digit),
                _ => break,
            }
        }
        self.fail(at, "expected the name of a group, ASCII letters and digits, and >")
    }

    /// Reads flags up to `)`, then `None`, or up to the `:` of a group.
    fn flags(&mut self, at: usize) -> Result<Option<Kind>, PatternError> {
        let mut is_on = true;
        loop {
            let Some(item) = self.take_raw().filter(|item| !item.is_quoted) else {
                return self.fail(at, "expected flags and ) or :");
            };
            let flag = match item.character {
                ')' => return Ok(None),
                ':' => return Ok(Some(Kind::Plain)),
                '-' if is_on => {
                    is_on = false;
                    continue;
                }
                'i' => &mut self.flags.ignore_case,
                'd' => &mut self.flags.unix_lines,
                'm' => &mut self.flags.multi_line,
                's' => &mut self.flags.dot_all,
                'u' => &mut self.flags.unicode_case,
                'x' => &mut self.flags.comments,
                'U' if is_on => {
                    self.flags.unicode_case = true;
                    &mut self.flags.unicode_classes
                }
                'U' => return self.fail(item.at, "-U is not supported"),
                'c' => return self.fail(item.at, "canonical equivalence, the flag c, is not supported"),
                other => {
                    return self.fail(
                        item.at,
                        format!("{} is no flag, expected some of idmsuxU, or - : )", other.escape_default()),
                    );
                }
            };
            *flag = is_on;
        }
    }

    /// Java wants to know how far it must look back.
    fn check_look_behind(&self, kind: LookAround, body: &Node, at: usize) -> Result<(), PatternError> {
        match kind {
            LookAround::Ahead | LookAround::NotAhead => Ok(()),
            LookAround::Behind | LookAround::NotBehind => {
                // Nor does it find the limit of a repeated group that can match in several ways.
                let is_unclear = body.any(&|part| match part {
                    Node::Repeated(part, _) => !part.is_rigid(),
                    _ => false,
                });
                if body.length().1.is_none() || is_unclear {
                    return self.fail(at, "the length of a look-behind must have an obvious limit");
                }
                Ok(())
            }
        }
    }
}
