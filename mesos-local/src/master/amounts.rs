//! Amounts of unreserved resources: scalars in thousandths, ranges as sets.

#![expect(deprecated, reason = "frameworks without newer capabilities speak by the field `role`")]

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
            let unreserved = resource.reservations.is_empty()
                && resource.reservation.is_none()
                && resource.role.as_deref().is_none_or(|role| role == "*");
            let plain = resource.disk.is_none()
                && resource.revocable.is_none()
                && resource.shared.is_none()
                && resource.provider_id.is_none();
            if !unreserved || !plain {
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

/// A resource as Mesos writes it: `cpus(allocated: web):0.1`, `ports:[31000-31001]`.
pub(super) fn resource_text(resource: &v1::Resource) -> String {
    let mut text = resource.name.clone();
    if let Some(role) = resource.allocation_info.as_ref().and_then(|info| info.role.as_deref()) {
        text += &format!("(allocated: {role})");
    }
    if let Some(role) = resource.role.as_deref().filter(|role| *role != "*") {
        text += &format!("(reserved: {role})");
    }
    if !resource.reservations.is_empty() {
        let stack: Vec<String> = resource
            .reservations
            .iter()
            .map(|entry| {
                format!("({},{})", entry.r#type().as_str_name(), entry.role.as_deref().unwrap_or_default())
            })
            .collect();
        text += &format!("(reservations: [{}])", stack.join(","));
    }
    let value = match resource.r#type() {
        value::Type::Scalar => scalar_text(resource.milli()),
        value::Type::Ranges => {
            let ranges = resource.ranges.as_ref().map(|ranges| ranges.range.as_slice()).unwrap_or_default();
            let ranges: Vec<String> =
                ranges.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
            format!("[{}]", ranges.join(", "))
        }
        value::Type::Set => {
            let items = resource.set.as_ref().map(|set| set.item.join(", ")).unwrap_or_default();
            format!("{{{items}}}")
        }
        value::Type::Text => String::new(),
    };
    format!("{text}:{value}")
}

/// Resources as Mesos writes them, separated by `; `.
pub(super) fn resources_text(resources: &[v1::Resource]) -> String {
    resources.iter().map(resource_text).collect::<Vec<_>>().join("; ")
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

fn scalar_text(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    let (whole, rest) = (milli.unsigned_abs() / 1000, milli.unsigned_abs() % 1000);
    match rest {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{}", format!("{rest:03}").trim_end_matches('0')),
    }
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
    fn amounts_are_written_as_mesos_writes_them() {
        for (milli, text) in
            [(100_000, "100"), (100, "0.1"), (-1000, "-1"), (1250, "1.25"), (0, "0"), (-5, "-0.005")]
        {
            assert_eq!(scalar_text(milli), text);
        }
        let reserved = v1::Resource { role: Some("eng".into()), ..v1::Resource::scalar_milli("cpus", 1000) };
        assert_eq!(Amounts::from_resources(std::slice::from_ref(&reserved)), None);
        assert_eq!(
            resource_text(&allocated(vec![reserved], "web")[0]),
            "cpus(allocated: web)(reserved: eng):1"
        );
    }
}
