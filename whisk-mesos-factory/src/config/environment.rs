//! Variables `CONFIG_a_bC` as the keys `a.b-c` that OpenWhisk's start script makes of them.
//!
//! The script is imitated with its defects, so that variables mean here what they mean to an invoker; what it makes of a
//! name that it does not handle well is told by [`Variable::meant`].

use std::collections::BTreeMap;

const PREFIX: &str = "CONFIG_";

/// A key that a variable sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) key: Vec<String>,
    pub(super) value: String,
    /// The variable that the value was taken from, if the value was `$NAME`.
    pub(super) through: Option<String>,
}

impl Variable {
    /// The key that was probably meant, if the script makes something odd of the name: it takes a run of capitals
    /// apart (`masterURL` becomes `master-uRL`).
    pub(super) fn meant(&self) -> Option<String> {
        let is_odd = |part: &String| !part.starts_with(is_capital) && part.contains(is_capital);
        if !self.key.iter().any(is_odd) {
            return None;
        }
        let name = self.name.strip_prefix(PREFIX).unwrap_or(&self.name);
        Some(name.split('_').map(whole_words).collect::<Vec<_>>().join("."))
    }
}

/// The keys that variables set, by the names of the variables.
pub(super) fn read(variables: &BTreeMap<String, String>) -> Vec<Variable> {
    let names = variables.iter().filter(|(name, value)| name.contains(PREFIX) && !value.is_empty());
    let named = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    names
        .map(|(name, value)| {
            let through = value.strip_prefix('$').filter(|other| named(other).is_some());
            Variable {
                name: name.clone(),
                key: key(name),
                value: through.and_then(named).unwrap_or(value).clone(),
                through: through.map(str::to_owned),
            }
        })
        .collect()
}

/// The variable that sets a key.
pub(super) fn variable_of(key: &str) -> String {
    let parts = key.split('.').map(|part| {
        let mut words = part.split('-');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| {
            let mut letters = word.chars();
            let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
            name + &capital.into_iter().chain(letters).collect::<String>()
        })
    });
    format!("{PREFIX}{}", parts.collect::<Vec<_>>().join("_"))
}

fn key(name: &str) -> Vec<String> {
    name.strip_prefix(PREFIX).unwrap_or(name).split('_').map(words).collect()
}

fn is_capital(letter: char) -> bool {
    letter.is_ascii_uppercase()
}

/// `masterUrl` as `master-url`. A part that begins with a capital is the name of a class and stays.
fn words(part: &str) -> String {
    split_words(part, |before| before.is_ascii_lowercase() || before.is_ascii_digit(), |letter| letter)
}

/// `masterURL` as `master-url`, too.
fn whole_words(part: &str) -> String {
    split_words(part, |before| !is_capital(before), |letter| letter.to_ascii_lowercase())
}

fn split_words(part: &str, ends_word: impl Fn(char) -> bool, inside: impl Fn(char) -> char) -> String {
    if part.starts_with(is_capital) {
        return part.to_owned();
    }
    let mut words = String::new();
    let mut before = None;
    for letter in part.chars() {
        if is_capital(letter) && before.is_some_and(&ends_word) {
            words.extend(['-', letter.to_ascii_lowercase()]);
        } else {
            words.push(inside(letter));
        }
        before = Some(letter);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Vec<Variable> {
        read(&variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    #[test]
    fn names_become_keys_as_the_start_script_makes_them() {
        for (name, key) in [
            ("CONFIG_whisk_mesos_masterUrl", "whisk.mesos.master-url"),
            ("CONFIG_whisk_mesos_masterURL", "whisk.mesos.master-uRL"),
            ("CONFIG_whisk_mesos_timeouts_taskLaunch", "whisk.mesos.timeouts.task-launch"),
            ("CONFIG_whisk_mesos_constraints_0", "whisk.mesos.constraints.0"),
            ("CONFIG_whisk_spi_ContainerFactoryProvider", "whisk.spi.ContainerFactoryProvider"),
            ("CONFIG_aBCd", "a-bCd"),
            ("CONFIG_b1Cd", "b1-cd"),
            (
                "CONFIG_whisk_containerFactory_containerArgs_extraArgs_logDriver_0",
                "whisk.container-factory.container-args.extra-args.log-driver.0",
            ),
            ("MYCONFIG_zed", "MYCONFIG.zed"),
        ] {
            let read = of(&[(name, "x")]);
            assert_eq!(read[0].key.join("."), key, "{name}");
        }
        assert_eq!(of(&[("OTHER", "x"), ("CONFIG_empty", "")]), []);
    }

    #[test]
    fn a_value_is_looked_up_once_where_it_names_a_variable_that_is_set() {
        let read = of(&[("CONFIG_a", "$ONE"), ("CONFIG_b", "$NONE"), ("ONE", "$TWO"), ("TWO", "2")]);
        let values: Vec<_> = read.iter().map(|one| (one.value.as_str(), one.through.as_deref())).collect();
        assert_eq!(values, [("$TWO", Some("ONE")), ("$NONE", None)]);
    }

    #[test]
    fn a_run_of_capitals_tells_what_was_meant() {
        for (name, meant) in [
            ("CONFIG_whisk_mesos_masterURL", Some("whisk.mesos.master-url")),
            ("CONFIG_whisk_mesos_masterUrl", None),
            ("CONFIG_whisk_spi_ContainerFactoryProvider", None),
        ] {
            assert_eq!(of(&[(name, "x")])[0].meant().as_deref(), meant, "{name}");
        }
    }

    #[test]
    fn the_variable_of_a_key_sets_that_key() {
        for key in [
            "whisk.mesos.master-url",
            "whisk.mesos.health-check.max-consecutive-failures",
            "whisk.spi.ContainerFactoryProvider",
        ] {
            assert_eq!(of(&[(&variable_of(key), "x")])[0].key.join("."), key);
        }
    }
}
