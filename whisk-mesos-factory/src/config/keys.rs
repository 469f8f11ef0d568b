//! Every key that is read: its name, what may be said, what holds if nothing is said, and whether it has an effect.

mod mesos;
mod neighbours;

/// What may be said under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A text that is not empty.
    Name,
    /// A text that is not shown.
    Secret,
    /// A list of masters or `zk://`.
    Masters,
    /// `http://` or `https://`.
    WebUrl,
    /// Registry of images, perhaps with a path; no scheme.
    Registry,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count { least: u64, most: u64 },
    /// A number that may have a fraction.
    Cpus,
    /// A time with a unit.
    Duration { may_be_zero: bool },
    /// Bytes, with a unit.
    Size,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A path of a file or folder.
    Path,
    /// A list of rules.
    Constraints,
    /// A list of texts.
    Texts,
    /// A list of IP addresses.
    Addresses,
    /// A list of `NAME=VALUE`.
    Variables,
    /// Names, and a list of texts for each.
    TextsByName,
}

/// What a key does in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Used,
    /// It is read and checked; who sets it is told that nothing follows.
    Unused,
    /// Any other value than this one is refused when containers are to be made.
    Only(&'static str),
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// As HOCON. `None` for a key that may be absent.
    pub(super) default: Option<&'static str>,
    /// For people, in Markdown.
    pub(super) about: &'static str,
    pub(super) effect: Effect,
    /// Whether the old factory of OpenWhisk did not have it.
    pub(super) is_new: bool,
}

/// A name that was documented, or in use for a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct OldName {
    pub(super) path: &'static str,
    pub(super) means: &'static str,
    /// Whether it is a number of seconds.
    pub(super) in_seconds: bool,
}

pub(super) const OLD_NAMES: [OldName; 3] = [
    OldName {
        path: "whisk.mesos.master-url-public",
        means: "whisk.mesos.master-public-url",
        in_seconds: false,
    },
    OldName {
        path: "whisk.mesos.failover-timeout-seconds",
        means: "whisk.mesos.timeouts.failover",
        in_seconds: true,
    },
    OldName {
        path: "whisk.mesos.failover-timeout",
        means: "whisk.mesos.timeouts.failover",
        in_seconds: false,
    },
];

/// Sections that `null` takes away.
pub(super) const OPTIONAL_SECTIONS: [&str; 5] = [
    "whisk.mesos.health-check",
    "whisk.mesos.credentials",
    "whisk.mesos.tls",
    "whisk.container-factory.runtimes-registry.credentials",
    "whisk.container-factory.user-images-registry.credentials",
];

impl Key {
    const fn new(path: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Self {
        Self { path, kind, default: Some(default), about, effect: Effect::Used, is_new: false }
    }

    const fn optional(path: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { path, kind, default: None, about, effect: Effect::Used, is_new: false }
    }

    const fn added(mut self) -> Self {
        self.is_new = true;
        self
    }

    const fn unused(mut self) -> Self {
        self.effect = Effect::Unused;
        self
    }

    const fn only(mut self, value: &'static str) -> Self {
        self.effect = Effect::Only(value);
        self
    }

    /// The elements of its path.
    pub(super) fn elements(&self) -> Vec<String> {
        elements(self.path)
    }
}

pub(super) fn elements(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

/// All keys, in the order in which they are shown.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    mesos::KEYS.iter().chain(neighbours::KEYS)
}

pub(super) fn find(path: &str) -> Option<&'static Key> {
    all().find(|key| key.path == path)
}

/// The defaults as a HOCON text.
pub(super) fn defaults() -> String {
    all().filter_map(|key| Some(format!("{} = {}\n", key.path, key.default?))).collect()
}

/// The key or section that is most like an unknown one, if one is like it at all.
pub(super) fn nearest(path: &str) -> Option<&'static str> {
    // What all keys begin with says nothing.
    let name = |path: &'static str| path.splitn(3, '.').nth(2).unwrap_or(path);
    let unknown = path.splitn(3, '.').nth(2).unwrap_or(path);
    let section = &path[..path.len() - unknown.len()];
    let old = OLD_NAMES.iter().map(|old| old.path);
    let sections = all().filter_map(|key| key.path.rsplit_once('.')).map(|(section, _)| section);
    let known = all().map(|key| key.path).chain(old).chain(sections);
    let known = known.filter(|known| known.starts_with(section) && !section.is_empty());
    let far = (unknown.chars().count() / 3).max(1);
    let distances = known.map(|known| (distance(unknown, name(known)), known));
    distances.filter(|(distance, _)| *distance <= far).min().map(|(_, known)| known)
}

/// Insertions, removals and replacements that make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, seen) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *seen);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_stands_once_and_defaults_are_hocon() {
        let paths: BTreeSet<&str> = all().map(|key| key.path).collect();
        assert_eq!(paths.len(), all().count());
        let defaults = ::hocon::parse(&defaults()).unwrap();
        assert!(all().all(|key| defaults.has(key.path) == key.default.is_some()));
        for old in OLD_NAMES {
            assert!(find(old.means).is_some() && find(old.path).is_none(), "{}", old.path);
        }
    }

    #[test]
    fn the_nearest_name_is_found_unless_none_is_near() {
        for (name, nearest_name) in [
            ("roles", Some("role")),
            ("masterurl", Some("master-url")),
            ("master-uri", Some("master-url")),
            ("packnig", Some("packing")),
            ("timeout", Some("timeouts")),
            ("timeouts.task-lunch", Some("timeouts.task-launch")),
            ("gpu", None),
        ] {
            let nearest_name = nearest_name.map(|name| format!("whisk.mesos.{name}"));
            assert_eq!(nearest(&format!("whisk.mesos.{name}")), nearest_name.as_deref(), "{name}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
