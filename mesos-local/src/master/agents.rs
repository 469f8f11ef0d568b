//! Agents: their coming, their loss, their return.

use std::{collections::BTreeMap, time::Duration};

use mesos_proto::v1::{
    self, TaskState,
    scheduler::{Event, event},
    task_status::Reason,
};

use super::{
    Master, amounts::Amounts, duty::Duty, output::AgentAction, tasks::Task, timers::Timer, updates::resend,
};

/// What an agent says when it registers.
#[derive(Clone, Debug)]
pub struct AgentRegistration {
    /// Name, port, resources, attributes and domain; an id is ignored.
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

/// Why tasks of an agent are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The agent's connection broke, and their framework is not checkpointed.
    Disconnected,
    Unreachable,
    Unregistered,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgentState {
    Registered,
    /// Its connection broke; it has some time to come back.
    Disconnected,
    Unreachable {
        since: Duration,
    },
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
    /// What operators decided about it.
    pub(super) duty: Duty,
    /// What it is told when it is back.
    pub(super) mail: Vec<AgentAction>,
}

impl Agent {
    pub(super) fn new(info: v1::AgentInfo, state: AgentState, now: Duration, total: Amounts) -> Self {
        Self {
            info,
            state,
            registered: now,
            reregistered: None,
            available: total.clone(),
            total,
            duty: Duty::default(),
            mail: Vec::new(),
        }
    }

    pub(super) fn is_registered(&self) -> bool {
        self.state == AgentState::Registered
    }

    /// Whether the master counts with it: it is there, or was a moment ago.
    pub(super) fn is_known(&self) -> bool {
        matches!(self.state, AgentState::Registered | AgentState::Disconnected)
    }

    pub(super) fn is_offered(&self) -> bool {
        self.is_registered() && !self.duty.is_off()
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
                "agents have no revocable, shared or provided resources, as in {}",
                super::amounts::resources_text(&info.resources)
            )
        })?;
        let id = self.ids.agent();
        info.id = Some(id.clone());
        let agent = Agent::new(info, AgentState::Registered, now, total);
        self.agents.insert(id.value.clone(), agent);
        self.allocate(now);
        Ok(id)
    }

    /// Takes note that the connection to an agent broke, as it does when its process dies: its offers end, and
    /// tasks of frameworks without checkpoint are lost. The agent is unreachable when it is not back
    /// ([`handle_agent_returned`](Self::handle_agent_returned)) before its pings have timed out.
    pub fn handle_agent_disconnected(&mut self, now: Duration, id: &v1::AgentId) {
        let Some(agent) = self.agents.get_mut(&id.value).filter(|agent| agent.is_registered()) else {
            return;
        };
        agent.state = AgentState::Disconnected;
        let text = format!("Agent {} disconnected", agent.info.hostname);
        self.rescind_offers(|offer| offer.agent == id.value);
        self.rescind_inverse_offers(|offer| offer.agent == id.value);
        for framework in self.frameworks.keys().cloned().collect::<Vec<_>>() {
            let forgotten = self.frameworks.get(&framework).filter(|known| !known.info.checkpoint());
            if forgotten.is_some_and(|known| known.tasks.values().any(|task| task.agent == id.value)) {
                // Executors that are not checkpointed end with their agent.
                let framework_id = v1::FrameworkId::new(framework.clone());
                self.command(&id.value, AgentAction::ShutdownFramework { framework_id });
                self.lose_tasks(now, &framework, id, Cause::Disconnected, &text);
            }
        }
        let options = &self.config.options;
        let pings = options.agent_ping_timeout.saturating_mul(options.max_agent_ping_timeouts);
        let at = now.saturating_add(pings.min(options.agent_reregister_timeout));
        self.timers.set(Timer::AgentPing { agent: id.value.clone() }, at);
    }

    /// Takes the loss of an agent: its offers end, its tasks are lost or unreachable.
    pub fn handle_agent_lost(&mut self, now: Duration, id: &v1::AgentId, loss: AgentLoss) {
        if self.lose_absent_agent(now, id, loss) {
            return;
        }
        let hostname = self.agents.get(&id.value).map_or("", |agent| agent.info.hostname.as_str());
        match loss {
            AgentLoss::Unreachable => self.end_agent(now, id, Cause::Unreachable, "health check timed out"),
            AgentLoss::Unregistered => {
                let text = format!("Agent {hostname} removed: the agent unregistered");
                self.end_agent(now, id, Cause::Unregistered, &text);
            }
            AgentLoss::Gone => self.end_agent(now, id, Cause::Gone, "Agent has been marked gone"),
        }
    }

    /// The same with a text for the updates of its tasks.
    pub(super) fn end_agent(&mut self, now: Duration, id: &v1::AgentId, cause: Cause, text: &str) {
        let Some(agent) = self.agents.get_mut(&id.value) else {
            return;
        };
        let was_known = agent.is_known();
        agent.state = match cause {
            Cause::Unreachable | Cause::Disconnected if !was_known => return,
            Cause::Unreachable | Cause::Disconnected => AgentState::Unreachable { since: now },
            Cause::Unregistered => AgentState::Unregistered,
            Cause::Gone => AgentState::Gone,
        };
        agent.mail.clear();
        self.timers.clear(&Timer::AgentPing { agent: id.value.clone() });
        // A broken connection takes the offers before anything is known about the tasks.
        if cause == Cause::Unreachable {
            self.rescind_offers(|offer| offer.agent == id.value);
        }
        for framework in self.frameworks.keys().cloned().collect::<Vec<_>>() {
            self.lose_tasks(now, &framework, id, cause, text);
        }
        if cause != Cause::Unreachable {
            self.rescind_offers(|offer| offer.agent == id.value);
            self.forget_operations_of(id);
            self.command(&id.value, AgentAction::Shutdown);
        }
        self.rescind_inverse_offers(|offer| offer.agent == id.value);
        if was_known {
            self.tell_agent_failure(id);
        }
    }

    /// Takes an agent back that was unreachable or lost its connection, with the tasks that it still has. An agent
    /// of a predecessor registers again.
    pub fn handle_agent_returned(&mut self, now: Duration, id: &v1::AgentId) {
        self.handle_agent_reregistered(now, id);
        let Some(agent) = self.agents.get_mut(&id.value) else {
            return;
        };
        let was_unreachable = match agent.state {
            AgentState::Disconnected => false,
            AgentState::Unreachable { .. } => {
                agent.available = agent.total.clone();
                true
            }
            AgentState::Registered | AgentState::Unregistered | AgentState::Gone => return,
        };
        agent.state = AgentState::Registered;
        agent.reregistered = Some(now);
        self.timers.clear(&Timer::AgentPing { agent: id.value.clone() });
        for framework in self.frameworks.keys().cloned().collect::<Vec<_>>() {
            if was_unreachable {
                self.hold_executors(&framework, &id.value);
            }
            self.return_tasks(now, &framework, id);
            self.resend_updates_of(now, &framework, id);
        }
        self.resume_duty(now, id);
        self.allocate(now);
    }

    fn lose_tasks(&mut self, now: Duration, framework: &str, agent: &v1::AgentId, cause: Cause, text: &str) {
        let Some(known) = self.frameworks.get_mut(framework) else {
            return;
        };
        let mut lost = take_tasks(&mut known.tasks, agent);
        let mut ended = Vec::new();
        if cause != Cause::Unreachable {
            known.executors.retain(|(of, _), held| {
                let stays = *of != agent.value;
                if !stays {
                    ended.push(std::mem::take(&mut held.amounts));
                }
                stays
            });
            lost.extend(take_tasks(&mut known.unreachable, agent));
        }
        if cause == Cause::Disconnected {
            ended.iter().for_each(|amounts| self.free(&agent.value, amounts));
        }
        for mut task in lost {
            self.timers.clear(&resend(framework, &task.info.task_id.value));
            task.attempts = 0;
            if !task.state.is_terminal() {
                let status = self.loss_status(now, framework, &task, cause, text);
                task.record(status.clone());
                self.send_status(framework, status);
            }
            if cause == Cause::Disconnected {
                self.release(&mut task);
            }
            let Some(known) = self.frameworks.get_mut(framework) else {
                return;
            };
            match cause {
                Cause::Unreachable => {
                    known.unreachable.insert(task.info.task_id.value.clone(), task);
                }
                Cause::Disconnected | Cause::Unregistered | Cause::Gone => {
                    if let Some(state) = task.statuses.last().map(v1::TaskStatus::state) {
                        task.state = state;
                    }
                    task.amounts = Amounts::default();
                    known.complete(task);
                }
            }
        }
    }

    fn loss_status(
        &self,
        now: Duration,
        framework: &str,
        task: &Task,
        cause: Cause,
        text: &str,
    ) -> v1::TaskStatus {
        let state = |partition_aware| {
            self.frameworks.get(framework).map_or(partition_aware, |known| known.lost_state(partition_aware))
        };
        let (state, reason) = match cause {
            Cause::Unreachable => (state(TaskState::TaskUnreachable), Reason::AgentRemoved),
            // LOST whatever the framework understands: seen on a running master.
            Cause::Disconnected => (TaskState::TaskLost, Reason::AgentDisconnected),
            Cause::Unregistered => (TaskState::TaskLost, Reason::AgentRemoved),
            Cause::Gone => match state(TaskState::TaskGoneByOperator) {
                TaskState::TaskLost => (TaskState::TaskLost, Reason::AgentRemoved),
                state => (state, Reason::AgentRemovedByOperator),
            },
        };
        v1::TaskStatus {
            reason: Some(reason.into()),
            message: Some(text.to_owned()),
            agent_id: Some(task.agent_id()),
            unreachable_time: (cause == Cause::Unreachable).then(|| self.time_info(now)),
            ..self.master_status(now, task.info.task_id.clone(), state)
        }
    }

    pub(super) fn return_tasks(&mut self, now: Duration, framework: &str, agent: &v1::AgentId) {
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
                known.tasks.insert(id, task);
            }
        }
    }

    /// Every scheduler is told, with tasks there or without.
    pub(super) fn tell_agent_failure(&mut self, id: &v1::AgentId) {
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
