//! Offers: their message, their use, their end.

use std::{collections::BTreeSet, time::Duration};

use mesos_proto::v1::{
    self,
    framework_info::capability,
    resource::AllocationInfo,
    scheduler::{Event, call, event},
};

use super::{Master, amounts::Amounts, timers::Timer};

/// Everything free on one agent, held for one role of one framework.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) framework: String,
    pub(super) agent: String,
    pub(super) role: String,
    pub(super) amounts: Amounts,
}

impl Master {
    pub(super) fn offer_message(&self, number: u64, offer: &Offer) -> Option<v1::Offer> {
        let framework = self.frameworks.get(&offer.framework)?;
        let agent = self.agents.get(&offer.agent)?;
        let multi_role = framework.has(capability::Type::MultiRole);
        Some(v1::Offer {
            id: self.ids.offer_id(number),
            framework_id: framework.id(),
            agent_id: v1::AgentId::new(offer.agent.clone()),
            hostname: agent.info.hostname.clone(),
            url: Some(agent.url()),
            resources: framework.format(offer.amounts.to_resources(), &offer.role),
            attributes: agent.info.attributes.clone(),
            executor_ids: framework.executor_ids_on(&offer.agent),
            allocation_info: multi_role.then(|| AllocationInfo { role: Some(offer.role.clone()) }),
            domain: agent.info.domain.clone(),
            unavailability: self.unavailability(agent),
        })
    }

    /// Takes offers back. Whose they are is not checked: a real master does not, either.
    pub(super) fn decline(&mut self, now: Duration, decline: &call::Decline) {
        for id in &decline.offer_ids {
            if let Some(offer) = self.take_offer(id) {
                self.give_back(&offer);
                self.refuse(now, &offer, decline.filters.as_ref());
            }
        }
    }

    /// Checks the offers of an ACCEPT and takes them out: one offer that holds all of them.
    ///
    /// # Errors
    /// What is wrong with the list. Its valid offers are used up nevertheless.
    pub(super) fn take_offers(&mut self, framework: &str, ids: &[v1::OfferId]) -> Result<Offer, String> {
        let checked = self.check_offers(framework, ids);
        let taken: Vec<Offer> = ids.iter().filter_map(|id| self.take_offer(id)).collect();
        if let Err(text) = checked {
            for offer in &taken {
                self.give_back(offer);
            }
            return Err(text);
        }
        let mut taken = taken.into_iter();
        let mut pool = taken.next().ok_or_else(|| "No offers specified".to_owned())?;
        for offer in taken {
            pool.amounts.add(&offer.amounts);
        }
        Ok(pool)
    }

    fn check_offers(&self, framework: &str, ids: &[v1::OfferId]) -> Result<(), String> {
        if ids.is_empty() {
            return Err("No offers specified".into());
        }
        let mut seen = BTreeSet::new();
        if let Some(id) = ids.iter().find(|id| !seen.insert(id.value.as_str())) {
            return Err(format!("Duplicate offer {id} in offer list"));
        }
        let mut offers = Vec::with_capacity(ids.len());
        for id in ids {
            let known = self.ids.offer_number(id).and_then(|number| self.offers.get(&number));
            offers.push((id, known.ok_or_else(|| format!("Offer {id} is no longer valid"))?));
        }
        for (id, offer) in &offers {
            if offer.framework != framework {
                return Err(format!(
                    "Offer {id} has invalid framework {} while framework {framework} is expected",
                    offer.framework
                ));
            }
        }
        let Some((_, first)) = offers.first() else {
            return Ok(());
        };
        if let Some((id, other)) = offers.iter().find(|(_, offer)| offer.role != first.role) {
            // The quotes are unbalanced in the text of a real master, too.
            return Err(format!(
                "Aggregated offers must be allocated to the same role. Offer {id} uses role '{} but another \
                 is using role '{}",
                other.role, first.role
            ));
        }
        if let Some((id, other)) = offers.iter().find(|(_, offer)| offer.agent != first.agent) {
            return Err(format!(
                "Aggregated offers must belong to one single agent. Offer {id} uses agent {} and agent {}",
                other.agent, first.agent
            ));
        }
        Ok(())
    }

    fn take_offer(&mut self, id: &v1::OfferId) -> Option<Offer> {
        self.remove_offer(self.ids.offer_number(id)?)
    }

    fn remove_offer(&mut self, number: u64) -> Option<Offer> {
        self.timers.clear(&Timer::OfferTimeout(number));
        self.offers.remove(&number)
    }

    /// An offer was not used in time.
    pub(super) fn expire_offer(&mut self, number: u64) {
        if let Some(offer) = self.remove_offer(number) {
            self.give_back(&offer);
            self.tell_rescinded(number, &offer);
        }
    }

    /// Makes what an offer holds free again.
    pub(super) fn give_back(&mut self, offer: &Offer) {
        if let Some(agent) = self.agents.get_mut(&offer.agent) {
            agent.available.add(&offer.amounts);
        }
    }

    /// Ends offers without telling their frameworks.
    pub(super) fn discard_offers(&mut self, ended: impl Fn(&Offer) -> bool) -> Vec<(u64, Offer)> {
        let numbers: Vec<u64> =
            self.offers.iter().filter(|(_, offer)| ended(offer)).map(|(number, _)| *number).collect();
        let offers: Vec<(u64, Offer)> =
            numbers.into_iter().filter_map(|number| Some((number, self.remove_offer(number)?))).collect();
        for (_, offer) in &offers {
            self.give_back(offer);
        }
        offers
    }

    /// Ends offers and tells their frameworks.
    pub(super) fn rescind_offers(&mut self, ended: impl Fn(&Offer) -> bool) {
        for (number, offer) in self.discard_offers(ended) {
            self.tell_rescinded(number, &offer);
        }
    }

    fn tell_rescinded(&mut self, number: u64, offer: &Offer) {
        let rescind = event::Rescind { offer_id: self.ids.offer_id(number) };
        let event =
            Event { r#type: Some(event::Type::Rescind.into()), rescind: Some(rescind), ..Event::default() };
        self.framework_event(&offer.framework, event);
    }

    /// Rescinds what is offered to roles that a framework no longer has.
    pub(super) fn rescind_offers_of_lost_roles(&mut self, id: &str) {
        let Some(framework) = self.frameworks.get(id) else {
            return;
        };
        let roles = framework.roles.clone();
        self.rescind_offers(|offer| offer.framework == id && !roles.contains(&offer.role));
    }
}
