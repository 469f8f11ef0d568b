//! One framework as the master knows it.

#![expect(deprecated, reason = "frameworks without newer capabilities speak by the field `role`")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use mesos_proto::v1::{self, framework_info::capability};

use super::{
    allocator::Filter,
    amounts::in_older_format,
    config::MinAllocatable,
    constraints::Constraints,
    executors::{ExecutorKey, HeldExecutor},
    operations::Operation,
    output::StreamNumber,
    tasks::Task,
};

/// So many ended tasks of a framework are kept for GET_TASKS (the default of
/// `--max_completed_tasks_per_framework`).
const MAX_COMPLETED_TASKS: usize = 1000;

/// A framework that subscribed once and was not removed, or one that was and is remembered.
#[derive(Debug)]
pub(super) struct Framework {
    /// Holds the framework's id.
    pub(super) info: v1::FrameworkInfo,
    pub(super) connection: Option<Connection>,
    /// Known from its agents alone: no scheduler of it came to this master.
    pub(super) is_recovered: bool,
    pub(super) roles: BTreeSet<String>,
    pub(super) suppressed: BTreeSet<String>,
    pub(super) constraints: Constraints,
    /// Refused offers by role and agent.
    pub(super) filters: BTreeMap<(String, String), Vec<Filter>>,
    /// Until when agents are not asked for back.
    pub(super) inverse_filters: BTreeMap<String, Duration>,
    /// Operations whose end was not acknowledged, by id.
    pub(super) operations: BTreeMap<String, Operation>,
    /// The least that is worth an offer, for roles that say so.
    pub(super) least: BTreeMap<String, MinAllocatable>,
    /// When each role was granted something last, in turns.
    pub(super) turns: BTreeMap<String, u64>,
    pub(super) tasks: BTreeMap<String, Task>,
    pub(super) executors: BTreeMap<ExecutorKey, HeldExecutor>,
    /// Tasks on agents that do not answer.
    pub(super) unreachable: BTreeMap<String, Task>,
    pub(super) completed: VecDeque<Task>,
    pub(super) registered: Duration,
    pub(super) reregistered: Duration,
}

/// The open stream of a framework.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) stream: StreamNumber,
    pub(super) stream_id: String,
}

impl Framework {
    pub(super) fn new(info: v1::FrameworkInfo, now: Duration) -> Self {
        Self {
            roles: roles(&info),
            least: least(&info),
            info,
            connection: None,
            is_recovered: false,
            suppressed: BTreeSet::new(),
            constraints: Constraints::default(),
            filters: BTreeMap::new(),
            inverse_filters: BTreeMap::new(),
            operations: BTreeMap::new(),
            turns: BTreeMap::new(),
            tasks: BTreeMap::new(),
            executors: BTreeMap::new(),
            unreachable: BTreeMap::new(),
            completed: VecDeque::new(),
            registered: now,
            reregistered: now,
        }
    }

    /// A framework that an agent told of. Nothing ends it when its scheduler never comes.
    pub(super) fn recovered(info: v1::FrameworkInfo, now: Duration) -> Self {
        Self { is_recovered: true, ..Self::new(info, now) }
    }

    pub(super) fn id(&self) -> v1::FrameworkId {
        self.info.id.clone().unwrap_or_default()
    }

    pub(super) fn stream(&self) -> Option<StreamNumber> {
        self.connection.as_ref().map(|connection| connection.stream)
    }

    pub(super) fn has(&self, wanted: capability::Type) -> bool {
        has_capability(&self.info, wanted)
    }

    /// The state that stands for a loss: `partition_aware` if the framework understands it, TASK_LOST
    /// otherwise.
    pub(super) fn lost_state(&self, partition_aware: v1::TaskState) -> v1::TaskState {
        if self.has(capability::Type::PartitionAware) { partition_aware } else { v1::TaskState::TaskLost }
    }

    /// The seconds after which the framework is removed when its scheduler is gone. Not a number acts
    /// as 0, and so does everything below.
    pub(super) fn failover_timeout(&self) -> Duration {
        let seconds = self.info.failover_timeout.unwrap_or(0.0);
        if seconds > 0.0 {
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        } else {
            Duration::ZERO
        }
    }

    pub(super) fn complete(&mut self, task: Task) {
        if self.completed.len() == MAX_COMPLETED_TASKS {
            self.completed.pop_front();
        }
        self.completed.push_back(task);
    }

    /// Resources in the format that the framework understands.
    pub(super) fn format(&self, mut resources: Vec<v1::Resource>, role: &str) -> Vec<v1::Resource> {
        for resource in &mut resources {
            if self.has(capability::Type::MultiRole) {
                resource.allocation_info = Some(v1::resource::AllocationInfo { role: Some(role.to_owned()) });
            }
        }
        if self.has(capability::Type::ReservationRefinement) {
            return resources;
        }
        resources.into_iter().map(in_older_format).collect()
    }
}

/// Whether the description of a framework names a capability.
pub(crate) fn has_capability(info: &v1::FrameworkInfo, wanted: capability::Type) -> bool {
    info.capabilities.iter().any(|capability| capability.r#type == Some(wanted.into()))
}

/// The roles that a framework subscribes to.
pub(super) fn roles(info: &v1::FrameworkInfo) -> BTreeSet<String> {
    if has_capability(info, capability::Type::MultiRole) {
        info.roles.iter().cloned().collect()
    } else {
        [info.role.clone().unwrap_or_else(|| "*".into())].into()
    }
}

/// The least that roles of a framework want to be offered.
pub(super) fn least(info: &v1::FrameworkInfo) -> BTreeMap<String, MinAllocatable> {
    let wishes = info.offer_filters.iter().filter_map(|(role, filters)| {
        let wanted = filters.min_allocatable_resources.as_ref()?;
        Some((role.clone(), MinAllocatable::of_framework(wanted)))
    });
    wishes.collect()
}
