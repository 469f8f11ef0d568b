//! What makes two resources amounts of the same.

use super::super::{
    Labels, Resource,
    resource::{DiskInfo, ReservationInfo, disk_info::Source},
};

/// Whether two resources differ in nothing but their amount: name, type, reservations (in either format),
/// allocation, disk, provider, and whether they are revocable and shared.
pub(in super::super) fn is_same_kind(left: &Resource, right: &Resource) -> bool {
    left.name == right.name
        && left.r#type == right.r#type
        && left.provider_id == right.provider_id
        && left.allocation_info == right.allocation_info
        && left.revocable.is_some() == right.revocable.is_some()
        && left.shared.is_some() == right.shared.is_some()
        && is_same_option(left.disk.as_deref(), right.disk.as_deref(), is_same_disk)
        && is_same_stack(&left.reservation_stack(), &right.reservation_stack())
}

fn is_same_option<T>(left: Option<&T>, right: Option<&T>, is_same: impl Fn(&T, &T) -> bool) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => is_same(left, right),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn is_same_stack(left: &[ReservationInfo], right: &[ReservationInfo]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| {
            left.r#type == right.r#type
                && left.role == right.role
                && left.principal == right.principal
                && is_same_option(left.labels.as_ref(), right.labels.as_ref(), is_same_labels)
        })
}

/// The volume is left out, since it says how a task uses the disk and not which disk it is. So is the
/// principal that made a persistent volume: its id alone names it.
fn is_same_disk(left: &DiskInfo, right: &DiskInfo) -> bool {
    let (left_id, right_id) = (volume_id(left), volume_id(right));
    left_id == right_id && is_same_option(left.source.as_ref(), right.source.as_ref(), is_same_source)
}

fn is_same_source(left: &Source, right: &Source) -> bool {
    left.r#type == right.r#type
        && left.path == right.path
        && left.mount == right.mount
        && left.vendor == right.vendor
        && left.id == right.id
        && left.profile == right.profile
        && is_same_option(left.metadata.as_ref(), right.metadata.as_ref(), is_same_labels)
}

/// The order of labels means nothing.
fn is_same_labels(left: &Labels, right: &Labels) -> bool {
    fn sorted(labels: &Labels) -> Vec<(&str, Option<&str>)> {
        let texts = labels.labels.iter().map(|label| (label.key.as_str(), label.value.as_deref()));
        let mut texts: Vec<_> = texts.collect();
        texts.sort_unstable();
        texts
    }
    left.labels.len() == right.labels.len() && sorted(left) == sorted(right)
}

fn volume_id(disk: &DiskInfo) -> Option<&str> {
    disk.persistence.as_ref().map(|persistence| persistence.id.as_str())
}
