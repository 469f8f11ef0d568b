//! Attributes of agents as constraints see them.

use std::borrow::Cow;

use mesos_proto::v1;
use placement_constraints::Attributes;

/// The attributes of an agent as text, be they from an offer or from the list of a master: text as it is, a
/// scalar as `7` or `7.5`, ranges as `[1-3,8-9]`, a set in order as `{a,b}`. Of two of one name the first
/// counts, as in the master.
///
/// ```
/// use mesos_proto::v1;
/// use placement_constraints::Constraint;
/// use whisk_mesos_factory::AgentAttributes;
///
/// let attributes = [v1::Attribute::parse("generation", "7.0"), v1::Attribute::text("generation", "8")];
/// let constraint = Constraint::parse("generation LIKE 7")?;
/// assert!(constraint.check(&AgentAttributes::new(&attributes)).is_ok());
/// # Ok::<(), placement_constraints::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AgentAttributes<'a>(&'a [v1::Attribute]);

impl<'a> AgentAttributes<'a> {
    /// A view of these attributes.
    pub fn new(attributes: &'a [v1::Attribute]) -> Self {
        Self(attributes)
    }
}

impl Attributes for AgentAttributes<'_> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.iter().find(|attribute| attribute.name == name)?.canonical_text()
    }
}
