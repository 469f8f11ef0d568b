//! Offers: who gets what, filters, suppression, constraints, formats.

use mesos_proto::v1::scheduler::{
    AttributeConstraint, OfferConstraints,
    attribute_constraint::{
        Predicate, Selector,
        predicate::{self, Predicate as Test},
        selector::{PseudoattributeType, Selector as Kind},
    },
    offer_constraints::{RoleConstraints, role_constraints::Group},
};

use super::*;

#[test]
fn offers_come_with_the_subscription_and_with_new_agents() {
    let mut script = Script::new();
    script.agent();
    script.subscribe(&aware("web"));
    script.check(&["1 SUBSCRIBED 0000", "1 HEARTBEAT", "1 OFFERS O0@S0/web:4000"]);
    script.agent();
    script.check(&["1 OFFERS O1@S1/web:4000"]);
    script.wait(10 * SECOND);
    script.check(&[]);
}

#[test]
fn a_declined_offer_comes_back_when_the_refusal_is_over_and_a_batch_is_due() {
    // Half a second after a batch: a filter of a second ends between two batches.
    for (refuse, comes) in [
        (Some(0.0), Duration::from_millis(500)),
        (Some(0.01), Duration::from_millis(1500)),
        (Some(1.0), Duration::from_millis(1500)),
        (Some(3.2), Duration::from_millis(3500)),
        (None, Duration::from_millis(5500)),
        (Some(-1.0), Duration::from_millis(5500)),
        (Some(f64::NAN), Duration::from_millis(5500)),
        (Some(1e300), 365 * 86_400 * SECOND + Duration::from_millis(500)),
    ] {
        let (mut script, scheduler) = Script::with_agents(1);
        script.wait(Duration::from_millis(500));
        script.decline(&scheduler, &["O0"], refuse);
        if comes < 10 * SECOND {
            script.wait(comes - Duration::from_millis(1));
            script.check(&[]);
            script.wait(Duration::from_millis(1));
            script.check(&["1 OFFERS O1@S0/web:4000"]);
        } else {
            // Heartbeats of a year would be many: only the cap is looked at.
            let until = script.master.frameworks.values().next().unwrap();
            assert!(until.filters.len() == 1);
            script.master.forget_expired_filters(script.now + comes);
            assert!(script.master.frameworks.values().next().unwrap().filters.is_empty());
        }
    }
}

#[test]
fn more_than_what_was_refused_passes_the_filter() {
    let (mut script, scheduler) = Script::with_agents(1);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 3600.0);
    script.wait(5 * SECOND);
    script.check(&["S0 launch t1"]);
    script.report(&scheduler, "S0", "t1", TaskState::TaskFinished);
    script.check(&["1 UPDATE t1 TASK_FINISHED uuid"]);
    script.wait(SECOND);
    script.check(&["1 OFFERS O1@S0/web:4000"]);
}

#[test]
fn revive_clears_filters_and_offers_at_once() {
    let (mut script, scheduler) = Script::with_agents(1);
    script.decline(&scheduler, &["O0"], Some(3600.0));
    script.revive(&scheduler, &["nope"]);
    script.revive(&scheduler, &["web", "nope"]);
    script.check(&[]);
    script.revive(&scheduler, &[]);
    script.check(&["1 OFFERS O1@S0/web:4000"]);
    script.revive(&scheduler, &["web"]);
    script.check(&[]);
}

#[test]
fn suppressed_roles_get_nothing_new_and_keep_what_they_have() {
    let (mut script, scheduler) = Script::with_agents(1);
    script.suppress(&scheduler, &["web", "nope"]);
    script.agent();
    script.check(&["1 OFFERS O1@S1/web:4000"]);
    script.suppress(&scheduler, &[]);
    script.agent();
    script.wait(5 * SECOND);
    script.check(&[]);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 0.0);
    script.wait(2 * SECOND);
    script.check(&["S0 launch t1"]);
    script.revive(&scheduler, &["web"]);
    script.check(&["1 OFFERS O2@S0/web:3000 O3@S2/web:4000"]);
}

#[test]
fn a_subscription_replaces_the_suppression() {
    let mut script = Script::new();
    script.agent();
    let subscribe = call::Subscribe {
        framework_info: aware("web"),
        suppressed_roles: vec!["web".into()],
        offer_constraints: None,
    };
    let scheduler = script.subscribe_with(subscribe);
    script.wait(2 * SECOND);
    script.check(&["1 SUBSCRIBED 0000", "1 HEARTBEAT"]);
    script.subscribe(&v1::FrameworkInfo { id: Some(scheduler.id), ..aware("web") });
    script.drain();
    script.wait(SECOND);
    script.check(&["2 OFFERS O0@S0/web:4000"]);
}

#[test]
fn agents_go_round_between_frameworks() {
    let mut script = Script::new();
    let (a, b) = (script.subscribe(&aware("web")), script.subscribe(&aware("web")));
    script.drain();
    for _ in 0..4 {
        script.agent();
    }
    script.check(&[
        "1 OFFERS O0@S0/web:4000",
        "2 OFFERS O1@S1/web:4000",
        "1 OFFERS O2@S2/web:4000",
        "2 OFFERS O3@S3/web:4000",
    ]);
    script.decline(&a, &["O0", "O2"], Some(3600.0));
    script.wait(SECOND);
    script.check(&["2 OFFERS O4@S0/web:4000 O5@S2/web:4000"]);
    // Whose offer it is does not matter, as with a real master: the owner learns nothing.
    script.decline(&a, &["O1"], None);
    script.decline(&b, &["O99", "x"], None);
    script.check(&[]);
}

#[test]
fn less_than_the_minimum_is_not_offered() {
    let (mut script, scheduler) = Script::with_agents(1);
    let mut almost = task(&script, "t1", "S0", 3995);
    almost.resources[1] = v1::Resource::scalar_milli("mem", 4_065_000);
    script.accept(&scheduler, &["O0"], vec![almost], 0.0);
    script.wait(3 * SECOND);
    script.check(&["S0 launch t1"]);
}

#[expect(deprecated, reason = "the old formats are what is tested")]
#[test]
fn resources_have_the_format_that_the_framework_understands() {
    use capability::Type::{MultiRole, ReservationRefinement};
    let multi = |capabilities: &[capability::Type]| v1::FrameworkInfo {
        roles: vec!["web".into()],
        ..framework(capabilities)
    };
    for (info, role, allocated) in [
        (v1::FrameworkInfo { role: Some("web".into()), ..framework(&[]) }, Some("*"), None),
        (framework(&[]), Some("*"), None),
        (multi(&[MultiRole]), Some("*"), Some("web")),
        (multi(&[MultiRole, ReservationRefinement]), None, Some("web")),
    ] {
        let mut script = Script::new();
        script.agent();
        script.subscribe(&info);
        script.master.poll_stream();
        script.master.poll_stream();
        let offers = script.master.poll_stream().unwrap().event.unwrap().offers.unwrap();
        let offer = &offers.offers[0];
        assert_eq!(offer.allocation_info.as_ref().map(|info| info.role()), allocated);
        assert_eq!(
            offer.resources.iter().map(|resource| resource.name.as_str()).collect::<Vec<_>>(),
            ["ports", "cpus", "mem"]
        );
        for resource in &offer.resources {
            assert_eq!(resource.role.as_deref(), role);
            assert_eq!(resource.allocation_info.as_ref().map(|info| info.role()), allocated);
        }
    }
}

/// The truth table of a running master, agent by agent.
#[test]
fn constraints_choose_agents() {
    let attribute = |name: &str| Kind::AttributeName(name.into());
    let equals = |value: &str| Test::TextEquals(predicate::TextEquals { value: value.into() });
    let differs = |value: &str| Test::TextNotEquals(predicate::TextNotEquals { value: value.into() });
    let matches = |regex: &str| Test::TextMatches(predicate::TextMatches { regex: regex.into() });
    let avoids = |regex: &str| Test::TextNotMatches(predicate::TextNotMatches { regex: regex.into() });
    let hostname = || Kind::PseudoattributeType(PseudoattributeType::Hostname.into());
    let region = || Kind::PseudoattributeType(PseudoattributeType::Region.into());
    for (selector, test, expected) in [
        (attribute("rack"), Test::Exists(predicate::Exists {}), "S0 S1"),
        (attribute("rack"), Test::NotExists(predicate::NotExists {}), "S2"),
        (attribute("rack"), equals("r1"), "S0 S1"),
        (attribute("rack"), equals("7"), "S1"),
        (attribute("rack"), differs("r1"), "S1 S2"),
        (attribute("rack"), matches("r[0-9]"), "S0 S1"),
        (attribute("rack"), matches("r"), "S1"),
        (attribute("rack"), avoids("r.*"), "S1 S2"),
        (attribute("disk"), equals("ssd"), "S0"),
        (attribute("disk"), equals("hdd"), ""),
        (hostname(), matches("agent\\.example"), "S0 S1 S2"),
        (hostname(), Test::NotExists(predicate::NotExists {}), ""),
        (region(), Test::Exists(predicate::Exists {}), ""),
    ] {
        let mut script = Script::new();
        let constraints = constraints(&[&[(selector.clone(), test.clone())]]);
        script.subscribe_with(call::Subscribe {
            framework_info: aware("web"),
            offer_constraints: Some(constraints),
            suppressed_roles: Vec::new(),
        });
        script.drain();
        for attributes in [&[("rack", "r1"), ("disk", "ssd"), ("disk", "hdd")][..], &[("rack", "7")], &[]] {
            let attributes =
                attributes.iter().map(|(name, value)| v1::Attribute::parse(*name, value)).collect();
            script.agent_with(attributes);
        }
        let lines = script.drain();
        let agents: Vec<&str> = lines.iter().map(|line| line.split(['@', '/']).nth(1).unwrap()).collect();
        assert_eq!(agents.join(" "), expected, "{selector:?} {test:?}");
    }
}

#[test]
fn broken_constraints_are_refused() {
    let role = |groups| OfferConstraints {
        role_constraints: [("web".to_owned(), RoleConstraints { groups })].into(),
    };
    let broken = Test::TextMatches(predicate::TextMatches { regex: "rack-([".into() });
    let broken = constraints(&[&[(Kind::AttributeName("rack".into()), broken)]]);
    // A closing bracket that the anchors around the pattern would repair.
    let sneaky = Test::TextMatches(predicate::TextMatches { regex: "a)|(b".into() });
    let sneaky = constraints(&[&[(Kind::AttributeName("rack".into()), sneaky)]]);
    for (constraints, start) in [
        (
            role(Vec::new()),
            "Offer constraints are not valid: 'OfferConstraints::role_constraints' has an empty \
             'RoleConstraints::groups' for role web",
        ),
        (
            role(vec![Group::default()]),
            "Offer constraints are not valid: 'OfferConstraints::RoleConstraints::groups' for role webcontains an \
             empty RoleConstraints::Group",
        ),
        (
            broken,
            "Offer constraints are not valid: A role web has an invalid 'AttributeConstraint': Failed to construct \
             regex from pattern 'rack-([': ",
        ),
        (
            sneaky,
            "Offer constraints are not valid: A role web has an invalid 'AttributeConstraint': Failed to construct \
             regex from pattern 'a)|(b': ",
        ),
    ] {
        let mut script = Script::new();
        script.subscribe_with(call::Subscribe {
            framework_info: aware("web"),
            offer_constraints: Some(constraints),
            suppressed_roles: Vec::new(),
        });
        let lines = script.drain();
        assert!(lines[0].starts_with(&format!("1 ERROR {start}")), "{lines:?}");
        assert_eq!(lines[1..], ["1 END"]);
    }
}

/// Groups are alternatives, the constraints of one group all hold.
fn constraints(groups: &[&[(Kind, Test)]]) -> OfferConstraints {
    let groups = groups
        .iter()
        .map(|group| Group {
            attribute_constraints: group
                .iter()
                .map(|(selector, test)| AttributeConstraint {
                    selector: Selector { selector: Some(selector.clone()) },
                    predicate: Predicate { predicate: Some(test.clone()) },
                })
                .collect(),
        })
        .collect();
    OfferConstraints { role_constraints: [("web".to_owned(), RoleConstraints { groups })].into() }
}

#[test]
fn long_lists_are_judged_in_little_time() {
    // A hundred thousand of each: quadratic work would take minutes.
    let (mut script, scheduler) = Script::with_agents(1);
    let offers = (0..100_000).map(|number| v1::OfferId::new(format!("o{number}"))).collect();
    let accept = call::Accept { offer_ids: offers, ..Default::default() };
    let call = Call { accept: Some(accept), ..Default::default() };
    assert_eq!(script.call(&scheduler, call::Type::Accept, call), "202");
    let range = (0..100_000).map(|number| v1::value::Range { begin: 3 * number, end: 3 * number + 1 });
    let mut ranges: Vec<_> = range.collect();
    ranges.reverse();
    let ports = v1::Resource {
        name: "ports".into(),
        r#type: v1::value::Type::Ranges.into(),
        ranges: Some(v1::value::Ranges { range: ranges }),
        ..Default::default()
    };
    let mut task = task(&script, "t", "S0", 100);
    task.resources.push(ports);
    script.accept(&scheduler, &["O0"], vec![task], 0.0);
    let lines = script.drain();
    assert!(lines[0].contains("t TASK_ERROR"), "{lines:?}");
}
