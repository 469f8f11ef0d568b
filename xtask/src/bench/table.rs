//! Measurements as a table for people.

use crate::bench::measurement::Measurement;

/// One line for each measurement: its group, its function, its rate, and how many times as fast it is as
/// the reference of its group. The reference is the first of the given functions that the group has, with
/// the same input.
pub(crate) fn render(measurements: &[Measurement], references: &[String]) -> String {
    let head = ["group", "function", "rate", "x reference"].map(str::to_owned);
    let mut lines = vec![head];
    let mut group = "";
    for measurement in measurements {
        let shown_group = if measurement.group == group { "" } else { measurement.group.as_str() };
        group = &measurement.group;
        let ratio =
            reference_of(measurement, measurements, references).map_or_else(String::new, |reference| {
                let ratio = measurement.rate.per_second / reference.rate.per_second;
                let decimals = if ratio < 0.1 { 4 } else { 2 };
                format!("{ratio:.decimals$}")
            });
        let rate = measurement.rate.to_string();
        lines.push([shown_group.to_owned(), measurement.function.clone(), rate, ratio]);
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let mut text = String::new();
    for [group, function, rate, ratio] in &lines {
        let line = format!(
            "{group:0$}  {function:1$}  {rate:>2$}  {ratio:>3$}",
            widths[0], widths[1], widths[2], widths[3]
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn reference_of<'a>(
    measurement: &Measurement,
    measurements: &'a [Measurement],
    references: &[String],
) -> Option<&'a Measurement> {
    let input = measurement.function.split_once('/').map(|(_, input)| input);
    references.iter().find_map(|reference| {
        let function = match input {
            Some(input) => format!("{reference}/{input}"),
            None => reference.clone(),
        };
        measurements.iter().find(|other| {
            other.group == measurement.group
                && other.function == function
                && other.rate.unit == measurement.rate.unit
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measurement::{Rate, Unit};

    #[test]
    fn ratios_are_those_to_the_reference_of_the_group() {
        let measurement = |group: &str, function: &str, per_second, unit| Measurement {
            group: group.to_owned(),
            function: function.to_owned(),
            rate: Rate { per_second, unit },
        };
        let measurements = [
            measurement("copy", "memcpy/64", 8e9, Unit::Bytes),
            measurement("copy", "memcpy/9", 1e9, Unit::Bytes),
            measurement("copy", "split/9", 5e8, Unit::Bytes),
            measurement("literal", "compiled_each_time", 12e3, Unit::Elements),
            measurement("literal", "compiled_once", 10e6, Unit::Elements),
            measurement("literal", "ours", 123.4e6, Unit::Elements),
            measurement("parse", "ours", 512.0, Unit::Iterations),
        ];
        let references = ["compiled_once".to_owned(), "memcpy".to_owned()];
        let expected = "\
group    function                         rate  x reference
copy     memcpy/64              8.00 G bytes/s         1.00
         memcpy/9               1.00 G bytes/s         1.00
         split/9                 500 M bytes/s         0.50
literal  compiled_each_time  12.0 k elements/s       0.0012
         compiled_once       10.0 M elements/s         1.00
         ours                 123 M elements/s        12.34
parse    ours                 512 iterations/s
";
        assert_eq!(render(&measurements, &references), expected);
    }
}
