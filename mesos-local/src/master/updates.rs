//! Reliable updates: one in flight for each task until it is acknowledged.
//!
//! In a real cluster this is the agents' part; with agents in the same process it can stand here, and
//! agents merely report.

use std::time::Duration;

use mesos_proto::v1::{self, scheduler::call};

use super::{Master, agents::Agent, timers::Timer};

const FIRST_RETRY: Duration = Duration::from_secs(10);
const LONGEST_RETRY: Duration = Duration::from_secs(600);

impl Master {
    /// Sends the first pending update of a task, again if it was sent before, and waits for its
    /// acknowledgement. Does nothing while the scheduler or the agent is not there.
    pub(super) fn forward_update(&mut self, now: Duration, framework: &str, task: &str) {
        let Some(known) = self.frameworks.get_mut(framework).filter(|known| known.connection.is_some())
        else {
            return;
        };
        let Some(state) = known.tasks.get_mut(task) else {
            return;
        };
        if !self.agents.get(&state.agent).is_some_and(Agent::is_registered) {
            return;
        }
        let Some(status) = state.pending.front().cloned() else {
            return;
        };
        let wait = retry_wait(state.attempts);
        state.attempts += 1;
        state.record(status.clone());
        self.timers.set(resend(framework, task), now + wait);
        self.send_status(framework, status);
    }

    /// Takes the acknowledgement of the update in flight; any other is ignored.
    pub(super) fn acknowledge(&mut self, now: Duration, framework: &str, acknowledge: &call::Acknowledge) {
        let id = &acknowledge.task_id.value;
        // An agent that is not there cannot be told; it sends the update again.
        if !self.agents.get(&acknowledge.agent_id.value).is_some_and(Agent::is_registered) {
            return;
        }
        let Some(known) = self.frameworks.get_mut(framework) else {
            return;
        };
        let Some(task) = known.tasks.get_mut(id).filter(|task| task.agent == acknowledge.agent_id.value)
        else {
            return;
        };
        let expected = task.attempts > 0
            && task.pending.front().is_some_and(|status| status.uuid.as_ref() == Some(&acknowledge.uuid));
        if !expected {
            return;
        }
        let terminal = task.pending.pop_front().is_some_and(|status| status.state().is_terminal());
        task.attempts = 0;
        // Most tasks rest from here on, and there may be very many of them.
        if task.pending.is_empty() {
            task.pending.shrink_to_fit();
        }
        if terminal && let Some(task) = known.tasks.remove(id) {
            known.complete(task);
        }
        self.timers.clear(&resend(framework, id));
        self.forward_update(now, framework, id);
        if terminal {
            self.check_drained(now, &acknowledge.agent_id);
        }
    }

    /// Sends to a scheduler that came back what it has not acknowledged.
    pub(super) fn resend_updates(&mut self, now: Duration, framework: &str) {
        for task in self.task_ids(framework) {
            self.forward_update(now, framework, &task);
        }
        self.resend_operations(now, framework);
    }

    /// Sends what an agent kept that came back.
    pub(super) fn resend_updates_of(&mut self, now: Duration, framework: &str, agent: &v1::AgentId) {
        let Some(known) = self.frameworks.get(framework) else {
            return;
        };
        let of_agent = known.tasks.iter().filter(|(_, task)| task.agent == agent.value);
        let tasks: Vec<String> = of_agent.map(|(id, _)| id.clone()).collect();
        self.resend(now, framework, &tasks);
    }

    /// Sends what is pending of these tasks, and of operations.
    pub(super) fn resend(&mut self, now: Duration, framework: &str, tasks: &[String]) {
        for task in tasks {
            self.forward_update(now, framework, task);
        }
        self.resend_operations(now, framework);
    }

    /// A stream is gone: nothing is in flight any more.
    pub(super) fn stop_resending(&mut self, framework: &str) {
        for task in self.task_ids(framework) {
            self.timers.clear(&resend(framework, &task));
        }
        if let Some(known) = self.frameworks.get_mut(framework) {
            for task in known.tasks.values_mut() {
                task.attempts = 0;
            }
        }
        self.stop_resending_operations(framework);
    }

    fn task_ids(&self, framework: &str) -> Vec<String> {
        self.frameworks.get(framework).map(|known| known.tasks.keys().cloned().collect()).unwrap_or_default()
    }
}

/// From one sending of a status to the next, after so many before.
pub(super) fn retry_wait(attempts: u32) -> Duration {
    FIRST_RETRY.saturating_mul(1 << attempts.min(10)).min(LONGEST_RETRY)
}

pub(super) fn resend(framework: &str, task: &str) -> Timer {
    Timer::Resend { framework: framework.to_owned(), task: task.to_owned() }
}
