//! What the bench prints: lines of `record <kind> <name>=<value>…`.

use std::collections::BTreeMap;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    kind: String,
    values: BTreeMap<String, String>,
}

/// Many tasks that were submitted at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Burst {
    pub(crate) way: String,
    pub(crate) tasks: f64,
    /// Until all ran.
    pub(crate) seconds: f64,
    /// Processor time of the process of the client and of that of the master.
    pub(crate) client_cpu: f64,
    pub(crate) master_cpu: f64,
    pub(crate) client_peak_kib: f64,
    pub(crate) master_peak_kib: f64,
    /// By type.
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) events: BTreeMap<String, u64>,
}

/// One task after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Latency {
    pub(crate) what: String,
    pub(crate) samples: u64,
    /// Seconds.
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
}

/// Reads all lines that are records.
pub(crate) fn parse(text: &str) -> Result<Vec<Record>, String> {
    text.lines().filter_map(|line| line.strip_prefix("record ")).map(Record::parse).collect()
}

impl Record {
    fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let kind = words.next().unwrap_or_default().to_owned();
        let pairs = words.map(|word| {
            let pair = word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            pair.ok_or_else(|| format!("'{word}' is no value of a record, expected <name>=<value>"))
        });
        Ok(Self { kind, values: pairs.collect::<Result<_, _>>()? })
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        let value = self.values.get(name).map(String::as_str);
        value.ok_or_else(|| format!("a record '{}' has no '{name}'", self.kind))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, String> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("'{name}' of a record '{}' is no number: '{text}'", self.kind))
    }

    fn counts(&self, prefix: &str) -> Result<BTreeMap<String, u64>, String> {
        let names = self.values.keys().filter_map(|name| Some((name, name.strip_prefix(prefix)?)));
        names.map(|(name, kind)| Ok((kind.to_owned(), self.number(name)?))).collect()
    }

    fn expect(&self, kind: &str) -> Result<(), String> {
        if self.kind == kind {
            return Ok(());
        }
        Err(format!("expected a record '{kind}', found '{}'", self.kind))
    }
}

impl Burst {
    pub(crate) fn read(record: &Record) -> Result<Self, String> {
        record.expect("burst")?;
        Ok(Self {
            way: record.text("way")?.to_owned(),
            tasks: record.number("tasks")?,
            seconds: record.number("seconds")?,
            client_cpu: record.number("client_cpu")?,
            master_cpu: record.number("master_cpu")?,
            client_peak_kib: record.number("client_peak_kib")?,
            master_peak_kib: record.number("master_peak_kib")?,
            calls: record.counts("call:")?,
            events: record.counts("event:")?,
        })
    }
}

impl Latency {
    pub(crate) fn read(record: &Record) -> Result<Self, String> {
        record.expect("latency")?;
        Ok(Self {
            what: record.text("what")?.to_owned(),
            samples: record.number("samples")?,
            p50: record.number("p50")?,
            p90: record.number("p90")?,
            p99: record.number("p99")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_records_are_read() {
        let records = parse(
            "noise\nrecord burst way=framework tasks=1000 seconds=0.25 client_cpu=0.1 master_cpu=0.2 \
             client_peak_kib=2048 master_peak_kib=4096 call:ACCEPT=3 event:OFFERS=1 agents=5\n\
             record latency what=held samples=9 p50=0.001 p90=0.002 p99=0.003\n",
        )
        .unwrap();
        let burst = Burst::read(&records[0]).unwrap();
        assert_eq!((burst.way.as_str(), burst.tasks, burst.seconds), ("framework", 1000.0, 0.25));
        assert_eq!(burst.calls, [("ACCEPT".to_owned(), 3)].into());
        assert_eq!(burst.events, [("OFFERS".to_owned(), 1)].into());
        assert_eq!(Latency::read(&records[1]).unwrap().p90, 0.002);
    }

    #[test]
    fn what_is_missing_or_no_number_is_named() {
        for (line, error) in [
            ("record latency what", "'what' is no value of a record, expected <name>=<value>"),
            ("record latency what=held", "a record 'latency' has no 'samples'"),
            ("record latency what=held samples=x", "'samples' of a record 'latency' is no number: 'x'"),
            ("record burst way=x", "expected a record 'latency', found 'burst'"),
        ] {
            let read = parse(line).and_then(|records| Latency::read(&records[0]));
            assert_eq!(read, Err(error.to_owned()), "{line}");
        }
    }
}
