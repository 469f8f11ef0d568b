//! Ports that agents may offer: agents of one machine share its ports, and clusters run side by side.

use std::net::{Ipv4Addr, TcpListener};

use mesos_proto::v1::Ranges;

/// Below the range that systems give out by themselves.
const FIRST: u16 = 10_000;
const LAST: u16 = 31_999;
const BLOCK: u16 = 100;

/// Blocks of ports that no other cluster uses. The first port of a block is the lock: who can listen
/// on it owns the other 99.
#[derive(Debug, Default)]
pub(super) struct PortBlocks {
    locks: Vec<TcpListener>,
    free: Vec<u16>,
}

impl PortBlocks {
    /// Gives out so many ports that nobody was given yet; `None` if there are no more.
    pub(super) fn take(&mut self, count: u16) -> Option<Ranges> {
        while self.free.len() < usize::from(count) {
            self.lock_block()?;
        }
        let mut ports = Ranges::default();
        for port in self.free.drain(..usize::from(count)) {
            ports.insert(port.into(), port.into());
        }
        Some(ports)
    }

    fn lock_block(&mut self) -> Option<()> {
        let blocks = (LAST - FIRST + 1) / BLOCK;
        // Clusters of different processes start their search at different places.
        let start = u16::try_from(std::process::id() % u32::from(blocks)).unwrap_or(0);
        let begins = (0..blocks).map(|step| FIRST + (start + step) % blocks * BLOCK);
        let (begin, lock) = begins
            .filter_map(|begin| Some((begin, TcpListener::bind((Ipv4Addr::LOCALHOST, begin)).ok()?)))
            .next()?;
        self.locks.push(lock);
        self.free.extend(begin + 1..begin + BLOCK);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_given_a_port_twice() {
        let (mut one, mut other) = (PortBlocks::default(), PortBlocks::default());
        let given: Vec<Ranges> = [one.take(40), one.take(40), one.take(150), other.take(40), one.take(0)]
            .into_iter()
            .map(Option::unwrap)
            .collect();
        let mut all = Ranges::default();
        for ports in &given {
            all.add(ports);
        }
        assert_eq!(all.numbers().count(), 40 + 40 + 150 + 40);
        assert!(all.numbers().all(|port| (u64::from(FIRST)..=u64::from(LAST)).contains(&port)));
    }
}
