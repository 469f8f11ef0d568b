//! Resources as Mesos writes them in its messages: `cpus(allocated: web):0.5`.

use std::fmt::{self, Write};

use super::super::{
    Labels, Resource, Volume,
    ranges::write_ranges,
    resource::{
        DiskInfo, ReservationInfo,
        disk_info::{Source, source},
    },
    value, volume,
};

/// As Mesos writes it: name, role of the allocation, reservations, disk, `{REV}` if it is revocable, `<SHARED>`
/// if it is shared, then the value. Reservations look the same in either format. The provider is not written.
///
/// What is malformed is written as it is: ranges and sets in their order, and nothing for a missing value.
///
/// ```
/// # use mesos_proto::v1::{Resource, resource::{AllocationInfo, ReservationInfo, reservation_info::Type}};
/// let mut cpus = Resource::scalar_milli("cpus", 1500);
/// assert_eq!(cpus.to_string(), "cpus:1.5");
/// cpus.allocation_info = Some(AllocationInfo { role: Some("web".into()) });
/// cpus.reservations.push(ReservationInfo {
///     r#type: Some(Type::Dynamic.into()),
///     role: Some("web".into()),
///     ..ReservationInfo::default()
/// });
/// assert_eq!(cpus.to_string(), "cpus(allocated: web)(reservations: [(DYNAMIC,web)]):1.5");
/// ```
impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        if let Some(info) = &self.allocation_info {
            write!(formatter, "(allocated: {})", info.role())?;
        }
        let reservations = self.reservation_stack();
        for (number, reservation) in reservations.iter().enumerate() {
            formatter.write_str(if number == 0 { "(reservations: [(" } else { ",(" })?;
            write_reservation(formatter, reservation)?;
            formatter.write_str(if number + 1 == reservations.len() { ")])" } else { ")" })?;
        }
        if let Some(disk) = &self.disk {
            formatter.write_char('[')?;
            write_disk(formatter, disk)?;
            formatter.write_char(']')?;
        }
        if self.revocable.is_some() {
            formatter.write_str("{REV}")?;
        }
        if self.shared.is_some() {
            formatter.write_str("<SHARED>")?;
        }
        formatter.write_char(':')?;
        write_value(formatter, self)
    }
}

fn write_value(to: &mut impl Write, resource: &Resource) -> fmt::Result {
    match value::Type::try_from(resource.r#type) {
        Ok(value::Type::Scalar) => {
            resource.scalar.as_ref().map_or(Ok(()), |scalar| write_scalar(to, scalar.value))
        }
        Ok(value::Type::Ranges) => resource.ranges.as_ref().map_or(Ok(()), |ranges| {
            write_ranges(to, ranges.range.iter().map(|range| (range.begin, range.end)), ", ")
        }),
        Ok(value::Type::Set) => {
            resource.set.as_ref().map_or(Ok(()), |set| write!(to, "{{{}}}", set.item.join(", ")))
        }
        Ok(value::Type::Text) | Err(_) => Ok(()),
    }
}

/// Writes up to three decimals: `4`, `0.5`. What is no finite number is written as `NaN` or `inf`.
pub(in super::super) fn write_scalar(to: &mut impl Write, value: f64) -> fmt::Result {
    if !value.is_finite() {
        return write!(to, "{value}");
    }
    let milli = super::milli(value);
    let sign = if milli < 0 { "-" } else { "" };
    let (whole, rest) = (milli.unsigned_abs() / 1000, milli.unsigned_abs() % 1000);
    match rest {
        0 => write!(to, "{sign}{whole}"),
        _ => write!(to, "{sign}{whole}.{}", format!("{rest:03}").trim_end_matches('0')),
    }
}

fn write_reservation(to: &mut impl Write, reservation: &ReservationInfo) -> fmt::Result {
    write!(to, "{},{}", reservation.r#type().as_str_name(), reservation.role())?;
    if let Some(principal) = &reservation.principal {
        write!(to, ",{principal}")?;
    }
    if let Some(labels) = &reservation.labels {
        to.write_char(',')?;
        write_labels(to, labels)?;
    }
    Ok(())
}

fn write_labels(to: &mut impl Write, labels: &Labels) -> fmt::Result {
    to.write_char('{')?;
    for (number, label) in labels.labels.iter().enumerate() {
        write!(to, "{}{}", if number == 0 { "" } else { ", " }, label.key)?;
        if let Some(value) = &label.value {
            write!(to, ": {value}")?;
        }
    }
    to.write_char('}')
}

fn write_disk(to: &mut impl Write, disk: &DiskInfo) -> fmt::Result {
    if let Some(source) = &disk.source {
        write_source(to, source)?;
    }
    if let Some(persistence) = &disk.persistence {
        write!(to, "{}{}", if disk.source.is_some() { "," } else { "" }, persistence.id)?;
    }
    if let Some(volume) = &disk.volume {
        to.write_char(':')?;
        write_volume(to, volume)?;
    }
    Ok(())
}

/// What a storage plugin gave is named by it; other disks by where they are mounted.
fn write_source(to: &mut impl Write, source: &Source) -> fmt::Result {
    to.write_str(source.r#type().as_str_name())?;
    let root = match source.r#type() {
        source::Type::Unknown => return Ok(()),
        source::Type::Path => source.path.as_ref().and_then(|path| path.root.as_deref()),
        source::Type::Mount => source.mount.as_ref().and_then(|mount| mount.root.as_deref()),
        source::Type::Block | source::Type::Raw => None,
    };
    if source.id.is_some() || source.profile.is_some() {
        return write!(to, "({},{},{})", source.vendor(), source.id(), source.profile());
    }
    root.map_or(Ok(()), |root| write!(to, ":{root}"))
}

fn write_volume(to: &mut impl Write, volume: &Volume) -> fmt::Result {
    let Some(host_path) = &volume.host_path else { return to.write_str(&volume.container_path) };
    write!(to, "{host_path}:{}", volume.container_path)?;
    match volume::Mode::try_from(volume.mode) {
        Ok(volume::Mode::Rw) => to.write_str(":rw"),
        Ok(volume::Mode::Ro) => to.write_str(":ro"),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_have_up_to_three_decimals() {
        for (value, text) in [
            (100.0, "100"),
            (0.1, "0.1"),
            (1.25, "1.25"),
            (0.0, "0"),
            (-0.0, "0"),
            (-1.0, "-1"),
            (-0.005, "-0.005"),
            (0.0001, "0"),
            (0.1 + 0.2, "0.3"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
            (1e300, "9223372036854775.807"),
        ] {
            let mut written = String::new();
            write_scalar(&mut written, value).unwrap();
            assert_eq!(written, text);
        }
    }
}
