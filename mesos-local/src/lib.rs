//! Apache Mesos in a process: a master and agents behind the real v1 HTTP API, on loopback.
//!
//! For developers of frameworks who have no cluster at hand, and for tests. It is written from what a
//! running Mesos 1.12 says: its status codes, texts and events, which recordings in the tests hold it to.
//!
//! - [`Cluster`]: the whole of it. Any framework can talk to it, and so can curl.
//! - [`master`]: the master alone as a state machine without sockets, clocks and threads, to be put
//!   into simulations.
//! - [`runtime`]: what takes the place of the Docker images of OpenWhisk actions on agents that have
//!   no Docker.
//!
//! ```
//! use mesos_local::{Cluster, ClusterConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), mesos_local::ClusterError> {
//! let cluster = Cluster::start(ClusterConfig::with_agents(3)).await?;
//! // Subscribe at this URL plus /api/v1/scheduler.
//! assert!(cluster.master_url().starts_with("http://127.0.0.1:"));
//! assert_eq!(cluster.agents()[2].name, "agent3");
//! // Afterwards: who said what to whom?
//! print!("{}", cluster.transcript());
//! cluster.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What there is
//!
//! - Scheduler API: SUBSCRIBE, TEARDOWN, ACCEPT with LAUNCH, LAUNCH_GROUP, RESERVE, UNRESERVE, CREATE and DESTROY, DECLINE,
//!   REVIVE, SUPPRESS, KILL, ACKNOWLEDGE, RECONCILE, MESSAGE, SHUTDOWN, UPDATE_FRAMEWORK, RECONCILE_OPERATIONS,
//!   ACKNOWLEDGE_OPERATION_STATUS, ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS, failover by framework id,
//!   offer constraints in the dialect and within the limits of RE2; protobuf and JSON.
//! - Offers by role: reserved resources go to their role and those below it, in the format that the capabilities
//!   of the framework ask for; several roles; regions, gpus, the least that is worth an offer, by the master's
//!   flag and by `FrameworkInfo.offer_filters`; offer timeouts.
//! - What flags of a real master set: [`MasterOptions`](master::MasterOptions), and [`flags`] to read them.
//! - Agents that die, restart, are unreachable and come back, or leave for good:
//!   [`Cluster::stop_agent`] and its neighbours.
//! - Several masters of which one leads, elections, masters that die, start anew or are cut off, each
//!   phase of that held as long as a test wants; authentication of schedulers.
//! - Operator API: GET_TASKS, GET_AGENTS, GET_FRAMEWORKS, GET_MASTER, GET_HEALTH, GET_VERSION, the calls of
//!   maintenance, MARK_AGENT_GONE, DRAIN_AGENT, DEACTIVATE_AGENT, REACTIVATE_AGENT and TEARDOWN on the
//!   master; READ_FILE, LIST_FILES, GET_TASKS, GET_CONTAINERS (without statistics), GET_HEALTH, GET_VERSION and
//!   `/files/{read,download,browse}` on each agent.
//! - Tasks are processes of the user who runs the cluster, each in a process group and a sandbox of its
//!   own. When a task ends, by itself or not, everything that it started ends, in whatever group, session
//!   or environment that is. When the cluster is dropped, every task ends.
//! - If the program that holds the cluster is killed, action runtimes end by themselves and a guarding
//!   shell ends the process groups of the other tasks. Sandboxes in the temporary directory stay.
//! - Task groups under the default executor, also several groups under one; executors of a framework's own, which
//!   talk to `/api/v1/executor` of their agent.
//! - Docker tasks whose image name contains `python`, `node` or `dockerskeleton` are played by the action runtime, with
//!   `httpd` by a web server with one page, and other images by programs that [`ClusterConfig::images`] names. A
//!   container has an address of its own (in 127.17.0.0/16) at which its mapped ports answer, its TASK_RUNNING carries
//!   what `docker inspect` would say, and it is killed as the first process of a container is.
//! - Checks and health checks: commands, TCP, HTTP. Files that a command needs are fetched, and unpacked, with the
//!   programs curl, tar and unzip.
//! - [`Executor::Simulated`]: tasks without processes, for thousands of agents and a hundred thousand tasks.
//!
//! # What there is not
//!
//! - Isolation: a task may use more CPU and memory than it asked for, read what its user may read, and
//!   listen on any port. Do not give it code that you do not trust.
//! - Namespaces and control groups: what a task started is found in `/proc`, so elsewhere than on Linux only
//!   its process group ends. A command's daemon that lost its parents, cleared its environment and sent its
//!   output elsewhere before the command ends is not found; below an action runtime it is. What left the
//!   group of a command outlives a program that is killed with SIGKILL, and so does what becomes another
//!   user's always.
//! - Volumes at absolute paths (others are links in the sandbox, and none is read-only), secrets by reference, images
//!   outside of Docker tasks, networks of tasks: refused, by the master or by the agent, with a text
//!   that says so.
//! - Quotas and weights of roles, revocable and shared resources, resource providers, volumes that grow or shrink,
//!   RESERVE with a source, reservations made by operators. The files of a
//!   persistent volume that was destroyed stay until the cluster ends.
//! - Machines that are down do not keep new agents out.
//! - Authentication but of schedulers, TLS, ZooKeeper, the v0 API, `/state` and `/slaves`, the event
//!   stream of the operator API.
//! - Fair shares by weights: agents go round between the roles of frameworks that want them.
//! - Sizes of the programs of patterns are those of RE2 for letters, classes and alternatives, and near them for
//!   loops; so is the size that takes too much memory.
//! - A call on the connection of an open stream is answered, and takes effect, when the stream has ended;
//!   a real master lets it take effect at once. Broken HTTP behind a first good request is answered with 400 or
//!   431, a real master just closes the connection.
//! - Limits for readers that are slow: what a stream has to say waits in memory, as in a real master.
//! - `master_info.capabilities` but AGENT_DRAINING.
//! - Agents that are stopped still serve their files.
//! - User names: `FrameworkInfo.user` and `CommandInfo.user` are taken note of and not switched to.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod agent;
mod cluster;
mod driver;
pub mod flags;
mod http;
pub mod master;
mod process_table;
pub mod runtime;
mod transcript;
mod uuids;

pub use self::{
    agent::simulated::SimulatedConfig,
    cluster::{
        AgentConfig, AgentHandle, AgentPorts, Cluster, ClusterConfig, ClusterError, Executor,
        FrameworkCredentials, MasterPhase,
    },
    transcript::{Entry, Transcript},
};
