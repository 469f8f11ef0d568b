//! Messages as a reader of the transcript wants them.

use mesos_local::master::AgentAction;
use mesos_proto::v1::scheduler::{Call, Event};

pub(crate) fn call_text(call: &Call) -> String {
    let name = call.r#type().as_str_name();
    if let Some(accept) = &call.accept {
        let tasks = accept.operations.iter().flat_map(|operation| &operation.launch);
        let tasks = tasks
            .flat_map(|launch| &launch.task_infos)
            .map(|task| format!("{} on {}", task.task_id, tail(&task.agent_id.value)));
        let offers: Vec<&str> = accept.offer_ids.iter().map(|id| tail(&id.value)).collect();
        return format!("{name} {offers:?}: {:?}", tasks.collect::<Vec<_>>());
    }
    if let Some(decline) = &call.decline {
        let offers: Vec<&str> = decline.offer_ids.iter().map(|id| tail(&id.value)).collect();
        return format!("{name} {offers:?}");
    }
    if let Some(kill) = &call.kill {
        return format!("{name} {}", kill.task_id);
    }
    if let Some(acknowledge) = &call.acknowledge {
        return format!("{name} {}", acknowledge.task_id);
    }
    if let Some(reconcile) = &call.reconcile {
        let tasks: Vec<&str> = reconcile.tasks.iter().map(|task| task.task_id.value.as_str()).collect();
        return format!("{name} {tasks:?}");
    }
    if let Some(subscribe) = &call.subscribe {
        let id = subscribe.framework_info.id.as_ref().map_or("", |id| id.value.as_str());
        return format!("{name} '{}', suppressed {:?}", tail(id), subscribe.suppressed_roles);
    }
    name.to_owned()
}

/// The end of an id, which tells it from others.
pub(crate) fn tail(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

pub(crate) fn event_text(event: &Event) -> String {
    let name = event.r#type().as_str_name();
    if let Some(update) = &event.update {
        let status = &update.status;
        let uuid = if status.needs_acknowledgement() { ", with uuid" } else { "" };
        return format!("<- {name} {} {:?} {}{uuid}", status.task_id, status.state(), status.message());
    }
    if let Some(offers) = &event.offers {
        let offers: Vec<String> = offers
            .offers
            .iter()
            .map(|offer| format!("{} of {}", tail(&offer.id.value), tail(&offer.agent_id.value)))
            .collect();
        return format!("<- {name} {offers:?}");
    }
    if let Some(rescind) = &event.rescind {
        return format!("<- {name} {}", tail(&rescind.offer_id.value));
    }
    format!("<- {name}")
}

pub(crate) fn action_text(action: &AgentAction) -> String {
    match action {
        AgentAction::Launch { task, .. } => format!("launch {}", task.task_id),
        AgentAction::LaunchInExecutor { executor, .. } => format!("launch in {}", executor.executor_id),
        AgentAction::Message { executor_id, .. } => format!("a message for {executor_id}"),
        AgentAction::ShutdownExecutor { executor_id, .. } => format!("shut {executor_id} down"),
        AgentAction::Kill { task_id, .. } => format!("kill {task_id}"),
        AgentAction::ShutdownFramework { .. } => "shut the framework down".to_owned(),
        AgentAction::Shutdown => "shut down".to_owned(),
    }
}
