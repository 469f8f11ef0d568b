//! Tasks of an earlier life.

use super::*;

fn record(id: &str, state: TaskState) -> v1::Task {
    v1::Task {
        name: format!("name of {id}"),
        task_id: v1::TaskId::new(id),
        framework_id: v1::FrameworkId::new("f"),
        agent_id: v1::AgentId::new("a"),
        state: state.into(),
        resources: vec![v1::Resource::ranges("ports", &Ranges::single(31005, 31006))],
        ..v1::Task::default()
    }
}

#[test]
fn tasks_that_live_are_taken_over_asked_for_and_followed() {
    let mut bench = Bench::subscribed();
    let url = Ok("http://10.0.0.1:5051".parse().unwrap());
    bench.core.describe_agents([(v1::AgentId::new("a"), "a.example".to_owned(), url)]);
    let mut renamed = record("u.r2", TaskState::TaskStarting);
    let label = v1::Label { key: "submitted-as".into(), value: Some("u".into()) };
    renamed.labels = Some(v1::Labels { labels: vec![label] });
    let records = vec![record("t", TaskState::TaskRunning), renamed, record("gone", TaskState::TaskFinished)];
    assert_eq!(bench.core.recover(bench.now, records), ["t", "u"]);
    bench.expect(&[
        "t RECOVERED on a.example:[31005, 31006] TASK_RUNNING",
        "u RECOVERED on a.example:[31005, 31006] TASK_STARTING",
        "RECONCILE ",
        "RECONCILE t, u.r2",
    ]);
    bench.update_of_master("t", TaskState::TaskRunning, Reason::Reconciliation, "");
    bench.update("u.r2", TaskState::TaskRunning, None, "");
    bench.expect(&["u running", "u RUNNING on a.example:31005", "ACKNOWLEDGE u.r2"]);
    bench.core.kill(bench.now, "u");
    bench.expect(&["KILL u.r2"]);
    bench.submit("t");
    bench.expect(&["t FAILED: a task of this id was submitted before"]);
}

#[test]
fn strangers_are_killed_after_a_recovery_and_not_before() {
    let mut bench = Bench::subscribed();
    bench.update("x", TaskState::TaskRunning, None, "");
    bench.expect(&["x stranger: TASK_RUNNING", "ACKNOWLEDGE x"]);
    assert!(bench.core.adopt(bench.now, Vec::new()).is_empty());
    bench.update("x", TaskState::TaskRunning, None, "");
    bench.expect(&["x stranger: TASK_RUNNING", "ACKNOWLEDGE x"]);
    bench.core.recover(bench.now, Vec::new());
    bench.expect(&["RECONCILE "]);
    bench.update("x", TaskState::TaskRunning, None, "");
    bench.expect(&["x stranger: TASK_RUNNING", "KILL x", "ACKNOWLEDGE x"]);
    bench.update("x", TaskState::TaskKilled, None, "");
    bench.expect(&["x stranger: TASK_KILLED", "ACKNOWLEDGE x"]);
}

#[test]
fn strangers_are_left_alone_if_the_policy_says_so() {
    let policy = Policy { strangers: Strangers::Tell, ..Policy::default() };
    let mut bench = Bench::with_policy(policy);
    bench.core.handle_subscribed(bench.now);
    bench.core.recover(bench.now, Vec::new());
    bench.expect(&["SUPPRESS", "RECONCILE "]);
    bench.update("x", TaskState::TaskRunning, None, "");
    bench.expect(&["x stranger: TASK_RUNNING", "ACKNOWLEDGE x"]);
}

#[test]
fn a_recovered_task_that_never_reached_its_agent_has_ended() {
    let mut bench = Bench::subscribed();
    bench.core.recover(bench.now, vec![record("t", TaskState::TaskStaging)]);
    bench.expect(&["t RECOVERED on :[31005, 31006] TASK_STAGING", "RECONCILE ", "RECONCILE t"]);
    bench.update_of_master("t", TaskState::TaskGone, Reason::Reconciliation, "unknown to the agent");
    bench.expect(&["t ended: TASK_GONE (REASON_RECONCILIATION): unknown to the agent"]);
}

#[test]
fn what_was_told_as_ended_is_not_taken_over_from_an_older_record() {
    let mut bench = Bench::running();
    bench.update("t", TaskState::TaskFinished, None, "");
    bench.expect(&["t ended: TASK_FINISHED", "ACKNOWLEDGE t"]);
    assert!(bench.core.recover(bench.now, vec![record("t", TaskState::TaskRunning)]).is_empty());
    bench.expect(&["RECONCILE "]);
}

#[test]
fn a_task_that_was_given_up_is_not_taken_over_when_it_turns_up() {
    let mut bench = Bench::running();
    bench.update_of_master("t", TaskState::TaskLost, Reason::AgentRemoved, "health check timed out");
    bench.expect(&["t ended: TASK_LOST (REASON_AGENT_REMOVED): health check timed out"]);
    assert!(bench.core.adopt(bench.now, vec![record("t", TaskState::TaskRunning)]).is_empty());
    bench.expect(&[]);
    bench.update_of_master("t", TaskState::TaskRunning, Reason::AgentReregistered, "");
    bench.expect(&["t stranger: TASK_RUNNING", "KILL t"]);
}

#[test]
fn nothing_is_taken_over_by_a_framework_that_is_closed() {
    let mut bench = Bench::subscribed();
    bench.core.handle_closed("torn down");
    assert!(bench.core.recover(bench.now, vec![record("t", TaskState::TaskRunning)]).is_empty());
    assert_eq!(bench.core.task_count(), 0);
}

#[test]
fn the_grace_period_of_a_task_goes_with_it() {
    let mut bench = Bench::subscribed();
    let spec = TaskSpec::command("t", 100, 32, "true").kill_grace_period(Duration::from_secs(60));
    bench.core.submit(bench.now, spec);
    bench.offer("o1", "a", 1000);
    let mut policy = None;
    while let Some((_, call)) = bench.core.poll_call() {
        let operations = call.accept.unwrap_or_default().operations;
        policy = policy
            .or(operations.first().map(|found| found.launch.as_ref().unwrap().task_infos[0].kill_policy));
    }
    let policy = policy.unwrap();
    assert_eq!(policy.unwrap().grace_period.unwrap().nanoseconds, 60_000_000_000);
    let mut next = Bench::subscribed();
    let record = v1::Task { kill_policy: policy, ..record("t", TaskState::TaskRunning) };
    next.core.recover(next.now, vec![record]);
    next.core.kill(next.now, "t");
    let kills = std::iter::from_fn(|| next.core.poll_call()).filter_map(|(_, call)| call.kill);
    assert_eq!(kills.map(|kill| kill.kill_policy).collect::<Vec<_>>(), [policy]);
}

#[test]
fn an_id_that_mesos_knows_another_task_by_is_taken() {
    let mut bench = Bench::subscribed();
    let mut renamed = record("u.r2", TaskState::TaskRunning);
    let label = v1::Label { key: "submitted-as".into(), value: Some("u".into()) };
    renamed.labels = Some(v1::Labels { labels: vec![label] });
    bench.core.recover(bench.now, vec![renamed]);
    bench.drop_output();
    bench.submit("u.r2");
    bench.expect(&["u.r2 FAILED: a task of this id was submitted before"]);
}
