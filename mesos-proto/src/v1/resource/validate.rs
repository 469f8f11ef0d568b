//! The form that the master asks of a resource.

use std::{collections::BTreeSet, fmt};

use super::{
    super::{
        Resource,
        resource::{DiskInfo, ReservationInfo, disk_info::source, reservation_info},
        value,
    },
    MAX_SCALAR_MILLI, milli,
    role::{is_below, reserving_role_problem},
};

/// A resource that the master would refuse, and what is wrong with it.
///
/// ```
/// # use mesos_proto::v1::Resource;
/// let error = Resource::scalar_milli("cpus", -1000).validate().unwrap_err();
/// assert_eq!(error.to_string(), "invalid resource 'cpus:-1': expected a scalar that is not negative");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidResource {
    resource: String,
    problem: String,
}

impl InvalidResource {
    /// The resource as Mesos writes it, without control characters and cut where it is long.
    ///
    /// ```
    /// # use mesos_proto::v1::{Ranges, Resource};
    /// let error = Resource::ranges("", &Ranges::single(1, 2)).validate().unwrap_err();
    /// assert_eq!(error.resource(), ":[1-2]");
    /// ```
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// What was expected, and what was found where the text of the resource does not show it.
    ///
    /// ```
    /// # use mesos_proto::v1::{Ranges, Resource};
    /// let error = Resource::ranges("", &Ranges::single(1, 2)).validate().unwrap_err();
    /// assert_eq!(error.problem(), "expected a name");
    /// ```
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for InvalidResource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid resource '{}': {}", self.resource, self.problem)
    }
}

impl std::error::Error for InvalidResource {}

/// How many characters of a text are shown in an error.
const SHOWN: usize = 200;

/// A text from elsewhere on one line of an error.
pub(in super::super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (number, character) in text.chars().enumerate() {
        if number == SHOWN {
            shown.push('…');
            break;
        }
        if character.is_control() { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}

impl Resource {
    /// Checks the form: a name; the value that the type names and no other; scalars that are not negative,
    /// do not round to 0 without being 0 and can be counted exactly (see
    /// [`MAX_SCALAR_MILLI`](super::super::MAX_SCALAR_MILLI)); ranges that are not inverted and do not
    /// overlap; no item of a set twice; disks, reservations and sharing as the master takes them.
    ///
    /// Takes time in n log n for n ranges or items.
    ///
    /// # Errors
    /// The first thing that is wrong.
    ///
    /// ```
    /// # use mesos_proto::v1::{Resource, value::Scalar};
    /// assert!(Resource::scalar_milli("cpus", 500).validate().is_ok());
    /// let cpus = Resource { scalar: Some(Scalar { value: f64::NAN }), ..Resource::scalar_milli("cpus", 0) };
    /// assert!(cpus.validate().is_err());
    /// ```
    pub fn validate(&self) -> Result<(), InvalidResource> {
        problem(self).map_err(|problem| InvalidResource { resource: shown(&self.to_string()), problem })
    }
}

fn problem(resource: &Resource) -> Result<(), String> {
    if resource.name.is_empty() {
        return Err("expected a name".into());
    }
    value_problem(resource)?;
    if let Some(disk) = &resource.disk {
        disk_problem(&resource.name, disk)?;
    }
    if resource.shared.is_some() && resource.disk.as_ref().is_none_or(|disk| disk.persistence.is_none()) {
        return Err("expected a persistent volume: nothing else is shared".into());
    }
    reservation_problem(resource)
}

fn value_problem(resource: &Resource) -> Result<(), String> {
    let kind = value::Type::try_from(resource.r#type)
        .map_err(|_| format!("expected a scalar, ranges or a set, the type is {}", resource.r#type))?;
    let values = (&resource.scalar, &resource.ranges, &resource.set);
    match (kind, values) {
        (value::Type::Scalar, (Some(scalar), None, None)) => scalar_problem(scalar.value),
        (value::Type::Ranges, (None, Some(ranges), None)) => ranges_problem(&ranges.range),
        (value::Type::Set, (None, None, Some(set))) => set_problem(&set.item),
        (value::Type::Text, _) => Err("expected a scalar, ranges or a set, the type is TEXT".into()),
        (value::Type::Scalar | value::Type::Ranges | value::Type::Set, _) => {
            Err(format!("expected one value, of the type {}", kind.as_str_name()))
        }
    }
}

/// What is wrong with a scalar; 0 itself passes, and counts for nothing.
pub(in super::super) fn scalar_problem(value: f64) -> Result<(), String> {
    if !value.is_finite() {
        return Err("expected a finite scalar".into());
    }
    if value < 0.0 {
        return Err("expected a scalar that is not negative".into());
    }
    match milli(value) {
        0 if value != 0.0 => Err(format!("expected 0 or at least 0.0005, the scalar is {value:e}")),
        thousandths if thousandths > MAX_SCALAR_MILLI => {
            Err(format!("expected a scalar of {} at most", MAX_SCALAR_MILLI / 1000))
        }
        _ => Ok(()),
    }
}

fn ranges_problem(ranges: &[value::Range]) -> Result<(), String> {
    if let Some(range) = ranges.iter().find(|range| range.begin > range.end) {
        return Err(format!("expected a begin up to the end, not {}-{}", range.begin, range.end));
    }
    let mut pairs: Vec<(u64, u64)> = ranges.iter().map(|range| (range.begin, range.end)).collect();
    pairs.sort_unstable();
    match pairs.windows(2).find(|pair| pair[1].0 <= pair[0].1) {
        None => Ok(()),
        Some(pair) => Err(format!(
            "expected ranges that do not overlap, as {}-{} and {}-{} do",
            pair[0].0, pair[0].1, pair[1].0, pair[1].1
        )),
    }
}

fn set_problem(items: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    match items.iter().find(|item| !seen.insert(*item)) {
        None => Ok(()),
        Some(item) => Err(format!("expected each item once, '{}' is there twice", shown(item))),
    }
}

fn disk_problem(name: &str, disk: &DiskInfo) -> Result<(), String> {
    if name != "disk" {
        return Err("expected no disk for a resource that is not named 'disk'".into());
    }
    let Some(source) = &disk.source else { return Ok(()) };
    match source::Type::try_from(source.r#type) {
        Ok(source::Type::Path | source::Type::Mount) => Ok(()),
        Ok(source::Type::Block | source::Type::Raw) if source.path.is_some() || source.mount.is_some() => {
            Err("expected neither path nor mount with a disk of type BLOCK or RAW".into())
        }
        Ok(source::Type::Block | source::Type::Raw) => Ok(()),
        Ok(source::Type::Unknown) | Err(_) => {
            Err(format!("expected a disk of type PATH, MOUNT, BLOCK or RAW, the type is {}", source.r#type))
        }
    }
}

#[expect(deprecated, reason = "frameworks without newer capabilities send the field `role`")]
fn reservation_problem(resource: &Resource) -> Result<(), String> {
    if resource.reservations.is_empty() {
        return match (resource.role.as_deref(), &resource.reservation) {
            (None | Some("*"), None) => Ok(()),
            (None | Some("*"), Some(_)) => Err("expected a role other than '*' with a reservation".into()),
            (Some(role), reservation) => {
                if reservation.as_ref().is_some_and(|old| old.r#type.is_some() || old.role.is_some()) {
                    return Err("expected neither type nor role in the field 'reservation'".into());
                }
                role_problem(role)
            }
        };
    }
    stack_problem(&resource.reservations)?;
    let (role, reservation) = (resource.role.as_deref(), resource.reservation.as_ref());
    match &resource.reservations[..] {
        // Both formats may be there, if they say the same.
        [only] => {
            let is_dynamic = only.r#type() == reservation_info::Type::Dynamic;
            let same_role = role.is_none_or(|role| role == only.role());
            let same_reservation = reservation.is_none_or(|old| {
                is_dynamic
                    && role.is_some()
                    && old.principal() == only.principal()
                    && old.labels == only.labels
            });
            let both = !is_dynamic || role.is_some() == reservation.is_some();
            if same_role && same_reservation && both {
                Ok(())
            } else {
                Err("expected the fields 'role' and 'reservation' to say what 'reservations' does".into())
            }
        }
        _ if role.is_some() || reservation.is_some() => {
            Err("expected neither 'role' nor 'reservation' with several 'reservations'".into())
        }
        _ => Ok(()),
    }
}

fn stack_problem(stack: &[ReservationInfo]) -> Result<(), String> {
    for (number, reservation) in stack.iter().enumerate() {
        let kind = reservation.r#type.map(reservation_info::Type::try_from);
        match kind {
            Some(Ok(reservation_info::Type::Dynamic)) => {}
            Some(Ok(reservation_info::Type::Static)) if number == 0 => {}
            Some(Ok(reservation_info::Type::Static)) => {
                return Err("expected DYNAMIC reservations behind the first".into());
            }
            None | Some(Ok(reservation_info::Type::Unknown) | Err(_)) => {
                return Err("expected each reservation to be STATIC or DYNAMIC".into());
            }
        }
        role_problem(reservation.role())?;
        let above = number.checked_sub(1).map(|above| stack[above].role());
        if let Some(above) = above.filter(|above| !is_below(reservation.role(), above)) {
            return Err(format!(
                "expected a role below '{}', not '{}'",
                shown(above),
                shown(reservation.role())
            ));
        }
    }
    Ok(())
}

fn role_problem(role: &str) -> Result<(), String> {
    reserving_role_problem(role).map_or(Ok(()), |expected| Err(format!("{expected}, not '{}'", shown(role))))
}
