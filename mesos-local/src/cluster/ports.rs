//! Ports that agents may offer: agents of one machine share its ports, and clusters run side by side.

use std::{
    net::{Ipv4Addr, TcpListener},
    ops::Range,
};

use mesos_proto::v1::Ranges;

/// Below the range that systems give out by themselves.
const FIRST: u16 = 10_000;
const LAST: u16 = 31_999;
const BLOCK: u16 = 100;

/// Blocks of ports that no other cluster uses. The first port of a block is the lock: who can listen
/// on it owns the other 99, but for those that some other program listens on.
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
        let mut begins = (0..blocks).map(|step| FIRST + (start + step) % blocks * BLOCK);
        let (begin, lock) = begins.find_map(|begin| Some((begin, listen(begin)?)))?;
        self.locks.push(lock);
        self.free.extend(free_ports(begin + 1..begin + BLOCK));
        Some(())
    }
}

/// Those that nobody listens on.
fn free_ports(ports: Range<u16>) -> impl Iterator<Item = u16> {
    ports.filter(|port| listen(*port).is_some())
}

fn listen(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
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

    #[test]
    fn a_port_that_is_listened_on_is_left_out() {
        for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
            let other = TcpListener::bind((address, 0)).unwrap();
            let port = other.local_addr().unwrap().port();
            assert_eq!(free_ports(port..port + 1).count(), 0);
        }
        let mut blocks = PortBlocks::default();
        let given = blocks.take(150).unwrap();
        let port = u16::try_from(given.numbers().last().unwrap()).unwrap();
        let _other = listen(port).unwrap();
        let lock = port / BLOCK * BLOCK;
        assert_eq!(listen(lock).map(|_| lock), None);
        assert!(!free_ports(lock + 1..lock + BLOCK).any(|free| free == port));
    }
}
