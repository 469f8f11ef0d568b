//! Executors that tasks share: the resources that they hold, their messages, their end.

use bytes::Bytes;
use mesos_proto::v1::{
    self,
    scheduler::{Event, call, event},
};

use super::{
    Master, agents::Agent, amounts::Amounts, frameworks::Framework, offers::Offer, output::AgentAction,
};

/// An executor that was launched and has not ended. Those of command and Docker tasks are not among them: they
/// come and go with their task, and only the agent knows them.
#[derive(Clone, Debug)]
pub(super) struct HeldExecutor {
    pub(super) info: v1::ExecutorInfo,
    /// The role that its resources are allocated to.
    pub(super) role: String,
    /// What it takes from the agent.
    pub(super) amounts: Amounts,
}

/// Agent and executor id.
pub(super) type ExecutorKey = (String, String);

impl Framework {
    pub(super) fn executor_on(&self, agent: &str, id: &v1::ExecutorId) -> Option<&HeldExecutor> {
        self.executors.get(&(agent.to_owned(), id.value.clone()))
    }

    pub(super) fn executor_ids_on(&self, agent: &str) -> Vec<v1::ExecutorId> {
        let here = self.executors.keys().filter(|(of, _)| of == agent);
        here.map(|(_, id)| v1::ExecutorId::new(id.clone())).collect()
    }
}

impl Master {
    /// Takes the report of an agent that an executor, which may have had several tasks, has ended with this status
    /// of `waitpid` (-1: unknown), and tells the framework. What becomes of its tasks the agent reports afterwards.
    pub fn handle_executor_exited(
        &mut self,
        agent: &v1::AgentId,
        framework: &v1::FrameworkId,
        executor: &v1::ExecutorId,
        status: i32,
    ) {
        let key = (agent.value.clone(), executor.value.clone());
        if let Some(absent) = self.absent.get_mut(&agent.value) {
            absent.forget_executor(&framework.value, &key);
            return;
        }
        let known = self.frameworks.get_mut(&framework.value);
        let Some(held) = known.and_then(|known| known.executors.remove(&key)) else {
            return;
        };
        self.free(&agent.value, &held.amounts);
        if !self.is_registered(agent) {
            return;
        }
        let failure = event::Failure {
            agent_id: Some(agent.clone()),
            executor_id: Some(executor.clone()),
            status: Some(status),
        };
        let event =
            Event { r#type: Some(event::Type::Failure.into()), failure: Some(failure), ..Event::default() };
        self.framework_event(&framework.value, event);
    }

    /// Takes a message of an executor to its framework; lost if no scheduler is there.
    pub fn handle_executor_message(
        &mut self,
        agent: &v1::AgentId,
        framework: &v1::FrameworkId,
        executor: &v1::ExecutorId,
        data: Bytes,
    ) {
        if !self.is_registered(agent) {
            return;
        }
        let (agent_id, executor_id) = (agent.clone(), executor.clone());
        let message = event::Message { agent_id, executor_id, data };
        let event =
            Event { r#type: Some(event::Type::Message.into()), message: Some(message), ..Event::default() };
        self.framework_event(&framework.value, event);
    }

    /// Passes a message of a framework on; lost if the agent is not there.
    pub(super) fn message(&mut self, framework: &str, message: call::Message) {
        let call::Message { agent_id, executor_id, data } = message;
        let framework_id = v1::FrameworkId::new(framework);
        if self.is_registered(&agent_id) {
            self.command(&agent_id.value, AgentAction::Message { framework_id, executor_id, data });
        }
    }

    pub(super) fn shutdown_executor(&mut self, framework: &str, shutdown: call::Shutdown) {
        let call::Shutdown { agent_id, executor_id } = shutdown;
        let framework_id = v1::FrameworkId::new(framework);
        if self.is_registered(&agent_id) {
            self.command(&agent_id.value, AgentAction::ShutdownExecutor { framework_id, executor_id });
        }
    }

    fn is_registered(&self, agent: &v1::AgentId) -> bool {
        self.agents.get(&agent.value).is_some_and(Agent::is_registered)
    }

    /// Launches tasks in an executor. `amounts` are those of the executor if it does not run yet.
    pub(super) fn launch_in_executor(
        &mut self,
        framework: &str,
        pool: &Offer,
        executor: v1::ExecutorInfo,
        amounts: Option<Amounts>,
        tasks: Vec<v1::TaskInfo>,
        is_group: bool,
    ) {
        let Some(known) = self.frameworks.get_mut(framework) else {
            return;
        };
        let launch_executor = amounts.is_some();
        if let Some(amounts) = amounts {
            let held = HeldExecutor { info: executor.clone(), role: pool.role.clone(), amounts };
            known.executors.insert((pool.agent.clone(), executor.executor_id.value.clone()), held);
        }
        let framework = Box::new(known.info.clone());
        let executor = Box::new(executor);
        let action = AgentAction::LaunchInExecutor { framework, executor, tasks, is_group, launch_executor };
        self.command(&pool.agent, action);
    }

    /// An agent is back with its executors: what they hold is not free.
    pub(super) fn hold_executors(&mut self, framework: &str, agent: &str) {
        let Some(known) = self.frameworks.get(framework) else {
            return;
        };
        let here = known.executors.iter().filter(|((of, _), _)| of == agent);
        if let Some(agent) = self.agents.get_mut(agent) {
            for (_, held) in here {
                agent.available.subtract(&held.amounts);
            }
        }
    }
}
