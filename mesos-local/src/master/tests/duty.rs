//! Agents whose connection breaks, and agents that operators take out of use.

use mesos_proto::v1::master::{self, call::Type};

use super::*;

/// An agent with a task and an offer of what is left.
fn used(info: &v1::FrameworkInfo) -> (Script, Scheduler, v1::AgentId) {
    let mut script = Script::new();
    let agent = script.agent();
    let scheduler = script.subscribe(info);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 0.0);
    script.report(&scheduler, "S0", "t1", TaskState::TaskRunning);
    script.drain();
    script.acknowledge(&scheduler);
    script.wait(SECOND);
    script.drain();
    (script, scheduler, agent)
}

fn checkpointed(role: &str) -> v1::FrameworkInfo {
    v1::FrameworkInfo { checkpoint: Some(true), ..aware(role) }
}

#[test]
fn an_agent_whose_connection_breaks_has_the_time_of_its_pings() {
    let (mut script, scheduler, agent) = used(&checkpointed("web"));
    script.master.handle_agent_disconnected(script.now, &agent);
    script.check(&["1 RESCIND O1"]);
    // A task of which nothing is known is gone for sure; one that is known is what it was.
    script.reconcile(&scheduler, &[("t1", Some("S0")), ("ghost", Some("S0"))]);
    script.check(&[
        "1 UPDATE t1 TASK_RUNNING RECONCILIATION 'Reconciliation: Latest task state'",
        "1 UPDATE ghost TASK_GONE RECONCILIATION 'Reconciliation: Task is unknown to the agent'",
    ]);
    script.wait(74 * SECOND);
    let lines = script.drain();
    assert!(lines.iter().all(|line| line == "1 HEARTBEAT"), "{lines:?}");
    script.wait(SECOND);
    let lines = script.drain();
    let lost = ["1 UPDATE t1 TASK_UNREACHABLE AGENT_REMOVED 'health check timed out'", "1 FAILURE S0"];
    assert!(lines.ends_with(&lost.map(String::from)), "{lines:?}");
    script.master.handle_agent_returned(script.now, &agent);
    script.check(&[
        "1 UPDATE t1 TASK_RUNNING AGENT_REREGISTERED 'Unreachable agent re-reregistered'",
        "1 OFFERS O2@S0/web:3000",
    ]);
}

#[test]
fn an_agent_that_is_back_in_time_goes_on_as_if_nothing_had_been() {
    let (mut script, scheduler, agent) = used(&checkpointed("web"));
    script.master.handle_agent_disconnected(script.now, &agent);
    script.check(&["1 RESCIND O1"]);
    script.kill(&scheduler, "t1", None);
    script.report(&scheduler, "S0", "t1", TaskState::TaskFinished);
    script.wait(2 * SECOND);
    script.check(&[]);
    script.master.handle_agent_returned(script.now, &agent);
    script.check(&["1 UPDATE t1 TASK_FINISHED uuid", "1 OFFERS O2@S0/web:4000", "S0 kill t1"]);
    script.wait(200 * SECOND);
    assert!(!script.drain().iter().any(|line| line.contains("UNREACHABLE")));
}

#[test]
fn tasks_without_checkpoint_are_lost_with_the_connection() {
    let (mut script, _, agent) = used(&aware("web"));
    script.master.handle_agent_disconnected(script.now, &agent);
    script.check(&[
        "1 RESCIND O1",
        "1 UPDATE t1 TASK_LOST AGENT_DISCONNECTED 'Agent agent.example disconnected'",
        "S0 shut down 0000",
    ]);
    script.master.handle_agent_returned(script.now, &agent);
    script.check(&["1 OFFERS O2@S0/web:4000"]);
}

fn agent_id(script: &Script) -> v1::AgentId {
    v1::AgentId::new(script.long("S0"))
}

fn drain(script: &Script, mark_gone: bool) -> master::Call {
    let drain = master::call::DrainAgent {
        agent_id: agent_id(script),
        max_grace_period: None,
        mark_gone: Some(mark_gone),
    };
    master::Call { drain_agent: Some(drain), ..Default::default() }
}

fn reactivate(script: &Script) -> master::Call {
    let reactivate = master::call::ReactivateAgent { agent_id: agent_id(script) };
    master::Call { reactivate_agent: Some(reactivate), ..Default::default() }
}

#[test]
fn a_drained_agent_ends_its_tasks_and_is_offered_when_it_is_reactivated() {
    let (mut script, scheduler, _) = used(&aware("web"));
    let call = drain(&script, false);
    assert_eq!(script.operate(Type::DrainAgent, call), "200");
    script.check(&["1 RESCIND O1", "S0 kill t1"]);
    let call = reactivate(&script);
    assert_eq!(script.operate(Type::ReactivateAgent, call), "400 Agent S0 is still being drained");
    script.report(&scheduler, "S0", "t1", TaskState::TaskKilling);
    script.report(&scheduler, "S0", "t1", TaskState::TaskKilled);
    script.check(&["1 UPDATE t1 TASK_KILLING AGENT_DRAINING uuid"]);
    script.acknowledge(&scheduler);
    script.check(&["1 UPDATE t1 TASK_KILLED AGENT_DRAINING uuid"]);
    let state = |script: &Script| script.master.get_agents().agents[0].drain_info.unwrap().state();
    assert_eq!(state(&script), v1::DrainState::Draining);
    script.acknowledge(&scheduler);
    assert_eq!(state(&script), v1::DrainState::Drained);
    script.wait(SECOND);
    script.check(&[]);
    let call = reactivate(&script);
    assert_eq!(script.operate(Type::ReactivateAgent, call), "200");
    script.check(&["1 OFFERS O2@S0/web:4000"]);
}

#[test]
fn an_agent_that_is_drained_for_good_is_gone_when_its_tasks_are() {
    let (mut script, scheduler, _) = used(&aware("web"));
    let call = drain(&script, true);
    assert_eq!(script.operate(Type::DrainAgent, call), "200");
    script.check(&["1 RESCIND O1", "S0 kill t1"]);
    script.report(&scheduler, "S0", "t1", TaskState::TaskKilled);
    script.check(&["1 UPDATE t1 TASK_GONE_BY_OPERATOR AGENT_DRAINING uuid"]);
    script.acknowledge(&scheduler);
    script.check(&["1 FAILURE S0", "S0 shut down"]);
}

#[test]
fn the_grace_of_a_drain_shortens_that_of_tasks() {
    for (own, longest, expected) in [
        (None, None, None),
        (Some(5), None, None),
        (None, Some(3), Some(3)),
        (Some(5), Some(3), Some(3)),
        (Some(2), Some(3), None),
    ] {
        let mut script = Script::new();
        script.agent();
        let scheduler = script.subscribe(&aware("web"));
        let seconds = |seconds: i64| v1::DurationInfo { nanoseconds: seconds * 1_000_000_000 };
        let mut task = task(&script, "t1", "S0", 1000);
        task.kill_policy = own.map(|own| v1::KillPolicy { grace_period: Some(seconds(own)) });
        script.accept(&scheduler, &["O0"], vec![task], 0.0);
        script.drain();
        let mut call = drain(&script, false);
        let longest = longest.map(|seconds| mesos_proto::google::Duration { seconds, nanos: 0 });
        call.drain_agent.as_mut().unwrap().max_grace_period = longest;
        script.operate(Type::DrainAgent, call);
        let AgentAction::Kill { kill_policy, .. } = script.master.poll_command().unwrap().action else {
            panic!("the task is killed");
        };
        assert_eq!(kill_policy.and_then(|policy| policy.grace_period), expected.map(seconds));
    }
}

#[test]
fn a_deactivated_agent_keeps_its_tasks_and_is_not_offered() {
    let (mut script, scheduler, agent) = used(&checkpointed("web"));
    let deactivate = master::call::DeactivateAgent { agent_id: agent_id(&script) };
    let call = master::Call { deactivate_agent: Some(deactivate), ..Default::default() };
    assert_eq!(script.operate(Type::DeactivateAgent, call), "200");
    script.check(&["1 RESCIND O1"]);
    script.revive(&scheduler, &[]);
    script.master.handle_agent_disconnected(script.now, &agent);
    script.master.handle_agent_returned(script.now, &agent);
    script.check(&[]);
    let call = reactivate(&script);
    assert_eq!(script.operate(Type::ReactivateAgent, call), "200");
    script.check(&["1 OFFERS O2@S0/web:3000"]);
}

#[test]
fn operators_are_told_when_there_is_no_such_agent() {
    let mut script = Script::new();
    for (kind, status) in [
        (Type::MarkAgentGone, 404),
        (Type::DrainAgent, 400),
        (Type::DeactivateAgent, 400),
        (Type::ReactivateAgent, 400),
    ] {
        let agent_id = v1::AgentId::new("nowhere");
        let call = master::Call {
            mark_agent_gone: Some(master::call::MarkAgentGone { agent_id: agent_id.clone() }),
            drain_agent: Some(master::call::DrainAgent { agent_id: agent_id.clone(), ..Default::default() }),
            deactivate_agent: Some(master::call::DeactivateAgent { agent_id: agent_id.clone() }),
            reactivate_agent: Some(master::call::ReactivateAgent { agent_id }),
            ..Default::default()
        };
        assert_eq!(script.operate(kind, call), format!("{status} There is no agent nowhere"));
    }
}

#[test]
fn agents_that_do_not_register_with_a_new_master_are_given_up() {
    let (script, scheduler, _) = used(&checkpointed("web"));
    let master = Master::after(MasterConfig::new(2), script.master);
    let old = Some(scheduler.id.value.rsplit_once('-').unwrap().0.to_owned());
    let mut script = Script { master, now: Duration::ZERO, old, received: Vec::new() };
    let info = v1::FrameworkInfo { id: Some(scheduler.id.clone()), ..checkpointed("web") };
    let scheduler = script.subscribe(&info);
    script.drain();
    script.reconcile(&scheduler, &[("t1", Some("old-S0"))]);
    script.check(&[]);
    script.wait(600 * SECOND);
    assert_eq!(script.drain().last().unwrap(), "2 FAILURE old-S0");
    script.reconcile(&scheduler, &[("t1", Some("old-S0"))]);
    script.check(&["2 UPDATE t1 TASK_UNREACHABLE RECONCILIATION 'Reconciliation: Task is unreachable'"]);
}
