//! The few calls of the operator APIs that a framework needs: what a master knows, and files of an agent.
//!
//! [`MasterApi`] tells tasks, agents and itself; [`AgentApi`] reads files. An agent is found from an offer
//! ([`agent_url_of_offer`]), from the list of agents ([`agent_url`]), or by its id ([`MasterApi::agent_url`]).
//! Masters and offers say `http` also where agents speak TLS: there the URL needs
//! [`with_scheme`](HttpUrl::with_scheme).

mod agent;
mod error;
mod exchange;
mod files;
mod master;

pub use self::{
    agent::{AgentApi, FilePart},
    error::OperatorError,
    files::FileChunk,
    master::MasterApi,
};
pub use crate::address::{agent_url, agent_url_of_offer, sandbox_path};
use crate::url::HttpUrl;

/// Path of the operator API, on masters and on agents.
const OPERATOR_API: &str = "/api/v1";

fn decode<M: prost::Message + Default>(url: &HttpUrl, answer: bytes::Bytes) -> Result<M, OperatorError> {
    M::decode(answer).map_err(|error| OperatorError::bad_answer(url, &error.to_string()))
}
