//! Tasks as the master knows them: their state, their end, KILL.

use std::{collections::VecDeque, time::Duration};

use mesos_proto::v1::{
    self, TaskState,
    framework_info::capability,
    scheduler::{Event, call, call::reconcile, event},
    task_status::Source,
};

use super::{Master, amounts::Amounts, offers::Offer, output::AgentAction};

/// A task that the master knows: started, and its end not yet acknowledged.
///
/// Without a single report it is staging. Its resources are free as soon as it ends; it is forgotten
/// when the framework acknowledged that.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) info: v1::TaskInfo,
    pub(super) agent: String,
    /// The role that its resources are allocated to.
    pub(super) role: String,
    /// What it takes from the agent; empty when it gave everything back.
    pub(super) amounts: Amounts,
    /// What the agent reported last.
    pub(super) state: TaskState,
    /// Reports that the framework has not acknowledged; the first is in flight if `attempts` > 0.
    pub(super) pending: VecDeque<v1::TaskStatus>,
    /// How often the first of `pending` was sent on this connection.
    pub(super) attempts: u32,
    /// What the framework was told, one status for each stay in a state.
    pub(super) statuses: Vec<v1::TaskStatus>,
}

impl Task {
    pub(super) fn new(mut info: v1::TaskInfo, offer: &Offer, amounts: Amounts) -> Self {
        info.resources.shrink_to_fit();
        Self {
            info,
            agent: offer.agent.clone(),
            role: offer.role.clone(),
            amounts,
            state: TaskState::TaskStaging,
            pending: VecDeque::new(),
            attempts: 0,
            statuses: Vec::new(),
        }
    }

    /// Keeps what the framework is told.
    pub(super) fn record(&mut self, status: v1::TaskStatus) {
        match self.statuses.last_mut().filter(|last| last.state == status.state) {
            Some(last) => *last = status,
            None => {
                self.statuses.reserve_exact(1);
                self.statuses.push(status);
            }
        }
    }

    /// The last report of the agent that the framework was told; none while the task is staging.
    pub(super) fn last_forwarded(&self) -> Option<&v1::TaskStatus> {
        self.statuses.iter().rev().find(|status| status.uuid.is_some())
    }

    pub(super) fn agent_id(&self) -> v1::AgentId {
        v1::AgentId::new(self.agent.clone())
    }
}

impl Master {
    /// Takes a report of an agent about a task: its state and what else the executor knows. Id of the
    /// agent, uuid and time stamp are filled in here, the latter two if the executor did not.
    ///
    /// Reports about unknown tasks and about tasks that ended already are dropped.
    pub fn handle_status(
        &mut self,
        now: Duration,
        agent: &v1::AgentId,
        framework: &v1::FrameworkId,
        status: v1::TaskStatus,
    ) {
        let timestamp = self.timestamp(now);
        let id = status.task_id.value.clone();
        let known = self.frameworks.get_mut(&framework.value);
        let partition_aware = known.as_ref().is_some_and(|known| known.has(capability::Type::PartitionAware));
        let known =
            known.and_then(|known| known.tasks.get_mut(&id).or_else(|| known.unreachable.get_mut(&id)));
        let absent =
            self.absent.get_mut(&agent.value).and_then(|agent| agent.task_mut(&framework.value, &id));
        let Some(task) = known.or(absent) else {
            return;
        };
        if task.agent != agent.value || task.state.is_terminal() {
            return;
        }
        let status = match self.agents.get(&agent.value) {
            Some(agent) => agent.duty.mark(status, partition_aware),
            None => status,
        };
        task.state = status.state();
        task.pending.push_back(v1::TaskStatus {
            agent_id: Some(agent.clone()),
            timestamp: status.timestamp.or(Some(timestamp)),
            uuid: Some(status.uuid.clone().unwrap_or_else(|| self.ids.uuid())),
            ..status
        });
        if task.state.is_terminal() {
            let amounts = std::mem::take(&mut task.amounts);
            self.free(&agent.value, &amounts);
        }
        let in_flight = self
            .frameworks
            .get(&framework.value)
            .and_then(|known| known.tasks.get(&id))
            .is_none_or(|task| task.attempts > 0);
        if !in_flight {
            self.forward_update(now, &framework.value, &id);
        }
    }

    /// Gives the resources of a task back.
    pub(super) fn release(&mut self, task: &mut Task) {
        let amounts = std::mem::take(&mut task.amounts);
        self.free(&task.agent, &amounts);
    }

    pub(super) fn free(&mut self, agent: &str, amounts: &Amounts) {
        if let Some(agent) = self.agents.get_mut(agent).filter(|agent| agent.is_known()) {
            agent.available.add(amounts);
        }
    }

    pub(super) fn kill(&mut self, now: Duration, framework: &str, kill: call::Kill) {
        let task = self.frameworks.get(framework).and_then(|known| known.tasks.get(&kill.task_id.value));
        let Some(task) = task else {
            let entry = reconcile::Task { task_id: kill.task_id, agent_id: kill.agent_id };
            self.reconcile_task(now, framework, &entry);
            return;
        };
        if kill.agent_id.as_ref().is_some_and(|agent| agent.value != task.agent) {
            return;
        }
        let agent = task.agent.clone();
        self.send_or_keep(
            &agent,
            AgentAction::Kill {
                framework_id: v1::FrameworkId::new(framework),
                task_id: kill.task_id,
                kill_policy: kill.kill_policy,
            },
        );
    }

    /// Tells an agent something, at once or as soon as its connection is back.
    pub(super) fn send_or_keep(&mut self, agent: &str, action: AgentAction) {
        match self.agents.get_mut(agent).filter(|agent| !agent.is_registered()) {
            Some(agent) => agent.mail.push(action),
            None => self.command(agent, action),
        }
    }

    /// A status that the master itself makes: nobody acknowledges it.
    pub(super) fn master_status(
        &self,
        now: Duration,
        task_id: v1::TaskId,
        state: TaskState,
    ) -> v1::TaskStatus {
        v1::TaskStatus {
            task_id,
            state: state.into(),
            source: Some(Source::Master.into()),
            timestamp: Some(self.timestamp(now)),
            ..v1::TaskStatus::default()
        }
    }

    pub(super) fn send_status(&mut self, framework: &str, status: v1::TaskStatus) {
        let event = Event {
            r#type: Some(event::Type::Update.into()),
            update: Some(event::Update { status }),
            ..Event::default()
        };
        self.framework_event(framework, event);
    }
}
