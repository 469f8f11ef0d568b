//! One resource: amounts in thousandths, whose it is, and its form.

#[path = "resource/identity.rs"]
mod identity;
#[path = "resource/role.rs"]
mod role;
#[path = "resource/text.rs"]
mod text;
#[path = "resource/validate.rs"]
mod validate;

use std::borrow::Cow;

use super::{
    Ranges, Resource,
    resource::{ReservationInfo, reservation_info},
    value,
};

pub use self::validate::InvalidResource;
pub(super) use self::{
    identity::is_same_kind,
    role::reserving_role_problem,
    text::write_scalar,
    validate::{scalar_problem, shown},
};

/// The largest scalar that is counted, in thousandths. A double holds every thousandth up to here, so that
/// nothing is lost on the way through a message. As megabytes of a disk it is more than two exabytes.
pub const MAX_SCALAR_MILLI: i64 = 1 << 51;

/// A scalar in thousandths, rounded as Mesos rounds (half of one away from zero): everything compares and
/// adds up on this integer. NaN is 0, and what is beyond the integer is its largest or smallest value.
///
/// ```
/// # use mesos_proto::v1::milli;
/// assert_eq!(milli(0.1) + milli(0.2), milli(0.3));
/// assert_eq!(milli(1.0004), 1000);
/// assert_eq!(milli(f64::NAN), 0);
/// ```
pub fn milli(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

impl Resource {
    /// A scalar of so many thousandths, unreserved.
    ///
    /// ```
    /// # use mesos_proto::v1::Resource;
    /// assert_eq!(Resource::scalar_milli("cpus", 500).to_string(), "cpus:0.5");
    /// ```
    pub fn scalar_milli(name: impl Into<String>, milli: i64) -> Self {
        Self {
            name: name.into(),
            r#type: value::Type::Scalar.into(),
            scalar: Some(value::Scalar { value: milli as f64 / 1000.0 }),
            ..Self::default()
        }
    }

    /// Ranges of numbers, unreserved.
    ///
    /// ```
    /// # use mesos_proto::v1::{Ranges, Resource};
    /// let ports = Resource::ranges("ports", &Ranges::single(31_000, 32_000));
    /// assert_eq!(ports.to_string(), "ports:[31000-32000]");
    /// ```
    pub fn ranges(name: impl Into<String>, ranges: &Ranges) -> Self {
        Self {
            name: name.into(),
            r#type: value::Type::Ranges.into(),
            ranges: Some(ranges.to_value()),
            ..Self::default()
        }
    }

    /// A set of texts, unreserved. Mesos takes each of them once.
    ///
    /// ```
    /// # use mesos_proto::v1::Resource;
    /// assert_eq!(Resource::items("keys", ["a", "b"]).to_string(), "keys:{a, b}");
    /// ```
    pub fn items<T: Into<String>>(name: impl Into<String>, items: impl IntoIterator<Item = T>) -> Self {
        Self {
            name: name.into(),
            r#type: value::Type::Set.into(),
            set: Some(value::Set { item: items.into_iter().map(Into::into).collect() }),
            ..Self::default()
        }
    }

    /// The amount in thousandths, 0 if this is no scalar.
    ///
    /// ```
    /// # use mesos_proto::v1::Resource;
    /// assert_eq!(Resource::scalar_milli("mem", 64_000).milli(), 64_000);
    /// ```
    pub fn milli(&self) -> i64 {
        self.scalar.as_ref().map_or(0, |scalar| milli(scalar.value))
    }

    /// The reservations, outermost first, whichever of the two formats they come in; empty if unreserved.
    ///
    /// Frameworks with the capability `RESERVATION_REFINEMENT` get the field `reservations`. Others get the
    /// fields `role` and, where the reservation was made while the agent ran, `reservation`.
    ///
    /// ```
    /// # use mesos_proto::v1::{Resource, resource::reservation_info::Type};
    /// # #[allow(deprecated)]
    /// let old = Resource { role: Some("eng".into()), ..Resource::scalar_milli("cpus", 4000) };
    /// let stack = old.reservation_stack();
    /// assert_eq!((stack.len(), stack[0].r#type(), stack[0].role()), (1, Type::Static, "eng"));
    /// assert!(Resource::scalar_milli("cpus", 4000).reservation_stack().is_empty());
    /// ```
    #[expect(deprecated, reason = "frameworks without newer capabilities get the field `role`")]
    pub fn reservation_stack(&self) -> Cow<'_, [ReservationInfo]> {
        if !self.reservations.is_empty() {
            return Cow::Borrowed(&self.reservations);
        }
        let Some(role) = self.role.as_deref().filter(|role| *role != "*") else {
            return Cow::Borrowed(&[]);
        };
        let kind = match self.reservation {
            Some(_) => reservation_info::Type::Dynamic,
            None => reservation_info::Type::Static,
        };
        Cow::Owned(vec![ReservationInfo {
            r#type: Some(kind.into()),
            role: Some(role.to_owned()),
            ..self.reservation.clone().unwrap_or_default()
        }])
    }

    /// The role that may use this resource, the innermost of the reservations; `None` if unreserved.
    ///
    /// This is another thing than the role that it was offered to, [`Resource::allocated_role`].
    ///
    /// ```
    /// # use mesos_proto::v1::{Resource, resource::ReservationInfo};
    /// let mut cpus = Resource::scalar_milli("cpus", 4000);
    /// assert_eq!(cpus.reserved_role(), None);
    /// for role in ["eng", "eng/dev"] {
    ///     cpus.reservations.push(ReservationInfo { role: Some(role.into()), ..ReservationInfo::default() });
    /// }
    /// assert_eq!(cpus.reserved_role(), Some("eng/dev"));
    /// ```
    #[expect(deprecated, reason = "frameworks without newer capabilities get the field `role`")]
    pub fn reserved_role(&self) -> Option<&str> {
        match self.reservations.last() {
            Some(innermost) => Some(innermost.role()),
            None => self.role.as_deref().filter(|role| *role != "*"),
        }
    }

    /// The role of the framework that this was offered to; `None` if that is not said, as in what an agent
    /// has, and in offers to frameworks without the capability `MULTI_ROLE`.
    ///
    /// ```
    /// # use mesos_proto::v1::{Resource, resource::AllocationInfo};
    /// let mut cpus = Resource::scalar_milli("cpus", 4000);
    /// assert_eq!(cpus.allocated_role(), None);
    /// cpus.allocation_info = Some(AllocationInfo { role: Some("web".into()) });
    /// assert_eq!(cpus.allocated_role(), Some("web"));
    /// ```
    pub fn allocated_role(&self) -> Option<&str> {
        self.allocation_info.as_ref()?.role.as_deref()
    }
}
