//! What criterion measured, out of the files that it writes.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// What is counted per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Elements,
    /// Of a bench that does not say how much it works on.
    Iterations,
}

impl Unit {
    pub(crate) const ALL: [Self; 3] = [Self::Bytes, Self::Elements, Self::Iterations];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes/s",
            Self::Elements => "elements/s",
            Self::Iterations => "iterations/s",
        }
    }
}

/// A count per second, shown with three digits: `41.2 M elements/s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) unit: Unit,
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (divisor, prefix) = match self.per_second {
            rate if rate >= 1e9 => (1e9, "G "),
            rate if rate >= 1e6 => (1e6, "M "),
            rate if rate >= 1e3 => (1e3, "k "),
            _ => (1.0, ""),
        };
        let shown = self.per_second / divisor;
        let decimals = match shown {
            shown if shown >= 100.0 => 0,
            shown if shown >= 10.0 => 1,
            _ => 2,
        };
        write!(formatter, "{shown:.decimals$} {prefix}{}", self.unit.as_str())
    }
}

/// One function of one group, with one input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measurement {
    pub(crate) group: String,
    /// The function, and the input if there are several: `ours`, `ours/64`.
    pub(crate) function: String,
    pub(crate) rate: Rate,
}

impl Measurement {
    /// The name that bars know it by: `literal/ours`.
    pub(crate) fn key(&self) -> String {
        if self.function.is_empty() {
            self.group.clone()
        } else {
            format!("{}/{}", self.group, self.function)
        }
    }

    /// Reads the two files of one measurement.
    fn parse(benchmark: &[u8], estimates: &[u8]) -> Result<Self, String> {
        let benchmark: Value = serde_json::from_slice(benchmark).map_err(|error| error.to_string())?;
        let estimates: Value = serde_json::from_slice(estimates).map_err(|error| error.to_string())?;
        let group = benchmark["group_id"].as_str();
        let group = group.ok_or_else(|| format!("expected a text as 'group_id', found {benchmark}"))?;
        let parts = [&benchmark["function_id"], &benchmark["value_str"]];
        let function: Vec<&str> = parts.into_iter().filter_map(Value::as_str).collect();
        let (amount, unit) = parse_throughput(&benchmark["throughput"])?;
        // The figure that criterion prints: the slope where it varied the number of iterations.
        let typical = if estimates["slope"].is_object() { &estimates["slope"] } else { &estimates["mean"] };
        let nanoseconds = typical["point_estimate"].as_f64().filter(|nanoseconds| *nanoseconds > 0.0);
        let nanoseconds =
            nanoseconds.ok_or_else(|| format!("expected a time as 'point_estimate', found {typical}"))?;
        let rate = Rate { per_second: amount * 1e9 / nanoseconds, unit };
        Ok(Self { group: group.to_owned(), function: function.join("/"), rate })
    }
}

/// How much one iteration works on.
fn parse_throughput(throughput: &Value) -> Result<(f64, Unit), String> {
    if throughput.is_null() {
        return Ok((1.0, Unit::Iterations));
    }
    // Elements come first of those that have both.
    let elements = [&throughput["Elements"], &throughput["ElementsAndBytes"]["elements"]];
    let bytes = [&throughput["Bytes"], &throughput["BytesDecimal"]];
    let find =
        |found: [&Value; 2], unit| found.into_iter().find_map(Value::as_f64).map(|amount| (amount, unit));
    find(elements, Unit::Elements)
        .or_else(|| find(bytes, Unit::Bytes))
        .ok_or_else(|| format!("expected a throughput in elements or bytes, found {throughput}"))
}

/// All measurements below a folder, in the order of their groups and functions.
pub(crate) fn read_all(folder: &Path) -> Result<Vec<Measurement>, String> {
    let mut found = Vec::new();
    collect(folder, &mut found)?;
    if found.is_empty() {
        return Err(format!("the benches left no results in {}: do they use criterion?", folder.display()));
    }
    let mut measurements = Vec::new();
    for new in found {
        let read = |name: &str| {
            let path = new.join(name);
            fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let measurement = Measurement::parse(&read("benchmark.json")?, &read("estimates.json")?);
        measurements.push(measurement.map_err(|error| format!("{}: {error}", new.display()))?);
    }
    measurements.sort_by(|a, b| (&a.group, &a.function).cmp(&(&b.group, &b.function)));
    Ok(measurements)
}

/// The folders `new`, in which criterion leaves the latest measurement of a function.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if !folder.exists() {
        return Ok(());
    }
    let fail = |error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.is_dir() && path.ends_with("new") && path.join("benchmark.json").exists() {
            found.push(path);
        } else if path.is_dir() {
            collect(&path, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESTIMATES: &str =
        r#"{"mean": {"point_estimate": 500.0}, "median": {"point_estimate": 1.0}, "slope": null}"#;

    fn benchmark(function: &str, value: &str, throughput: &str) -> String {
        format!(
            r#"{{"group_id": "literal", "function_id": {function}, "value_str": {value}, "throughput": {throughput}}}"#
        )
    }

    fn parse(benchmark: &str, estimates: &str) -> Result<(String, String), String> {
        Measurement::parse(benchmark.as_bytes(), estimates.as_bytes())
            .map(|measurement| (measurement.key(), measurement.rate.to_string()))
    }

    #[test]
    fn rates_are_amounts_per_second() {
        let slope = r#"{"mean": {"point_estimate": 1.0}, "slope": {"point_estimate": 250.0}}"#;
        for (function, value, throughput, estimates, key, rate) in [
            (r#""ours""#, "null", r#"{"Elements": 10}"#, ESTIMATES, "literal/ours", "20.0 M elements/s"),
            (r#""ours""#, "null", r#"{"Elements": 10}"#, slope, "literal/ours", "40.0 M elements/s"),
            (r#""ours""#, r#""64""#, r#"{"Bytes": 1024}"#, ESTIMATES, "literal/ours/64", "2.05 G bytes/s"),
            ("null", r#""64""#, r#"{"BytesDecimal": 1}"#, ESTIMATES, "literal/64", "2.00 M bytes/s"),
            ("null", "null", "null", r#"{"mean": {"point_estimate": 2e6}}"#, "literal", "500 iterations/s"),
            (
                r#""both""#,
                "null",
                r#"{"ElementsAndBytes": {"elements": 1, "bytes": 9}}"#,
                r#"{"mean": {"point_estimate": 800000}}"#,
                "literal/both",
                "1.25 k elements/s",
            ),
        ] {
            let expected = Ok((key.to_owned(), rate.to_owned()));
            assert_eq!(parse(&benchmark(function, value, throughput), estimates), expected);
        }
    }

    #[test]
    fn what_is_not_understood_is_shown() {
        let bits = benchmark("null", "null", r#"{"Bits": 8}"#);
        let error = parse(&bits, ESTIMATES).unwrap_err();
        assert_eq!(error, r#"expected a throughput in elements or bytes, found {"Bits":8}"#);
        let error = parse(&benchmark("null", "null", "null"), r#"{"mean": {}}"#).unwrap_err();
        assert_eq!(error, "expected a time as 'point_estimate', found {}");
        assert_eq!(parse("{}", ESTIMATES).unwrap_err(), "expected a text as 'group_id', found {}");
    }

    #[test]
    fn only_the_latest_measurements_of_a_folder_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for (name, function) in [("literal/b/new", "b"), ("literal/a/new", "a"), ("literal/a/base", "old")] {
            let path = folder.path().join(name);
            fs::create_dir_all(&path).unwrap();
            let text = benchmark(&format!("{function:?}"), "null", "null");
            fs::write(path.join("benchmark.json"), text).unwrap();
            fs::write(path.join("estimates.json"), ESTIMATES).unwrap();
        }
        let functions: Vec<String> =
            read_all(folder.path()).unwrap().into_iter().map(|found| found.function).collect();
        assert_eq!(functions, ["a", "b"]);
        assert!(read_all(&folder.path().join("none")).unwrap_err().contains("left no results"));
    }
}
