//! The masters of a cluster: which of them leads, what the others say, and how that changes.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::oneshot,
    task::JoinSet,
};

use super::ClusterError;
use crate::{
    driver::DriverHandle,
    http::{self, Connections, MasterApi},
};

/// So many connections may wait until they are accepted.
const BACKLOG: u32 = 1024;

const HOLD_ATTEMPTS: usize = 500;
const HOLD_PAUSE: Duration = Duration::from_millis(2);

/// What a master does with those who come, as its life goes from its start to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MasterPhase {
    /// The process has died, and its memory with it: connections are cut and refused.
    Dead,
    /// The process lives, but the network between it and schedulers is broken: connections are cut and
    /// refused, and the master remembers everything.
    Unreachable,
    /// The process has just started: 404 on every path.
    Starting,
    /// It follows, and nobody leads: 503 `No leader elected`.
    NoLeader,
    /// It follows: 307 to the `host:port` that it takes for the leader's.
    Standby {
        /// Anything goes: a master that died, one that points back, one that never was.
        leader: String,
    },
    /// It was elected and reads the registry: 503 `Master has not finished recovery`.
    Recovering,
    /// It leads.
    Leading,
}

impl MasterPhase {
    fn is_refusing(&self) -> bool {
        matches!(self, Self::Dead | Self::Unreachable)
    }
}

/// All masters of a cluster. One of them leads at most: the core in the driver is the leader's.
pub(super) struct Masters {
    driver: DriverHandle,
    connections: Connections,
    servers: Vec<Server>,
    /// Whose memory the core is: the leader, or one that would go on leading if it was reachable.
    owner: Option<usize>,
}

/// One master seen from the network.
struct Server {
    port: u16,
    api: Arc<MasterApi>,
    /// Keeps the port while nobody listens, so that nobody else gets it.
    held: Option<TcpSocket>,
    /// Dropping it ends the task.
    stop: Option<oneshot::Sender<()>>,
    task: JoinSet<()>,
}

impl Masters {
    pub(super) fn new(driver: DriverHandle, connections: Connections) -> Self {
        Self { driver, connections, servers: Vec::new(), owner: None }
    }

    /// Adds a master that listens; the first one leads.
    pub(super) fn add(&mut self, listener: TcpListener, port: u16, api: Arc<MasterApi>) {
        let is_first = self.servers.is_empty();
        let leader = self.servers.first().map_or("", |first| &first.api.authority);
        let phase =
            if is_first { MasterPhase::Leading } else { MasterPhase::Standby { leader: leader.to_owned() } };
        set(&api, phase);
        let mut server = Server { port, api, held: None, stop: None, task: JoinSet::new() };
        server.serve(listener, self.connections.clone());
        self.servers.push(server);
        self.owner = Some(0);
    }

    /// Puts a master into a phase; when this returns, everything of it is in effect.
    pub(super) async fn set_phase(&mut self, index: usize, phase: MasterPhase) -> Result<(), ClusterError> {
        if index >= self.servers.len() {
            return Err(ClusterError::NoMaster { wanted: index, masters: self.servers.len() });
        }
        if phase == MasterPhase::Leading {
            return self.lead(index).await;
        }
        let was_leading = self.servers[index].is_leading();
        set(&self.servers[index].api, phase.clone());
        if self.owner == Some(index) {
            if phase == MasterPhase::Unreachable {
                self.driver.cut_off_master().await;
            } else {
                // A master that ceases to lead ends its process.
                self.owner = None;
                self.driver.end_master().await;
            }
        }
        let server = &mut self.servers[index];
        if was_leading || phase.is_refusing() {
            server.cut().await?;
        }
        if !phase.is_refusing() {
            server.listen(&self.connections)?;
        }
        Ok(())
    }

    async fn lead(&mut self, index: usize) -> Result<(), ClusterError> {
        if let Some(owner) = self.owner.filter(|owner| *owner != index) {
            let leader = self.servers[index].api.authority.clone();
            let phase = match self.servers[owner].is_leading() {
                true => MasterPhase::Standby { leader },
                false => MasterPhase::Dead,
            };
            Box::pin(self.set_phase(owner, phase)).await?;
        }
        let server = &mut self.servers[index];
        if server.is_leading() {
            return Ok(());
        }
        let successor = self.owner.is_none().then_some(server.port);
        self.owner = Some(index);
        self.driver.lead(successor).await;
        set(&server.api, MasterPhase::Leading);
        server.listen(&self.connections)
    }

    /// Lets one lead and all others that can be reached follow it.
    pub(super) async fn elect(&mut self, index: usize) -> Result<(), ClusterError> {
        let Some(leader) = self.servers.get(index).map(|server| server.api.authority.clone()) else {
            return Err(ClusterError::NoMaster { wanted: index, masters: self.servers.len() });
        };
        for other in (0..self.servers.len()).filter(|other| *other != index) {
            if !self.servers[other].phase().is_refusing() {
                self.set_phase(other, MasterPhase::Standby { leader: leader.clone() }).await?;
            }
        }
        self.lead(index).await
    }

    pub(super) async fn shutdown(&mut self) {
        for server in &mut self.servers {
            server.task.shutdown().await;
        }
    }
}

impl Server {
    fn phase(&self) -> MasterPhase {
        self.api.phase.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_leading(&self) -> bool {
        self.phase() == MasterPhase::Leading
    }

    fn serve(&mut self, listener: TcpListener, connections: Connections) {
        let (stop, stopped) = oneshot::channel();
        self.stop = Some(stop);
        let stopped = async {
            // Nothing is ever sent.
            let _ = stopped.await;
        };
        self.task.spawn(http::serve(listener, self.api.clone(), connections, stopped));
    }

    /// Ends every connection and keeps the port.
    async fn cut(&mut self) -> Result<(), ClusterError> {
        self.stop = None;
        while self.task.join_next().await.is_some() {}
        if self.held.is_none() {
            let held = hold(self.port).await;
            self.held = Some(held.map_err(|source| ClusterError::Listen { port: self.port, source })?);
        }
        Ok(())
    }

    fn listen(&mut self, connections: &Connections) -> Result<(), ClusterError> {
        if let Some(socket) = self.held.take() {
            let refused = |source| ClusterError::Listen { port: self.port, source };
            let listener = socket.listen(BACKLOG).map_err(refused)?;
            self.serve(listener, connections.clone());
        }
        Ok(())
    }
}

/// Binds a port that was just listened to.
///
/// A task that is being started has every socket of this process until its program begins, and so the listener
/// may outlive its end by a moment.
async fn hold(port: u16) -> io::Result<TcpSocket> {
    for _ in 0..HOLD_ATTEMPTS {
        match bind(port) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => tokio::time::sleep(HOLD_PAUSE).await,
            other => return other,
        }
    }
    bind(port)
}

fn bind(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

fn set(api: &MasterApi, phase: MasterPhase) {
    *api.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
}
