//! Parsing, matching and reporting, through the public interface.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::{borrow::Cow, collections::BTreeMap};

use placement_constraints::{
    Attributes, Constraint, ConstraintSet, MissingAttribute, Operator, ParseError, ParseErrorKind,
    ParseOptions, Pattern,
};

#[test]
fn the_first_two_delimiters_split() {
    check_parts(" ", "rack LIKE r1", "rack", Operator::Like, "r1");
    check_parts(" ", "rack UNLIKE r1 or r2", "rack", Operator::Unlike, "r1 or r2");
    check_parts(" ", "rack LIKE  ", "rack", Operator::Like, " ");
    check_parts(",", "my rack,LIKE,a,b", "my rack", Operator::Like, "a,b");
    check_parts("::", "a:b::LIKE::c", "a:b", Operator::Like, "c");
    // A regular expression in a delimiter is plain text.
    check_parts(".*", "rack.*LIKE.*r1", "rack", Operator::Like, "r1");
    check_parts(" ", "größe LIKE ä+", "größe", Operator::Like, "ä+");
}

#[test]
fn errors_show_the_text_and_point_at_the_column() {
    let expected_operator = "expected ' ' and LIKE or UNLIKE after the attribute";
    check_error("", 1, "expected the name of an attribute");
    check_error(" LIKE a", 1, "expected the name of an attribute");
    check_error("rack", 5, expected_operator);
    check_error("rack,LIKE,r1", 13, expected_operator);
    check_error("rack ", 6, "expected LIKE or UNLIKE after the first ' '");
    check_error("rack  ", 6, "expected LIKE or UNLIKE after the first ' '");
    check_error("rack  LIKE r1", 6, "expected LIKE or UNLIKE after the first ' '");
    check_error("rack LIKE", 10, "expected ' ' and a pattern after the operator");
    check_error("rack LIKE ", 11, "expected a pattern after the second ' '");
    check_error("rack LIEK a", 6, "unknown operator 'LIEK', expected LIKE or UNLIKE; did you mean LIKE?");
    check_error(
        "rack unlike a",
        6,
        "unknown operator 'unlike', expected LIKE or UNLIKE; did you mean UNLIKE?",
    );
    check_error("rack foo", 6, "unknown operator 'foo', expected LIKE or UNLIKE");
    check_error("größe EQUALS a", 7, "unknown operator 'EQUALS', expected LIKE or UNLIKE");
    check_error("rack LIKE r[0-9", 12, "this class is not closed, expected ]");
    check_error("rack LIKE (a", 11, "this group is not closed, expected )");
    check_error("rack LIKE a)", 12, "this ) closes no group");
    check_error("rack LIKE *", 11, "* repeats nothing");
    check_error("rack LIKE a{x}", 12, "expected a repetition such as {2}, {2,} or {2,5}");
    check_error("rack LIKE a\\", 12, "expected a character after \\");
    check_error("rack LIKE a[b&&]", 14, "nothing stands on the right of &&");
    check_error("rack LIKE a**", 13, "* repeats nothing");
    check_error("rack LIKE (?y)a", 13, "y is no flag, expected some of idmsuxU, or - : )");
    check_error("rack LIKE (?<=a+)b", 11, "the length of a look-behind must have an obvious limit");
    check_error("rack LIKE (?:(?:a{1000}){1000}){1000}", 11, "the pattern is too large");
}

#[test]
fn errors_show_a_delimiter_that_was_chosen() {
    let error = |text: &str, delimiter: &str| {
        Constraint::parse_with(text, &ParseOptions::default().delimiter(delimiter)).unwrap_err().to_string()
    };
    assert_eq!(
        error("rack LIKE r1", "::"),
        "invalid constraint 'rack LIKE r1' at column 13: expected '::' and LIKE or UNLIKE after the attribute"
    );
    assert_eq!(
        error("größe::LIKE::", "::"),
        "invalid constraint 'größe::LIKE::' at column 14: expected a pattern after the second '::'"
    );
    assert_eq!(
        error("rack, LIKE, r1", ","),
        "invalid constraint 'rack, LIKE, r1' at column 6: unknown operator ' LIKE', expected LIKE or UNLIKE; \
         did you mean LIKE?"
    );
    assert_eq!(
        error("rack\tLIKE", "\t"),
        "invalid constraint 'rack\\tLIKE' at column 10: expected '\\t' and a pattern after the operator"
    );
}

#[test]
fn an_empty_delimiter_is_the_fault_of_the_options() {
    let error = Constraint::parse_with("rack LIKE r1", &ParseOptions::default().delimiter("")).unwrap_err();
    assert_eq!(error.kind(), &ParseErrorKind::EmptyDelimiter);
    assert_eq!(
        error.to_string(),
        "invalid constraint 'rack LIKE r1' at column 1: the delimiter is empty, expected one or more characters"
    );
}

#[test]
fn an_error_stays_on_one_line_and_is_bounded() {
    let check = |text: &str, beginning: &str, part: &str| {
        let error = Constraint::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(beginning), "{error}");
        assert!(error.contains(part), "{error}");
        assert!(error.chars().count() < 2500);
    };
    let long = "ä".repeat(1_000_000);
    check(
        &format!("rack LIEK a\u{2028}\u{202E}\n{long}"),
        "invalid constraint 'rack LIEK a\\u{2028}\\u{202e}\\nää",
        "ä… (999014 more characters)' at column 6: unknown operator 'LIEK'",
    );
    check(
        &format!("rack {long}"),
        "invalid constraint 'rack ä",
        "ä… (999000 more characters)', expected LIKE",
    );
    // What is wrong is in view wherever it stands.
    let hosts = "host-ä|".repeat(10_000);
    check(
        &format!("hostname LIKE {hosts}[0-9"),
        "invalid constraint '(69018 characters) …",
        "|host-ä|[0-9' at column 70015: ",
    );
    check(
        &format!("hostname LIKE {hosts})|{hosts}"),
        "invalid constraint '(69515 characters) …",
        "|host-ä|)|host-ä|",
    );
}

#[test]
fn a_list_reports_all_that_is_wrong_with_its_index() {
    let error = ConstraintSet::parse(["a LIKE b", "c LIEK d", "e LIKE f", "g"]).unwrap_err();
    assert_eq!(error.iter().map(|(index, _)| index).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(
        error.to_string(),
        "2 of 4 constraints are invalid; [1] invalid constraint 'c LIEK d' at column 3: unknown operator \
         'LIEK', expected LIKE or UNLIKE; did you mean LIKE?; [3] invalid constraint 'g' at column 2: \
         expected ' ' and LIKE or UNLIKE after the attribute"
    );
}

#[test]
fn unknown_operators_are_left_out_of_a_list_if_asked_for() {
    let (sender, dropped) = std::sync::mpsc::channel();
    let options = ParseOptions::default().drop_unknown_operators(move |index, error: &ParseError| {
        sender.send((index, error.to_string())).unwrap();
    });
    // The pattern of the first is wrong, and not looked at.
    let texts = ["a EQUALS (", "rack LIKE r1", "b like b", "zone UNLIKE z1"];
    let set = ConstraintSet::parse_with(texts, &options).unwrap();
    assert_eq!(set.iter().map(Constraint::as_str).collect::<Vec<_>>(), [texts[1], texts[3]]);
    let dropped: Vec<_> = dropped.try_iter().collect();
    assert_eq!(
        dropped,
        [
            (0, unknown_operator("a EQUALS (", "column 3", "'EQUALS', expected LIKE or UNLIKE")),
            (
                2,
                unknown_operator(
                    "b like b",
                    "column 3",
                    "'like', expected LIKE or UNLIKE; did you mean LIKE?"
                )
            ),
        ]
    );
    assert_eq!(ConstraintSet::parse_with(["a EQUALS b"], &options).unwrap(), ConstraintSet::default());
    assert!(ConstraintSet::parse(texts).is_err());
}

#[test]
fn leaving_out_unknown_operators_excuses_nothing_else() {
    let (sender, dropped) = std::sync::mpsc::channel();
    let options = ParseOptions::default().delimiter("::").drop_unknown_operators(move |index, _| {
        sender.send(index).unwrap();
    });
    let texts = ["a::IN::b", "a::IN", "a::IN::", "a::", "::IN::b", "a::::b", "a::LIKE::(", "a::IS:::"];
    let error = ConstraintSet::parse_with(texts, &options).unwrap_err();
    assert_eq!(error.iter().map(|(index, _)| index).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert!(error.to_string().starts_with("6 of 8 constraints are invalid; [1] "), "{error}");
    assert_eq!(dropped.try_iter().collect::<Vec<_>>(), [0, 7]);
    let single = Constraint::parse_with("a::IN::b", &options).unwrap_err();
    assert!(matches!(single.kind(), ParseErrorKind::UnknownOperator { .. }), "{single}");
}

#[test]
fn a_pattern_matches_the_whole_value() {
    for (pattern, value, expected) in [
        ("r1", "r1", true),
        ("r1", "r12", false),
        ("r1", "xr1", false),
        ("r1|r2", "r2", true),
        ("r1|r2", "r1x", false),
        ("a.*", "a", true),
        ("a.c", "a\nc", false),
        ("a.c", "a\u{85}c", false),
        ("a.c", "a😀c", true),
        ("a", "a\n", false),
        ("a$", "a", true),
        ("^a$", "a", true),
        ("r[12]", "r2", true),
        ("[^0-9]+", "ä😀", true),
        ("\\d+", "٣", false),
        ("\\w", "ä", false),
        ("\\W", "ä", true),
        ("[\\D]", "٣", true),
        ("[a\\d]+", "a1", true),
        ("[a-]+", "-a", true),
        ("[-a]+", "a-", true),
        ("(?i)rack-[x-z]", "RACK-Y", true),
        ("(?i)k", "\u{212A}", false),
        ("(?i)[X-b]", "B", true),
        ("\\Qa.b\\E.", "a.bc", true),
        ("\\Qa.b", "a.b", true),
        ("\\p{Alpha}\\P{Alpha}", "a1", true),
        ("\\x41\\u00e4", "Aä", true),
        ("#a b", "#a b", true),
        ("a{2,3}?", "aaa", true),
        ("a{2,}", "a", false),
    ] {
        assert_eq!(Pattern::new(pattern).unwrap().is_match(value), Ok(expected), "{pattern} on {value:?}");
    }
}

#[test]
fn a_missing_attribute_fails_both_unless_asked_otherwise() {
    let (default, other) = (MissingAttribute::Fails, MissingAttribute::SatisfiesUnlike);
    for (text, missing, holds) in [
        ("rack LIKE .*", default, false),
        ("rack UNLIKE r1", default, false),
        ("rack LIKE .*", other, false),
        ("rack UNLIKE r1", other, true),
    ] {
        let set = ConstraintSet::parse([text]).unwrap().with_missing_attribute(missing);
        let nothing: [(&str, &str); 0] = [];
        assert_eq!(set.check(&nothing).is_satisfied(), holds, "{text} {missing:?}");
    }
}

#[test]
fn a_verdict_names_the_first_failure() {
    let set = ConstraintSet::parse(["rack LIKE r1", "zone UNLIKE z1", "disk LIKE ssd"]).unwrap();
    let attributes = [("rack", "r1"), ("zone", "z1")];
    let verdict = set.check(&attributes);
    let (constraint, reason) = verdict.failure().unwrap();
    assert_eq!(constraint.as_str(), "zone UNLIKE z1");
    assert_eq!((reason.attribute(), reason.value()), ("zone", Some("z1")));
    assert_eq!(reason.constraint(), constraint);
    let explanation = set.explain(&attributes);
    let outcomes: Vec<_> =
        explanation.iter().map(|(_, outcome)| outcome.map_err(|reason| reason.value())).collect();
    assert_eq!(outcomes, [Ok(()), Err(Some("z1")), Err(None)]);
    assert!(!explanation.is_satisfied());
}

#[test]
fn a_verdict_stays_on_one_line_and_is_bounded() {
    let set = ConstraintSet::parse(["rack\t1 LIKE r\n1"]).unwrap();
    let attributes = [("rack\t1", format!("\u{85}{}", "r".repeat(1_000_000)))];
    let verdict = set.check(&attributes);
    let expected = format!(
        r"'rack\t1 LIKE r\n1' fails: rack\t1 is '\u{{85}}{}… (999001 more characters)'",
        "r".repeat(999)
    );
    assert_eq!(verdict.to_string(), expected);
    assert_eq!(set.explain(&attributes).to_string(), expected);
    // Only what is shown is cut.
    assert_eq!(verdict.failure().unwrap().1.value(), Some(attributes[0].1.as_str()));
}

#[test]
fn an_empty_set_holds() {
    let set = ConstraintSet::default();
    assert!(set.is_empty());
    assert!(set.check(&BTreeMap::<String, String>::new()).is_satisfied());
}

#[test]
fn attributes_come_from_maps_pairs_and_closures() {
    let constraint = Constraint::parse("rack LIKE r1").unwrap();
    check_attributes(&constraint, &BTreeMap::from([("rack".to_owned(), "r1".to_owned())]));
    check_attributes(&constraint, &vec![("rack", "r1"), ("rack", "r2")]);
    check_attributes(&constraint, [("rack", String::from("r1"))].as_slice());
    check_attributes(&constraint, &[(Cow::from("rack"), "r1")]);
    check_attributes(&constraint, &|name: &str| (name == "rack").then(|| format!("r{}", 1)));
}

#[test]
fn equality_is_that_of_text_and_delimiter() {
    let parse = |text: &str, delimiter: &str| {
        Constraint::parse_with(text, &ParseOptions::default().delimiter(delimiter)).unwrap()
    };
    assert_eq!(parse("a LIKE b", " "), parse("a LIKE b", " "));
    assert_ne!(parse("a LIKE b,LIKE,c", " "), parse("a LIKE b,LIKE,c", ","));
    assert!(parse("a LIKE b", " ") < parse("a LIKE c", " "));
}

#[test]
fn hostile_patterns_are_bounded() {
    let long = "a".repeat(1_000_000);
    let check = |pattern: &str, value: &str, expected: Result<bool, &str>| {
        let is_match = Pattern::new(pattern).unwrap().is_match(value).map_err(|error| error.to_string());
        let shown: String = pattern.chars().take(20).collect();
        match expected {
            Ok(expected) => assert_eq!(is_match, Ok(expected), "{shown}"),
            Err(reason) => assert!(is_match.unwrap_err().contains(reason), "{shown}"),
        }
    };
    check(&long, &long, Ok(true));
    check(&format!(r"\Q{}", "*".repeat(1_000_000)), "*", Ok(false));
    check("((a*)*)*", &long, Ok(true));
    check("((a*)*)*b", &long, Ok(false));
    // The second repetition repeats the empty text, in Java too.
    check("a{1000}{1000}", &"a".repeat(1000), Ok(true));
    check("(a{1,100}){1,100}", &long, Err("the value is too long for a pattern of this size"));
    if cfg!(feature = "fancy-regex") {
        check("(?=((a*)*)*b).*", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Ok(false));
        check("(a*)*\\b(?=x).*", &long, Err("too much backtracking"));
        check("(x+x+)+(?=y)", &"x".repeat(40), Err("too much backtracking"));
    }
    let refused = |pattern: String, reason: &str| {
        let error = Pattern::new(&pattern).err().unwrap();
        assert!(error.reason().contains(reason), "{}", error.reason());
        assert!(error.to_string().chars().count() < 3000);
    };
    refused("(((a{100}){100}){100}){100}".to_owned(), "the pattern is too large");
    let characters: String = (0..200_000).filter_map(|index| char::from_u32(0x4E00 + 2 * index)).collect();
    for pattern in [
        format!("[{characters}]"),
        format!("[{}]", r"\pL".repeat(300_000)),
        format!("(?iu)[{}]", "a-z".repeat(300_000)),
        format!("(?iu){}", "k".repeat(1_000_000)),
        format!("[a{}]", "&&[a]".repeat(200_000)),
        ".".repeat(1_000_000),
    ] {
        refused(pattern, "its classes have too many ranges");
    }
    if cfg!(feature = "fancy-regex") {
        refused("(?:(?>a|)){2147483647}b".to_owned(), "more than 1000 rounds");
    }
    refused("(?:a?){2147483647}".to_owned(), "the pattern is too large");
    check(&format!("{}{}{}", "(?:".repeat(59), "a".repeat(900_000), ")".repeat(59)), "a", Ok(false));
    let names: String = (0..50_000).map(|index| format!("(?<g{index}>a)")).collect();
    check(&names, &"a".repeat(50_000), Ok(true));
    refused("(".repeat(1_000_000), "nested more than 60 deep");
    refused("[a".repeat(500_000), "nested more than 60 deep");
    refused(r"\p{L}".repeat(200_000), "its classes have too many ranges");
    refused("a*".repeat(300_000), "the pattern is too large");
    if cfg!(feature = "fancy-regex") {
        refused(r"(a)\1".repeat(200_000), "the pattern is too large");
    }
}

#[track_caller]
fn check_parts(delimiter: &str, text: &str, attribute: &str, operator: Operator, pattern: &str) {
    let constraint = Constraint::parse_with(text, &ParseOptions::default().delimiter(delimiter)).unwrap();
    let parts = (constraint.attribute(), constraint.operator(), constraint.pattern().as_str());
    assert_eq!(parts, (attribute, operator, pattern));
    assert_eq!(constraint.to_string(), text);
}

#[track_caller]
fn check_error(text: &str, column: usize, message: &str) {
    let error = Constraint::parse(text).unwrap_err();
    let beginning = format!("invalid constraint '{text}' at column {column}: {message}");
    assert!(error.to_string().starts_with(&beginning), "{error}\n{beginning}");
    assert_eq!((error.text(), error.column()), (text, column));
}

fn unknown_operator(text: &str, place: &str, what: &str) -> String {
    format!("invalid constraint '{text}' at {place}: unknown operator {what}")
}

#[track_caller]
fn check_attributes(constraint: &Constraint, attributes: &(impl Attributes + ?Sized)) {
    assert!(constraint.check(attributes).is_ok());
}
