//! The maintenance schedule, inverse offers, machines that go down.

use mesos_proto::v1::{
    MachineId,
    maintenance::{Schedule, Window},
    master,
};

use super::*;

/// A schedule with a window for each of the machines, an hour after the start of the master, two hours long.
fn schedule(machines: &[&str]) -> master::Call {
    let windows = machines.iter().map(|hostname| Window {
        machine_ids: vec![machine(hostname)],
        unavailability: v1::Unavailability {
            start: v1::TimeInfo { nanoseconds: 3_600_000_000_000 },
            duration: Some(v1::DurationInfo { nanoseconds: 7_200_000_000_000 }),
        },
    });
    let schedule = Schedule { windows: windows.collect() };
    let update = master::call::UpdateMaintenanceSchedule { schedule };
    master::Call { update_maintenance_schedule: Some(update), ..Default::default() }
}

fn machine(hostname: &str) -> MachineId {
    MachineId { hostname: Some(hostname.into()), ip: Some("127.0.0.1".into()) }
}

fn answer(script: &mut Script, scheduler: &Scheduler, kind: call::Type, offer: &str, refuse: f64) {
    let inverse_offer_ids = script.offer_ids(&[offer]);
    let filters = Some(v1::Filters { refuse_seconds: Some(refuse) });
    let call = match kind {
        call::Type::AcceptInverseOffers => Call {
            accept_inverse_offers: Some(call::AcceptInverseOffers { inverse_offer_ids, filters }),
            ..Default::default()
        },
        _ => Call {
            decline_inverse_offers: Some(call::DeclineInverseOffers { inverse_offer_ids, filters }),
            ..Default::default()
        },
    };
    assert_eq!(script.call(scheduler, kind, call), "202");
}

/// Two agents, a scheduler with a task on the first and an offer of each.
fn used() -> (Script, Scheduler) {
    let mut script = Script::new();
    script.agent_of("agent1.example", "cpus:4;mem:64");
    script.agent_of("agent2.example", "cpus:4;mem:64");
    let scheduler = script.subscribe(&aware("web"));
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 0.0);
    script.wait(SECOND);
    script.drain();
    (script, scheduler)
}

const UPDATE: master::call::Type = master::call::Type::UpdateMaintenanceSchedule;

#[test]
fn a_schedule_ends_all_offers_and_asks_those_who_use_what_goes() {
    let (mut script, scheduler) = used();
    assert_eq!(script.operate(UPDATE, schedule(&["AGENT1.example"])), "200");
    script.check(&[
        "1 RESCIND O1",
        "1 RESCIND O2",
        "1 OFFERS O3@S0/web:3000 O4@S1/web:4000",
        "1 INVERSE_OFFERS O5@S0 at 3600",
    ]);
    script.wait(10 * SECOND);
    script.check(&[]);
    answer(&mut script, &scheduler, call::Type::AcceptInverseOffers, "O5", 0.0);
    script.wait(SECOND);
    script.check(&["1 INVERSE_OFFERS O6@S0 at 3600"]);
    let status = script.master.get_maintenance_status().status;
    assert_eq!(status.draining_machines[0].statuses.len(), 1);
    answer(&mut script, &scheduler, call::Type::DeclineInverseOffers, "O6", 30.0);
    script.wait(29 * SECOND);
    let lines = script.drain();
    assert!(lines.iter().all(|line| line == "1 HEARTBEAT"), "{lines:?}");
    script.wait(2 * SECOND);
    assert_eq!(script.drain().last().unwrap(), "1 INVERSE_OFFERS O7@S0 at 3600");
    assert_eq!(script.operate(UPDATE, schedule(&[])), "200");
    script.check(&[
        "1 RESCIND O3",
        "1 RESCIND O4",
        "1 RESCIND_INVERSE_OFFER O7",
        "1 OFFERS O8@S0/web:3000 O9@S1/web:4000",
    ]);
}

#[test]
fn offers_tell_when_their_agent_goes_and_revive_asks_again() {
    let (mut script, scheduler) = used();
    script.operate(UPDATE, schedule(&["agent1.example"]));
    let mut seen = Vec::new();
    while let Some(output) = script.master.poll_stream() {
        for offer in output.event.iter().flat_map(|event| &event.offers).flat_map(|all| &all.offers) {
            seen.push((offer.hostname.clone(), offer.unavailability.map(|one| one.start.nanoseconds)));
        }
    }
    assert_eq!(seen, [("agent1.example".into(), Some(3_600_000_000_000)), ("agent2.example".into(), None)]);
    answer(&mut script, &scheduler, call::Type::DeclineInverseOffers, "O5", 3600.0);
    script.wait(SECOND);
    script.check(&[]);
    script.revive(&scheduler, &[]);
    script.check(&["1 INVERSE_OFFERS O6@S0 at 3600"]);
}

#[test]
fn machines_go_down_with_their_agents_and_leave_the_schedule_when_they_are_back() {
    let (mut script, _) = used();
    let start = |names: &[&str]| {
        let machines = names.iter().map(|name| machine(name)).collect();
        master::Call {
            start_maintenance: Some(master::call::StartMaintenance { machines }),
            ..Default::default()
        }
    };
    let down = master::call::Type::StartMaintenance;
    let refused = script.operate(down, start(&["agent1.example"]));
    assert_eq!(refused, "400 Machine agent1.example (127.0.0.1) is not in the maintenance schedule");
    script.operate(UPDATE, schedule(&["agent1.example"]));
    script.drain();
    assert_eq!(script.operate(down, start(&["agent1.example"])), "200");
    script.check(&[
        "1 UPDATE t1 TASK_LOST AGENT_REMOVED 'Agent agent1.example removed: Operator initiated 'Machine DOWN''",
        "1 RESCIND O3",
        "1 RESCIND_INVERSE_OFFER O5",
        "1 FAILURE S0",
        "S0 shut down",
    ]);
    assert_eq!(
        script.operate(UPDATE, schedule(&[])),
        "400 Machine agent1.example (127.0.0.1) is down and must stay in the schedule"
    );
    assert_eq!(script.master.get_maintenance_status().status.down_machines, [machine("agent1.example")]);
    let stop = master::call::StopMaintenance { machines: vec![machine("agent1.example")] };
    let stop = master::Call { stop_maintenance: Some(stop), ..Default::default() };
    assert_eq!(script.operate(master::call::Type::StopMaintenance, stop), "200");
    assert_eq!(script.master.get_maintenance_schedule().schedule, Schedule::default());
}

#[test]
fn schedules_that_make_no_sense_are_refused() {
    let mut script = Script::new();
    assert_eq!(
        script.operate(UPDATE, schedule(&["a", "A"])),
        "400 Machine a (127.0.0.1) is in the schedule twice"
    );
    let mut bad = schedule(&["a"]);
    bad.update_maintenance_schedule.as_mut().unwrap().schedule.windows[0].machine_ids[0].ip =
        Some("a".into());
    assert_eq!(script.operate(UPDATE, bad), "400 'a' is no ip of a machine");
}
