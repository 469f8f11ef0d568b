//! Constraints in JSON and back.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::fmt::Debug;

use placement_constraints::{Constraint, ConstraintSet, MissingAttribute, Operator, ParseOptions};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

#[test]
fn constraints_are_their_text() {
    check_both_ways(&Constraint::parse(r#"rack LIKE r "\d+""#).unwrap(), json!(r#"rack LIKE r "\d+""#));
    check_both_ways(&Constraint::parse("größe UNLIKE ä").unwrap(), json!("größe UNLIKE ä"));
}

#[test]
fn sets_are_lists_of_texts() {
    check_both_ways(&ConstraintSet::default(), json!([]));
    let texts = ["rack LIKE r1", "zone UNLIKE z1"];
    check_both_ways(&ConstraintSet::parse(texts).unwrap(), json!(texts));
}

#[test]
fn operators_and_meanings_are_words() {
    check_both_ways(&Operator::Like, json!("LIKE"));
    check_both_ways(&Operator::Unlike, json!("UNLIKE"));
    check_both_ways(&MissingAttribute::Fails, json!("fails"));
    check_both_ways(&MissingAttribute::SatisfiesUnlike, json!("satisfies-unlike"));
    for operator in Operator::ALL {
        assert_eq!(serde_json::to_value(operator).unwrap(), operator.as_str());
    }
}

#[test]
fn all_wrong_texts_are_reported() {
    let error = serde_json::from_value::<Constraint>(json!("rack LIEK a")).unwrap_err();
    assert_eq!(error.to_string(), Constraint::parse("rack LIEK a").unwrap_err().to_string());
    let texts = ["a LIKE b", "c LIEK d", "e LIKE f", "g"];
    let error = serde_json::from_value::<ConstraintSet>(json!(texts)).unwrap_err();
    assert_eq!(error.to_string(), ConstraintSet::parse(texts).unwrap_err().to_string());
    let error = serde_json::from_value::<ConstraintSet>(json!("a LIKE b")).unwrap_err();
    assert_eq!(error.to_string(), r#"invalid type: string "a LIKE b", expected a sequence"#);
    let error = serde_json::from_value::<Operator>(json!("like")).unwrap_err();
    assert_eq!(error.to_string(), "unknown variant `like`, expected `LIKE` or `UNLIKE`");
}

#[test]
fn what_its_text_does_not_tell_is_not_written() {
    let options = ParseOptions::default().delimiter("\t");
    let text = "a LIKE b\tLIKE\tc";
    let other = Constraint::parse_with(text, &options).unwrap();
    let expected = r"constraint 'a LIKE b\tLIKE\tc' cannot be read back from its text alone: its delimiter is '\t', expected ' '";
    assert_eq!(serde_json::to_value(&other).unwrap_err().to_string(), expected);
    let set: ConstraintSet = [Constraint::parse("rack LIKE r1").unwrap(), other].into_iter().collect();
    assert_eq!(serde_json::to_value(&set).unwrap_err().to_string(), expected);

    let set = ConstraintSet::parse(["rack UNLIKE r1"]).unwrap();
    let lenient = set.clone().with_missing_attribute(MissingAttribute::SatisfiesUnlike);
    assert_eq!(
        serde_json::to_value(&lenient).unwrap_err().to_string(),
        "a set in which a missing attribute satisfies UNLIKE cannot be read back from the texts of its \
         constraints alone: expected one in which it fails"
    );
    // The way out: the two apart.
    check_both_ways(&lenient.missing_attribute(), json!("satisfies-unlike"));
    check_both_ways(&lenient.with_missing_attribute(MissingAttribute::Fails), json!(["rack UNLIKE r1"]));
}

#[track_caller]
fn check_both_ways<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: serde_json::Value) {
    assert_eq!(serde_json::to_value(value).unwrap(), json);
    assert_eq!(serde_json::from_value::<T>(json.clone()).unwrap(), *value);
    // Another way into a deserializer, which has only borrowed text.
    assert_eq!(serde_json::from_str::<T>(&json.to_string()).unwrap(), *value);
}
