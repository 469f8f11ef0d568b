//! Agents: their coming, their loss, their return.

use std::{collections::BTreeMap, time::Duration};

use mesos_proto::v1::{
    self, TaskState,
    scheduler::{Event, event},
    task_status::Reason,
};

use super::{Master, amounts::Amounts, output::AgentAction, tasks::Task, updates::resend};

/// What an agent says when it registers.
#[derive(Clone, Debug)]
pub struct AgentRegistration {
    /// Name, port, resources (unreserved scalars and ranges) and attributes; an id is ignored.
    pub info: v1::AgentInfo,
}

/// Why an agent is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentLoss {
    /// It does not answer. It may come back, and its tasks with it.
    Unreachable,
    /// It took its leave.
    Unregistered,
    /// An operator said that it never comes back.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgentState {
    Registered,
    Unreachable { since: Duration },
    Unregistered,
    Gone,
}

/// One agent as the master knows it.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// Holds the agent's id.
    pub(super) info: v1::AgentInfo,
    pub(super) state: AgentState,
    pub(super) registered: Duration,
    pub(super) reregistered: Option<Duration>,
    pub(super) total: Amounts,
    /// Neither offered nor used.
    pub(super) available: Amounts,
}

impl Agent {
    pub(super) fn is_registered(&self) -> bool {
        self.state == AgentState::Registered
    }

    /// Where the agent's API is.
    pub(super) fn url(&self) -> v1::Url {
        v1::Url {
            scheme: "http".into(),
            address: v1::Address {
                hostname: Some(self.info.hostname.clone()),
                ip: Some("127.0.0.1".into()),
                port: self.info.port(),
            },
            path: Some("/slave(1)".into()),
            ..v1::Url::default()
        }
    }
}

impl Master {
    /// Takes a new agent in and offers what it has.
    ///
    /// # Errors
    /// The resources are of a kind that this master does not handle; says which.
    pub fn handle_agent_registered(
        &mut self,
        now: Duration,
        agent: AgentRegistration,
    ) -> Result<v1::AgentId, String> {
        let AgentRegistration { mut info } = agent;
        super::validate::resources::validate(&info.resources)?;
        let total = Amounts::from_resources(&info.resources).ok_or_else(|| {
            format!(
                "agents have unreserved scalars and ranges only, not {}",
                super::amounts::resources_text(&info.resources)
            )
        })?;
        let id = self.ids.agent();
        info.id = Some(id.clone());
        let agent = Agent {
            info,
            state: AgentState::Registered,
            registered: now,
            reregistered: None,
            available: total.clone(),
            total,
        };
        self.agents.insert(id.value.clone(), agent);
        self.allocate(now);
        Ok(id)
    }

    /// Takes the loss of an agent: its offers end, its tasks are lost or unreachable.
    pub fn handle_agent_lost(&mut self, now: Duration, id: &v1::AgentId, loss: AgentLoss) {
        if self.lose_absent_agent(now, id, loss) {
            return;
        }
        let Some(agent) = self.agents.get_mut(&id.value) else {
            return;
        };
        let was_registered = agent.is_registered();
        if !was_registered && loss == AgentLoss::Unreachable {
            return;
        }
        agent.state = match loss {
            AgentLoss::Unreachable => AgentState::Unreachable { since: now },
            AgentLoss::Unregistered => AgentState::Unregistered,
            AgentLoss::Gone => AgentState::Gone,
        };
        // A broken connection takes the offers before anything is known about the tasks.
        if loss == AgentLoss::Unreachable {
            self.rescind_offers(|offer| offer.agent == id.value);
        }
        for framework in self.frameworks.keys().cloned().collect::<Vec<_>>() {
            self.lose_tasks(now, &framework, id, loss);
        }
        if loss != AgentLoss::Unreachable {
            self.rescind_offers(|offer| offer.agent == id.value);
            self.command(&id.value, AgentAction::Shutdown);
        }
        if was_registered {
            self.tell_agent_failure(id);
        }
    }

    /// Takes an unreachable agent back, with the tasks that it still has. An agent of a predecessor registers
    /// again.
    pub fn handle_agent_returned(&mut self, now: Duration, id: &v1::AgentId) {
        self.handle_agent_reregistered(now, id);
        let Some(agent) = self.agents.get_mut(&id.value) else {
            return;
        };
        let AgentState::Unreachable { .. } = agent.state else {
            return;
        };
        agent.state = AgentState::Registered;
        agent.reregistered = Some(now);
        agent.available = agent.total.clone();
        for framework in self.frameworks.keys().cloned().collect::<Vec<_>>() {
            self.return_tasks(now, &framework, id);
        }
        self.allocate(now);
    }

    fn lose_tasks(&mut self, now: Duration, framework: &str, agent: &v1::AgentId, loss: AgentLoss) {
        let Some(known) = self.frameworks.get_mut(framework) else {
            return;
        };
        let mut lost = take_tasks(&mut known.tasks, agent);
        if loss != AgentLoss::Unreachable {
            known.executors.retain(|(of, _), _| *of != agent.value);
            lost.extend(take_tasks(&mut known.unreachable, agent));
        }
        for mut task in lost {
            self.timers.clear(&resend(framework, &task.info.task_id.value));
            task.attempts = 0;
            if !task.state.is_terminal() {
                let status = self.loss_status(now, framework, &task, loss);
                task.record(status.clone());
                self.send_status(framework, status);
            }
            let Some(known) = self.frameworks.get_mut(framework) else {
                return;
            };
            match loss {
                AgentLoss::Unreachable => {
                    known.unreachable.insert(task.info.task_id.value.clone(), task);
                }
                AgentLoss::Unregistered | AgentLoss::Gone => {
                    if let Some(state) = task.statuses.last().map(v1::TaskStatus::state) {
                        task.state = state;
                    }
                    task.amounts = Amounts::default();
                    known.complete(task);
                }
            }
        }
    }

    fn loss_status(&self, now: Duration, framework: &str, task: &Task, loss: AgentLoss) -> v1::TaskStatus {
        let state = |partition_aware| {
            self.frameworks.get(framework).map_or(partition_aware, |known| known.lost_state(partition_aware))
        };
        let hostname = self.agents.get(&task.agent).map_or("", |agent| agent.info.hostname.as_str());
        let (state, reason, message) = match loss {
            AgentLoss::Unreachable => {
                (state(TaskState::TaskUnreachable), Reason::AgentRemoved, "health check timed out".to_owned())
            }
            // LOST whatever the framework understands: seen on a running master.
            AgentLoss::Unregistered => (
                TaskState::TaskLost,
                Reason::AgentRemoved,
                format!("Agent {hostname} removed: the agent unregistered"),
            ),
            AgentLoss::Gone => {
                let state = state(TaskState::TaskGoneByOperator);
                let reason = if state == TaskState::TaskLost {
                    Reason::AgentRemoved
                } else {
                    Reason::AgentRemovedByOperator
                };
                (state, reason, "Agent has been marked gone".to_owned())
            }
        };
        v1::TaskStatus {
            reason: Some(reason.into()),
            message: Some(message),
            agent_id: Some(task.agent_id()),
            unreachable_time: (loss == AgentLoss::Unreachable).then(|| self.time_info(now)),
            ..self.master_status(now, task.info.task_id.clone(), state)
        }
    }

    pub(super) fn return_tasks(&mut self, now: Duration, framework: &str, agent: &v1::AgentId) {
        self.hold_executors(framework, &agent.value);
        let Some(known) = self.frameworks.get_mut(framework) else {
            return;
        };
        for task in take_tasks(&mut known.unreachable, agent) {
            let id = task.info.task_id.value.clone();
            if let Some(agent) = self.agents.get_mut(&agent.value) {
                agent.available.subtract(&task.amounts);
            }
            if !task.state.is_terminal() {
                let status = v1::TaskStatus {
                    reason: Some(Reason::AgentReregistered.into()),
                    message: Some("Unreachable agent re-reregistered".into()),
                    ..self.retold(now, &task, task.state)
                };
                self.send_status(framework, status);
            }
            if let Some(known) = self.frameworks.get_mut(framework) {
                known.tasks.insert(id.clone(), task);
            }
            self.forward_update(now, framework, &id);
        }
    }

    /// Every scheduler is told, with tasks there or without.
    fn tell_agent_failure(&mut self, id: &v1::AgentId) {
        let failure = event::Failure { agent_id: Some(id.clone()), ..event::Failure::default() };
        let event =
            Event { r#type: Some(event::Type::Failure.into()), failure: Some(failure), ..Event::default() };
        for framework in self.frameworks.keys().cloned().collect::<Vec<_>>() {
            self.framework_event(&framework, event.clone());
        }
    }
}

fn take_tasks(tasks: &mut BTreeMap<String, Task>, agent: &v1::AgentId) -> Vec<Task> {
    let ids: Vec<String> =
        tasks.iter().filter(|(_, task)| task.agent == agent.value).map(|(id, _)| id.clone()).collect();
    ids.iter().filter_map(|id| tasks.remove(id)).collect()
}
