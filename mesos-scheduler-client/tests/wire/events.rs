//! Events as a master sends them.

use mesos_proto::v1::{
    self,
    scheduler::{self, event},
};

pub(crate) fn event(r#type: event::Type) -> scheduler::Event {
    scheduler::Event { r#type: Some(r#type.into()), ..scheduler::Event::default() }
}

pub(crate) fn subscribed(id: &str, heartbeat: f64) -> scheduler::Event {
    let subscribed = event::Subscribed {
        framework_id: v1::FrameworkId::new(id),
        heartbeat_interval_seconds: Some(heartbeat),
        master_info: None,
    };
    scheduler::Event { subscribed: Some(subscribed), ..event(event::Type::Subscribed) }
}

pub(crate) fn error(message: &str) -> scheduler::Event {
    let error = event::Error { message: message.to_owned() };
    scheduler::Event { error: Some(error), ..event(event::Type::Error) }
}
