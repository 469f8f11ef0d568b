//! Which task goes to which agent: a pure function of the waiting tasks and the offers in hand.

use std::time::Instant;

use mesos_proto::v1;

use super::{
    offers::AgentOffers,
    ports::PortBook,
    report::Refusal,
    task::{Placement, TaskSpec},
};
use crate::address::agent_url_of_offer;

/// How agents are chosen among those that fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    /// The fullest agent first, so that big tasks still find room.
    #[default]
    Pack,
    /// The emptiest agent first.
    Spread,
}

/// A task put on an agent.
#[derive(Debug)]
pub(super) struct Match {
    /// Index into the agents.
    pub(super) agent: usize,
    pub(super) placement: Placement,
    pub(super) task_info: v1::TaskInfo,
}

/// Finds an agent for one task and takes what the task needs from its supply, or tells for each agent
/// why not.
pub(super) fn place(
    now: Instant,
    spec: &TaskSpec,
    agents: &mut [AgentOffers],
    ports: &PortBook,
    packing: Packing,
) -> Result<Match, Vec<(String, Refusal)>> {
    let mut refusals = Vec::new();
    let mut best: Option<(usize, (i64, i64), Vec<u64>)> = None;
    for (index, agent) in agents.iter().enumerate() {
        match fit(now, spec, agent, ports) {
            Err(refusal) => refusals.push((agent.label(), refusal)),
            Ok(host_ports) => {
                let free = (agent.supply.milli("cpus"), agent.supply.milli("mem"));
                let is_better = best.as_ref().is_none_or(|(_, best_free, _)| match packing {
                    Packing::Pack => free < *best_free,
                    Packing::Spread => free > *best_free,
                });
                if is_better {
                    best = Some((index, free, host_ports));
                }
            }
        }
    }
    let Some((index, _, host_ports)) = best else { return Err(refusals) };
    Ok(take(spec, index, &mut agents[index], &host_ports))
}

/// The host ports the task would get on this agent, or why it does not fit there.
fn fit(now: Instant, spec: &TaskSpec, agent: &AgentOffers, ports: &PortBook) -> Result<Vec<u64>, Refusal> {
    for (resource, wanted_milli) in scalars(spec) {
        let offered_milli = agent.supply.milli(resource);
        if offered_milli < wanted_milli {
            return Err(Refusal::NotEnough { resource, wanted_milli, offered_milli });
        }
    }
    let agent_id = &agent.first().agent_id.value;
    let wanted = spec.ports.len();
    let host_ports = ports.choose(now, agent_id, &agent.supply.numbers("ports"), wanted);
    if host_ports.len() < wanted {
        return Err(Refusal::NotEnoughPorts { wanted, offered: host_ports.len() });
    }
    if let Some(eligibility) = &spec.eligibility {
        eligibility(agent.first()).map_err(Refusal::NotEligible)?;
    }
    Ok(host_ports)
}

fn scalars(spec: &TaskSpec) -> impl Iterator<Item = (&'static str, i64)> {
    let wanted = [
        ("cpus", spec.cpus_milli),
        ("mem", spec.mem_mib.saturating_mul(1000)),
        ("disk", spec.disk_mib.saturating_mul(1000)),
    ];
    wanted.into_iter().filter(|(_, milli)| *milli > 0)
}

fn take(spec: &TaskSpec, index: usize, agent: &mut AgentOffers, host_ports: &[u64]) -> Match {
    let mut resources = Vec::new();
    for (resource, milli) in scalars(spec) {
        let taken = agent.supply.take_milli(resource, milli);
        resources.extend(taken.expect("fit() found enough of it in the same supply"));
    }
    resources.extend(agent.supply.take_numbers("ports", host_ports));
    let offer = agent.first();
    let host_ports = host_ports.iter().filter_map(|port| u16::try_from(*port).ok()).collect();
    let placement = Placement {
        framework_id: offer.framework_id.clone(),
        agent_id: offer.agent_id.clone(),
        hostname: offer.hostname.clone(),
        agent_url: agent_url_of_offer(offer),
        host_ports,
    };
    Match { agent: index, task_info: describe(spec, &placement, resources), placement }
}

/// The template with everything filled in that the offer decides.
fn describe(spec: &TaskSpec, placement: &Placement, resources: Vec<v1::Resource>) -> v1::TaskInfo {
    let mut task = spec.template.clone();
    task.task_id = v1::TaskId::new(&spec.id);
    task.agent_id = placement.agent_id.clone();
    task.resources = resources;
    if let Some(command) = &mut task.command {
        let environment = command.environment.get_or_insert_default();
        for (index, port) in placement.host_ports.iter().enumerate() {
            environment.variables.push(v1::environment::Variable {
                name: format!("PORT{index}"),
                value: Some(port.to_string()),
                ..v1::environment::Variable::default()
            });
        }
    }
    let docker = task.container.as_mut().and_then(|container| container.docker.as_mut());
    if let Some(docker) = docker.filter(|docker| takes_port_mappings(docker)) {
        let pairs = spec.ports.iter().zip(&placement.host_ports);
        docker.port_mappings.extend(pairs.map(|(wanted, host_port)| {
            v1::container_info::docker_info::PortMapping {
                host_port: u32::from(*host_port),
                container_port: u32::from(wanted.container_port),
                protocol: Some("tcp".to_owned()),
            }
        }));
    }
    task
}

/// Docker refuses mappings in the networks of the host and of nobody.
fn takes_port_mappings(docker: &v1::container_info::DockerInfo) -> bool {
    use v1::container_info::docker_info::Network;
    match docker.network() {
        Network::Bridge | Network::User => true,
        Network::Host | Network::None => false,
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do")]
mod tests {
    use std::sync::Arc;

    use mesos_proto::v1::Ranges;

    use super::{super::offers::Offers, *};
    use crate::framework::task::PortRequest;

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

    fn agents(offers: impl IntoIterator<Item = v1::Offer>) -> Vec<AgentOffers> {
        let mut held = Offers::default();
        for offer in offers {
            held.add(offer);
        }
        held.by_agent()
    }

    fn spec(cpus_milli: i64, mem_mib: i64, ports: usize) -> TaskSpec {
        let mut spec = TaskSpec::new("t", cpus_milli, mem_mib, v1::TaskInfo::default());
        spec.ports = vec![PortRequest { container_port: 8080 }; ports];
        spec
    }

    fn place_one(spec: &TaskSpec, agents: &mut [AgentOffers]) -> Result<Match, Vec<(String, Refusal)>> {
        place(Instant::now(), spec, agents, &PortBook::default(), Packing::Pack)
    }

    #[test]
    fn an_exact_fit_is_a_fit() {
        let mut agents = agents([offer("o", "a", 250, 256, (1, 1))]);
        assert!(place_one(&spec(250, 256, 1), &mut agents).is_ok());
        assert_eq!(agents[0].supply.milli("cpus"), 0);
    }

    #[test]
    fn each_agent_gets_its_own_reason() {
        let mut agents = agents([
            offer("o1", "a", 100, 512, (1, 1)),
            offer("o2", "b", 500, 128, (1, 1)),
            offer("o3", "c", 500, 512, (5, 4)),
            offer("o4", "d", 500, 512, (1, 1)),
        ]);
        let mut spec = spec(250, 256, 1);
        spec.eligibility = Some(Arc::new(|offer| Err(format!("{} is not mine", offer.hostname))));
        let refusals: Vec<String> = place_one(&spec, &mut agents)
            .unwrap_err()
            .into_iter()
            .map(|(agent, refusal)| format!("{agent}: {refusal}"))
            .collect();
        assert_eq!(
            refusals,
            [
                "a.example (a): cpus: 0.25 wanted, 0.1 offered",
                "b.example (b): mem: 256 wanted, 128 offered",
                "c.example (c): ports: 1 wanted, 0 offered",
                "d.example (d): d.example is not mine",
            ]
        );
    }

    #[test]
    fn two_offers_of_one_agent_carry_what_neither_could() {
        let mut agents = agents([offer("o1", "a", 200, 200, (1, 1)), offer("o2", "a", 200, 200, (2, 2))]);
        assert_eq!(agents.len(), 1);
        let found = place_one(&spec(400, 400, 2), &mut agents).unwrap();
        assert_eq!(found.placement.host_ports, [1, 2]);
    }

    #[test]
    fn packing_takes_the_fullest_agent_and_spreading_the_emptiest() {
        let two = || agents([offer("o1", "a", 4000, 512, (1, 9)), offer("o2", "b", 1000, 512, (1, 9))]);
        let now = Instant::now();
        let book = PortBook::default();
        let chosen = |packing| {
            let mut agents = two();
            place(now, &spec(100, 1, 0), &mut agents, &book, packing).unwrap().placement.agent_id.value
        };
        assert_eq!(chosen(Packing::Pack), "b");
        assert_eq!(chosen(Packing::Spread), "a");
    }

    #[test]
    fn ports_are_mapped_into_bridged_containers_and_named_in_the_environment() {
        let mut spec = spec(100, 32, 1);
        spec.template.command = Some(v1::CommandInfo::default());
        spec.template.container = Some(v1::ContainerInfo {
            docker: Some(v1::container_info::DockerInfo {
                network: Some(v1::container_info::docker_info::Network::Bridge.into()),
                ..v1::container_info::DockerInfo::default()
            }),
            ..v1::ContainerInfo::default()
        });
        let mut agents = agents([offer("o", "a", 1000, 512, (31000, 31009))]);
        let task = place_one(&spec, &mut agents).unwrap().task_info;
        let mapping = &task.container.unwrap().docker.unwrap().port_mappings[0];
        assert_eq!((mapping.host_port, mapping.container_port), (31000, 8080));
        let variable = &task.command.unwrap().environment.unwrap().variables[0];
        assert_eq!((variable.name.as_str(), variable.value.as_deref()), ("PORT0", Some("31000")));
    }
}
