//! Executors that tasks bring along.

use mesos_proto::v1::{ExecutorInfo, container_info, executor_info};

use crate::master::{frameworks::Framework, offers::Offer};

/// What each kind of executor has to have.
pub(super) fn validate_type(executor: &ExecutorInfo) -> Result<(), String> {
    match executor.r#type() {
        executor_info::Type::Default => {
            if executor.command.is_some() {
                return Err("'ExecutorInfo.command' must not be set for 'DEFAULT' executor".into());
            }
            let Some(container) = &executor.container else {
                return Ok(());
            };
            if container.r#type() != container_info::Type::Mesos {
                return Err("'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor".into());
            }
            if container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some()) {
                return Err(
                    "'ExecutorInfo.container.mesos.image' must not be set for 'DEFAULT' executor".into()
                );
            }
            Ok(())
        }
        executor_info::Type::Custom if executor.command.is_none() => {
            Err("'ExecutorInfo.command' must be set for 'CUSTOM' executor".into())
        }
        executor_info::Type::Custom => Ok(()),
        executor_info::Type::Unknown => Err("Unknown executor type".into()),
    }
}

/// Whether the executor runs already on the agent of an offer: then it needs no resources again.
///
/// # Errors
/// Another executor of this id does.
pub(super) fn is_running(
    executor: &ExecutorInfo,
    framework: &Framework,
    offer: &Offer,
) -> Result<bool, String> {
    match framework.executor_on(&offer.agent, &executor.executor_id) {
        None => Ok(false),
        Some(held) if held.info == *executor => Ok(true),
        Some(_) => {
            Err("ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.".into())
        }
    }
}
