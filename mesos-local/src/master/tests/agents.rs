//! Loss and return of agents.

use crate::master::AgentLoss;

use super::*;

/// A task runs on S0, and the rest of S0 is held as offer O2; O1 is of S1.
fn held(info: &v1::FrameworkInfo) -> (Script, Scheduler) {
    let mut script = Script::new();
    script.agent();
    script.agent();
    let scheduler = script.subscribe(info);
    let tasks = vec![task(&script, "victim", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 0.0);
    script.report(&scheduler, "S0", "victim", TaskState::TaskRunning);
    script.wait(SECOND);
    script.drain();
    script.acknowledge(&scheduler);
    script.check(&[]);
    (script, scheduler)
}

fn lose(script: &mut Script, loss: AgentLoss) {
    let agent = v1::AgentId::new(script.long("S0"));
    script.master.handle_agent_lost(script.now, &agent, loss);
}

#[test]
fn an_unreachable_agent_takes_its_tasks_along_and_brings_them_back() {
    let (mut script, scheduler) = held(&aware("web"));
    lose(&mut script, AgentLoss::Unreachable);
    script.check(&[
        "1 RESCIND O2",
        "1 UPDATE victim TASK_UNREACHABLE AGENT_REMOVED 'health check timed out'",
        "1 FAILURE S0",
    ]);
    lose(&mut script, AgentLoss::Unreachable);
    script.reconcile(&scheduler, &[("victim", Some("S0")), ("victim", None), ("ghost", Some("S0"))]);
    script.check(&[
        "1 UPDATE victim TASK_UNREACHABLE RECONCILIATION 'Reconciliation: Task is unreachable'",
        "1 UPDATE victim TASK_UNKNOWN RECONCILIATION 'Reconciliation: Task is unknown'",
        "1 UPDATE ghost TASK_UNREACHABLE RECONCILIATION 'Reconciliation: Task is unreachable'",
    ]);
    assert_eq!(script.master.get_tasks().unreachable_tasks.len(), 1);
    // Its id is taken as long as it may come back.
    let tasks = vec![task(&script, "victim", "S1", 1000)];
    script.accept(&scheduler, &["O1"], tasks, 3600.0);
    script.check(&[
        "1 UPDATE victim TASK_ERROR TASK_INVALID 'Task reuses the ID of an unreachable task: victim'",
    ]);
    let agent = v1::AgentId::new(script.long("S0"));
    script.master.handle_agent_returned(script.now, &agent);
    script.check(&[
        "1 UPDATE victim TASK_RUNNING AGENT_REREGISTERED 'Unreachable agent re-reregistered'",
        "1 OFFERS O3@S0/web:3000",
    ]);
    script.kill(&scheduler, "victim", None);
    script.check(&["S0 kill victim"]);
}

#[test]
fn what_an_agent_learnt_while_it_was_away_is_told_when_it_is_back() {
    let (mut script, scheduler) = held(&aware("web"));
    lose(&mut script, AgentLoss::Unreachable);
    script.drain();
    script.report(&scheduler, "S0", "victim", TaskState::TaskFinished);
    script.check(&[]);
    let agent = v1::AgentId::new(script.long("S0"));
    script.master.handle_agent_returned(script.now, &agent);
    script.check(&["1 UPDATE victim TASK_FINISHED uuid", "1 OFFERS O3@S0/web:4000"]);
}

#[test]
fn a_framework_without_partition_awareness_loses_tasks() {
    let (mut script, scheduler) = held(&framework(&[]));
    lose(&mut script, AgentLoss::Unreachable);
    script.check(&[
        "1 RESCIND O2",
        "1 UPDATE victim TASK_LOST AGENT_REMOVED 'health check timed out'",
        "1 FAILURE S0",
    ]);
    script.reconcile(&scheduler, &[("victim", Some("S0"))]);
    script.check(&["1 UPDATE victim TASK_LOST RECONCILIATION 'Reconciliation: Task is unreachable'"]);
}

#[test]
fn an_agent_that_takes_its_leave_is_told_in_another_order() {
    for info in [aware("web"), framework(&[])] {
        let (mut script, scheduler) = held(&info);
        lose(&mut script, AgentLoss::Unregistered);
        script.check(&[
            "1 UPDATE victim TASK_LOST AGENT_REMOVED 'Agent agent.example removed: the agent unregistered'",
            "1 RESCIND O2",
            "1 FAILURE S0",
            "S0 shut down",
        ]);
        script.reconcile(&scheduler, &[("victim", Some("S0"))]);
        let state = if info.capabilities.is_empty() { "TASK_LOST" } else { "TASK_UNKNOWN" };
        script.check(&[&format!("1 UPDATE victim {state} RECONCILIATION 'Reconciliation: Task is unknown'")]);
    }
}

#[test]
fn an_agent_marked_gone_is_gone() {
    for (info, state, reason) in [
        (aware("web"), "TASK_GONE_BY_OPERATOR", "AGENT_REMOVED_BY_OPERATOR"),
        (framework(&[]), "TASK_LOST", "AGENT_REMOVED"),
    ] {
        let (mut script, scheduler) = held(&info);
        lose(&mut script, AgentLoss::Gone);
        script.check(&[
            &format!("1 UPDATE victim {state} {reason} 'Agent has been marked gone'"),
            "1 RESCIND O2",
            "1 FAILURE S0",
            "S0 shut down",
        ]);
        script.reconcile(&scheduler, &[("ghost", Some("S0"))]);
        script.check(&[&format!("1 UPDATE ghost {state} RECONCILIATION 'Reconciliation: Task is gone'")]);
    }
}

#[test]
fn agents_with_resources_of_another_kind_are_refused() {
    let mut script = Script::new();
    let revocable = v1::Resource {
        revocable: Some(v1::resource::RevocableInfo::default()),
        ..v1::Resource::scalar_milli("cpus", 1000)
    };
    let info = v1::AgentInfo { resources: vec![revocable], ..Default::default() };
    let refused = script.master.handle_agent_registered(script.now, AgentRegistration { info });
    let text = "agents have no revocable, shared or provided resources, as in cpus{REV}:1";
    assert_eq!(refused.unwrap_err(), text);
}
