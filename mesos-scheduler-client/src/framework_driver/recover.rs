//! Tasks of an earlier life: read from the records of the master.

use std::collections::BTreeSet;

use mesos_proto::v1::{self, master::response};

use super::submission::RunningTask;
use crate::{
    address::agent_url,
    operator::{MasterApi, OperatorError},
    url::{HttpUrl, UrlError},
};

/// Which tasks of an earlier life are taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recover {
    /// All that live.
    All,
    /// Those that were submitted with these ids. The others become strangers.
    Ids(BTreeSet<String>),
}

/// What was taken over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recovery {
    /// The tasks, by id.
    pub tasks: Vec<RecoveredTask>,
    /// Agents that this master has not heard of since it leads, and whose tasks it does not know: recover again when
    /// they are back. Until a recovery finds none of them, no stranger is killed.
    pub missing_agents: usize,
}

/// A task of an earlier life of the framework.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecoveredTask {
    /// The task. It may still be on its way: what it comes to is told by its changes.
    pub task: RunningTask,
    /// Its name.
    pub name: String,
    /// Its labels, as they were submitted.
    pub labels: Vec<v1::Label>,
    /// What it uses.
    pub resources: Vec<v1::Resource>,
    /// Its state as the master had it.
    pub state: v1::TaskState,
}

/// Why nothing could be taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The master did not tell what it knows.
    #[error("the master at {url} does not tell which tasks there are")]
    Operator {
        /// The master.
        url: String,
        /// What was tried, and what was seen.
        #[source]
        source: OperatorError,
    },
    /// The framework is closed or was dropped.
    #[error("the framework is closed")]
    Closed,
}

/// What a master knows of the tasks of a framework.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) agents: Vec<(v1::AgentId, String, Result<HttpUrl, UrlError>)>,
    pub(super) tasks: Vec<v1::Task>,
    /// Whether every agent has registered with this master.
    pub(super) is_complete: bool,
}

impl Records {
    /// Asks a master; gives also how many agents are missing.
    pub(super) async fn read(
        api: &MasterApi,
        framework_id: &v1::FrameworkId,
        which: &Recover,
    ) -> Result<(Self, usize), OperatorError> {
        // In this order: an agent that registers in between brings tasks that are in the second answer.
        let agents = api.get_agents().await?;
        let tasks = api.get_tasks().await?;
        let missing = agents.recovered_agents.len();
        let response::GetTasks { tasks, unreachable_tasks, .. } = tasks;
        let mut tasks: Vec<v1::Task> = tasks.into_iter().chain(unreachable_tasks).collect();
        tasks.retain(|task| task.framework_id == *framework_id && is_wanted(task, which));
        let agents = agents.agents.into_iter().filter_map(|agent| {
            let url = agent_url(&agent);
            Some((agent.agent_info.id?, agent.agent_info.hostname, url))
        });
        Ok((Self { agents: agents.collect(), tasks, is_complete: missing == 0 }, missing))
    }
}

fn is_wanted(task: &v1::Task, which: &Recover) -> bool {
    match which {
        Recover::All => true,
        Recover::Ids(ids) => ids.contains(&*crate::framework::submitted_as(task)),
    }
}
