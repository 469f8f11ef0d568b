//! Patterns out of text, by the rules of Java.
//!
//! What Java refuses is refused; what Java takes by accident of its parser, with a meaning that nobody can
//! have wanted, is refused too.

mod class;
mod escape;
mod group;
mod repetition;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use regex_syntax::hir::ClassUnicode;

use super::{
    case::{self, Case},
    doubts,
    items::{Item, items},
    node::{Assertion, LineTerminators, Node},
    sets,
};
use crate::PatternError;

/// How deep groups and classes may be nested.
const MAX_DEPTH: u32 = 60;
/// How many ranges all sets of a pattern may have together. A set such as `\p{L}` has hundreds.
const MAX_RANGES: usize = 200_000;

/// Reads a pattern.
///
/// # Errors
/// It is no Java regular expression, or one that is not supported.
pub(super) fn parse(text: &str) -> Result<Node, PatternError> {
    let mut parser = Parser {
        text,
        items: items(text)?,
        next: 0,
        flags: Flags::default(),
        groups: Vec::new(),
        names: BTreeMap::new(),
        line_breaks: 0,
        missing_groups: Vec::new(),
        references: BTreeSet::new(),
        depth: 0,
        ranges_left: MAX_RANGES,
    };
    let node = parser.alternatives()?;
    if let Some(item) = parser.look() {
        return parser.fail(item.at, "this ) closes no group");
    }
    if let Some(reason) = doubts::find(&node, &parser.references) {
        return parser.fail(0, reason);
    }
    match parser.missing_groups.iter().find(|(number, _)| *number <= parser.groups.len()) {
        Some((number, at)) => {
            parser.fail(*at, format!("group {number} comes after this, which is not supported"))
        }
        None => Ok(node),
    }
}

struct Parser<'a> {
    text: &'a str,
    items: Vec<Item>,
    /// The index of the item that is read next.
    next: usize,
    flags: Flags,
    /// The capturing groups by the order of their opening parentheses.
    groups: Vec<Group>,
    /// The numbers of those that have a name.
    names: BTreeMap<String, u32>,
    /// How many `\R` there were.
    line_breaks: usize,
    /// The groups that are referred to.
    references: BTreeSet<u32>,
    /// References to groups that were not there: their numbers, and where they stand. A reference to a
    /// group that never comes matches nothing.
    missing_groups: Vec<(usize, usize)>,
    /// How many groups and classes are open.
    depth: u32,
    ranges_left: usize,
}

struct Group {
    is_open: bool,
    /// Whether it lies in a look-around, where engines differ in what is remembered.
    is_in_look_around: bool,
}

/// The flags `(?idmsuxU)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    ignore_case: bool,
    unix_lines: bool,
    multi_line: bool,
    dot_all: bool,
    unicode_case: bool,
    comments: bool,
    unicode_classes: bool,
    in_look_around: bool,
}

impl Parser<'_> {
    /// Reads up to the end or to a `)`, which is left.
    fn alternatives(&mut self) -> Result<Node, PatternError> {
        let mut alternatives = vec![self.sequence()?];
        while self.look().is_some_and(|item| item.is('|')) {
            self.next += 1;
            alternatives.push(self.sequence()?);
        }
        Ok(only(&mut alternatives).unwrap_or(Node::Alternatives(alternatives)))
    }

    fn sequence(&mut self) -> Result<Node, PatternError> {
        let mut parts = Vec::new();
        while let Some(item) = self.look() {
            let literal = item.character;
            let line_breaks = self.line_breaks;
            if item.is_quoted {
                self.next += 1;
                parts.push(self.literal(literal)?);
            } else {
                match literal {
                    '|' | ')' => break,
                    '(' => match self.group()? {
                        Some(group) => parts.push(group),
                        // Flags alone cannot be repeated.
                        None => continue,
                    },
                    '*' | '+' | '?' => return self.fail(item.at, format!("{literal} repeats nothing")),
                    // Java repeats the empty text here, also after another repetition.
                    '{' => parts.push(Node::Empty),
                    _ => {
                        self.next += 1;
                        parts.push(self.atom(item)?);
                    }
                }
            }
            if let Some(part) = parts.pop() {
                let has_line_break = self.line_breaks > line_breaks;
                let is_line_break = item.is('\\') && has_line_break;
                let repeated = self.repetition(part)?;
                parts.push(match repeated {
                    // In each round Java takes \r\n for good.
                    Node::Repeated(part, repetition) if is_line_break => {
                        Node::Repeated(Box::new(Node::Atomic(part)), repetition)
                    }
                    // In a group that depends on what else is in it.
                    Node::Repeated(..) if has_line_break => {
                        return self.fail(item.at, "\\R in a group that is repeated is not supported");
                    }
                    repeated => repeated,
                });
            }
        }
        let only = only(&mut parts);
        Ok(only.unwrap_or(if parts.is_empty() { Node::Empty } else { Node::Concatenation(parts) }))
    }

    fn atom(&mut self, item: Item) -> Result<Node, PatternError> {
        let lines = self.line_terminators();
        match item.character {
            '\\' => self.escape_outside(item.at),
            '[' => {
                let set = self.class(item.at)?;
                self.set(set, item.at)
            }
            '.' if self.flags.dot_all => self.set(sets::of(&[('\0', char::MAX)]), item.at),
            '.' => {
                let excluded = match lines {
                    LineTerminators::All => sets::of(sets::LINE_TERMINATORS),
                    LineTerminators::LineFeed => sets::one('\n'),
                };
                self.set(sets::complement(excluded), item.at)
            }
            '^' if self.flags.multi_line => Ok(Node::Assertion(Assertion::LineStart(lines))),
            '^' => Ok(Node::Assertion(Assertion::Start)),
            '$' if self.flags.multi_line => Ok(Node::Assertion(Assertion::LineEnd(lines))),
            '$' => Ok(Node::Assertion(Assertion::EndOrLastLine(lines))),
            literal => self.literal(literal),
        }
    }

    fn line_terminators(&self) -> LineTerminators {
        if self.flags.unix_lines { LineTerminators::LineFeed } else { LineTerminators::All }
    }

    fn case(&self) -> Case {
        match (self.flags.ignore_case, self.flags.unicode_case) {
            (false, _) => Case::Sensitive,
            (true, false) => Case::IgnoreAscii,
            (true, true) => Case::IgnoreUnicode,
        }
    }

    fn literal(&mut self, character: char) -> Result<Node, PatternError> {
        let case = self.case();
        if case == Case::Sensitive || case == Case::IgnoreAscii && !character.is_ascii_alphabetic() {
            return Ok(Node::Character(character));
        }
        let set = case::of_character(character, case);
        let at = self.items[self.next - 1].at;
        match set.ranges() {
            [range] if range.start() == range.end() => {
                self.charge(&set, at)?;
                Ok(Node::Character(character))
            }
            _ => self.set(set, at),
        }
    }

    fn set(&mut self, set: ClassUnicode, at: usize) -> Result<Node, PatternError> {
        self.charge(&set, at)?;
        Ok(Node::Set(Arc::new(set)))
    }

    /// Counts what a set takes.
    fn charge(&mut self, set: &ClassUnicode, at: usize) -> Result<(), PatternError> {
        // Looking up what is the same but for case takes longer than the result shows.
        let look_up = if self.case() == Case::IgnoreUnicode { 16 } else { 0 };
        match self.ranges_left.checked_sub(set.ranges().len() + look_up) {
            Some(left) => self.ranges_left = left,
            None => return self.fail(at, "the pattern is too large, its classes have too many ranges"),
        }
        Ok(())
    }

    /// The item that is read next; with the flag `x`, after white space and comments.
    fn look(&mut self) -> Option<Item> {
        if self.flags.comments {
            while let Some(item) = self.look_raw() {
                if is_space(item) {
                    self.next += 1;
                } else if item.is('#') {
                    let lines = self.line_terminators();
                    while self.look_raw().is_some_and(|item| !ends_comment(item, lines)) {
                        self.next += 1;
                    }
                } else {
                    break;
                }
            }
        }
        self.look_raw()
    }

    /// The item that is read next, be it white space or not.
    fn look_raw(&self) -> Option<Item> {
        self.items.get(self.next).copied()
    }

    /// Reads an item, be it white space or not.
    fn take_raw(&mut self) -> Option<Item> {
        let item = self.look_raw()?;
        self.next += 1;
        Some(item)
    }

    /// Reads a character if it is this one with its meaning in the syntax.
    fn take_if(&mut self, character: char) -> bool {
        let is_there = self.look_raw().is_some_and(|item| item.is(character));
        self.next += usize::from(is_there);
        is_there
    }

    /// Whether what is read next is white space or a comment that the flag `x` leaves out. Java is not
    /// consistent about those within constructs.
    fn is_at_gap(&self) -> bool {
        self.is_gap(self.next)
    }

    fn is_gap(&self, index: usize) -> bool {
        self.flags.comments && self.items.get(index).is_some_and(|item| is_space(*item) || item.is('#'))
    }

    fn enter(&mut self, at: usize) -> Result<(), PatternError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail(at, format!("groups and classes are nested more than {MAX_DEPTH} deep"));
        }
        Ok(())
    }

    fn fail<T>(&self, at: usize, reason: impl Into<String>) -> Result<T, PatternError> {
        Err(PatternError::new(self.text, at, reason))
    }
}

fn is_space(item: Item) -> bool {
    !item.is_quoted && matches!(item.character, '\t'..='\r' | ' ')
}

fn ends_comment(item: Item, lines: LineTerminators) -> bool {
    match lines {
        LineTerminators::All => {
            matches!(item.character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
        }
        LineTerminators::LineFeed => item.character == '\n',
    }
}

/// Takes the only element out of a list.
fn only(nodes: &mut Vec<Node>) -> Option<Node> {
    if nodes.len() == 1 { nodes.pop() } else { None }
}
