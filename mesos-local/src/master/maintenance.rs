//! Machines that go away for a while: the schedule, inverse offers, machines that are down.

use std::{collections::BTreeSet, time::Duration};

use mesos_proto::v1::{
    self, MachineId,
    allocator::{InverseOfferStatus, inverse_offer_status},
    maintenance::{ClusterStatus, Schedule, cluster_status::DrainingMachine},
    scheduler::{Event, event},
};

use super::{
    Master,
    agents::{Agent, Cause},
    output::Answer,
};

/// The operators' plan, and what frameworks said to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Maintenance {
    pub(super) schedule: Schedule,
    down: Vec<MachineId>,
    /// The last answers to inverse offers.
    statuses: Vec<(String, InverseOfferStatus)>,
}

/// One agent that one framework uses and that shall go away.
#[derive(Clone, Debug)]
pub(super) struct InverseOffer {
    pub(super) framework: String,
    pub(super) agent: String,
}

impl Master {
    /// When an agent goes away, by the schedule.
    pub(super) fn unavailability(&self, agent: &Agent) -> Option<v1::Unavailability> {
        let windows = &self.maintenance.schedule.windows;
        let window = windows.iter().find(|window| window.machine_ids.iter().any(|id| is_on(agent, id)));
        window.map(|window| window.unavailability)
    }

    /// Asks every framework to leave the agents that it uses and that go away, unless it was asked already or
    /// does not want to be for a time.
    pub(super) fn offer_unavailability(&mut self, now: Duration) {
        if self.maintenance.schedule.windows.is_empty() {
            return;
        }
        let agents = self.agents.iter().filter(|(_, agent)| agent.is_offered());
        let leaving: Vec<(String, v1::Unavailability)> =
            agents.filter_map(|(id, agent)| Some((id.clone(), self.unavailability(agent)?))).collect();
        for framework in self.frameworks.keys().cloned().collect::<Vec<_>>() {
            let mut inverse_offers = Vec::new();
            for (agent, unavailability) in &leaving {
                if self.is_to_be_asked(now, &framework, agent) {
                    inverse_offers.extend(self.inverse_offer(&framework, agent, *unavailability));
                }
            }
            if !inverse_offers.is_empty() {
                let event = Event {
                    r#type: Some(event::Type::InverseOffers.into()),
                    inverse_offers: Some(event::InverseOffers { inverse_offers }),
                    ..Event::default()
                };
                self.framework_event(&framework, event);
            }
        }
    }

    fn is_to_be_asked(&self, now: Duration, id: &str, agent: &str) -> bool {
        let Some(framework) = self.frameworks.get(id).filter(|known| known.connection.is_some()) else {
            return false;
        };
        let uses = framework.tasks.values().any(|task| task.agent == agent && !task.amounts.is_empty())
            || self.offers.values().any(|offer| offer.framework == id && offer.agent == agent);
        let is_asked =
            self.inverse_offers.values().any(|offer| offer.framework == id && offer.agent == agent);
        let is_filtered = framework.inverse_filters.get(agent).is_some_and(|until| *until > now);
        uses && !is_asked && !is_filtered
    }

    fn inverse_offer(
        &mut self,
        framework: &str,
        agent: &str,
        unavailability: v1::Unavailability,
    ) -> Option<v1::InverseOffer> {
        let url = self.agents.get(agent)?.url();
        let number = self.ids.offer();
        let offer = InverseOffer { framework: framework.to_owned(), agent: agent.to_owned() };
        self.inverse_offers.insert(number, offer);
        Some(v1::InverseOffer {
            id: self.ids.offer_id(number),
            url: Some(url),
            framework_id: v1::FrameworkId::new(framework),
            agent_id: Some(v1::AgentId::new(agent)),
            unavailability,
            resources: Vec::new(),
        })
    }

    /// Takes the answer to inverse offers. It is noted for operators and binds nobody.
    pub(super) fn answer_inverse_offers(
        &mut self,
        now: Duration,
        framework: &str,
        ids: &[v1::OfferId],
        filters: Option<&v1::Filters>,
        status: inverse_offer_status::Status,
    ) {
        for id in ids {
            let Some(number) = self.ids.offer_number(id) else {
                continue;
            };
            if self.inverse_offers.get(&number).is_none_or(|offer| offer.framework != framework) {
                continue;
            }
            let Some(offer) = self.inverse_offers.remove(&number) else {
                continue;
            };
            let refusal = self.refusal(filters);
            if let Some(known) = self.frameworks.get_mut(framework)
                && let Some(time) = refusal
            {
                known.inverse_filters.insert(offer.agent.clone(), now.saturating_add(time));
            }
            let framework_id = v1::FrameworkId::new(framework);
            let timestamp = self.time_info(now);
            let statuses = &mut self.maintenance.statuses;
            statuses.retain(|(agent, known)| *agent != offer.agent || known.framework_id != framework_id);
            statuses
                .push((offer.agent, InverseOfferStatus { status: status.into(), framework_id, timestamp }));
        }
    }

    /// Ends inverse offers and tells their frameworks.
    pub(super) fn rescind_inverse_offers(&mut self, ended: impl Fn(&InverseOffer) -> bool) {
        for (number, offer) in self.discard_inverse_offers(ended) {
            let inverse_offer_id = self.ids.offer_id(number);
            let event = Event {
                r#type: Some(event::Type::RescindInverseOffer.into()),
                rescind_inverse_offer: Some(event::RescindInverseOffer { inverse_offer_id }),
                ..Event::default()
            };
            self.framework_event(&offer.framework, event);
        }
    }

    /// Ends inverse offers without a word.
    pub(super) fn discard_inverse_offers(
        &mut self,
        ended: impl Fn(&InverseOffer) -> bool,
    ) -> Vec<(u64, InverseOffer)> {
        let mut gone = Vec::new();
        for (number, offer) in std::mem::take(&mut self.inverse_offers) {
            if ended(&offer) {
                gone.push((number, offer));
            } else {
                self.inverse_offers.insert(number, offer);
            }
        }
        gone
    }

    /// Answers UPDATE_MAINTENANCE_SCHEDULE. The offers of all agents end, also of machines that are not in it.
    pub(super) fn update_schedule(&mut self, now: Duration, schedule: Schedule) -> Answer {
        if let Err(text) = self.check_schedule(&schedule) {
            return Answer::bad_request(text);
        }
        self.rescind_offers(|_| true);
        self.rescind_inverse_offers(|_| true);
        self.maintenance.schedule = schedule;
        self.maintenance.statuses.clear();
        for framework in self.frameworks.values_mut() {
            framework.inverse_filters.clear();
        }
        self.allocate(now);
        Answer::done()
    }

    fn check_schedule(&self, schedule: &Schedule) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for window in &schedule.windows {
            if window.machine_ids.is_empty() {
                return Err("A window of the schedule has no machines".into());
            }
            if window.unavailability.duration.is_some_and(|duration| duration.nanoseconds < 0) {
                return Err("A window of the schedule has a negative duration".into());
            }
            for id in &window.machine_ids {
                check_machine(id)?;
                if !seen.insert(machine_text(id)) {
                    return Err(format!("Machine {} is in the schedule twice", machine_text(id)));
                }
            }
        }
        match self.maintenance.down.iter().find(|id| !seen.contains(&machine_text(id))) {
            Some(id) => Err(format!("Machine {} is down and must stay in the schedule", machine_text(id))),
            None => Ok(()),
        }
    }

    /// Answers START_MAINTENANCE: the machines go down, and their agents are removed.
    pub(super) fn start_maintenance(&mut self, now: Duration, machines: Vec<MachineId>) -> Answer {
        for id in &machines {
            let name = machine_text(id);
            if !self.is_scheduled(id) {
                return Answer::bad_request(format!("Machine {name} is not in the maintenance schedule"));
            }
            if self.is_down(id) {
                return Answer::bad_request(format!("Machine {name} is down already"));
            }
        }
        for id in &machines {
            let known = self.agents.iter().filter(|(_, agent)| agent.is_known() && is_on(agent, id));
            let agents: Vec<(String, String)> =
                known.map(|(id, agent)| (id.clone(), agent.info.hostname.clone())).collect();
            for (agent, hostname) in agents {
                let text = format!("Agent {hostname} removed: Operator initiated 'Machine DOWN'");
                self.end_agent(now, &v1::AgentId::new(agent), Cause::Unregistered, &text);
            }
        }
        self.maintenance.down.extend(machines);
        Answer::done()
    }

    /// Answers STOP_MAINTENANCE: the machines are as if they had never been in the schedule.
    pub(super) fn stop_maintenance(&mut self, machines: &[MachineId]) -> Answer {
        if let Some(id) = machines.iter().find(|id| !self.is_down(id)) {
            return Answer::bad_request(format!("Machine {} is not down", machine_text(id)));
        }
        let stopped = |id: &MachineId| machines.iter().any(|one| machine_text(one) == machine_text(id));
        self.maintenance.down.retain(|id| !stopped(id));
        for window in &mut self.maintenance.schedule.windows {
            window.machine_ids.retain(|id| !stopped(id));
        }
        self.maintenance.schedule.windows.retain(|window| !window.machine_ids.is_empty());
        Answer::done()
    }

    fn is_scheduled(&self, id: &MachineId) -> bool {
        let windows = self.maintenance.schedule.windows.iter();
        windows.flat_map(|window| &window.machine_ids).any(|known| machine_text(known) == machine_text(id))
    }

    fn is_down(&self, id: &MachineId) -> bool {
        self.maintenance.down.iter().any(|known| machine_text(known) == machine_text(id))
    }

    /// Answers GET_MAINTENANCE_SCHEDULE.
    pub fn get_maintenance_schedule(&self) -> v1::master::response::GetMaintenanceSchedule {
        v1::master::response::GetMaintenanceSchedule { schedule: self.maintenance.schedule.clone() }
    }

    /// Answers GET_MAINTENANCE_STATUS: the machines that are to go, with what frameworks said to that, and those
    /// that are down.
    pub fn get_maintenance_status(&self) -> v1::master::response::GetMaintenanceStatus {
        let windows = self.maintenance.schedule.windows.iter();
        let machines = windows.flat_map(|window| &window.machine_ids).filter(|id| !self.is_down(id));
        let draining = machines.map(|id| {
            let here = |agent: &str| self.agents.get(agent).is_some_and(|agent| is_on(agent, id));
            let statuses = self.maintenance.statuses.iter().filter(|(agent, _)| here(agent));
            DrainingMachine { id: id.clone(), statuses: statuses.map(|(_, status)| status.clone()).collect() }
        });
        let status = ClusterStatus {
            draining_machines: draining.collect(),
            down_machines: self.maintenance.down.clone(),
        };
        v1::master::response::GetMaintenanceStatus { status }
    }
}

fn check_machine(id: &MachineId) -> Result<(), String> {
    if id.hostname().is_empty() && id.ip().is_empty() {
        return Err("A machine needs a hostname or an ip".into());
    }
    match id.ip.as_deref().filter(|ip| !ip.is_empty()) {
        Some(ip) if !is_address(ip) => Err(format!("'{ip}' is no ip of a machine")),
        _ => Ok(()),
    }
}

/// Four numbers with points between, or something with colons: no more is known of the second kind here.
fn is_address(ip: &str) -> bool {
    let is_hexadecimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    match ip.contains(':') {
        true => ip.split([':', '.']).all(is_hexadecimal),
        false => ip.split('.').count() == 4 && ip.split('.').all(|part| part.parse::<u8>().is_ok()),
    }
}

/// Whether an agent is on a machine: everything that the id says holds. Host names have no case.
fn is_on(agent: &Agent, id: &MachineId) -> bool {
    let same_name = id.hostname().is_empty() || id.hostname().eq_ignore_ascii_case(&agent.info.hostname);
    let same_ip = id.ip().is_empty() || id.ip() == "127.0.0.1";
    same_name && same_ip
}

fn machine_text(id: &MachineId) -> String {
    let hostname = id.hostname().to_ascii_lowercase();
    match (hostname.is_empty(), id.ip().is_empty()) {
        (false, true) => hostname,
        (true, _) => id.ip().to_owned(),
        (false, false) => format!("{hostname} ({})", id.ip()),
    }
}
