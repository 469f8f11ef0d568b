//! ACCEPT and DECLINE: how tasks are sent, and what the outcomes of these calls mean.

use std::{sync::Arc, time::Duration};

use mesos_proto::v1::{self, scheduler::Call};

use super::{FrameworkCore, InFlight, OutcomeToken, TaskEnd, TaskPhase, offers::GroupId, spec::TaskSpec};
use crate::{calls, session::CallOutcome};

/// The label of a task that Mesos knows by another id than the one that it was submitted with.
pub(super) const SUBMITTED_AS: &str = "submitted-as";

/// What one ACCEPT launches.
#[derive(Debug, Default)]
pub(super) struct Launched {
    pub(super) task_ids: Vec<Arc<str>>,
    /// One for each task: a malformed resource fails every task of its operation.
    pub(super) operations: Vec<v1::offer::Operation>,
}

impl FrameworkCore {
    pub(super) fn accept(&mut self, group: GroupId, launched: Launched) {
        let Some(group) = self.offers.remove(group) else { return };
        let Launched { task_ids, operations } = launched;
        let refuse = if self.queue.is_empty() { self.policy.refuse } else { Duration::ZERO };
        let offer_ids = group.offer_ids();
        let call = calls::accept(offer_ids.clone(), operations, Some(filters(refuse)));
        let launched = task_ids.clone();
        let token = self.push_tracked_call(call, InFlight::Accept { task_ids, offer_ids });
        for task_id in launched {
            if let Some(launch) = self.tasks.get_mut(&task_id).and_then(|task| task.launch.as_mut()) {
                launch.launched_by = Some(token);
            }
        }
    }

    pub(super) fn decline(&mut self, offer_ids: Vec<v1::OfferId>) {
        if offer_ids.is_empty() || !self.is_subscribed() {
            return;
        }
        let call = calls::decline(offer_ids.clone(), Some(filters(self.policy.refuse)));
        self.push_tracked_call(call, InFlight::Decline { offer_ids });
    }

    pub(super) fn push_call(&mut self, call: Call) {
        self.calls.push_back((None, call));
    }

    pub(super) fn push_tracked_call(&mut self, call: Call, in_flight: InFlight) -> OutcomeToken {
        let token = OutcomeToken(self.next_token);
        self.next_token += 1;
        self.in_flight.insert(token, in_flight);
        self.calls.push_back((Some(token), call));
        token
    }

    pub(super) fn handle_accept_outcome(
        &mut self,
        token: OutcomeToken,
        mut task_ids: Vec<Arc<str>>,
        offer_ids: Vec<v1::OfferId>,
        outcome: CallOutcome,
    ) {
        // A task that was launched again since then belongs to another ACCEPT, and of one that an agent has told of it is
        // known that the ACCEPT came through.
        task_ids.retain(|task_id| {
            let Some(task) = self.tasks.get(task_id) else { return false };
            let is_open = matches!(task.state, TaskPhase::Launching | TaskPhase::Killing);
            is_open && task.launch.as_ref().is_some_and(|launch| launch.launched_by == Some(token))
        });
        // An error of the server, or of a proxy before it, says nothing of what became of the call.
        let outcome = match outcome {
            CallOutcome::Refused { status, text } if Refused::by(status, &text) == Refused::PerhapsNot => {
                CallOutcome::OutcomeUnknown { why: format!("HTTP {status}: {text}") }
            }
            outcome => outcome,
        };
        match outcome {
            CallOutcome::Accepted => {}
            CallOutcome::OutcomeUnknown { .. } => {
                // The master may have launched them: only it can tell. Never sent again; if it did not
                // come through, the offers must not stay outstanding.
                for task_id in &task_ids {
                    if let Some(task) = self.tasks.get_mut(task_id) {
                        task.is_doubtful = true;
                    }
                }
                // In this order: an ACCEPT that arrives late then finds its offers gone, or was there before
                // the question.
                self.decline(offer_ids);
                self.reconcile(&task_ids);
            }
            CallOutcome::NotSubscribed => self.all_back_to_waiting(&task_ids),
            CallOutcome::QueueFull { .. } => {
                self.all_back_to_waiting(&task_ids);
                self.decline(offer_ids);
            }
            CallOutcome::Refused { status, text } => {
                self.handle_refused_accept(&task_ids, offer_ids, status, &text);
            }
            CallOutcome::Invalid { why } => {
                self.fail_accepted(&task_ids, &format!("the ACCEPT was not sent: {why}"));
                self.decline(offer_ids);
            }
        }
    }

    /// A refused ACCEPT was not carried out. If the subscription is what is wrong, the tasks wait for
    /// the next one; otherwise the same call would be refused again.
    fn handle_refused_accept(
        &mut self,
        task_ids: &[Arc<str>],
        offer_ids: Vec<v1::OfferId>,
        status: u16,
        text: &str,
    ) {
        if Refused::by(status, text) == Refused::ForSubscription {
            self.all_back_to_waiting(task_ids);
        } else {
            self.fail_accepted(
                task_ids,
                &format!("the master refused the ACCEPT with HTTP {status}: {text}"),
            );
            self.decline(offer_ids);
        }
    }

    fn all_back_to_waiting(&mut self, task_ids: &[Arc<str>]) {
        for task_id in task_ids {
            self.back_to_waiting(task_id);
        }
    }

    fn fail_accepted(&mut self, task_ids: &[Arc<str>], why: &str) {
        for task_id in task_ids {
            self.end(task_id, TaskEnd::untold(v1::TaskState::TaskError, why));
        }
    }
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The subscription is gone, or who asks is not known: the call had no effect, and may be made again.
    ForSubscription,
    /// It would be refused again.
    ForItself,
    /// Nobody knows whether it had an effect.
    PerhapsNot,
}

impl Refused {
    /// By the answers of a master that the session ends a subscription for, and those of servers that have a fault.
    pub(super) fn by(status: u16, text: &str) -> Self {
        let text = text.trim();
        match status {
            300..=399 | 401 | 403 | 404 | 503 => Self::ForSubscription,
            400 if text.contains("Mesos-Stream-Id")
                || text.contains("stream ID")
                || text.starts_with("Framework cannot be found") =>
            {
                Self::ForSubscription
            }
            // A body that the server could not decode had no effect.
            500 if text.contains("failed to decode body") => Self::ForItself,
            501 => Self::ForItself,
            500..=599 => Self::PerhapsNot,
            _ => Self::ForItself,
        }
    }
}

pub(super) fn operation(task_info: v1::TaskInfo) -> v1::offer::Operation {
    v1::offer::Operation {
        r#type: Some(v1::offer::operation::Type::Launch.into()),
        launch: Some(v1::offer::operation::Launch { task_infos: vec![task_info] }),
        ..v1::offer::Operation::default()
    }
}

pub(super) fn filters(refuse: Duration) -> v1::Filters {
    v1::Filters { refuse_seconds: Some(refuse.as_secs_f64()) }
}

pub(super) fn kill_policy(grace_period: Duration) -> v1::KillPolicy {
    let nanoseconds = i64::try_from(grace_period.as_nanos()).unwrap_or(i64::MAX);
    v1::KillPolicy { grace_period: Some(v1::DurationInfo { nanoseconds }) }
}

/// The template with everything filled in that the offer decides.
pub(super) fn describe(
    spec: &TaskSpec,
    task_id: &str,
    wire_id: &str,
    agent_id: &v1::AgentId,
    resources: Vec<v1::Resource>,
    host_ports: &[u16],
) -> v1::TaskInfo {
    let mut task = spec.template.clone();
    task.task_id = v1::TaskId::new(wire_id);
    task.agent_id = agent_id.clone();
    task.resources = resources;
    // Else kills that others make, and those of a next life, would not know it.
    task.kill_policy = Some(kill_policy(spec.grace_period()));
    if wire_id != task_id {
        let label = v1::Label { key: SUBMITTED_AS.to_owned(), value: Some(task_id.to_owned()) };
        task.labels.get_or_insert_default().labels.push(label);
    }
    if let Some(command) = &mut task.command
        && !host_ports.is_empty()
    {
        let environment = command.environment.get_or_insert_default();
        for (index, port) in host_ports.iter().enumerate() {
            environment.variables.push(v1::environment::Variable {
                name: format!("PORT{index}"),
                value: Some(port.to_string()),
                ..v1::environment::Variable::default()
            });
        }
    }
    if let Some(container) = &mut task.container {
        map_ports(spec, container, host_ports);
    }
    task
}

fn map_ports(spec: &TaskSpec, container: &mut v1::ContainerInfo, host_ports: &[u16]) {
    use v1::{container_info::docker_info, network_info};
    let pairs = spec.ports.iter().zip(host_ports).map(|(wanted, host_port)| {
        (u32::from(*host_port), u32::from(wanted.container_port), Some("tcp".to_owned()))
    });
    if let Some(docker) = container.docker.as_mut().filter(|docker| takes_port_mappings(docker)) {
        docker.port_mappings.extend(pairs.map(|(host_port, container_port, protocol)| {
            docker_info::PortMapping { host_port, container_port, protocol }
        }));
    } else if container.docker.is_none()
        // A network with a name is a CNI network; without one the task is in that of the host.
        && let Some(network) = container.network_infos.iter_mut().find(|network| network.name.is_some())
    {
        network.port_mappings.extend(pairs.map(|(host_port, container_port, protocol)| {
            network_info::PortMapping { host_port, container_port, protocol }
        }));
    }
}

/// Docker refuses mappings in the networks of the host and of nobody.
fn takes_port_mappings(docker: &v1::container_info::DockerInfo) -> bool {
    use v1::container_info::docker_info::Network;
    match docker.network() {
        Network::Bridge | Network::User => true,
        Network::Host | Network::None => false,
    }
}

#[cfg(test)]
mod tests;
