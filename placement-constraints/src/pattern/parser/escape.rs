//! What follows a backslash.

use regex_syntax::hir::ClassUnicode;

use super::Parser;
use crate::{
    PatternError,
    pattern::{
        node::{Assertion, Node},
        property::{self, PosixNames},
        sets,
    },
};

/// What an escape stands for.
pub(super) enum Escape {
    Character(char),
    Set(ClassUnicode),
    /// Something that cannot stand in a class.
    Node(Node),
}

impl Parser<'_> {
    /// Reads an escape after its backslash.
    pub(super) fn escape_outside(&mut self, at: usize) -> Result<Node, PatternError> {
        match self.escape(at)? {
            Escape::Character(character) => self.literal(character),
            Escape::Set(set) => self.set(set, at),
            Escape::Node(node) => Ok(node),
        }
    }

    /// Reads an escape in a class after its backslash.
    pub(super) fn escape_in_class(&mut self, at: usize) -> Result<Escape, PatternError> {
        // Before a hyphen \v is the vertical tab alone.
        if self.look_raw().is_some_and(|item| item.is('v'))
            && self.items.get(self.next + 1).is_some_and(|item| item.is('-'))
        {
            self.next += 1;
            return Ok(Escape::Character('\u{B}'));
        }
        self.escape(at)
    }

    fn escape(&mut self, at: usize) -> Result<Escape, PatternError> {
        let Some(item) = self.take_raw() else {
            return self.fail(at, "expected a character after \\");
        };
        Ok(match item.character {
            'd' => Escape::Set(self.digit()),
            'D' => Escape::Set(sets::complement(self.digit())),
            'w' => Escape::Set(self.word()),
            'W' => Escape::Set(sets::complement(self.word())),
            's' => Escape::Set(self.space()),
            'S' => Escape::Set(sets::complement(self.space())),
            'h' => Escape::Set(sets::of(sets::HORIZONTAL_SPACE)),
            'H' => Escape::Set(sets::complement(sets::of(sets::HORIZONTAL_SPACE))),
            'v' => Escape::Set(sets::of(sets::VERTICAL_SPACE)),
            'V' => Escape::Set(sets::complement(sets::of(sets::VERTICAL_SPACE))),
            'p' => Escape::Set(self.property(at)?),
            'P' => Escape::Set(sets::complement(self.property(at)?)),
            't' => Escape::Character('\t'),
            'n' => Escape::Character('\n'),
            'r' => Escape::Character('\r'),
            'f' => Escape::Character('\u{C}'),
            'a' => Escape::Character('\u{7}'),
            'e' => Escape::Character('\u{1B}'),
            '0' => Escape::Character(self.octal(at)?),
            'c' => Escape::Character(self.control(at)?),
            'x' => Escape::Character(self.hexadecimal(at)?),
            'u' => Escape::Character(self.utf16(at)?),
            'A' | 'G' => Escape::Node(Node::Assertion(Assertion::Start)),
            'z' => Escape::Node(Node::Assertion(Assertion::End)),
            'Z' => Escape::Node(Node::Assertion(Assertion::EndOrLastLine(self.line_terminators()))),
            'b' if self.look_raw().is_some_and(|item| item.is('{')) => {
                return self.fail(at, "\\b{g} is not supported");
            }
            'b' => Escape::Node(Node::Assertion(Assertion::WordBoundary)),
            'B' => Escape::Node(Node::Assertion(Assertion::NotWordBoundary)),
            'R' => {
                self.line_breaks += 1;
                Escape::Node(Node::line_break())
            }
            'k' => Escape::Node(self.named_reference(at)?),
            digit @ '1'..='9' => Escape::Node(self.numbered_reference(at, digit)?),
            other if other.is_ascii_alphanumeric() => {
                return self.fail(at, format!("\\{other} is not supported"));
            }
            other => Escape::Character(other),
        })
    }

    fn digit(&self) -> ClassUnicode {
        let unicode = self.flags.unicode_classes.then(|| property::unicode("Nd")).flatten();
        unicode.unwrap_or_else(|| sets::of(sets::DIGIT))
    }

    fn word(&self) -> ClassUnicode {
        let unicode = self.flags.unicode_classes.then(property::word).flatten();
        unicode.unwrap_or_else(|| sets::of(sets::WORD))
    }

    fn space(&self) -> ClassUnicode {
        let unicode = self.flags.unicode_classes.then(|| property::unicode("White_Space")).flatten();
        unicode.unwrap_or_else(|| sets::of(sets::SPACE))
    }

    /// Reads the name of a property: one letter, or a name in braces.
    fn property(&mut self, at: usize) -> Result<ClassUnicode, PatternError> {
        const EXPECTED: &str = "expected a letter or a name in braces after \\p";
        let mut name = String::new();
        match self.take_raw().filter(|item| !item.is_quoted) {
            Some(item) if item.character == '{' => loop {
                match self.take_raw().filter(|item| !item.is_quoted) {
                    Some(item) if item.character == '}' => break,
                    Some(item) => name.push(item.character),
                    None => return self.fail(at, EXPECTED),
                }
            },
            Some(item) if item.character.is_ascii_alphabetic() => name.push(item.character),
            _ => return self.fail(at, EXPECTED),
        }
        if name.starts_with("In") || name.starts_with("block=") || name.starts_with("blk=") {
            return self.fail(at, "blocks of Unicode are not supported, only scripts and categories");
        }
        const CASED: [&str; 11] = [
            "LOWER",
            "UPPER",
            "LL",
            "LU",
            "LT",
            "LOWERCASE",
            "UPPERCASE",
            "TITLECASE",
            "JAVALOWERCASE",
            "JAVATITLECASE",
            "JAVAUPPERCASE",
        ];
        let bare = name.rsplit('=').next().unwrap_or_default().to_ascii_uppercase();
        if self.flags.ignore_case && CASED.contains(&bare.strip_prefix("IS").unwrap_or(&bare)) {
            return self.fail(at, format!("\\p{{{name}}} with the flag i depends on the version of Java"));
        }
        let posix_names = if self.flags.unicode_classes { PosixNames::Unicode } else { PosixNames::Ascii };
        match property::find(&name, posix_names) {
            Some(set) => Ok(set),
            None => self.fail(at, format!("the property {} is not known", name.escape_debug())),
        }
    }

    /// Reads up to three octal digits, up to 377.
    fn octal(&mut self, at: usize) -> Result<char, PatternError> {
        let mut value = 0;
        for count in 0..3 {
            let digit = self.look_raw().filter(|item| !item.is_quoted && !self.is_at_gap());
            let digit = digit.and_then(|item| item.character.to_digit(8));
            match digit {
                Some(digit) if count < 2 || value <= 0o37 => {
                    value = value * 8 + digit;
                    self.next += 1;
                }
                None if count == 0 => return self.fail(at, "expected octal digits after \\0"),
                None if self.is_at_gap() => return self.fail(at, "white space in \\0 is not supported"),
                _ => break,
            }
        }
        self.scalar(at, value)
    }

    /// Reads the letter of a control character.
    fn control(&mut self, at: usize) -> Result<char, PatternError> {
        let is_gap = self.is_at_gap();
        match self.take_raw() {
            Some(item) if item.character.is_ascii() && !item.is_quoted && !is_gap => {
                Ok(char::from(item.character as u8 ^ 64))
            }
            _ => self.fail(at, "expected an ASCII character after \\c"),
        }
    }

    /// Reads `hh` or `{h…h}`.
    fn hexadecimal(&mut self, at: usize) -> Result<char, PatternError> {
        if !self.take_if('{') {
            let value = self.hexadecimal_digits(at, 2)?;
            return self.scalar(at, value);
        }
        let mut value = self.hexadecimal_digits(at, 1)?;
        while !self.take_if('}') {
            value = value * 16 + self.hexadecimal_digits(at, 1)?;
            if value > u32::from(char::MAX) {
                return self.fail(at, "there is no character beyond \\x{10FFFF}");
            }
        }
        self.scalar(at, value)
    }

    /// Reads the four digits of a UTF-16 unit, and a second unit if the first is half of a pair.
    fn utf16(&mut self, at: usize) -> Result<char, PatternError> {
        let high = self.hexadecimal_digits(at, 4)?;
        let is_pair = (0xD800..0xDC00).contains(&high) && self.take_if('\\') && self.take_if('u');
        if !is_pair {
            return self.scalar(at, high);
        }
        let low = self.hexadecimal_digits(at, 4)?;
        if !(0xDC00..0xE000).contains(&low) {
            return self.scalar(at, high);
        }
        self.scalar(at, 0x10000 + (high - 0xD800) * 0x400 + (low - 0xDC00))
    }

    fn hexadecimal_digits(&mut self, at: usize, count: usize) -> Result<u32, PatternError> {
        let mut value = 0;
        for _ in 0..count {
            let item = self.take_raw().filter(|item| !item.is_quoted);
            let Some(digit) = item.and_then(|item| item.character.to_digit(16)) else {
                return self.fail(at, "expected hexadecimal digits: \\xhh, \\x{h…h} or \\uhhhh");
            };
            value = value * 16 + digit;
        }
        Ok(value)
    }

    fn scalar(&self, at: usize, value: u32) -> Result<char, PatternError> {
        match char::from_u32(value) {
            Some(character) => Ok(character),
            None => self.fail(at, "halves of a surrogate pair are not supported"),
        }
    }

    /// Reads the further digits of a reference: as many as there are groups.
    fn numbered_reference(&mut self, at: usize, first: char) -> Result<Node, PatternError> {
        let mut number = first.to_digit(10).unwrap_or_default() as usize;
        while let Some(digit) = self.look_raw().and_then(|item| item.character.to_digit(10)) {
            let larger = number * 10 + digit as usize;
            if larger > self.groups.len() {
                break;
            }
            number = larger;
            self.next += 1;
        }
        if self.is_at_gap() {
            return self.fail(at, "white space after a back-reference is not supported");
        }
        self.reference(at, number)
    }

    fn named_reference(&mut self, at: usize) -> Result<Node, PatternError> {
        if !self.take_if('<') {
            return self.fail(at, "expected <name> after \\k");
        }
        let name = self.group_name(at)?;
        match self.names.get(&name) {
            Some(number) => self.reference(at, *number as usize),
            None => self.fail(at, format!("there is no group <{name}> before this")),
        }
    }

    fn reference(&mut self, at: usize, number: usize) -> Result<Node, PatternError> {
        if self.flags.ignore_case {
            return self.fail(at, "back-references are not supported with the flag i");
        }
        if self.flags.in_look_around {
            return self.fail(at, "back-references within look-around are not supported");
        }
        match self.groups.get(number - 1) {
            None => {
                self.missing_groups.push((number, at));
                self.set(ClassUnicode::empty(), at)
            }
            Some(group) if group.is_open => {
                self.fail(at, format!("group {number} is not closed before this"))
            }
            Some(group) if group.is_in_look_around => {
                self.fail(at, format!("group {number} is in a look-around, which is not supported"))
            }
            Some(_) => match u32::try_from(number) {
                Ok(number) => {
                    self.references.insert(number);
                    Ok(Node::BackReference(number))
                }
                Err(_) => self.fail(at, "there are too many groups"),
            },
        }
    }
}
