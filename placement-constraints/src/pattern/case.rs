//! Upper and lower case as Java compares them.
//!
//! With the flag `i` alone only ASCII letters have a case. With `u` too, two characters are the same if the
//! lower cases of their upper cases are, by the simple mappings of one character to one. Those are taken
//! from the standard library, whose mappings are the full ones, and mended where the two differ.

use std::sync::LazyLock;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{property, sets};

/// What is done about case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Sensitive,
    IgnoreAscii,
    IgnoreUnicode,
}

/// Characters that have a case, with their upper case and the lower case of that.
static CASED: LazyLock<Vec<[char; 3]>> = LazyLock::new(|| {
    property::known_to_java()
        .ranges()
        .iter()
        .flat_map(|range| range.start()..=range.end())
        .map(|character| {
            let upper = upper(character);
            [character, upper, lower(upper)]
        })
        .filter(|[character, upper, folded]| character != upper || character != folded)
        .collect()
});

/// All characters that are taken for this one.
pub(super) fn of_character(character: char, case: Case) -> ClassUnicode {
    if case != Case::IgnoreUnicode {
        return of_range(character, character, case);
    }
    let folded = lower(upper(character));
    if folded == upper(character) {
        // Java sees no case in it then, though others may be folded to it, as ẞ is to ß.
        return sets::one(character);
    }
    let same = CASED.iter().filter(|[_, _, other]| *other == folded);
    let mut set =
        ClassUnicode::new(same.map(|[character, ..]| ClassUnicodeRange::new(*character, *character)));
    set.union(&sets::of(&[(character, character), (folded, folded)]));
    set
}

/// All characters that are taken for one of a range.
pub(super) fn of_range(first: char, last: char, case: Case) -> ClassUnicode {
    let mut set = sets::of(&[(first, last)]);
    match case {
        Case::Sensitive => {}
        Case::IgnoreAscii => {
            for (from, to, other) in [('a', 'z', 'A'), ('A', 'Z', 'a')] {
                let (first, last) = (first.max(from), last.min(to));
                if first <= last {
                    let shifted = |letter: char| char::from(letter as u8 - from as u8 + other as u8);
                    set.push(ClassUnicodeRange::new(shifted(first), shifted(last)));
                }
            }
        }
        Case::IgnoreUnicode => {
            let is_in = |character: char| first <= character && character <= last;
            // Other than with one character, it counts what is in the range, not what that is folded to.
            let same = CASED.iter().filter(|[_, upper, lower]| is_in(*upper) || is_in(*lower));
            let same = same.map(|[character, ..]| ClassUnicodeRange::new(*character, *character));
            set.union(&ClassUnicode::new(same));
        }
    }
    set
}

/// The simple upper case.
fn upper(character: char) -> char {
    match character {
        // Where the full upper case has two characters, the simple one is the title case.
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => moved(character, 8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => moved(character, 9),
        _ => known_or(character, single(character.to_uppercase())),
    }
}

/// The simple lower case.
fn lower(character: char) -> char {
    match character {
        '\u{130}' => 'i',
        _ => known_or(character, single(character.to_lowercase())),
    }
}

fn moved(character: char, by: u32) -> char {
    char::from_u32(u32::from(character) + by).unwrap_or(character)
}

fn single(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next();
    first.filter(|_| characters.next().is_none())
}

/// A mapping, unless it leads to a character that is younger than Java 17.
fn known_or(character: char, mapped: Option<char>) -> char {
    mapped.filter(|mapped| property::is_known_to_java(*mapped)).unwrap_or(character)
}
