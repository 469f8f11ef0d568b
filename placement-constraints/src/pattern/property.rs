//! Properties of characters: `\p{…}`.
//!
//! The tables are those of the `regex-syntax` crate, cut down to the characters of Unicode 13, which is what
//! Java 17 knows.

use std::sync::LazyLock;

use regex_syntax::{
    Parser,
    hir::{Class, ClassUnicode, HirKind},
};

use super::{scripts, sets};

/// Whether names of POSIX classes mean ASCII only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PosixNames {
    Ascii,
    Unicode,
}

/// The characters of Unicode 13.
static KNOWN: LazyLock<ClassUnicode> = LazyLock::new(|| {
    // The table has whatever is not unassigned, that is, noncharacters too.
    raw("Age=13.0").unwrap_or_else(ClassUnicode::empty)
});

/// The characters that Java 17 knows.
pub(super) fn known_to_java() -> &'static ClassUnicode {
    &KNOWN
}

/// Whether Java 17 knows a character.
pub(super) fn is_known_to_java(character: char) -> bool {
    is_in(&KNOWN, character)
}

/// Whether a character is in a set.
pub(super) fn is_in(set: &ClassUnicode, character: char) -> bool {
    let ranges = set.ranges();
    let after = ranges.partition_point(|range| range.start() <= character);
    after.checked_sub(1).is_some_and(|index| character <= ranges[index].end())
}

/// The set of a property, by the name that Java has for it.
pub(super) fn find(name: &str, posix_names: PosixNames) -> Option<ClassUnicode> {
    if let Some((key, value)) = name.split_once('=') {
        return match key.to_ascii_lowercase().as_str() {
            "sc" | "script" => script(value),
            "gc" | "general_category" => category(value),
            _ => None,
        };
    }
    if let Some(rest) = name.strip_prefix("Is") {
        return binary(rest).or_else(|| category(rest)).or_else(|| script(rest));
    }
    if posix_names == PosixNames::Unicode
        && let Some(set) = posix_in_unicode(name)
    {
        return Some(set);
    }
    category(name)
}

/// General categories, and what else Java finds under their names.
fn category(name: &str) -> Option<ClassUnicode> {
    const CATEGORIES: &[&str] = &[
        "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N",
        "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z",
        "Zl", "Zp", "Zs",
    ];
    match name {
        "LC" => union(&["Lu", "Ll", "Lt"]),
        "LD" => union(&["L", "Nd"]),
        "L1" => Some(sets::of(&[('\0', '\u{FF}')])),
        "all" => Some(sets::of(&[('\0', char::MAX)])),
        // What came after Unicode 13 is not assigned for Java.
        "Cn" => unassigned(),
        "C" => {
            let mut set = unassigned()?;
            set.union(&union(&["Cc", "Cf", "Co"])?);
            Some(set)
        }
        // Halves of surrogate pairs, which no text holds.
        "Cs" => Some(ClassUnicode::empty()),
        _ if CATEGORIES.contains(&name) => unicode(name),
        "javaLowerCase" => unicode("Lowercase"),
        "javaUpperCase" => unicode("Uppercase"),
        "javaAlphabetic" => unicode("Alphabetic"),
        "javaIdeographic" => unicode("Ideographic"),
        "javaTitleCase" => unicode("Lt"),
        "javaDigit" => unicode("Nd"),
        "javaDefined" => Some(sets::complement(unassigned()?)),
        "javaLetter" => unicode("L"),
        "javaLetterOrDigit" => union(&["L", "Nd"]),
        "javaSpaceChar" => unicode("Z"),
        _ => sets::posix(name),
    }
}

/// Properties that a character has or has not.
fn binary(name: &str) -> Option<ClassUnicode> {
    match name.to_ascii_uppercase().as_str() {
        "ALPHA" | "ALPHABETIC" => unicode("Alphabetic"),
        "ASSIGNED" => Some(sets::complement(unassigned()?)),
        "CNTRL" | "CONTROL" => unicode("Cc"),
        "XDIGIT" | "HEXDIGIT" | "HEX_DIGIT" => hexadecimal_digits(),
        "IDEOGRAPHIC" => unicode("Ideographic"),
        "JOINCONTROL" | "JOIN_CONTROL" => unicode("Join_Control"),
        "LETTER" => unicode("L"),
        "LOWER" | "LOWERCASE" => unicode("Lowercase"),
        "NONCHARACTERCODEPOINT" | "NONCHARACTER_CODE_POINT" => raw("Noncharacter_Code_Point"),
        "TITLECASE" => unicode("Lt"),
        "PUNCT" | "PUNCTUATION" => unicode("P"),
        "UPPER" | "UPPERCASE" => unicode("Uppercase"),
        "SPACE" | "WHITESPACE" | "WHITE_SPACE" => unicode("White_Space"),
        "WORD" => word(),
        "ALNUM" => union(&["Alphabetic", "Nd"]),
        "BLANK" => posix_in_unicode("Blank"),
        "DIGIT" => unicode("Nd"),
        "GRAPH" => posix_in_unicode("Graph"),
        "PRINT" => posix_in_unicode("Print"),
        _ => None,
    }
}

/// What POSIX names mean with the flag `U`.
fn posix_in_unicode(name: &str) -> Option<ClassUnicode> {
    match name {
        "Alpha" => unicode("Alphabetic"),
        "Lower" => unicode("Lowercase"),
        "Upper" => unicode("Uppercase"),
        "Space" => unicode("White_Space"),
        "Punct" => unicode("P"),
        "XDigit" => hexadecimal_digits(),
        "Alnum" => union(&["Alphabetic", "Nd"]),
        "Cntrl" => unicode("Cc"),
        "Digit" => unicode("Nd"),
        "Blank" => with(unicode("Zs")?, &[('\t', '\t')]),
        "Graph" => {
            let mut set = union(&["Z", "Cc"])?;
            set.union(&unassigned()?);
            Some(sets::complement(set))
        }
        "Print" => {
            let mut set = posix_in_unicode("Graph")?;
            set.union(&unicode("Zs")?);
            Some(set)
        }
        _ => None,
    }
}

/// `\w` with the flag `U`.
pub(super) fn word() -> Option<ClassUnicode> {
    union(&["Alphabetic", "M", "Nd", "Pc", "Join_Control"])
}

/// The set of a property in the words of `regex-syntax`, as far as Java 17 knows its characters.
pub(super) fn unicode(name: &str) -> Option<ClassUnicode> {
    let mut set = raw(name)?;
    set.intersect(&KNOWN);
    match name {
        "Mn" => set.union(&sets::of(SPACING_SINCE)),
        "Mc" => set.difference(&sets::of(SPACING_SINCE)),
        "Lowercase" => set.difference(&sets::of(LOWERCASE_SINCE)),
        "Alphabetic" => set.difference(&sets::of(ALPHABETIC_SINCE)),
        _ => {}
    }
    Some(set)
}

/// What became a spacing mark after Unicode 13.
const SPACING_SINCE: &[(char, char)] = &[('\u{1734}', '\u{1734}'), ('\u{1171E}', '\u{1171E}')];
/// What became Han, from common, after Unicode 13.
const HAN_SINCE: &[(char, char)] = &[('\u{16FE2}', '\u{16FE3}')];
/// What became lower case after Unicode 13.
const LOWERCASE_SINCE: &[(char, char)] = &[('\u{10FC}', '\u{10FC}'), ('\u{AB69}', '\u{AB69}')];
/// What became alphabetic after Unicode 13.
const ALPHABETIC_SINCE: &[(char, char)] = &[
    ('\u{363}', '\u{36F}'),
    ('\u{C04}', '\u{C04}'),
    ('\u{F82}', '\u{F83}'),
    ('\u{1DD3}', '\u{1DE6}'),
    ('\u{11080}', '\u{11081}'),
];

fn union(names: &[&str]) -> Option<ClassUnicode> {
    let mut set = ClassUnicode::empty();
    for name in names {
        set.union(&unicode(name)?);
    }
    Some(set)
}

fn with(mut set: ClassUnicode, ranges: &[(char, char)]) -> Option<ClassUnicode> {
    set.union(&sets::of(ranges));
    Some(set)
}

fn hexadecimal_digits() -> Option<ClassUnicode> {
    let letters = [('A', 'F'), ('a', 'f'), ('\u{FF21}', '\u{FF26}'), ('\u{FF41}', '\u{FF46}')];
    with(unicode("Nd")?, &letters)
}

fn unassigned() -> Option<ClassUnicode> {
    let mut set = sets::complement(KNOWN.clone());
    set.union(&raw("Noncharacter_Code_Point")?);
    Some(set)
}

fn script(name: &str) -> Option<ClassUnicode> {
    if !scripts::is_known(name) {
        return None;
    }
    let mut set = unicode(&format!("Script={name}"))?;
    match name.to_ascii_uppercase().as_str() {
        "COMMON" | "ZYYY" => set.union(&sets::of(HAN_SINCE)),
        "HAN" | "HANI" => set.difference(&sets::of(HAN_SINCE)),
        _ => {}
    }
    Some(set)
}

fn raw(name: &str) -> Option<ClassUnicode> {
    read(&format!(r"\p{{{name}}}"))
}

/// Reads a class in the syntax of `regex-syntax`.
fn read(class: &str) -> Option<ClassUnicode> {
    let hir = Parser::new().parse(class).ok()?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(set)) => Some(set),
        // One character is kept as a literal.
        HirKind::Literal(literal) => {
            let text = String::from_utf8(literal.0.into_vec()).ok()?;
            Some(ClassUnicode::new(
                text.chars().map(|character| regex_syntax::hir::ClassUnicodeRange::new(character, character)),
            ))
        }
        HirKind::Empty
        | HirKind::Class(Class::Bytes(_))
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => None,
    }
}

/// Whether Java and the engines disagree, or may, about a character being part of a word.
///
/// Java counts letters, digits, the underscore, and marks that follow those; versions of Java differ, too.
pub(super) fn is_doubtful_in_word(character: char) -> bool {
    !character.is_ascii() && is_in(&DOUBTFUL, character)
}

static DOUBTFUL: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let java = union(&["L", "Nd"]).and_then(|set| with(set, &[('_', '_')]));
    let mut doubtful = read(r"\w").unwrap_or_else(ClassUnicode::empty);
    doubtful.symmetric_difference(&java.unwrap_or_else(ClassUnicode::empty));
    doubtful.union(&raw("Mn").unwrap_or_else(ClassUnicode::empty));
    doubtful
});
