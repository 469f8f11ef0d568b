//! Constraints that the master is told.

use mesos_proto::v1::scheduler::{
    AttributeConstraint,
    attribute_constraint::{Predicate, Selector, predicate, selector},
};

use super::*;

fn constraint(attribute: &str, pattern: &str) -> AttributeConstraint {
    let matches = predicate::TextMatches { regex: pattern.into() };
    AttributeConstraint {
        selector: Selector { selector: Some(selector::Selector::AttributeName(attribute.into())) },
        predicate: Predicate { predicate: Some(predicate::Predicate::TextMatches(matches)) },
    }
}

fn rule(pattern: &str) -> Eligibility {
    Eligibility::new(|_| Ok(())).with_offer_constraints(vec![constraint("rack", pattern)])
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.core.enable_push_down(v1::FrameworkInfo { name: "f".into(), ..v1::FrameworkInfo::default() });
    bench.core.handle_subscribed(bench.now);
    bench.expect(&["SUPPRESS"]);
    bench
}

fn submit(bench: &mut Bench, id: &str, rule: Option<Eligibility>) {
    let mut spec = TaskSpec::command(id, 100, 32, "true");
    spec.eligibility = rule;
    bench.core.submit(bench.now, spec);
}

/// The patterns of the next UPDATE_FRAMEWORK, and its token.
fn pushed(bench: &mut Bench) -> Option<(OutcomeToken, Vec<String>)> {
    while bench.core.poll_change().is_some() {}
    let mut found = None;
    while let Some((token, call)) = bench.core.poll_call() {
        let Some(update) = call.update_framework else { continue };
        let roles = update.offer_constraints.unwrap_or_default().role_constraints;
        let groups = roles.get("whisk").map(|role| role.groups.clone()).unwrap_or_default();
        let patterns = groups.iter().flat_map(|group| &group.attribute_constraints).map(|constraint| {
            let Some(predicate::Predicate::TextMatches(matches)) = &constraint.predicate.predicate else {
                panic!()
            };
            matches.regex.clone()
        });
        assert!(found.is_none());
        found = Some((token.unwrap(), patterns.collect()));
    }
    found
}

#[test]
fn the_master_is_told_what_all_waiting_tasks_agree_on() {
    let mut bench = bench();
    submit(&mut bench, "t1", Some(rule("r1")));
    let (token, patterns) = pushed(&mut bench).unwrap();
    assert_eq!(patterns, ["r1"]);
    submit(&mut bench, "t2", Some(rule("r2")));
    assert_eq!(pushed(&mut bench), None, "one at a time");
    bench.core.handle_call_outcome(bench.now, token, CallOutcome::Accepted);
    let (token, patterns) = pushed(&mut bench).unwrap();
    assert_eq!(patterns, ["r1", "r2"]);
    bench.core.handle_call_outcome(bench.now, token, CallOutcome::Accepted);
    submit(&mut bench, "t3", Some(rule("r1")));
    assert_eq!(pushed(&mut bench), None, "nothing new");
    submit(&mut bench, "t4", None);
    let (token, patterns) = pushed(&mut bench).unwrap();
    assert!(patterns.is_empty(), "one task takes every offer");
    bench.core.handle_call_outcome(bench.now, token, CallOutcome::Accepted);
    for id in ["t1", "t2", "t3", "t4"] {
        bench.core.kill(bench.now, id);
    }
    assert_eq!(pushed(&mut bench), None, "nothing waits");
}

#[test]
fn what_the_master_refuses_is_not_tried_again_and_what_got_lost_is() {
    let mut bench = bench();
    submit(&mut bench, "t1", Some(rule("r1")));
    let (token, _) = pushed(&mut bench).unwrap();
    let lost = CallOutcome::OutcomeUnknown { why: "reset".into() };
    bench.core.handle_call_outcome(bench.now, token, lost);
    bench.advance(1);
    let (token, patterns) = pushed(&mut bench).unwrap();
    assert_eq!(patterns, ["r1"]);
    let refused = CallOutcome::Refused { status: 400, text: "too complex".into() };
    bench.core.handle_call_outcome(bench.now, token, refused);
    let (token, patterns) = pushed(&mut bench).unwrap();
    assert!(patterns.is_empty(), "what the master knows is in doubt");
    bench.core.handle_call_outcome(bench.now, token, CallOutcome::Accepted);
    submit(&mut bench, "t2", Some(rule("r2")));
    assert_eq!(pushed(&mut bench), None, "t1 still waits for offers of every agent");
    bench.core.kill(bench.now, "t1");
    let (_, patterns) = pushed(&mut bench).unwrap();
    assert_eq!(patterns, ["r2"]);
}

#[test]
fn a_master_that_refuses_everything_is_left_in_peace_until_the_next_subscription() {
    let mut bench = bench();
    submit(&mut bench, "t1", Some(rule("r1")));
    let (token, _) = pushed(&mut bench).unwrap();
    bench.core.handle_call_outcome(bench.now, token, CallOutcome::OutcomeUnknown { why: "reset".into() });
    bench.advance(1);
    let refused = || CallOutcome::Refused { status: 400, text: "no such call".into() };
    let (token, patterns) = pushed(&mut bench).unwrap();
    assert_eq!(patterns, ["r1"]);
    bench.core.handle_call_outcome(bench.now, token, refused());
    let (token, patterns) = pushed(&mut bench).unwrap();
    assert!(patterns.is_empty());
    bench.core.handle_call_outcome(bench.now, token, refused());
    submit(&mut bench, "t2", Some(rule("r2")));
    bench.advance(5);
    assert_eq!(pushed(&mut bench), None);
    bench.core.handle_disconnected(bench.now, "cut");
    bench.core.handle_subscribed(bench.now);
    assert!(pushed(&mut bench).is_some());
}
