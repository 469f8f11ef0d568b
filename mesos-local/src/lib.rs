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
//! - Scheduler API: SUBSCRIBE, TEARDOWN, ACCEPT with LAUNCH and LAUNCH_GROUP, DECLINE, REVIVE, SUPPRESS, KILL,
//!   ACKNOWLEDGE, RECONCILE, MESSAGE, SHUTDOWN, UPDATE_FRAMEWORK, failover by framework id, offer constraints;
//!   protobuf and JSON.
//! - Several masters of which one leads, elections, masters that die, start anew or are cut off, each
//!   phase of that held as long as a test wants; authentication of schedulers.
//! - Operator API: GET_TASKS, GET_AGENTS, GET_FRAMEWORKS, GET_MASTER, GET_HEALTH, GET_VERSION on the
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
//! - Reservations, persistent volumes and other operations, roles' quotas and weights, revocable
//!   resources, maintenance and inverse offers, fault domains, oversubscription, offer timeouts, draining,
//!   `FrameworkInfo.offer_filters`.
//! - Authentication but of schedulers, TLS, ZooKeeper, the v0 API, `/state` and `/slaves`, the event
//!   stream of the operator API, gzip.
//! - Fair shares by weights: agents go round between the roles of frameworks that want them.
//! - Patterns of offer constraints run on the crate `regex`, without the size limits of a real master.
//! - A call on the connection of an open stream is answered, and takes effect, when the stream has ended;
//!   a real master lets it take effect at once. Broken HTTP is answered with 400 or 431, a real master
//!   just closes the connection.
//! - Limits for readers that are slow: what a stream has to say waits in memory, as in a real master.
//! - `master_info.capabilities`: this master has none of those that are listed there.
//! - User names: `FrameworkInfo.user` and `CommandInfo.user` are taken note of and not switched to.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod agent;
mod cluster;
mod driver;
mod http;
pub mod master;
mod process_table;
pub mod runtime;
mod transcript;
mod uuids;

pub use self::{
    cluster::{
        AgentConfig, AgentHandle, AgentPorts, Cluster, ClusterConfig, ClusterError, FrameworkCredentials,
        MasterPhase,
    },
    transcript::{Entry, Transcript},
};
