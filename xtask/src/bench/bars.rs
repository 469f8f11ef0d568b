//! What the figures must reach, from the file `bars.txt` beside the benches.
//!
//! ```text
//! # The table shows ratios to the first of these that a group has.
//! reference compiled_once
//! # A rate, or a multiple of what another function reaches in the same run.
//! literal/ours >= 20e6 elements/s
//! recordio/split >= 0.5 x recordio/memcpy
//! ```

use std::fmt;

use crate::bench::measurement::{Measurement, Rate, Unit};

/// The content of the file.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Bars {
    /// Functions that the others of a group are compared with, the most wanted first.
    pub(crate) references: Vec<String>,
    bars: Vec<Bar>,
}

#[derive(Clone, Debug, PartialEq)]
struct Bar {
    /// The line as it stands in the file.
    text: String,
    /// The group and the function: `literal/ours`.
    key: String,
    least: Least,
}

#[derive(Clone, Debug, PartialEq)]
enum Least {
    Rate(Rate),
    /// So many times as much as another function.
    Multiple(f64, String),
}

/// A bar, and what was measured.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    text: String,
    seen: Seen,
}

#[derive(Debug, PartialEq)]
enum Seen {
    Met(String),
    Missed(String),
}

impl Outcome {
    pub(crate) fn is_met(&self) -> bool {
        matches!(self.seen, Seen::Met(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.seen {
            Seen::Met(figure) => write!(formatter, "met     {}: {figure}", self.text),
            Seen::Missed(figure) => write!(formatter, "MISSED  {}: {figure}", self.text),
        }
    }
}

impl Bars {
    /// Reads the file; an error begins with the number of its line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut bars = Self::default();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(function) = line.strip_prefix("reference ") {
                bars.references.push(function.trim().to_owned());
                continue;
            }
            bars.bars.push(Bar::parse(line).map_err(|error| format!("{}: {error}", index + 1))?);
        }
        Ok(bars)
    }

    /// Compares every bar with what was measured.
    ///
    /// # Errors
    /// A bar names what was not measured, or asks for a rate in another unit: it would never be missed.
    pub(crate) fn judge(&self, measurements: &[Measurement]) -> Result<Vec<Outcome>, String> {
        self.bars.iter().map(|bar| bar.judge(measurements)).collect()
    }
}

impl Bar {
    fn parse(line: &str) -> Result<Self, String> {
        let fail = || {
            format!(
                "'{line}' is no bar, expected '<group>/<function> >= <number> <unit>' with a unit of {}, \
                 or '<group>/<function> >= <number> x <group>/<function>'",
                Unit::ALL.map(Unit::as_str).join(", ")
            )
        };
        let (key, least) = line.split_once(" >= ").ok_or_else(fail)?;
        let (number, what) = least.trim().split_once(' ').ok_or_else(fail)?;
        let number: f64 = number.parse().ok().filter(|number| *number > 0.0).ok_or_else(fail)?;
        let unit = Unit::ALL.into_iter().find(|unit| unit.as_str() == what.trim());
        let least = match (unit, what.trim().strip_prefix("x ")) {
            (Some(unit), _) => Least::Rate(Rate { per_second: number, unit }),
            (None, Some(other)) => Least::Multiple(number, other.trim().to_owned()),
            (None, None) => return Err(fail()),
        };
        Ok(Self { text: line.to_owned(), key: key.trim().to_owned(), least })
    }

    fn judge(&self, measurements: &[Measurement]) -> Result<Outcome, String> {
        let seen = self.find(&self.key, measurements)?;
        let (is_met, figure) = match &self.least {
            Least::Rate(least) if least.unit == seen.unit => {
                (seen.per_second >= least.per_second, seen.to_string())
            }
            Least::Rate(_) => {
                return Err(format!("the bar '{}' asks for another unit than that of {seen}", self.text));
            }
            Least::Multiple(least, other) => {
                let other = self.find(other, measurements)?;
                if other.unit != seen.unit {
                    return Err(format!("the bar '{}' compares {seen} with {other}", self.text));
                }
                let multiple = seen.per_second / other.per_second;
                (multiple >= *least, format!("{multiple:.2} x"))
            }
        };
        let seen = if is_met { Seen::Met(figure) } else { Seen::Missed(figure) };
        Ok(Outcome { text: self.text.clone(), seen })
    }

    fn find(&self, key: &str, measurements: &[Measurement]) -> Result<Rate, String> {
        let found = measurements.iter().find(|measurement| measurement.key() == key);
        found.map(|measurement| measurement.rate).ok_or_else(|| {
            let known: Vec<String> = measurements.iter().map(Measurement::key).collect();
            format!(
                "the bar '{}' names '{key}', which was not measured; what was: {}",
                self.text,
                known.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Vec<Measurement> {
        let measurement = |group: &str, function: &str, per_second, unit| Measurement {
            group: group.to_owned(),
            function: function.to_owned(),
            rate: Rate { per_second, unit },
        };
        vec![
            measurement("literal", "ours", 20e6, Unit::Elements),
            measurement("literal", "compiled_once", 10e6, Unit::Elements),
            measurement("copy", "memcpy", 8e9, Unit::Bytes),
        ]
    }

    fn judge(text: &str) -> Result<String, String> {
        let outcomes = Bars::parse(text)?.judge(&measured())?;
        Ok(outcomes.iter().map(Outcome::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn bars_are_met_from_their_number_on() {
        for (bar, outcome) in [
            ("literal/ours >= 20e6 elements/s", "met     literal/ours >= 20e6 elements/s: 20.0 M elements/s"),
            (
                "literal/ours >= 20.1e6 elements/s",
                "MISSED  literal/ours >= 20.1e6 elements/s: 20.0 M elements/s",
            ),
            (
                "literal/ours >= 2 x literal/compiled_once",
                "met     literal/ours >= 2 x literal/compiled_once: 2.00 x",
            ),
            (
                "literal/compiled_once >= 0.6 x literal/ours",
                "MISSED  literal/compiled_once >= 0.6 x literal/ours: 0.50 x",
            ),
        ] {
            assert_eq!(judge(bar).as_deref(), Ok(outcome));
        }
        let bars = Bars::parse("literal/ours >= 20.1e6 elements/s").unwrap();
        assert!(!bars.judge(&measured()).unwrap()[0].is_met());
    }

    #[test]
    fn comments_and_references_are_no_bars() {
        let bars = Bars::parse("# why\n\nreference memcpy\n  reference compiled_once\n").unwrap();
        assert_eq!(bars.references, ["memcpy", "compiled_once"]);
        assert_eq!(bars.judge(&measured()), Ok(Vec::new()));
    }

    #[test]
    fn a_bar_that_could_not_be_missed_is_an_error() {
        for (bar, error) in [
            (
                "literal/our >= 1 elements/s",
                "the bar 'literal/our >= 1 elements/s' names 'literal/our', which was not measured; what was: \
                 literal/ours, literal/compiled_once, copy/memcpy",
            ),
            (
                "literal/ours >= 1 x literal/regex",
                "the bar 'literal/ours >= 1 x literal/regex' names 'literal/regex', which was not measured; \
                 what was: literal/ours, literal/compiled_once, copy/memcpy",
            ),
            (
                "copy/memcpy >= 1 elements/s",
                "the bar 'copy/memcpy >= 1 elements/s' asks for another unit than that of 8.00 G bytes/s",
            ),
            (
                "literal/ours >= 1 x copy/memcpy",
                "the bar 'literal/ours >= 1 x copy/memcpy' compares 20.0 M elements/s with 8.00 G bytes/s",
            ),
        ] {
            assert_eq!(judge(bar).unwrap_err(), error);
        }
    }

    #[test]
    fn lines_that_are_no_bars_are_shown_with_their_number() {
        for line in
            ["literal/ours > 1 elements/s", "a >= fast", "a >= 1 checks/s", "a >= -1 bytes/s", "a >= NaN x b"]
        {
            let error = Bars::parse(&format!("# first\n{line}")).unwrap_err();
            assert!(error.starts_with(&format!("2: '{line}' is no bar, expected '<group>/")), "{error}");
        }
    }
}
