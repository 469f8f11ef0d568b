//! What the operator API shows of the master.

use std::{collections::BTreeMap, time::Duration};

use mesos_proto::v1::{self, TaskState, agent_info::capability, master::response, resource::AllocationInfo};

use super::{
    Master, VERSION,
    amounts::{Amounts, in_older_format},
    frameworks::Framework,
    tasks::Task,
};

impl Master {
    /// Answers GET_TASKS.
    pub fn get_tasks(&self) -> response::GetTasks {
        let mut answer = response::GetTasks::default();
        for framework in self.frameworks.values().chain(&self.completed) {
            // Ended tasks stay here until their framework acknowledged the end.
            let tasks = framework.tasks.values();
            answer.tasks.extend(tasks.map(|task| task_message(framework, task, task.state)));
            let state = framework.lost_state(TaskState::TaskUnreachable);
            let unreachable = framework.unreachable.values();
            answer.unreachable_tasks.extend(unreachable.map(|task| task_message(framework, task, state)));
            let completed = framework.completed.iter();
            answer.completed_tasks.extend(completed.map(|task| task_message(framework, task, task.state)));
        }
        answer
    }

    /// Answers GET_AGENTS.
    pub fn get_agents(&self) -> response::GetAgents {
        let mut used = BTreeMap::<&str, Vec<Held<'_>>>::new();
        for task in self.frameworks.values().flat_map(|framework| framework.tasks.values()) {
            used.entry(&task.agent).or_default().push((&task.role, &task.amounts));
        }
        for ((agent, _), held) in self.frameworks.values().flat_map(|framework| &framework.executors) {
            used.entry(agent).or_default().push((&held.role, &held.amounts));
        }
        let mut offered = BTreeMap::<&str, Vec<Held<'_>>>::new();
        for offer in self.offers.values() {
            offered.entry(&offer.agent).or_default().push((&offer.role, &offer.amounts));
        }
        let agents = self.agents.iter().filter(|(_, agent)| agent.is_known());
        let agents = agents.map(|(id, agent)| response::get_agents::Agent {
            agent_info: agent.info.clone(),
            active: agent.is_offered(),
            deactivated: Some(agent.duty.is_off()),
            drain_info: agent.duty.drain_info(),
            estimated_drain_start_time: agent.duty.drain_start(),
            version: VERSION.into(),
            pid: Some(format!("slave(1)@127.0.0.1:{}", agent.info.port())),
            registered_time: Some(self.time_info(agent.registered)),
            reregistered_time: agent.reregistered.map(|at| self.time_info(at)),
            total_resources: in_order(&agent.total),
            allocated_resources: by_role(used.remove(id.as_str()).unwrap_or_default()),
            offered_resources: by_role(offered.remove(id.as_str()).unwrap_or_default()),
            capabilities: CAPABILITIES
                .iter()
                .map(|capability| v1::agent_info::Capability { r#type: Some((*capability).into()) })
                .collect(),
            ..response::get_agents::Agent::default()
        });
        let recovered = self.absent.values().filter(|agent| agent.unreachable.is_none());
        response::GetAgents {
            agents: agents.collect(),
            recovered_agents: recovered.map(|agent| agent.info.clone()).collect(),
        }
    }

    /// Answers GET_FRAMEWORKS.
    pub fn get_frameworks(&self) -> response::GetFrameworks {
        let message =
            |framework: &Framework| {
                let id = framework.id();
                response::get_frameworks::Framework {
                    framework_info: framework.info.clone(),
                    active: framework.connection.is_some(),
                    connected: framework.connection.is_some(),
                    recovered: framework.is_recovered,
                    registered_time: Some(self.time_info(framework.registered)),
                    reregistered_time: Some(self.time_info(framework.reregistered)),
                    allocated_resources: by_role(
                        framework.tasks.values().map(|task| (task.role.as_str(), &task.amounts)).chain(
                            framework.executors.values().map(|held| (held.role.as_str(), &held.amounts)),
                        ),
                    ),
                    offered_resources: by_role(
                        self.offers
                            .values()
                            .filter(|offer| offer.framework == id.value)
                            .map(|offer| (offer.role.as_str(), &offer.amounts)),
                    ),
                    ..response::get_frameworks::Framework::default()
                }
            };
        response::GetFrameworks {
            frameworks: self.frameworks.values().map(message).collect(),
            completed_frameworks: self.completed.iter().map(message).collect(),
            ..response::GetFrameworks::default()
        }
    }

    /// Answers GET_MASTER.
    pub fn get_master(&self) -> response::GetMaster {
        response::GetMaster {
            master_info: Some(self.master_info()),
            start_time: Some(self.timestamp(Duration::ZERO)),
            elected_time: Some(self.timestamp(Duration::ZERO)),
        }
    }
}

/// Amounts, and the role that they are allocated to.
type Held<'a> = (&'a str, &'a Amounts);

/// What agents of this master can do. Limits of tasks are checked and not enforced, as little as their
/// requests are: a process takes what it takes.
const CAPABILITIES: [capability::Type; 6] = [
    capability::Type::MultiRole,
    capability::Type::HierarchicalRole,
    capability::Type::ReservationRefinement,
    capability::Type::AgentOperationFeedback,
    capability::Type::AgentDraining,
    capability::Type::TaskResourceLimits,
];

fn by_role<'a>(held: impl IntoIterator<Item = Held<'a>>) -> Vec<v1::Resource> {
    let mut sums = BTreeMap::<&str, Amounts>::new();
    for (role, amounts) in held {
        sums.entry(role).or_default().add(amounts);
    }
    let resources = sums.into_iter().flat_map(|(role, amounts)| {
        let mut resources = in_order(&amounts);
        for resource in &mut resources {
            resource.allocation_info = Some(AllocationInfo { role: Some(role.to_owned()) });
        }
        resources
    });
    resources.collect()
}

/// Resources as operators see them: in the older format where that can say it.
fn in_order(amounts: &Amounts) -> Vec<v1::Resource> {
    let mut amounts = amounts.clone();
    amounts.sort();
    amounts.to_resources().into_iter().map(in_older_format).collect()
}

fn task_message(framework: &Framework, task: &Task, state: TaskState) -> v1::Task {
    let v1::TaskInfo { name, task_id, agent_id, resources, executor, .. } = task.info.clone();
    let v1::TaskInfo { labels, discovery, container, health_check, kill_policy, limits, command, .. } =
        task.info.clone();
    let forwarded = task.last_forwarded();
    v1::Task {
        name,
        task_id,
        framework_id: framework.id(),
        executor_id: executor.map(|executor| executor.executor_id),
        agent_id,
        state: state.into(),
        resources,
        statuses: task.statuses.clone(),
        status_update_state: forwarded.map(|status| status.state),
        status_update_uuid: forwarded.and_then(|status| status.uuid.clone()),
        labels,
        discovery,
        container,
        health_check,
        kill_policy,
        user: command.and_then(|command| command.user),
        limits,
    }
}
