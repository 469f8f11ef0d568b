//! What a client counts and times, through the `metrics` facade.

use std::{collections::BTreeMap, time::Duration};

use mesos_proto::v1::scheduler::{call, event};
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use crate::session::{CallOutcome, DisconnectCause};

/// The kinds of instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Name, kind, labels, unit and meaning of each instrument; `docs/observability.md` has the same table.
const INSTRUMENTS: [(&str, Kind, &str, Unit, &str); 10] = [
    (CALLS, Kind::Counter, "type, outcome", Unit::Count, "calls that were resolved"),
    (CALL_SECONDS, Kind::Histogram, "type", Unit::Seconds, "time from making a call to its outcome"),
    (CALLS_IN_FLIGHT, Kind::Gauge, "", Unit::Count, "calls that have no outcome yet, waiting ones included"),
    (EVENTS, Kind::Counter, "type", Unit::Count, "events of Mesos that were told"),
    (EVENT_LAG_SECONDS, Kind::Histogram, "", Unit::Seconds, "time that an event waited until it was taken"),
    (DISCONNECTS, Kind::Counter, "cause", Unit::Count, "lost subscriptions and failed attempts"),
    (DISCONNECTED_SECONDS, Kind::Histogram, "", Unit::Seconds, "time without a subscription, at its end"),
    (SUBSCRIBED, Kind::Gauge, "", Unit::Count, "subscriptions that stand"),
    (SENT_BYTES, Kind::Counter, "", Unit::Bytes, "bytes of calls, SUBSCRIBE included, without heads"),
    (RECEIVED_BYTES, Kind::Counter, "", Unit::Bytes, "bytes of event streams, framing included"),
];

const CALLS: &str = "mesos_scheduler_calls_total";
const CALL_SECONDS: &str = "mesos_scheduler_call_seconds";
const CALLS_IN_FLIGHT: &str = "mesos_scheduler_calls_in_flight";
const EVENTS: &str = "mesos_scheduler_events_total";
const EVENT_LAG_SECONDS: &str = "mesos_scheduler_event_lag_seconds";
const DISCONNECTS: &str = "mesos_scheduler_disconnects_total";
const DISCONNECTED_SECONDS: &str = "mesos_scheduler_disconnected_seconds";
const SUBSCRIBED: &str = "mesos_scheduler_subscribed";
const SENT_BYTES: &str = "mesos_scheduler_sent_bytes_total";
const RECEIVED_BYTES: &str = "mesos_scheduler_received_bytes_total";

/// The instruments of one client, taken from the recorder when the client starts: making the key of one with labels
/// costs more than counting.
#[derive(Debug)]
pub(crate) struct Instruments {
    calls: BTreeMap<(call::Type, &'static str), Counter>,
    call_seconds: BTreeMap<call::Type, Histogram>,
    calls_in_flight: Gauge,
    events: BTreeMap<event::Type, Counter>,
    disconnected_seconds: Histogram,
    subscribed: Gauge,
    is_subscribed: bool,
    sent_bytes: Counter,
    received_bytes: Counter,
    /// Calls that have no outcome yet.
    open_calls: u32,
}

impl Instruments {
    /// Tells the recorder of the program, if there is one, what the names mean.
    pub(crate) fn new() -> Self {
        for (name, kind, _labels, unit, meaning) in INSTRUMENTS {
            match kind {
                Kind::Counter => describe_counter!(name, unit, meaning),
                Kind::Gauge => describe_gauge!(name, unit, meaning),
                Kind::Histogram => describe_histogram!(name, unit, meaning),
            }
        }
        Self {
            calls: BTreeMap::new(),
            call_seconds: BTreeMap::new(),
            calls_in_flight: gauge!(CALLS_IN_FLIGHT),
            events: BTreeMap::new(),
            disconnected_seconds: histogram!(DISCONNECTED_SECONDS),
            subscribed: gauge!(SUBSCRIBED),
            is_subscribed: false,
            sent_bytes: counter!(SENT_BYTES),
            received_bytes: counter!(RECEIVED_BYTES),
            open_calls: 0,
        }
    }

    pub(crate) fn call_made(&mut self) {
        self.open_calls += 1;
        self.calls_in_flight.increment(1.0);
    }

    pub(crate) fn call_resolved(&mut self, kind: call::Type, outcome: &CallOutcome, took: Duration) {
        let (name, outcome) = (kind.as_str_name(), outcome_name(outcome));
        let calls = self.calls.entry((kind, outcome));
        calls.or_insert_with(|| counter!(CALLS, "type" => name, "outcome" => outcome)).increment(1);
        let seconds = self.call_seconds.entry(kind);
        seconds.or_insert_with(|| histogram!(CALL_SECONDS, "type" => name)).record(took);
        self.open_calls -= 1;
        self.calls_in_flight.decrement(1.0);
    }

    pub(crate) fn event_told(&mut self, kind: event::Type) {
        let events = self.events.entry(kind);
        events.or_insert_with(|| counter!(EVENTS, "type" => kind.as_str_name())).increment(1);
    }

    /// A subscription stands, after so long without one.
    pub(crate) fn subscribed(&mut self, after: Duration) {
        self.disconnected_seconds.record(after);
        self.set_subscribed(true);
    }

    pub(crate) fn disconnected(&mut self, cause: DisconnectCause) {
        counter!(DISCONNECTS, "cause" => cause.as_str()).increment(1);
        self.set_subscribed(false);
    }

    /// Counted and not set, since clients of one process share the gauge.
    fn set_subscribed(&mut self, is_subscribed: bool) {
        self.subscribed.increment(f64::from(i8::from(is_subscribed) - i8::from(self.is_subscribed)));
        self.is_subscribed = is_subscribed;
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.sent_bytes.increment(bytes as u64);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.received_bytes.increment(bytes as u64);
    }
}

/// A client that has ended has no subscription and no calls.
impl Drop for Instruments {
    fn drop(&mut self) {
        self.set_subscribed(false);
        self.calls_in_flight.decrement(f64::from(self.open_calls));
    }
}

/// How long events wait, for who takes them.
pub(crate) fn event_lag() -> Histogram {
    histogram!(EVENT_LAG_SECONDS)
}

fn outcome_name(outcome: &CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Accepted => "accepted",
        CallOutcome::Refused { .. } => "refused",
        CallOutcome::NotSubscribed => "not_subscribed",
        CallOutcome::QueueFull { .. } => "queue_full",
        CallOutcome::Invalid { .. } => "invalid",
        CallOutcome::OutcomeUnknown { .. } => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_is_that_of_the_code() {
        let document = include_str!("../docs/observability.md");
        let rows = document.lines().filter(|line| line.starts_with("| `mesos_scheduler_"));
        let documented: Vec<_> = rows.map(str::to_owned).collect();
        let coded: Vec<_> = INSTRUMENTS
            .iter()
            .map(|(name, kind, labels, _unit, meaning)| {
                let kind = format!("{kind:?}").to_lowercase();
                let labels: Vec<_> = labels.split(", ").filter(|label| !label.is_empty()).collect();
                let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
                format!("| `{name}` | {kind} | {labels} | {meaning} |")
            })
            .collect();
        assert_eq!(documented, coded);
    }

    #[test]
    fn every_cause_has_a_documented_name_of_its_own() {
        let document = include_str!("../docs/observability.md");
        let names: std::collections::BTreeSet<_> =
            DisconnectCause::ALL.iter().map(|cause| cause.as_str()).collect();
        assert_eq!(names.len(), DisconnectCause::ALL.len());
        for name in names {
            assert!(document.contains(&format!("`{name}`")), "{name}");
        }
    }
}
