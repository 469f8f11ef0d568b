//! Amounts of unreserved resources: scalars in thousandths, ranges as sets.

use std::collections::BTreeMap;

use mesos_proto::v1::{self, Ranges, value};

/// What an agent has, an offer holds or a task takes. Holds no empty amounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    scalars: BTreeMap<String, i64>,
    ranges: BTreeMap<String, Ranges>,
}

impl Amounts {
    /// The sum of the resources; `None` if one is reserved, revocable, a volume, a set or of a
    /// provider: agents of this master have no such resources.
    pub(crate) fn from_resources(resources: &[v1::Resource]) -> Option<Self> {
        let mut amounts = Self::default();
        for resource in resources {
            let plain = resource.reservation.is_none()
                && resource.disk.is_none()
                && resource.revocable.is_none()
                && resource.shared.is_none()
                && resource.provider_id.is_none();
            if resource.reserved_role().is_some() || !plain {
                return None;
            }
            match resource.r#type() {
                value::Type::Scalar => amounts.add_scalar(&resource.name, resource.milli()),
                value::Type::Ranges => {
                    let ranges = resource.ranges.as_ref().map(Ranges::from_value).unwrap_or_default();
                    amounts.add_ranges(&resource.name, &ranges);
                }
                value::Type::Set | value::Type::Text => return None,
            }
        }
        Some(amounts)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (name, milli) in &other.scalars {
            self.add_scalar(name, *milli);
        }
        for (name, ranges) in &other.ranges {
            self.add_ranges(name, ranges);
        }
    }

    /// Takes `other` away, which [`Self::contains`] must have found inside.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (name, milli) in &other.scalars {
            self.add_scalar(name, -milli);
        }
        for (name, ranges) in &other.ranges {
            if let Some(mine) = self.ranges.get_mut(name) {
                mine.subtract(ranges);
            }
        }
        self.ranges.retain(|_, ranges| !ranges.is_empty());
    }

    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.scalars.iter().all(|(name, milli)| *milli <= self.scalar(name))
            && other
                .ranges
                .iter()
                .all(|(name, ranges)| self.ranges.get(name).is_some_and(|mine| mine.contains(ranges)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.scalars.is_empty() && self.ranges.is_empty()
    }

    /// Thousandths of a scalar, 0 if there is none.
    pub(crate) fn scalar(&self, name: &str) -> i64 {
        self.scalars.get(name).copied().unwrap_or(0)
    }

    /// As resources in the order of real offers: ranges, then cpus, mem, disk, then others.
    pub(crate) fn to_resources(&self) -> Vec<v1::Resource> {
        let usual = ["cpus", "mem", "disk"];
        let ranges = self.ranges.iter().map(|(name, ranges)| v1::Resource::ranges(name, ranges));
        let first = usual.iter().filter_map(|name| self.scalars.get_key_value(*name));
        let rest = self.scalars.iter().filter(|(name, _)| !usual.contains(&name.as_str()));
        ranges
            .chain(first.chain(rest).map(|(name, milli)| v1::Resource::scalar_milli(name, *milli)))
            .collect()
    }

    fn add_scalar(&mut self, name: &str, milli: i64) {
        // Saturating: a task may ask for any number, and such a sum fits nowhere.
        let sum = self.scalar(name).saturating_add(milli);
        if sum == 0 {
            self.scalars.remove(name);
        } else {
            self.scalars.insert(name.to_owned(), sum);
        }
    }

    fn add_ranges(&mut self, name: &str, ranges: &Ranges) {
        if !ranges.is_empty() {
            self.ranges.entry(name.to_owned()).or_default().add(ranges);
        }
    }
}

/// Resources as Mesos writes them, separated by `; `.
pub(super) fn resources_text(resources: &[v1::Resource]) -> String {
    resources.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The resources with the role that they are allocated to.
pub(super) fn allocated(mut resources: Vec<v1::Resource>, role: &str) -> Vec<v1::Resource> {
    for resource in &mut resources {
        resource
            .allocation_info
            .get_or_insert_with(|| v1::resource::AllocationInfo { role: Some(role.to_owned()) });
    }
    resources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_and_taken_back_is_the_same() {
        let mut all = Amounts::default();
        all.add_scalar("cpus", 4000);
        all.add_ranges("ports", &Ranges::single(31000, 31009));
        let whole = all.clone();
        let mut part = Amounts::default();
        part.add_scalar("cpus", 100);
        part.add_ranges("ports", &Ranges::single(31003, 31004));
        assert!(all.contains(&part));
        all.subtract(&part);
        assert!(!all.contains(&part), "the ports are gone");
        assert_eq!(resources_text(&all.to_resources()), "ports:[31000-31002, 31005-31009]; cpus:3.9");
        all.add(&part);
        assert_eq!(all, whole);
        all.subtract(&whole);
        assert!(all.is_empty());
    }

    #[test]
    #[expect(deprecated, reason = "frameworks without newer capabilities reserve by the field `role`")]
    fn what_is_reserved_is_none_of_the_amounts() {
        let cpus = v1::Resource::scalar_milli("cpus", 1000);
        let reserved = v1::Resource { role: Some("eng".into()), ..cpus.clone() };
        assert_eq!(Amounts::from_resources(&[cpus.clone(), reserved]), None);
        let unreserved = v1::Resource { role: Some("*".into()), ..cpus.clone() };
        let amounts = Amounts::from_resources(&[cpus, unreserved]).unwrap();
        let texts = resources_text(&allocated(amounts.to_resources(), "web"));
        assert_eq!(texts, "cpus(allocated: web):2");
    }
}
