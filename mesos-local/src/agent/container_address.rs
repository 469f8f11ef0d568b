//! The address of a Docker container, as real as one can be without Docker.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::plan::Plan;

/// Containers have addresses of this network, which all lead to this machine. The first two of Docker's own
/// network are its gateway and its name.
const NETWORK: [u8; 2] = [127, 17];

/// So many addresses are tried.
const MAX_TRIES: u16 = 500;

/// An address of its own, at which the container's ports lead to those of the machine that stand for them.
/// Dropping it gives it back.
#[derive(Debug)]
pub(super) struct ContainerAddress {
    ip: Ipv4Addr,
    _forwarders: JoinSet<()>,
}

impl ContainerAddress {
    /// The address of a container in a network of its own. `None` for everything else, and on systems that do
    /// not let programs have such addresses or ports.
    pub(super) async fn of(plan: &Plan) -> Option<Self> {
        let ports = plan.docker.as_ref()?.mapped();
        if ports.is_empty() {
            return None;
        }
        // Those who listen there hold the address, whichever cluster they are of.
        for number in 2..MAX_TRIES {
            let [high, low] = number.to_be_bytes();
            let ip = Ipv4Addr::new(NETWORK[0], NETWORK[1], high, low);
            match listen(ip, ports).await {
                Ok(listeners) => {
                    let mut forwarders = JoinSet::new();
                    for (listener, port) in listeners {
                        forwarders.spawn(forward(listener, port));
                    }
                    return Some(Self { ip, _forwarders: forwarders });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => {
                    tracing::debug!(%error, %ip, "a container has no address of its own");
                    return None;
                }
            }
        }
        None
    }

    pub(super) fn ip(&self) -> Ipv4Addr {
        self.ip
    }
}

/// A socket at each port of the container, with the port of the machine.
async fn listen(ip: Ipv4Addr, ports: &[(u32, u16)]) -> io::Result<Vec<(TcpListener, u16)>> {
    let mut listeners = Vec::with_capacity(ports.len());
    for (of, to) in ports {
        let of = u16::try_from(*of).map_err(io::Error::other)?;
        listeners.push((TcpListener::bind(SocketAddrV4::new(ip, of)).await?, *to));
    }
    Ok(listeners)
}

async fn forward(listener: TcpListener, port: u16) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Whoever could not be accepted tries again.
                let Ok((mut near, _)) = accepted else {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    continue;
                };
                connections.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                        // Either end may break.
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}
