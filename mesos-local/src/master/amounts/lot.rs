//! An amount of one kind of resource.

use std::collections::BTreeSet;

use mesos_proto::v1::{
    self, Ranges,
    resource::{DiskInfo, ReservationInfo},
    value,
};

/// An amount, and what it is of.
#[derive(Clone, Debug)]
pub(super) struct Lot {
    pub(super) name: String,
    /// What sets it apart from what anybody may use. Few lots have it, many are kept.
    special: Option<Box<Special>>,
    pub(super) amount: Amount,
}

#[derive(Clone, Debug, Default)]
struct Special {
    /// The outermost first.
    reservations: Vec<ReservationInfo>,
    disk: Option<Box<DiskInfo>>,
}

/// What an amount is measured in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// Thousandths.
    Milli(i64),
    Numbers(Ranges),
    Items(BTreeSet<String>),
}

impl Lot {
    /// `None` if the resource is revocable, shared, of a provider, or of no kind.
    pub(super) fn new(resource: &v1::Resource) -> Option<Self> {
        if resource.revocable.is_some() || resource.shared.is_some() || resource.provider_id.is_some() {
            return None;
        }
        let amount = match resource.r#type() {
            value::Type::Scalar => Amount::Milli(resource.milli()),
            value::Type::Ranges => {
                Amount::Numbers(resource.ranges.as_ref().map(Ranges::from_value).unwrap_or_default())
            }
            value::Type::Set => {
                Amount::Items(resource.set.iter().flat_map(|set| set.item.iter().cloned()).collect())
            }
            value::Type::Text => return None,
        };
        let special =
            Special { reservations: resource.reservation_stack().into_owned(), disk: resource.disk.clone() };
        Some(Self { name: resource.name.clone(), special: special.boxed(), amount })
    }

    pub(super) fn to_resource(&self) -> v1::Resource {
        let mut resource = match &self.amount {
            Amount::Milli(milli) => v1::Resource::scalar_milli(&self.name, *milli),
            Amount::Numbers(ranges) => v1::Resource::ranges(&self.name, ranges),
            Amount::Items(items) => v1::Resource::items(&self.name, items.iter().cloned()),
        };
        if let Some(special) = &self.special {
            resource.reservations.clone_from(&special.reservations);
            resource.disk.clone_from(&special.disk);
        }
        resource
    }

    pub(super) fn reservations(&self) -> &[ReservationInfo] {
        self.special.as_ref().map_or(&[], |special| &special.reservations)
    }

    fn disk(&self) -> Option<&DiskInfo> {
        self.special.as_ref()?.disk.as_deref()
    }

    pub(super) fn volume_id(&self) -> Option<&str> {
        self.disk()?.persistence.as_ref().map(|persistence| persistence.id.as_str())
    }

    /// A persistent volume exists once and as a whole.
    pub(super) fn is_volume(&self) -> bool {
        self.volume_id().is_some()
    }

    /// The mount point of a volume says how a task uses it and not which one it is, and so does the principal
    /// who made it.
    pub(super) fn is_same_kind(&self, other: &Self) -> bool {
        self.name == other.name
            && self.amount.is_same_measure(&other.amount)
            && self.reservations() == other.reservations()
            && self.volume_id() == other.volume_id()
            && self.disk().and_then(|disk| disk.source.as_ref())
                == other.disk().and_then(|disk| disk.source.as_ref())
    }

    /// Whether a lot of the same kind can be taken out of this one.
    pub(super) fn holds(&self, other: &Self) -> bool {
        if self.is_volume() { self.amount == other.amount } else { self.amount.contains(&other.amount) }
    }

    pub(super) fn without_innermost_reservation(&self) -> Option<Self> {
        let mut special = self.special.as_deref().cloned()?;
        special.reservations.pop()?;
        Some(Self { special: special.boxed(), ..self.clone() })
    }

    pub(super) fn without_volume(&self) -> Self {
        let mut special = self.special.as_deref().cloned().unwrap_or_default();
        if let Some(disk) = &mut special.disk {
            disk.persistence = None;
            disk.volume = None;
        }
        special.disk = special.disk.filter(|disk| **disk != DiskInfo::default());
        Self { special: special.boxed(), ..self.clone() }
    }

    /// Where it stands in an offer.
    pub(super) fn place(&self) -> (u8, Vec<&str>, u8, &str) {
        let usual = match (&self.amount, self.name.as_str()) {
            (Amount::Numbers(_), _) => 0,
            (Amount::Items(_), _) => 1,
            (Amount::Milli(_), "cpus") => 2,
            (Amount::Milli(_), "mem") => 3,
            (Amount::Milli(_), "disk") => 4,
            (Amount::Milli(_), _) => 5,
        };
        let roles: Vec<&str> = self.reservations().iter().map(ReservationInfo::role).collect();
        let group = match &self.amount {
            _ if !roles.is_empty() => 1,
            Amount::Numbers(_) => 0,
            Amount::Milli(_) | Amount::Items(_) => 2,
        };
        (group, roles, usual, &self.name)
    }
}

impl Special {
    fn boxed(self) -> Option<Box<Self>> {
        (!self.reservations.is_empty() || self.disk.is_some()).then(|| Box::new(self))
    }
}

impl Amount {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Milli(milli) => *milli == 0,
            Self::Numbers(numbers) => numbers.is_empty(),
            Self::Items(items) => items.is_empty(),
        }
    }

    fn is_same_measure(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Milli(mine), Self::Milli(other)) => mine >= other,
            (Self::Numbers(mine), Self::Numbers(other)) => mine.contains(other),
            (Self::Items(mine), Self::Items(other)) => mine.is_superset(other),
            (Self::Milli(_) | Self::Numbers(_) | Self::Items(_), _) => false,
        }
    }

    /// Adds an amount of the same measure.
    pub(super) fn add(&mut self, other: &Self) {
        match (self, other) {
            // Saturating: a task may ask for any number, and such a sum fits nowhere.
            (Self::Milli(mine), Self::Milli(other)) => *mine = mine.saturating_add(*other),
            (Self::Numbers(mine), Self::Numbers(other)) => mine.add(other),
            (Self::Items(mine), Self::Items(other)) => mine.extend(other.iter().cloned()),
            (Self::Milli(_) | Self::Numbers(_) | Self::Items(_), _) => {}
        }
    }

    /// Takes an amount of the same measure away that is contained in this one.
    pub(super) fn subtract(&mut self, other: &Self) {
        match (self, other) {
            (Self::Milli(mine), Self::Milli(other)) => *mine = mine.saturating_sub(*other),
            (Self::Numbers(mine), Self::Numbers(other)) => mine.subtract(other),
            (Self::Items(mine), Self::Items(other)) => mine.retain(|item| !other.contains(item)),
            (Self::Milli(_) | Self::Numbers(_) | Self::Items(_), _) => {}
        }
    }
}
