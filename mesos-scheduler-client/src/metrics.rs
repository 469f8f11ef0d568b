//! What a client counts and times, through the `metrics` facade.

use std::time::Duration;

use mesos_proto::v1::scheduler::{call, event};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

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
    (SUBSCRIBED, Kind::Gauge, "", Unit::Count, "1 while the subscription stands, else 0"),
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

/// Tells the recorder of the program, if there is one, what the names mean.
pub(crate) fn describe() {
    for (name, kind, _labels, unit, meaning) in INSTRUMENTS {
        match kind {
            Kind::Counter => describe_counter!(name, unit, meaning),
            Kind::Gauge => describe_gauge!(name, unit, meaning),
            Kind::Histogram => describe_histogram!(name, unit, meaning),
        }
    }
    gauge!(SUBSCRIBED).set(0.0);
}

pub(crate) fn call_made() {
    gauge!(CALLS_IN_FLIGHT).increment(1.0);
}

pub(crate) fn call_resolved(kind: call::Type, outcome: &CallOutcome, took: Duration) {
    counter!(CALLS, "type" => kind.as_str_name(), "outcome" => outcome_name(outcome)).increment(1);
    histogram!(CALL_SECONDS, "type" => kind.as_str_name()).record(took);
    gauge!(CALLS_IN_FLIGHT).decrement(1.0);
}

/// The client ended before these had an outcome.
pub(crate) fn calls_dropped(number: usize) {
    gauge!(CALLS_IN_FLIGHT).decrement(number as f64);
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

pub(crate) fn event_told(kind: event::Type) {
    counter!(EVENTS, "type" => kind.as_str_name()).increment(1);
}

pub(crate) fn event_taken(waited: Duration) {
    histogram!(EVENT_LAG_SECONDS).record(waited);
}

/// A subscription stands, after so long without one.
pub(crate) fn subscribed(after: Duration) {
    histogram!(DISCONNECTED_SECONDS).record(after);
    gauge!(SUBSCRIBED).set(1.0);
}

pub(crate) fn disconnected(cause: DisconnectCause) {
    counter!(DISCONNECTS, "cause" => cause.as_str()).increment(1);
    gauge!(SUBSCRIBED).set(0.0);
}

pub(crate) fn closed() {
    gauge!(SUBSCRIBED).set(0.0);
}

pub(crate) fn sent(bytes: usize) {
    counter!(SENT_BYTES).increment(bytes as u64);
}

pub(crate) fn received(bytes: usize) {
    counter!(RECEIVED_BYTES).increment(bytes as u64);
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
