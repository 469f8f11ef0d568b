//! RESERVE, UNRESERVE, CREATE and DESTROY, and the reliable status of operations that have an id.

use std::time::Duration;

use mesos_proto::v1::{
    self, OperationState, Resource,
    offer::{self, operation},
    resource::reservation_info,
    scheduler::{Event, call, event},
};

use super::{
    Master,
    agents::Agent,
    amounts::{Amounts, allocated, resources_text},
    frameworks::Framework,
    offers::Offer,
    timers::Timer,
    updates::retry_wait,
    validate::{framework_info, ids, resources},
};

/// An operation that ended and whose framework has not acknowledged that.
///
/// Here operations end as soon as they are accepted: agents of this master do them in no time.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) agent: String,
    status: v1::OperationStatus,
    /// How often the status was sent on this connection.
    attempts: u32,
}

/// What an operation turns into what.
struct Conversion {
    consumed: Amounts,
    converted: Amounts,
}

impl Master {
    /// Does an operation with the resources of an offer. The status of one with an id is sent by
    /// [`Self::forward_operation`]: as that of a real agent it comes after everything that the master itself has
    /// to say about the same ACCEPT.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn apply_operation(
        &mut self,
        framework: &str,
        pool: &mut Offer,
        operation: &offer::Operation,
    ) -> Result<(), String> {
        let known = self.frameworks.get(framework).ok_or("The framework is gone")?;
        let agent = self.agents.get(&pool.agent).ok_or("The agent is gone")?;
        let Conversion { consumed, converted } = conversion(known, agent, pool, operation)?;
        if !pool.amounts.contains(&consumed) {
            let text = |amounts: &Amounts| resources_text(&allocated(amounts.to_resources(), &pool.role));
            return Err(format!("{} does not contain {}", text(&pool.amounts), text(&consumed)));
        }
        let agent_id = v1::AgentId::new(pool.agent.clone());
        if let Some(agent) = self.agents.get_mut(&pool.agent) {
            for amounts in [&mut pool.amounts, &mut agent.total] {
                amounts.subtract(&consumed);
                amounts.add(&converted);
            }
        }
        let Some(id) = &operation.id else {
            return Ok(());
        };
        let status = v1::OperationStatus {
            operation_id: Some(id.clone()),
            state: OperationState::OperationFinished.into(),
            uuid: Some(v1::Uuid { value: self.ids.uuid() }),
            agent_id: Some(agent_id),
            ..v1::OperationStatus::default()
        };
        let ended = Operation { agent: pool.agent.clone(), status, attempts: 0 };
        if let Some(known) = self.frameworks.get_mut(framework) {
            known.operations.insert(id.value.clone(), ended);
        }
        Ok(())
    }

    /// Sends the status of an operation, again if it was sent before, until it is acknowledged.
    pub(super) fn forward_operation(&mut self, now: Duration, framework: &str, id: &str) {
        let Some(known) = self.frameworks.get_mut(framework).filter(|known| known.connection.is_some())
        else {
            return;
        };
        let Some(operation) = known.operations.get_mut(id) else {
            return;
        };
        if !self.agents.get(&operation.agent).is_some_and(Agent::is_registered) {
            return;
        }
        let wait = retry_wait(operation.attempts);
        operation.attempts += 1;
        let status = operation.status.clone();
        self.timers.set(resend(framework, id), now + wait);
        self.send_operation_status(framework, status);
    }

    /// Sends what was never sent on this connection.
    pub(super) fn resend_operations(&mut self, now: Duration, framework: &str) {
        let Some(known) = self.frameworks.get(framework) else {
            return;
        };
        let unsent = known.operations.iter().filter(|(_, operation)| operation.attempts == 0);
        let unsent: Vec<String> = unsent.map(|(id, _)| id.clone()).collect();
        for id in unsent {
            self.forward_operation(now, framework, &id);
        }
    }

    /// A stream is gone: nothing is in flight any more.
    pub(super) fn stop_resending_operations(&mut self, framework: &str) {
        let Some(known) = self.frameworks.get_mut(framework) else {
            return;
        };
        for (id, operation) in &mut known.operations {
            operation.attempts = 0;
            self.timers.clear(&resend(framework, id));
        }
    }

    /// Takes an acknowledgement; one of another status is ignored.
    pub(super) fn acknowledge_operation(
        &mut self,
        framework: &str,
        acknowledge: &call::AcknowledgeOperationStatus,
    ) {
        let id = &acknowledge.operation_id.value;
        let Some(known) = self.frameworks.get_mut(framework) else {
            return;
        };
        let is_it = known.operations.get(id).is_some_and(|operation| {
            operation.status.uuid.as_ref().is_some_and(|uuid| uuid.value == acknowledge.uuid)
                && acknowledge.agent_id.as_ref().is_some_and(|agent| agent.value == operation.agent)
        });
        if is_it {
            known.operations.remove(id);
            self.timers.clear(&resend(framework, id));
        }
    }

    /// The agent never comes back, nor does what happened on it.
    pub(super) fn forget_operations_of(&mut self, agent: &v1::AgentId) {
        for (framework, known) in &mut self.frameworks {
            known.operations.retain(|id, operation| {
                if operation.agent == agent.value {
                    self.timers.clear(&resend(framework, id));
                }
                operation.agent != agent.value
            });
        }
    }

    /// Answers for the operations named, or for every one of the framework if none is.
    pub(super) fn reconcile_operations(&mut self, framework: &str, reconcile: call::ReconcileOperations) {
        let Some(known) = self.frameworks.get(framework) else {
            return;
        };
        let mut statuses = Vec::new();
        if reconcile.operations.is_empty() {
            statuses.extend(known.operations.values().map(Operation::latest));
        }
        for entry in reconcile.operations {
            statuses.push(match known.operations.get(&entry.operation_id.value) {
                Some(operation) => operation.latest(),
                None => self.unknown_operation(entry),
            });
        }
        for status in statuses {
            self.send_operation_status(framework, status);
        }
    }

    pub(super) fn send_operation_status(&mut self, framework: &str, status: v1::OperationStatus) {
        let event = Event {
            r#type: Some(event::Type::UpdateOperationStatus.into()),
            update_operation_status: Some(event::UpdateOperationStatus { status }),
            ..Event::default()
        };
        self.framework_event(framework, event);
    }

    /// Tells that an operation is refused; without an id nobody can be told.
    pub(super) fn refuse_operation(
        &mut self,
        framework: &str,
        operation: &offer::Operation,
        message: String,
    ) {
        let Some(id) = &operation.id else {
            return;
        };
        let status = v1::OperationStatus {
            operation_id: Some(id.clone()),
            state: OperationState::OperationError.into(),
            message: Some(message),
            ..v1::OperationStatus::default()
        };
        self.send_operation_status(framework, status);
    }
}

impl Operation {
    /// What reconciliation tells: nobody acknowledges it.
    fn latest(&self) -> v1::OperationStatus {
        v1::OperationStatus { uuid: None, ..self.status.clone() }
    }

    #[cfg(test)]
    pub(super) fn status_uuid(&self) -> bytes::Bytes {
        self.status.uuid.as_ref().map(|uuid| uuid.value.clone()).unwrap_or_default()
    }

    /// On the way to another master nothing is in flight.
    pub(super) fn carried(self) -> Self {
        Self { attempts: 0, ..self }
    }
}

fn resend(framework: &str, operation: &str) -> Timer {
    Timer::ResendOperation { framework: framework.to_owned(), operation: operation.to_owned() }
}

fn conversion(
    framework: &Framework,
    agent: &Agent,
    pool: &Offer,
    operation: &offer::Operation,
) -> Result<Conversion, String> {
    let given = match operation.r#type() {
        operation::Type::Reserve => operation.reserve.as_ref().map(|reserve| &reserve.resources),
        operation::Type::Unreserve => operation.unreserve.as_ref().map(|unreserve| &unreserve.resources),
        operation::Type::Create => operation.create.as_ref().map(|create| &create.volumes),
        operation::Type::Destroy => operation.destroy.as_ref().map(|destroy| &destroy.volumes),
        operation::Type::Unknown
        | operation::Type::Launch
        | operation::Type::LaunchGroup
        | operation::Type::GrowVolume
        | operation::Type::ShrinkVolume
        | operation::Type::CreateDisk
        | operation::Type::DestroyDisk => {
            return Err(format!("{} is not supported by this master", operation.r#type().as_str_name()));
        }
    };
    let name = operation.r#type().as_str_name();
    let given = given.ok_or_else(|| format!("{name} without its message"))?;
    let invalid = |text| format!("Operation attempted with invalid resources: {text}");
    resources::validate(given).map_err(invalid)?;
    for resource in given {
        if resource.allocated_role().is_some_and(|role| role != pool.role) {
            let role = resource.allocated_role().unwrap_or_default();
            return Err(format!("'{resource}' is allocated to role '{role}', the offer to '{}'", pool.role));
        }
    }
    let amounts = Amounts::from_resources(given)
        .filter(|amounts| !amounts.is_empty())
        .ok_or_else(|| format!("{name} of no resources, or of shared, revocable or provided ones"))?;
    if operation.reserve.as_ref().is_some_and(|reserve| !reserve.source.is_empty()) {
        return Err("The `source` of a RESERVE is for operators alone".into());
    }
    let unreserved = || {
        let is_bare = |resource: &&Resource| resource.reserved_role().is_none();
        let bare = given.iter().find(is_bare).map(ToString::to_string).unwrap_or_default();
        let below = amounts.without_innermost_reservation();
        below.ok_or_else(|| format!("{name} names no reservation of '{bare}'"))
    };
    Ok(match operation.r#type() {
        operation::Type::Reserve => {
            let consumed = unreserved()?;
            for resource in given {
                may_reserve(framework, &pool.role, resource)?;
            }
            Conversion { consumed, converted: amounts }
        }
        operation::Type::Unreserve => {
            let converted = unreserved()?;
            given.iter().try_for_each(may_unreserve)?;
            Conversion { consumed: amounts, converted }
        }
        operation::Type::Create => {
            for volume in given {
                may_create(framework, agent, volume)?;
            }
            Conversion { consumed: amounts.without_volumes(), converted: amounts }
        }
        // Nothing else is left but DESTROY.
        operation::Type::Destroy
        | operation::Type::Unknown
        | operation::Type::Launch
        | operation::Type::LaunchGroup
        | operation::Type::GrowVolume
        | operation::Type::ShrinkVolume
        | operation::Type::CreateDisk
        | operation::Type::DestroyDisk => {
            given.iter().try_for_each(|volume| persistence(volume).map(|_| ()))?;
            Conversion { converted: amounts.without_volumes(), consumed: amounts }
        }
    })
}

fn may_reserve(framework: &Framework, role: &str, resource: &Resource) -> Result<(), String> {
    let stack = resource.reservation_stack();
    let Some((innermost, outer)) = stack.split_last() else {
        return Ok(());
    };
    if innermost.r#type() != reservation_info::Type::Dynamic {
        return Err(format!("'{resource}' is to be reserved, its last reservation must be DYNAMIC"));
    }
    framework_info::role(innermost.role())?;
    if innermost.role() != role {
        return Err(format!(
            "'{resource}' cannot be reserved for a role that it is not allocated to, '{role}'"
        ));
    }
    let is_below = |above: &str| role.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
    if outer.last().is_some_and(|above| !is_below(above.role())) {
        return Err(format!("'{resource}' cannot be reserved for a role that is not below the one before"));
    }
    if resource.disk.as_ref().is_some_and(|disk| disk.persistence.is_some()) {
        return Err(format!("'{resource}' is a volume and cannot be reserved"));
    }
    match &framework.info.principal {
        Some(principal) if innermost.principal.as_ref() != Some(principal) => {
            Err(format!("'{resource}' must be reserved by the framework's principal '{principal}'"))
        }
        _ => Ok(()),
    }
}

fn may_unreserve(resource: &Resource) -> Result<(), String> {
    let stack = resource.reservation_stack();
    if stack.last().is_some_and(|innermost| innermost.r#type() != reservation_info::Type::Dynamic) {
        return Err(format!("'{resource}' is not reserved dynamically"));
    }
    if resource.disk.as_ref().is_some_and(|disk| disk.persistence.is_some()) {
        return Err(format!("'{resource}' is a volume, which has to be destroyed first"));
    }
    Ok(())
}

fn may_create(framework: &Framework, agent: &Agent, volume: &Resource) -> Result<(), String> {
    let persistence = persistence(volume)?;
    ids::validate(&persistence.id)?;
    if volume.name != "disk" || volume.reserved_role().is_none() {
        return Err(format!("'{volume}' is no reserved disk"));
    }
    let place = volume.disk.as_ref().and_then(|disk| disk.volume.as_ref());
    let place =
        place.ok_or_else(|| format!("'{volume}' lacks the volume, which says where it is mounted"))?;
    if place.mode() != v1::volume::Mode::Rw || place.host_path.is_some() {
        return Err(format!("'{volume}' must be mounted RW and without a path of the host"));
    }
    let role = volume.reserved_role().unwrap_or_default();
    if agent.total.has_volume(&persistence.id, role) {
        return Err(format!("The agent has a volume '{}' of role '{role}' already", persistence.id));
    }
    match &framework.info.principal {
        Some(principal) if persistence.principal.as_ref() != Some(principal) => {
            Err(format!("'{volume}' must be created by the framework's principal '{principal}'"))
        }
        _ => Ok(()),
    }
}

fn persistence(volume: &Resource) -> Result<&v1::resource::disk_info::Persistence, String> {
    let disk = volume.disk.as_ref();
    disk.and_then(|disk| disk.persistence.as_ref())
        .ok_or_else(|| format!("'{volume}' is no persistent volume"))
}
