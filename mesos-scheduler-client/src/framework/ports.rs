//! Which port of an offer a task gets.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use mesos_proto::v1::Ranges;

/// How long a port that could not be bound is avoided on its agent.
const QUARANTINE: Duration = Duration::from_secs(300);

/// Remembers per agent which port was given last and which ones failed.
///
/// Ports are given in turn, so that the one that was freed last is used again last: its former user may
/// still have connections on it, and something outside of Mesos may sit on a port that failed.
#[derive(Debug, Default)]
pub(super) struct PortBook {
    last: BTreeMap<String, u64>,
    quarantined: BTreeMap<(String, u64), Instant>,
}

impl PortBook {
    /// Ports of `free` that may be used on this agent, the least recently used first.
    pub(super) fn choose(&self, now: Instant, agent: &str, free: &Ranges, count: usize) -> Vec<u64> {
        // A peer may offer any numbers; only these are ports.
        let mut free = free.clone();
        free.subtract(&Ranges::single(0, 0));
        free.subtract(&Ranges::single(u64::from(u16::MAX) + 1, u64::MAX));
        let last = self.last.get(agent).copied();
        let is_after_last = |port: &u64| last.is_none_or(|last| *port > last);
        let usable =
            |port: &u64| self.quarantined.get(&(agent.to_owned(), *port)).is_none_or(|until| *until <= now);
        let after = free.numbers().filter(is_after_last).filter(usable);
        let wrapped = free.numbers().filter(|port| !is_after_last(port)).filter(usable);
        after.chain(wrapped).take(count).collect()
    }

    /// Tells that these ports were given to a task.
    pub(super) fn given(&mut self, agent: &str, ports: &[u64]) {
        if let Some(last) = ports.last() {
            self.last.insert(agent.to_owned(), *last);
        }
    }

    /// Tells that a port could not be bound.
    pub(super) fn failed(&mut self, now: Instant, agent: &str, port: u64) {
        self.quarantined.retain(|_, until| *until > now);
        self.quarantined.insert((agent.to_owned(), port), now + QUARANTINE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn ports_go_round_and_failed_ones_rest() {
        let now = Instant::now();
        let free = Ranges::single(10, 13);
        let mut book = PortBook::default();
        assert_eq!(book.choose(now, "a", &free, 2), [10, 11]);
        book.given("a", &[10, 11]);
        assert_eq!(book.choose(now, "a", &free, 3), [12, 13, 10]);
        assert_eq!(book.choose(now, "b", &free, 1), [10]);
        book.failed(now, "a", 12);
        assert_eq!(book.choose(now, "a", &free, 2), [13, 10]);
        assert_eq!(book.choose(now + QUARANTINE, "a", &free, 1), [12]);
        assert_eq!(book.choose(now, "a", &free, 9).len(), 3);
    }
}
