//! ACCEPT with LAUNCH, updates, acknowledgements, KILL, RECONCILE.

use super::*;

#[test]
fn a_task_goes_from_launch_to_its_acknowledged_end() {
    let (mut script, scheduler) = Script::with_agents(1);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 0.0);
    script.check(&["S0 launch t1"]);
    script.wait(SECOND);
    script.check(&["1 OFFERS O1@S0/web:3000"]);
    script.report(&scheduler, "S0", "t1", TaskState::TaskStarting);
    script.report(&scheduler, "S0", "t1", TaskState::TaskRunning);
    script.report(&scheduler, "S0", "t1", TaskState::TaskFinished);
    // One update is in flight; its resources are free already.
    script.check(&["1 UPDATE t1 TASK_STARTING uuid"]);
    script.wait(SECOND);
    script.check(&["1 OFFERS O2@S0/web:1000"]);
    script.acknowledge(&scheduler);
    script.check(&["1 UPDATE t1 TASK_RUNNING uuid"]);
    // Again, and it does no harm.
    script.received.insert(0, script.received[0].clone());
    script.received.swap(0, 1);
    script.acknowledge(&scheduler);
    script.check(&["1 UPDATE t1 TASK_FINISHED uuid"]);
    script.acknowledge(&scheduler);
    script.reconcile(&scheduler, &[]);
    script.check(&[]);
    let tasks = script.master.get_tasks();
    assert!(tasks.tasks.is_empty());
    assert_eq!(tasks.completed_tasks[0].statuses.len(), 3);
}

#[test]
fn updates_are_repeated_until_acknowledged() {
    let (mut script, scheduler) = Script::with_agents(1);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 3600.0);
    script.report(&scheduler, "S0", "t1", TaskState::TaskRunning);
    script.check(&["1 UPDATE t1 TASK_RUNNING uuid", "S0 launch t1"]);
    let mut at = Vec::new();
    let start = script.now;
    for _ in 0..1500 {
        script.wait(SECOND);
        if script.drain().iter().any(|line| line.contains("UPDATE")) {
            at.push((script.now - start).as_secs());
        }
    }
    assert_eq!(at, [10, 30, 70, 150, 310, 630, 1230]);
    let uuids: Vec<_> = script.received.iter().map(|status| status.uuid.clone()).collect();
    assert!(uuids.iter().all(|uuid| *uuid == uuids[0]));
    script.acknowledge(&scheduler);
    script.wait(1200 * SECOND);
    assert!(script.drain().iter().all(|line| line.contains("HEARTBEAT")));
}

#[test]
fn what_was_not_acknowledged_comes_again_right_after_a_resubscription() {
    let mut script = Script::new();
    script.agent();
    let info = v1::FrameworkInfo { failover_timeout: Some(60.0), ..aware("web") };
    let scheduler = script.subscribe(&info);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 3600.0);
    script.report(&scheduler, "S0", "t1", TaskState::TaskStarting);
    script.drain();
    script.master.handle_stream_closed(script.now, scheduler.stream);
    script.report(&scheduler, "S0", "t1", TaskState::TaskRunning);
    script.wait(20 * SECOND);
    script.check(&[]);
    let again = script.subscribe(&v1::FrameworkInfo { id: Some(scheduler.id), ..info });
    script.check(&[
        "2 SUBSCRIBED 0000",
        "2 HEARTBEAT",
        "2 UPDATE t1 TASK_STARTING uuid",
        "2 OFFERS O1@S0/web:3000",
    ]);
    assert_eq!(script.received[0].uuid, script.received[1].uuid);
    script.acknowledge(&again);
    script.check(&["2 UPDATE t1 TASK_RUNNING uuid"]);
}

#[test]
fn reports_after_the_end_are_dropped() {
    let (mut script, scheduler) = Script::with_agents(1);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 3600.0);
    script.report(&scheduler, "S0", "t1", TaskState::TaskFailed);
    script.report(&scheduler, "S0", "t1", TaskState::TaskRunning);
    script.report(&scheduler, "S0", "ghost", TaskState::TaskRunning);
    script.report(&scheduler, "S9", "t1", TaskState::TaskRunning);
    script.check(&["1 UPDATE t1 TASK_FAILED uuid", "S0 launch t1"]);
    script.acknowledge(&scheduler);
    script.check(&[]);
}

#[test]
fn six_things_can_be_wrong_with_offers() {
    let (mut script, scheduler) = Script::with_agents(2);
    let stranger = script.subscribe(&aware("web"));
    script.agent();
    script.check(&["2 SUBSCRIBED 0001", "2 HEARTBEAT", "2 OFFERS O2@S2/web:4000"]);
    let run = |script: &mut Script, id: &str, offers: &[&str]| {
        let tasks = vec![task(script, id, "S0", 1000)];
        script.accept(&scheduler, offers, tasks, 3600.0);
    };
    run(&mut script, "a", &[]);
    run(&mut script, "b", &["O0", "O0"]);
    run(&mut script, "c", &["O0"]);
    run(&mut script, "d", &["O2"]);
    script.check(&[
        "1 UPDATE a TASK_DROPPED INVALID_OFFERS 'Task launched with invalid offers: No offers specified'",
        "1 UPDATE b TASK_DROPPED INVALID_OFFERS 'Task launched with invalid offers: Duplicate offer O0 in offer list'",
        "1 UPDATE c TASK_DROPPED INVALID_OFFERS 'Task launched with invalid offers: Offer O0 is no longer valid'",
        "1 UPDATE d TASK_DROPPED INVALID_OFFERS 'Task launched with invalid offers: Offer O2 has invalid framework \
         0001 while framework 0000 is expected'",
    ]);
    // What was used up in vain is free again, without a filter.
    script.suppress(&stranger, &[]);
    script.wait(SECOND);
    script.check(&["1 OFFERS O3@S0/web:4000 O4@S2/web:4000"]);
    run(&mut script, "e", &["O4", "O3"]);
    script.check(&[
        "1 UPDATE e TASK_DROPPED INVALID_OFFERS 'Task launched with invalid offers: Aggregated offers must \
                    belong to one single agent. Offer O3 uses agent S0 and agent S2'",
    ]);
}

#[test]
fn offers_of_two_roles_do_not_mix() {
    use capability::Type::MultiRole;
    let mut script = Script::new();
    let roles = vec!["batch".into(), "web".into()];
    let scheduler = script.subscribe(&v1::FrameworkInfo { roles, ..framework(&[MultiRole]) });
    script.drain();
    script.agent();
    script.agent();
    script.check(&["1 OFFERS O0@S0/batch:4000", "1 OFFERS O1@S1/web:4000"]);
    let tasks = vec![task(&script, "mixed", "S0", 1000)];
    script.accept(&scheduler, &["O0", "O1"], tasks, 0.0);
    // TASK_LOST: this framework does not understand TASK_DROPPED.
    script.check(&[
        "1 UPDATE mixed TASK_LOST INVALID_OFFERS 'Task launched with invalid offers: Aggregated offers must \
                    be allocated to the same role. Offer O1 uses role 'web but another is using role 'batch'",
    ]);
}

#[test]
fn two_offers_of_one_agent_launch_what_needs_both() {
    let (mut script, scheduler) = Script::with_agents(1);
    let tasks = vec![task(&script, "half", "S0", 2000)];
    script.accept(&scheduler, &["O0"], tasks, 0.0);
    script.wait(SECOND);
    script.report(&scheduler, "S0", "half", TaskState::TaskFinished);
    script.wait(SECOND);
    script.check(&[
        "1 OFFERS O1@S0/web:2000",
        "1 UPDATE half TASK_FINISHED uuid",
        "1 OFFERS O2@S0/web:2000",
        "S0 launch half",
    ]);
    let tasks = vec![task(&script, "whole", "S0", 3500)];
    script.accept(&scheduler, &["O1", "O2"], tasks, 0.0);
    script.check(&["S0 launch whole"]);
}

#[test]
fn one_bad_resource_spoils_the_launch_and_no_other() {
    let (mut script, scheduler) = Script::with_agents(1);
    let launch = |tasks| v1::offer::Operation {
        r#type: Some(v1::offer::operation::Type::Launch.into()),
        launch: Some(v1::offer::operation::Launch { task_infos: tasks }),
        ..Default::default()
    };
    let mut bad = task(&script, "bad", "S0", 100);
    bad.resources[0].scalar = Some(v1::value::Scalar { value: -1.0 });
    let operations = vec![
        launch(vec![task(&script, "beside", "S0", 100), bad]),
        launch(vec![task(&script, "good", "S0", 100)]),
    ];
    let accept = call::Accept { offer_ids: script.offer_ids(&["O0"]), operations, filters: None };
    script.call(&scheduler, call::Type::Accept, Call { accept: Some(accept), ..Default::default() });
    script.check(&[
        "1 UPDATE beside TASK_ERROR TASK_INVALID 'Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0'",
        "1 UPDATE bad TASK_ERROR TASK_INVALID 'Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0'",
        "S0 launch good",
    ]);
}

#[test]
fn operations_that_are_not_supported_are_refused_by_name() {
    use v1::offer::{Operation, operation};
    let (mut script, scheduler) = Script::with_agents(1);
    let group = operation::LaunchGroup {
        task_group: v1::TaskGroupInfo { tasks: vec![task(&script, "main", "S0", 100)] },
        ..Default::default()
    };
    let operations = vec![
        Operation {
            r#type: Some(operation::Type::LaunchGroup.into()),
            launch_group: Some(Box::new(group)),
            ..Default::default()
        },
        Operation {
            r#type: Some(operation::Type::GrowVolume.into()),
            id: Some(v1::OperationId::new("op-1")),
            ..Default::default()
        },
        Operation { r#type: Some(operation::Type::Create.into()), ..Default::default() },
    ];
    let accept = call::Accept { offer_ids: script.offer_ids(&["O0"]), operations, filters: None };
    script.call(&scheduler, call::Type::Accept, Call { accept: Some(accept), ..Default::default() });
    script.check(&[
        "1 UPDATE main TASK_ERROR TASK_GROUP_INVALID 'Executor ID is invalid: ID must not be empty'",
        "1 UPDATE_OPERATION_STATUS op-1 OPERATION_ERROR GROW_VOLUME is not supported by this master",
    ]);
}

#[test]
fn kill_goes_to_the_agent_or_becomes_a_question() {
    let (mut script, scheduler) = Script::with_agents(1);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 3600.0);
    script.drain();
    script.kill(&scheduler, "t1", None);
    script.kill(&scheduler, "t1", Some("S0"));
    script.kill(&scheduler, "t1", Some("S1"));
    script.check(&["S0 kill t1", "S0 kill t1"]);
    script.kill(&scheduler, "ghost", Some("S0"));
    script.check(&["1 UPDATE ghost TASK_GONE RECONCILIATION 'Reconciliation: Task is unknown to the agent'"]);
}

#[test]
fn reconciliation_tells_the_last_state_that_was_told() {
    let (mut script, scheduler) = Script::with_agents(1);
    let tasks = vec![task(&script, "t1", "S0", 1000), task(&script, "t2", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 3600.0);
    script.report(&scheduler, "S0", "t1", TaskState::TaskStarting);
    script.report(&scheduler, "S0", "t1", TaskState::TaskRunning);
    script.drain();
    let latest = "RECONCILIATION 'Reconciliation: Latest task state'";
    let (t1, t2) =
        (format!("1 UPDATE t1 TASK_STARTING {latest}"), format!("1 UPDATE t2 TASK_STAGING {latest}"));
    script.reconcile(&scheduler, &[]);
    script.check(&[&t1, &t2]);
    script.reconcile(
        &scheduler,
        &[("t2", None), ("ghost-1", Some("S0")), ("ghost-2", None), ("ghost-3", Some("S7"))],
    );
    script.check(&[
        &t2,
        "1 UPDATE ghost-1 TASK_GONE RECONCILIATION 'Reconciliation: Task is unknown to the agent'",
        "1 UPDATE ghost-2 TASK_UNKNOWN RECONCILIATION 'Reconciliation: Task is unknown'",
        "1 UPDATE ghost-3 TASK_UNKNOWN RECONCILIATION 'Reconciliation: Task is unknown'",
    ]);
}

#[test]
fn frameworks_that_know_no_partitions_hear_of_losses_only() {
    let mut script = Script::new();
    script.agent();
    let scheduler = script.subscribe(&framework(&[]));
    script.drain();
    script.reconcile(&scheduler, &[("ghost-1", Some("S0")), ("ghost-2", None)]);
    script.check(&[
        "1 UPDATE ghost-1 TASK_LOST RECONCILIATION 'Reconciliation: Task is unknown to the agent'",
        "1 UPDATE ghost-2 TASK_LOST RECONCILIATION 'Reconciliation: Task is unknown'",
    ]);
}
