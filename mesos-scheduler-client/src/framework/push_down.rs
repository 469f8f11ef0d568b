//! Which offers the master need not make, since no task that waits could take them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mesos_proto::v1::{
    self,
    scheduler::{AttributeConstraint, OfferConstraints, call, offer_constraints},
};
use prost::Message;

use super::queue::Want;

/// A role with more different rules is not constrained: the master checks them for every agent.
const MAX_GROUPS: usize = 100;

/// Constraints that an agent must fulfil together, by their bytes.
type Group = Vec<u8>;
/// The groups of each role, of which an agent must fulfil one; a role that is not there takes every offer.
type Groups = BTreeMap<Arc<str>, BTreeSet<Group>>;

/// What the master knows, and what it should know.
///
/// Constraints go by UPDATE_FRAMEWORK: a master that cannot take them answers with a 400 and all is as it was, while
/// in a SUBSCRIBE they would end the subscription. What it took once, the session says again in later SUBSCRIBEs.
#[derive(Debug)]
pub(super) struct PushDown {
    /// Who the framework is; UPDATE_FRAMEWORK replaces it as a whole. Without it nothing is pushed down.
    info: Option<v1::FrameworkInfo>,
    roles: BTreeMap<Arc<str>, RoleRules>,
    constraints: BTreeMap<Group, Vec<AttributeConstraint>>,
    /// `None` if nobody knows.
    told: Option<Groups>,
    in_flight: Option<Groups>,
    refused: BTreeSet<Group>,
    /// The master refuses whatever is said: to say it again would be refused again.
    is_stopped: bool,
}

/// The rules of the classes that wait for offers of a role, and how many classes have each.
#[derive(Debug, Default)]
struct RoleRules {
    without: usize,
    groups: BTreeMap<Group, usize>,
}

impl PushDown {
    pub(super) fn new() -> Self {
        Self {
            info: None,
            roles: BTreeMap::new(),
            constraints: BTreeMap::new(),
            told: Some(Groups::new()),
            in_flight: None,
            refused: BTreeSet::new(),
            is_stopped: false,
        }
    }

    pub(super) fn enable(&mut self, info: v1::FrameworkInfo) {
        self.info = Some(info);
    }

    /// A class of tasks begins to wait.
    pub(super) fn add(&mut self, want: &Want) {
        if self.info.is_none() {
            return;
        }
        let constraints = constraints_of(want);
        let group = encode(constraints);
        for role in &want.roles {
            let rules = self.roles.entry(role.clone()).or_default();
            if constraints.is_empty() {
                rules.without += 1;
            } else {
                *rules.groups.entry(group.clone()).or_default() += 1;
            }
        }
        if !constraints.is_empty() {
            self.constraints.entry(group).or_insert_with(|| constraints.to_vec());
        }
    }

    /// The last task of a class waits no more.
    pub(super) fn remove(&mut self, want: &Want) {
        if self.info.is_none() {
            return;
        }
        let constraints = constraints_of(want);
        let group = encode(constraints);
        for role in &want.roles {
            let Some(rules) = self.roles.get_mut(role) else { continue };
            if constraints.is_empty() {
                rules.without = rules.without.saturating_sub(1);
            } else if let Some(classes) = rules.groups.get_mut(&group) {
                *classes -= 1;
                if *classes == 0 {
                    rules.groups.remove(&group);
                }
            }
            if rules.without == 0 && rules.groups.is_empty() {
                self.roles.remove(role);
            }
        }
    }

    /// The call that tells the master, if there is something to tell. Roles that nothing waits for keep what they have:
    /// they get no offers anyway.
    pub(super) fn poll(&mut self, suppressed_roles: Vec<String>) -> Option<call::UpdateFramework> {
        let info = self.info.as_ref()?;
        if self.is_stopped || self.in_flight.is_some() || self.roles.is_empty() {
            return None;
        }
        let mut wanted = self.told.clone().unwrap_or_default();
        for (role, rules) in &self.roles {
            let is_useful = rules.without == 0 && rules.groups.len() <= MAX_GROUPS;
            if is_useful && rules.groups.keys().all(|group| !self.refused.contains(group)) {
                wanted.insert(role.clone(), rules.groups.keys().cloned().collect());
            } else {
                wanted.remove(role);
            }
        }
        if self.told.as_ref() == Some(&wanted) {
            return None;
        }
        let update = call::UpdateFramework {
            framework_info: info.clone(),
            suppressed_roles,
            offer_constraints: (!wanted.is_empty()).then(|| self.message(&wanted)),
        };
        self.in_flight = Some(wanted);
        Some(update)
    }

    /// The master took what it was told last.
    pub(super) fn accepted(&mut self) {
        if let Some(told) = self.in_flight.take() {
            let is_used = |group: &Group| {
                told.values().any(|groups| groups.contains(group))
                    || self.roles.values().any(|rules| rules.groups.contains_key(group))
            };
            self.constraints.retain(|group, _| is_used(group));
            self.told = Some(told);
        }
    }

    /// It did not. What it had not taken before is not tried again.
    pub(super) fn refused(&mut self) {
        if let Some(wanted) = self.in_flight.take() {
            let before = self.refused.len();
            let known: BTreeSet<&Group> = self.told.iter().flat_map(BTreeMap::values).flatten().collect();
            self.refused.extend(wanted.values().flatten().filter(|group| !known.contains(group)).cloned());
            self.is_stopped = self.refused.len() == before;
        }
    }

    /// Another subscription, and perhaps another master.
    pub(super) fn resume(&mut self) {
        self.is_stopped = false;
    }

    /// Nobody knows whether it did: it will be told again.
    pub(super) fn lost(&mut self) {
        if self.in_flight.take().is_some() {
            self.told = None;
        }
    }

    fn message(&self, wanted: &Groups) -> OfferConstraints {
        let group = |group: &Group| offer_constraints::role_constraints::Group {
            attribute_constraints: self.constraints.get(group).cloned().unwrap_or_default(),
        };
        let roles = wanted.iter().map(|(role, groups)| {
            let constraints =
                offer_constraints::RoleConstraints { groups: groups.iter().map(group).collect() };
            (role.to_string(), constraints)
        });
        OfferConstraints { role_constraints: roles.collect() }
    }
}

fn constraints_of(want: &Want) -> &[AttributeConstraint] {
    want.eligibility.as_ref().map_or(&[], |eligibility| eligibility.offer_constraints())
}

fn encode(constraints: &[AttributeConstraint]) -> Group {
    let mut bytes = Vec::new();
    for constraint in constraints {
        bytes.extend(constraint.encode_length_delimited_to_vec());
    }
    bytes
}
