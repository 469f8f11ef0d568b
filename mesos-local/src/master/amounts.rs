//! Amounts of resources: scalars in thousandths, ranges and sets, each by whose it is.

mod lot;

use mesos_proto::v1::{self, resource::ReservationInfo};

use self::lot::{Amount, Lot};

/// What an agent has, an offer holds or a task takes. Holds no empty amounts.
///
/// Amounts of one name are one sum only if they are reserved in the same way. Persistent volumes stay what
/// they are: none is added to another, and none is divided. All work takes time in the number of kinds on
/// either side multiplied; there are a handful.
#[derive(Clone, Debug, Default)]
pub(crate) struct Amounts {
    lots: Vec<Lot>,
}

impl Amounts {
    /// The sum of the resources, whatever they are allocated to; `None` if one is revocable, shared or of a
    /// provider: agents of this master have no such resources.
    pub(crate) fn from_resources(resources: &[v1::Resource]) -> Option<Self> {
        let mut amounts = Self::default();
        for resource in resources {
            amounts.add_lot(Lot::new(resource)?);
        }
        Some(amounts)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for lot in &other.lots {
            self.add_lot(lot.clone());
        }
    }

    fn add_lot(&mut self, lot: Lot) {
        if lot.amount.is_empty() {
            return;
        }
        match self.lots.iter_mut().find(|mine| !lot.is_volume() && mine.is_same_kind(&lot)) {
            Some(mine) => mine.amount.add(&lot.amount),
            None => self.lots.push(lot),
        }
    }

    /// Takes `other` away, which [`Self::contains`] must have found inside.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for lot in &other.lots {
            let Some(position) = self.lots.iter().position(|mine| mine.is_same_kind(lot)) else {
                continue;
            };
            let mine = &mut self.lots[position];
            mine.amount.subtract(&lot.amount);
            if mine.amount.is_empty() {
                self.lots.remove(position);
            }
        }
    }

    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.lots.iter().all(|lot| {
            let mine = self.lots.iter().find(|mine| mine.is_same_kind(lot));
            // The same volume twice is one too many.
            let twice = lot.is_volume() && other.lots.iter().filter(|one| one.is_same_kind(lot)).count() > 1;
            !twice && mine.is_some_and(|mine| mine.holds(lot))
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lots.is_empty()
    }

    /// Thousandths of a scalar, reserved or not, 0 if there is none.
    pub(crate) fn scalar(&self, name: &str) -> i64 {
        self.lots.iter().filter(|lot| lot.name == name).fold(0, |sum, lot| match lot.amount {
            Amount::Milli(milli) => sum.saturating_add(milli),
            Amount::Numbers(_) | Amount::Items(_) => sum,
        })
    }

    /// What a role may use: what nobody reserved, and what is reserved for it or for a role above it. Without
    /// `refined` nothing that was reserved more than once.
    pub(crate) fn usable_by(&self, role: &str, refined: bool) -> Self {
        let usable = |lot: &&Lot| {
            let stack = lot.reservations();
            let Some(innermost) = stack.last() else { return true };
            (refined || stack.len() == 1) && is_role_or_above(innermost.role(), role)
        };
        Self { lots: self.lots.iter().filter(usable).cloned().collect() }
    }

    /// The same amounts without their innermost reservation; `None` if one has none.
    pub(crate) fn without_innermost_reservation(&self) -> Option<Self> {
        let mut amounts = Self::default();
        for lot in &self.lots {
            amounts.add_lot(lot.without_innermost_reservation()?);
        }
        Some(amounts)
    }

    /// The disks below volumes.
    pub(crate) fn without_volumes(&self) -> Self {
        let mut amounts = Self::default();
        for lot in &self.lots {
            amounts.add_lot(lot.without_volume());
        }
        amounts
    }

    /// Whether a role has a persistent volume of this id.
    pub(crate) fn has_volume(&self, id: &str, role: &str) -> bool {
        let of_role = |lot: &Lot| lot.reservations().last().is_some_and(|innermost| innermost.role() == role);
        self.lots.iter().any(|lot| lot.volume_id() == Some(id) && of_role(lot))
    }

    /// Puts the amounts into the order of real offers: ranges, then what is reserved, then sets, cpus, mem,
    /// disk and other scalars.
    pub(crate) fn sort(&mut self) {
        self.lots.sort_by(|one, other| one.place().cmp(&other.place()));
    }

    /// As resources in the newer format, in the order of [`Self::sort`] or of what was added.
    pub(crate) fn to_resources(&self) -> Vec<v1::Resource> {
        self.lots.iter().map(Lot::to_resource).collect()
    }
}

/// The same amounts of the same kinds, in whatever order.
impl PartialEq for Amounts {
    fn eq(&self, other: &Self) -> bool {
        self.lots.len() == other.lots.len() && self.contains(other) && other.contains(self)
    }
}

/// Whether a role is another one or stands above it: `eng` above `eng/dev`.
fn is_role_or_above(role: &str, other: &str) -> bool {
    other.strip_prefix(role).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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

/// The format of frameworks without the capability `RESERVATION_REFINEMENT`. What was reserved more than once
/// cannot be said in it and stays as it is.
#[expect(deprecated, reason = "the older format is made of such fields")]
pub(super) fn in_older_format(mut resource: v1::Resource) -> v1::Resource {
    use v1::resource::reservation_info::Type;

    if resource.reservations.len() > 1 {
        return resource;
    }
    resource.role = Some("*".into());
    if let Some(ReservationInfo { r#type, role, principal, labels }) = resource.reservations.pop() {
        let is_dynamic = r#type == Some(Type::Dynamic.into());
        resource.role = role;
        resource.reservation =
            is_dynamic.then(|| ReservationInfo { principal, labels, ..ReservationInfo::default() });
    }
    resource
}

#[cfg(test)]
mod tests {
    use v1::Resources;

    use super::*;

    fn amounts(text: &str) -> Amounts {
        Amounts::from_resources(&text.parse::<Resources>().unwrap().to_vec()).unwrap()
    }

    fn text(amounts: &Amounts) -> String {
        resources_text(&amounts.to_resources())
    }

    #[test]
    fn what_is_given_and_taken_back_is_the_same() {
        let mut all = amounts("cpus:4;ports:[31000-31009];keys:{a,b}");
        let whole = all.clone();
        let part = amounts("cpus:0.1;ports:[31003-31004];keys:{b}");
        assert!(all.contains(&part));
        all.subtract(&part);
        assert!(!all.contains(&part), "the ports are gone");
        assert_eq!(text(&all), "cpus:3.9; ports:[31000-31002, 31005-31009]; keys:{a}");
        all.add(&part);
        assert_eq!(all, whole);
        all.subtract(&whole);
        assert!(all.is_empty());
    }

    #[test]
    fn offers_list_what_is_reserved_between_ports_and_the_rest() {
        let mut all = amounts("mem:64;bandwidth:1;cpus(web):1;keys:{a};disk:10;cpus:4;ports:[1-2]");
        all.sort();
        let sorted = "ports:[1-2]; cpus(reservations: [(STATIC,web)]):1; keys:{a}; cpus:4; mem:64; disk:10; \
                      bandwidth:1";
        assert_eq!(text(&all), sorted);
    }

    #[test]
    fn a_role_may_use_what_is_reserved_for_it_and_above_it() {
        let mut all = amounts("cpus:1;cpus(eng):2;cpus(eng/dev):3;cpus(engine):4;cpus(web):5");
        all.add(&amounts("mem(reservations: [(STATIC,eng),(DYNAMIC,eng/dev)]):6"));
        for (role, refined, cpus, mem) in [
            ("eng", true, 3000, 0),
            ("eng/dev", true, 6000, 6000),
            ("eng/dev", false, 6000, 0),
            ("*", true, 1000, 0),
        ] {
            let usable = all.usable_by(role, refined);
            assert_eq!((usable.scalar("cpus"), usable.scalar("mem")), (cpus, mem), "{role} {refined}");
        }
    }

    #[test]
    fn reservations_in_either_format_are_the_same() {
        for text in ["cpus(web):1", "cpus(reservations: [(DYNAMIC,web,me)]):1", "cpus:1"] {
            let new = amounts(text);
            let old: Vec<_> = new.to_resources().into_iter().map(in_older_format).collect();
            assert!(old[0].reservations.is_empty());
            assert_eq!(Amounts::from_resources(&old), Some(new));
        }
    }
}
