//! Patterns as RE2 reads them, within its limits, compiled by the crate `regex`.

use regex::Regex;

use super::{program, reader::Reader};
use crate::master::config::MasterOptions;

/// So much of its memory RE2 gives to one instruction of a program, at most two thirds of it in all.
const BYTES_PER_INSTRUCTION: u64 = 16;

/// Compiles a pattern that has to match the whole value.
pub(super) fn whole(pattern: &str, options: &MasterOptions) -> Result<Regex, String> {
    let failed = |text: String| format!("Failed to construct regex from pattern '{pattern}': {text}");
    let translated = Reader::new(pattern).read().map_err(failed)?;
    let hir = regex_syntax::parse(&translated).map_err(|_| failed("unexpected error".into()))?;
    let size = program::size(&hir);
    if size.saturating_mul(BYTES_PER_INSTRUCTION) > options.offer_constraints_re2_max_mem / 3 * 2 {
        return Err(failed("pattern too large - compile failed".into()));
    }
    let largest = options.offer_constraints_re2_max_program_size;
    if size > largest {
        return Err(format!(
            "Regex '{pattern}' is too complex: program size of {size} is larger than maximum of {largest} allowed"
        ));
    }
    Regex::new(&format!("^(?:{translated})$"))
        .map_err(|_| failed("pattern too large - compile failed".into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_re2() {
        for (pattern, matching, other) in [
            ("r[0-9]+", "r12", "xr12"),
            ("r\\d", "r7", "r\u{0667}"),
            ("^r1$", "r1", "r1\n"),
            ("(?i)R1", "r1", "r2"),
            ("(?ii-i:R)(?)1", "R1", "r1"),
            ("(?P<x>a|b)c", "bc", "c"),
            ("\\Qa.b\\Ec", "a.bc", "axbc"),
            ("[a-z&&[^b]]", "b]", "b"),
            ("[[a]", "[", "b"),
            ("[]a]", "]", "b"),
            ("[[:alpha:]_]+", "a_", "7"),
            ("[\\d\\-]+", "1-2", "a"),
            ("a{,3}", "a{,3}", "aa"),
            ("a{2,}?", "aaa", "a"),
            ("\\p{Greek}", "\u{3b1}", "x"),
            ("\\P{^Greek}", "\u{3b1}", "x"),
            ("\\x41\\x{42}\\103", "ABC", "abc"),
            ("a\\.b", "a.b", "axb"),
            ("a|", "", "b"),
        ] {
            let roomy = limits(1 << 20, 1000);
            let regex = whole(pattern, &roomy).unwrap();
            assert!(regex.is_match(matching), "{pattern} {matching}");
            assert!(!regex.is_match(other), "{pattern} {other}");
        }
    }

    #[test]
    fn what_re2_refuses_is_refused_with_its_words() {
        for (pattern, text) in [
            ("rack-([", "missing ]: ["),
            ("(a", "missing ): (a"),
            ("a)", "unexpected ): a)"),
            ("*a", "no argument for repetition operator: *"),
            ("a|*", "no argument for repetition operator: *"),
            ("a++", "bad repetition operator: ++"),
            ("a**", "bad repetition operator: **"),
            ("a{1001}", "invalid repetition size: {1001}"),
            ("a{3,2}", "invalid repetition size: {3,2}"),
            ("(?=a)", "invalid perl operator: (?="),
            ("(?<x>a)", "invalid perl operator: (?<"),
            ("(?x)a", "invalid perl operator: (?x"),
            ("(?i-)a", "invalid perl operator: (?i-)"),
            ("(?--i)a", "invalid perl operator: (?--"),
            ("(a)\\1", "invalid escape sequence: \\1"),
            ("\\y", "invalid escape sequence: \\y"),
            ("[z-a]", "invalid character class range: z-a"),
            ("[[:foo:]]", "invalid character class range: [:foo:]"),
            ("\\p{Nowhere}", "invalid character class range: \\p{Nowhere}"),
            ("a\\", "trailing \\"),
            ("(?P<a b>c)", "invalid named capture group: (?P<a b>"),
            ("(a{1,200}|b{1,200}){1,5}", "pattern too large - compile failed"),
        ] {
            let expected = format!("Failed to construct regex from pattern '{pattern}': {text}");
            assert_eq!(whole(pattern, &MasterOptions::default()).unwrap_err(), expected);
        }
    }

    #[test]
    fn the_limits_are_those_of_the_flags() {
        let pattern = "r".repeat(120);
        let text = whole(&pattern, &MasterOptions::default()).unwrap_err();
        let expected = "is too complex: program size of 124 is larger than maximum of 100 allowed";
        assert_eq!(text, format!("Regex '{pattern}' {expected}"));
        assert!(whole(&pattern, &limits(4096, 124)).is_ok());
        let text = whole(&pattern, &limits(1024, 124)).unwrap_err();
        assert!(text.ends_with("pattern too large - compile failed"), "{text}");
    }

    proptest! {
        #[test]
        fn no_pattern_does_harm(
            pattern in "([a-z0-9]|[\\[\\](){}|*+?.^$:,<>=!&~-]|\\\\|\\\\[pPxQEdDwWbBAzC0-9]|\\[:|:\\]|\\(\\?|P<|\\PC){0,24}"
        ) {
            // Within the limits it is compiled, whatever it is: what passes the reader has to be a pattern.
            let outcome = whole(&pattern, &limits(1 << 20, 1 << 14));
            prop_assert!(outcome.err().is_none_or(|text| !text.ends_with(": unexpected error")), "{pattern}");
        }
    }

    fn limits(memory: u64, size: u64) -> MasterOptions {
        MasterOptions {
            offer_constraints_re2_max_mem: memory,
            offer_constraints_re2_max_program_size: size,
            ..MasterOptions::default()
        }
    }
}
