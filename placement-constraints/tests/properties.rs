//! What holds for every constraint, every text and every set.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use placement_constraints::{
    Constraint, ConstraintSet, MissingAttribute, Operator, ParseErrorKind, ParseOptions, Pattern,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_parts_are_parsed_and_shown_again(
        attribute in part(),
        operator in operator(),
        value in part(),
        delimiter in part(),
    ) {
        prop_assume!(ends(&attribute, &delimiter) && ends(operator.as_str(), &delimiter));
        let text = format!("{attribute}{delimiter}{operator}{delimiter}{value}");
        let options = ParseOptions::default().delimiter(&delimiter);
        match Constraint::parse_with(&text, &options) {
            Ok(constraint) => {
                prop_assert_eq!(constraint.attribute(), &attribute);
                prop_assert_eq!(constraint.operator(), operator);
                prop_assert_eq!(constraint.pattern().as_str(), &value);
                prop_assert_eq!(constraint.delimiter(), &delimiter);
                prop_assert_eq!(constraint.to_string(), text);
                let again = Constraint::parse_with(&constraint.to_string(), &options).unwrap();
                prop_assert_eq!(again, constraint);
            }
            // All the rest is right.
            Err(error) => {
                prop_assert!(matches!(error.kind(), ParseErrorKind::BadPattern { .. }), "{}", error);
                let value_at = text.chars().count() - value.chars().count();
                prop_assert!(error.column() > value_at, "{}", error);
            }
        }
    }

    #[test]
    fn any_value_can_be_asked_for(
        attribute in part(),
        operator in operator(),
        value in part(),
        other in part(),
        delimiter in part(),
    ) {
        prop_assume!(ends(&attribute, &delimiter) && ends(operator.as_str(), &delimiter));
        let text = format!("{attribute}{delimiter}{operator}{delimiter}{}", quoted(&value));
        let options = ParseOptions::default().delimiter(&delimiter);
        let constraint = Constraint::parse_with(&text, &options).unwrap();
        let is_like = operator == Operator::Like;
        prop_assert_eq!(constraint.check(&[(&attribute, &value)]).is_ok(), is_like);
        prop_assert_eq!(constraint.check(&[(&attribute, &other)]).is_ok(), is_like == (value == other));
    }

    #[test]
    fn parsing_never_panics(text in any_text(), delimiter in part(), value in part()) {
        for options in [ParseOptions::default(), ParseOptions::default().delimiter(delimiter)] {
            never_panics(&text, &options, &value);
            never_panics(&format!("rack LIKE {text}"), &options, &value);
        }
    }

    #[test]
    fn like_and_unlike_are_opposite_for_a_present_attribute(pattern in pattern(), value in value()) {
        let attributes = [("x", value)];
        let like = Constraint::parse(&format!("x LIKE {pattern}")).unwrap();
        let unlike = Constraint::parse(&format!("x UNLIKE {pattern}")).unwrap();
        let (like, unlike) = (like.check(&attributes), unlike.check(&attributes));
        match Pattern::new(&pattern).unwrap().is_match(&attributes[0].1) {
            Ok(matches) => {
                prop_assert_eq!(like.is_ok(), matches);
                prop_assert_eq!(unlike.is_ok(), !matches);
            }
            Err(error) => for reason in [like.unwrap_err(), unlike.unwrap_err()] {
                prop_assert_eq!(reason.undecided(), Some(&error));
            },
        }
    }

    #[test]
    fn a_set_is_the_conjunction_of_its_constraints(
        rules in prop::collection::vec(("[wxyz]", operator(), pattern()), 0..6),
        attributes in prop::collection::vec(("[wxyz]", value()), 0..5),
        missing in prop::sample::select(vec![MissingAttribute::Fails, MissingAttribute::SatisfiesUnlike]),
    ) {
        let texts = rules.iter().map(|(attribute, operator, pattern)| format!("{attribute} {operator} {pattern}"));
        let set = ConstraintSet::parse(texts).unwrap().with_missing_attribute(missing);
        prop_assert_eq!(set.len(), rules.len());
        let outcomes: Vec<_> =
            set.iter().map(|constraint| (constraint, constraint.check_with(&attributes, missing))).collect();
        let all_hold = outcomes.iter().all(|(_, outcome)| outcome.is_ok());
        let verdict = set.check(&attributes);
        let explanation = set.explain(&attributes);
        prop_assert_eq!(verdict.is_satisfied(), all_hold);
        prop_assert_eq!(explanation.is_satisfied(), all_hold);
        let explained: Vec<_> =
            explanation.iter().map(|(constraint, outcome)| (constraint, outcome.map_err(Clone::clone))).collect();
        prop_assert_eq!(&explained, &outcomes);
        let first = explanation.iter().find_map(|(constraint, outcome)| Some((constraint, outcome.err()?)));
        prop_assert_eq!(verdict.failure(), first);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Threads of tests have small stacks, so that a recursion that follows the text would overflow.
    #[test]
    fn deep_nesting_never_panics(
        open in prop::sample::select(OPENINGS),
        depth in prop_oneof![1..50_usize, 1..20_000_usize],
        middle in prop::sample::select(&["", "a", "a|b", "\\", "]", "a&&b", "*", "ä"][..]),
        close in prop::sample::select(&["", ")", "]", "]]", ")*", "){2}", "}", "\\E", ")?+"][..]),
        tail in "[a)\\]\\\\ä]{0,3}",
    ) {
        let text = format!("rack LIKE {}{middle}{}{tail}", open.repeat(depth), close.repeat(depth));
        never_panics(&text, &ParseOptions::default(), "aaaa");
    }
}

/// What begins something that can hold itself, or that looks like it.
const OPENINGS: &[&str] = &[
    "(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?<n>", "(a|", "a|", "(?i)", "[", "[^", "[a",
    "[a&&[", "[^a&&", "&&", "\\Q", "\\", "\\p{", "\\x{", "\\k<", "a{1,", "a*", "a+?", "(a*", "{", "^", "$",
    "\\b", "(?", "(?<",
];

#[track_caller]
fn never_panics(text: &str, options: &ParseOptions, value: &str) {
    match Constraint::parse_with(text, options) {
        Ok(constraint) => {
            assert_eq!(constraint.as_str(), text);
            let attributes = [(constraint.attribute(), value)];
            if let Err(reason) = constraint.check(&attributes) {
                assert_eq!(reason.value(), Some(value));
                assert_eq!(reason.to_string().lines().count(), 1, "{reason}");
            }
        }
        Err(error) => {
            assert_eq!(error.text(), text);
            assert!((1..=text.chars().count() + 1).contains(&error.column()), "{error}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }
}

/// Text of one or more characters: any at all, or such that the parts of a constraint resemble each other.
fn part() -> impl Strategy<Value = String> {
    prop_oneof!["(?s).{1,8}", "[a ,:LIKEUN\\\\]{1,6}", "[a ]{1,3}"]
}

/// Any text; texts that look like patterns; such that end in the middle of an escape.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "(?s).{0,64}",
        "[a-c0-3\\\\\\[\\]\\^\\-&(){}|*+?.$,:=!<>QERXNdDwWsShHvVbBpPxuckGzZA \\n]{0,32}",
        "[ab]{0,2}\\\\[a-zA-Z0-9]{0,2}[{<]?[a-zA-Z0-9=]{0,8}[}>]?[)\\]*]{0,2}",
        "[\\PC&&[^a]]{0,8}\\\\{1,5}",
        "[äöü😀\u{300}\u{2028}()|*\\[\\]]{0,16}",
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    prop::sample::select(Operator::ALL.as_slice())
}

/// Patterns that are taken, with and without backtracking; some cannot be decided for some values.
fn pattern() -> impl Strategy<Value = String> {
    let regular =
        || prop::sample::select(&["a", "b", ".", "[ab]", "[^a]", "\\d", "a?", "ab", "\\b", "^", "(?i)A"][..]);
    #[cfg(feature = "fancy-regex")]
    let leaf = prop_oneof![4 => regular(), 1 => prop::sample::select(&["(?=a)", "(?!b)", "(a)\\1", "(?<=a)", "a?+"][..])];
    #[cfg(not(feature = "fancy-regex"))]
    let leaf = regular();
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4)
                    .prop_map(|parts| format!("(?:{})", parts.join("|"))),
                inner.prop_map(|inner| format!("(?:{inner})*")),
            ]
        })
        .prop_filter("repeated look-around is refused", |pattern| Pattern::new(pattern).is_ok())
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ab]{0,5}", 1 => "[abA1\\n\u{301}]{0,5}"]
}

/// Whether the first delimiter in a part and the delimiter after it is the latter.
fn ends(part: &str, delimiter: &str) -> bool {
    format!("{part}{delimiter}").find(delimiter) == Some(part.len())
}

/// A pattern that matches a text and nothing else.
fn quoted(text: &str) -> String {
    let quote = |character: char| match character {
        // Java takes the character itself for the end of the pattern.
        '\0' => r"\x00".to_owned(),
        character if character.is_ascii_punctuation() => format!("\\{character}"),
        character => character.to_string(),
    };
    text.chars().map(quote).collect()
}
