//! Sets of characters that have a name in Java.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

pub(super) const DIGIT: &[(char, char)] = &[('0', '9')];
pub(super) const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
pub(super) const SPACE: &[(char, char)] = &[('\t', '\r'), (' ', ' ')];
pub(super) const HORIZONTAL_SPACE: &[(char, char)] = &[
    ('\t', '\t'),
    (' ', ' '),
    ('\u{A0}', '\u{A0}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{180E}', '\u{180E}'),
    ('\u{2000}', '\u{200A}'),
    ('\u{202F}', '\u{202F}'),
    ('\u{205F}', '\u{205F}'),
    ('\u{3000}', '\u{3000}'),
];
pub(super) const VERTICAL_SPACE: &[(char, char)] =
    &[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')];
pub(super) const LINE_TERMINATORS: &[(char, char)] =
    &[('\n', '\n'), ('\r', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')];

/// The POSIX names, which are ASCII without the flag `U`.
const POSIX: &[(&str, &[(char, char)])] = &[
    ("ASCII", &[('\0', '\x7F')]),
    ("Alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("Alpha", &[('A', 'Z'), ('a', 'z')]),
    ("Blank", &[('\t', '\t'), (' ', ' ')]),
    ("Cntrl", &[('\0', '\x1F'), ('\x7F', '\x7F')]),
    ("Digit", DIGIT),
    ("Graph", &[('!', '~')]),
    ("Lower", &[('a', 'z')]),
    ("Print", &[(' ', '~')]),
    ("Punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("Space", SPACE),
    ("Upper", &[('A', 'Z')]),
    ("XDigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

/// The set of a POSIX name.
pub(super) fn posix(name: &str) -> Option<ClassUnicode> {
    POSIX.iter().find(|(known, _)| *known == name).map(|(_, ranges)| of(ranges))
}

/// A set out of ranges.
pub(super) fn of(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(first, last)| ClassUnicodeRange::new(*first, *last)))
}

/// A set of one character.
pub(super) fn one(character: char) -> ClassUnicode {
    of(&[(character, character)])
}

/// All characters that are not in a set.
pub(super) fn complement(mut set: ClassUnicode) -> ClassUnicode {
    // The library takes the gap of the surrogates between these two for something that can be complemented.
    let (before, after) = ('\u{D7FF}', '\u{E000}');
    if set.ranges().iter().any(|range| range.end() == before)
        && set.ranges().iter().any(|range| range.start() == after)
    {
        set.push(ClassUnicodeRange::new(before, after));
    }
    set.negate();
    set
}
