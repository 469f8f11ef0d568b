//! All settings, read and checked: values, origins, and whatever is wrong or doubtful.

use std::{collections::BTreeMap, time::Duration};

use hocon::HoconValue;
use mesos_scheduler_client::Tls;

use super::{
    environment::Variable,
    keys::{self, Effect, Key, Kind},
    layers::Merged,
    origin::Origin,
    values::{self, Value},
};

/// The sections in which every name is known.
const SECTION: &str = "whisk.mesos";
/// A section in which OpenWhisk may have more.
const NEIGHBOUR: &str = "whisk.container-factory";

/// A configuration that was read and found good, with the origin of everything in it.
#[derive(Clone)]
pub struct Configuration {
    values: BTreeMap<&'static str, (Value, Origin)>,
    warnings: Vec<String>,
    /// Read from the files that the settings name.
    pub(super) tls: Option<Tls>,
    /// The URL of OpenWhisk, which containers are told.
    pub(super) api_host: Option<String>,
}

/// One setting, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its key, such as `whisk.mesos.role`.
    pub key: &'static str,
    /// What holds. Secrets and the values of variables are masked.
    pub value: String,
    /// Where it was said.
    pub origin: Origin,
    /// Whether this version does something with it.
    pub is_used: bool,
}

/// What is read so far.
struct Reader<'a> {
    merged: &'a Merged,
    values: BTreeMap<&'static str, (Value, Origin)>,
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl Configuration {
    /// Reads every key. All that is wrong is told at once.
    pub(super) fn read(merged: &Merged, variables: &[Variable]) -> Result<Self, Vec<String>> {
        let mut reader =
            Reader { merged, values: BTreeMap::new(), problems: Vec::new(), warnings: Vec::new() };
        for key in keys::all() {
            reader.read(key);
        }
        for (section, is_closed) in [(SECTION, true), (NEIGHBOUR, false)] {
            if let Some(found) = merged.get(section) {
                reader.find_unknown(section, found, is_closed, variables);
            }
        }
        if reader.problems.is_empty() {
            let (values, warnings) = (reader.values, reader.warnings);
            Ok(Self { values, warnings, tls: None, api_host: None })
        } else {
            Err(reader.problems)
        }
    }

    /// All settings in the order of the documentation.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        keys::all().map(|key| {
            let (value, origin) = &self.values[key.path];
            Setting {
                key: key.path,
                value: values::shown(key.kind, value),
                origin: origin.clone(),
                is_used: match key.effect {
                    Effect::Used => true,
                    Effect::Unused => false,
                    Effect::Only(only) => *value == Value::Text(only.to_owned()),
                },
            }
        })
    }

    /// What is doubtful, but no reason to stop.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Settings that somebody chose and that this version does nothing with; running on is the same as without them.
    /// What somebody took away is not among them.
    pub fn without_effect(&self) -> Vec<String> {
        let unused = keys::all()
            .filter(|key| key.effect == Effect::Unused)
            .map(|key| (key.path, &self.values[key.path]));
        let chosen =
            unused.filter(|(_, (value, origin))| *value != Value::Absent && *origin != Origin::Default);
        chosen.map(|(key, (_, origin))| format!("{key} ({origin}) has no effect in this version")).collect()
    }

    /// Settings that this version cannot fulfil: containers would not be what was asked for.
    pub fn not_possible(&self) -> Vec<String> {
        let settings = self.settings().filter(|setting| !setting.is_used);
        let refused = settings.filter_map(|setting| {
            let Effect::Only(only) = effect(setting.key) else { return None };
            Some(format!(
                "{} = {} ({}): this version can only '{only}'",
                setting.key, setting.value, setting.origin
            ))
        });
        refused.collect()
    }

    /// Where a setting was said.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.values.get(key).map(|(_, origin)| origin)
    }

    pub(super) fn warn(&mut self, warnings: impl IntoIterator<Item = String>) {
        self.warnings.extend(warnings);
    }

    /// The text under a key, `None` if it is absent.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match &self.values[key].0 {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.values[key].0 == Value::Flag(true)
    }

    pub(super) fn count(&self, key: &str) -> u64 {
        match self.values[key].0 {
            Value::Count(number) | Value::Bytes(number) => number,
            _ => 0,
        }
    }

    pub(super) fn duration(&self, key: &str) -> Duration {
        match self.values[key].0 {
            Value::Duration(duration) => duration,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn texts(&self, key: &str) -> &[String] {
        match &self.values[key].0 {
            Value::Texts(texts) => texts,
            _ => &[],
        }
    }

    pub(super) fn texts_by_name(&self, key: &str) -> &[(String, Vec<String>)] {
        match &self.values[key].0 {
            Value::TextsByName(entries) => entries,
            _ => &[],
        }
    }
}

/// As [`Configuration::settings`] shows it: nothing secret.
impl std::fmt::Debug for Configuration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let settings = self.settings().map(|setting| (setting.key, setting.value));
        formatter.debug_map().entries(settings).finish()
    }
}

fn effect(path: &str) -> Effect {
    keys::find(path).map_or(Effect::Used, |key| key.effect)
}

impl Reader<'_> {
    fn read(&mut self, key: &'static Key) {
        let mut origin = self.merged.origin(&key.elements());
        let mut result = values::read(self.merged.config(), key.path, key);
        if result == Ok(Value::Absent) && key.default.is_some() && !self.is_taken_away(key) {
            // The rest of a section that was taken away and begun anew.
            result = values::read(self.merged.defaults(), key.path, key);
        }
        let mut path = key.path;
        for old in keys::OLD_NAMES.iter().filter(|old| old.means == key.path) {
            let Some(found) = self.merged.get(old.path) else { continue };
            let old_origin = self.merged.origin(&keys::elements(old.path));
            if origin == Origin::Default {
                self.warnings.push(format!("{} ({old_origin}) is an old name of {}", old.path, key.path));
                result = match found {
                    HoconValue::Scalar(scalar) if old.in_seconds => values::seconds(&scalar.raw),
                    _ => values::read(self.merged.config(), old.path, key),
                };
                (origin, path) = (old_origin, old.path);
            } else {
                self.warnings.push(format!(
                    "{} ({old_origin}) is passed over: {} ({origin}) says otherwise",
                    old.path, key.path
                ));
            }
        }
        match result {
            Ok(value) => {
                self.doubt(key, path, &origin);
                self.values.insert(key.path, (value, origin));
            }
            Err(wrong) => self.problems.push(format!("{path} ({origin}): {wrong}")),
        }
    }

    /// Whether `null` stands for the section of a key.
    fn is_taken_away(&self, key: &Key) -> bool {
        let is_null = |section: &str| self.merged.get(section).is_some_and(HoconValue::is_null);
        let around = keys::OPTIONAL_SECTIONS.iter().filter(|section| key.path.starts_with(*section));
        around.into_iter().any(|section| is_null(section))
    }

    /// A number alone is milliseconds, which is hardly ever meant.
    fn doubt(&mut self, key: &Key, path: &str, origin: &Origin) {
        let is_old_seconds = keys::OLD_NAMES.iter().any(|old| old.in_seconds && old.path == path);
        if !matches!(key.kind, Kind::Duration { .. }) || is_old_seconds {
            return;
        }
        if let Some(HoconValue::Scalar(scalar)) = self.merged.get(path)
            && scalar.raw.parse::<f64>().is_ok_and(|number| number != 0.0)
        {
            self.warnings
                .push(format!("{path} ({origin}): '{}' has no unit and is milliseconds", scalar.raw));
        }
    }

    fn find_unknown(&mut self, path: &str, found: &HoconValue, is_closed: bool, variables: &[Variable]) {
        if keys::find(path).is_some() || keys::OLD_NAMES.iter().any(|old| old.path == path) {
            return;
        }
        let below = format!("{path}.");
        let is_section = keys::all().any(|key| key.path.starts_with(&below));
        let elements = keys::elements(path);
        match found {
            HoconValue::Object(section) if is_section => {
                for (name, found) in section {
                    // A name with a dot in it is no known one; it is shown as it is.
                    self.find_unknown(&format!("{path}.{name}"), found, is_closed, variables);
                }
            }
            _ if is_section => {
                if !(found.is_null() && keys::OPTIONAL_SECTIONS.contains(&path)) {
                    let origin = self.merged.origin(&elements);
                    self.problems.push(format!("{path} ({origin}): is no section, expected {path}.…"));
                }
            }
            _ => self.report_unknown(path, &elements, is_closed, variables),
        }
    }

    fn report_unknown(&mut self, path: &str, elements: &[String], is_closed: bool, variables: &[Variable]) {
        let said = variables.iter().find(|variable| variable.key.starts_with(elements));
        if let Some(variable) = said
            && let Some(meant) = variable.meant().filter(|meant| keys::find(meant).is_some())
        {
            let right = super::environment::variable_of(&meant);
            self.warnings.push(format!(
                "{} is passed over: it sets {path}, which is no key; {meant} is set by {right}",
                variable.name
            ));
            return;
        }
        let origin = self.merged.origin(elements);
        let hint = keys::nearest(path).map_or_else(String::new, |key| format!(", did you mean {key}?"));
        let text = format!("{path} ({origin}): unknown key{hint}");
        if is_closed {
            self.problems.push(text);
        } else {
            self.warnings.push(text);
        }
    }
}
