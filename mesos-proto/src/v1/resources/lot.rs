//! Amounts of one kind of resource.

use std::collections::BTreeSet;

use super::super::{
    Ranges, Resource, milli,
    resource::disk_info::{Source, source},
    resource_message::is_same_kind,
    value,
};

/// An amount, and what it is of.
#[derive(Clone, Debug)]
pub(super) struct Lot {
    /// The resource without its amount.
    pub(super) kind: Resource,
    pub(super) amount: Amount,
    /// How often it is there. Only of a shared resource there is more than one.
    pub(super) count: usize,
}

/// What an amount of a lot is measured in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// Thousandths, above 0.
    Milli(i64),
    Numbers(Ranges),
    Items(BTreeSet<String>),
}

/// How lots of one kind are added and taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adding {
    /// The amounts are.
    Amounts,
    /// Equal ones are counted.
    Counts,
    /// Each stands for itself.
    Nothing,
}

impl Lot {
    /// Takes a resource apart that has been validated.
    pub(super) fn new(mut resource: Resource) -> Self {
        let (scalar, ranges, set) = (resource.scalar.take(), resource.ranges.take(), resource.set.take());
        let amount = match resource.r#type() {
            value::Type::Scalar => Amount::Milli(scalar.map_or(0, |scalar| milli(scalar.value))),
            value::Type::Ranges => {
                Amount::Numbers(ranges.as_ref().map(Ranges::from_value).unwrap_or_default())
            }
            value::Type::Set | value::Type::Text => {
                Amount::Items(set.map(|set| set.item.into_iter().collect()).unwrap_or_default())
            }
        };
        Self { kind: resource, amount, count: 1 }
    }

    /// Puts it together again.
    pub(super) fn to_resource(&self) -> Resource {
        let mut resource = self.kind.clone();
        match &self.amount {
            Amount::Milli(milli) => {
                resource.scalar = Some(value::Scalar { value: *milli as f64 / 1000.0 });
            }
            Amount::Numbers(numbers) => resource.ranges = Some(numbers.to_value()),
            Amount::Items(items) => resource.set = Some(value::Set { item: items.iter().cloned().collect() }),
        }
        resource
    }

    pub(super) fn is_same_kind(&self, other: &Self) -> bool {
        is_same_kind(&self.kind, &other.kind)
    }

    pub(super) fn is_equal(&self, other: &Self) -> bool {
        self.amount == other.amount && self.is_same_kind(other)
    }

    /// A volume, a mounted disk, a block device and a disk with an id exist once, each as a whole: two of
    /// them do not add up, and no part of one can be taken away.
    pub(super) fn adding(&self) -> Adding {
        if self.kind.shared.is_some() {
            return Adding::Counts;
        }
        let Some(disk) = &self.kind.disk else { return Adding::Amounts };
        let is_whole = |source: &Source| match source.r#type() {
            source::Type::Path => false,
            source::Type::Raw => source.id.is_some(),
            source::Type::Mount | source::Type::Block | source::Type::Unknown => true,
        };
        if disk.persistence.is_some() || disk.source.as_ref().is_some_and(is_whole) {
            return Adding::Nothing;
        }
        Adding::Amounts
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

    pub(super) fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Milli(mine), Self::Milli(other)) => mine >= other,
            (Self::Numbers(mine), Self::Numbers(other)) => mine.contains(other),
            (Self::Items(mine), Self::Items(other)) => mine.is_superset(other),
            (Self::Milli(_) | Self::Numbers(_) | Self::Items(_), _) => false,
        }
    }

    /// Adds an amount of the same kind, and therefore of the same measure.
    pub(super) fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Milli(mine), Self::Milli(other)) => *mine = mine.saturating_add(*other),
            (Self::Numbers(mine), Self::Numbers(other)) => mine.add(other),
            (Self::Items(mine), Self::Items(other)) => mine.extend(other.iter().cloned()),
            (Self::Milli(_) | Self::Numbers(_) | Self::Items(_), _) => {}
        }
    }

    /// Takes an amount away that is contained in this one.
    pub(super) fn subtract(&mut self, other: &Self) {
        match (self, other) {
            (Self::Milli(mine), Self::Milli(other)) => *mine -= other,
            (Self::Numbers(mine), Self::Numbers(other)) => mine.subtract(other),
            (Self::Items(mine), Self::Items(other)) => mine.retain(|item| !other.contains(item)),
            (Self::Milli(_) | Self::Numbers(_) | Self::Items(_), _) => {}
        }
    }
}
