//! What the master says by itself, in one order across tasks and kinds of events.

use std::collections::BTreeMap;

use mesos_proto::v1::{
    self,
    scheduler::{Event, event},
    task_status::{Reason, Source},
};

use super::{offers, without_numbers};

/// Lines in order; `hosts` are the names of agents by their ids. Answers to one RECONCILE may come in any order, offers of one event may be rescinded in any.
pub(super) fn of_master(events: &[Event], master: &str, hosts: &BTreeMap<&str, &str>) -> Vec<String> {
    let host = |id: Option<&v1::AgentId>| id.and_then(|id| hosts.get(id.value.as_str())).copied();
    let plain = |message: &str| without_numbers(&message.replace(master, "M"));
    let mut lines: Vec<(&str, String)> = Vec::new();
    for event in events {
        let line = match event.r#type() {
            event::Type::Update => {
                let status = &event.update.as_ref().unwrap().status;
                if status.source() != Source::Master {
                    continue;
                }
                let is_answer = status.reason() == Reason::Reconciliation;
                let agent = host(status.agent_id.as_ref());
                let line = format!(
                    "{} {} {} {agent:?} '{}'",
                    status.task_id,
                    status.state().as_str_name(),
                    status.reason().as_str_name(),
                    plain(status.message())
                );
                (if is_answer { "answer" } else { "" }, line)
            }
            event::Type::Rescind => {
                let id = &event.rescind.as_ref().unwrap().offer_id;
                let of = offers(events).find(|offer| offer.id == *id).map(|offer| &offer.hostname);
                ("rescind", format!("RESCIND {of:?}"))
            }
            event::Type::InverseOffers => {
                let offers = &event.inverse_offers.as_ref().unwrap().inverse_offers;
                let offers: Vec<String> =
                    offers.iter().map(|offer| inverse(offer, host(offer.agent_id.as_ref()))).collect();
                ("", format!("INVERSE_OFFERS {offers:?}"))
            }
            event::Type::Failure => {
                let failure = event.failure.as_ref().unwrap();
                if failure.executor_id.is_some() {
                    // When an executor ends is no doing of the master.
                    continue;
                }
                ("", format!("FAILURE {:?} {:?}", host(failure.agent_id.as_ref()), failure.status))
            }
            event::Type::UpdateOperationStatus => {
                let status = &event.update_operation_status.as_ref().unwrap().status;
                let line = format!(
                    "OPERATION {:?} {} uuid={} {:?} '{}'",
                    status.operation_id.as_ref().map(|id| &id.value),
                    status.state().as_str_name(),
                    status.uuid.is_some(),
                    host(status.agent_id.as_ref()),
                    plain(status.message())
                );
                ("", line)
            }
            event::Type::Error => ("", format!("ERROR {}", event.error.as_ref().unwrap().message)),
            event::Type::RescindInverseOffer => ("", event.r#type().as_str_name().to_owned()),
            event::Type::Subscribed
            | event::Type::Offers
            | event::Type::Message
            | event::Type::Heartbeat
            | event::Type::Unknown => continue,
        };
        lines.push(line);
    }
    for run in lines.chunk_by_mut(|one, other| !one.0.is_empty() && one.0 == other.0) {
        run.sort();
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

fn inverse(offer: &v1::InverseOffer, host: Option<&str>) -> String {
    let url = offer.url.as_ref().map(|url| (url.scheme.clone(), url.path.clone()));
    let duration = offer.unavailability.duration.map(|duration| duration.nanoseconds);
    format!("{host:?} {url:?} for {duration:?} with {}", offer.resources.len())
}
