//! Agents as offers described them.

use std::{collections::BTreeMap, sync::Arc};

use mesos_proto::v1;

use crate::{
    address::agent_url_of_offer,
    url::{HttpUrl, UrlError},
};

/// What placements on an agent say about it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AgentInfo {
    /// The text of its id.
    pub(super) key: Arc<str>,
    pub(super) id: v1::AgentId,
    pub(super) framework_id: v1::FrameworkId,
    pub(super) hostname: String,
    pub(super) url: Result<HttpUrl, UrlError>,
    /// How it is called in reports.
    pub(super) label: Arc<str>,
}

impl AgentInfo {
    fn of_offer(offer: &v1::Offer) -> Self {
        Self {
            key: offer.agent_id.value.as_str().into(),
            id: offer.agent_id.clone(),
            framework_id: offer.framework_id.clone(),
            hostname: offer.hostname.clone(),
            url: agent_url_of_offer(offer),
            label: format!("{} ({})", offer.hostname, offer.agent_id.value).into(),
        }
    }
}

/// The agents that offers came from, or that tasks are on.
#[derive(Debug, Default)]
pub(super) struct Agents {
    known: BTreeMap<Arc<str>, Arc<AgentInfo>>,
    /// Host name and URL of agents, as the master's records have them.
    described: BTreeMap<Arc<str>, (String, Result<HttpUrl, UrlError>)>,
    /// Agents that the operator wants back.
    maintenance: BTreeMap<Arc<str>, Plan>,
}

/// A planned maintenance.
#[derive(Debug)]
struct Plan {
    unavailability: v1::Unavailability,
    /// The latest inverse offer of it.
    inverse_offer: String,
}

impl Agents {
    /// The agent of an offer. Its description is replaced if it says something new.
    pub(super) fn of_offer(&mut self, offer: &v1::Offer) -> Arc<AgentInfo> {
        if let Some(known) = self.known.get(offer.agent_id.value.as_str())
            && known.hostname == offer.hostname
            && known.framework_id == offer.framework_id
        {
            let url = agent_url_of_offer(offer);
            if known.url == url {
                return known.clone();
            }
        }
        let agent = Arc::new(AgentInfo::of_offer(offer));
        self.known.insert(agent.key.clone(), agent.clone());
        agent
    }

    /// Tells where an agent is that no offer has come from.
    pub(super) fn describe(
        &mut self,
        agent_id: &v1::AgentId,
        hostname: String,
        url: Result<HttpUrl, UrlError>,
    ) {
        self.described.insert(agent_id.value.as_str().into(), (hostname, url));
    }

    /// An agent that a task is on, though no offer of it may ever have come.
    pub(super) fn of_task(
        &mut self,
        framework_id: &v1::FrameworkId,
        agent_id: &v1::AgentId,
    ) -> Arc<AgentInfo> {
        if let Some(known) = self.known.get(agent_id.value.as_str())
            && !(known.hostname.is_empty() && self.described.contains_key(&known.key))
        {
            return known.clone();
        }
        let offer = v1::Offer {
            framework_id: framework_id.clone(),
            agent_id: agent_id.clone(),
            ..v1::Offer::default()
        };
        let mut agent = AgentInfo::of_offer(&offer);
        if let Some((hostname, url)) = self.described.get(agent_id.value.as_str()) {
            agent.hostname.clone_from(hostname);
            agent.url.clone_from(url);
        }
        let agent = Arc::new(agent);
        self.known.insert(agent.key.clone(), agent.clone());
        agent
    }

    /// Takes an inverse offer in; gives the agent that the operator wants back, and whether that is news.
    pub(super) fn add_inverse_offer(&mut self, inverse: &v1::InverseOffer) -> Option<(Arc<str>, bool)> {
        let agent: Arc<str> = inverse.agent_id.as_ref()?.value.as_str().into();
        let plan = Plan { unavailability: inverse.unavailability, inverse_offer: inverse.id.value.clone() };
        let before = self.maintenance.insert(agent.clone(), plan);
        let is_news = before.is_none_or(|before| before.unavailability != inverse.unavailability);
        Some((agent, is_news))
    }

    /// An inverse offer is void. Gives its agent, if it was the last word about it: the operator does not want it back
    /// any more.
    pub(super) fn rescind_inverse_offer(&mut self, id: &str) -> Option<Arc<str>> {
        let (agent, _) = self.maintenance.iter().find(|(_, plan)| plan.inverse_offer == id)?;
        let agent = agent.clone();
        self.maintenance.remove(&agent);
        Some(agent)
    }

    /// An offer says nothing of a plan: it was called off. A master rescinds only inverse offers that nobody answered. Tells
    /// whether there was one.
    pub(super) fn call_off(&mut self, agent: &str) -> bool {
        self.maintenance.remove(agent).is_some()
    }

    /// A new subscription: what was scheduled will be told again.
    pub(super) fn forget_maintenance(&mut self) {
        self.maintenance.clear();
    }
}
