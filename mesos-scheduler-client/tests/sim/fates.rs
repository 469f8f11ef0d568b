//! What becomes of agents, and what they and the master tell each other.

use std::time::Duration;

use mesos_local::master::{AgentAction, AgentLoss};

use crate::{
    agents::{Due, Report},
    faults::number,
    invariant::Invariant,
    shown::{action_text, tail},
    world::{Happening, World},
};

impl World {
    /// The network to an agent is gone, or only its connection broke. Tells whether it was there.
    pub(crate) fn lose_agent(&mut self, agent: u32, is_noticed: bool) -> bool {
        let now = self.cluster.master_now(self.now);
        let is_leading = self.cluster.is_leading();
        let Some(known) = self.cluster.agents.get_mut(number(agent)) else { return false };
        if !known.is_connected || known.is_over {
            return false;
        }
        known.is_connected = false;
        if std::mem::take(&mut known.is_registered) && is_leading {
            let id = known.id.clone();
            if is_noticed {
                self.cluster.master.handle_agent_lost(now, &id, AgentLoss::Unreachable);
            } else {
                self.cluster.master.handle_agent_disconnected(now, &id);
            }
        }
        true
    }

    pub(crate) fn agent_is_back(&mut self, agent: usize) {
        let known = &mut self.cluster.agents[agent];
        if known.is_over {
            return;
        }
        known.is_connected = true;
        self.seen.note("an agent is back");
        self.register(agent);
    }

    /// An agent that is there registers with the master that leads, if any. What it has to report it says
    /// before or after.
    pub(crate) fn register(&mut self, agent: usize) {
        let now = self.cluster.master_now(self.now);
        let is_leading = self.cluster.is_leading();
        let reports_first = self.random.chance(50);
        let known = &mut self.cluster.agents[agent];
        if !is_leading || !known.is_connected || known.is_registered || known.is_over {
            return;
        }
        known.is_registered = true;
        let id = known.id.clone();
        self.say(|| format!("agent {} registers", tail(&id.value)));
        if reports_first {
            self.report(agent);
        }
        self.cluster.master.handle_agent_returned(now, &id);
        self.report(agent);
    }

    pub(crate) fn unregister_agent(&mut self, agent: usize, time: Duration) {
        if self.remove_agent(agent, AgentLoss::Unregistered) {
            self.seen.note("an agent unregisters");
            // It has ended its tasks before it says so.
            self.cluster.agents[agent].end();
            self.after(time, Happening::AgentReplaced { old: None });
        }
    }

    pub(crate) fn mark_agent_gone(&mut self, agent: usize, is_reachable: bool, time: Duration) {
        if self.remove_agent(agent, AgentLoss::Gone) {
            self.seen.note("an agent is marked gone");
            self.cluster.agents[agent].is_connected = is_reachable;
            self.after(time, Happening::AgentReplaced { old: Some(agent) });
        }
    }

    /// Tells the master that an agent is gone for good; tells whether it was there.
    fn remove_agent(&mut self, agent: usize, loss: AgentLoss) -> bool {
        let now = self.cluster.master_now(self.now);
        let is_leading = self.cluster.is_leading();
        let Some(known) = self.cluster.agents.get_mut(agent) else { return false };
        if !is_leading || !known.is_registered || known.is_over {
            return false;
        }
        known.is_registered = false;
        let id = known.id.clone();
        self.cluster.master.handle_agent_lost(now, &id, loss);
        true
    }

    /// A new agent comes; the machine of the old one is cleaned before.
    pub(crate) fn replace_agent(&mut self, old: Option<usize>) {
        if let Some(old) = old {
            self.cluster.agents[old].end();
        }
        if self.cluster.is_leading() {
            self.cluster.add_agent(self.now);
        } else {
            self.after(Duration::from_secs(1), Happening::AgentReplaced { old: None });
        }
    }

    /// Hands out what the master has for agents.
    pub(crate) fn drain_commands(&mut self) {
        while let Some(command) = self.cluster.master.poll_command() {
            let Some(agent) = self.cluster.agent_index(&command.agent_id) else { continue };
            let action = Box::new(command.action);
            self.after(self.script.setup.agent_latency, Happening::Command { agent, action });
        }
    }

    pub(crate) fn command(&mut self, agent: usize, action: AgentAction) {
        if self.cluster.agents[agent].is_over {
            return;
        }
        let launched = match &action {
            AgentAction::Launch { task, .. } => Some(task.task_id.value.clone()),
            AgentAction::LaunchInExecutor { .. }
            | AgentAction::Message { .. }
            | AgentAction::ShutdownExecutor { .. }
            | AgentAction::Kill { .. }
            | AgentAction::ShutdownFramework { .. }
            | AgentAction::Shutdown => None,
        };
        self.say(|| format!("      agent{agent}: {}", action_text(&action)));
        match self.cluster.agents[agent].command(action, &self.script) {
            Ok(dues) => self.schedule(agent, dues),
            Err(violation) => self.check(Err(violation)),
        }
        if let Some(task) = launched
            && let Some(run) = self.cluster.agents[agent].runs.get(&task)
        {
            let place = (self.cluster.agents[agent].id.clone(), run.ports.clone());
            if self.cluster.places.insert(task.clone(), place).is_some() {
                self.fail(Invariant::StartedOnce, format!("{task} is started again"));
            }
        }
        self.send_reports(agent);
    }

    pub(crate) fn due(&mut self, agent: usize, due: &Due) {
        let dues = self.cluster.agents[agent].advance(due);
        self.schedule(agent, dues);
        self.send_reports(agent);
    }

    fn schedule(&mut self, agent: usize, dues: Vec<Due>) {
        for due in dues {
            self.after(due.after, Happening::Due { agent, due });
        }
    }

    /// Puts what an agent has to report on its way.
    pub(crate) fn send_reports(&mut self, agent: usize) {
        if !self.cluster.agents[agent].reports.is_empty() {
            self.after(self.script.setup.agent_latency, Happening::Reports { agent });
        }
    }

    /// Reports reach the master, or wait.
    pub(crate) fn report(&mut self, agent: usize) {
        let now = self.cluster.master_now(self.now);
        if !self.cluster.is_leading() || !self.cluster.agents[agent].is_registered {
            return;
        }
        while let Some(Report { framework, status }) = self.cluster.agents[agent].reports.pop_front() {
            let id = self.cluster.agents[agent].id.clone();
            self.say(|| format!("      agent{agent}: {} {:?}", status.task_id, status.state()));
            self.cluster.master.handle_status(now, &id, &framework, status);
        }
    }
}
