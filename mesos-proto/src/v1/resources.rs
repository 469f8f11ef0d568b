//! Resources as a whole: adding, taking away, comparing.

mod lot;
mod parse;

use std::{collections::BTreeSet, fmt};

use self::lot::{Adding, Amount, Lot};
pub use self::parse::{MAX_RESOURCES, MAX_RESOURCES_TEXT, ParseResourcesError};
use super::{InvalidResource, Ranges, Resource};

/// What an offer holds, a task takes or an agent has: valid resources, added up as Mesos adds them up.
///
/// Amounts of the same name are one sum only if everything else about them is the same, too: type,
/// reservations, allocation, disk, provider, and whether they are revocable and shared. Of those,
///
/// - scalars are counted in thousandths, so that nothing drifts;
/// - ranges and sets are united, so that what is added twice is there once;
/// - persistent volumes, disks of type MOUNT and BLOCK, and those of type RAW with an id are never united
///   nor divided;
/// - shared resources (volumes, too) are counted.
///
/// Amounts of nothing are left out. Reservations mean the same in the field `reservations` and in the older
/// fields; messages made of this have the format of the first resource of a kind that came in. Two
/// values are equal whatever the order of what was added. All work takes time in the number of kinds on
/// either side multiplied; an offer has a handful.
///
/// ```
/// use mesos_proto::v1::Resources;
///
/// let offered: Resources = "cpus:4; mem:1024; ports:[31000-32000]".parse()?;
/// let task: Resources = "cpus:0.1; ports:[31000-31001]".parse()?;
/// let rest = offered.checked_sub(&task).expect("the offer holds the task");
/// assert_eq!(rest.to_string(), "cpus:3.9; mem:1024; ports:[31002-32000]");
/// assert_eq!(rest.milli("cpus"), 3900);
/// assert!(rest.checked_sub(&task).is_none(), "the ports are gone");
/// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Without empty ones, and with one at most of a kind whose amounts are added.
    lots: Vec<Lot>,
}

impl Resources {
    /// Adds up those of the resources that are valid, and leaves the others out, as Mesos does. For what
    /// must be valid there is `Resources::try_from`.
    ///
    /// ```
    /// # use mesos_proto::v1::{Resource, Resources};
    /// let received = vec![Resource::scalar_milli("cpus", 500), Resource::scalar_milli("mem", -1)];
    /// assert_eq!(Resources::from_lossy(received).to_string(), "cpus:0.5");
    /// ```
    pub fn from_lossy(resources: impl IntoIterator<Item = Resource>) -> Self {
        let mut all = Self::default();
        for resource in resources {
            // What the master would not count is not counted here either.
            let _invalid = all.insert(resource);
        }
        all
    }

    /// Adds a resource.
    ///
    /// # Errors
    /// The resource is malformed: see [`Resource::validate`]. Nothing is added then.
    ///
    /// ```
    /// # use mesos_proto::v1::{Resource, Resources};
    /// let mut resources = Resources::default();
    /// resources.insert(Resource::scalar_milli("cpus", 100))?;
    /// resources.insert(Resource::scalar_milli("cpus", 200))?;
    /// assert_eq!(resources.to_string(), "cpus:0.3");
    /// # Ok::<(), mesos_proto::v1::InvalidResource>(())
    /// ```
    pub fn insert(&mut self, resource: Resource) -> Result<(), InvalidResource> {
        resource.validate()?;
        self.add_lot(Lot::new(resource));
        Ok(())
    }

    /// Adds other resources. A scalar stops at the largest thousandth of an `i64`.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// let mut resources: Resources = "cpus:0.1;ports:[1-3]".parse()?;
    /// resources.add(&"cpus:0.2;ports:[3-5]".parse()?);
    /// assert_eq!(resources.to_string(), "cpus:0.3; ports:[1-5]");
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn add(&mut self, other: &Self) {
        for lot in &other.lots {
            self.add_lot(lot.clone());
        }
    }

    fn add_lot(&mut self, lot: Lot) {
        if lot.amount.is_empty() {
            return;
        }
        match lot.adding() {
            Adding::Amounts => {
                if let Some(mine) = self.lots.iter_mut().find(|mine| mine.is_same_kind(&lot)) {
                    return mine.amount.add(&lot.amount);
                }
            }
            Adding::Counts => {
                if let Some(mine) = self.lots.iter_mut().find(|mine| mine.is_equal(&lot)) {
                    mine.count = mine.count.saturating_add(lot.count);
                    return;
                }
            }
            Adding::Nothing => {}
        }
        self.lots.push(lot);
    }

    /// What is left without `other`; `None` if it is not contained.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// let offered: Resources = "cpus:4;cpus(web):1".parse()?;
    /// assert_eq!(offered.checked_sub(&"cpus(web):1".parse()?), Some("cpus:4".parse()?));
    /// assert_eq!(offered.checked_sub(&"cpus:5".parse()?), None, "the fifth is reserved");
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        let mut rest = self.clone();
        for lot in &other.lots {
            rest.take_lot(lot)?;
        }
        Some(rest)
    }

    fn take_lot(&mut self, lot: &Lot) -> Option<()> {
        let position = match lot.adding() {
            Adding::Amounts => self.lots.iter().position(|mine| mine.is_same_kind(lot)),
            Adding::Counts | Adding::Nothing => self.lots.iter().position(|mine| mine.is_equal(lot)),
        }?;
        let mine = &mut self.lots[position];
        let is_used_up = match lot.adding() {
            Adding::Amounts if mine.amount.contains(&lot.amount) => {
                mine.amount.subtract(&lot.amount);
                mine.amount.is_empty()
            }
            Adding::Amounts => return None,
            Adding::Counts | Adding::Nothing => {
                mine.count = mine.count.checked_sub(lot.count)?;
                mine.count == 0
            }
        };
        if is_used_up {
            self.lots.remove(position);
        }
        Some(())
    }

    /// Whether all of `other` can be taken away.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// let offered: Resources = "cpus:4;ports:[31000-32000]".parse()?;
    /// assert!(offered.contains(&"cpus:0.1;ports:[31005-31005]".parse()?));
    /// assert!(!offered.contains(&"ports:[32000-32001]".parse()?));
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn contains(&self, other: &Self) -> bool {
        other.lots.iter().all(|lot| match lot.adding() {
            Adding::Amounts => {
                let mine = self.lots.iter().find(|mine| mine.is_same_kind(lot));
                mine.is_some_and(|mine| mine.amount.contains(&lot.amount))
            }
            Adding::Counts | Adding::Nothing => self.count(lot) >= other.count(lot),
        })
    }

    fn count(&self, lot: &Lot) -> usize {
        self.lots.iter().filter(|mine| mine.is_equal(lot)).map(|mine| mine.count).sum()
    }

    /// Whether there is nothing.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// assert!("cpus:0;ports:[]".parse::<Resources>()?.is_empty());
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.lots.is_empty()
    }

    /// The resources one by one: each kind as a whole, a shared one as often as it is there.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// let resources: Resources = "cpus:1;mem:64;cpus:1".parse()?;
    /// assert!(resources.iter().map(|resource| resource.to_string()).eq(["cpus:2", "mem:64"]));
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Resource> + '_ {
        self.lots.iter().flat_map(|lot| (0..lot.count).map(|_| lot.to_resource()))
    }

    /// As the field of a message.
    ///
    /// ```
    /// # use mesos_proto::v1::{Resource, Resources};
    /// let resources: Resources = "cpus:0.5".parse()?;
    /// assert_eq!(resources.to_vec(), [Resource::scalar_milli("cpus", 500)]);
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn to_vec(&self) -> Vec<Resource> {
        self.iter().collect()
    }

    /// Those of the resources for which `keep` is true.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// let offered: Resources = "cpus:4;cpus(web):1".parse()?;
    /// let reserved = offered.filter(|resource| resource.reserved_role() == Some("web"));
    /// assert_eq!((offered.milli("cpus"), reserved.milli("cpus")), (5000, 1000));
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn filter(&self, mut keep: impl FnMut(&Resource) -> bool) -> Self {
        Self { lots: self.lots.iter().filter(|lot| keep(&lot.to_resource())).cloned().collect() }
    }

    /// All thousandths of a scalar, of whatever kind: reserved, revocable or not. A shared one counts once.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// let resources: Resources = "cpus:4;cpus(web):0.5".parse()?;
    /// assert_eq!((resources.milli("cpus"), resources.milli("gpus")), (4500, 0));
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn milli(&self, name: &str) -> i64 {
        self.amounts(name).fold(0, |sum, amount| match amount {
            Amount::Milli(milli) => sum.saturating_add(*milli),
            Amount::Numbers(_) | Amount::Items(_) => sum,
        })
    }

    /// All numbers of a range resource, of whatever kind.
    ///
    /// ```
    /// # use mesos_proto::v1::{Ranges, Resources};
    /// let resources: Resources = "ports:[31000-31002];ports(web):[31003-31005]".parse()?;
    /// assert_eq!(resources.ranges("ports"), Ranges::single(31_000, 31_005));
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn ranges(&self, name: &str) -> Ranges {
        let numbers = self.amounts(name).filter_map(|amount| match amount {
            Amount::Numbers(numbers) => Some(numbers),
            Amount::Milli(_) | Amount::Items(_) => None,
        });
        numbers.flat_map(|numbers| numbers.ranges().iter().copied()).collect()
    }

    /// All items of a set, of whatever kind.
    ///
    /// ```
    /// # use mesos_proto::v1::Resources;
    /// let resources: Resources = "keys:{b,a}".parse()?;
    /// assert!(resources.items("keys").into_iter().eq(["a", "b"]));
    /// # Ok::<(), mesos_proto::v1::ParseResourcesError>(())
    /// ```
    pub fn items(&self, name: &str) -> BTreeSet<&str> {
        let items = self.amounts(name).filter_map(|amount| match amount {
            Amount::Items(items) => Some(items),
            Amount::Milli(_) | Amount::Numbers(_) => None,
        });
        items.flatten().map(String::as_str).collect()
    }

    fn amounts(&self, name: &str) -> impl Iterator<Item = &Amount> {
        self.lots.iter().filter(move |lot| lot.kind.name == name).map(|lot| &lot.amount)
    }
}

/// The same amounts of the same kinds, in whatever order.
impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        self.lots.len() == other.lots.len() && self.contains(other) && other.contains(self)
    }
}

impl Eq for Resources {}

/// Fails at the first resource that is malformed.
impl TryFrom<Vec<Resource>> for Resources {
    type Error = InvalidResource;

    fn try_from(resources: Vec<Resource>) -> Result<Self, InvalidResource> {
        let mut all = Self::default();
        for resource in resources {
            all.insert(resource)?;
        }
        Ok(all)
    }
}

impl From<Resources> for Vec<Resource> {
    fn from(resources: Resources) -> Self {
        resources.to_vec()
    }
}

/// As Mesos writes it: `cpus:4; mem:1024; ports:[31000-32000]`, and `{}` for nothing. Behind a shared
/// resource stands how often it is there: `disk[volume:data]<SHARED>:64<2>`.
impl fmt::Display for Resources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lots.is_empty() {
            return formatter.write_str("{}");
        }
        for (number, lot) in self.lots.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(formatter, "{separator}{}", lot.to_resource())?;
            if lot.adding() == Adding::Counts {
                write!(formatter, "<{}>", lot.count)?;
            }
        }
        Ok(())
    }
}
