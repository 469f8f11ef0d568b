//! Which task goes to which agent: one round over the waiting tasks and the offers in hand.
//!
//! Offers only shrink during a round. So what refused a class once refuses it to the end of the round, and each class
//! walks the offers of its roles once, from where its last task was placed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
    time::Instant,
};

use super::{
    offers::{Free, Group, GroupId, Offers, Place},
    policy::Packing,
    ports::PortBook,
    queue::{Class, ClassId, Want},
    report::{Refusal, Step, WhyNot},
    supply::Kind,
};

/// One round of matching.
#[derive(Debug)]
pub(super) struct Round {
    now: Instant,
    packing: Packing,
    scans: BTreeMap<ClassId, Scan>,
    /// Groups that tasks were put on in this round, which may have moved behind the walk of another class.
    used: BTreeMap<Arc<str>, BTreeSet<Place>>,
}

/// How far a class has come.
#[derive(Debug, Default)]
struct Scan {
    /// Where its last task went: still the best choice if it fits.
    current: Option<GroupId>,
    /// Index into the roles of the class.
    role: usize,
    /// The last place that was looked at in that role.
    last: Option<Place>,
    /// Groups of the role that were looked at.
    seen: u64,
}

/// A place for a task.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) group: GroupId,
    pub(super) host_ports: Vec<u16>,
}

impl Round {
    pub(super) fn new(now: Instant, packing: Packing) -> Self {
        Self { now, packing, scans: BTreeMap::new(), used: BTreeMap::new() }
    }

    /// A place for the next task of a class. `None`: there is none for any of them in this round, and the class has
    /// the reasons.
    pub(super) fn place(
        &mut self,
        id: ClassId,
        class: &mut Class,
        offers: &Offers,
        ports: &PortBook,
    ) -> Option<Match> {
        let mut scan = self.scans.remove(&id).unwrap_or_default();
        let want = class.want.clone();
        let found = self.walk(&mut scan, &want, &mut class.why, offers, ports);
        if found.is_some() {
            self.scans.insert(id, scan);
        } else {
            count_other_roles(&want, offers, &mut class.why);
        }
        found
    }

    /// A task was put on a group, which had so much left before and has so much now.
    pub(super) fn took(&mut self, role: &Arc<str>, id: GroupId, before: Free, after: Free) {
        let used = self.used.entry(role.clone()).or_default();
        used.remove(&(before, id));
        used.insert((after, id));
    }

    fn walk(
        &self,
        scan: &mut Scan,
        want: &Want,
        why: &mut WhyNot,
        offers: &Offers,
        ports: &PortBook,
    ) -> Option<Match> {
        if let Some(group) = scan.current {
            match self.try_group(group, want, offers, ports) {
                Ok(found) => return Some(found),
                // It was counted as one that fits.
                Err(_full) => scan.current = None,
            }
        }
        while let Some(role) = want.roles.get(scan.role) {
            if let Some(places) = offers.by_free(role) {
                while let Some(place) = self.next_place(places, scan.last, want) {
                    scan.last = Some(place);
                    match self.try_group(place.1, want, offers, ports) {
                        Ok(found) => {
                            self.remember(scan, place.1);
                            return Some(found);
                        }
                        Err(refusal) => {
                            scan.seen += 1;
                            if let Some(group) = offers.get(place.1) {
                                why.refuse(&group.agent.label, refusal);
                            }
                        }
                    }
                }
                if let Some(found) = self.look_behind(role, want, offers, ports) {
                    scan.current = Some(found.group);
                    return Some(found);
                }
                self.count_too_small(places, scan.seen, want, offers, why);
            }
            scan.role += 1;
            scan.last = None;
            scan.seen = 0;
        }
        None
    }

    /// Packing goes on with the group that it took; it is not looked at again. Spreading meets it again further down.
    fn remember(&self, scan: &mut Scan, group: GroupId) {
        match self.packing {
            Packing::Pack => {
                scan.current = Some(group);
                scan.seen += 1;
            }
            Packing::Spread => {}
        }
    }

    /// The next group that may fit: among those with enough cpus the one with the fewest, or the one with the most.
    fn next_place(&self, places: &BTreeSet<Place>, last: Option<Place>, want: &Want) -> Option<Place> {
        let least = (Free { cpus: want.milli("cpus"), mem: i64::MIN }, GroupId::FIRST);
        match self.packing {
            Packing::Pack => {
                let from = last.map_or(Bound::Included(least), Bound::Excluded);
                places.range((from, Bound::Unbounded)).next().copied()
            }
            Packing::Spread => {
                let to = last.map_or(Bound::Unbounded, Bound::Excluded);
                if last.is_some_and(|last| last <= least) {
                    return None;
                }
                places.range((Bound::Included(least), to)).next_back().copied()
            }
        }
    }

    /// Groups that were used in this round may have become smaller than those that this class has walked past, and still
    /// fit. Only packing walks from the small to the large.
    fn look_behind(&self, role: &Arc<str>, want: &Want, offers: &Offers, ports: &PortBook) -> Option<Match> {
        if self.packing == Packing::Spread {
            return None;
        }
        let least = (Free { cpus: want.milli("cpus"), mem: i64::MIN }, GroupId::FIRST);
        let used = self.used.get(role)?.range(least..);
        used.into_iter().find_map(|(_, group)| self.try_group(*group, want, offers, ports).ok())
    }

    /// Groups that the walk left out, since their cpus alone are too few.
    fn count_too_small(
        &self,
        places: &BTreeSet<Place>,
        seen: u64,
        want: &Want,
        offers: &Offers,
        why: &mut WhyNot,
    ) {
        let wanted_milli = want.milli("cpus");
        let bound = (Free { cpus: wanted_milli, mem: i64::MIN }, GroupId::FIRST);
        let too_small = (places.len() as u64).saturating_sub(seen);
        if too_small == 0 {
            return;
        }
        why.count(Step::Resource("cpus"), too_small);
        let mut named = 0;
        for (free, id) in places.range(..bound).rev() {
            if !why.has_room() {
                break;
            }
            if let Some(group) = offers.get(*id) {
                let refusal = Refusal::NotEnough { resource: "cpus", wanted_milli, offered_milli: free.cpus };
                why.remember(&group.agent.label, refusal);
                named += 1;
            }
        }
        why.count_more_agents(too_small.saturating_sub(named));
    }

    fn try_group(
        &self,
        id: GroupId,
        want: &Want,
        offers: &Offers,
        ports: &PortBook,
    ) -> Result<Match, Refusal> {
        let group = offers.get(id).ok_or(Refusal::Maintenance)?;
        let host_ports = fit(self.now, want, group, ports)?;
        Ok(Match { group: id, host_ports })
    }
}

/// The host ports that a task would get in this group, or why it does not fit there.
fn fit(now: Instant, want: &Want, group: &Group, ports: &PortBook) -> Result<Vec<u16>, Refusal> {
    if group.is_unavailable {
        return Err(Refusal::Maintenance);
    }
    for &(resource, wanted_milli) in &want.scalars {
        let offered_milli = Kind::named(resource).map_or(0, |kind| group.supply.milli(kind));
        if offered_milli < wanted_milli {
            return Err(Refusal::NotEnough { resource, wanted_milli, offered_milli });
        }
    }
    let wanted = want.ports.len();
    if wanted > 0 {
        let offered = usize::try_from(group.supply.port_count()).unwrap_or(usize::MAX);
        if offered < wanted {
            return Err(Refusal::NotEnoughPorts { wanted, offered });
        }
    }
    if let Some(eligibility) = &want.eligibility {
        eligibility.check(group.first()).map_err(Refusal::NotEligible)?;
    }
    if wanted == 0 {
        return Ok(Vec::new());
    }
    ports.choose(now, &group.agent.key, &group.supply.ports(), &want.ports)
}

/// Offers of roles that a class does not take.
fn count_other_roles(want: &Want, offers: &Offers, why: &mut WhyNot) {
    for (role, places) in offers.roles().filter(|(role, _)| !want.roles.contains(role)) {
        why.count(Step::Role, places.len() as u64);
        for (_, id) in places {
            if !why.has_room() {
                break;
            }
            if let Some(group) = offers.get(*id) {
                why.remember(&group.agent.label, Refusal::OtherRole { role: role.to_string() });
            }
        }
    }
}

#[cfg(test)]
mod tests;
