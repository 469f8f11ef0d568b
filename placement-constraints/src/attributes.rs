//! Where the values come from.

use std::{
    borrow::{Borrow, Cow},
    collections::BTreeMap,
    hash::{BuildHasher, Hash},
};

/// Attributes of a place, by name.
///
/// Implemented for maps, for slices, arrays and vectors of pairs (the first pair of a name counts), and for
/// closures whose result does not borrow.
///
/// ```
/// use placement_constraints::{Attributes, Constraint};
/// use std::borrow::Cow;
///
/// struct Node {
///     rack: String,
/// }
///
/// impl Attributes for Node {
///     fn get(&self, name: &str) -> Option<Cow<'_, str>> {
///         (name == "rack").then(|| Cow::from(&self.rack))
///     }
/// }
///
/// let constraint = Constraint::parse("rack LIKE r1")?;
/// assert!(constraint.check(&Node { rack: "r1".into() }).is_ok());
/// assert!(constraint.check(&[("rack", "r1"), ("rack", "r2")]).is_ok());
/// assert!(constraint.check(&|name: &str| (name == "rack").then_some("r1")).is_ok());
/// # Ok::<(), placement_constraints::ParseError>(())
/// ```
pub trait Attributes {
    /// The value of an attribute, or `None` if there is no such attribute.
    fn get(&self, name: &str) -> Option<Cow<'_, str>>;
}

impl<K: Borrow<str> + Ord, V: AsRef<str>> Attributes for BTreeMap<K, V> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        Self::get(self, name).map(|value| Cow::from(value.as_ref()))
    }
}

#[expect(clippy::disallowed_types, reason = "callers have such maps; its order plays no role in a look-up")]
impl<K: Borrow<str> + Eq + Hash, V: AsRef<str>, S: BuildHasher> Attributes
    for std::collections::HashMap<K, V, S>
{
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        Self::get(self, name).map(|value| Cow::from(value.as_ref()))
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Attributes for [(K, V)] {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.iter().find(|(key, _)| key.as_ref() == name).map(|(_, value)| Cow::from(value.as_ref()))
    }
}

impl<K: AsRef<str>, V: AsRef<str>, const N: usize> Attributes for [(K, V); N] {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        Attributes::get(self.as_slice(), name)
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Attributes for Vec<(K, V)> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        Attributes::get(self.as_slice(), name)
    }
}

impl<F, R> Attributes for F
where
    F: Fn(&str) -> Option<R>,
    R: Into<Cow<'static, str>>,
{
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self(name).map(Into::into)
    }
}
