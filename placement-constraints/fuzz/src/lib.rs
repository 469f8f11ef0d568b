//! What the fuzz target `constraints` does with an input; an ordinary test does it with the committed ones.

use std::str;

use placement_constraints::{Constraint, ConstraintSet, Operator, ParseOptions};
use regex::Regex;

/// Stands between the three texts of an input. UTF-8 has no use for this byte, so that they can be any.
const SEPARATOR: u8 = 0xff;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is not made of three texts.
    Unusable,
    /// Its constraint has an error.
    Refused,
    /// Its constraint was checked, and its pattern could not be decided for the value.
    Undecided,
    /// Its constraint was checked.
    Decided,
}

/// Parses a constraint and checks it. The input is a delimiter, the text of the constraint, and the value of
/// the attribute.
///
/// # Panics
/// Something does not hold that holds for every text.
pub fn constraints(input: &[u8]) -> Outcome {
    let mut parts = input.splitn(3, |byte| *byte == SEPARATOR).map(str::from_utf8);
    let (Some(Ok(delimiter)), Some(Ok(text)), Some(Ok(value))) = (parts.next(), parts.next(), parts.next())
    else {
        return Outcome::Unusable;
    };
    let options = ParseOptions::default().delimiter(delimiter);
    match Constraint::parse_with(text, &options) {
        Ok(constraint) => {
            let (attribute, operator, pattern) =
                (constraint.attribute(), constraint.operator(), constraint.pattern());
            assert_eq!(format!("{attribute}{delimiter}{operator}{delimiter}{pattern}"), text);
            assert_eq!(constraint.to_string(), text);
            check(&constraint, value, &options)
        }
        Err(error) => {
            assert_eq!(error.text(), text);
            let columns = 1..=text.chars().count() + 1;
            assert!(columns.contains(&error.column()), "column {} is none of {columns:?}", error.column());
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            Outcome::Refused
        }
    }
}

fn check(constraint: &Constraint, value: &str, options: &ParseOptions) -> Outcome {
    let matches = constraint.pattern().is_match(value);
    // RE2 and `regex` read what is written for the former in the same way.
    if let (Ok(re2), Ok(matches)) = (constraint.pattern().re2(), &matches) {
        let regex = Regex::new(&format!(r"\A(?:{re2})\z")).expect("RE2 would take it");
        assert_eq!(regex.is_match(value), *matches, "'{re2}' is written for RE2");
    }

    let attributes = [(constraint.attribute(), value)];
    let texts = with_each_operator(constraint);
    let set = ConstraintSet::parse_with(&texts, options).expect("the other operator changes nothing else");
    assert!(set.iter().any(|either| either == constraint), "its own text is among them");
    for either in set.iter() {
        let is_wanted = matches.as_ref().map(|matches| *matches == (either.operator() == Operator::Like));
        match (either.check(&attributes), is_wanted) {
            (Ok(()), Ok(true)) => {}
            (Err(reason), Ok(false)) => {
                assert_eq!((reason.value(), reason.undecided()), (Some(value), None));
                assert_eq!(reason.to_string().lines().count(), 1, "{reason}");
            }
            (Err(reason), Err(error)) => assert_eq!(reason.undecided(), Some(error)),
            (seen, expected) => panic!("'{either}' gives {seen:?} where {expected:?} is expected"),
        }
        assert!(either.check(&[("", value)]).is_err(), "the attribute is missing");
    }
    let all_hold = set.iter().all(|either| either.check(&attributes).is_ok());
    assert_eq!(set.check(&attributes).is_satisfied(), all_hold);
    if matches.is_ok() { Outcome::Decided } else { Outcome::Undecided }
}

/// The text of the constraint with its operator and with the opposite one, where the delimiter can end it:
/// 'UN' stands in `UNLIKE`, not in `LIKE`.
fn with_each_operator(constraint: &Constraint) -> Vec<String> {
    let (attribute, delimiter, pattern) =
        (constraint.attribute(), constraint.delimiter(), constraint.pattern());
    let ended = |operator: &Operator| {
        let operator = operator.as_str();
        format!("{operator}{delimiter}").find(delimiter) == Some(operator.len())
    };
    let text = |operator: Operator| format!("{attribute}{delimiter}{operator}{delimiter}{pattern}");
    Operator::ALL.into_iter().filter(ended).map(text).collect()
}
