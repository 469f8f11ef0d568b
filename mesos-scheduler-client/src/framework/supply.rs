//! What offers hold, in thousandths, and taking parts of it without losing whose it is.

use mesos_proto::v1::{self, Ranges};

use super::spec::TaskSpec;

/// The resources of one or more offers of one agent and role: how much is left of which.
///
/// Reservation, allocation and provider of each lot are those of the resource that it is of, and are kept on what is taken
/// from it, because the master treats a resource without them as a different one. Revocable, shared and disk-backed
/// resources (volumes) are left alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Supply {
    /// Reserved ones first.
    lots: Vec<Lot>,
}

#[derive(Clone, Debug)]
struct Lot {
    kind: Kind,
    /// Index into the offers, and into the resources of that one.
    offer: usize,
    resource: usize,
    is_reserved: bool,
    amount: Amount,
}

/// The resources that tasks can ask for; no others are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Cpus,
    Mem,
    Disk,
    Gpus,
    Ports,
}

impl Kind {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "cpus" => Some(Self::Cpus),
            "mem" => Some(Self::Mem),
            "disk" => Some(Self::Disk),
            "gpus" => Some(Self::Gpus),
            "ports" => Some(Self::Ports),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
enum Amount {
    Milli(i64),
    Numbers(Ranges),
}

impl Supply {
    /// What these offers hold.
    pub(super) fn of(offers: &[v1::Offer]) -> Self {
        let mut supply = Self::default();
        for (index, offer) in offers.iter().enumerate() {
            supply.add(index, &offer.resources, 0);
        }
        supply
    }

    /// Adds what one more offer holds, of which `offer` is the index, from its resource `first` on.
    pub(super) fn add(&mut self, offer: usize, resources: &[v1::Resource], first: usize) {
        let lots = resources.iter().enumerate().skip(first).filter_map(|(index, resource)| {
            let kind = Kind::named(&resource.name)?;
            if resource.revocable.is_some() || resource.shared.is_some() || resource.disk.is_some() {
                return None;
            }
            let amount = match (&resource.ranges, &resource.scalar) {
                (Some(ranges), _) => Amount::Numbers(Ranges::from_value(ranges)),
                (None, Some(scalar)) => Amount::Milli(v1::milli(scalar.value).max(0)),
                (None, None) => return None,
            };
            let is_reserved = resource.reserved_role().is_some();
            Some(Lot { kind, offer, resource: index, is_reserved, amount })
        });
        self.lots.extend(lots);
        // What is reserved for the role goes first: nobody else could use it.
        self.lots.sort_by_key(|lot| !lot.is_reserved);
    }

    /// How much of a scalar there is.
    pub(super) fn milli(&self, kind: Kind) -> i64 {
        let amounts = self.lots.iter().filter(|lot| lot.kind == kind).map(|lot| match &lot.amount {
            Amount::Milli(milli) => *milli,
            Amount::Numbers(_) => 0,
        });
        // An agent may say anything; what it says must not overflow.
        amounts.fold(0, i64::saturating_add)
    }

    /// How many ports there are.
    pub(super) fn port_count(&self) -> u64 {
        let lots = self.lots.iter().filter(|lot| lot.kind == Kind::Ports);
        let counts = lots.map(|lot| match &lot.amount {
            Amount::Milli(_) => 0,
            Amount::Numbers(numbers) => numbers.count(),
        });
        counts.fold(0, u64::saturating_add)
    }

    /// All ports.
    pub(super) fn ports(&self) -> Ranges {
        let mut all = Ranges::default();
        for lot in self.lots.iter().filter(|lot| lot.kind == Kind::Ports) {
            if let Amount::Numbers(numbers) = &lot.amount {
                all.add(numbers);
            }
        }
        all
    }

    /// Takes what a task wants, with these ports, out of what these offers hold. It is there.
    pub(super) fn take(
        &mut self,
        offers: &[v1::Offer],
        spec: &TaskSpec,
        host_ports: &[u16],
    ) -> Vec<v1::Resource> {
        let mut taken = Vec::new();
        for (name, milli) in spec.scalars() {
            if let Some(kind) = Kind::named(name) {
                self.take_milli(offers, kind, milli, &mut taken);
            }
        }
        if !host_ports.is_empty() {
            self.take_ports(offers, host_ports, &mut taken);
        }
        taken
    }

    /// Takes so much of a scalar; what is not there is left out.
    fn take_milli(&mut self, offers: &[v1::Offer], kind: Kind, milli: i64, taken: &mut Vec<v1::Resource>) {
        let mut missing = milli;
        for lot in self.lots.iter_mut().filter(|lot| lot.kind == kind) {
            let Amount::Milli(available) = &mut lot.amount else { continue };
            let part = missing.min(*available);
            if part <= 0 {
                continue;
            }
            *available -= part;
            missing -= part;
            let scalar = v1::value::Scalar { value: part as f64 / 1000.0 };
            let resource = offers[lot.offer].resources[lot.resource].clone();
            taken.push(v1::Resource { scalar: Some(scalar), ..resource });
        }
    }

    /// Takes these ports; those that are not there are left out.
    fn take_ports(&mut self, offers: &[v1::Offer], wanted: &[u16], taken: &mut Vec<v1::Resource>) {
        for lot in self.lots.iter_mut().filter(|lot| lot.kind == Kind::Ports) {
            let Amount::Numbers(available) = &mut lot.amount else { continue };
            let mut part = Ranges::default();
            for number in wanted.iter().map(|number| u64::from(*number)) {
                if available.contains_number(number) {
                    part.insert(number, number);
                }
            }
            if !part.is_empty() {
                available.subtract(&part);
                let resource = offers[lot.offer].resources[lot.resource].clone();
                taken.push(v1::Resource { ranges: Some(part.to_value()), ..resource });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(resources: Vec<v1::Resource>) -> [v1::Offer; 1] {
        [v1::Offer { resources, ..v1::Offer::default() }]
    }

    fn reserved(mut resource: v1::Resource) -> v1::Resource {
        resource.reservations.push(v1::resource::ReservationInfo {
            role: Some("web".into()),
            ..v1::resource::ReservationInfo::default()
        });
        resource
    }

    fn cpus(milli: i64) -> TaskSpec {
        TaskSpec::command("t", milli, 0, "true")
    }

    #[test]
    fn tenths_add_up_exactly() {
        let offers = offer(vec![v1::Resource::scalar_milli("cpus", 300)]);
        let mut supply = Supply::of(&offers);
        for _ in 0..3 {
            let taken = supply.take(&offers, &cpus(v1::milli(0.1)), &[]);
            assert_eq!(taken.iter().map(v1::Resource::milli).collect::<Vec<_>>(), [100]);
        }
        assert_eq!(supply.milli(Kind::Cpus), 0);
        assert!(supply.take(&offers, &cpus(1), &[]).is_empty());
    }

    #[test]
    fn absurd_amounts_do_no_harm() {
        let scalar = |value| v1::Resource {
            name: "cpus".to_owned(),
            scalar: Some(v1::value::Scalar { value }),
            ..v1::Resource::default()
        };
        let offers = offer(vec![scalar(1e300), scalar(1e300), scalar(f64::NAN), scalar(-1e300)]);
        let mut supply = Supply::of(&offers);
        assert!(supply.milli(Kind::Cpus) > 0);
        assert_eq!(supply.take(&offers, &cpus(1000), &[]).len(), 1);
    }

    #[test]
    fn reserved_lots_are_taken_first_and_keep_their_reservation() {
        let offers = offer(vec![
            v1::Resource::scalar_milli("cpus", 2000),
            reserved(v1::Resource::scalar_milli("cpus", 500)),
        ]);
        let mut supply = Supply::of(&offers);
        let taken = supply.take(&offers, &cpus(700), &[]);
        let parts: Vec<(usize, i64)> =
            taken.iter().map(|part| (part.reservations.len(), part.milli())).collect();
        assert_eq!(parts, [(1, 500), (0, 200)]);
        assert_eq!(supply.milli(Kind::Cpus), 1800);
    }

    #[test]
    fn volumes_revocable_and_shared_resources_are_not_used() {
        let mut volume = v1::Resource::scalar_milli("disk", 1000);
        volume.disk = Some(Box::default());
        let mut revocable = v1::Resource::scalar_milli("cpus", 1000);
        revocable.revocable = Some(v1::resource::RevocableInfo {});
        let supply = Supply::of(&offer(vec![volume, revocable]));
        assert_eq!((supply.milli(Kind::Disk), supply.milli(Kind::Cpus)), (0, 0));
    }

    #[test]
    fn taken_ports_leave_the_supply() {
        let mut offers = offer(vec![v1::Resource::ranges("ports", &Ranges::single(31000, 31002))]).to_vec();
        let mut supply = Supply::of(&offers);
        let taken = supply.take(&offers, &cpus(0), &[31001]);
        assert_eq!(Ranges::from_value(taken[0].ranges.as_ref().unwrap()).ranges(), [(31001, 31001)]);
        assert_eq!(supply.ports().ranges(), [(31000, 31000), (31002, 31002)]);
        offers.extend(offer(vec![v1::Resource::ranges("ports", &Ranges::single(32000, 32000))]));
        supply.add(1, &offers[1].resources, 0);
        assert_eq!(supply.port_count(), 3);
        assert_eq!(supply.take(&offers, &cpus(0), &[31000, 32000]).len(), 2);
    }
}
