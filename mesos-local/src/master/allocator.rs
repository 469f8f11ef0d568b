//! Who is offered what: fair shares, filters, suppression.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use mesos_proto::v1::{
    self,
    scheduler::{Event, event},
};

use super::{Master, amounts::Amounts, frameworks::Framework, offers::Offer};

/// Less than this of both is not worth an offer (the default of `--min_allocatable_resources`).
const MIN_CPUS_MILLI: i64 = 10;
const MIN_MEM_MILLI: i64 = 32_000;

/// Refusals that a scheduler asks for without a number, and with a negative one.
const DEFAULT_REFUSE: Duration = Duration::from_secs(5);
/// The longest refusal: 365 days.
const MAX_REFUSE: Duration = Duration::from_secs(31_536_000);

/// A framework refused so much of an agent for a time. More than that passes.
#[derive(Debug)]
pub(super) struct Filter {
    refused: Amounts,
    until: Duration,
}

/// A role of a framework, by when it was granted something last.
type Waiting = BTreeSet<(u64, String, String)>;

impl Master {
    /// Offers everything that is free. Each agent goes as a whole to the role of a framework that
    /// waited longest among those that want it.
    pub(super) fn allocate(&mut self, now: Duration) {
        let mut waiting = self.waiting_roles();
        if waiting.is_empty() {
            return;
        }
        let mut events: BTreeMap<String, Vec<v1::Offer>> = BTreeMap::new();
        let agents: Vec<String> = self
            .agents
            .iter()
            .filter(|(_, agent)| agent.is_registered() && is_allocatable(&agent.available))
            .map(|(id, _)| id.clone())
            .collect();
        for agent in agents {
            let Some(client) =
                waiting.iter().find(|(_, id, role)| self.wants(now, id, role, &agent)).cloned()
            else {
                continue;
            };
            waiting.remove(&client);
            let (_, id, role) = client;
            if let Some(offer) = self.grant(&id, &role, &agent) {
                events.entry(id.clone()).or_default().push(offer);
            }
            waiting.insert((self.turns, id, role));
        }
        for (framework, offers) in events {
            let event = Event {
                r#type: Some(event::Type::Offers.into()),
                offers: Some(event::Offers { offers }),
                ..Event::default()
            };
            self.framework_event(&framework, event);
        }
    }

    fn waiting_roles(&self) -> Waiting {
        let connected = self.frameworks.iter().filter(|(_, framework)| framework.connection.is_some());
        connected
            .flat_map(|(id, framework)| {
                framework.roles.difference(&framework.suppressed).map(move |role| {
                    (framework.turns.get(role).copied().unwrap_or(0), id.clone(), role.clone())
                })
            })
            .collect()
    }

    fn wants(&self, now: Duration, framework: &str, role: &str, agent: &str) -> bool {
        let (Some(framework), Some(agent_state)) = (self.frameworks.get(framework), self.agents.get(agent))
        else {
            return false;
        };
        framework.constraints.allow(role, &agent_state.info)
            && !is_filtered(framework, role, agent, &agent_state.available, now)
    }

    /// Turns everything free on an agent into an offer.
    fn grant(&mut self, framework: &str, role: &str, agent: &str) -> Option<v1::Offer> {
        self.turns += 1;
        let amounts = std::mem::take(&mut self.agents.get_mut(agent)?.available);
        self.frameworks.get_mut(framework)?.turns.insert(role.to_owned(), self.turns);
        let number = self.ids.offer();
        let offer = Offer {
            framework: framework.to_owned(),
            agent: agent.to_owned(),
            role: role.to_owned(),
            amounts,
        };
        let message = self.offer_message(number, &offer);
        self.offers.insert(number, offer);
        message
    }

    /// Keeps an agent from being offered to a role until the refusal is over.
    pub(super) fn refuse(&mut self, now: Duration, offer: &Offer, filters: Option<&v1::Filters>) {
        let Some(time) = self.refusal(filters) else {
            return;
        };
        let Some(framework) = self.frameworks.get_mut(&offer.framework) else {
            return;
        };
        let filter = Filter { refused: offer.amounts.clone(), until: now + time };
        framework.filters.entry((offer.role.clone(), offer.agent.clone())).or_default().push(filter);
    }

    /// How long a refusal lasts, at least one interval; `None` for no refusal.
    fn refusal(&self, filters: Option<&v1::Filters>) -> Option<Duration> {
        let seconds = filters.and_then(|filters| filters.refuse_seconds);
        let time = match seconds {
            Some(0.0) => return None,
            Some(seconds) if seconds > MAX_REFUSE.as_secs_f64() => MAX_REFUSE,
            // Negative numbers and no numbers are as good as none.
            Some(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(DEFAULT_REFUSE),
            None => DEFAULT_REFUSE,
        };
        Some(time.max(self.config.allocation_interval))
    }

    pub(super) fn forget_expired_filters(&mut self, now: Duration) {
        for framework in self.frameworks.values_mut() {
            framework.filters.retain(|_, filters| {
                filters.retain(|filter| filter.until > now);
                !filters.is_empty()
            });
        }
    }

    /// Offers again what was refused, at once.
    pub(super) fn revive(&mut self, now: Duration, id: &str, roles: Vec<String>) {
        let Some(framework) = self.frameworks.get_mut(id) else {
            return;
        };
        let Some(roles) = named_roles(framework, roles) else {
            return;
        };
        framework.suppressed.retain(|role| !roles.contains(role));
        framework.filters.retain(|(role, _), _| !roles.contains(role));
        self.allocate(now);
    }

    /// Offers nothing more; what is offered stays so.
    pub(super) fn suppress(&mut self, id: &str, roles: Vec<String>) {
        if let Some(framework) = self.frameworks.get_mut(id)
            && let Some(mut roles) = named_roles(framework, roles)
        {
            framework.suppressed.append(&mut roles);
        }
    }
}

/// The roles that a call names, all of them if it names none. One wrong role voids the call.
fn named_roles(framework: &Framework, roles: Vec<String>) -> Option<BTreeSet<String>> {
    if roles.is_empty() {
        return Some(framework.roles.clone());
    }
    let roles: BTreeSet<String> = roles.into_iter().collect();
    roles.is_subset(&framework.roles).then_some(roles)
}

fn is_filtered(framework: &Framework, role: &str, agent: &str, free: &Amounts, now: Duration) -> bool {
    framework.filters.get(&(role.to_owned(), agent.to_owned())).is_some_and(|filters| {
        filters.iter().any(|filter| filter.until > now && filter.refused.contains(free))
    })
}

fn is_allocatable(free: &Amounts) -> bool {
    free.scalar("cpus") >= MIN_CPUS_MILLI || free.scalar("mem") >= MIN_MEM_MILLI
}
