//! Whose resources are whose: roles, reservations, capabilities that let agents be seen.

use super::*;

/// Resources of the offers in an event, as texts by agent and role.
pub(super) fn offered(script: &mut Script) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(output) = script.master.poll_stream() {
        for offer in output.event.iter().flat_map(|event| &event.offers).flat_map(|offers| &offers.offers) {
            let role = offer.allocation_info.as_ref().map_or("-", |info| info.role());
            let mut resources = offer.resources.clone();
            for resource in &mut resources {
                resource.allocation_info = None;
            }
            let text = crate::master::amounts::resources_text(&resources);
            lines.push(format!("{}/{role} {text}", script.short(&offer.id.value)));
        }
    }
    lines
}

#[test]
fn each_role_gets_what_is_reserved_for_it_and_one_of_them_the_rest() {
    let mut script = Script::new();
    script.agent_of("agent.example", "cpus:2;mem:512;ports:[1-9];cpus(web):1;cpus(batch):1;cpus(other):1");
    let info = v1::FrameworkInfo { roles: vec!["web".into(), "batch".into()], ..aware("web") };
    let scheduler = script.subscribe(&info);
    let batch = "O0/batch ports:[1-9]; cpus(reservations: [(STATIC,batch)]):1; cpus:2; mem:512";
    assert_eq!(offered(&mut script), [batch, "O1/web cpus(reservations: [(STATIC,web)]):1"]);
    script.decline(&scheduler, &["O0", "O1"], Some(0.0));
    script.wait(SECOND);
    let web = "O3/web cpus(reservations: [(STATIC,web)]):1";
    let batch = "O2/batch ports:[1-9]; cpus(reservations: [(STATIC,batch)]):1; cpus:2; mem:512";
    assert_eq!(offered(&mut script), [batch, web], "the one that was granted first waited longest");
}

#[test]
fn what_one_role_refuses_is_offered_to_the_next() {
    let mut script = Script::new();
    script.agent_of("agent.example", "cpus:2;mem:512");
    let info = v1::FrameworkInfo { roles: vec!["web".into(), "batch".into()], ..aware("web") };
    let scheduler = script.subscribe(&info);
    assert_eq!(offered(&mut script), ["O0/batch cpus:2; mem:512"]);
    script.decline(&scheduler, &["O0"], Some(3600.0));
    script.wait(SECOND);
    assert_eq!(offered(&mut script), ["O1/web cpus:2; mem:512"]);
    script.decline(&scheduler, &["O1"], Some(3600.0));
    script.wait(10 * SECOND);
    assert_eq!(offered(&mut script), [] as [&str; 0]);
}

#[test]
fn a_role_below_another_may_use_what_is_reserved_above_it() {
    let mut script = Script::new();
    script.agent_of("agent.example", "cpus(eng):1;cpus(eng/dev):2;cpus(engine):4");
    script.subscribe(&aware("eng/dev"));
    let reserved = "cpus(reservations: [(STATIC,eng)]):1; cpus(reservations: [(STATIC,eng/dev)]):2";
    assert_eq!(offered(&mut script), [format!("O0/eng/dev {reserved}")]);
}

#[test]
fn older_frameworks_are_told_of_reservations_by_the_role_of_resources() {
    #![expect(deprecated, reason = "that is the older format")]
    let mut script = Script::new();
    let refined = "cpus(reservations: [(STATIC,web),(DYNAMIC,web/a)]):5";
    script.agent_of(
        "agent.example",
        &format!("cpus:2;cpus(web):1;cpus(reservations: [(DYNAMIC,web)]):3;{refined}"),
    );
    script.subscribe(&v1::FrameworkInfo { role: Some("web".into()), ..framework(&[]) });
    let mut seen = Vec::new();
    while let Some(output) = script.master.poll_stream() {
        for offer in output.event.iter().flat_map(|event| &event.offers).flat_map(|offers| &offers.offers) {
            assert_eq!(offer.allocation_info, None);
            for resource in &offer.resources {
                assert!(resource.reservations.is_empty() && resource.allocation_info.is_none());
                seen.push((resource.role().to_owned(), resource.reservation.is_some(), resource.milli()));
            }
        }
    }
    seen.sort();
    assert_eq!(seen, [("*".into(), false, 2000), ("web".into(), false, 1000), ("web".into(), true, 3000)]);
}

#[test]
fn agents_of_other_regions_and_with_gpus_are_seen_by_who_can_handle_them() {
    let domain = |region: &str| {
        let fault_domain = v1::domain_info::FaultDomain {
            region: v1::domain_info::fault_domain::RegionInfo { name: region.into() },
            zone: v1::domain_info::fault_domain::ZoneInfo { name: "z".into() },
        };
        v1::DomainInfo { fault_domain: Some(fault_domain) }
    };
    let mut options = MasterOptions { domain: Some(domain("here")), ..Default::default() };
    for filter_gpus in [true, false] {
        options.filter_gpu_resources = filter_gpus;
        let mut script = Script::with_options(options.clone());
        for (name, region) in [("no-domain", None), ("local", Some("here")), ("remote", Some("there"))] {
            let resources = "cpus:1;mem:64".parse::<v1::Resources>().unwrap().to_vec();
            let info = v1::AgentInfo {
                hostname: name.into(),
                resources,
                domain: region.map(domain),
                ..Default::default()
            };
            script.agent_as(info);
        }
        script.agent_of("gpus", "cpus:1;mem:64;gpus:1");
        let capabilities = [capability::Type::RegionAware, capability::Type::GpuResources];
        for (capabilities, expected) in [
            (vec![], if filter_gpus { vec!["S0", "S1"] } else { vec!["S0", "S1", "S3"] }),
            (
                capabilities[..1].to_vec(),
                if filter_gpus { vec!["S0", "S1", "S2"] } else { vec!["S0", "S1", "S2", "S3"] },
            ),
            (capabilities.to_vec(), vec!["S0", "S1", "S2", "S3"]),
        ] {
            let scheduler = script.subscribe(&framework(&capabilities));
            let mut agents = Vec::new();
            while let Some(output) = script.master.poll_stream() {
                for offer in output.event.iter().flat_map(|event| &event.offers).flat_map(|all| &all.offers) {
                    let agent = &script.master.agents[&offer.agent_id.value].info;
                    assert_eq!(offer.domain, agent.domain);
                    agents.push(script.short(&offer.agent_id.value));
                }
            }
            assert_eq!(agents, expected, "{capabilities:?}");
            script.call(&scheduler, call::Type::Teardown, Call::default());
            script.drain();
        }
    }
}

#[test]
fn a_role_may_ask_for_more_than_the_least_before_it_is_offered_anything() {
    let mut script = Script::new();
    script.agent_of("small", "cpus:1;mem:64");
    script.agent_of("large", "cpus:8;mem:64");
    let least = |cpus: f64| {
        let all = [("cpus".to_owned(), v1::value::Scalar { value: cpus })].into();
        let quantities = vec![v1::offer_filters::ResourceQuantities { quantities: all }];
        let least = v1::offer_filters::MinAllocatableResources { quantities };
        v1::OfferFilters { min_allocatable_resources: Some(least) }
    };
    let with = |role: &str, filters| v1::FrameworkInfo {
        offer_filters: [(role.to_owned(), filters)].into(),
        ..aware("web")
    };
    script.subscribe(&with("web", least(4.0)));
    script.check(&["1 SUBSCRIBED 0000", "1 HEARTBEAT", "1 OFFERS O0@S1/web:8000"]);
    for (info, text) in [
        (with("other", least(1.0)), "for role 'other' are invalid: the framework does not have the role"),
        (with("web", least(-1.0)), "for role 'web' are invalid: -1 is no amount of 'cpus'"),
        (with("web", least(f64::NAN)), "for role 'web' are invalid: NaN is no amount of 'cpus'"),
    ] {
        script.subscribe(&info);
        let lines = script.drain();
        assert!(lines[0].ends_with(text), "{}", lines[0]);
    }
}

#[test]
fn flags_of_the_master_keep_roles_and_root_out() {
    let mut options = MasterOptions { root_submissions: false, ..Default::default() };
    options.roles = Some(["web".into(), "batch".into()].into());
    let mut script = Script::with_options(options);
    let root = v1::FrameworkInfo { user: "root".into(), ..aware("web") };
    for (info, text) in [
        (aware("web"), "SUBSCRIBED 0000"),
        (aware("*"), "SUBSCRIBED 0001"),
        (aware("other"), "ERROR Roles { other } are not present in the master's --roles"),
        (root, "ERROR User 'root' is not allowed to run frameworks without --root_submissions set"),
    ] {
        script.subscribe(&info);
        let lines = script.drain();
        assert!(lines[0].ends_with(text), "{}", lines[0]);
    }
}

#[test]
fn offers_that_nobody_used_are_rescinded_in_time() {
    let options = MasterOptions { offer_timeout: Some(3 * SECOND), ..Default::default() };
    let mut script = Script::with_options(options);
    script.agent();
    script.agent();
    let scheduler = script.subscribe(&aware("web"));
    script.drain();
    script.decline(&scheduler, &["O0"], Some(3600.0));
    script.wait(3 * SECOND);
    // The batch of that moment was before it.
    script.check(&["1 RESCIND O1"]);
    script.wait(SECOND);
    script.check(&["1 OFFERS O2@S1/web:4000"]);
}
