//! Agents that go away for a time, for good, or on a plan of the operator.

use super::*;

fn inverse_offer(id: &str, agent: &str) -> Event {
    let inverse = v1::InverseOffer {
        id: v1::OfferId::new(id),
        agent_id: Some(v1::AgentId::new(agent)),
        ..v1::InverseOffer::default()
    };
    let mut event = event(event::Type::InverseOffers);
    event.inverse_offers = Some(event::InverseOffers { inverse_offers: vec![inverse] });
    event
}

#[test]
fn an_agent_whose_maintenance_is_planned_gets_no_tasks_until_the_plan_is_off() {
    let mut bench = Bench::with_policy(Policy { refuse: Duration::from_secs(60), ..Policy::default() });
    bench.core.handle_subscribed(bench.now);
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.offer("o2", "a", 500);
    bench.update("t", TaskState::TaskRunning, None, "");
    while bench.core.poll_change().is_some() || bench.core.poll_call().is_some() {}
    bench.core.handle_event(bench.now, inverse_offer("i1", "a"));
    bench.expect(&["t maintenance", "ACCEPT_INVERSE_OFFERS"]);
    bench.submit("u");
    bench.expect(&["u waiting for an offer", "DECLINE o2", "REVIVE"]);
    // While it is planned, offers of the agent say so.
    let mut offers = event(event::Type::Offers);
    let offer = v1::Offer {
        id: v1::OfferId::new("o3"),
        agent_id: v1::AgentId::new("a"),
        unavailability: Some(v1::Unavailability::default()),
        resources: vec![
            v1::Resource::scalar_milli("cpus", 1000),
            v1::Resource::scalar_milli("mem", 1_024_000),
            v1::Resource::ranges("ports", &Ranges::single(31000, 31009)),
        ],
        ..v1::Offer::default()
    };
    offers.offers = Some(event::Offers { offers: vec![offer] });
    bench.core.handle_event(bench.now, offers);
    bench.expect(&["DECLINE o3"]);
    let why = bench.core.why_pending("u").unwrap();
    assert_eq!(why.funnel().collect::<Vec<_>>(), [("maintenance".to_owned(), 2)]);
    let mut rescind = event(event::Type::RescindInverseOffer);
    rescind.rescind_inverse_offer =
        Some(event::RescindInverseOffer { inverse_offer_id: v1::OfferId::new("i1") });
    bench.core.handle_event(bench.now, rescind);
    bench.offer("o4", "a", 1000);
    bench.expect(&["u staging", "ACCEPT o4 launches u", "SUPPRESS"]);
}

#[test]
fn a_health_check_is_told_when_it_says_something_new() {
    let mut bench = Bench::running();
    let health = |bench: &mut Bench, healthy| {
        bench.updates += 1;
        let status = v1::TaskStatus {
            task_id: v1::TaskId::new("t"),
            state: TaskState::TaskRunning.into(),
            agent_id: Some(v1::AgentId::new("a")),
            healthy: Some(healthy),
            uuid: Some(Bytes::from(vec![bench.updates; 16])),
            ..v1::TaskStatus::default()
        };
        let mut event = event(event::Type::Update);
        event.update = Some(event::Update { status });
        bench.core.handle_event(bench.now, event);
    };
    for healthy in [true, true, false] {
        health(&mut bench, healthy);
    }
    bench.expect(&["t healthy: true", "t healthy: false", "ACKNOWLEDGE t", "ACKNOWLEDGE t", "ACKNOWLEDGE t"]);
    assert_eq!(bench.core.tasks().next().unwrap().healthy, Some(false));
}

#[test]
fn lost_tasks_of_an_agent_that_returns_are_killed_since_they_were_told_to_be_gone() {
    let mut bench = Bench::running();
    bench.update_of_master("t", TaskState::TaskLost, Reason::AgentRemoved, "health check timed out");
    bench.expect(&["t ended: TASK_LOST (REASON_AGENT_REMOVED): health check timed out"]);
    bench.update_of_master("t", TaskState::TaskRunning, Reason::AgentReregistered, "");
    bench.expect(&["t stranger: TASK_RUNNING", "KILL t"]);
}

#[test]
fn an_agent_that_restarts_before_a_task_ran_there_costs_one_more_launch() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.update("t", TaskState::TaskStarting, None, "");
    bench.update(
        "t",
        TaskState::TaskDropped,
        Some(Reason::AgentRestarted),
        "Task launched during agent restart",
    );
    bench.offer("o2", "a", 1000);
    bench.expect(&[
        "t waiting for an offer",
        "t staging",
        "t starting",
        "t waiting for an offer",
        "t staging",
        "REVIVE",
        "ACCEPT o1 launches t",
        "SUPPRESS",
        "ACKNOWLEDGE t",
        "ACKNOWLEDGE t",
        "REVIVE",
        "ACCEPT o2 launches t.r2",
        "SUPPRESS",
    ]);
}

#[test]
fn a_kill_while_its_executor_kills_the_task_already_is_sent_as_well() {
    let mut bench = Bench::running();
    bench.update("t", TaskState::TaskKilling, None, "");
    bench.expect(&["ACKNOWLEDGE t"]);
    bench.core.kill(bench.now, "t");
    bench.expect(&["KILL t"]);
    bench.core.kill(bench.now, "t");
    bench.expect(&[]);
}

#[test]
fn a_task_that_starts_when_its_agent_is_back_is_no_longer_unreachable() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.expect(&["t waiting for an offer", "t staging", "REVIVE", "ACCEPT o1 launches t", "SUPPRESS"]);
    for (state, phase) in [
        (TaskState::TaskStaging, TaskPhase::Launching),
        (TaskState::TaskStarting, TaskPhase::Starting),
        (TaskState::TaskRunning, TaskPhase::Running),
        (TaskState::TaskStarting, TaskPhase::Running),
    ] {
        bench.update_of_master("t", TaskState::TaskUnreachable, Reason::AgentRemoved, "");
        bench.update_of_master("t", state, Reason::AgentReregistered, "");
        assert_eq!(bench.core.tasks().next().unwrap().phase, phase, "{state:?}");
    }
}

#[test]
fn offers_of_two_agents_are_never_in_one_accept() {
    let mut bench = Bench::subscribed();
    for id in ["t1", "t2"] {
        bench.submit(id);
    }
    bench.expect(&["t1 waiting for an offer", "t2 waiting for an offer", "REVIVE"]);
    let mut both = event(event::Type::Offers);
    let offer = |id: &str, agent: &str| v1::Offer {
        id: v1::OfferId::new(id),
        agent_id: v1::AgentId::new(agent),
        resources: vec![
            v1::Resource::scalar_milli("cpus", 500),
            v1::Resource::scalar_milli("mem", 128_000),
            v1::Resource::ranges("ports", &Ranges::single(31000, 31009)),
        ],
        ..v1::Offer::default()
    };
    both.offers = Some(event::Offers { offers: vec![offer("o1", "a"), offer("o2", "b")] });
    bench.core.handle_event(bench.now, both);
    bench.expect(&["t1 staging", "t2 staging", "ACCEPT o1 launches t1", "ACCEPT o2 launches t2", "SUPPRESS"]);
}

#[test]
fn a_maintenance_that_is_called_off_after_it_was_answered_is_over_with_the_next_offer() {
    let mut bench = Bench::subscribed();
    for id in ["i1", "i2"] {
        bench.core.handle_event(bench.now, inverse_offer(id, "a"));
        bench.expect(&["ACCEPT_INVERSE_OFFERS"]);
    }
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.expect(&["t waiting for an offer", "t staging", "REVIVE", "ACCEPT o1 launches t", "SUPPRESS"]);
}

#[test]
fn a_stranger_on_an_agent_that_is_away_is_not_killed_again_and_again() {
    let mut bench = Bench::subscribed();
    bench.core.recover(bench.now, Vec::new());
    bench.expect(&["RECONCILE "]);
    bench.update_of_master("x", TaskState::TaskUnreachable, Reason::AgentRemoved, "");
    bench.update_of_master("x", TaskState::TaskUnreachable, Reason::Reconciliation, "");
    bench.expect(&["x stranger: TASK_UNREACHABLE", "x stranger: TASK_UNREACHABLE"]);
    bench.update_of_master("x", TaskState::TaskRunning, Reason::AgentReregistered, "");
    bench.expect(&["x stranger: TASK_RUNNING", "KILL x"]);
}

#[test]
fn time_without_a_subscription_does_not_count_as_time_that_a_master_does_not_know_a_task() {
    let mut bench = Bench::running();
    bench.update_of_master("t", TaskState::TaskUnknown, Reason::Reconciliation, "");
    bench.expect(&["t unreachable"]);
    bench.core.handle_disconnected(bench.now, "cut");
    bench.now += Policy::default().unknown_grace;
    bench.core.handle_timeout(bench.now);
    bench.core.handle_subscribed(bench.now);
    bench.expect(&["RECONCILE t", "SUPPRESS"]);
    bench.update_of_master("t", TaskState::TaskRunning, Reason::AgentReregistered, "");
    bench.expect(&["t reachable"]);
}

#[test]
fn answers_to_an_accept_are_about_the_subscription_or_the_call_or_tell_nothing() {
    for (status, text, expected) in [
        (307, "", &["t waiting for an offer", "REVIVE"][..]),
        (401, "", &["t waiting for an offer", "REVIVE"]),
        (404, "404 Not Found.", &["t waiting for an offer", "REVIVE"]),
        (503, "No leader elected", &["t waiting for an offer", "REVIVE"]),
        (400, " Framework cannot be found\n", &["t waiting for an offer", "REVIVE"]),
        (502, "Bad Gateway", &["DECLINE o1", "RECONCILE t"]),
        (504, "", &["DECLINE o1", "RECONCILE t"]),
    ] {
        let mut bench = Bench::subscribed();
        bench.submit("t");
        bench.offer("o1", "a", 1000);
        bench.drop_output();
        let accept = bench.accepts[0];
        let refused = CallOutcome::Refused { status, text: text.to_owned() };
        bench.core.handle_call_outcome(bench.now, accept, refused);
        bench.expect(expected);
    }
}

#[test]
fn many_doubts_at_once_are_one_question_and_another_one_later() {
    let mut bench = Bench::subscribed();
    for number in 0..3 {
        bench.submit(&format!("t{number}"));
        bench.offer(&format!("o{number}"), "a", 500);
    }
    bench.drop_output();
    for accept in bench.accepts.clone() {
        bench.core.handle_call_outcome(bench.now, accept, CallOutcome::OutcomeUnknown { why: "cut".into() });
    }
    bench.expect(&["DECLINE o0", "RECONCILE t0", "DECLINE o1", "DECLINE o2"]);
    bench.now += Duration::from_millis(50);
    bench.core.handle_timeout(bench.now);
    bench.expect(&["RECONCILE t0, t1, t2"]);
}
