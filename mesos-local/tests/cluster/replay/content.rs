//! What offers hold, as text.

use std::collections::BTreeMap;

use mesos_proto::{
    json,
    v1::{self, scheduler::Event},
};

use super::offers;

/// The offers of each agent in their order.
pub(super) fn one_by_one(events: &[Event]) -> BTreeMap<String, Vec<String>> {
    let mut lines = BTreeMap::<String, Vec<String>>::new();
    for offer in offers(events) {
        let mut resources: Vec<String> = offer.resources.iter().map(resource).collect();
        resources.sort();
        let role = offer.allocation_info.as_ref().map(|info| info.role());
        let line = format!("{role:?} {} {}", resources.join("; "), description(offer));
        lines.entry(format!("offers of {}", offer.hostname)).or_default().push(line);
    }
    lines
}

/// The resources of each agent in all offers together, and what else offers of it say.
pub(super) fn in_sum(events: &[Event]) -> BTreeMap<String, Vec<String>> {
    let mut lines = BTreeMap::<String, Vec<String>>::new();
    for offer in offers(events) {
        let role = offer.allocation_info.as_ref().map(|info| info.role());
        let of_host = lines.entry(format!("offers of {}", offer.hostname)).or_default();
        for one in &offer.resources {
            assert_eq!(one.allocated_role(), role, "{}", offer.id);
            of_host.push(resource(&v1::Resource { allocation_info: None, ..one.clone() }));
        }
        let descriptions = lines.entry(format!("description of {}", offer.hostname)).or_default();
        descriptions.push(description(offer));
        descriptions.sort();
        descriptions.dedup();
    }
    lines.values_mut().for_each(|of_host| of_host.sort());
    lines
}

/// With the fields that its format uses.
#[expect(deprecated, reason = "the older format is made of such fields")]
fn resource(resource: &v1::Resource) -> String {
    format!("{resource} {:?} {:?} {}", resource.role, resource.reservation, resource.reservations.len())
}

fn description(offer: &v1::Offer) -> String {
    let attributes: Vec<String> =
        offer.attributes.iter().map(|attribute| json::to_value(attribute).to_string()).collect();
    let domain = offer.domain.as_ref().map(|domain| json::to_value(domain).to_string());
    let url = offer.url.as_ref().map(|url| (&url.scheme, &url.address.hostname, &url.address.ip, &url.path));
    // When an agent goes away depends on the clock.
    let unavailable = offer.unavailability.map(|one| one.duration.map(|duration| duration.nanoseconds));
    format!("{attributes:?} {domain:?} {url:?} {unavailable:?}")
}
