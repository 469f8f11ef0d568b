//! Checks do not allocate, once the engine of a pattern has set up what it needs.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::{collections::BTreeMap, hint::black_box};

use allocation_counter::measure;
use placement_constraints::{Attributes, ConstraintSet, MissingAttribute, Pattern};

/// Patterns by how they are matched, with a value that each matches and one that it does not.
const PATTERNS: [(&str, &str, &str); 5] = [
    ("rack-17", "rack-17", "rack-18"),
    ("rack-1|rack-2|(?:row-[34])", "row-4", "row-5"),
    ("rack-.*", "rack-17", "row-17"),
    ("(?:rack|row)-[0-9]{1,3}(?:-[a-z]+)?", "row-17-left", "row-17-"),
    (".*-\\p{Alpha}+\\d{2}", "größe-x17", "größe-x1"),
];

#[test]
fn matching_does_not_allocate() {
    for (text, matching, other) in PATTERNS {
        let pattern = Pattern::new(text).unwrap();
        for (value, expected) in [(matching, true), (other, false)] {
            let is_match = || assert_eq!(pattern.is_match(value), Ok(expected), "{text} on {value}");
            check_allocates_nothing(&format!("{text} on {value}"), is_match);
        }
    }
}

#[test]
fn checking_maps_slices_and_closures_does_not_allocate() {
    for (pattern, matching, other) in PATTERNS {
        for operator in ["LIKE", "UNLIKE"] {
            let set = ConstraintSet::parse([format!("place {operator} {pattern}")]).unwrap();
            check_attributes(&set, Some(matching), operator == "LIKE");
            check_attributes(&set, Some(other), operator == "UNLIKE");
            check_attributes(&set, None, false);
            let lenient = set.with_missing_attribute(MissingAttribute::SatisfiesUnlike);
            check_attributes(&lenient, None, operator == "UNLIKE");
        }
    }
}

#[test]
fn checking_a_set_does_not_allocate() {
    let texts = PATTERNS.iter().enumerate().map(|(index, (pattern, ..))| format!("x{index} LIKE {pattern}"));
    let set = ConstraintSet::parse(texts).unwrap();
    let mut attributes: BTreeMap<String, &str> = PATTERNS
        .iter()
        .enumerate()
        .map(|(index, (_, matching, _))| (format!("x{index}"), *matching))
        .collect();
    check_set(&set, &attributes, true);
    attributes.insert("x4".to_owned(), "none");
    check_set(&set, &attributes, false);
    check_allocates_nothing("a clone of a set", || drop(black_box(set.clone())));
}

/// What the other tests rely on.
#[test]
fn allocations_are_counted() {
    assert_eq!(measure(|| drop(black_box(Box::new(17_u64)))).count_total, 1);
}

/// Offers an attribute in each of the ways, or leaves it out.
fn check_attributes(set: &ConstraintSet, value: Option<&'static str>, is_satisfied: bool) {
    let mut pairs = vec![("other".to_owned(), "x".to_owned())];
    pairs.extend(value.map(|value| ("place".to_owned(), value.to_owned())));
    check_set(set, pairs.as_slice(), is_satisfied);
    check_set(set, &pairs.into_iter().collect::<BTreeMap<_, _>>(), is_satisfied);
    check_set(set, &|name: &str| value.filter(|_| name == "place"), is_satisfied);
}

fn check_set(set: &ConstraintSet, attributes: &(impl Attributes + ?Sized), is_satisfied: bool) {
    let what = format!("{:?}", set.explain(attributes));
    check_allocates_nothing(&what, || {
        let verdict = black_box(set.check(attributes));
        assert_eq!(verdict.is_satisfied(), is_satisfied);
        assert_eq!(verdict.failure().is_none(), is_satisfied);
    });
    check_allocates_nothing(&what, || {
        let failures = set.iter().filter(|constraint| constraint.check(attributes).is_err());
        black_box(failures.count());
    });
}

#[track_caller]
fn check_allocates_nothing(what: &str, run: impl Fn()) {
    // Engines make room when they are used first, and learn states from each new value.
    run();
    let counted = measure(|| (0..100).for_each(|_| run()));
    assert_eq!(counted.count_total, 0, "{what}: {counted:?}");
}
