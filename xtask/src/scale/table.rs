//! Runs as tables of Markdown.

use std::collections::BTreeSet;

use super::record::{Burst, Latency};

/// What each burst took.
pub(crate) fn bursts(bursts: &[Burst], agents: u32) -> String {
    let head = [
        "tasks at once".to_owned(),
        "way".to_owned(),
        "all RUNNING after".to_owned(),
        "tasks/s".to_owned(),
        "client CPU".to_owned(),
        "per task".to_owned(),
        "client peak".to_owned(),
        "master CPU".to_owned(),
        "master peak".to_owned(),
    ];
    let lines = bursts.iter().map(|burst| {
        vec![
            burst.tasks.to_string(),
            burst.way.clone(),
            format!("{:.3} s", burst.seconds),
            format!("{:.0}", burst.tasks / burst.seconds),
            format!("{:.3} s", burst.client_cpu),
            format!("{:.1} µs", burst.client_cpu / burst.tasks * 1e6),
            format!("{:.0} MiB", burst.client_peak_kib / 1024.0),
            format!("{:.3} s", burst.master_cpu),
            format!("{:.0} MiB", burst.master_peak_kib / 1024.0),
        ]
    });
    format!("\n{agents} agents over HTTP\n\n{}", markdown(&head, lines, 2))
}

/// What was said in each burst.
pub(crate) fn messages(bursts: &[Burst]) -> String {
    let calls: BTreeSet<&String> = bursts.iter().flat_map(|burst| burst.calls.keys()).collect();
    let events: BTreeSet<&String> = bursts.iter().flat_map(|burst| burst.events.keys()).collect();
    let mut head = vec!["tasks at once".to_owned(), "way".to_owned()];
    head.extend(calls.iter().map(|kind| format!("→ {kind}")));
    head.extend(events.iter().map(|kind| format!("← {kind}")));
    let lines = bursts.iter().map(|burst| {
        let calls = calls.iter().map(|kind| burst.calls.get(*kind).copied().unwrap_or(0));
        let events = events.iter().map(|kind| burst.events.get(*kind).copied().unwrap_or(0));
        let counts = calls.chain(events).map(|count| count.to_string());
        [burst.tasks.to_string(), burst.way.clone()].into_iter().chain(counts).collect()
    });
    format!("calls (→) and events (←)\n\n{}", markdown(&head, lines, 2))
}

pub(crate) fn latencies(latencies: &[Latency]) -> String {
    let head = ["one after the other", "samples", "p50", "p90", "p99"].map(str::to_owned);
    let lines = latencies.iter().map(|latency| {
        let what = match latency.what.as_str() {
            "raw_accept" => "the master's own: ACCEPT → TASK_RUNNING",
            "raw_revive" => "the master's own: REVIVE → OFFERS",
            "held" => "create → RUNNING, with a held offer",
            "suppressed" => "create → RUNNING, suppressed",
            other => other,
        };
        let times = [latency.p50, latency.p90, latency.p99].map(|seconds| format!("{:.2} ms", seconds * 1e3));
        [what.to_owned(), latency.samples.to_string()].into_iter().chain(times).collect()
    });
    markdown(&head, lines, 1)
}

/// The first columns hold text, the others numbers.
fn markdown(head: &[String], lines: impl Iterator<Item = Vec<String>>, text_columns: usize) -> String {
    let rule: Vec<String> =
        (0..head.len()).map(|column| if column < text_columns { "---" } else { "---:" }.to_owned()).collect();
    let all = [head.to_vec(), rule].into_iter().chain(lines);
    all.map(|cells| format!("| {} |\n", cells.join(" | "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::bars::tests::{burst, latency};

    #[test]
    fn tables_have_a_line_for_each_run() {
        let runs = [burst("framework", 1000.0, 0.5)];
        assert_eq!(
            bursts(&runs, 5),
            "\n5 agents over HTTP\n\n\
             | tasks at once | way | all RUNNING after | tasks/s | client CPU | per task | client peak | master CPU | \
             master peak |\n\
             | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n\
             | 1000 | framework | 0.500 s | 2000 | 0.250 s | 250.0 µs | 2 MiB | 0.125 s | 4 MiB |\n"
        );
        assert_eq!(
            messages(&runs),
            "calls (→) and events (←)\n\n\
             | tasks at once | way | → ACCEPT | → ACKNOWLEDGE | ← OFFERS |\n\
             | --- | --- | ---: | ---: | ---: |\n\
             | 1000 | framework | 3 | 2000 | 1 |\n"
        );
        let table = latencies(&[latency("held", 0.001)]);
        assert!(
            table.ends_with("| create → RUNNING, with a held offer | 50 | 1.00 ms | 2.00 ms | 3.00 ms |\n")
        );
    }
}
