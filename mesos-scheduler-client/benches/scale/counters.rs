//! Counts what the client counts, and nothing else: histograms would take memory of their own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// The counters of all clients of this program, by what they count: `call:ACCEPT`, `event:OFFERS`.
#[derive(Clone, Default)]
pub(crate) struct Counters(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

impl Counters {
    /// To be called once, before the first client starts.
    pub(crate) fn install() -> Self {
        let counters = Self::default();
        metrics::set_global_recorder(counters.clone()).unwrap();
        counters
    }

    pub(crate) fn read(&self) -> BTreeMap<String, u64> {
        let counters = self.0.lock().unwrap();
        counters.iter().map(|(name, count)| (name.clone(), count.load(Ordering::Relaxed))).collect()
    }

    /// Waits until the answers to so many more acknowledgements than `before` have come: calls are counted when they
    /// are answered.
    pub(crate) async fn acknowledged(&self, before: &BTreeMap<String, u64>, number: usize) {
        let count = |counts: &BTreeMap<String, u64>| counts.get("call:ACKNOWLEDGE").copied().unwrap_or(0);
        while count(&self.read()) < count(before) + number as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What was counted since `before`.
    pub(crate) fn since(&self, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let counted = |(name, count): (String, u64)| {
            let more = count - before.get(&name).copied().unwrap_or(0);
            (more > 0).then_some((name, more))
        };
        self.read().into_iter().filter_map(counted).collect()
    }
}

impl Recorder for Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let label = |name: &str| key.labels().find(|label| label.key() == name).map(|label| label.value());
        let name = match (key.name(), label("type"), label("outcome")) {
            ("mesos_scheduler_calls_total", Some(kind), Some("accepted")) => format!("call:{kind}"),
            ("mesos_scheduler_calls_total", Some(kind), Some(outcome)) => format!("call:{kind}:{outcome}"),
            ("mesos_scheduler_events_total", Some(kind), _) => format!("event:{kind}"),
            ("mesos_scheduler_sent_bytes_total", _, _) => "sent_bytes".to_owned(),
            ("mesos_scheduler_received_bytes_total", _, _) => "received_bytes".to_owned(),
            (other, _, _) => other.to_owned(),
        };
        Counter::from_arc(self.0.lock().unwrap().entry(name).or_default().clone())
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
