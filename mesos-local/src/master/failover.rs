//! A master that takes over from one that is gone, and the agents that come back to it.

use std::{collections::BTreeMap, mem, time::Duration};

use mesos_proto::v1;

use super::{
    Master, MasterConfig,
    agents::{Agent, AgentLoss, AgentState},
    amounts::Amounts,
    duty::Duty,
    executors::{ExecutorKey, HeldExecutor},
    frameworks::Framework,
    operations::Operation,
    output::AgentAction,
    tasks::Task,
    timers::Timer,
};

/// An agent that this master knows from the registry alone, and what it brings when it comes.
///
/// What runs on an agent only the agent knows at that time; with agents in the same process it can stand here,
/// out of reach of everything that the master answers.
#[derive(Debug)]
pub(super) struct AbsentAgent {
    pub(super) info: v1::AgentInfo,
    total: Amounts,
    /// When an earlier master gave it up; `None` if it only has to register again.
    pub(super) unreachable: Option<v1::TimeInfo>,
    pub(super) duty: Duty,
    frameworks: BTreeMap<String, Carried>,
}

/// A framework as an agent knows it.
#[derive(Debug)]
struct Carried {
    info: v1::FrameworkInfo,
    tasks: BTreeMap<String, Task>,
    executors: BTreeMap<ExecutorKey, HeldExecutor>,
    operations: BTreeMap<String, Operation>,
}

impl AbsentAgent {
    pub(super) fn forget_executor(&mut self, framework: &str, key: &ExecutorKey) {
        if let Some(carried) = self.frameworks.get_mut(framework) {
            carried.executors.remove(key);
        }
    }

    pub(super) fn task_mut(&mut self, framework: &str, task: &str) -> Option<&mut Task> {
        self.frameworks.get_mut(framework)?.tasks.get_mut(task)
    }

    fn carried(&mut self, framework: &str, info: &v1::FrameworkInfo) -> &mut Carried {
        self.frameworks.entry(framework.to_owned()).or_insert_with(|| Carried {
            info: info.clone(),
            tasks: BTreeMap::new(),
            executors: BTreeMap::new(),
            operations: BTreeMap::new(),
        })
    }
}

impl Master {
    /// A master that leads after another one has ended, be it the same process started anew.
    ///
    /// It has what outlives a master: the registry of agents, and what the agents know. Everything else,
    /// the frameworks that were removed included, was in the memory of the predecessor. The agents come by
    /// [`handle_agent_reregistered`](Self::handle_agent_reregistered), each with its tasks and, from these, their
    /// frameworks. Streams are numbered on from where the predecessor was; drain its output before.
    pub fn after(config: MasterConfig, predecessor: Self) -> Self {
        let mut master = Self::new(config);
        master.last_stream = predecessor.last_stream;
        for (id, agent) in predecessor.agents.iter().filter(|(_, agent)| agent.state == AgentState::Gone) {
            master.agents.insert(id.clone(), agent.clone());
        }
        // Operators' decisions are in the registry.
        master.maintenance = predecessor.maintenance.clone();
        master.absent = predecessor.into_absent();
        if !master.absent.is_empty() {
            master.timers.set(Timer::AgentsReregister, master.config.options.agent_reregister_timeout);
        }
        master
    }

    fn into_absent(mut self) -> BTreeMap<String, AbsentAgent> {
        let mut absent = mem::take(&mut self.absent);
        for (id, agent) in &self.agents {
            let unreachable = match agent.state {
                AgentState::Registered | AgentState::Disconnected => None,
                AgentState::Unreachable { since } => Some(self.time_info(since)),
                AgentState::Unregistered | AgentState::Gone => continue,
            };
            let (info, total, duty) = (agent.info.clone(), agent.total.clone(), agent.duty.clone());
            let frameworks = BTreeMap::new();
            absent.insert(id.clone(), AbsentAgent { info, total, unreachable, duty, frameworks });
        }
        for (id, framework) in self.frameworks {
            let Framework { info, tasks, unreachable, executors, operations, .. } = framework;
            for (key, held) in executors {
                if let Some(agent) = absent.get_mut(&key.0) {
                    agent.carried(&id, &info).executors.insert(key, held);
                }
            }
            for (name, operation) in operations {
                if let Some(agent) = absent.get_mut(&operation.agent) {
                    agent.carried(&id, &info).operations.insert(name, operation.carried());
                }
            }
            for (name, mut task) in tasks.into_iter().chain(unreachable) {
                // The update in flight was lost with the stream.
                task.attempts = 0;
                if let Some(agent) = absent.get_mut(&task.agent) {
                    agent.carried(&id, &info).tasks.insert(name, task);
                }
            }
        }
        absent
    }

    /// Takes an agent in that a predecessor knew, with its tasks and their frameworks. Schedulers that are
    /// there already get the updates that nobody acknowledged, and nothing else: they are not told that it
    /// is back unless it was unreachable.
    pub fn handle_agent_reregistered(&mut self, now: Duration, id: &v1::AgentId) {
        let Some(agent) = self.absent.remove(&id.value) else {
            return;
        };
        let AbsentAgent { info, total, unreachable, duty, frameworks } = agent;
        let agent =
            Agent { reregistered: Some(now), duty, ..Agent::new(info, AgentState::Registered, now, total) };
        self.agents.insert(id.value.clone(), agent);
        for (framework, Carried { info, tasks, executors, operations }) in frameworks {
            if self.completed.iter().any(|removed| removed.id().value == framework) {
                let framework_id = v1::FrameworkId::new(framework);
                self.command(&id.value, AgentAction::ShutdownFramework { framework_id });
                continue;
            }
            let known =
                self.frameworks.entry(framework.clone()).or_insert_with(|| Framework::recovered(info, now));
            known.executors.extend(executors);
            known.operations.extend(operations);
            let names: Vec<String> = tasks.keys().cloned().collect();
            if unreachable.is_some() {
                known.unreachable.extend(tasks);
                self.return_tasks(now, &framework, id);
            } else {
                self.recover_tasks(&framework, id, tasks);
            }
            self.hold_executors(&framework, &id.value);
            self.resend(now, &framework, &names);
        }
        if self.absent.values().all(|agent| agent.unreachable.is_some()) {
            self.timers.clear(&Timer::AgentsReregister);
        }
        self.resume_duty(now, id);
        self.allocate(now);
    }

    fn recover_tasks(&mut self, framework: &str, agent: &v1::AgentId, tasks: BTreeMap<String, Task>) {
        for (name, task) in tasks {
            if let Some(agent) = self.agents.get_mut(&agent.value) {
                agent.available.subtract(&task.amounts);
            }
            if let Some(known) = self.frameworks.get_mut(framework) {
                known.tasks.insert(name, task);
            }
        }
    }

    /// Gives up the agents of the predecessor that have not registered. Schedulers are told that they failed, and
    /// nothing about tasks, which this master does not know.
    pub(super) fn lose_absent_agents(&mut self, now: Duration) {
        let unreachable = self.time_info(now);
        let mut lost = Vec::new();
        for (id, agent) in &mut self.absent {
            if agent.unreachable.is_none() {
                agent.unreachable = Some(unreachable);
                lost.push(v1::AgentId::new(id.clone()));
            }
        }
        for id in lost {
            self.tell_agent_failure(&id);
        }
    }

    /// Takes an absent agent out for good; tells whether it was one. The master never knew its tasks.
    pub(super) fn lose_absent_agent(&mut self, now: Duration, id: &v1::AgentId, loss: AgentLoss) -> bool {
        if !self.absent.contains_key(&id.value) {
            return false;
        }
        let state = match loss {
            // It does not answer as it is.
            AgentLoss::Unreachable => return true,
            AgentLoss::Unregistered => AgentState::Unregistered,
            AgentLoss::Gone => AgentState::Gone,
        };
        if let Some(AbsentAgent { info, total, .. }) = self.absent.remove(&id.value) {
            let agent = Agent::new(info, state, now, total);
            self.agents.insert(id.value.clone(), agent);
        }
        self.command(&id.value, AgentAction::Shutdown);
        true
    }
}
