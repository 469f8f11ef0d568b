//! RESERVE, UNRESERVE, CREATE and DESTROY.

use mesos_proto::v1::offer::{Operation, operation};

use super::{reservations::offered, *};

fn operation(kind: operation::Type, id: &str, resources: &str) -> Operation {
    let resources = resources.parse::<v1::Resources>().unwrap().to_vec();
    let id = (!id.is_empty()).then(|| v1::OperationId::new(id));
    let mut operation = Operation { r#type: Some(kind.into()), id, ..Default::default() };
    match kind {
        operation::Type::Reserve => {
            operation.reserve = Some(operation::Reserve { resources, ..Default::default() });
        }
        _ => operation.unreserve = Some(operation::Unreserve { resources }),
    }
    operation
}

fn accept_operations(script: &mut Script, scheduler: &Scheduler, offer: &str, operations: Vec<Operation>) {
    let filters = Some(v1::Filters { refuse_seconds: Some(0.0) });
    let accept = call::Accept { offer_ids: script.offer_ids(&[offer]), operations, filters };
    let call = Call { accept: Some(accept), ..Default::default() };
    assert_eq!(script.call(scheduler, call::Type::Accept, call), "202");
}

const RESERVED: &str = "(reservations: [(DYNAMIC,web)])";

#[test]
fn operations_change_what_an_agent_has_and_tell_their_end_until_it_is_acknowledged() {
    use operation::Type::{Reserve, Unreserve};
    let mut script = Script::new();
    script.agent_of("agent.example", "cpus:4;mem:64");
    let scheduler = script.subscribe(&aware("web"));
    script.drain();
    let operations = vec![
        operation(Reserve, "op-1", &format!("cpus{RESERVED}:1")),
        operation(Reserve, "too-big", &format!("cpus{RESERVED}:100")),
        operation(Reserve, "", &format!("cpus{RESERVED}:0.5")),
    ];
    accept_operations(&mut script, &scheduler, "O0", operations);
    let pool = "cpus(allocated: web):3; mem(allocated: web):64; \
                cpus(allocated: web)(reservations: [(DYNAMIC,web)]):1";
    script.check(&[
        &format!("1 UPDATE_OPERATION_STATUS too-big OPERATION_ERROR {pool} does not contain cpus(allocated: web):100"),
        "1 UPDATE_OPERATION_STATUS op-1 OPERATION_FINISHED uuid",
    ]);
    let implicit =
        || Call { reconcile_operations: Some(call::ReconcileOperations::default()), ..Default::default() };
    script.call(&scheduler, call::Type::ReconcileOperations, implicit());
    script.check(&["1 UPDATE_OPERATION_STATUS op-1 OPERATION_FINISHED "]);
    script.wait(SECOND);
    let mut lines = offered(&mut script);
    assert_eq!(lines.pop().unwrap(), format!("O1/web cpus{RESERVED}:1.5; cpus:2.5; mem:64"));
    script.wait(10 * SECOND);
    script.check(&["1 UPDATE_OPERATION_STATUS op-1 OPERATION_FINISHED uuid"]);
    let uuid = script.master.frameworks[&scheduler.id.value].operations["op-1"].status_uuid();
    let acknowledge = call::AcknowledgeOperationStatus {
        agent_id: Some(v1::AgentId::new(script.long("S0"))),
        operation_id: v1::OperationId::new("op-1"),
        uuid,
        ..Default::default()
    };
    let call = Call { acknowledge_operation_status: Some(acknowledge), ..Default::default() };
    assert_eq!(script.call(&scheduler, call::Type::AcknowledgeOperationStatus, call), "202");
    script.call(&scheduler, call::Type::ReconcileOperations, implicit());
    script.wait(60 * SECOND);
    let lines = script.drain();
    assert!(lines.iter().all(|line| line == "1 HEARTBEAT"), "{lines:?}");
    let back = vec![operation(Unreserve, "", &format!("cpus{RESERVED}:1.5"))];
    accept_operations(&mut script, &scheduler, "O1", back);
    script.wait(SECOND);
    assert_eq!(offered(&mut script), ["O2/web cpus:4; mem:64"]);
}

#[test]
fn operations_that_make_no_sense_are_refused() {
    use operation::Type::{Reserve, Unreserve};
    let mut script = Script::new();
    script.agent_of("agent.example", "cpus:4;mem:64;cpus(web):1");
    let scheduler = script.subscribe(&aware("web"));
    script.drain();
    let operations = vec![
        operation(Reserve, "a", "cpus:1"),
        operation(Reserve, "b", "cpus(web):1"),
        operation(Reserve, "c", "cpus(reservations: [(DYNAMIC,batch)]):1"),
        operation(Unreserve, "d", "cpus(web):1"),
        operation(Unreserve, "e", "cpus:1"),
    ];
    accept_operations(&mut script, &scheduler, "O0", operations);
    script.check(&[
        "1 UPDATE_OPERATION_STATUS a OPERATION_ERROR RESERVE names no reservation of 'cpus:1'",
        "1 UPDATE_OPERATION_STATUS b OPERATION_ERROR 'cpus(reservations: [(STATIC,web)]):1' is to be reserved, \
         its last reservation must be DYNAMIC",
        "1 UPDATE_OPERATION_STATUS c OPERATION_ERROR 'cpus(reservations: [(DYNAMIC,batch)]):1' cannot be \
         reserved for a role that it is not allocated to, 'web'",
        "1 UPDATE_OPERATION_STATUS d OPERATION_ERROR 'cpus(reservations: [(STATIC,web)]):1' is not reserved \
         dynamically",
        "1 UPDATE_OPERATION_STATUS e OPERATION_ERROR UNRESERVE names no reservation of 'cpus:1'",
    ]);
}

#[test]
fn volumes_are_made_used_as_a_whole_and_destroyed() {
    let mut script = Script::new();
    script.agent_of("agent.example", "cpus:4;mem:64;disk(web):100");
    let scheduler = script.subscribe(&aware("web"));
    script.drain();
    let mut volume = "disk(web):10".parse::<v1::Resources>().unwrap().to_vec().remove(0);
    let place =
        v1::Volume { container_path: "data".into(), mode: v1::volume::Mode::Rw.into(), ..Default::default() };
    let persistence = v1::resource::disk_info::Persistence { id: "v1".into(), principal: None };
    volume.disk = Some(Box::new(v1::resource::DiskInfo {
        persistence: Some(persistence),
        volume: Some(place),
        ..Default::default()
    }));
    let create = |id: &str| Operation {
        r#type: Some(operation::Type::Create.into()),
        id: Some(v1::OperationId::new(id)),
        create: Some(operation::Create { volumes: vec![volume.clone()] }),
        ..Default::default()
    };
    accept_operations(&mut script, &scheduler, "O0", vec![create("made"), create("again")]);
    script.check(&[
        "1 UPDATE_OPERATION_STATUS again OPERATION_ERROR The agent has a volume 'v1' of role 'web' already",
        "1 UPDATE_OPERATION_STATUS made OPERATION_FINISHED uuid",
    ]);
    script.wait(SECOND);
    script.drain();
    let mut user = task(&script, "user", "S0", 1000);
    user.resources.push(volume.clone());
    let mut half = task(&script, "half", "S0", 1000);
    half.resources.push(v1::Resource { scalar: Some(v1::value::Scalar { value: 5.0 }), ..volume.clone() });
    script.accept(&scheduler, &["O1"], vec![half, user], 0.0);
    let lines = script.drain();
    assert!(lines[0].contains("half TASK_ERROR"), "{lines:?}");
    assert_eq!(lines[1..], ["S0 launch user"]);
    script.report(&scheduler, "S0", "user", TaskState::TaskFinished);
    script.wait(SECOND);
    script.drain();
    let destroy = Operation {
        r#type: Some(operation::Type::Destroy.into()),
        destroy: Some(operation::Destroy { volumes: vec![volume.clone()] }),
        ..Default::default()
    };
    accept_operations(&mut script, &scheduler, "O2", vec![destroy]);
    script.drain();
    let total = crate::master::amounts::resources_text(
        &script.master.agents.values().next().unwrap().total.to_resources(),
    );
    assert_eq!(total, "cpus:4; mem:64; disk(reservations: [(STATIC,web)]):100");
}
