//! One function for each call of the scheduler API: its message, without `framework_id`, which the session
//! fills in.

use bytes::Bytes;
use mesos_proto::v1::{
    self,
    scheduler::{
        Call,
        call::{self, Type},
    },
};

fn of(r#type: Type) -> Call {
    Call { r#type: Some(r#type.into()), ..Call::default() }
}

/// ACCEPT: uses offers of one agent and one role.
pub fn accept(
    offer_ids: Vec<v1::OfferId>,
    operations: Vec<v1::offer::Operation>,
    filters: Option<v1::Filters>,
) -> Call {
    Call { accept: Some(call::Accept { offer_ids, operations, filters }), ..of(Type::Accept) }
}

/// DECLINE: gives offers back.
pub fn decline(offer_ids: Vec<v1::OfferId>, filters: Option<v1::Filters>) -> Call {
    Call { decline: Some(call::Decline { offer_ids, filters }), ..of(Type::Decline) }
}

/// ACCEPT_INVERSE_OFFERS: agrees to give resources back.
pub fn accept_inverse_offers(inverse_offer_ids: Vec<v1::OfferId>, filters: Option<v1::Filters>) -> Call {
    Call {
        accept_inverse_offers: Some(call::AcceptInverseOffers { inverse_offer_ids, filters }),
        ..of(Type::AcceptInverseOffers)
    }
}

/// DECLINE_INVERSE_OFFERS: does not agree to give resources back.
pub fn decline_inverse_offers(inverse_offer_ids: Vec<v1::OfferId>, filters: Option<v1::Filters>) -> Call {
    Call {
        decline_inverse_offers: Some(call::DeclineInverseOffers { inverse_offer_ids, filters }),
        ..of(Type::DeclineInverseOffers)
    }
}

/// REVIVE: clears filters and suppression of these roles, of all roles if the list is empty.
pub fn revive(roles: Vec<String>) -> Call {
    Call { revive: Some(call::Revive { roles }), ..of(Type::Revive) }
}

/// SUPPRESS: stops offers for these roles, for all roles if the list is empty.
pub fn suppress(roles: Vec<String>) -> Call {
    Call { suppress: Some(call::Suppress { roles }), ..of(Type::Suppress) }
}

/// KILL: ends a task.
pub fn kill(task_id: v1::TaskId, agent_id: Option<v1::AgentId>, kill_policy: Option<v1::KillPolicy>) -> Call {
    Call { kill: Some(call::Kill { task_id, agent_id, kill_policy }), ..of(Type::Kill) }
}

/// SHUTDOWN: ends an executor and its tasks.
pub fn shutdown(executor_id: v1::ExecutorId, agent_id: v1::AgentId) -> Call {
    Call { shutdown: Some(call::Shutdown { executor_id, agent_id }), ..of(Type::Shutdown) }
}

/// ACKNOWLEDGE of a status. `None` if it must not be acknowledged: a status without uuid is not retried, and
/// the master refuses the call without uuid or agent id.
pub fn acknowledge(status: &v1::TaskStatus) -> Option<Call> {
    let v1::TaskStatus { task_id, agent_id, uuid, .. } = status;
    acknowledgement(task_id.clone(), agent_id.clone(), uuid.clone())
}

/// The same of the parts of a status.
pub(crate) fn acknowledgement(
    task_id: v1::TaskId,
    agent_id: Option<v1::AgentId>,
    uuid: Option<Bytes>,
) -> Option<Call> {
    let uuid = uuid.filter(|uuid| !uuid.is_empty())?;
    let acknowledge = call::Acknowledge { agent_id: agent_id?, task_id, uuid };
    Some(Call { acknowledge: Some(acknowledge), ..of(Type::Acknowledge) })
}

/// ACKNOWLEDGE_OPERATION_STATUS of a status. `None` if it must not be acknowledged: it has no uuid, or no
/// operation id.
pub fn acknowledge_operation_status(status: &v1::OperationStatus) -> Option<Call> {
    let uuid = status.uuid.as_ref().map(|uuid| uuid.value.clone()).filter(|uuid| !uuid.is_empty())?;
    let acknowledge = call::AcknowledgeOperationStatus {
        agent_id: status.agent_id.clone(),
        resource_provider_id: status.resource_provider_id.clone(),
        uuid,
        operation_id: status.operation_id.clone()?,
    };
    Some(Call { acknowledge_operation_status: Some(acknowledge), ..of(Type::AcknowledgeOperationStatus) })
}

/// RECONCILE: asks for the states of these tasks, of all tasks that the master knows if the list is empty.
pub fn reconcile(tasks: Vec<call::reconcile::Task>) -> Call {
    Call { reconcile: Some(call::Reconcile { tasks }), ..of(Type::Reconcile) }
}

/// RECONCILE_OPERATIONS: the same for offer operations.
pub fn reconcile_operations(operations: Vec<call::reconcile_operations::Operation>) -> Call {
    Call {
        reconcile_operations: Some(call::ReconcileOperations { operations }),
        ..of(Type::ReconcileOperations)
    }
}

/// MESSAGE: bytes to an executor, at most once.
pub fn message(agent_id: v1::AgentId, executor_id: v1::ExecutorId, data: Bytes) -> Call {
    Call { message: Some(call::Message { agent_id, executor_id, data }), ..of(Type::Message) }
}

/// REQUEST: tells what resources would be welcome.
pub fn request(requests: Vec<v1::Request>) -> Call {
    Call { request: Some(call::Request { requests }), ..of(Type::Request) }
}

/// UPDATE_FRAMEWORK: replaces info, suppressed roles and offer constraints.
pub fn update_framework(update: call::UpdateFramework) -> Call {
    Call { update_framework: Some(update), ..of(Type::UpdateFramework) }
}

/// TEARDOWN: ends the framework.
pub(crate) fn teardown() -> Call {
    of(Type::Teardown)
}

/// SUBSCRIBE. The id goes into both places or none: the master compares them.
pub(crate) fn subscribe(subscribe: call::Subscribe) -> Call {
    Call {
        framework_id: subscribe.framework_info.id.clone(),
        subscribe: Some(subscribe),
        ..of(Type::Subscribe)
    }
}
