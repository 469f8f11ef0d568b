//! Who is offered what: fair shares, filters, suppression.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    time::Duration,
};

use mesos_proto::v1::{
    self,
    framework_info::capability,
    scheduler::{Event, event},
};

use super::{Master, agents::Agent, amounts::Amounts, frameworks::Framework, offers::Offer, timers::Timer};

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
type Client = (u64, String, String);
type Waiting = BTreeSet<Client>;

impl Master {
    /// Offers everything that is free. Each agent goes to the role of a framework that waited longest among
    /// those that want it; what that role cannot use, because it is reserved for others, goes to the next.
    pub(super) fn allocate(&mut self, now: Duration) {
        let mut events: BTreeMap<String, Vec<v1::Offer>> = BTreeMap::new();
        let mut waiting = self.waiting_roles();
        let agents: Vec<String> = self
            .agents
            .iter()
            .filter(|(_, agent)| !waiting.is_empty() && agent.is_offered() && !agent.available.is_empty())
            .map(|(id, _)| id.clone())
            .collect();
        for agent in agents {
            let mut after = Bound::Unbounded;
            while let Some((client, share)) = self.next_client(now, &waiting, after, &agent) {
                waiting.remove(&client);
                let (_, id, role) = client.clone();
                if let Some(offer) = self.grant(now, &id, &role, &agent, share) {
                    events.entry(id.clone()).or_default().push(offer);
                }
                waiting.insert((self.turns, id, role));
                after = Bound::Excluded(client);
            }
        }
        for (framework, offers) in events {
            let event = Event {
                r#type: Some(event::Type::Offers.into()),
                offers: Some(event::Offers { offers }),
                ..Event::default()
            };
            self.framework_event(&framework, event);
        }
        self.offer_unavailability(now);
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

    /// The role that waited longest among those behind `after` that want something of an agent, and what.
    fn next_client(
        &self,
        now: Duration,
        waiting: &Waiting,
        after: Bound<Client>,
        agent: &str,
    ) -> Option<(Client, Amounts)> {
        let agent = self.agents.get(agent).filter(|agent| !agent.available.is_empty())?;
        let mut clients = waiting.range((after, Bound::Unbounded));
        clients.find_map(|client| {
            let (_, framework, role) = client;
            let framework = self.frameworks.get(framework)?;
            Some((client.clone(), self.share(now, framework, role, agent)?))
        })
    }

    /// What a role of a framework would be offered of an agent; `None` if it is not to be offered anything.
    fn share(&self, now: Duration, framework: &Framework, role: &str, agent: &Agent) -> Option<Amounts> {
        if !self.may_see(framework, agent) || !framework.constraints.allow(role, &agent.info) {
            return None;
        }
        let refined = framework.has(capability::Type::ReservationRefinement);
        let share = agent.available.usable_by(role, refined);
        let least = framework.least.get(role).unwrap_or(&self.config.options.min_allocatable_resources);
        let wanted = least.is_met_by(&share) && !is_filtered(framework, role, agent, &share, now);
        wanted.then_some(share)
    }

    /// Whether the capabilities of a framework let it see an agent at all.
    fn may_see(&self, framework: &Framework, agent: &Agent) -> bool {
        let options = &self.config.options;
        let is_remote = match (region(options.domain.as_ref()), region(agent.info.domain.as_ref())) {
            (Some(here), Some(there)) => here != there,
            // Who has no domain counts as local.
            (None, _) | (_, None) => false,
        };
        let has_gpus = options.filter_gpu_resources && agent.total.scalar("gpus") > 0;
        (!is_remote || framework.has(capability::Type::RegionAware))
            && (!has_gpus || framework.has(capability::Type::GpuResources))
    }

    /// Turns a share of what is free on an agent into an offer.
    fn grant(
        &mut self,
        now: Duration,
        framework: &str,
        role: &str,
        agent: &str,
        mut share: Amounts,
    ) -> Option<v1::Offer> {
        self.turns += 1;
        self.agents.get_mut(agent)?.available.subtract(&share);
        self.frameworks.get_mut(framework)?.turns.insert(role.to_owned(), self.turns);
        share.sort();
        let number = self.ids.offer();
        let offer = Offer {
            framework: framework.to_owned(),
            agent: agent.to_owned(),
            role: role.to_owned(),
            amounts: share,
        };
        let message = self.offer_message(number, &offer);
        self.offers.insert(number, offer);
        if let Some(timeout) = self.config.options.offer_timeout {
            self.timers.set(Timer::OfferTimeout(number), now.saturating_add(timeout));
        }
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
    pub(super) fn refusal(&self, filters: Option<&v1::Filters>) -> Option<Duration> {
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
        framework.inverse_filters.clear();
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

fn is_filtered(framework: &Framework, role: &str, agent: &Agent, share: &Amounts, now: Duration) -> bool {
    let id = agent.info.id.as_ref().map_or("", |id| id.value.as_str());
    framework.filters.get(&(role.to_owned(), id.to_owned())).is_some_and(|filters| {
        filters.iter().any(|filter| filter.until > now && filter.refused.contains(share))
    })
}

fn region(domain: Option<&v1::DomainInfo>) -> Option<&str> {
    Some(domain?.fault_domain.as_ref()?.region.name.as_str())
}
