//! Launches that failed in ways that another try can mend.

use super::*;

const STARTED: &[&str] =
    &["t waiting for an offer", "t staging", "REVIVE", "ACCEPT o1 launches t", "SUPPRESS"];

/// A bench that has sent task `t` to agent `a`.
fn launched() -> Bench {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.expect(STARTED);
    bench
}

#[test]
fn a_port_that_is_taken_rests_and_the_task_is_launched_again_under_another_name() {
    let mut bench = launched();
    bench.update("t", TaskState::TaskStarting, None, "");
    bench.expect(&["t starting", "ACKNOWLEDGE t"]);
    bench.update("t", TaskState::TaskFailed, None, "Container exited with status 125");
    bench.expect(&["t waiting for an offer", "ACKNOWLEDGE t", "REVIVE"]);
    bench.offer("o2", "a", 1000);
    bench.expect(&["t staging", "ACCEPT o2 launches t.r2", "SUPPRESS"]);
    bench.update("t.r2", TaskState::TaskRunning, None, "");
    bench.expect(&["t running", "t RUNNING on a:31001", "ACKNOWLEDGE t.r2"]);
    bench.core.kill(bench.now, "t");
    bench.expect(&["KILL t.r2"]);
    bench.update("t.r2", TaskState::TaskKilled, None, "");
    bench.expect(&["t ended: TASK_KILLED", "ACKNOWLEDGE t.r2"]);
}

#[test]
fn a_container_that_docker_refuses_again_and_again_fails_in_the_end() {
    let policy = Policy { max_relaunches: 1, hold: Duration::ZERO, ..Policy::default() };
    let mut bench = Bench::with_policy(policy);
    bench.core.handle_subscribed(bench.now);
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.update("t", TaskState::TaskFailed, None, "Container exited with status 125");
    bench.offer("o2", "a", 1000);
    bench.update("t.r2", TaskState::TaskFailed, None, "Container exited with status 125");
    let mut failure = None;
    while let Some(change) = bench.core.poll_change() {
        if let ChangeKind::LaunchFailed(why) = change.kind {
            failure = Some(why);
        }
    }
    let Some(LaunchFailure::Ended { end, .. }) = failure.as_deref() else { panic!("{failure:?}") };
    assert_eq!(end.cause(), Cause::DockerRunFailed);
    assert_eq!(bench.core.task_count(), 0);
}

#[test]
fn a_task_that_runs_and_exits_with_125_has_failed_by_itself() {
    let mut bench = Bench::running();
    bench.update("t", TaskState::TaskFailed, None, "Container exited with status 125");
    bench.expect(&["t ended: TASK_FAILED: Container exited with status 125", "ACKNOWLEDGE t"]);
}

#[test]
fn an_image_that_cannot_be_pulled_is_no_reason_to_try_again() {
    let mut bench = launched();
    let reason = Some(Reason::ContainerLaunchFailed);
    bench.update("t", TaskState::TaskFailed, reason, "Failed to run 'docker pull x': exited with status 1");
    let failed =
        "TASK_FAILED (REASON_CONTAINER_LAUNCH_FAILED): Failed to run 'docker pull x': exited with status 1";
    bench.expect(&[
        &format!("t FAILED: the task ended before it ran on a: {failed}"),
        &format!("t ended: {failed}"),
        "ACKNOWLEDGE t",
    ]);
}

#[test]
fn an_earlier_launch_that_turns_up_alive_is_killed_and_the_later_one_is_left_alone() {
    let mut bench = launched();
    bench.update_of_master("t", TaskState::TaskGone, Reason::Reconciliation, "unknown to the agent");
    bench.offer("o2", "a", 1000);
    bench.expect(&["t waiting for an offer", "t staging", "REVIVE", "ACCEPT o2 launches t.r2", "SUPPRESS"]);
    bench.update("t", TaskState::TaskRunning, None, "");
    bench.expect(&["t stranger: TASK_RUNNING", "KILL t", "ACKNOWLEDGE t"]);
    bench.update("t", TaskState::TaskKilled, None, "");
    bench.expect(&["t stranger: TASK_KILLED", "ACKNOWLEDGE t"]);
    assert_eq!(bench.core.tasks().map(|task| task.phase).collect::<Vec<_>>(), [TaskPhase::Launching]);
}

#[test]
fn what_no_master_could_accept_is_refused_at_once() {
    let mut bench = Bench::subscribed();
    bench.core.submit(bench.now, TaskSpec::command("a/b", 100, 32, "true"));
    bench.core.submit(bench.now, TaskSpec::command("c", 100, 32, "true").role("other"));
    bench.expect(&[
        "a/b FAILED: invalid task id 'a/b': expected 1 to 245 characters without '/', '\\' and control characters, \
         and neither '.' nor '..'",
        "c FAILED: task 'c' wants role 'other', expected one of 'whisk'",
    ]);
}

#[test]
fn a_drained_framework_gives_up_what_waits_and_keeps_what_runs() {
    let mut bench = Bench::running();
    bench.submit("waiting");
    bench.expect(&["waiting waiting for an offer", "REVIVE"]);
    bench.core.drain(bench.now);
    bench.submit("late");
    bench.expect(&[
        "waiting FAILED: the framework is being drained and takes no new tasks",
        "waiting ended: TASK_KILLED: killed before it was launched",
        "late FAILED: the framework is being drained and takes no new tasks",
        "SUPPRESS",
    ]);
    assert_eq!(bench.core.task_count(), 1);
}

#[test]
fn an_offer_that_is_rescinded_while_its_accept_is_on_its_way_costs_one_more_launch() {
    let mut bench = launched();
    let mut rescind = event(event::Type::Rescind);
    rescind.rescind = Some(event::Rescind { offer_id: v1::OfferId::new("o1") });
    bench.core.handle_event(bench.now, rescind);
    bench.expect(&[]);
    let text = "Task launched with invalid offers: Offer o1 is no longer valid";
    bench.update_of_master("t", TaskState::TaskDropped, Reason::InvalidOffers, text);
    let accept = bench.accepts[0];
    bench.core.handle_call_outcome(bench.now, accept, CallOutcome::Accepted);
    bench.expect(&["t waiting for an offer", "REVIVE"]);
    bench.offer("o2", "b", 500);
    bench.expect(&["t staging", "ACCEPT o2 launches t", "SUPPRESS"]);
}

#[test]
fn a_failed_task_leaves_nothing_behind() {
    let mut bench = launched();
    bench.update("t", TaskState::TaskStarting, None, "");
    bench.update("t", TaskState::TaskFailed, None, "Command exited with status 1");
    bench.drop_output();
    let core = &bench.core;
    assert_eq!((core.task_count(), core.held_offers()), (0, 0));
    assert!(core.queue.is_empty() && core.reconciliation.is_done());
    assert_eq!(core.poll_timeout(), Some(bench.now + Policy::default().reconcile_all));
    bench.submit("t");
    bench.expect(&["t waiting for an offer", "REVIVE"]);
}
