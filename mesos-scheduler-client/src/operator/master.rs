//! What a master knows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mesos_proto::v1::{
    AgentId,
    master::{self, call::Type, response},
};
use prost::Message;

use super::{OPERATOR_API, OperatorError, agent_url, decode, exchange::Exchange};
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::{
    auth::Credentials,
    session::Masters,
    url::{HttpUrl, Scheme},
};

/// An answer with all tasks or agents of a large cluster.
const LARGEST_STATE: usize = 512 * 1024 * 1024;

/// The operator API of the leading master. Clones share which of the masters answered last.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mesos_scheduler_client::{Masters, operator::MasterApi};
///
/// let master = MasterApi::new(Masters::parse("master1.example:5050,master2.example:5050")?);
/// for agent in master.get_agents().await?.agents {
///     println!("{}", agent.agent_info.hostname);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MasterApi {
    urls: Vec<HttpUrl>,
    /// Index of the master that is asked first: the one that answered last.
    first: Arc<AtomicUsize>,
    agent_scheme: Option<Scheme>,
    exchange: Exchange,
}

impl MasterApi {
    /// The API of the leader of these masters, or of the one at this URL. A standby redirects to the leader; if a
    /// master cannot be reached, knows no leader, redirects in a circle or has just started, the next one is asked. Masters behind `zk://` are not looked up
    /// here: [`Event::Subscribed`](crate::Event::Subscribed) has the URL of the one that leads.
    pub fn new(masters: impl Into<Masters>) -> Self {
        let masters = masters.into();
        Self {
            urls: masters.urls().iter().map(|url| url.with_api_path(OPERATOR_API)).collect(),
            first: Arc::default(),
            agent_scheme: None,
            exchange: Exchange::new(Duration::from_secs(30), LARGEST_STATE, masters.urls()),
        }
    }

    /// Time for one call to one master, connecting and redirects included; 30 s unless set. Of these
    /// connecting may take 5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.exchange.timeout = timeout;
        self
    }

    /// How the client proves who it is; not at all unless set.
    ///
    /// The header goes to the masters and to where one of them redirects; not on from there, and not from `https` to
    /// `http`.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.exchange.security.credentials = credentials;
        self
    }

    /// How `https://` is spoken; with the roots of the system unless set.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.exchange.security.tls = Some(tls);
        self
    }

    /// What agents speak, for [`agent_url`](Self::agent_url), since the master does not tell; unless set the same as
    /// the master that answers.
    pub fn agent_scheme(mut self, scheme: Scheme) -> Self {
        self.agent_scheme = Some(scheme);
        self
    }

    /// GET_TASKS: the tasks of all frameworks, running, unreachable and lately completed.
    ///
    /// # Errors
    /// There was no answer, or a refusal.
    pub async fn get_tasks(&self) -> Result<response::GetTasks, OperatorError> {
        self.call(Type::GetTasks, "get_tasks", |answer| answer.get_tasks).await.map(|(_, tasks)| tasks)
    }

    /// GET_AGENTS: the agents that are registered.
    ///
    /// # Errors
    /// There was no answer, or a refusal.
    pub async fn get_agents(&self) -> Result<response::GetAgents, OperatorError> {
        self.call(Type::GetAgents, "get_agents", |answer| answer.get_agents).await.map(|(_, agents)| agents)
    }

    /// GET_MASTER: the leader's id, address, version and capabilities, and since when it leads.
    ///
    /// # Errors
    /// There was no answer, or a refusal.
    pub async fn get_master(&self) -> Result<response::GetMaster, OperatorError> {
        self.call(Type::GetMaster, "get_master", |answer| answer.get_master).await.map(|(_, master)| master)
    }

    /// The base URL of an agent, by GET_AGENTS, for [`AgentApi`](super::AgentApi). An [offer](super::agent_url_of_offer)
    /// of the agent has it too, without asking.
    ///
    /// # Errors
    /// As [`get_agents`](Self::get_agents); or no such agent is registered, or it names no usable address.
    pub async fn agent_url(&self, agent_id: &AgentId) -> Result<HttpUrl, OperatorError> {
        let (master, answer) = self.call(Type::GetAgents, "get_agents", |answer| answer.get_agents).await?;
        let found = answer.agents.iter().find(|agent| agent.agent_info.id.as_ref() == Some(agent_id));
        let agent = found.ok_or_else(|| OperatorError::no_such_agent(master, agent_id))?;
        let url = agent_url(agent).map_err(|error| OperatorError::bad_answer(master, &error.to_string()))?;
        Ok(url.with_scheme(self.agent_scheme.unwrap_or(master.endpoint().scheme())))
    }

    /// Asks one master after the other until one answers; returns its URL as well.
    async fn call<T>(
        &self,
        call_type: Type,
        field: &str,
        pick: impl Fn(master::Response) -> Option<T>,
    ) -> Result<(&HttpUrl, T), OperatorError> {
        let call = master::Call { r#type: Some(call_type.into()), ..master::Call::default() };
        let body = call.encode_to_vec();
        let first = self.first.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        for index in (0..self.urls.len()).map(|turn| (first + turn) % self.urls.len()) {
            let url = &self.urls[index];
            match self.exchange.post(url, body.clone().into()).await {
                Ok(answer) => {
                    self.first.store(index, Ordering::Relaxed);
                    let picked = pick(decode(url, answer)?);
                    let missing = || OperatorError::bad_answer(url, &format!("'{field}' is missing"));
                    return Ok((url, picked.ok_or_else(missing)?));
                }
                Err(error) if error.is_of_this_master() => failures.push(error),
                Err(error) => return Err(error),
            }
        }
        Err(OperatorError::all_of(failures))
    }
}
