//! Recordings about offers and refused subscriptions, played: which agents are offered to whom, and how they look.

use std::collections::BTreeMap;

use mesos_local::{AgentConfig, AgentPorts, Cluster, ClusterConfig};
use mesos_proto::v1::{
    self, Ranges, Resources,
    domain_info::{
        FaultDomain,
        fault_domain::{RegionInfo, ZoneInfo},
    },
    scheduler::{Call, Event, call},
};
use serde_json::Value;

use crate::{
    client::{Scheduler, within},
    replay::{Offers, Recording, Replay, config},
};

#[tokio::test]
async fn offers_look_as_the_capabilities_of_the_framework_say() {
    // The agents of the first are those of all of them.
    let agents = Recording::load("offers-3-agents");
    for (name, offers) in [
        ("offers-3-agents", Offers::SameInSum),
        ("offers-multi-role-only", Offers::Same),
        ("offers-plain", Offers::Same),
    ] {
        let cluster =
            Cluster::start(config_of(&agents.events, Some(("eu-west", "eu-west-a")))).await.unwrap();
        let recording = Recording::load(name);
        let mut replay = Replay::start(&cluster, &recording).await;
        replay.offers = offers;
        replay.play(1..recording.calls.len()).await;
        replay.finish().await;
        cluster.shutdown().await;
    }
}

#[tokio::test]
async fn one_event_offers_everything_that_forty_agents_have() {
    let recording = Recording::load("big-offers-40-agents");
    let cluster = Cluster::start(config_of(&recording.events, Some(("eu-west", "eu-west-a")))).await.unwrap();
    let mut replay = Replay::start(&cluster, &recording).await;
    replay.offers = Offers::Same;
    replay.play(1..recording.calls.len()).await;
    replay.finish().await;
    let offers: Vec<usize> =
        replay.seen.iter().filter_map(|event| Some(event.offers.as_ref()?.offers.len())).collect();
    assert_eq!(offers, [40]);
    cluster.shutdown().await;
}

/// The recording has more than a megabyte; here is what it comes down to.
#[tokio::test]
async fn a_thousand_reservations_are_offered_role_by_role() {
    let digest = include_str!("../data/scheduler/huge-offers-1000.digest.json");
    let digest: Value = serde_json::from_str(digest).unwrap();
    let mut config = config(0, &[]);
    for number in 1..=40 {
        let mut agent = AgentConfig::new(format!("agent{number}"));
        agent.hostname = format!("agent{number}.example");
        let reserved = (1..=25).map(|team| {
            let ports = 20_000 + 100 * (team - 1);
            format!(
                "cpus(team-{team:02}):1.5;mem(team-{team:02}):2048;ports(team-{team:02}):[{ports}-{}]",
                ports + 99
            )
        });
        let resources = reserved.collect::<Vec<_>>().join(";");
        agent.set_resources(format!("{resources};disk:1000000").parse().unwrap());
        config.agents.push(agent);
    }
    let cluster = Cluster::start(config).await.unwrap();
    let roles: Vec<String> = (1..=25).map(|team| format!("team-{team:02}")).collect();
    let info = v1::FrameworkInfo { roles, ..crate::client::framework() };
    let mut scheduler =
        Scheduler::subscribe(&cluster, call::Subscribe { framework_info: info, ..Default::default() }).await;
    for expected in digest.as_array().unwrap() {
        let offers = scheduler.find(|event| Some(event.offers?.offers)).await;
        assert_eq!(digest_of(&offers, expected.get("roles").is_some()), *expected);
        let filters = Some(v1::Filters { refuse_seconds: Some(3600.0) });
        let offer_ids = offers.into_iter().map(|offer| offer.id).collect();
        let decline = call::Decline { offer_ids, filters };
        let call = Call { decline: Some(decline), ..Default::default() };
        scheduler.call(call::Type::Decline, call).await;
    }
    cluster.shutdown().await;
}

fn digest_of(offers: &[v1::Offer], with_roles: bool) -> Value {
    let mut roles = BTreeMap::<(&str, String), usize>::new();
    let mut hosts = BTreeMap::<&str, usize>::new();
    let mut bare = 0;
    for offer in offers {
        *hosts.entry(&offer.hostname).or_default() += 1;
        let role = offer.allocation_info.as_ref().unwrap().role();
        let (reserved, free): (Vec<&v1::Resource>, Vec<&v1::Resource>) =
            offer.resources.iter().partition(|resource| !resource.reservations.is_empty());
        let mut texts: Vec<String> = reserved
            .iter()
            .map(|resource| {
                assert_eq!(resource.reserved_role(), Some(role));
                let value = match &resource.ranges {
                    Some(ranges) => {
                        let range = ranges.range[0];
                        format!(r#"{{"range":[{{"begin":{},"end":{}}}]}}"#, range.begin, range.end)
                    }
                    None => format!(r#"{{"value":{:?}}}"#, resource.scalar.unwrap().value),
                };
                format!("{}:{value}", resource.name)
            })
            .collect();
        texts.sort();
        *roles.entry((role, texts.join(" "))).or_default() += 1;
        bare += free.iter().filter(|disk| disk.name == "disk" && disk.milli() == 1_000_000_000).count();
        assert!(free.len() <= 1);
    }
    let mut digest = serde_json::json!({
        "offers": offers.len(), "hosts": hosts.len(), "with_unreserved_disk": bare,
    });
    if with_roles {
        let roles = roles.iter().map(|((role, reserved), offers)| {
            serde_json::json!({ "role": role, "reserved": reserved, "offers": offers })
        });
        digest["roles"] = roles.collect();
    }
    digest
}

#[tokio::test]
async fn offers_of_two_roles_or_of_another_framework_are_invalid() {
    let recording = Recording::load("invalid-offers-roles");
    let cluster = Cluster::start(config_of(&recording.events, None)).await.unwrap();
    let mut replay = Replay::start(&cluster, &recording).await;
    // Up to the ACCEPT with the offers of two roles.
    replay.receive_offers("agent1.example", 2).await;
    replay.play(1..4).await;
    within("the task that was refused", replay.receive(4)).await;
    // What the recorded framework suppressed goes to another one.
    replay.play(4..6).await;
    let info = v1::FrameworkInfo { roles: vec!["web".into()], ..crate::client::framework() };
    let subscribe = call::Subscribe { framework_info: info, ..Default::default() };
    let mut other = Scheduler::subscribe(&cluster, subscribe).await;
    let stolen = other.offer().await;
    replay.substitute_offer("O7", &stolen.id.value);
    replay.substitute_framework("0003", &other.framework_id.value);
    replay.play(6..recording.calls.len()).await;
    replay.finish().await;
    cluster.shutdown().await;
}

#[tokio::test]
async fn refused_subscriptions_say_why() {
    let mut config = config(1, &["r1"]);
    config.master.roles = Some(["web".into(), "batch".into()].into());
    config.master.root_submissions = false;
    let cluster = Cluster::start(config).await.unwrap();
    for name in [
        "constraint-bad-regex",
        "constraint-complex-regex",
        "constraint-empty-group",
        "constraint-huge-regex",
        "constraint-no-groups",
        "constraint-unknown-role",
        "failover-timeout",
        "id-invalid",
        "role-invalid",
        "role-not-whitelisted",
        "root",
        "suppressed-unknown-role",
    ] {
        let recording = Recording::load(&format!("refused-{name}"));
        assert_eq!(recording.events.len(), 1, "{name}");
        Replay::start(&cluster, &recording).await.finish().await;
    }
    cluster.shutdown().await;
}

#[tokio::test]
async fn an_id_that_was_torn_down_is_refused_for_good() {
    let cluster = crate::replay::cluster(1, &["r1"]).await;
    let mut first = crate::client::subscribe(&cluster).await;
    within("SUBSCRIBED", first.event()).await;
    let id = first.framework_id.clone();
    first.call(call::Type::Teardown, Call::default()).await;
    let recording = Recording::load("removed");
    Replay::start_with(&cluster, &recording, Some(&id)).await.finish().await;
    cluster.shutdown().await;
}

/// A cluster with the agents that a recording shows: all resources of one event, attributes and domain.
fn config_of(events: &[Event], domain: Option<(&str, &str)>) -> ClusterConfig {
    let mut config = config(0, &[]);
    config.master.domain = domain.map(|(region, zone)| v1::DomainInfo {
        fault_domain: Some(FaultDomain {
            region: RegionInfo { name: region.into() },
            zone: ZoneInfo { name: zone.into() },
        }),
    });
    let offers = &events.iter().find_map(|event| event.offers.as_ref()).unwrap().offers;
    let mut agents = BTreeMap::<&str, (&v1::Offer, Resources)>::new();
    for offer in offers {
        let (_, resources) = agents.entry(&offer.hostname).or_insert_with(|| (offer, Resources::default()));
        for resource in &offer.resources {
            resources.insert(v1::Resource { allocation_info: None, ..resource.clone() }).unwrap();
        }
    }
    for (hostname, (offer, resources)) in agents {
        let mut agent = AgentConfig::new(hostname.trim_end_matches(".example"));
        agent.hostname = hostname.into();
        agent.ports = AgentPorts::Exactly(Ranges::default());
        agent.set_resources(resources);
        agent.domain = offer.domain.clone();
        let text = |attribute: &v1::Attribute| attribute.canonical_text().unwrap().into_owned();
        agent.attributes = offer.attributes.iter().map(|one| (one.name.clone(), text(one))).collect();
        config.agents.push(agent);
    }
    config
}
