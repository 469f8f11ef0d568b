#![expect(clippy::disallowed_methods, reason = "any instant will do")]

use mesos_proto::v1::{self, Ranges};

use super::{super::*, *};

fn offer(id: &str, agent: &str, cpus_milli: i64, mem_mib: i64, ports: (u64, u64)) -> v1::Offer {
    v1::Offer {
        id: v1::OfferId::new(id),
        agent_id: v1::AgentId::new(agent),
        hostname: format!("{agent}.example"),
        resources: vec![
            v1::Resource::scalar_milli("cpus", cpus_milli),
            v1::Resource::scalar_milli("mem", mem_mib * 1000),
            v1::Resource::ranges("ports", &Ranges::single(ports.0, ports.1)),
        ],
        ..v1::Offer::default()
    }
}

fn spec(id: &str, cpus_milli: i64, mem_mib: i64, ports: usize) -> TaskSpec {
    let mut spec = TaskSpec::command(id, cpus_milli, mem_mib, "true");
    spec.ports = vec![PortRequest::any(8080); ports];
    spec
}

/// Where tasks go, as `task:agent`, and why the first one that waits does.
fn place(packing: Packing, offers: Vec<v1::Offer>, specs: Vec<TaskSpec>) -> (Vec<String>, Option<WhyNot>) {
    let now = Instant::now();
    let policy = Policy { packing, ..Policy::default() };
    let mut core = FrameworkCore::new(["web".to_owned()], policy, 0);
    let ids: Vec<String> = specs.iter().map(|spec| spec.id.clone()).collect();
    for spec in specs {
        core.submit(now, spec);
    }
    core.handle_subscribed(now);
    let event = v1::scheduler::Event {
        r#type: Some(v1::scheduler::event::Type::Offers.into()),
        offers: Some(v1::scheduler::event::Offers { offers }),
        ..Default::default()
    };
    core.handle_event(now, event);
    let placed = core.tasks().filter_map(|task| {
        let placement = task.placement?;
        Some(format!("{}:{}", task.task_id, placement.agent_id))
    });
    (placed.collect(), ids.iter().find_map(|id| core.why_pending(id)))
}

#[test]
fn an_exact_fit_is_a_fit() {
    let (placed, _) =
        place(Packing::Pack, vec![offer("o", "a", 250, 256, (1, 1))], vec![spec("t", 250, 256, 1)]);
    assert_eq!(placed, ["t:a"]);
}

#[test]
fn each_agent_gets_its_own_reason() {
    let offers = vec![
        offer("o1", "a", 100, 512, (1, 1)),
        offer("o2", "b", 500, 128, (1, 1)),
        offer("o3", "c", 500, 512, (5, 4)),
        offer("o4", "d", 500, 512, (1, 1)),
        v1::Offer {
            allocation_info: Some(v1::resource::AllocationInfo { role: Some("batch".into()) }),
            ..offer("o5", "e", 500, 512, (1, 1))
        },
        v1::Offer {
            unavailability: Some(v1::Unavailability::default()),
            ..offer("o6", "f", 500, 512, (1, 1))
        },
    ];
    let rule = Eligibility::new(|offer| Err(format!("{} is not mine", offer.hostname)));
    let (placed, why) = place(Packing::Pack, offers, vec![spec("t", 250, 256, 1).eligibility(rule)]);
    assert!(placed.is_empty());
    assert_eq!(
        why.unwrap().to_string(),
        "offers of 6 agents were considered: 1 failed on role, 1 failed on maintenance, 1 failed on cpus, 1 failed \
         on mem, 1 failed on ports, 1 failed on 'd.example is not mine'\n  \
         a.example (a): cpus: 0.25 wanted, 0.1 offered\n  \
         b.example (b): mem: 256 wanted, 128 offered\n  \
         c.example (c): ports: 1 wanted, 0 offered\n  \
         d.example (d): d.example is not mine\n  \
         e.example (e): the offer is for role 'batch'\n  \
         f.example (f): its maintenance is planned"
    );
}

#[test]
fn two_offers_of_one_agent_carry_what_neither_could() {
    let offers = vec![offer("o1", "a", 200, 200, (1, 1)), offer("o2", "a", 200, 200, (2, 2))];
    let (placed, _) = place(Packing::Pack, offers, vec![spec("t", 400, 400, 2)]);
    assert_eq!(placed, ["t:a"]);
}

#[test]
fn packing_takes_the_fullest_agent_and_spreading_the_emptiest() {
    let offers = || vec![offer("o1", "a", 4000, 512, (1, 9)), offer("o2", "b", 1000, 512, (1, 9))];
    let tasks = || (0..4).map(|number| spec(&format!("t{number}"), 500, 1, 0)).collect::<Vec<_>>();
    assert_eq!(place(Packing::Pack, offers(), tasks()).0, ["t0:b", "t1:b", "t2:a", "t3:a"]);
    let offers = || vec![offer("o1", "a", 2000, 512, (1, 9)), offer("o2", "b", 1200, 512, (1, 9))];
    assert_eq!(place(Packing::Spread, offers(), tasks()).0, ["t0:a", "t1:a", "t2:b", "t3:a"]);
}

#[test]
fn what_one_class_left_of_an_agent_is_found_by_another_that_walked_past_it() {
    // The class of `big` walks past a and takes b; that of `small` makes c smaller than b; then `big` needs c.
    let offers = vec![
        offer("o1", "a", 1000, 100, (1, 9)),
        offer("o2", "b", 2000, 512, (1, 9)),
        offer("o3", "c", 2500, 1024, (1, 9)),
    ];
    let tasks = vec![
        spec("t1-big", 1000, 512, 0),
        spec("t2-small", 1200, 600, 0),
        spec("t3-big", 1000, 400, 0),
        spec("t4-big", 1000, 400, 0),
    ];
    let (placed, why) = place(Packing::Pack, offers, tasks);
    assert_eq!(placed, ["t1-big:b", "t2-small:c", "t3-big:c"]);
    // c was full when its turn came, and had been good enough before.
    let why = why.unwrap();
    assert_eq!(why.funnel().collect::<Vec<_>>(), [("mem".to_owned(), 2)], "{why}");
}

#[test]
fn tasks_of_higher_priority_go_first_and_roles_are_kept_apart() {
    let of_role = |offer: v1::Offer, role: &str| v1::Offer {
        allocation_info: Some(v1::resource::AllocationInfo { role: Some(role.into()) }),
        ..offer
    };
    let now = Instant::now();
    let mut core = FrameworkCore::new(["batch".to_owned(), "web".to_owned()], Policy::default(), 0);
    core.submit(now, spec("low", 500, 1, 0));
    core.submit(now, spec("batch", 500, 1, 0).role("batch"));
    core.submit(now, spec("high", 500, 1, 0).priority(1).role("web"));
    core.handle_subscribed(now);
    let mut event = v1::scheduler::Event {
        r#type: Some(v1::scheduler::event::Type::Offers.into()),
        ..Default::default()
    };
    let offers = vec![of_role(offer("o1", "a", 500, 64, (1, 1)), "web")];
    event.offers = Some(v1::scheduler::event::Offers { offers });
    core.handle_event(now, event.clone());
    let phases = |core: &FrameworkCore| {
        core.tasks().map(|task| format!("{} {:?}", task.task_id, task.phase)).collect::<Vec<_>>()
    };
    assert_eq!(phases(&core), ["batch Pending", "high Launching", "low Pending"]);
    let offers = vec![of_role(offer("o2", "a", 500, 64, (1, 1)), "batch")];
    event.offers = Some(v1::scheduler::event::Offers { offers });
    core.handle_event(now, event);
    assert_eq!(phases(&core), ["batch Pending", "high Launching", "low Launching"]);
}
