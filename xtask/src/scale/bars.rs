//! What scale must reach.

use std::fmt;

use super::record::{Burst, Latency};

/// What a client may add to the time of the master, at the median.
const MOST_ADDED_SECONDS: f64 = 0.005;

/// A bar, and what was measured.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    text: String,
    pub(crate) is_met: bool,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_met { "met     " } else { "MISSED  " })?;
        formatter.write_str(&self.text)
    }
}

/// # Errors
/// Something that a bar is about was not measured.
pub(crate) fn judge(bursts: &[Burst], latencies: &[Latency]) -> Result<Vec<Outcome>, String> {
    let mut outcomes = growth(bursts);
    let p50 = |what: &str| {
        let latency = latencies.iter().find(|latency| latency.what == what);
        latency.map(|latency| latency.p50).ok_or_else(|| format!("the latency '{what}' was not measured"))
    };
    let accept = p50("raw_accept")?;
    outcomes.push(added("held offer: create → RUNNING", p50("held")?, accept));
    let revive = p50("raw_revive")?;
    outcomes.push(added("suppressed: create → RUNNING", p50("suppressed")?, accept + revive));
    Ok(outcomes)
}

fn added(what: &str, seconds: f64, floor: f64) -> Outcome {
    let added = seconds - floor;
    Outcome {
        text: format!(
            "{what} ≤ the master's own {:.2} ms + {:.0} ms: + {:.2} ms",
            floor * 1e3,
            MOST_ADDED_SECONDS * 1e3,
            added * 1e3,
        ),
        is_met: added <= MOST_ADDED_SECONDS,
    }
}

type Cost = fn(&Burst) -> f64;

/// The cost of the smallest burst, grown by n log n, is the most that a larger one may take.
fn growth(bursts: &[Burst]) -> Vec<Outcome> {
    let ours = || bursts.iter().filter(|burst| burst.way == "framework");
    let Some(first) = ours().min_by(|a, b| a.tasks.total_cmp(&b.tasks)) else { return Vec::new() };
    let costs: [(&str, Cost); 3] = [
        ("time", |burst| burst.seconds),
        ("CPU of the client", |burst| burst.client_cpu),
        ("CPU of the master", |burst| burst.master_cpu),
    ];
    let larger = ours().filter(|burst| burst.tasks > first.tasks);
    let judged = larger.flat_map(|burst| {
        costs.map(|(what, cost)| {
            let most = n_log_n(burst.tasks) / n_log_n(first.tasks);
            let grown = cost(burst) / cost(first);
            Outcome {
                text: format!(
                    "{what}, {} → {} tasks ≤ {most:.1} x (n log n): {grown:.1} x",
                    first.tasks, burst.tasks
                ),
                is_met: grown <= most,
            }
        })
    });
    judged.collect()
}

pub(super) fn n_log_n(number: f64) -> f64 {
    number * number.ln()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::scale) fn burst(way: &str, tasks: f64, seconds: f64) -> Burst {
        Burst {
            way: way.to_owned(),
            tasks,
            seconds,
            client_cpu: seconds / 2.0,
            master_cpu: seconds / 4.0,
            client_peak_kib: 2048.0,
            master_peak_kib: 4096.0,
            calls: [("ACCEPT".to_owned(), 3), ("ACKNOWLEDGE".to_owned(), 2000)].into(),
            events: [("OFFERS".to_owned(), 1)].into(),
        }
    }

    pub(in crate::scale) fn latency(what: &str, p50: f64) -> Latency {
        Latency { what: what.to_owned(), samples: 50, p50, p90: p50 * 2.0, p99: p50 * 3.0 }
    }

    fn latencies(held: f64) -> [Latency; 4] {
        [
            latency("raw_accept", 0.001),
            latency("raw_revive", 0.002),
            latency("held", held),
            latency("suppressed", 0.0075),
        ]
    }

    fn judged(bursts: &[Burst], latencies: &[Latency]) -> Vec<String> {
        judge(bursts, latencies).unwrap().iter().map(Outcome::to_string).collect()
    }

    #[test]
    fn growth_is_compared_with_n_log_n() {
        let bursts = [
            burst("framework", 10_000.0, 14.0),
            burst("framework", 1000.0, 1.0),
            burst("mesos-actor", 10_000.0, 900.0),
        ];
        assert_eq!(
            judged(&bursts, &latencies(0.002))[..3],
            [
                "MISSED  time, 1000 → 10000 tasks ≤ 13.3 x (n log n): 14.0 x",
                "MISSED  CPU of the client, 1000 → 10000 tasks ≤ 13.3 x (n log n): 14.0 x",
                "MISSED  CPU of the master, 1000 → 10000 tasks ≤ 13.3 x (n log n): 14.0 x",
            ]
        );
        let bursts = [burst("framework", 1000.0, 1.0), burst("framework", 100_000.0, 160.0)];
        assert!(judge(&bursts, &latencies(0.002)).unwrap().iter().all(|outcome| outcome.is_met));
    }

    #[test]
    fn latencies_are_compared_with_those_of_the_master() {
        assert_eq!(
            judged(&[], &latencies(0.0065)),
            [
                "MISSED  held offer: create → RUNNING ≤ the master's own 1.00 ms + 5 ms: + 5.50 ms",
                "met     suppressed: create → RUNNING ≤ the master's own 3.00 ms + 5 ms: + 4.50 ms",
            ]
        );
        let error = judge(&[], &[latency("raw_accept", 1.0)]).unwrap_err();
        assert_eq!(error, "the latency 'held' was not measured");
    }
}
