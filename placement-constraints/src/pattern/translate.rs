//! Java's regular expressions in the syntax of the `regex` crate.
//!
//! One pass from left to right. What is written out is made of a few constructs that mean the same on both
//! sides; everything that is not known to be translated exactly is refused.

mod class;

use std::{iter::Peekable, str::CharIndices};

use crate::PatternError;

/// Translates a pattern.
///
/// # Errors
/// It is no Java regular expression, or uses something that is not supported.
pub(super) fn translate(text: &str) -> Result<String, PatternError> {
    let (body, ignore_case) = match text.strip_prefix("(?i)") {
        Some(body) => (body, true),
        None => (text, false),
    };
    let mut translator = Translator {
        text,
        base: text.len() - body.len(),
        rest: body.char_indices().peekable(),
        out: String::with_capacity(body.len() * 2),
        ignore_case,
        open_groups: Vec::new(),
    };
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'a> {
    text: &'a str,
    /// Where the part that is read begins in the text.
    base: usize,
    rest: Peekable<CharIndices<'a>>,
    out: String,
    /// Whether ASCII letters match both of their cases.
    ignore_case: bool,
    /// Where the groups that are open began.
    open_groups: Vec<usize>,
}

/// What the translator has just written, for the one who wants to repeat it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing that can be repeated: the beginning, `|`, `(`, an anchor.
    Nothing,
    /// Something that can be.
    Atom,
    /// A repetition.
    Repetition,
}

/// A set of characters in the syntax of a class, without the brackets.
enum Escape {
    Character(char),
    Set(&'static str),
    /// The complement of a set.
    Complement(&'static str),
    /// `\A` or `\z`.
    Anchor(&'static str),
    /// `\Q`.
    Quote,
}

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Z_a-z";
const SPACE: &str = r"\t\n\x0B\x0C\r\x20";
/// What `.` does not match.
const LINE_TERMINATORS: &str = r"\n\r\u{85}\u{2028}\u{2029}";
/// POSIX names of Java, with the sets that they stand for.
const POSIX: &[(&str, &str)] = &[
    ("Lower", "a-z"),
    ("Upper", "A-Z"),
    ("ASCII", r"\x00-\x7F"),
    ("Alpha", "A-Za-z"),
    ("Digit", DIGIT),
    ("Alnum", "0-9A-Za-z"),
    ("Punct", r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E"),
    ("Graph", r"\x21-\x7E"),
    ("Print", r"\x20-\x7E"),
    ("Blank", r"\x20\t"),
    ("Cntrl", r"\x00-\x1F\x7F"),
    ("XDigit", "0-9A-Fa-f"),
    ("Space", SPACE),
];

impl Translator<'_> {
    fn run(&mut self) -> Result<(), PatternError> {
        let mut last = Last::Nothing;
        while let Some((at, character)) = self.next() {
            last = match character {
                '\\' => self.escape_outside(at)?,
                '[' => {
                    let class = self.class(at)?;
                    self.out.push_str(&class);
                    Last::Atom
                }
                '(' => {
                    self.open_group(at)?;
                    Last::Nothing
                }
                ')' => {
                    if self.open_groups.pop().is_none() {
                        return self.fail(at, "this ) closes no group");
                    }
                    self.out.push(')');
                    Last::Atom
                }
                '|' => {
                    self.out.push('|');
                    Last::Nothing
                }
                '*' | '+' | '?' | '{' => {
                    self.repetition(at, character, last)?;
                    Last::Repetition
                }
                '.' => {
                    self.out.push_str("[^");
                    self.out.push_str(LINE_TERMINATORS);
                    self.out.push(']');
                    Last::Atom
                }
                '^' => self.anchor(r"\A")?,
                '$' => {
                    // Elsewhere it matches before a line terminator that the rest of the pattern may take.
                    let ends = matches!(self.peek(), None | Some('|')) && self.open_groups.is_empty();
                    if !ends {
                        return self.fail(at, "$ is supported only where the match ends");
                    }
                    self.anchor(r"\z")?
                }
                literal => {
                    self.literal(literal);
                    Last::Atom
                }
            };
        }
        match self.open_groups.pop() {
            Some(at) => self.fail(at, "this group is not closed, expected )"),
            None => Ok(()),
        }
    }

    fn next(&mut self) -> Option<(usize, char)> {
        self.rest.next().map(|(at, character)| (self.base + at, character))
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, character)| *character)
    }

    fn fail<T>(&self, at: usize, reason: impl Into<String>) -> Result<T, PatternError> {
        Err(PatternError::new(self.text, at, reason))
    }

    fn literal(&mut self, character: char) {
        if self.ignore_case && character.is_ascii_alphabetic() {
            let (lower, upper) = (character.to_ascii_lowercase(), character.to_ascii_uppercase());
            self.out.extend(['[', lower, upper, ']']);
        } else {
            push_character(&mut self.out, character);
        }
    }

    /// Writes something that matches between characters; it cannot be repeated.
    fn anchor(&mut self, text: &str) -> Result<Last, PatternError> {
        self.out.push_str(text);
        Ok(Last::Nothing)
    }

    fn open_group(&mut self, at: usize) -> Result<(), PatternError> {
        if self.peek() == Some('?') {
            self.next();
            if self.peek() != Some(':') {
                return self.fail(
                    at,
                    "look-around, named and atomic groups, and flags other than (?i) at the beginning are not \
                     supported",
                );
            }
            self.next();
        }
        self.open_groups.push(at);
        self.out.push_str("(?:");
        Ok(())
    }

    fn repetition(&mut self, at: usize, character: char, last: Last) -> Result<(), PatternError> {
        match last {
            Last::Atom => {}
            Last::Nothing => return self.fail(at, format!("{character} repeats nothing")),
            Last::Repetition => return self.fail(at, "a repetition of a repetition is not supported"),
        }
        if character == '{' {
            self.counts(at)?;
        } else {
            self.out.push(character);
        }
        match self.peek() {
            Some('+') => self.fail(at, "possessive repetitions are not supported"),
            // Reluctance decides which match is found, not whether there is one.
            Some('?') => {
                self.next();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reads `n}`, `n,}` or `n,m}`.
    fn counts(&mut self, at: usize) -> Result<(), PatternError> {
        const EXPECTED: &str = "expected a repetition such as {2}, {2,} or {2,5}";
        let Some(least) = self.number() else { return self.fail(at, EXPECTED) };
        let mut text = format!("{{{least}");
        let mut end = self.next().map(|(_, character)| character);
        if end == Some(',') {
            text.push(',');
            if let Some(most) = self.number() {
                if most < least {
                    return self.fail(at, format!("{{{least},{most}}} is no range"));
                }
                text.push_str(&most.to_string());
            }
            end = self.next().map(|(_, character)| character);
        }
        if end != Some('}') {
            return self.fail(at, EXPECTED);
        }
        text.push('}');
        self.out.push_str(&text);
        Ok(())
    }

    /// Digits; `None` if there are none or too many.
    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|character| character.to_digit(10)) {
            self.next();
            number = Some(number.unwrap_or(0_u32).checked_mul(10)?.checked_add(digit)?);
        }
        number
    }

    fn escape_outside(&mut self, at: usize) -> Result<Last, PatternError> {
        match self.escape(at)? {
            Escape::Character(character) => self.literal(character),
            Escape::Set(set) => self.out.push_str(&format!("[{}]", set)),
            Escape::Complement(set) => self.out.push_str(&format!("[^{}]", set)),
            Escape::Anchor(anchor) => return self.anchor(anchor),
            Escape::Quote => {
                let mut last = Last::Nothing;
                while let Some((_, character)) = self.next() {
                    if character == '\\' && self.peek() == Some('E') {
                        self.next();
                        break;
                    }
                    self.literal(character);
                    last = Last::Atom;
                }
                return Ok(last);
            }
        }
        Ok(Last::Atom)
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, at: usize) -> Result<Escape, PatternError> {
        let Some((_, character)) = self.next() else {
            return self.fail(at, "expected a character after \\");
        };
        Ok(match character {
            'd' => Escape::Set(DIGIT),
            'D' => Escape::Complement(DIGIT),
            'w' => Escape::Set(WORD),
            'W' => Escape::Complement(WORD),
            's' => Escape::Set(SPACE),
            'S' => Escape::Complement(SPACE),
            'p' => Escape::Set(self.posix(at)?),
            'P' => Escape::Complement(self.posix(at)?),
            't' => Escape::Character('\t'),
            'n' => Escape::Character('\n'),
            'r' => Escape::Character('\r'),
            'f' => Escape::Character('\u{C}'),
            'a' => Escape::Character('\u{7}'),
            'e' => Escape::Character('\u{1B}'),
            'x' => Escape::Character(self.hexadecimal(at, 2)?),
            'u' => Escape::Character(self.hexadecimal(at, 4)?),
            'A' => Escape::Anchor(r"\A"),
            'z' => Escape::Anchor(r"\z"),
            'Q' => Escape::Quote,
            other if other.is_ascii_alphanumeric() => {
                return self.fail(at, format!("\\{other} is not supported"));
            }
            other => Escape::Character(other),
        })
    }

    fn posix(&mut self, at: usize) -> Result<&'static str, PatternError> {
        let mut name = String::new();
        if self.peek() == Some('{') {
            self.next();
            while let Some((_, character)) = self.next().filter(|(_, character)| *character != '}') {
                name.push(character);
            }
        }
        match POSIX.iter().find(|(known, _)| *known == name) {
            // Versions of Java differ in whether such a set has both cases then.
            Some(("Lower" | "Upper", _)) if self.ignore_case => {
                self.fail(at, format!("\\p{{{name}}} is not supported together with (?i)"))
            }
            Some((_, set)) => Ok(set),
            None => self.fail(at, "this property is not supported, only the POSIX ones such as \\p{Alpha}"),
        }
    }

    fn hexadecimal(&mut self, at: usize, digits: usize) -> Result<char, PatternError> {
        let mut value = 0;
        for _ in 0..digits {
            let Some(digit) = self.next().and_then(|(_, character)| character.to_digit(16)) else {
                return self.fail(at, format!("expected {digits} hexadecimal digits"));
            };
            value = value * 16 + digit;
        }
        match char::from_u32(value) {
            Some(character) => Ok(character),
            None => self.fail(at, "halves of a surrogate pair are not supported"),
        }
    }
}

/// Writes a character so that it stands for itself, in a class as well as outside.
fn push_character(out: &mut String, character: char) {
    if character.is_ascii_alphanumeric() {
        out.push(character);
    } else {
        out.push_str(&format!(r"\x{{{:X}}}", u32::from(character)));
    }
}
