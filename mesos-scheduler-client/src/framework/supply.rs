//! What offers hold, in thousandths, and taking parts of it without losing whose it is.

use mesos_proto::v1::{self, Ranges};

use super::spec::TaskSpec;

/// The resources of one or more offers of one agent and role.
///
/// Reservation, allocation and provider of each lot are kept on what is taken from it, because the
/// master treats a resource without them as a different one. Revocable, shared and disk-backed
/// resources (volumes) are left alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Supply {
    lots: Vec<Lot>,
}

#[derive(Clone, Debug)]
struct Lot {
    /// The resource as offered, with its amount taken out.
    kind: v1::Resource,
    amount: Amount,
}

#[derive(Clone, Debug)]
enum Amount {
    Milli(i64),
    Numbers(Ranges),
}

impl Supply {
    /// Adds what an offer holds.
    pub(super) fn add(&mut self, resources: &[v1::Resource]) {
        for resource in resources {
            if resource.revocable.is_some() || resource.shared.is_some() || resource.disk.is_some() {
                continue;
            }
            let mut kind = resource.clone();
            let amount = if let Some(ranges) = kind.ranges.take() {
                Amount::Numbers(Ranges::from_value(&ranges))
            } else if let Some(scalar) = kind.scalar.take() {
                Amount::Milli(v1::milli(scalar.value).max(0))
            } else {
                continue;
            };
            self.lots.push(Lot { kind, amount });
        }
        // What is reserved for the role goes first: nobody else could use it.
        self.lots.sort_by_key(|lot| lot.kind.reserved_role().is_none());
    }

    /// How much of a scalar there is.
    pub(super) fn milli(&self, name: &str) -> i64 {
        let amounts = self.lots.iter().filter(|lot| lot.kind.name == name).map(|lot| match &lot.amount {
            Amount::Milli(milli) => *milli,
            Amount::Numbers(_) => 0,
        });
        // An agent may say anything; what it says must not overflow.
        amounts.fold(0, i64::saturating_add)
    }

    /// How many numbers of a range resource there are.
    pub(super) fn count(&self, name: &str) -> u64 {
        let lots = self.lots.iter().filter(|lot| lot.kind.name == name);
        let counts = lots.map(|lot| match &lot.amount {
            Amount::Milli(_) => 0,
            Amount::Numbers(numbers) => numbers.count(),
        });
        counts.fold(0, u64::saturating_add)
    }

    /// All numbers of a range resource.
    pub(super) fn numbers(&self, name: &str) -> Ranges {
        let mut all = Ranges::default();
        for lot in self.lots.iter().filter(|lot| lot.kind.name == name) {
            if let Amount::Numbers(numbers) = &lot.amount {
                all.add(numbers);
            }
        }
        all
    }

    /// Takes what a task wants, with these ports. The supply has it.
    pub(super) fn take(&mut self, spec: &TaskSpec, host_ports: &[u16]) -> Vec<v1::Resource> {
        let mut resources = Vec::new();
        for (resource, milli) in spec.scalars() {
            resources.extend(self.take_milli(resource, milli).unwrap_or_default());
        }
        if !host_ports.is_empty() {
            resources.extend(self.take_numbers("ports", host_ports));
        }
        resources
    }

    /// Takes so much of a scalar, or nothing if there is less.
    pub(super) fn take_milli(&mut self, name: &str, milli: i64) -> Option<Vec<v1::Resource>> {
        if self.milli(name) < milli {
            return None;
        }
        let mut missing = milli;
        let mut taken = Vec::new();
        for lot in self.lots.iter_mut().filter(|lot| lot.kind.name == name) {
            let Amount::Milli(available) = &mut lot.amount else { continue };
            let part = missing.min(*available);
            if part <= 0 {
                continue;
            }
            *available -= part;
            missing -= part;
            let scalar = v1::value::Scalar { value: part as f64 / 1000.0 };
            taken.push(v1::Resource { scalar: Some(scalar), ..lot.kind.clone() });
        }
        Some(taken)
    }

    /// Takes these numbers of a range resource. Numbers that are not there are left out.
    pub(super) fn take_numbers(&mut self, name: &str, wanted: &[u16]) -> Vec<v1::Resource> {
        let mut taken = Vec::new();
        for lot in self.lots.iter_mut().filter(|lot| lot.kind.name == name) {
            let Amount::Numbers(available) = &mut lot.amount else { continue };
            let mut part = Ranges::default();
            for number in wanted.iter().map(|number| u64::from(*number)) {
                if available.contains_number(number) {
                    part.insert(number, number);
                }
            }
            if !part.is_empty() {
                available.subtract(&part);
                taken.push(v1::Resource { ranges: Some(part.to_value()), ..lot.kind.clone() });
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(mut resource: v1::Resource) -> v1::Resource {
        resource.reservations.push(v1::resource::ReservationInfo {
            role: Some("web".into()),
            ..v1::resource::ReservationInfo::default()
        });
        resource
    }

    #[test]
    fn tenths_add_up_exactly() {
        let mut supply = Supply::default();
        supply.add(&[v1::Resource::scalar_milli("cpus", 300)]);
        for _ in 0..3 {
            assert!(supply.take_milli("cpus", v1::milli(0.1)).is_some());
        }
        assert_eq!(supply.milli("cpus"), 0);
        assert!(supply.take_milli("cpus", 1).is_none());
    }

    #[test]
    fn absurd_amounts_do_no_harm() {
        let scalar = |value| v1::Resource {
            name: "cpus".to_owned(),
            scalar: Some(v1::value::Scalar { value }),
            ..v1::Resource::default()
        };
        let mut supply = Supply::default();
        supply.add(&[scalar(1e300), scalar(1e300), scalar(f64::NAN), scalar(-1e300)]);
        assert!(supply.take_milli("cpus", 1000).is_some());
    }

    #[test]
    fn reserved_lots_are_taken_first_and_keep_their_reservation() {
        let mut supply = Supply::default();
        supply.add(&[
            v1::Resource::scalar_milli("cpus", 2000),
            reserved(v1::Resource::scalar_milli("cpus", 500)),
        ]);
        let taken = supply.take_milli("cpus", 700).unwrap();
        let parts: Vec<(usize, i64)> =
            taken.iter().map(|part| (part.reservations.len(), part.milli())).collect();
        assert_eq!(parts, [(1, 500), (0, 200)]);
        assert_eq!(supply.milli("cpus"), 1800);
    }

    #[test]
    fn volumes_revocable_and_shared_resources_are_not_used() {
        let mut supply = Supply::default();
        let mut volume = v1::Resource::scalar_milli("disk", 1000);
        volume.disk = Some(Box::default());
        let mut revocable = v1::Resource::scalar_milli("cpus", 1000);
        revocable.revocable = Some(v1::resource::RevocableInfo {});
        supply.add(&[volume, revocable]);
        assert_eq!((supply.milli("disk"), supply.milli("cpus")), (0, 0));
    }

    #[test]
    fn taken_ports_leave_the_supply() {
        let mut supply = Supply::default();
        supply.add(&[v1::Resource::ranges("ports", &Ranges::single(31000, 31002))]);
        let taken = supply.take_numbers("ports", &[31001]);
        assert_eq!(Ranges::from_value(taken[0].ranges.as_ref().unwrap()).ranges(), [(31001, 31001)]);
        assert_eq!(supply.numbers("ports").ranges(), [(31000, 31000), (31002, 31002)]);
    }
}
