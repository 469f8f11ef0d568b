//! What operators decide about agents: that they are drained, out of use, gone.

use std::time::Duration;

use mesos_proto::v1::{self, DrainInfo, DrainState, TaskState, task_status::Reason};

use super::{
    Master,
    agents::{AgentLoss, AgentState, Cause},
    output::{AgentAction, Answer},
};

/// What operators decided about an agent. It outlives the master.
#[derive(Clone, Debug, Default)]
pub(super) struct Duty {
    pub(super) is_deactivated: bool,
    pub(super) drain: Option<Drain>,
}

/// An agent that is being emptied, or is empty already.
#[derive(Clone, Debug)]
pub(super) struct Drain {
    config: v1::DrainConfig,
    started: v1::TimeInfo,
    is_over: bool,
}

impl Duty {
    /// Whether nothing of the agent may be offered.
    pub(super) fn is_off(&self) -> bool {
        self.is_deactivated || self.drain.is_some()
    }

    /// Notes in an update that the drain is its cause.
    pub(super) fn mark(&self, mut status: v1::TaskStatus, partition_aware: bool) -> v1::TaskStatus {
        let Some(drain) = &self.drain else {
            return status;
        };
        if matches!(status.state(), TaskState::TaskKilling | TaskState::TaskKilled) {
            status.reason = Some(Reason::AgentDraining.into());
        }
        if status.state() == TaskState::TaskKilled && drain.config.mark_gone() && partition_aware {
            status.state = TaskState::TaskGoneByOperator.into();
        }
        status
    }

    pub(super) fn drain_info(&self) -> Option<DrainInfo> {
        let drain = self.drain.as_ref()?;
        let state = if drain.is_over { DrainState::Drained } else { DrainState::Draining };
        Some(DrainInfo { state: state.into(), config: drain.config })
    }

    pub(super) fn drain_start(&self) -> Option<v1::TimeInfo> {
        self.drain.as_ref().map(|drain| drain.started)
    }
}

impl Master {
    /// Answers MARK_AGENT_GONE.
    pub(super) fn mark_agent_gone(&mut self, now: Duration, id: &v1::AgentId) -> Answer {
        let is_there = match self.agents.get(&id.value).map(|agent| agent.state) {
            Some(AgentState::Registered | AgentState::Disconnected | AgentState::Unreachable { .. }) => true,
            Some(AgentState::Gone) => return Answer::done(),
            Some(AgentState::Unregistered) => false,
            None => self.absent.contains_key(&id.value),
        };
        if !is_there {
            return Answer::not_found(format!("There is no agent {id}"));
        }
        self.handle_agent_lost(now, id, AgentLoss::Gone);
        Answer::done()
    }

    /// Answers DRAIN_AGENT: nothing of the agent is offered any more, and its tasks are killed.
    pub(super) fn drain_agent(&mut self, now: Duration, id: &v1::AgentId, config: v1::DrainConfig) -> Answer {
        if config.max_grace_period.is_some_and(|grace| grace.nanoseconds < 0) {
            return Answer::bad_request("The longest grace period of a drain must not be negative");
        }
        let started = self.time_info(now);
        let Some(duty) = self.duty_mut(id) else {
            return Answer::bad_request(format!("There is no agent {id}"));
        };
        if duty.drain.as_ref().is_some_and(|drain| drain.config.mark_gone() && !config.mark_gone()) {
            return Answer::bad_request(format!("Agent {id} is being drained to be marked gone"));
        }
        duty.drain = Some(Drain { config, started, is_over: false });
        self.rescind_offers(|offer| offer.agent == id.value);
        self.rescind_inverse_offers(|offer| offer.agent == id.value);
        self.resume_duty(now, id);
        Answer::done()
    }

    /// Answers DEACTIVATE_AGENT: its tasks run on, and nothing of it is offered any more.
    pub(super) fn deactivate_agent(&mut self, id: &v1::AgentId) -> Answer {
        let Some(duty) = self.duty_mut(id) else {
            return Answer::bad_request(format!("There is no agent {id}"));
        };
        duty.is_deactivated = true;
        self.rescind_offers(|offer| offer.agent == id.value);
        self.rescind_inverse_offers(|offer| offer.agent == id.value);
        Answer::done()
    }

    /// Answers REACTIVATE_AGENT.
    pub(super) fn reactivate_agent(&mut self, now: Duration, id: &v1::AgentId) -> Answer {
        let Some(duty) = self.duty_mut(id) else {
            return Answer::bad_request(format!("There is no agent {id}"));
        };
        if duty.drain.as_ref().is_some_and(|drain| !drain.is_over) {
            return Answer::bad_request(format!("Agent {id} is still being drained"));
        }
        *duty = Duty::default();
        self.allocate(now);
        Answer::done()
    }

    fn duty_mut(&mut self, id: &v1::AgentId) -> Option<&mut Duty> {
        let known = self.agents.get_mut(&id.value);
        let known = known.filter(|agent| match agent.state {
            AgentState::Registered | AgentState::Disconnected | AgentState::Unreachable { .. } => true,
            AgentState::Unregistered | AgentState::Gone => false,
        });
        match known {
            Some(agent) => Some(&mut agent.duty),
            None => self.absent.get_mut(&id.value).map(|agent| &mut agent.duty),
        }
    }

    /// Does what there is to do with an agent that is there, or there again.
    pub(super) fn resume_duty(&mut self, now: Duration, id: &v1::AgentId) {
        let Some(agent) = self.agents.get_mut(&id.value).filter(|agent| agent.is_registered()) else {
            return;
        };
        let longest = agent.duty.drain.as_ref().map(|drain| drain.config.max_grace_period);
        for action in std::mem::take(&mut agent.mail) {
            self.command(&id.value, action);
        }
        let Some(longest) = longest else {
            return;
        };
        for (framework_id, task_id, own) in self.running_on(id) {
            // Without a limit the task's own policy holds.
            let shorter =
                longest.filter(|longest| own.is_none_or(|own| longest.nanoseconds < own.nanoseconds));
            let kill_policy = shorter.map(|grace| v1::KillPolicy { grace_period: Some(grace) });
            self.command(&id.value, AgentAction::Kill { framework_id, task_id, kill_policy });
        }
        self.check_drained(now, id);
    }

    /// Tasks of an agent that have not ended, with the grace that they ask for.
    fn running_on(&self, id: &v1::AgentId) -> Vec<(v1::FrameworkId, v1::TaskId, Option<v1::DurationInfo>)> {
        let tasks = self.frameworks.values().flat_map(|framework| {
            let tasks = framework.tasks.values();
            tasks.filter(|task| task.agent == id.value && !task.state.is_terminal()).map(|task| {
                let grace = task.info.kill_policy.as_ref().and_then(|policy| policy.grace_period);
                (framework.id(), task.info.task_id.clone(), grace)
            })
        });
        tasks.collect()
    }

    /// A drain is over when the end of the last task was acknowledged.
    pub(super) fn check_drained(&mut self, now: Duration, id: &v1::AgentId) {
        let Some(agent) = self.agents.get_mut(&id.value).filter(|agent| agent.is_registered()) else {
            return;
        };
        let Some(drain) = agent.duty.drain.as_mut().filter(|drain| !drain.is_over) else {
            return;
        };
        let is_used = self
            .frameworks
            .values()
            .flat_map(|framework| framework.tasks.values())
            .any(|task| task.agent == id.value);
        if is_used {
            return;
        }
        drain.is_over = true;
        if drain.config.mark_gone() {
            self.end_agent(now, id, Cause::Gone, "Agent has been marked gone");
        }
    }
}
