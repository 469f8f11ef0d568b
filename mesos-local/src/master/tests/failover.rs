//! A master takes over from one that is gone.

use crate::master::AgentLoss;

use super::*;

/// Two agents; S0 runs a task of which STARTING is in flight and RUNNING waits, S1 is idle.
fn running(info: &v1::FrameworkInfo) -> (Script, Scheduler) {
    let mut script = Script::new();
    script.agent();
    script.agent();
    let scheduler = script.subscribe(info);
    let tasks = vec![task(&script, "t", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 0.0);
    script.report(&scheduler, "S0", "t", TaskState::TaskStarting);
    script.report(&scheduler, "S0", "t", TaskState::TaskRunning);
    script.drain();
    (script, scheduler)
}

impl Script {
    /// The master dies, another one takes its place; nobody is there yet.
    fn fail_over(&mut self) {
        self.old = Some(self.master.ids.master().to_owned());
        let predecessor = std::mem::replace(&mut self.master, Master::new(MasterConfig::new(1)));
        self.master = Master::after(MasterConfig::new(2), predecessor);
        self.now = Duration::ZERO;
        self.check(&[]);
    }

    fn reregister(&mut self, agent: &str) {
        let agent = v1::AgentId::new(self.long(agent));
        self.master.handle_agent_reregistered(self.now, &agent);
    }

    fn resubscribe(&mut self, scheduler: &Scheduler, info: &v1::FrameworkInfo) -> Scheduler {
        self.subscribe(&v1::FrameworkInfo { id: Some(scheduler.id.clone()), ..info.clone() })
    }
}

#[test]
fn agents_bring_their_tasks_and_frameworks() {
    let (mut script, scheduler) = running(&aware("web"));
    script.fail_over();
    assert_eq!(script.call(&scheduler, call::Type::Revive, Call::default()), "400 Framework cannot be found");
    script.reregister("old-S0");
    script.check(&[]);
    assert_eq!(
        script.call(&scheduler, call::Type::Revive, Call::default()),
        "403 Framework is not subscribed"
    );
    let frameworks = script.master.get_frameworks().frameworks;
    assert_eq!((frameworks[0].recovered, frameworks[0].connected), (true, false));
    let agents = script.master.get_agents();
    assert_eq!((agents.agents.len(), agents.recovered_agents.len()), (1, 1));
    // Without a timer: a recovered framework stays, whatever its failover_timeout of 0 says.
    script.wait(1000 * SECOND);
    script.check(&[]);
    let scheduler = script.resubscribe(&scheduler, &aware("web"));
    script.check(&[
        "2 SUBSCRIBED old-0000",
        "2 HEARTBEAT",
        "2 UPDATE t TASK_STARTING uuid",
        "2 OFFERS O0@old-S0/web:3000",
    ]);
    script.acknowledge(&scheduler);
    script.check(&["2 UPDATE t TASK_RUNNING uuid"]);
    assert!(!script.master.get_frameworks().frameworks[0].recovered);
    script.reregister("old-S1");
    script.check(&["2 OFFERS O1@old-S1/web:4000"]);
    script.kill(&scheduler, "t", None);
    script.check(&["old-S0 kill t"]);
}

#[test]
fn what_happens_before_an_agent_is_back_is_not_lost() {
    let (mut script, scheduler) = running(&aware("web"));
    script.fail_over();
    let scheduler = script.resubscribe(&scheduler, &aware("web"));
    script.check(&["2 SUBSCRIBED old-0000", "2 HEARTBEAT"]);
    script.report(&scheduler, "old-S0", "t", TaskState::TaskFinished);
    // As long as one agent is expected, nobody can tell where a task is.
    script.reconcile(&scheduler, &[("t", Some("old-S0")), ("t", None), ("t", Some("nowhere"))]);
    script.kill(&scheduler, "t", None);
    script.check(&["2 UPDATE t TASK_UNKNOWN RECONCILIATION 'Reconciliation: Task is unknown'"]);
    script.reregister("old-S0");
    script.check(&["2 UPDATE t TASK_STARTING uuid", "2 OFFERS O0@old-S0/web:4000"]);
    script.acknowledge(&scheduler);
    script.check(&["2 UPDATE t TASK_RUNNING uuid"]);
    script.acknowledge(&scheduler);
    script.check(&["2 UPDATE t TASK_FINISHED uuid"]);
    script.acknowledge(&scheduler);
    script.reregister("old-S1");
    script.check(&["2 OFFERS O1@old-S1/web:4000"]);
    script.reconcile(&scheduler, &[("t", None)]);
    script.check(&["2 UPDATE t TASK_UNKNOWN RECONCILIATION 'Reconciliation: Task is unknown'"]);
}

#[test]
fn a_removed_framework_is_taken_for_a_new_one() {
    let (mut script, scheduler) = running(&aware("web"));
    script.master.handle_stream_closed(script.now, scheduler.stream);
    script.check(&["S0 shut down 0000"]);
    script.fail_over();
    script.reregister("old-S0");
    script.reregister("old-S1");
    script.resubscribe(&scheduler, &aware("web"));
    script.check(&["2 SUBSCRIBED old-0000", "2 HEARTBEAT", "2 OFFERS O0@old-S0/web:4000 O1@old-S1/web:4000"]);
}

#[test]
fn a_framework_that_was_removed_here_is_shut_down_on_agents_that_come_later() {
    let (mut script, scheduler) = running(&aware("web"));
    script.fail_over();
    let again = script.resubscribe(&scheduler, &aware("web"));
    script.master.handle_stream_closed(script.now, again.stream);
    script.check(&["2 SUBSCRIBED old-0000", "2 HEARTBEAT"]);
    script.reregister("old-S0");
    script.check(&["old-S0 shut down old-0000"]);
}

#[test]
fn an_unreachable_agent_stays_unreachable_until_it_comes() {
    let (mut script, scheduler) = running(&aware("web"));
    let agent = v1::AgentId::new(script.long("S0"));
    script.master.handle_agent_lost(script.now, &agent, AgentLoss::Unreachable);
    script.drain();
    script.fail_over();
    assert_eq!(script.master.get_agents().recovered_agents.len(), 1);
    script.reregister("old-S1");
    let scheduler = script.resubscribe(&scheduler, &aware("web"));
    script.reconcile(&scheduler, &[("t", Some("old-S0"))]);
    script.check(&[
        "2 SUBSCRIBED old-0000",
        "2 HEARTBEAT",
        "2 OFFERS O0@old-S1/web:4000",
        "2 UPDATE t TASK_UNREACHABLE RECONCILIATION 'Reconciliation: Task is unreachable'",
    ]);
    script.master.handle_agent_returned(script.now, &agent);
    script.check(&[
        "2 UPDATE t TASK_RUNNING AGENT_REREGISTERED 'Unreachable agent re-reregistered'",
        "2 UPDATE t TASK_STARTING uuid",
        "2 OFFERS O1@old-S0/web:3000",
    ]);
}

#[test]
fn an_agent_that_is_gone_stays_gone() {
    for loss in [AgentLoss::Gone, AgentLoss::Unregistered] {
        let (mut script, scheduler) = running(&aware("web"));
        script.fail_over();
        let agent = v1::AgentId::new(script.long("old-S0"));
        script.master.handle_agent_lost(script.now, &agent, AgentLoss::Unreachable);
        script.check(&[]);
        script.master.handle_agent_lost(script.now, &agent, loss);
        script.check(&["old-S0 shut down"]);
        script.reregister("old-S0");
        script.reregister("old-S1");
        let scheduler = script.resubscribe(&scheduler, &aware("web"));
        script.reconcile(&scheduler, &[("t", Some("old-S0"))]);
        let answer = match loss {
            AgentLoss::Gone => "TASK_GONE_BY_OPERATOR RECONCILIATION 'Reconciliation: Task is gone'",
            _ => "TASK_UNKNOWN RECONCILIATION 'Reconciliation: Task is unknown'",
        };
        script.check(&[
            "2 SUBSCRIBED old-0000",
            "2 HEARTBEAT",
            "2 OFFERS O0@old-S1/web:4000",
            &format!("2 UPDATE t {answer}"),
        ]);
    }
}

#[test]
fn a_second_failover_loses_nothing_more() {
    let (mut script, scheduler) = running(&aware("web"));
    script.fail_over();
    // The ids are those of the first master.
    let first = script.old.clone();
    script.fail_over();
    script.old = first;
    script.reregister("old-S0");
    script.resubscribe(&scheduler, &aware("web"));
    script.check(&[
        "2 SUBSCRIBED old-0000",
        "2 HEARTBEAT",
        "2 UPDATE t TASK_STARTING uuid",
        "2 OFFERS O0@old-S0/web:3000",
    ]);
}
