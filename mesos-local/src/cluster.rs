//! A master and agents in this process, on loopback.

mod config;
mod credentials;
mod masters;
mod ports;
mod simulated;

use std::{
    io,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mesos_proto::v1;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, mpsc, watch},
    task::JoinSet,
    time::Instant,
};

pub use self::{
    config::{AgentConfig, AgentPorts, ClusterConfig, Executor},
    credentials::FrameworkCredentials,
    masters::MasterPhase,
};
use self::{masters::Masters, ports::PortBlocks};
use crate::{
    agent::{self, AgentContext, Executors, Families, Ledger, Sandboxes},
    driver::{Driver, DriverHandle},
    http::{self, AgentApi, Connections, MasterApi},
    master::{AgentLoss, MasterConfig},
    transcript::Transcript,
    uuids::Uuids,
};

/// So long tasks may take to end when they are killed.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(30);

/// Why a cluster did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The port of the master or of an agent cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port wanted, 0 for any.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The directory of sandboxes cannot be made.
    #[error("cannot make the work directory {path}")]
    WorkDir {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No block of ports is free.
    #[error("no {wanted} ports are free between 10000 and 31999")]
    NoPorts {
        /// How many were missing.
        wanted: u16,
    },
    /// There is no such master, or none at all.
    #[error("there is no master number {wanted}, the cluster has {masters}, counted from 0")]
    NoMaster {
        /// The number asked for.
        wanted: usize,
        /// How many there are.
        masters: usize,
    },
    /// The master refused an agent.
    #[error("agent {name} was refused: {reason}")]
    Agent {
        /// Which agent.
        name: String,
        /// Why.
        reason: String,
    },
}

/// One agent of a running cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentHandle {
    /// The name in the configuration.
    pub name: String,
    /// Host name in offers.
    pub hostname: String,
    /// The id that the master gave.
    pub id: String,
    /// Base of the agent's API, such as `http://127.0.0.1:40123`.
    pub url: String,
}

/// A running cluster. Dropping it ends everything at once, tasks included; [`Cluster::shutdown`] waits
/// until they have ended.
#[derive(Debug)]
pub struct Cluster {
    master_urls: Vec<String>,
    agents: Vec<AgentHandle>,
    driver: Running<DriverHandle>,
    masters: Running<AsyncMutex<Masters>>,
    credentials: Arc<Mutex<Option<FrameworkCredentials>>>,
    disabled_endpoints: Arc<[String]>,
    connections: Connections,
    transcript: Arc<Mutex<Transcript>>,
    families: Families,
    stop: watch::Sender<bool>,
    agent_tasks: JoinSet<()>,
    server_tasks: JoinSet<()>,
    /// Kept as long as the agents offer them.
    ports: PortBlocks,
    work_dir: Option<tempfile::TempDir>,
}

/// Keeps what has nothing to tell out of what `Debug` prints.
struct Running<T>(T);

impl<T> std::fmt::Debug for Running<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Running")
    }
}

impl Cluster {
    /// Starts a master and its agents. All of them listen on 127.0.0.1 only; when this returns, every
    /// agent is registered.
    ///
    /// Has to be called within a tokio runtime with I/O and time, which then drives the cluster.
    ///
    /// Each task takes file descriptors of this process, so the soft limit of them is raised to the hard
    /// one, for the process as a whole and for the tasks, which inherit it.
    ///
    /// # Errors
    /// A port or directory cannot be had, or an agent makes no sense.
    pub async fn start(config: ClusterConfig) -> Result<Self, ClusterError> {
        raise_descriptor_limit();
        if config.masters == 0 {
            return Err(ClusterError::NoMaster { wanted: 0, masters: 0 });
        }
        let listener = listen(config.port).await?;
        let port = local_port(&listener)?;
        let (work_dir, work_path) = work_dir(config.work_dir.clone())?;
        let transcript = Arc::new(Mutex::new(Transcript::with_limit(config.transcript_limit)));
        let (started_at, started) = clocks();
        let mut master = MasterConfig::new(config.seed);
        master.started_at = started_at;
        master.port = port;
        master.allocation_interval = config.allocation_interval;
        master.heartbeat_interval = config.heartbeat_interval;
        master.options = config.master.clone();
        let (driver, handle) = Driver::new(master, transcript.clone(), started);

        let mut server_tasks = JoinSet::new();
        server_tasks.spawn(driver.run());
        let connections = Connections::new();
        let mut cluster = Self {
            master_urls: Vec::new(),
            agents: Vec::new(),
            masters: Running(AsyncMutex::new(Masters::new(handle.clone(), connections.clone()))),
            driver: Running(handle),
            credentials: Arc::new(Mutex::new(config.framework_credentials.clone())),
            disabled_endpoints: config.disabled_endpoints.clone().into(),
            connections,
            transcript,
            families: Families::default(),
            stop: watch::Sender::new(false),
            agent_tasks: JoinSet::new(),
            server_tasks,
            ports: PortBlocks::default(),
            work_dir,
        };
        cluster.add_master(listener)?;
        for _ in 1..config.masters {
            cluster.add_master(listen(0).await?)?;
        }
        match &config.executor {
            Executor::Processes => {
                for (index, agent) in config.agents.iter().enumerate() {
                    cluster.start_agent(agent, &config, &work_path, index).await?;
                }
            }
            Executor::Simulated(simulated) => {
                cluster.start_simulated_agents(&config, simulated, &work_path).await?;
            }
        }
        Ok(cluster)
    }

    fn add_master(&mut self, listener: TcpListener) -> Result<(), ClusterError> {
        let port = local_port(&listener)?;
        let authority = format!("127.0.0.1:{port}");
        self.master_urls.push(format!("http://{authority}"));
        let api = MasterApi {
            driver: self.driver.0.clone(),
            authority,
            phase: Mutex::new(MasterPhase::NoLeader),
            credentials: self.credentials.clone(),
            disabled_endpoints: self.disabled_endpoints.clone(),
        };
        self.masters.0.get_mut().add(listener, port, Arc::new(api));
        Ok(())
    }

    async fn start_agent(
        &mut self,
        agent: &AgentConfig,
        config: &ClusterConfig,
        work_dir: &std::path::Path,
        index: usize,
    ) -> Result<(), ClusterError> {
        let ports = match &agent.ports {
            AgentPorts::Reserved(wanted) => {
                self.ports.take(*wanted).ok_or(ClusterError::NoPorts { wanted: *wanted })?
            }
            AgentPorts::Exactly(ports) => ports.clone(),
        };
        let listener = listen(0).await?;
        let port = local_port(&listener)?;
        let (actions, receiver) = mpsc::unbounded_channel();
        let driver = self.driver.0.clone();
        let refused = |reason| ClusterError::Agent { name: agent.name.clone(), reason };
        let info = agent.info(port, &ports);
        let id = driver.register(&agent.name, info.clone(), actions).await.map_err(refused)?;
        let sandboxes = Sandboxes::create(work_dir, &id.value)
            .map_err(|source| ClusterError::WorkDir { path: work_dir.to_owned(), source })?;
        let (executors, ledger) = (Executors::default(), Ledger::default());
        let api =
            AgentApi { sandboxes: sandboxes.clone(), executors: executors.clone(), ledger: ledger.clone() };
        self.server_tasks.spawn(http::serve(
            listener,
            Arc::new(api),
            self.connections.clone(),
            std::future::pending(),
        ));
        self.agents.push(AgentHandle {
            name: agent.name.clone(),
            hostname: agent.hostname.clone(),
            id: id.value.clone(),
            url: format!("http://127.0.0.1:{port}"),
        });
        let seed = agent_seed(config.seed, index);
        let context = AgentContext {
            id,
            info,
            sandboxes,
            action_runtime: config.action_runtime.clone(),
            images: config.images.clone(),
            driver,
            families: self.families.clone(),
            executors,
            ledger,
            uuids: Mutex::new(Uuids::new(seed.rotate_left(32))),
        };
        self.agent_tasks.spawn(agent::run(Arc::new(context), receiver, self.stop.subscribe(), seed));
        Ok(())
    }

    /// Where the master is that leads at the start: `http://127.0.0.1:<port>`.
    pub fn master_url(&self) -> String {
        self.master_urls[0].clone()
    }

    /// Where all masters are; the first one leads at the start.
    pub fn master_urls(&self) -> &[String] {
        &self.master_urls
    }

    /// Puts one of the masters, counted from 0, into a phase of its life. When this returns, everything of it
    /// has happened: connections are cut, or a request is answered in the new way.
    ///
    /// - A leader that is put into any other phase than [`MasterPhase::Unreachable`] is dead: what was in its
    ///   memory is forgotten, such as the frameworks that were removed and those without a task.
    /// - When a master begins to lead, the agents register again at once, with their tasks. Agents that are
    ///   [lost](Self::lose_agent) do so when they [return](Self::return_agent).
    /// - Another leader becomes a standby. Other masters say what they said before: see [`Self::elect`].
    ///
    /// # Errors
    /// There is no such master, or its port cannot be had any more.
    pub async fn set_master_phase(&self, master: usize, phase: MasterPhase) -> Result<(), ClusterError> {
        self.masters.0.lock().await.set_phase(master, phase).await
    }

    /// Lets a master lead, and all others that can be reached redirect to it.
    ///
    /// # Errors
    /// As for [`Self::set_master_phase`].
    pub async fn elect(&self, master: usize) -> Result<(), ClusterError> {
        self.masters.0.lock().await.elect(master).await
    }

    /// Replaces what schedulers have to prove who they are with; `None` lets everybody in. Open streams go
    /// on, as with a real master.
    pub fn set_framework_credentials(&self, credentials: Option<FrameworkCredentials>) {
        *self.credentials.lock().unwrap_or_else(PoisonError::into_inner) = credentials;
    }

    /// How many connections to masters and agents are open.
    pub fn open_connections(&self) -> usize {
        self.connections.count()
    }

    /// Waits until so many connections to masters and agents are open.
    pub async fn wait_for_connections(&self, count: usize) {
        self.connections.reach(count).await;
    }

    /// The agents in the order of the configuration.
    pub fn agents(&self) -> &[AgentHandle] {
        &self.agents
    }

    /// Everything that was said so far.
    pub fn transcript(&self) -> Transcript {
        self.transcript.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Breaks every open event stream, as a dying connection does: no last chunk, no ERROR.
    pub fn drop_streams(&self) {
        self.driver.0.drop_streams();
    }

    /// Makes an agent unreachable for the master without waiting for its pings; its tasks run on. `false` if there is no agent of
    /// this name.
    pub fn lose_agent(&self, name: &str) -> bool {
        self.with_agent(name, |driver, id| driver.lose_agent(id, AgentLoss::Unreachable))
    }

    /// Takes an agent out for good, as its graceful end does; its tasks are killed. `false` if there is
    /// no agent of this name.
    pub fn remove_agent(&self, name: &str) -> bool {
        self.with_agent(name, |driver, id| driver.lose_agent(id, AgentLoss::Unregistered))
    }

    /// Breaks the connection between master and agent, as the sudden death of the agent's process does: offers of
    /// it are rescinded at once; its tasks are unreachable when it is not [back](Self::return_agent) before its
    /// pings time out ([`MasterOptions::agent_ping_timeout`](crate::master::MasterOptions)). Tasks run on, but
    /// for those of frameworks without `checkpoint`, which end. `false` if there is no agent of this name.
    pub fn stop_agent(&self, name: &str) -> bool {
        self.with_agent(name, DriverHandle::disconnect_agent)
    }

    /// Lets an agent die and come back with its id and its checkpointed tasks at once. `false` if there is no
    /// agent of this name.
    pub fn restart_agent(&self, name: &str) -> bool {
        self.stop_agent(name) && self.return_agent(name)
    }

    /// Makes an agent reachable again that was lost or stopped. `false` if there is no agent of this name.
    pub fn return_agent(&self, name: &str) -> bool {
        self.with_agent(name, DriverHandle::return_agent)
    }

    fn with_agent(&self, name: &str, act: impl Fn(&DriverHandle, &v1::AgentId)) -> bool {
        let agent = self.agents.iter().find(|agent| agent.name == name);
        if let Some(agent) = agent {
            act(&self.driver.0, &v1::AgentId::new(agent.id.clone()));
        }
        agent.is_some()
    }

    /// Ends every task, waits until their processes are gone, and stops the servers. Neither a grace
    /// period nor an open connection holds it up; a process that the system itself does not let go (of a
    /// file system that does not answer, say) does so for half a minute.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        let ends = async { while self.agent_tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_PATIENCE, ends).await.is_err() {
            tracing::warn!("some tasks have not ended; the cluster shuts down without them");
        }
        self.masters.0.get_mut().shutdown().await;
        self.server_tasks.shutdown().await;
        if let Some(work_dir) = self.work_dir.take() {
            let path = work_dir.path().to_owned();
            if let Err(error) = work_dir.close() {
                tracing::warn!(%error, path = %path.display(), "the work directory could not be removed");
            }
        }
    }
}

impl Drop for Cluster {
    /// The tasks of the runtime end some time later; the processes end here.
    fn drop(&mut self) {
        self.families.close();
    }
}

/// Far from the seed of the master, so that no uuid comes twice.
fn agent_seed(master_seed: u64, index: usize) -> u64 {
    master_seed ^ (index as u64 + 1).wrapping_mul(0x5851_f42d_4c95_7f2d)
}

fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    // Some systems have a limit of their own below the one they tell.
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "the limit of file descriptors stays as it is");
    }
}

async fn listen(port: u16) -> Result<TcpListener, ClusterError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| ClusterError::Listen { port, source })
}

fn local_port(listener: &TcpListener) -> Result<u16, ClusterError> {
    let address = listener.local_addr().map_err(|source| ClusterError::Listen { port: 0, source })?;
    Ok(address.port())
}

fn work_dir(wanted: Option<PathBuf>) -> Result<(Option<tempfile::TempDir>, PathBuf), ClusterError> {
    match wanted {
        Some(path) => Ok((None, path)),
        None => {
            let directory = tempfile::Builder::new()
                .prefix("mesos-local-")
                .tempdir()
                .map_err(|source| ClusterError::WorkDir { path: std::env::temp_dir(), source })?;
            let path = directory.path().to_owned();
            Ok((Some(directory), path))
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the cluster is a shell: here its time begins")]
fn clocks() -> (Duration, Instant) {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since_epoch, Instant::now())
}
