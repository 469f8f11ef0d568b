//! The end of a simulation: faults stop, both sides must agree, then everything is killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use mesos_proto::v1;

use crate::{
    invariant::{Invariant, Violation},
    script::Script,
    seen::Seen,
    world::{Crash, Happening, World},
};

/// How often it is looked whether both sides agree.
const LOOK: Duration = Duration::from_secs(5);
/// Agents that were lost are back by then, masters lead, and nothing is stalled.
const HEALING: Duration = Duration::from_secs(210);
/// The longest that agreement may take: kills, questions and updates are repeated with long pauses.
const LONGEST_WAY_TO_AGREEMENT: Duration = Duration::from_secs(60 * 60);
/// How long nothing may move at rest.
const REST: Duration = Duration::from_secs(30);

/// What came of a simulation.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) violation: Option<Violation>,
    pub(crate) transcript: Vec<String>,
    /// Outputs of the scheduler.
    pub(crate) effects: u64,
    pub(crate) seen: Seen,
}

/// Runs a script to its end.
pub(crate) fn run(script: &Script, is_recorded: bool) -> Outcome {
    run_with_crash(script, is_recorded, None)
}

/// The same with a crash of the scheduler at one effect.
pub(crate) fn run_with_crash(script: &Script, is_recorded: bool, crash: Option<Crash>) -> Outcome {
    let mut world = World::new(script, is_recorded);
    world.crash = crash;
    let ended = catch_unwind(AssertUnwindSafe(|| world.run_to_the_end()));
    if let Err(panic) = ended {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without text");
        world.fail(Invariant::NobodyPanics, text);
    }
    let World { violation, effects, seen, transcript, .. } = world;
    Outcome { violation, effects, seen, transcript: transcript.into_lines() }
}

impl World {
    fn run_to_the_end(&mut self) {
        self.run_until(self.script.length);
        self.stop_faults();
        self.run_until(self.now + HEALING);
        self.say(|| "== faults are over".to_owned());
        self.wait_for(Invariant::AllAgree, Self::disagreement);
        self.rest();
        self.kill_everything();
        self.wait_for(Invariant::NothingLeaks, Self::leak);
        self.rest();
    }

    fn stop_faults(&mut self) {
        self.stop_script();
        self.crash = None;
        self.store.failures = 0;
        self.queries_to_fail = 0;
        for link in self.network.links.values_mut() {
            link.breaks_after = None;
        }
    }

    fn rest(&mut self) {
        if self.violation.is_none() {
            self.say(|| "== rest".to_owned());
            self.is_quiet = true;
            self.run_until(self.now + REST);
            self.is_quiet = false;
        }
    }

    /// Runs until a difference is gone, and stays away.
    fn wait_for(&mut self, invariant: Invariant, difference: fn(&Self) -> Option<String>) {
        let end = self.now + LONGEST_WAY_TO_AGREEMENT;
        while self.violation.is_none() {
            let Some(what) = difference(self) else { return };
            if self.now >= end {
                return self.fail(invariant, what);
            }
            self.run_until(self.now + LOOK);
        }
    }

    fn kill_everything(&mut self) {
        let now = self.instant();
        if let Some(process) = &mut self.process {
            for id in process.core.tasks().into_keys() {
                process.core.kill(now, &id);
                self.user.doom(&id);
            }
        }
        self.say(|| "== everything is killed".to_owned());
        // Any step drains what that brought about.
        self.after(Duration::ZERO, Happening::Reports { agent: 0 });
    }

    /// What the framework, the master and the agents do not agree about.
    fn disagreement(&self) -> Option<String> {
        let Some(process) = &self.process else { return Some("the scheduler does not run".to_owned()) };
        if !process.is_recovered() {
            return Some("the scheduler has not recovered its tasks".to_owned());
        }
        if let Some(id) = self.user.unanswered() {
            return Some(format!("{id} has no answer"));
        }
        let own = process.core.tasks();
        if let Some((id, view)) = own.iter().find(|(_, view)| !view.runs) {
            return Some(format!("{id} does not run: {view:?}"));
        }
        let own: BTreeMap<String, v1::AgentId> =
            own.into_values().filter_map(|view| Some((view.wire_id?, view.agent?))).collect();
        let tasks = self.cluster.master.get_tasks();
        let frameworks = self.cluster.master.get_frameworks();
        if let Some(task) = tasks.unreachable_tasks.first() {
            return Some(format!("{} is unreachable", task.task_id));
        }
        let mut at_master = BTreeMap::new();
        for task in tasks.tasks {
            let is_active = frameworks
                .frameworks
                .iter()
                .any(|framework| framework.framework_info.id.as_ref() == Some(&task.framework_id));
            if !is_active {
                continue;
            }
            if task.state().is_terminal() || task.status_update_state != Some(task.state) {
                return Some(format!("an update of {} is not acknowledged", task.task_id));
            }
            at_master.insert(task.task_id.value, task.agent_id);
        }
        let at_agents = self.cluster.living();
        let ids: BTreeSet<&String> = at_master.keys().collect();
        if ids != at_agents.keys().collect() {
            return Some(format!("the master has {ids:?}, agents have {:?}", at_agents.keys()));
        }
        if at_master != own {
            return Some(format!("the master has {at_master:?}, the framework has {own:?}"));
        }
        let lost = at_master.iter().find(|(id, agent)| at_agents.get(*id) != Some(agent));
        if let Some((id, agent)) = lost {
            return Some(format!("the master has {id} at {agent}, it is at {:?}", at_agents.get(id)));
        }
        let is_offered = |framework: &v1::master::response::get_frameworks::Framework| {
            !framework.offered_resources.is_empty()
        };
        if frameworks.frameworks.iter().any(is_offered) || self.ledger.has_offers() {
            return Some("offers are outstanding".to_owned());
        }
        None
    }

    /// What is left although everything was killed.
    fn leak(&self) -> Option<String> {
        if let Some(difference) = self.disagreement() {
            return Some(difference);
        }
        let living = self.cluster.living();
        if !living.is_empty() {
            return Some(format!("{:?} live", living.keys()));
        }
        let agents = self.cluster.master.get_agents().agents;
        let held = agents
            .iter()
            .find(|agent| !agent.allocated_resources.is_empty() || !agent.offered_resources.is_empty());
        held.map(|agent| format!("something of {} is held", agent.agent_info.hostname))
    }
}
