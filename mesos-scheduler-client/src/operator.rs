//! The few calls of the operator APIs that a framework needs: what a master knows, and files of an agent.

mod error;
mod exchange;

use std::time::Duration;

use bytes::Bytes;
use mesos_proto::v1::{
    agent::{self, call::ReadFile},
    master::{self, response},
};
use prost::Message;

pub use self::error::OperatorError;
use self::exchange::exchange;
pub use crate::address::{agent_url, agent_url_of_offer, sandbox_path};
use crate::url::HttpUrl;

/// Path of the operator API, on masters and on agents.
const OPERATOR_API: &str = "/api/v1";

/// An answer with all tasks or agents of a large cluster.
const LARGEST_STATE: usize = 512 * 1024 * 1024;

/// An agent gives at most 64 KiB of a file at once.
const LARGEST_FILE_PART: usize = 1024 * 1024;

/// The operator API of a master.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mesos_scheduler_client::operator::MasterApi;
///
/// let master = MasterApi::new("http://master1.example:5050".parse()?);
/// for agent in master.get_agents().await?.agents {
///     println!("{}", agent.agent_info.hostname);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MasterApi {
    url: HttpUrl,
    timeout: Duration,
}

impl MasterApi {
    /// The API of the master at `url`; a standby redirects to the leader.
    pub fn new(url: HttpUrl) -> Self {
        Self { url: url.with_api_path(OPERATOR_API), timeout: Duration::from_secs(30) }
    }

    /// Time for one call, connecting and redirects included; 30 s unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// GET_TASKS: the tasks of all frameworks, running, unreachable and lately completed.
    ///
    /// # Errors
    /// There was no answer, or a refusal.
    pub async fn get_tasks(&self) -> Result<response::GetTasks, OperatorError> {
        let answer = self.call(master::call::Type::GetTasks).await?;
        answer.get_tasks.ok_or_else(|| self.without("get_tasks"))
    }

    /// GET_AGENTS: the agents that are registered.
    ///
    /// # Errors
    /// There was no answer, or a refusal.
    pub async fn get_agents(&self) -> Result<response::GetAgents, OperatorError> {
        let answer = self.call(master::call::Type::GetAgents).await?;
        answer.get_agents.ok_or_else(|| self.without("get_agents"))
    }

    async fn call(&self, call_type: master::call::Type) -> Result<master::Response, OperatorError> {
        let call = master::Call { r#type: Some(call_type.into()), ..master::Call::default() };
        let body = call.encode_to_vec().into();
        let answer = exchange(&self.url, body, self.timeout, LARGEST_STATE).await?;
        decode(&self.url, answer)
    }

    fn without(&self, field: &str) -> OperatorError {
        OperatorError::bad_answer(&self.url, &format!("'{field}' is missing"))
    }
}

/// The operator API of an agent.
#[derive(Clone, Debug)]
pub struct AgentApi {
    url: HttpUrl,
    timeout: Duration,
}

/// A part of a file of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePart {
    /// Bytes that the whole file has at present.
    pub size: u64,
    /// The bytes from the offset on; empty behind the end. An agent gives at most 64 KiB at once.
    pub data: Bytes,
}

impl AgentApi {
    /// The API of the agent at `url`; see [`agent_url_of_offer`] and [`agent_url`] for where to get it.
    pub fn new(url: HttpUrl) -> Self {
        Self { url: url.with_api_path(OPERATOR_API), timeout: Duration::from_secs(10) }
    }

    /// Time for one call, connecting included; 10 s unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// READ_FILE: up to `length` bytes of a file (up to its end without a length, at most 64 KiB anyway), from
    /// `offset` on. The path is that of the agent's own file system or a virtual one, see [`sandbox_path`].
    /// A length of 0 asks for the size.
    ///
    /// # Errors
    /// There was no answer or a refusal; [`OperatorError::is_not_found`] tells that the agent does not have
    /// this file (any more).
    pub async fn read_file(
        &self,
        path: &str,
        offset: u64,
        length: Option<u64>,
    ) -> Result<FilePart, OperatorError> {
        let call = agent::Call {
            r#type: Some(agent::call::Type::ReadFile.into()),
            read_file: Some(ReadFile { path: path.to_owned(), offset, length }),
            ..agent::Call::default()
        };
        let body = call.encode_to_vec().into();
        let answer = exchange(&self.url, body, self.timeout, LARGEST_FILE_PART).await;
        let answer = answer.map_err(|error| error.about_file(path))?;
        let answer: agent::Response = decode(&self.url, answer)?;
        match answer.read_file {
            Some(agent::response::ReadFile { size, data }) => Ok(FilePart { size, data }),
            None => Err(OperatorError::bad_answer(&self.url, "'read_file' is missing")),
        }
    }
}

fn decode<M: Message + Default>(url: &HttpUrl, answer: Bytes) -> Result<M, OperatorError> {
    M::decode(answer).map_err(|error| OperatorError::bad_answer(url, &error.to_string()))
}
