//! SUBSCRIBE, heartbeats, failover, disconnection, TEARDOWN.

use super::*;

#[test]
fn a_subscription_begins_with_subscribed_and_a_heartbeat() {
    let mut script = Script::new();
    script.subscribe(&aware("web"));
    script.check(&["1 SUBSCRIBED 0000", "1 HEARTBEAT"]);
    script.wait(15 * SECOND);
    script.check(&["1 HEARTBEAT"]);
    script.wait(30 * SECOND);
    script.check(&["1 HEARTBEAT", "1 HEARTBEAT"]);
}

#[test]
fn subscribed_names_the_master_and_the_interval() {
    let mut script = Script::new();
    script.subscribe(&aware("web"));
    let subscribed = script.master.poll_stream().unwrap().event.unwrap().subscribed.unwrap();
    assert_eq!(subscribed.heartbeat_interval_seconds, Some(15.0));
    let info = subscribed.master_info.unwrap();
    assert_eq!(info.ip, 16_777_343);
    assert_eq!(info.pid(), "master@127.0.0.1:5050");
}

#[test]
fn refusals_come_as_an_error_on_the_stream() {
    use capability::Type::MultiRole;
    let role = |name: &str| v1::FrameworkInfo { roles: vec![name.into()], ..framework(&[MultiRole]) };
    let id = |text: &str| Some(v1::FrameworkId::new(text));
    let cases = [
        (
            role("a b"),
            "'FrameworkInfo.roles' contains invalid role: Role component 'a b' is invalid because it contains \
             backspace or whitespace",
        ),
        (
            v1::FrameworkInfo { roles: vec!["web".into()], ..framework(&[]) },
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
        ),
        (
            v1::FrameworkInfo { roles: vec!["web".into(), "web".into()], ..framework(&[MultiRole]) },
            "'FrameworkInfo.roles' contains duplicate items: { web }",
        ),
        (v1::FrameworkInfo { id: id("a/b"), ..role("web") }, "'a/b' contains invalid characters"),
        (
            v1::FrameworkInfo { failover_timeout: Some(1e10), ..role("web") },
            "The framework failover_timeout (1e+10) is invalid",
        ),
    ];
    for (info, text) in cases {
        let mut script = Script::new();
        let scheduler = script.subscribe(&info);
        script.check(&[&format!("1 ERROR {text}"), "1 END"]);
        assert_eq!(
            script.call(&scheduler, call::Type::Revive, Call::default()),
            "400 Framework cannot be found"
        );
    }
}

#[test]
fn suppressed_roles_and_constraints_must_be_of_the_framework() {
    let suppressed = call::Subscribe {
        framework_info: aware("web"),
        suppressed_roles: vec!["batch".into()],
        offer_constraints: None,
    };
    let constraints = v1::scheduler::OfferConstraints {
        role_constraints: [("batch".to_owned(), Default::default())].into(),
    };
    let constrained = call::Subscribe {
        framework_info: aware("web"),
        suppressed_roles: Vec::new(),
        offer_constraints: Some(constraints),
    };
    for (subscribe, text) in [
        (suppressed, "Suppressed roles { batch } are not contained in the set of roles"),
        (
            constrained,
            "Offer constraints specify `role_constraints` for a role 'batch'not contained in the set of roles",
        ),
    ] {
        let mut script = Script::new();
        script.subscribe_with(subscribe);
        script.check(&[&format!("1 ERROR {text}"), "1 END"]);
    }
}

#[test]
fn an_id_that_was_never_given_is_accepted() {
    let mut script = Script::new();
    script.subscribe(&v1::FrameworkInfo { id: Some(v1::FrameworkId::new("never-issued")), ..aware("web") });
    script.check(&["1 SUBSCRIBED never-issued", "1 HEARTBEAT"]);
}

#[test]
fn a_new_framework_never_gets_an_id_that_somebody_brought() {
    let mut script = Script::new();
    let id = Some(v1::FrameworkId::new(script.long("0000")));
    script.subscribe(&v1::FrameworkInfo { id, ..aware("web") });
    script.subscribe(&aware("web"));
    script.check(&["1 SUBSCRIBED 0000", "1 HEARTBEAT", "2 SUBSCRIBED 0001", "2 HEARTBEAT"]);
}

#[test]
fn a_second_scheduler_takes_over_and_offers_wait_for_the_batch() {
    let (mut script, old) = Script::with_agents(1);
    let info = v1::FrameworkInfo { id: Some(old.id.clone()), ..aware("web") };
    let new = script.subscribe(&info);
    script.check(&["1 ERROR Framework failed over", "1 END", "2 SUBSCRIBED 0000", "2 HEARTBEAT"]);
    let answer = script.call(&old, call::Type::Revive, Call::default());
    assert!(answer.starts_with(&format!("400 The stream ID '{}' included", old.stream_id)), "{answer}");
    // The death of the old connection is no news.
    script.master.handle_stream_closed(script.now, old.stream);
    script.wait(SECOND);
    script.check(&["2 OFFERS O1@S0/web:4000"]);
    assert_eq!(script.call(&new, call::Type::Suppress, Call::default()), "202");
}

#[test]
fn after_a_real_disconnection_offers_come_at_once() {
    let mut script = Script::new();
    script.agent();
    let old = script.subscribe(&v1::FrameworkInfo { failover_timeout: Some(60.0), ..aware("web") });
    script.drain();
    script.master.handle_stream_closed(script.now, old.stream);
    assert_eq!(script.call(&old, call::Type::Revive, Call::default()), "403 Framework is not subscribed");
    script.subscribe(&v1::FrameworkInfo { id: Some(old.id.clone()), ..aware("web") });
    script.check(&["2 SUBSCRIBED 0000", "2 HEARTBEAT", "2 OFFERS O1@S0/web:4000"]);
}

#[test]
fn a_framework_that_does_not_come_back_is_removed() {
    let mut script = Script::new();
    script.agent();
    let info = v1::FrameworkInfo { failover_timeout: Some(60.0), ..aware("web") };
    let scheduler = script.subscribe(&info);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 600.0);
    script.drain();
    script.master.handle_stream_closed(script.now, scheduler.stream);
    script.wait(59 * SECOND);
    script.check(&[]);
    script.wait(SECOND);
    script.check(&["S0 shut down 0000"]);
    script.subscribe(&v1::FrameworkInfo { id: Some(scheduler.id.clone()), ..info });
    script.check(&["2 ERROR Framework has been removed", "2 END"]);
    let tasks = script.master.get_tasks();
    assert_eq!(tasks.completed_tasks[0].state(), TaskState::TaskKilled);
}

#[test]
fn timeouts_that_are_no_numbers_or_negative_act_at_once() {
    for timeout in [None, Some(0.0), Some(-1.0), Some(f64::NAN)] {
        let mut script = Script::new();
        let info = v1::FrameworkInfo { failover_timeout: timeout, ..aware("web") };
        let scheduler = script.subscribe(&info);
        script.drain();
        script.master.handle_stream_closed(script.now, scheduler.stream);
        script.subscribe(&v1::FrameworkInfo { id: Some(scheduler.id), ..info });
        script.check(&["2 ERROR Framework has been removed", "2 END"]);
    }
}

#[test]
fn coming_back_in_time_stops_the_clock() {
    let mut script = Script::new();
    let info = v1::FrameworkInfo { failover_timeout: Some(60.0), ..aware("web") };
    let scheduler = script.subscribe(&info);
    script.master.handle_stream_closed(script.now, scheduler.stream);
    script.wait(30 * SECOND);
    script.subscribe(&v1::FrameworkInfo { id: Some(scheduler.id), ..info });
    script.drain();
    script.wait(44 * SECOND);
    script.check(&["2 HEARTBEAT", "2 HEARTBEAT"]);
}

#[test]
fn teardown_ends_the_stream_and_tells_nothing_about_tasks() {
    let (mut script, scheduler) = Script::with_agents(1);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 0.0);
    script.report(&scheduler, "S0", "t1", TaskState::TaskRunning);
    script.drain();
    assert_eq!(script.call(&scheduler, call::Type::Teardown, Call::default()), "202");
    script.check(&["1 END", "S0 shut down 0000"]);
    assert_eq!(
        script.call(&scheduler, call::Type::Teardown, Call::default()),
        "400 Framework cannot be found"
    );
    script.subscribe(&v1::FrameworkInfo { id: Some(scheduler.id), ..aware("web") });
    script.check(&["2 ERROR Framework has been removed", "2 END"]);
    script.wait(3600 * SECOND);
    script.check(&[]);
}

#[test]
fn another_principal_cannot_take_over() {
    let mut script = Script::new();
    let scheduler = script.subscribe(&v1::FrameworkInfo { principal: Some("alice".into()), ..aware("web") });
    script.drain();
    let id = Some(scheduler.id.clone());
    script.subscribe(&v1::FrameworkInfo { principal: Some("bob".into()), id, ..aware("web") });
    script.check(&["2 ERROR Changing framework's principal is not allowed.", "2 END"]);
    assert_eq!(script.call(&scheduler, call::Type::Revive, Call::default()), "202");
}

#[test]
fn one_seed_gives_one_transcript() {
    let run = || {
        let (mut script, scheduler) = Script::with_agents(3);
        let tasks = vec![task(&script, "t1", "S0", 1000)];
        script.accept(&scheduler, &["O0"], tasks, 0.0);
        script.report(&scheduler, "S0", "t1", TaskState::TaskRunning);
        script.wait(20 * SECOND);
        let lines = script.drain();
        (lines, scheduler.stream_id, script.received)
    };
    assert_eq!(run(), run());
}
