//! Offers in hand, by agent and role, in the order of what they have left.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use mesos_proto::v1;

use super::{
    agents::AgentInfo,
    supply::{Kind, Supply},
};

/// Names a group of offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupId(u64);

impl GroupId {
    pub(super) const FIRST: Self = Self(0);
}

/// Everything in hand of one agent for one role: one ACCEPT can use it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) agent: Arc<AgentInfo>,
    pub(super) role: Arc<str>,
    /// At least one; the first one stands for all in questions of host, attributes and address.
    pub(super) offers: Vec<v1::Offer>,
    pub(super) supply: Supply,
    /// Whether the operator wants the agent back.
    pub(super) is_unavailable: bool,
    pub(super) expires: Instant,
}

/// How much of cpus and mem is left, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Free {
    pub(super) cpus: i64,
    pub(super) mem: i64,
}

/// A group in the order of what is left.
pub(super) type Place = (Free, GroupId);

/// The offers that the framework holds, none of them spent.
#[derive(Debug, Default)]
pub(super) struct Offers {
    groups: BTreeMap<GroupId, Group>,
    /// The groups of each role, by what they have left.
    by_free: BTreeMap<Arc<str>, BTreeSet<Place>>,
    by_agent: BTreeMap<Arc<str>, BTreeSet<GroupId>>,
    of_offer: BTreeMap<String, GroupId>,
    expiries: BTreeSet<(Instant, GroupId)>,
    next: u64,
}

impl Group {
    pub(super) fn free(&self) -> Free {
        Free { cpus: self.supply.milli(Kind::Cpus), mem: self.supply.milli(Kind::Mem) }
    }

    pub(super) fn first(&self) -> &v1::Offer {
        self.offers.first().expect("a group is made of at least one offer")
    }

    pub(super) fn offer_ids(&self) -> Vec<v1::OfferId> {
        self.offers.iter().map(|offer| offer.id.clone()).collect()
    }
}

impl Offers {
    /// Takes an offer in. Together with others of its agent and role it is held until the first of them expires.
    pub(super) fn add(
        &mut self,
        agent: &Arc<AgentInfo>,
        role: &Arc<str>,
        offer: v1::Offer,
        is_unavailable: bool,
        expires: Instant,
    ) {
        // A master never gives an id twice; one that did must not leave a trace of the first offer.
        self.remove_offer(&offer.id.value);
        let known = self.by_agent.get(&agent.key).into_iter().flatten().copied();
        let known = known.into_iter().find(|id| self.groups.get(id).is_some_and(|group| group.role == *role));
        let id = known.unwrap_or_else(|| {
            self.next += 1;
            GroupId(self.next)
        });
        self.of_offer.insert(offer.id.value.clone(), id);
        match self.take(id) {
            Some(mut group) => {
                group.supply.add(group.offers.len(), &offer.resources, 0);
                group.is_unavailable |= is_unavailable;
                group.offers.push(offer);
                self.put(id, group);
            }
            None => {
                let (agent, role, offers) = (agent.clone(), role.clone(), vec![offer]);
                let supply = Supply::of(&offers);
                self.put(id, Group { agent, role, offers, supply, is_unavailable, expires });
            }
        }
    }

    /// Takes one offer out; the rest of its group stays. Tells whether it was there.
    pub(super) fn remove_offer(&mut self, offer_id: &str) -> bool {
        let Some(id) = self.of_offer.get(offer_id).copied() else { return false };
        let Some(mut group) = self.take(id) else { return false };
        self.of_offer.remove(offer_id);
        group.offers.retain(|offer| offer.id.value != offer_id);
        if !group.offers.is_empty() {
            group.supply = Supply::of(&group.offers);
            self.put(id, group);
        }
        true
    }

    /// Takes a group out, with all of its offers.
    pub(super) fn remove(&mut self, id: GroupId) -> Option<Group> {
        let group = self.take(id)?;
        for offer in &group.offers {
            self.of_offer.remove(&offer.id.value);
        }
        Some(group)
    }

    /// Takes out the groups that came last, until no more offers than these are left; the first of them first.
    pub(super) fn take_surplus(&mut self, keep: usize) -> Vec<Group> {
        let mut surplus = Vec::new();
        if self.len() > 2 * keep {
            // Most of them go: what stays is put into indexes anew.
            let groups = std::mem::take(&mut self.groups);
            self.clear();
            for (id, group) in groups {
                if surplus.is_empty() && self.len() + group.offers.len() <= keep {
                    self.of_offer.extend(group.offers.iter().map(|offer| (offer.id.value.clone(), id)));
                    self.put(id, group);
                } else {
                    surplus.push(group);
                }
            }
        } else {
            while self.len() > keep {
                let Some(group) = self.latest().and_then(|id| self.remove(id)) else { break };
                surplus.push(group);
            }
            surplus.reverse();
        }
        surplus
    }

    /// Forgets the offers of an agent that is gone.
    pub(super) fn remove_agent(&mut self, agent: &str) {
        for id in self.by_agent.get(agent).cloned().unwrap_or_default() {
            self.remove(id);
        }
    }

    /// Marks what is held of an agent that the operator wants back, or no longer does, whatever the offers say.
    pub(super) fn set_unavailable(&mut self, agent: &str, is_unavailable: bool) {
        for id in self.by_agent.get(agent).into_iter().flatten() {
            if let Some(group) = self.groups.get_mut(id) {
                let says_so = group.offers.iter().any(|offer| offer.unavailability.is_some());
                group.is_unavailable = is_unavailable || says_so;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self { next: self.next, ..Self::default() };
    }

    /// A group that is to be given back, if its time is over.
    pub(super) fn expired(&self, now: Instant) -> Option<GroupId> {
        self.expiries.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Offers in hand.
    pub(super) fn len(&self) -> usize {
        self.of_offer.len()
    }

    /// The group that came last.
    fn latest(&self) -> Option<GroupId> {
        self.groups.last_key_value().map(|(id, _)| *id)
    }

    pub(super) fn get(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// The groups of a role, those with the least cpus first, then those with the least mem.
    pub(super) fn by_free(&self, role: &str) -> Option<&BTreeSet<Place>> {
        self.by_free.get(role)
    }

    /// The roles that there are offers of, and how many groups.
    pub(super) fn roles(&self) -> impl Iterator<Item = (&Arc<str>, &BTreeSet<Place>)> {
        self.by_free.iter()
    }

    /// Changes what a group has left; tells what it had before, and what it has now.
    pub(super) fn change<T>(
        &mut self,
        id: GroupId,
        change: impl FnOnce(&mut Group) -> T,
    ) -> Option<(T, Free, Free)> {
        let group = self.groups.get_mut(&id)?;
        let before = group.free();
        let result = change(group);
        let after = group.free();
        if before != after
            && let Some(places) = self.by_free.get_mut(&group.role)
        {
            places.remove(&(before, id));
            places.insert((after, id));
        }
        Some((result, before, after))
    }

    fn take(&mut self, id: GroupId) -> Option<Group> {
        let group = self.groups.remove(&id)?;
        if let Some(places) = self.by_free.get_mut(&group.role) {
            places.remove(&(group.free(), id));
            if places.is_empty() {
                self.by_free.remove(&group.role);
            }
        }
        if let Some(ids) = self.by_agent.get_mut(&group.agent.key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_agent.remove(&group.agent.key);
            }
        }
        self.expiries.remove(&(group.expires, id));
        Some(group)
    }

    fn put(&mut self, id: GroupId, group: Group) {
        self.by_free.entry(group.role.clone()).or_default().insert((group.free(), id));
        self.by_agent.entry(group.agent.key.clone()).or_default().insert(id);
        self.expiries.insert((group.expires, id));
        self.groups.insert(id, group);
    }
}
