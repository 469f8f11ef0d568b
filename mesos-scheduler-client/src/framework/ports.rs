//! Which ports of an offer a task gets.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use mesos_proto::v1::Ranges;

use super::{report::Refusal, spec::PortRequest};
use crate::deadline::after;

/// Remembers per agent when ports were given and which ones failed.
///
/// The port that was given longest ago is used again first, and one that never was before it: the former user of
/// a port may still have connections on it, and something outside of Mesos may sit on one that failed.
#[derive(Debug, Default)]
pub(super) struct PortBook {
    agents: BTreeMap<Arc<str>, AgentPorts>,
    /// Counts what was given.
    given: u64,
}

#[derive(Debug, Default)]
struct AgentPorts {
    given: BTreeMap<u16, u64>,
    quarantined: BTreeMap<u16, Instant>,
}

impl AgentPorts {
    fn is_quarantined(&self, now: Instant, port: u16) -> bool {
        self.quarantined.get(&port).is_some_and(|until| *until > now)
    }
}

impl PortBook {
    /// The ports of `free` that these requests get on this agent, in their order.
    ///
    /// # Errors
    /// They cannot all be served.
    pub(super) fn choose(
        &self,
        now: Instant,
        agent: &str,
        free: &Ranges,
        requests: &[PortRequest],
    ) -> Result<Vec<u16>, Refusal> {
        let nothing = AgentPorts::default();
        let book = self.agents.get(agent).unwrap_or(&nothing);
        let fixed: Vec<u16> = requests.iter().filter_map(|request| request.host_port).collect();
        for &port in &fixed {
            if !free.contains_number(port.into()) {
                return Err(Refusal::PortNotOffered { port });
            }
            if book.is_quarantined(now, port) {
                return Err(Refusal::PortsQuarantined);
            }
        }
        let wanted = requests.len() - fixed.len();
        // A peer may offer any numbers; only these are ports.
        let ports = || {
            let numbers = free.numbers().skip_while(|number| *number == 0);
            numbers.map_while(|number| u16::try_from(number).ok()).filter(|port| !fixed.contains(port))
        };
        let usable = |port: &u16| !book.is_quarantined(now, *port);
        let fresh = ports().filter(usable).filter(|port| !book.given.contains_key(port));
        let mut chosen: Vec<u16> = fresh.take(wanted).collect();
        if chosen.len() < wanted {
            let mut old: Vec<(u64, u16)> =
                ports().filter(usable).filter_map(|port| Some((*book.given.get(&port)?, port))).collect();
            old.sort_unstable();
            chosen.extend(old.into_iter().map(|(_, port)| port).take(wanted - chosen.len()));
        }
        if chosen.len() < wanted {
            let offered = ports().count() + fixed.len();
            let wanted = requests.len();
            return Err(if offered < wanted {
                Refusal::NotEnoughPorts { wanted, offered }
            } else {
                Refusal::PortsQuarantined
            });
        }
        let mut chosen = chosen.into_iter();
        Ok(requests.iter().filter_map(|request| request.host_port.or_else(|| chosen.next())).collect())
    }

    /// Tells that these ports were given to a task.
    pub(super) fn given(&mut self, agent: &Arc<str>, ports: &[u16]) {
        if ports.is_empty() {
            return;
        }
        let book = self.agents.entry(agent.clone()).or_default();
        for &port in ports {
            self.given += 1;
            book.given.insert(port, self.given);
        }
    }

    /// Tells that one of these ports could not be bound. Which one nobody says.
    pub(super) fn failed(&mut self, now: Instant, agent: &Arc<str>, ports: &[u16], quarantine: Duration) {
        let book = self.agents.entry(agent.clone()).or_default();
        book.quarantined.retain(|_, until| *until > now);
        book.quarantined.extend(ports.iter().map(|port| (*port, after(now, quarantine))));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do")]
mod tests {
    use super::*;

    fn any(count: usize) -> Vec<PortRequest> {
        vec![PortRequest::any(8080); count]
    }

    #[test]
    fn ports_go_round_and_failed_ones_rest() {
        let now = Instant::now();
        let free = Ranges::single(10, 13);
        let (a, quarantine) = (Arc::from("a"), Duration::from_secs(300));
        let mut book = PortBook::default();
        assert_eq!(book.choose(now, "a", &free, &any(2)).unwrap(), [10, 11]);
        book.given(&a, &[11, 10]);
        assert_eq!(book.choose(now, "a", &free, &any(3)).unwrap(), [12, 13, 11]);
        assert_eq!(book.choose(now, "b", &free, &any(1)).unwrap(), [10]);
        book.failed(now, &a, &[12], quarantine);
        assert_eq!(book.choose(now, "a", &free, &any(2)).unwrap(), [13, 11]);
        assert_eq!(book.choose(now + quarantine, "a", &free, &any(1)).unwrap(), [12]);
        assert_eq!(book.choose(now, "a", &free, &any(4)), Err(Refusal::PortsQuarantined));
        assert_eq!(
            book.choose(now, "a", &free, &any(9)),
            Err(Refusal::NotEnoughPorts { wanted: 9, offered: 4 })
        );
    }

    #[test]
    fn fixed_ports_are_these_or_none_and_no_number_beyond_a_port_is_used() {
        let now = Instant::now();
        let mut free = Ranges::single(0, 1);
        free.insert(65_535, u64::MAX);
        let mut book = PortBook::default();
        let mixed = [PortRequest::any(1), PortRequest::fixed(1, 2)];
        assert_eq!(book.choose(now, "a", &free, &mixed).unwrap(), [65_535, 1]);
        let absent = [PortRequest::fixed(7, 7)];
        assert_eq!(book.choose(now, "a", &free, &absent), Err(Refusal::PortNotOffered { port: 7 }));
        book.failed(now, &Arc::from("a"), &[1], Duration::from_secs(1));
        assert_eq!(book.choose(now, "a", &free, &mixed), Err(Refusal::PortsQuarantined));
    }
}
