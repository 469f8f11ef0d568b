//! How large RE2's program of a pattern is.
//!
//! The numbers follow what was seen of a real master: a letter or a range of ASCII is one instruction, a class
//! of all other characters six, four come on top, and what alternatives begin with in common counts once. For
//! patterns with loops they are near the real ones, not the same.

use std::collections::BTreeSet;

use regex_syntax::{
    hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look},
    utf8::Utf8Sequences,
};

/// Instructions that every program has.
const ALWAYS: u64 = 4;

/// Instructions of the whole pattern.
pub(super) fn size(pattern: &Hir) -> u64 {
    let mut atoms = atoms(pattern);
    // The whole value has to match in any case.
    if matches!(atoms.first(), Some(Atom::Other(HirKind::Look(Look::Start)))) {
        atoms.remove(0);
    }
    if matches!(atoms.last(), Some(Atom::Other(HirKind::Look(Look::End)))) {
        atoms.pop();
    }
    ALWAYS.saturating_add(sum(&atoms))
}

/// Something that follows something else.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Atom<'a> {
    Byte(u8),
    Class(&'a Class),
    Other(&'a HirKind),
}

fn atoms(pattern: &Hir) -> Vec<Atom<'_>> {
    match pattern.kind() {
        HirKind::Empty => Vec::new(),
        HirKind::Literal(literal) => literal.0.iter().map(|byte| Atom::Byte(*byte)).collect(),
        HirKind::Class(class) => vec![Atom::Class(class)],
        HirKind::Concat(parts) => parts.iter().flat_map(atoms).collect(),
        other @ (HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Alternation(_)) => vec![Atom::Other(other)],
    }
}

fn sum(atoms: &[Atom<'_>]) -> u64 {
    atoms.iter().fold(0, |sum: u64, atom| sum.saturating_add(atom_size(*atom)))
}

fn atom_size(atom: Atom<'_>) -> u64 {
    let kind = match atom {
        Atom::Byte(_) => return 1,
        Atom::Class(class) => return class_size(class),
        Atom::Other(kind) => kind,
    };
    match kind {
        HirKind::Empty => 0,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(class) => class_size(class),
        HirKind::Look(_) => 1,
        HirKind::Repetition(repetition) => {
            let copies = repetition.max.unwrap_or(repetition.min).max(1);
            sum(&atoms(&repetition.sub)).saturating_mul(copies.into())
        }
        // Its begin and its end.
        HirKind::Capture(capture) => sum(&atoms(&capture.sub)).saturating_add(2),
        HirKind::Concat(parts) => {
            parts.iter().fold(0, |all: u64, part| all.saturating_add(sum(&atoms(part))))
        }
        HirKind::Alternation(branches) => {
            let branches: Vec<Vec<Atom<'_>>> = branches.iter().map(atoms).collect();
            alternation(&branches.iter().map(Vec::as_slice).collect::<Vec<_>>())
        }
    }
}

/// What neighbours begin with in common is there once, and neighbours of one character are one class.
fn alternation(branches: &[&[Atom<'_>]]) -> u64 {
    let mut size: u64 = 0;
    for group in branches.chunk_by(|one, other| is_single(one) == is_single(other)) {
        if is_single(group[0]) {
            size = size.saturating_add(class_size(&Class::Unicode(united(group))));
            continue;
        }
        for group in group.chunk_by(|one, other| one.first() == other.first()) {
            let Some(first) = group[0].first() else { continue };
            let rest: Vec<&[Atom<'_>]> = group.iter().map(|branch| &branch[1..]).collect();
            let rest = if let [one] = rest.as_slice() { sum(one) } else { alternation(&rest) };
            size = size.saturating_add(atom_size(*first)).saturating_add(rest);
        }
    }
    size
}

fn is_single(branch: &[Atom<'_>]) -> bool {
    matches!(branch, [Atom::Byte(0..=0x7f) | Atom::Class(Class::Unicode(_))])
}

fn united(branches: &[&[Atom<'_>]]) -> ClassUnicode {
    let mut all = ClassUnicode::empty();
    for atom in branches.iter().flat_map(|branch| branch.iter()) {
        match atom {
            Atom::Byte(byte) => all.push(ClassUnicodeRange::new(char::from(*byte), char::from(*byte))),
            Atom::Class(Class::Unicode(class)) => all.union(class),
            Atom::Class(Class::Bytes(_)) | Atom::Other(_) => {}
        }
    }
    all
}

fn class_size(class: &Class) -> u64 {
    let Class::Unicode(class) = class else {
        return match class {
            Class::Bytes(bytes) => bytes.ranges().len() as u64,
            Class::Unicode(_) => 0,
        };
    };
    let has_both_cases = |letter: u8| {
        let has = |byte: u8| {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&char::from(byte)))
        };
        has(letter) == has(letter.to_ascii_uppercase())
    };
    let folds = (b'a'..=b'z').all(has_both_cases);
    let mut size = 0;
    let mut tails = BTreeSet::<Vec<(u8, u8)>>::new();
    for range in class.ranges() {
        let (start, end) = (range.start(), range.end());
        // One instruction matches a letter in both cases.
        let is_folded = folds && start >= 'A' && end <= 'Z';
        if start.is_ascii() && !is_folded {
            size += 1;
        }
        if end.is_ascii() {
            continue;
        }
        let start = start.max('\u{80}');
        if start == '\u{80}' && end == char::MAX {
            size += 6;
            continue;
        }
        for sequence in Utf8Sequences::new(start, end) {
            let bytes: Vec<(u8, u8)> =
                sequence.as_slice().iter().map(|range| (range.start, range.end)).collect();
            tails.extend((0..bytes.len()).map(|from| bytes[from..].to_vec()));
        }
    }
    size + tails.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_a_real_master_where_they_are_known() {
        let hundreds: Vec<String> = (0..200).map(|number| format!("r{number:03}")).collect();
        let hosts = |count: usize| {
            let hosts: Vec<String> =
                (1..=count).map(|number| format!("host-{number:02}.example.com")).collect();
            hosts.join("|")
        };
        for (pattern, fits) in [
            ("r".repeat(96), true),
            ("r".repeat(97), false),
            ("[a-z]{96}".into(), true),
            ("[a-z]{97}".into(), false),
            (".{12}".into(), true),
            (".{13}".into(), false),
            ("[^x]{12}".into(), true),
            ("[^x]{13}".into(), false),
            (hundreds.join("|"), true),
            (hosts(3), true),
            (hosts(4), false),
            ("(?i)r1".into(), true),
            ("^r1$".into(), true),
        ] {
            let hir = regex_syntax::parse(&pattern).unwrap();
            assert_eq!(size(&hir) <= 100, fits, "{pattern}: {}", size(&hir));
        }
        assert_eq!(size(&regex_syntax::parse(&"r".repeat(120)).unwrap()), 124);
        assert!(size(&regex_syntax::parse("(a{1,200}|b{1,200}){1,5}").unwrap()) > 1000);
    }
}
