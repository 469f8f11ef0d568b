//! Scripts on the framework core: every call and every change is named, what nobody expected fails.

#![expect(clippy::disallowed_methods, reason = "any instant will do")]

use bytes::Bytes;
use mesos_proto::v1::{
    Ranges, TaskState,
    scheduler::{Event, call::Type, event},
    task_status::{Reason, Source},
};

use super::*;
use crate::session::CallOutcome;

mod agents;
mod push_down;
mod recovery;
mod relaunch;
mod table;

/// A core on the bench: what goes in is said by methods, what comes out is written down as text.
struct Bench {
    core: FrameworkCore,
    now: Instant,
    accepts: Vec<OutcomeToken>,
    declines: Vec<OutcomeToken>,
    updates: u8,
}

impl Bench {
    fn new() -> Self {
        let policy = Policy { hold: Duration::ZERO, ..Policy::default() };
        Self::with_policy(policy)
    }

    fn with_policy(policy: Policy) -> Self {
        Self {
            core: FrameworkCore::new(["whisk".to_owned()], policy, 0),
            now: Instant::now(),
            accepts: Vec::new(),
            declines: Vec::new(),
            updates: 0,
        }
    }

    /// A bench that is subscribed and has said so.
    fn subscribed() -> Self {
        let mut bench = Self::new();
        bench.core.handle_subscribed(bench.now);
        bench.expect(&["SUPPRESS"]);
        bench
    }

    /// A bench with task `t` running on agent `a` with port 31000.
    fn running() -> Self {
        let mut bench = Self::subscribed();
        bench.submit("t");
        bench.expect(&["t waiting for an offer", "REVIVE"]);
        bench.offer("o1", "a", 1000);
        bench.expect(&["t staging", "ACCEPT o1 launches t", "SUPPRESS"]);
        bench.update("t", TaskState::TaskRunning, None, "");
        bench.expect(&["t running", "t RUNNING on a:31000", "ACKNOWLEDGE t"]);
        bench
    }

    fn submit(&mut self, id: &str) {
        let spec = TaskSpec::new(id, 500, 128, v1::TaskInfo::default());
        self.core.submit(self.now, spec.port(PortRequest::any(8080)));
    }

    fn offer(&mut self, id: &str, agent: &str, cpus_milli: i64) {
        let offer = v1::Offer {
            id: v1::OfferId::new(id),
            agent_id: v1::AgentId::new(agent),
            hostname: agent.to_owned(),
            resources: vec![
                v1::Resource::scalar_milli("cpus", cpus_milli),
                v1::Resource::scalar_milli("mem", 1_024_000),
                v1::Resource::ranges("ports", &Ranges::single(31000, 31009)),
            ],
            ..v1::Offer::default()
        };
        let mut event = event(event::Type::Offers);
        event.offers = Some(event::Offers { offers: vec![offer] });
        self.core.handle_event(self.now, event);
    }

    /// An update that must be acknowledged, as agents send them.
    fn update(&mut self, id: &str, state: TaskState, reason: Option<Reason>, message: &str) {
        self.updates += 1;
        self.repeat_update(id, state, reason, message);
    }

    /// An update with the uuid of the last one.
    fn repeat_update(&mut self, id: &str, state: TaskState, reason: Option<Reason>, message: &str) {
        self.status(id, state, reason, message, Some(Bytes::from(vec![self.updates; 16])));
    }

    /// An update that must not be acknowledged, as the master makes them.
    fn update_of_master(&mut self, id: &str, state: TaskState, reason: Reason, message: &str) {
        self.status(id, state, Some(reason), message, None);
    }

    fn status(
        &mut self,
        id: &str,
        state: TaskState,
        reason: Option<Reason>,
        message: &str,
        uuid: Option<Bytes>,
    ) {
        let status = v1::TaskStatus {
            task_id: v1::TaskId::new(id),
            state: state.into(),
            reason: reason.map(Into::into),
            source: Some(Source::Executor.into()),
            message: Some(message.to_owned()),
            agent_id: Some(v1::AgentId::new("a")),
            uuid,
            ..v1::TaskStatus::default()
        };
        let mut event = event(event::Type::Update);
        event.update = Some(event::Update { status });
        self.core.handle_event(self.now, event);
    }

    fn advance(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.core.handle_timeout(self.now);
    }

    /// Everything that came out since the last time, changes before calls.
    fn expect(&mut self, expected: &[&str]) {
        let mut seen = Vec::new();
        while let Some(change) = self.core.poll_change() {
            seen.push(format!("{} {}", change.task_id, describe(&change.kind)));
        }
        while let Some((token, call)) = self.core.poll_call() {
            match call.r#type() {
                Type::Accept => self.accepts.extend(token),
                Type::Decline => self.declines.extend(token),
                _ => {}
            }
            seen.push(describe_call(&call));
        }
        assert_eq!(seen, expected);
    }
}

fn event(kind: event::Type) -> Event {
    Event { r#type: Some(kind.into()), ..Event::default() }
}

fn describe(kind: &ChangeKind) -> String {
    match kind {
        ChangeKind::Stage(stage) => stage.to_string(),
        ChangeKind::Running(running) => {
            format!("RUNNING on {}:{}", running.placement.hostname, running.placement.host_ports[0])
        }
        ChangeKind::LaunchFailed(failure) => format!("FAILED: {failure}"),
        ChangeKind::Recovered(recovered) => {
            let Placement { hostname, host_ports, .. } = &recovered.running.placement;
            format!("RECOVERED on {hostname}:{host_ports:?} {}", recovered.state.as_str_name())
        }
        ChangeKind::Health { healthy } => format!("healthy: {healthy}"),
        ChangeKind::Maintenance(_) => "maintenance".to_owned(),
        ChangeKind::Unreachable => "unreachable".to_owned(),
        ChangeKind::Reachable => "reachable".to_owned(),
        ChangeKind::Ended(end) => format!("ended: {end}"),
        ChangeKind::Stranger(state) => format!("stranger: {}", state.as_str_name()),
    }
}

fn describe_call(call: &Call) -> String {
    let name = call.r#type().as_str_name();
    let ids = |ids: &[v1::OfferId]| ids.iter().map(|id| id.value.as_str()).collect::<Vec<_>>().join("+");
    if let Some(accept) = &call.accept {
        let launch = |operation: &v1::offer::Operation| {
            operation.launch.as_ref().unwrap().task_infos[0].task_id.value.clone()
        };
        let tasks: Vec<String> = accept.operations.iter().map(launch).collect();
        return format!("{name} {} launches {}", ids(&accept.offer_ids), tasks.join(", "));
    }
    if let Some(decline) = &call.decline {
        return format!("{name} {}", ids(&decline.offer_ids));
    }
    if let Some(kill) = &call.kill {
        return format!("{name} {}", kill.task_id.value);
    }
    if let Some(acknowledge) = &call.acknowledge {
        return format!("{name} {}", acknowledge.task_id.value);
    }
    if let Some(reconcile) = &call.reconcile {
        let tasks: Vec<&str> = reconcile.tasks.iter().map(|task| task.task_id.value.as_str()).collect();
        return format!("{name} {}", tasks.join(", "));
    }
    name.to_owned()
}

#[test]
fn no_work_means_suppressed_and_offers_that_come_anyway_go_back() {
    let mut bench = Bench::subscribed();
    assert_eq!(bench.core.poll_suppressed_roles(), Some(vec!["whisk".to_owned()]));
    bench.offer("o1", "a", 1000);
    bench.expect(&["DECLINE o1", "SUPPRESS"]);
    bench.submit("t");
    assert_eq!(bench.core.poll_suppressed_roles(), Some(vec![]));
}

#[test]
fn a_task_goes_from_submission_to_running_to_its_end() {
    let mut bench = Bench::running();
    bench.update("t", TaskState::TaskFailed, None, "Command exited with status 3");
    bench.expect(&["t ended: TASK_FAILED: Command exited with status 3", "ACKNOWLEDGE t"]);
    assert_eq!(bench.core.task_count(), 0);
    assert!(!bench.core.kill(bench.now, "t"));
    bench.expect(&[]);
}

#[test]
fn work_submitted_before_the_subscription_waits_for_it() {
    let mut bench = Bench::new();
    bench.submit("t");
    bench.expect(&["t waiting for an offer"]);
    bench.core.handle_subscribed(bench.now);
    bench.expect(&["REVIVE"]);
}

#[test]
fn two_submissions_share_an_offer_in_one_accept_with_an_operation_each() {
    let mut bench = Bench::subscribed();
    bench.submit("t1");
    bench.submit("t2");
    bench.expect(&["t1 waiting for an offer", "t2 waiting for an offer", "REVIVE"]);
    bench.offer("o1", "a", 1000);
    bench.expect(&["t1 staging", "t2 staging", "ACCEPT o1 launches t1, t2", "SUPPRESS"]);
}

#[test]
fn an_offer_that_fits_nothing_is_declined_and_the_reason_is_kept() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.expect(&["t waiting for an offer", "REVIVE"]);
    bench.offer("o1", "a", 100);
    bench.expect(&["DECLINE o1"]);
    let why = bench.core.why_pending("t").unwrap();
    assert_eq!(
        why.to_string(),
        "offers of 1 agent were considered: 1 failed on cpus\n  a (a): cpus: 0.5 wanted, 0.1 offered"
    );
    bench.advance(59);
    bench.expect(&["REVIVE"]);
    bench.advance(1);
    bench.expect(&[
        "t FAILED: no offer could be used in time: offers of 1 agent were considered: 1 failed on cpus\n  \
         a (a): cpus: 0.5 wanted, 0.1 offered",
        "SUPPRESS",
    ]);
    assert_eq!(bench.core.task_count(), 0);
}

#[test]
fn a_master_that_never_answers_is_named_when_the_deadline_passes() {
    let mut bench = Bench::new();
    bench.submit("t");
    bench.core.handle_disconnected(bench.now, "http://h:1: connection refused");
    bench.advance(60);
    bench.expect(&[
        "t waiting for an offer",
        "t FAILED: no offer could be used in time: not subscribed at a master: http://h:1: connection refused",
    ]);
}

#[test]
fn held_offers_serve_the_next_submission_and_go_back_when_their_time_is_up() {
    let mut bench = Bench::with_policy(Policy { max_held_offers: 1, ..Policy::default() });
    bench.core.handle_subscribed(bench.now);
    bench.expect(&["SUPPRESS"]);
    bench.offer("o1", "a", 1000);
    bench.expect(&["SUPPRESS"]);
    bench.submit("t");
    bench.expect(&["t waiting for an offer", "t staging", "ACCEPT o1 launches t"]);
    bench.offer("o2", "a", 500);
    bench.offer("o3", "b", 500);
    bench.expect(&["SUPPRESS", "DECLINE o3", "SUPPRESS"]);
    bench.advance(5);
    bench.expect(&["DECLINE o2"]);
}

#[test]
fn a_rescinded_offer_and_one_of_a_lost_agent_are_not_used() {
    let mut bench = Bench::with_policy(Policy::default());
    bench.core.handle_subscribed(bench.now);
    bench.offer("o1", "a", 1000);
    bench.offer("o2", "b", 1000);
    bench.expect(&["SUPPRESS", "SUPPRESS", "SUPPRESS"]);
    let mut rescind = event(event::Type::Rescind);
    rescind.rescind = Some(event::Rescind { offer_id: v1::OfferId::new("o1") });
    bench.core.handle_event(bench.now, rescind);
    let mut failure = event(event::Type::Failure);
    failure.failure =
        Some(event::Failure { agent_id: Some(v1::AgentId::new("b")), ..event::Failure::default() });
    bench.core.handle_event(bench.now, failure);
    bench.submit("t");
    bench.expect(&["t waiting for an offer", "REVIVE"]);
}

#[test]
fn void_offers_send_the_task_back_to_waiting() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.expect(&["t waiting for an offer", "t staging", "REVIVE", "ACCEPT o1 launches t", "SUPPRESS"]);
    bench.update_of_master(
        "t",
        TaskState::TaskDropped,
        Reason::InvalidOffers,
        "Task launched with invalid offers",
    );
    bench.expect(&["t waiting for an offer", "REVIVE"]);
    bench.offer("o2", "a", 1000);
    bench.expect(&["t staging", "ACCEPT o2 launches t", "SUPPRESS"]);
}

#[test]
fn an_answer_to_a_repeated_accept_does_not_end_a_running_task() {
    let mut bench = Bench::running();
    bench.update_of_master(
        "t",
        TaskState::TaskDropped,
        Reason::InvalidOffers,
        "Task launched with invalid offers",
    );
    bench.expect(&["RECONCILE t"]);
    bench.now += Duration::from_millis(50);
    bench.update_of_master("t", TaskState::TaskError, Reason::TaskInvalid, "Task has duplicate ID: t");
    bench.expect(&["RECONCILE t"]);
    bench.update_of_master("t", TaskState::TaskRunning, Reason::Reconciliation, "");
    bench.expect(&[]);
    bench.advance(600);
    bench.expect(&[]);
}

#[test]
fn an_invalid_task_fails_with_the_words_of_the_master() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.expect(&["t waiting for an offer", "t staging", "REVIVE", "ACCEPT o1 launches t", "SUPPRESS"]);
    bench.update_of_master("t", TaskState::TaskError, Reason::TaskInvalid, "Task uses no resources");
    bench.expect(&[
        "t FAILED: the task ended before it ran on a: TASK_ERROR (REASON_TASK_INVALID): Task uses no resources",
        "t ended: TASK_ERROR (REASON_TASK_INVALID): Task uses no resources",
    ]);
}

#[test]
fn a_late_launch_is_killed_and_the_caller_learns_how_far_it_came() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.update("t", TaskState::TaskStarting, None, "");
    bench.expect(&[
        "t waiting for an offer",
        "t staging",
        "t starting",
        "REVIVE",
        "ACCEPT o1 launches t",
        "SUPPRESS",
        "ACKNOWLEDGE t",
    ]);
    bench.advance(60);
    bench.expect(&["t FAILED: the task was still starting on a when its launch timeout passed", "KILL t"]);
    bench.update("t", TaskState::TaskRunning, None, "");
    bench.expect(&["ACKNOWLEDGE t"]);
    bench.update("t", TaskState::TaskKilled, None, "");
    bench.expect(&["t ended: TASK_KILLED", "ACKNOWLEDGE t"]);
}

#[test]
fn a_kill_is_repeated_with_longer_pauses_until_any_terminal_state() {
    let mut bench = Bench::running();
    assert!(bench.core.kill(bench.now, "t"));
    bench.expect(&["KILL t"]);
    bench.advance(5);
    bench.expect(&["KILL t"]);
    bench.advance(5);
    bench.expect(&[]);
    bench.advance(5);
    bench.expect(&["KILL t"]);
    bench.update("t", TaskState::TaskFinished, None, "");
    bench.expect(&["t ended: TASK_FINISHED", "ACKNOWLEDGE t"]);
    bench.advance(600);
    bench.expect(&[]);
}

#[test]
fn a_task_that_waits_is_killed_at_once() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.expect(&["t waiting for an offer", "REVIVE"]);
    assert!(bench.core.kill(bench.now, "t"));
    bench.expect(&[
        "t FAILED: the task was killed before it ran",
        "t ended: TASK_KILLED: killed before it was launched",
        "SUPPRESS",
    ]);
}

#[test]
fn a_kill_while_disconnected_is_sent_after_resubscribing() {
    let mut bench = Bench::running();
    bench.core.handle_disconnected(bench.now, "stream ended");
    bench.core.kill(bench.now, "t");
    bench.expect(&[]);
    bench.core.handle_subscribed(bench.now);
    bench.expect(&["RECONCILE t", "KILL t", "SUPPRESS"]);
}

#[test]
fn a_new_subscription_voids_offers_and_reconciles_what_was_launched() {
    let mut bench = Bench::with_policy(Policy::default());
    bench.core.handle_subscribed(bench.now);
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.offer("o2", "b", 1000);
    bench.expect(&[
        "t waiting for an offer",
        "t staging",
        "SUPPRESS",
        "REVIVE",
        "ACCEPT o1 launches t",
        "SUPPRESS",
        "SUPPRESS",
    ]);
    bench.core.handle_disconnected(bench.now, "stream ended");
    bench.core.handle_subscribed(bench.now);
    bench.expect(&["RECONCILE t", "SUPPRESS"]);
    bench.advance(1);
    bench.expect(&["RECONCILE t"]);
    bench.advance(1);
    bench.expect(&[]);
    // The ACCEPT never arrived: the agent knows nothing of the task, and o2 must not be used.
    bench.update_of_master(
        "t",
        TaskState::TaskGone,
        Reason::Reconciliation,
        "Reconciliation: Task is unknown to the agent",
    );
    bench.expect(&["t waiting for an offer", "REVIVE"]);
}

#[test]
fn outcomes_of_an_accept_decide_where_its_tasks_are() {
    for (outcome, expected) in [
        (CallOutcome::Accepted, &[][..]),
        (CallOutcome::NotSubscribed, &["t waiting for an offer", "REVIVE"]),
        (
            CallOutcome::Refused { status: 403, text: "Framework is not subscribed".into() },
            &["t waiting for an offer", "REVIVE"],
        ),
        (
            CallOutcome::Refused { status: 400, text: "Failed to validate scheduler::Call: no".into() },
            &[
                "t FAILED: the task ended before it ran on a: TASK_ERROR: the master refused the ACCEPT \
                 with HTTP 400: Failed to validate scheduler::Call: no",
                "t ended: TASK_ERROR: the master refused the ACCEPT with HTTP 400: Failed to validate \
                 scheduler::Call: no",
                "DECLINE o1",
            ],
        ),
        (CallOutcome::OutcomeUnknown { why: "reset".into() }, &["DECLINE o1", "RECONCILE t"]),
    ] {
        let mut bench = Bench::subscribed();
        bench.submit("t");
        bench.offer("o1", "a", 1000);
        bench.expect(&["t waiting for an offer", "t staging", "REVIVE", "ACCEPT o1 launches t", "SUPPRESS"]);
        let token = bench.accepts[0];
        bench.core.handle_call_outcome(bench.now, token, outcome);
        bench.expect(expected);
    }
}

#[test]
fn a_decline_that_may_be_lost_is_said_again() {
    let mut bench = Bench::subscribed();
    bench.offer("o1", "a", 1000);
    bench.expect(&["DECLINE o1", "SUPPRESS"]);
    let token = bench.declines[0];
    bench.core.handle_call_outcome(bench.now, token, CallOutcome::OutcomeUnknown { why: "reset".into() });
    bench.expect(&[]);
    bench.advance(1);
    bench.expect(&["DECLINE o1"]);
}

#[test]
fn a_decline_of_an_earlier_subscription_is_not_said_again() {
    for is_told_late in [true, false] {
        let mut bench = Bench::subscribed();
        bench.offer("o1", "a", 1000);
        bench.expect(&["DECLINE o1", "SUPPRESS"]);
        let token = bench.declines[0];
        let lost = CallOutcome::OutcomeUnknown { why: "reset".into() };
        if !is_told_late {
            bench.core.handle_call_outcome(bench.now, token, lost.clone());
        }
        bench.core.handle_disconnected(bench.now, "reset");
        bench.core.handle_subscribed(bench.now);
        bench.expect(&["SUPPRESS"]);
        if is_told_late {
            bench.core.handle_call_outcome(bench.now, token, lost);
        }
        bench.advance(2);
        bench.expect(&[]);
    }
}

#[test]
fn a_suppress_that_fails_is_said_again_after_a_pause_and_not_without_a_subscription() {
    for (outcome, again) in [
        (CallOutcome::OutcomeUnknown { why: "refused".into() }, &["SUPPRESS"][..]),
        (CallOutcome::QueueFull { waiting: 9 }, &["SUPPRESS"]),
        (CallOutcome::NotSubscribed, &[]),
    ] {
        let mut bench = Bench::new();
        bench.core.handle_subscribed(bench.now);
        let (token, _) = bench.core.poll_call().unwrap();
        bench.core.handle_call_outcome(bench.now, token.unwrap(), outcome);
        bench.expect(&[]);
        bench.advance(1);
        bench.expect(again);
    }
}

#[test]
fn an_unreachable_task_may_come_back() {
    let mut bench = Bench::running();
    bench.update_of_master("t", TaskState::TaskUnreachable, Reason::AgentRemoved, "health check timed out");
    bench.expect(&["t unreachable"]);
    bench.update_of_master("t", TaskState::TaskRunning, Reason::AgentReregistered, "");
    bench.expect(&["t reachable"]);
}

#[test]
fn updates_of_unknown_tasks_are_acknowledged_and_told() {
    let mut bench = Bench::subscribed();
    bench.update("ghost", TaskState::TaskRunning, None, "");
    bench.expect(&["ghost stranger: TASK_RUNNING", "ACKNOWLEDGE ghost"]);
}

#[test]
fn a_second_task_of_one_id_is_refused_and_the_first_lives_on() {
    let mut bench = Bench::running();
    bench.submit("t");
    bench.expect(&["t FAILED: a task of this id was submitted before"]);
    assert_eq!(bench.core.task_count(), 1);
}

#[test]
fn the_end_of_the_framework_answers_everything() {
    let mut bench = Bench::running();
    bench.submit("waiting");
    bench.expect(&["waiting waiting for an offer", "REVIVE"]);
    bench.core.handle_closed("torn down");
    bench.expect(&["t ended: TASK_UNKNOWN: torn down", "waiting FAILED: the framework is closed: torn down"]);
    bench.submit("late");
    bench.expect(&["late FAILED: the framework is closed: torn down"]);
    assert_eq!(bench.core.poll_timeout(), None);
}

#[test]
fn a_task_the_master_does_not_know_is_asked_for_until_it_is_back() {
    let mut bench = Bench::running();
    bench.core.handle_disconnected(bench.now, "stream ended");
    bench.core.handle_subscribed(bench.now);
    bench.expect(&["RECONCILE t", "SUPPRESS"]);
    let unknown = |bench: &mut Bench| {
        let message = "Reconciliation: Task is unknown";
        bench.update_of_master("t", TaskState::TaskUnknown, Reason::Reconciliation, message);
    };
    unknown(&mut bench);
    bench.expect(&["t unreachable"]);
    bench.advance(1);
    bench.expect(&["RECONCILE t"]);
    unknown(&mut bench);
    bench.expect(&[]);
    bench.update_of_master("t", TaskState::TaskRunning, Reason::AgentReregistered, "");
    bench.expect(&["t reachable"]);
    bench.advance(600);
    bench.expect(&[]);
}

#[test]
fn a_task_unknown_for_too_long_is_given_up_and_killed_if_it_turns_up() {
    let mut bench = Bench::running();
    bench.update_of_master("t", TaskState::TaskUnknown, Reason::Reconciliation, "");
    bench.expect(&["t unreachable"]);
    bench.now += Policy::default().unknown_grace;
    bench.core.handle_timeout(bench.now);
    bench.expect(&[
        "t ended: TASK_UNKNOWN: the master has not known it for too long",
        "RECONCILE t",
        "RECONCILE ",
    ]);
    bench.update_of_master("t", TaskState::TaskRunning, Reason::AgentReregistered, "");
    bench.expect(&["t stranger: TASK_RUNNING", "KILL t"]);
}

#[test]
fn a_killed_task_that_the_master_does_not_know_is_gone() {
    let mut bench = Bench::running();
    bench.core.kill(bench.now, "t");
    bench.expect(&["KILL t"]);
    bench.update_of_master("t", TaskState::TaskUnknown, Reason::Reconciliation, "");
    bench.expect(&["t ended: TASK_UNKNOWN (REASON_RECONCILIATION)"]);
}

#[test]
fn a_late_answer_to_an_accept_of_unknown_outcome_does_not_relaunch_its_tasks() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.expect(&["t waiting for an offer", "t staging", "REVIVE", "ACCEPT o1 launches t", "SUPPRESS"]);
    let first = bench.accepts[0];
    bench.core.handle_call_outcome(bench.now, first, CallOutcome::OutcomeUnknown { why: "reset".into() });
    bench.expect(&["DECLINE o1", "RECONCILE t"]);
    bench.update_of_master("t", TaskState::TaskGone, Reason::Reconciliation, "");
    bench.expect(&["t waiting for an offer", "REVIVE"]);
    bench.offer("o2", "a", 1000);
    bench.expect(&["t staging", "ACCEPT o2 launches t.r2", "SUPPRESS"]);
    bench.update_of_master("t", TaskState::TaskDropped, Reason::InvalidOffers, "of the first ACCEPT");
    bench.expect(&["t stranger: TASK_DROPPED"]);
}

#[test]
fn the_outcome_of_an_earlier_accept_does_not_touch_a_later_launch() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.update_of_master("t", TaskState::TaskDropped, Reason::InvalidOffers, "");
    bench.offer("o2", "a", 1000);
    bench.expect(&[
        "t waiting for an offer",
        "t staging",
        "t waiting for an offer",
        "t staging",
        "REVIVE",
        "ACCEPT o1 launches t",
        "SUPPRESS",
        "REVIVE",
        "ACCEPT o2 launches t",
        "SUPPRESS",
    ]);
    let first = bench.accepts[0];
    bench.core.handle_call_outcome(bench.now, first, CallOutcome::NotSubscribed);
    bench.expect(&[]);
}

#[test]
fn what_the_master_does_not_name_when_asked_for_everything_is_asked_for_by_name() {
    let mut bench = Bench::running();
    bench.submit("u");
    bench.offer("o2", "a", 1000);
    bench.update("u", TaskState::TaskRunning, None, "");
    while bench.core.poll_change().is_some() || bench.core.poll_call().is_some() {}
    bench.advance(15 * 60);
    bench.expect(&["RECONCILE "]);
    bench.update_of_master("u", TaskState::TaskRunning, Reason::Reconciliation, "");
    bench.advance(10);
    bench.expect(&["RECONCILE t"]);
    bench.update_of_master("t", TaskState::TaskGone, Reason::Reconciliation, "");
    bench.expect(&["t ended: TASK_GONE (REASON_RECONCILIATION)"]);
}

#[test]
fn times_that_no_clock_holds_and_pauses_of_nothing_do_no_harm() {
    let policy = Policy {
        hold: Duration::MAX,
        kill_repeat: Duration::ZERO,
        reconcile_all: Duration::ZERO,
        ..Policy::default()
    };
    let mut bench = Bench::with_policy(policy);
    bench.core.handle_subscribed(bench.now);
    let mut spec = TaskSpec::new("t", 500, i64::MAX, v1::TaskInfo::default());
    spec.launch_timeout = Duration::MAX;
    bench.core.submit(bench.now, spec);
    bench.offer("o1", "a", 1000);
    bench.expect(&["t waiting for an offer", "SUPPRESS", "REVIVE", "DECLINE o1"]);
    bench.advance(3600);
}

#[test]
fn a_repeated_update_is_acknowledged_again_and_changes_nothing() {
    let mut bench = Bench::subscribed();
    bench.submit("t");
    bench.offer("o1", "a", 1000);
    bench.expect(&["t waiting for an offer", "t staging", "REVIVE", "ACCEPT o1 launches t", "SUPPRESS"]);
    let restarted = Some(Reason::AgentRestarted);
    bench.update("t", TaskState::TaskDropped, restarted, "");
    bench.expect(&["t waiting for an offer", "ACKNOWLEDGE t", "REVIVE"]);
    bench.repeat_update("t", TaskState::TaskDropped, restarted, "");
    bench.expect(&["t stranger: TASK_DROPPED", "ACKNOWLEDGE t"]);
    bench.offer("o2", "a", 1000);
    bench.expect(&["t staging", "ACCEPT o2 launches t.r2", "SUPPRESS"]);
    bench.repeat_update("t", TaskState::TaskDropped, restarted, "");
    bench.expect(&["t stranger: TASK_DROPPED", "ACKNOWLEDGE t"]);
    bench.update("t.r2", TaskState::TaskRunning, None, "");
    bench.expect(&["t running", "t RUNNING on a:31001", "ACKNOWLEDGE t.r2"]);
    bench.repeat_update("t.r2", TaskState::TaskRunning, None, "");
    bench.expect(&["ACKNOWLEDGE t.r2"]);
}
