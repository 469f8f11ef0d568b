//! The largest event that a framework meets: the offers of all agents of a large cluster.

use mesos_proto::v1::{
    Address, AgentId, Attribute, FrameworkId, Offer, OfferId, Resource, Url,
    resource::AllocationInfo,
    scheduler::{Event, event},
    value,
};

/// An OFFERS event with one offer of each agent: three scalars and ports, and four attributes.
pub(crate) fn offers(agents: u32) -> Event {
    Event {
        r#type: Some(event::Type::Offers.into()),
        offers: Some(event::Offers { offers: (0..agents).map(offer).collect() }),
        ..Default::default()
    }
}

fn offer(agent: u32) -> Offer {
    const MASTER: &str = "f79dce7e-8875-45e1-aa77-b12448c1e9db";
    let hostname = format!("agent{agent}.example.org");
    Offer {
        id: OfferId { value: format!("{MASTER}-O{agent}") },
        framework_id: FrameworkId { value: format!("{MASTER}-0000") },
        agent_id: AgentId { value: format!("{MASTER}-S{agent}") },
        url: Some(Url {
            scheme: "http".to_owned(),
            address: Address {
                hostname: Some(hostname.clone()),
                ip: Some(format!("10.0.{}.{}", agent / 256 % 256, agent % 256)),
                port: 5051,
            },
            path: Some("/slave(1)".to_owned()),
            ..Default::default()
        }),
        hostname,
        resources: vec![
            scalar("cpus", 64.0),
            scalar("mem", 262_144.0),
            scalar("disk", 1_000_000.0),
            Resource {
                r#type: value::Type::Ranges.into(),
                ranges: Some(value::Ranges { range: vec![value::Range { begin: 31_000, end: 32_000 }] }),
                ..resource("ports")
            },
        ],
        attributes: vec![
            text("rack", format!("r{}", agent / 40)),
            text("zone", format!("eu-west-{}", agent % 3)),
            text("kernel", format!("6.1.0-{}-amd64", agent % 7)),
            Attribute {
                name: "generation".to_owned(),
                r#type: value::Type::Scalar.into(),
                scalar: Some(value::Scalar { value: f64::from(5 + agent % 4) }),
                ..Default::default()
            },
        ],
        allocation_info: Some(AllocationInfo { role: Some("web".to_owned()) }),
        ..Default::default()
    }
}

fn scalar(name: &str, value: f64) -> Resource {
    Resource { r#type: value::Type::Scalar.into(), scalar: Some(value::Scalar { value }), ..resource(name) }
}

fn resource(name: &str) -> Resource {
    Resource {
        name: name.to_owned(),
        allocation_info: Some(AllocationInfo { role: Some("web".to_owned()) }),
        ..Default::default()
    }
}

fn text(name: &str, value: String) -> Attribute {
    Attribute {
        name: name.to_owned(),
        r#type: value::Type::Text.into(),
        text: Some(value::Text { value }),
        ..Default::default()
    }
}
