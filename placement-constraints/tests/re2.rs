//! Patterns for the masters' RE2, through the public interface.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use placement_constraints::Pattern;
use proptest::prelude::*;
use regex::Regex;

#[test]
fn what_means_something_else_in_re2_is_written_out() {
    for (pattern, expected) in [
        ("r1", "r1"),
        ("r\\d+", "r[0-9]+"),
        ("a.b", "a[^\\x{A}\\x{D}\\x{85}\\x{2028}\\x{2029}]b"),
        ("(?i)k", "[Kk]"),
        ("[a-z&&[^b]]", "[ac-z]"),
        ("\\s", "[\\x{9}-\\x{D}\\x{20}]"),
        ("\\Qa.b\\E|c", "a\\.b|c"),
        ("^(a|b)?$", "\\A[ab]?\\z"),
        ("a*+", "a*"),
        ("a+?b", "a+b"),
        ("", "(?:)"),
        ("host-01|host-12|host-31", "host\\-(?:[03]1|12)"),
        ("(?:true|false)x", "(?:fals|tru)ex"),
    ] {
        assert_eq!(Pattern::new(pattern).unwrap().re2().as_deref(), Ok(expected), "{pattern}");
    }
}

#[test]
fn what_re2_lacks_or_masters_refuse_is_an_error() {
    for (pattern, reason) in [
        ("(?!a).*", "RE2 has no look-around, back-references, or possessive repetitions"),
        ("a*+a", "RE2 has no look-around, back-references, or possessive repetitions"),
        ("\\bab", "RE2 has other word boundaries, those of ASCII"),
        ("(a*)*", "versions of RE2 differ in repetitions of what may be empty"),
        ("\\p{L}", "masters allow 100 by default"),
        ("a{1000}", "RE2 may need 1004 instructions, masters allow 100 by default"),
        ("(?:a{100}){100}", "masters allow 100 by default"),
    ] {
        let compiled = Pattern::new(pattern);
        if cfg!(not(feature = "fancy-regex")) && reason.contains("look-around") {
            assert!(compiled.is_err());
            continue;
        }
        let error = compiled.unwrap().re2().unwrap_err().to_string();
        assert!(error.contains(reason), "{pattern}: {error}");
    }
}

/// Measured on a Mesos 1.11 master with its default limits.
#[test]
fn the_limits_are_those_of_a_master() {
    let letters = |count| Pattern::new(&"r".repeat(count)).unwrap().re2().is_ok();
    assert!(letters(96) && !letters(97));
    let classes = |count| Pattern::new(&format!("[a-z]{{{count}}}")).unwrap().re2().is_ok();
    assert!(classes(92) && !classes(97));
    let racks: Vec<String> = (0..200).map(|number| format!("r{number:03}")).collect();
    assert_eq!(Pattern::new(&racks.join("|")).unwrap().re2().as_deref(), Ok("r[01][0-9][0-9]"));
}

/// Each row: the size of RE2's program, a pattern, and the text whose size that is. Where the text changes,
/// the size must be measured again.
#[test]
fn what_is_written_was_measured_to_fit() {
    let rows = include_str!("data/re2-sizes.tsv");
    for row in rows.lines() {
        let mut fields = row.split('\t');
        let size: usize = fields.next().unwrap().parse().unwrap();
        let (pattern, text) = (fields.next().unwrap(), fields.next().unwrap());
        assert!(size <= 100, "{pattern}");
        assert_eq!(Pattern::new(pattern).unwrap().re2().as_deref(), Ok(text), "{pattern}");
    }
    assert!(rows.lines().count() > 200);
}

proptest! {
    /// RE2 and `regex` read the written syntax in the same way; RE2 itself is not at hand here.
    #[test]
    fn the_text_for_re2_agrees_with_the_pattern(
        pattern in "(\\(\\?i\\))?([ab1.]|\\[\\^?[a-c]\\]|\\\\[dws]|\\(a\\|ab?\\)|a[*+?]|[ab]\\{1,2\\}|\\|){0,8}",
        values in prop::collection::vec("[abA1 \n\r\u{85}é]{0,6}", 1..20),
    ) {
        let compiled = Pattern::new(&pattern).unwrap();
        if let Ok(re2) = compiled.re2() {
            let regex = Regex::new(&format!("\\A(?:{re2})\\z")).unwrap();
            for value in values {
                prop_assert_eq!(compiled.is_match(&value), Ok(regex.is_match(&value)), "{:?} {:?}", &re2, &value);
            }
        }
    }

    #[test]
    fn alternatives_of_text_are_the_same_when_written_for_re2(
        texts in prop::collection::vec("[abc]{0,4}", 1..12),
        values in prop::collection::vec("[abc]{0,4}", 1..30),
    ) {
        let pattern = format!("x(?:{})y", texts.join("|"));
        if let Ok(re2) = Pattern::new(&pattern).unwrap().re2() {
            let regex = Regex::new(&format!("\\A(?:{re2})\\z")).unwrap();
            for value in texts.iter().chain(&values) {
                let is_match = regex.is_match(&format!("x{value}y"));
                prop_assert_eq!(is_match, texts.contains(value), "{:?} {:?}", &re2, value);
            }
        }
    }
}
