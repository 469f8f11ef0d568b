//! What must hold before anything takes effect; the first rule that is broken gives the text.

mod executor;
pub(super) mod framework_info;
pub(super) mod group;
pub(super) mod ids;
pub(super) mod resources;
pub(super) mod task;

use mesos_proto::v1::scheduler::{Call, call};

/// Checks the form of a call: which parts have to be there, whatever the master knows. `principal` is who the
/// caller has proved to be, if anybody.
///
/// # Errors
/// The text of the answer, whose status is 400.
pub fn validate_call(call: &Call, principal: Option<&str>) -> Result<(), String> {
    check(call, principal).map_err(|text| format!("Failed to validate scheduler::Call: {text}"))
}

fn check(call: &Call, principal: Option<&str>) -> Result<(), String> {
    // A number that the schema does not know was dropped when the call was decoded.
    let kind = call.r#type.and_then(|number| call::Type::try_from(number).ok());
    let Some(kind) = kind else {
        return Err(expecting("type"));
    };
    if kind == call::Type::Subscribe {
        let subscribe = call.subscribe.as_ref().ok_or_else(|| expecting("subscribe"))?;
        let outer = call.framework_id.as_ref().map_or("", |id| id.value.as_str());
        let inner = subscribe.framework_info.id.as_ref().map_or("", |id| id.value.as_str());
        same_id(outer, inner, "subscribe")?;
        return framework_info::authenticated(&subscribe.framework_info, principal);
    }
    let framework = call.framework_id.as_ref().ok_or_else(|| expecting("framework_id"))?;
    match kind {
        call::Type::Accept => present("accept", call.accept.as_ref()),
        call::Type::Decline => present("decline", call.decline.as_ref()),
        call::Type::AcceptInverseOffers => {
            present("accept_inverse_offers", call.accept_inverse_offers.as_ref())
        }
        call::Type::DeclineInverseOffers => {
            present("decline_inverse_offers", call.decline_inverse_offers.as_ref())
        }
        call::Type::Kill => present("kill", call.kill.as_ref()),
        call::Type::Shutdown => present("shutdown", call.shutdown.as_ref()),
        call::Type::Acknowledge => {
            let acknowledge = call.acknowledge.as_ref().ok_or_else(|| expecting("acknowledge"))?;
            uuid(&acknowledge.uuid)
        }
        call::Type::AcknowledgeOperationStatus => {
            let acknowledge = call
                .acknowledge_operation_status
                .as_ref()
                .ok_or_else(|| expecting("acknowledge_operation_status"))?;
            uuid(&acknowledge.uuid)?;
            present("agent_id", acknowledge.agent_id.as_ref())
        }
        call::Type::Reconcile => present("reconcile", call.reconcile.as_ref()),
        call::Type::ReconcileOperations => {
            present("reconcile_operations", call.reconcile_operations.as_ref())
        }
        call::Type::Message => present("message", call.message.as_ref()),
        call::Type::Request => present("request", call.request.as_ref()),
        call::Type::UpdateFramework => {
            let update = call.update_framework.as_ref().ok_or_else(|| expecting("update_framework"))?;
            let inner = update.framework_info.id.as_ref().map_or("", |id| id.value.as_str());
            same_id(&framework.value, inner, "update_framework")
        }
        call::Type::Subscribe
        | call::Type::Teardown
        | call::Type::Revive
        | call::Type::Suppress
        | call::Type::Unknown => Ok(()),
    }
}

fn expecting(field: &str) -> String {
    format!("Expecting '{field}' to be present")
}

fn present<T>(field: &str, value: Option<&T>) -> Result<(), String> {
    value.map(|_| ()).ok_or_else(|| expecting(field))
}

fn same_id(outer: &str, inner: &str, message: &str) -> Result<(), String> {
    if outer == inner {
        Ok(())
    } else {
        Err(format!("'framework_id' differs from '{message}.framework_info.id'"))
    }
}

/// 16 bytes with a version and the variant of RFC 9562; 16 equal bytes are refused by a real master.
fn uuid(bytes: &[u8]) -> Result<(), String> {
    if is_uuid(bytes) { Ok(()) } else { Err("Not a valid UUID".into()) }
}

pub(crate) fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 16 && matches!(bytes[6] >> 4, 1..=8) && bytes[8] >> 6 == 0b10
}
