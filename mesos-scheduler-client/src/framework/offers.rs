//! Offers in hand.

use std::collections::BTreeMap;

use mesos_proto::v1;

use super::resources::Supply;

/// The offers that the framework holds, none of them spent.
#[derive(Debug, Default)]
pub(super) struct Offers {
    held: BTreeMap<String, v1::Offer>,
}

/// Everything in hand of one agent for one role: one ACCEPT can use it.
#[derive(Debug)]
pub(super) struct AgentOffers {
    pub(super) offers: Vec<v1::Offer>,
    pub(super) supply: Supply,
}

impl Offers {
    pub(super) fn add(&mut self, offer: v1::Offer) {
        self.held.insert(offer.id.value.clone(), offer);
    }

    pub(super) fn remove(&mut self, offer_id: &str) -> Option<v1::Offer> {
        self.held.remove(offer_id)
    }

    /// Drops the offers of an agent that is gone; returns their ids.
    pub(super) fn remove_agent(&mut self, agent_id: &str) -> Vec<String> {
        let of_agent = self.held.values().filter(|offer| offer.agent_id.value == agent_id);
        let ids: Vec<String> = of_agent.map(|offer| offer.id.value.clone()).collect();
        for id in &ids {
            self.held.remove(id);
        }
        ids
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        self.held.keys()
    }

    /// What is in hand, by agent and role.
    pub(super) fn by_agent(&self) -> Vec<AgentOffers> {
        let mut groups: BTreeMap<(&str, Option<&str>), Vec<&v1::Offer>> = BTreeMap::new();
        for offer in self.held.values() {
            let role = offer.allocation_info.as_ref().and_then(|info| info.role.as_deref());
            groups.entry((&offer.agent_id.value, role)).or_default().push(offer);
        }
        let groups = groups.into_values().map(|offers| {
            let mut supply = Supply::default();
            for offer in &offers {
                supply.add(&offer.resources);
            }
            AgentOffers { offers: offers.into_iter().cloned().collect(), supply }
        });
        groups.collect()
    }
}

impl AgentOffers {
    /// The offer that stands for all of them in questions of host, attributes and address.
    pub(super) fn first(&self) -> &v1::Offer {
        self.offers.first().expect("a group is made of at least one offer")
    }

    /// How the agent is called in reports.
    pub(super) fn label(&self) -> String {
        let offer = self.first();
        format!("{} ({})", offer.hostname, offer.agent_id.value)
    }
}
