//! All sources laid over each other, and where each value comes from.

use std::collections::BTreeMap;

use hocon::{Config, HoconValue};

use super::{
    document::{Document, explain},
    environment::Variable,
    lines::{Line, SourceLine, source_lines},
    origin::Origin,
};

/// What was said, by rising precedence: defaults, texts in their order, variables, the command line.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// HOCON with the default of every key.
    pub(super) defaults: String,
    pub(super) documents: Vec<Document>,
    pub(super) variables: Vec<Variable>,
    pub(super) defines: Vec<(Vec<String>, String)>,
    /// For `${NAME}` in texts.
    pub(super) environment: BTreeMap<String, String>,
}

/// The layers as one configuration.
#[derive(Debug)]
pub(super) struct Merged {
    layers: Layers,
    config: Config,
    defaults: Config,
}

impl Layers {
    /// Merges everything and resolves substitutions.
    ///
    /// The layers are put after one another as one text, in which what comes later wins, and fields that say nothing
    /// are left out of it: the parser (1.14.2) loses the value of a key that is followed by `key = ${?NOTHING}` when it lays
    /// texts over each other, merges sections, or sees two of them.
    pub(super) fn merge(mut self) -> Result<Merged, String> {
        let defaults = parse(&self.defaults)?;
        self.find_void(&defaults);
        let mut lines: Vec<SourceLine> = source_lines("the defaults", &self.defaults);
        for document in &mut self.documents {
            lines.extend(without_void(document));
        }
        let variables = self.variables.iter().map(|one| (one.key.as_slice(), one.value.as_str()));
        lines.extend(source_lines("the variables", &pairs(variables)));
        let defines = self.defines.iter().map(|(key, value)| (key.as_slice(), value.as_str()));
        lines.extend(source_lines("-D", &pairs(defines)));
        let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let environment = self.environment.clone().into_iter().collect();
        let config = hocon::parse_with_env(&text.join("\n"), &environment)
            .map_err(|error| explain(&error, |line, path| self.place(&lines, line, path)))?;
        Ok(Merged { layers: self, config, defaults })
    }

    /// Finds the fields whose path does not exist. One that says something may make the path of another exist.
    fn find_void(&mut self, defaults: &Config) {
        let mut void = usize::MAX;
        loop {
            let paths: Vec<bool> = (0..self.documents.len())
                .flat_map(|index| {
                    let optionals = self.documents[index]
                        .lines
                        .clone()
                        .optionals()
                        .map(|one| one.path.clone())
                        .collect::<Vec<_>>();
                    optionals.into_iter().map(|path| self.exists(&path, defaults)).collect::<Vec<_>>()
                })
                .collect();
            let optionals = self.documents.iter_mut().flat_map(|document| document.lines.optionals());
            for (optional, exists) in optionals.zip(&paths) {
                optional.is_void = !exists;
            }
            let count = paths.iter().filter(|exists| !**exists).count();
            if count == void {
                return;
            }
            void = count;
        }
    }

    fn exists(&self, path: &[String], defaults: &Config) -> bool {
        let is_below = |key: &[String]| key.starts_with(path);
        self.environment.contains_key(&path.join("."))
            || defaults.has(&path.join("."))
            || self.variables.iter().any(|variable| is_below(&variable.key))
            || self.defines.iter().any(|(key, _)| is_below(key))
            || self.documents.iter().any(|document| {
                document.lines.of(path).iter().chain(document.lines.below(path)).any(says_something)
            })
    }

    /// Where a line of the whole text is from. An error in a file that was left to the parser has the line of that
    /// file: then only the text on it tells.
    fn place(&self, lines: &[SourceLine], line: usize, path: &str) -> (String, Option<usize>) {
        match line.checked_sub(1).and_then(|index| lines.get(index)).filter(|line| line.text.contains(path)) {
            Some(line) => (line.name.clone(), Some(line.number)),
            None => {
                let names: Vec<&str> = self.documents.iter().map(|document| document.name.as_str()).collect();
                (format!("a file included by {}", names.join(" or ")), None)
            }
        }
    }
}

/// The text of a document without the fields that say nothing.
fn without_void(document: &mut Document) -> Vec<SourceLine> {
    let mut text = document.text.clone();
    for optional in document.lines.optionals().filter(|optional| optional.is_void) {
        let Some((line, columns)) = &optional.field else { continue };
        let Some(SourceLine { text: line, .. }) = text.get_mut(*line) else { continue };
        let blank = |(index, letter)| if columns.contains(&(index + 1)) { ' ' } else { letter };
        *line = line.chars().enumerate().map(blank).collect();
    }
    text
}

impl Merged {
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The defaults alone.
    pub(super) fn defaults(&self) -> &Config {
        &self.defaults
    }

    pub(super) fn get(&self, key: &str) -> Option<&HoconValue> {
        self.config.get(key)
    }

    /// Where the value of a key was said, by the strongest layer that says anything about it.
    pub(super) fn origin(&self, key: &[String]) -> Origin {
        let layers = &self.layers;
        let is_about = |other: &[String]| other.starts_with(key) || key.starts_with(other);
        if layers.defines.iter().any(|(define, _)| is_about(define)) {
            return Origin::CommandLine;
        }
        if let Some(variable) = layers.variables.iter().find(|variable| is_about(&variable.key)) {
            return Origin::Variable { name: variable.name.clone(), through: variable.through.clone() };
        }
        let documents = || layers.documents.iter().rev();
        let said = documents().find_map(|document| {
            let exact = document.lines.of(key).iter().rev();
            exact.chain(document.lines.below(key)).find(|line| says_something(line))
        });
        // A section that a substitution made has no lines for what is in it.
        let around = || {
            let keys = (1..key.len()).rev().map(|length| &key[..length]);
            let mut lines =
                keys.flat_map(|key| documents().filter_map(|document| document.lines.of(key).last()));
            lines.next().filter(|_| !self.is_default(key))
        };
        match said.or_else(around) {
            Some(line) => Origin::Text { name: line.name.clone(), line: Some(line.number) },
            None => Origin::Default,
        }
    }

    fn is_default(&self, key: &[String]) -> bool {
        let key = key.join(".");
        self.defaults.get(&key) == self.config.get(&key)
    }
}

/// `x = ${?NOTHING}` leaves x as it was.
fn says_something(line: &Line) -> bool {
    line.optional.as_ref().is_none_or(|optional| !optional.is_void)
}

fn parse(text: &str) -> Result<Config, String> {
    hocon::parse(text).map_err(|error| explain(&error, |line, _| ("the defaults".to_owned(), Some(line))))
}

/// Keys and texts as HOCON. As with Java's properties a key that has others below it loses its own value.
fn pairs<'a>(pairs: impl Iterator<Item = (&'a [String], &'a str)>) -> String {
    let pairs: BTreeMap<&[String], &str> = pairs.collect();
    let mut text = String::new();
    for (key, value) in pairs {
        let key: Vec<String> = key.iter().map(|part| quoted(part)).collect();
        text.push_str(&format!("{} = {}\n", key.join("."), quoted(value)));
    }
    text
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment;

    fn key(path: &str) -> Vec<String> {
        path.split('.').map(str::to_owned).collect()
    }

    fn merged(texts: &[&str], variables: &[(&str, &str)], defines: &[(&str, &str)]) -> Merged {
        let environment: BTreeMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let documents = texts.iter().zip(["one.conf", "two.conf"]);
        let layers = Layers {
            defaults: "a.x = default\na.l = []\na.s { d = 1 }".to_owned(),
            documents: documents.map(|(text, name)| Document::parse(name, text, None).unwrap()).collect(),
            variables: environment::read(&environment),
            defines: defines.iter().map(|(path, value)| (key(path), (*value).to_owned())).collect(),
            environment,
        };
        layers.merge().unwrap()
    }

    #[track_caller]
    fn check(merged: &Merged, path: &str, value: &str, origin: &str) {
        assert_eq!(merged.config().get_string(path).unwrap(), value, "{path}");
        assert_eq!(merged.origin(&key(path)).to_string(), origin, "{path}");
    }

    #[test]
    fn the_strongest_source_wins_and_is_named() {
        let (one, two) = ("a.x = one", "\na { x = two }");
        let variable = [("CONFIG_a_x", "variable")];
        let through = [("CONFIG_a_x", "$OTHER"), ("OTHER", "other")];
        let define = [("a.x", "define")];
        check(&merged(&[], &[], &[]), "a.x", "default", "default");
        check(&merged(&[one], &[], &[]), "a.x", "one", "one.conf:1");
        check(&merged(&[one, two], &[], &[]), "a.x", "two", "two.conf:2");
        check(&merged(&[one, two], &variable, &[]), "a.x", "variable", "CONFIG_a_x");
        check(&merged(&[one, two], &through, &[]), "a.x", "other", "CONFIG_a_x ($OTHER)");
        check(&merged(&[one, two], &variable, &define), "a.x", "define", "-D");
    }

    #[test]
    fn substitutions_see_every_layer_and_name_the_line_that_had_an_effect() {
        let chain = "x = 0\nx = 1\nx = ${?V}\nx = ${?W}\ny = 2, y = ${?x}, z = ${?nothing}";
        check(&merged(&[chain], &[], &[]), "x", "1", "one.conf:2");
        check(&merged(&[chain], &[], &[]), "y", "1", "one.conf:5");
        check(&merged(&[chain], &[("V", "3")], &[]), "x", "3", "one.conf:3");
        let text = "a.x = one\na.x = ${?VALUE}\nb = ${c.d}\nc { d = 1 }\na.s = ${c}";
        check(&merged(&[text], &[], &[]), "a.x", "one", "one.conf:1");
        check(&merged(&[text], &[("VALUE", "v")], &[]), "a.x", "v", "one.conf:2");
        let overridden = merged(&[text, "x = 1"], &[], &[("c.d", "2")]);
        check(&overridden, "b", "2", "one.conf:3");
        check(&overridden, "a.s.d", "2", "one.conf:5");
    }

    #[test]
    fn indexes_of_variables_replace_a_list_and_quotes_do_no_harm() {
        let merged = merged(&["a.l = [\"x\", \"y\"]"], &[("CONFIG_a_l_1", "it's \"z\"\\\n$")], &[]);
        assert_eq!(merged.config().get_string("a.l.1").unwrap(), "it's \"z\"\\\n$");
        assert!(!merged.config().has("a.l.0"));
        assert_eq!(merged.origin(&key("a.l")).to_string(), "CONFIG_a_l_1");
    }

    #[test]
    fn a_substitution_without_a_value_is_an_error_with_its_place() {
        let document = Document::parse("one.conf", "a = 1\nb = ${nothing}", None).unwrap();
        let layers = Layers { documents: vec![document], ..Layers::default() };
        let error = layers.merge().unwrap_err();
        assert_eq!(error, "one.conf:2:5: could not resolve substitution: ${nothing}");
    }
}
