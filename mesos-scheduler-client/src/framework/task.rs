//! The tasks that the framework knows, each by two names: the one that it was submitted with, and the one that Mesos
//! knows it by.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use mesos_proto::v1;

use super::{
    OutcomeToken,
    agents::AgentInfo,
    outcome::Placement,
    queue::{ClassId, Rank},
    spec::TaskSpec,
};

/// Names of given up tasks that are remembered, and of ended ones.
const MAX_REMEMBERED: usize = 100_000;

/// What is known of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskPhase {
    /// It waits for an offer.
    Pending,
    /// It was sent to the master; nobody has said yet that an agent has it.
    Launching,
    /// Its executor has it.
    Starting,
    /// It runs.
    Running,
    /// A KILL is repeated until it is gone.
    Killing,
    /// It ran or was to run on an agent that does not answer; or the master does not know it and is asked again.
    Unreachable,
}

/// A task as [`FrameworkCore::tasks`](super::FrameworkCore::tasks) tells it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TaskView {
    /// The id that it was submitted with.
    pub task_id: String,
    /// What is known of it.
    pub phase: TaskPhase,
    /// Where it was placed; `None` while it waits for an offer.
    pub placement: Option<Placement>,
    /// What its last health check said.
    pub healthy: Option<bool>,
}

#[derive(Debug)]
pub(super) struct Task {
    pub(super) rank: Rank,
    pub(super) state: TaskPhase,
    /// What is needed until it runs, and not then.
    pub(super) launch: Option<Box<Launch>>,
    pub(super) placed: Option<Placed>,
    /// The name that Mesos knows it by, if it is another one.
    pub(super) wire_id: Option<Arc<str>>,
    /// Whether the submission was answered.
    pub(super) answered: bool,
    /// Whether an ACCEPT of it may or may not have come through.
    pub(super) is_doubtful: bool,
    /// Whether it is going to be given up unless the master comes to know it.
    pub(super) is_unknown: bool,
    pub(super) healthy: Option<bool>,
    pub(super) grace_period: Option<Duration>,
    /// How often its KILL was sent.
    pub(super) kills: u8,
}

/// A task on its way.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) spec: TaskSpec,
    /// Its class while it waits.
    pub(super) class: Option<ClassId>,
    /// The ACCEPT that it was sent with.
    pub(super) launched_by: Option<OutcomeToken>,
    /// How often it was launched.
    pub(super) attempts: u16,
    /// How often an agent could not start it for a port that was taken.
    pub(super) refused_ports: u16,
}

#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) agent: Arc<AgentInfo>,
    pub(super) host_ports: Box<[u16]>,
}

impl Task {
    pub(super) fn pending(rank: Rank, spec: TaskSpec) -> Self {
        Self {
            rank,
            state: TaskPhase::Pending,
            placed: None,
            wire_id: None,
            answered: false,
            is_doubtful: false,
            is_unknown: false,
            healthy: None,
            grace_period: Some(spec.grace_period()),
            kills: 0,
            launch: Some(Box::new(Launch {
                spec,
                class: None,
                launched_by: None,
                attempts: 0,
                refused_ports: 0,
            })),
        }
    }

    pub(super) fn placement(&self, task_id: &str) -> Option<Placement> {
        let Placed { agent, host_ports } = self.placed.as_ref()?;
        Some(Placement {
            task_id: v1::TaskId::new(self.wire_id.as_deref().unwrap_or(task_id)),
            framework_id: agent.framework_id.clone(),
            agent_id: agent.id.clone(),
            hostname: agent.hostname.clone(),
            agent_url: agent.url.clone(),
            host_ports: host_ports.to_vec(),
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Tasks {
    known: BTreeMap<Arc<str>, Task>,
    /// The tasks that Mesos knows by another name.
    by_wire_id: BTreeMap<Arc<str>, Arc<str>>,
    /// Names of tasks that were given up although they may live.
    ghosts: Names,
    /// Names of tasks whose end was told.
    ended: Names,
}

/// The latest names of some kind.
#[derive(Debug, Default)]
struct Names {
    order: VecDeque<Arc<str>>,
    all: BTreeSet<Arc<str>>,
}

impl Names {
    fn add(&mut self, name: Arc<str>) {
        if !self.all.insert(name.clone()) {
            return;
        }
        self.order.push_back(name);
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    fn contains(&self, name: &str) -> bool {
        self.all.contains(name)
    }
}

impl Tasks {
    pub(super) fn insert(&mut self, task_id: Arc<str>, task: Task) {
        if let Some(wire_id) = &task.wire_id {
            self.by_wire_id.insert(wire_id.clone(), task_id.clone());
        }
        self.known.insert(task_id, task);
    }

    pub(super) fn remove(&mut self, task_id: &str) -> Option<Task> {
        let task = self.known.remove(task_id)?;
        if let Some(wire_id) = &task.wire_id {
            self.by_wire_id.remove(wire_id);
        }
        Some(task)
    }

    pub(super) fn get(&self, task_id: &str) -> Option<&Task> {
        self.known.get(task_id)
    }

    pub(super) fn get_mut(&mut self, task_id: &str) -> Option<&mut Task> {
        self.known.get_mut(task_id)
    }

    /// The id of a task, to be kept without a copy.
    pub(super) fn id(&self, task_id: &str) -> Option<Arc<str>> {
        self.known.get_key_value(task_id).map(|(id, _)| id.clone())
    }

    /// The task that Mesos calls so.
    pub(super) fn named(&self, wire_id: &str) -> Option<(Arc<str>, &Task)> {
        if let Some((id, task)) = self.known.get_key_value(wire_id)
            && task.wire_id.is_none()
        {
            return Some((id.clone(), task));
        }
        let id = self.by_wire_id.get(wire_id)?;
        Some((id.clone(), self.known.get(id)?))
    }

    /// What Mesos calls a task.
    pub(super) fn wire_id(&self, task_id: &Arc<str>) -> Arc<str> {
        let wire_id = self.known.get(task_id).and_then(|task| task.wire_id.clone());
        wire_id.unwrap_or_else(|| task_id.clone())
    }

    /// Gives a task a name that Mesos has not seen, since the last one may be known to an agent. The last one is
    /// remembered: should a task of it turn up alive, it is one too many.
    pub(super) fn rename(&mut self, task_id: &Arc<str>, attempts: u16) {
        let old = self.wire_id(task_id);
        self.by_wire_id.remove(&old);
        let mut number = u32::from(attempts) + 1;
        let new = loop {
            let name: Arc<str> = format!("{task_id}.r{number}").into();
            if !self.known.contains_key(&name)
                && !self.by_wire_id.contains_key(&name)
                && !self.is_ghost(&name)
            {
                break name;
            }
            number += 1;
        };
        if let Some(task) = self.known.get_mut(task_id) {
            task.wire_id = Some(new.clone());
            self.by_wire_id.insert(new, task_id.clone());
        }
        self.remember_ghost(old);
    }

    pub(super) fn remember_ghost(&mut self, wire_id: Arc<str>) {
        self.ghosts.add(wire_id);
    }

    pub(super) fn is_ghost(&self, wire_id: &str) -> bool {
        self.ghosts.contains(wire_id)
    }

    pub(super) fn remember_end(&mut self, wire_id: Arc<str>) {
        self.ended.add(wire_id);
    }

    pub(super) fn has_ended(&self, wire_id: &str) -> bool {
        self.ended.contains(wire_id)
    }

    pub(super) fn contains(&self, task_id: &str) -> bool {
        self.known.contains_key(task_id)
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Task)> {
        self.known.iter()
    }

    /// The ids of the tasks of which this is true.
    pub(super) fn ids_where(&self, is_true: impl Fn(&Task) -> bool) -> Vec<Arc<str>> {
        let found = self.known.iter().filter(|(_, task)| is_true(task));
        found.map(|(id, _)| id.clone()).collect()
    }
}
