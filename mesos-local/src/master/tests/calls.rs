//! Checks before a call takes effect, UPDATE_FRAMEWORK, the operator's view.

use super::*;

#[test]
fn a_call_needs_a_framework_a_stream_and_its_id() {
    let (mut script, scheduler) = Script::with_agents(0);
    let other = Scheduler { id: v1::FrameworkId::new("x"), ..scheduler.clone() };
    assert_eq!(script.call(&other, call::Type::Revive, Call::default()), "400 Framework cannot be found");
    let call = Call {
        framework_id: Some(scheduler.id.clone()),
        r#type: Some(call::Type::Revive.into()),
        ..Default::default()
    };
    let Answer::Status { status: 400, text } = script.master.handle_call(script.now, call, None) else {
        panic!("a call without a stream id is refused");
    };
    assert_eq!(text, "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
    let wrong = Scheduler { stream_id: "x".into(), ..scheduler };
    let answer = script.call(&wrong, call::Type::Revive, Call::default());
    assert_eq!(
        script.short(&answer),
        "400 The stream ID 'x' included in this request didn't match the stream ID currently associated with \
         framework ID 0000"
    );
}

#[test]
fn a_subscribe_has_no_stream_id() {
    let mut script = Script::new();
    let call = Call {
        r#type: Some(call::Type::Subscribe.into()),
        subscribe: Some(call::Subscribe { framework_info: aware("web"), ..Default::default() }),
        ..Default::default()
    };
    let answer = script.master.handle_call(script.now, call, Some(""));
    let text = "Subscribe calls should not include the 'Mesos-Stream-Id' header".into();
    assert_eq!(answer, Answer::Status { status: 400, text });
}

#[test]
fn calls_about_things_that_are_not_here_are_accepted_and_dropped() {
    let (mut script, scheduler) = Script::with_agents(0);
    for (kind, call) in [
        (call::Type::Shutdown, Call { shutdown: Some(Default::default()), ..Default::default() }),
        (call::Type::Message, Call { message: Some(Default::default()), ..Default::default() }),
        (call::Type::Request, Call { request: Some(Default::default()), ..Default::default() }),
        (
            call::Type::AcceptInverseOffers,
            Call { accept_inverse_offers: Some(Default::default()), ..Default::default() },
        ),
        (
            call::Type::DeclineInverseOffers,
            Call { decline_inverse_offers: Some(Default::default()), ..Default::default() },
        ),
    ] {
        assert_eq!(script.call(&scheduler, kind, call), "202", "{kind:?}");
    }
    script.check(&[]);
    let operation = call::reconcile_operations::Operation {
        operation_id: v1::OperationId::new("op-1"),
        ..Default::default()
    };
    let reconcile = call::ReconcileOperations { operations: vec![operation] };
    let call = Call { reconcile_operations: Some(reconcile), ..Default::default() };
    assert_eq!(script.call(&scheduler, call::Type::ReconcileOperations, call), "202");
    script.check(&["1 UPDATE_OPERATION_STATUS op-1 OPERATION_UNKNOWN Reconciliation: Operation is unknown"]);
}

#[test]
fn a_framework_changes_what_may_change() {
    let (mut script, scheduler) = Script::with_agents(1);
    let id = Some(scheduler.id.clone());
    let known = v1::FrameworkInfo { id, ..aware("web") };
    let mut update = |info: v1::FrameworkInfo| {
        let update = call::UpdateFramework { framework_info: info, ..Default::default() };
        let call = Call { update_framework: Some(update), ..Default::default() };
        script.call(&scheduler, call::Type::UpdateFramework, call)
    };
    for (info, answer) in [
        (known.clone(), "200"),
        (
            v1::FrameworkInfo { roles: vec!["a b".into()], ..known.clone() },
            "400 Supplied FrameworkInfo is not valid: 'FrameworkInfo.roles' contains invalid role: Role component \
             'a b' is invalid because it contains backspace or whitespace",
        ),
        (
            v1::FrameworkInfo { user: "daemon".into(), ..known.clone() },
            "400 FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; attempted to \
             update from 'nobody' to 'daemon'",
        ),
        (
            v1::FrameworkInfo { checkpoint: Some(true), ..known.clone() },
            "400 FrameworkInfo update is not valid: Updating 'FrameworkInfo.checkpoint' is unsupported; attempted \
             to update from 'false' to 'true'",
        ),
        (
            v1::FrameworkInfo { principal: Some("p".into()), ..known.clone() },
            "400 FrameworkInfo update is not valid: Changing framework's principal is not allowed.",
        ),
    ] {
        assert_eq!(update(info), answer);
    }
    assert_eq!(update(v1::FrameworkInfo { roles: vec!["batch".into()], ..known }), "200");
    script.check(&["1 RESCIND O0"]);
    script.wait(Duration::from_secs(1));
    script.check(&["1 OFFERS O1@S0/batch:4000"]);
}

#[test]
fn the_operator_sees_agents_frameworks_and_tasks() {
    let (mut script, scheduler) = Script::with_agents(2);
    let tasks = vec![task(&script, "t1", "S0", 1000)];
    script.accept(&scheduler, &["O0"], tasks, 3600.0);
    script.report(&scheduler, "S0", "t1", TaskState::TaskRunning);
    let agents = script.master.get_agents().agents;
    let texts = |resources: &[v1::Resource]| crate::master::amounts::resources_text(resources);
    assert_eq!(agents.len(), 2);
    assert_eq!(texts(&agents[0].allocated_resources), "cpus(allocated: web):1; mem(allocated: web):32");
    assert_eq!(texts(&agents[0].offered_resources), "");
    assert_eq!(
        texts(&agents[1].offered_resources),
        "ports(allocated: web):[31000-31999]; cpus(allocated: web):4; mem(allocated: web):4096"
    );
    let frameworks = script.master.get_frameworks();
    assert!(frameworks.frameworks[0].active && frameworks.frameworks[0].connected);
    assert_eq!(
        texts(&frameworks.frameworks[0].allocated_resources),
        "cpus(allocated: web):1; mem(allocated: web):32"
    );
    let tasks = script.master.get_tasks();
    assert_eq!(tasks.tasks[0].state(), TaskState::TaskRunning);
    assert_eq!(tasks.tasks[0].status_update_state(), TaskState::TaskRunning);
    assert_eq!(tasks.tasks[0].status_update_uuid.as_ref().map(|uuid| uuid.len()), Some(16));
}

#[test]
fn a_proven_principal_becomes_the_frameworks_own_and_keeps_others_out() {
    let mut script = Script::new();
    let subscribe = |principal: Option<&str>, id: Option<v1::FrameworkId>| {
        let info =
            v1::FrameworkInfo { principal: principal.map(str::to_owned), id: id.clone(), ..aware("web") };
        Call {
            framework_id: id,
            r#type: Some(call::Type::Subscribe.into()),
            subscribe: Some(call::Subscribe { framework_info: info, ..Default::default() }),
            ..Default::default()
        }
    };
    let other =
        script.master.handle_call_of(script.now, Some("alice"), subscribe(Some("mallory"), None), None);
    assert_eq!(
        other,
        Answer::bad_request(
            "Failed to validate scheduler::Call: Authenticated principal 'alice' does not match principal \
             'mallory' set in `FrameworkInfo`"
        )
    );
    let own = script.master.handle_call_of(script.now, Some("alice"), subscribe(None, None), None);
    assert!(matches!(own, Answer::Stream { .. }), "{own:?}");
    let framework = script.master.get_frameworks().frameworks.remove(0).framework_info;
    assert_eq!(framework.principal(), "alice");
    script.check(&["1 SUBSCRIBED 0000", "1 HEARTBEAT"]);

    let suppress = Call {
        framework_id: framework.id.clone(),
        r#type: Some(call::Type::Suppress.into()),
        ..Default::default()
    };
    let stranger = script.master.handle_call_of(script.now, Some("bob"), suppress, Some("x"));
    assert_eq!(
        stranger,
        Answer::bad_request(
            "Authenticated principal 'bob' does not match principal 'alice' set in `FrameworkInfo`"
        )
    );
    let takeover = subscribe(Some("bob"), framework.id);
    let taken = script.master.handle_call_of(script.now, Some("bob"), takeover, None);
    assert!(matches!(taken, Answer::Stream { .. }), "{taken:?}");
    script.check(&["2 ERROR Changing framework's principal is not allowed.", "2 END"]);
}
