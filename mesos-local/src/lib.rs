//! placeholder
mod agent;
mod cluster;
mod driver;
mod http;
pub mod master;
pub mod runtime;
mod transcript;
mod uuids;

pub use self::{
    cluster::{AgentConfig, AgentHandle, Cluster, ClusterConfig, ClusterError},
    transcript::{Entry, Transcript},
};
