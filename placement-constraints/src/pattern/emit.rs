//! Patterns in the syntax of an engine.

use std::fmt::Write;

use regex_syntax::hir::ClassUnicode;

use super::{
    node::{Assertion, LineTerminators, LookAround, Node, Repetition, RepetitionKind},
    sets,
};

/// Whose syntax is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// That of the `regex` crate. RE2 reads it in the same way.
    Regular,
    /// That of the `fancy-regex` crate.
    Backtracking,
}

/// Bytes of the longest pattern that is written.
const MAX_BYTES: usize = 4 << 20;

/// Whether a pattern can be matched without backtracking.
pub(super) fn is_regular(node: &Node) -> bool {
    !node.any(&|part| match part {
        Node::Atomic(_) | Node::LookAround(..) | Node::BackReference(_) => true,
        Node::Repeated(_, repetition) => repetition.kind == RepetitionKind::Possessive,
        Node::Assertion(assertion) => match assertion {
            Assertion::EndOrLastLine(_) | Assertion::LineStart(_) | Assertion::LineEnd(_) => true,
            Assertion::Start | Assertion::End | Assertion::WordBoundary | Assertion::NotWordBoundary => false,
        },
        Node::Empty
        | Node::Character(_)
        | Node::Set(_)
        | Node::Concatenation(_)
        | Node::Alternatives(_)
        | Node::Captured(..) => false,
    })
}

/// Writes a pattern; `None` if it becomes too long.
pub(super) fn emit(node: &Node, dialect: Dialect) -> Option<String> {
    let mut emitter = Emitter { out: String::new(), dialect, groups: Vec::new() };
    emitter.alternatives(node)?;
    Some(emitter.out)
}

struct Emitter {
    out: String,
    dialect: Dialect,
    /// The numbers that the groups written so far have in the tree, which may lack some.
    groups: Vec<u32>,
}

impl Emitter {
    /// Writes something that stands alone or in a group.
    fn alternatives(&mut self, node: &Node) -> Option<()> {
        let Node::Alternatives(parts) = node else { return self.sequence(node) };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.out.push('|');
            }
            self.sequence(part)?;
        }
        Some(())
    }

    /// Writes something that stands beside others.
    fn sequence(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Concatenation(parts) => {
                for part in parts {
                    match part {
                        Node::Empty => {}
                        Node::Alternatives(_) => self.group("(?:", part)?,
                        part => self.sequence(part)?,
                    }
                }
            }
            Node::Repeated(part, repetition) => self.repeated(part, *repetition)?,
            node => self.unit(node)?,
        }
        (self.out.len() <= MAX_BYTES).then_some(())
    }

    /// Writes something that a repetition may follow.
    fn unit(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Empty => self.out.push_str("(?:)"),
            Node::Character(character) => push_character(&mut self.out, *character),
            Node::Set(set) => push_set(&mut self.out, set),
            Node::Concatenation(_) | Node::Alternatives(_) | Node::Repeated(..) => self.group("(?:", node)?,
            Node::Captured(number, part) => {
                self.groups.push(*number);
                self.group("(", part)?;
            }
            Node::Atomic(part) => self.group("(?>", part)?,
            Node::LookAround(kind, part) => {
                let open = match kind {
                    LookAround::Ahead => "(?=",
                    LookAround::NotAhead => "(?!",
                    LookAround::Behind => "(?<=",
                    LookAround::NotBehind => "(?<!",
                };
                self.group(open, part)?;
            }
            Node::BackReference(number) => {
                // A group always stands before what refers to it.
                let position = self.groups.iter().position(|group| group == number)?;
                let _ = write!(self.out, "(?:\\{})", position + 1);
            }
            Node::Assertion(assertion) => match assertion_text(*assertion) {
                one @ (r"\A" | r"\z" | r"\b" | r"\B") => self.out.push_str(one),
                several => self.out.extend(["(?:", several, ")"]),
            },
        }
        Some(())
    }

    fn group(&mut self, open: &str, node: &Node) -> Option<()> {
        self.out.push_str(open);
        self.alternatives(node)?;
        self.out.push(')');
        Some(())
    }

    fn repeated(&mut self, part: &Node, repetition: Repetition) -> Option<()> {
        let is_possessive = repetition.kind == RepetitionKind::Possessive;
        if is_possessive {
            // Java does not go back into any single round either.
            self.out.push_str("(?>");
            self.group("(?>", part)?;
        } else {
            self.unit(part)?;
        }
        let _ = match (repetition.least, repetition.most) {
            (0, None) => write!(self.out, "*"),
            (1, None) => write!(self.out, "+"),
            (0, Some(1)) => write!(self.out, "?"),
            (least, None) => write!(self.out, "{{{least},}}"),
            (least, Some(most)) if least == most => write!(self.out, "{{{least}}}"),
            (least, Some(most)) => write!(self.out, "{{{least},{most}}}"),
        };
        if is_possessive {
            self.out.push(')');
        } else if repetition.kind == RepetitionKind::Reluctant && self.dialect == Dialect::Backtracking {
            self.out.push('?');
        }
        Some(())
    }
}

/// How an assertion is written. Java's lines end with more than the engines know, and not within `\r\n`.
fn assertion_text(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Start => r"\A",
        Assertion::End => r"\z",
        Assertion::WordBoundary => r"\b",
        Assertion::NotWordBoundary => r"\B",
        Assertion::EndOrLastLine(LineTerminators::LineFeed) => r"(?=\n?\z)",
        Assertion::EndOrLastLine(LineTerminators::All) => {
            r"\z|(?=\r\n\z)|(?=[\r\x{85}\x{2028}\x{2029}]\z)|(?<!\r)(?=\n\z)"
        }
        Assertion::LineEnd(LineTerminators::LineFeed) => r"\z|(?=\n)",
        Assertion::LineEnd(LineTerminators::All) => r"\z|(?=[\r\x{85}\x{2028}\x{2029}])|(?<!\r)(?=\n)",
        // Not after the terminator that ends the text.
        Assertion::LineStart(LineTerminators::LineFeed) => r"(?!\z)(?:\A|(?<=\n))",
        Assertion::LineStart(LineTerminators::All) => {
            r"(?!\z)(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))"
        }
    }
}

fn push_set(out: &mut String, set: &ClassUnicode) {
    if let [range] = set.ranges()
        && range.start() == range.end()
    {
        return push_character(out, range.start());
    }
    let complement = sets::complement(set.clone());
    let is_shorter = set.ranges().len() <= complement.ranges().len();
    // A class without members cannot be written.
    let (open, shown) = if complement.ranges().is_empty() || is_shorter && !set.ranges().is_empty() {
        ("[", set)
    } else {
        ("[^", &complement)
    };
    out.push_str(open);
    for range in shown.ranges() {
        push_character(out, range.start());
        let further = u32::from(range.end()) - u32::from(range.start());
        if further > 1 {
            out.push('-');
        }
        if further > 0 {
            push_character(out, range.end());
        }
    }
    out.push(']');
}

/// Writes a character so that it stands for itself, in a class as well as outside.
fn push_character(out: &mut String, character: char) {
    if character.is_ascii_alphanumeric() || character == '_' {
        out.push(character);
    } else if character.is_ascii_punctuation() && !matches!(character, '<' | '>') {
        out.extend(['\\', character]);
    } else {
        let _ = write!(out, r"\x{{{:X}}}", u32::from(character));
    }
}
