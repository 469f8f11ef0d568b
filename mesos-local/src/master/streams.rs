//! Subscriptions: their start, heartbeat and end, failover, and the end of frameworks.

use std::{collections::BTreeSet, mem, time::Duration};

use mesos_proto::v1::{
    self, TaskState,
    scheduler::{Event, call, event},
};

use super::{
    MAX_COMPLETED_FRAMEWORKS, Master,
    constraints::Constraints,
    frameworks::{Connection, Framework, least, roles},
    output::{AgentAction, Answer, StreamNumber, StreamOutput},
    timers::Timer,
    validate::framework_info,
};

impl Master {
    /// Tells that a stream is gone: the scheduler closed it or its connection broke.
    pub fn handle_stream_closed(&mut self, now: Duration, stream: StreamNumber) {
        self.timers.clear(&Timer::Heartbeat(stream));
        let Some(id) = self.streams.remove(&stream) else {
            return;
        };
        let Some(framework) = self.frameworks.get_mut(&id).filter(|known| known.stream() == Some(stream))
        else {
            return;
        };
        framework.connection = None;
        framework.filters.clear();
        framework.inverse_filters.clear();
        let timeout = framework.failover_timeout();
        self.discard_offers(|offer| offer.framework == id);
        self.discard_inverse_offers(|offer| offer.framework == id);
        self.stop_resending(&id);
        if timeout.is_zero() {
            self.remove_framework(now, &id);
        } else if let Some(at) = now.checked_add(timeout) {
            self.timers.set(Timer::Failover { framework: id }, at);
        }
    }

    /// Answers a SUBSCRIBE. Refusals are an ERROR on the stream, the status is 200 in any case.
    pub(super) fn subscribe(&mut self, now: Duration, subscribe: call::Subscribe) -> Answer {
        self.last_stream += 1;
        let stream = StreamNumber(self.last_stream);
        let stream_id = self.ids.uuid_text();
        match self.check_subscribe(&subscribe) {
            Ok(constraints) => {
                let connection = Connection { stream, stream_id: stream_id.clone() };
                self.attach(now, subscribe, constraints, connection);
            }
            Err(message) => self.refuse_stream(stream, message),
        }
        Answer::Stream { stream, stream_id }
    }

    fn check_subscribe(&self, subscribe: &call::Subscribe) -> Result<Constraints, String> {
        let info = &subscribe.framework_info;
        framework_info::validate(info, &self.config.options)?;
        let id = id_text(info);
        if self.completed.iter().any(|removed| removed.id().value == id) {
            return Err("Framework has been removed".into());
        }
        let constraints =
            self.check_roles(info, &subscribe.suppressed_roles, subscribe.offer_constraints.as_ref())?;
        if let Some(known) = self.frameworks.get(id) {
            framework_info::same_principal(&known.info, info)?;
        }
        Ok(constraints)
    }

    fn attach(
        &mut self,
        now: Duration,
        subscribe: call::Subscribe,
        constraints: Constraints,
        connection: Connection,
    ) {
        let mut info = subscribe.framework_info;
        let id = match id_text(&info) {
            "" => self.new_framework_id(),
            id => id.to_owned(),
        };
        info.id = Some(v1::FrameworkId::new(id.clone()));
        let stream = connection.stream;
        let was_connected = self.detach_old_stream(&id);
        let framework =
            self.frameworks.entry(id.clone()).or_insert_with(|| Framework::new(info.clone(), now));
        framework.connection = Some(connection);
        framework.is_recovered = false;
        framework.reregistered = now;
        self.apply_info(&id, info, subscribe.suppressed_roles, constraints);
        self.timers.clear(&Timer::Failover { framework: id.clone() });
        self.streams.insert(stream, id.clone());

        let subscribed = event::Subscribed {
            framework_id: v1::FrameworkId::new(id.clone()),
            heartbeat_interval_seconds: Some(self.config.heartbeat_interval.as_secs_f64()),
            master_info: Some(self.master_info()),
        };
        self.event(
            stream,
            Event {
                r#type: Some(event::Type::Subscribed.into()),
                subscribed: Some(subscribed),
                ..Event::default()
            },
        );
        self.heartbeat(now, stream);
        self.resend_updates(now, &id);
        // Taking over a connected framework triggers no allocation: its first offers come with the
        // next batch.
        if !was_connected {
            self.allocate(now);
        }
    }

    /// An id that nobody has: schedulers may bring ids of their own.
    fn new_framework_id(&mut self) -> String {
        loop {
            let id = self.ids.framework();
            if !self.frameworks.contains_key(&id)
                && self.completed.iter().all(|removed| removed.id().value != id)
            {
                return id;
            }
        }
    }

    /// Ends the stream that a framework had, if any; tells whether it had one.
    fn detach_old_stream(&mut self, id: &str) -> bool {
        let Some(old) = self.frameworks.get_mut(id).and_then(|framework| framework.connection.take()) else {
            return false;
        };
        // The new scheduler knows none of the offers, the old one may use none: no RESCIND.
        self.discard_offers(|offer| offer.framework == id);
        self.discard_inverse_offers(|offer| offer.framework == id);
        self.stop_resending(id);
        self.event(old.stream, error("Framework failed over"));
        self.end_stream(old.stream);
        true
    }

    /// Replaces what a framework said about itself; `user` and `checkpoint` stay as they were.
    pub(super) fn apply_info(
        &mut self,
        id: &str,
        info: v1::FrameworkInfo,
        suppressed: Vec<String>,
        constraints: Constraints,
    ) {
        let Some(framework) = self.frameworks.get_mut(id) else {
            return;
        };
        let user = mem::take(&mut framework.info.user);
        let checkpoint = framework.info.checkpoint;
        framework.info = v1::FrameworkInfo { user, checkpoint, ..info };
        framework.roles = roles(&framework.info);
        framework.least = least(&framework.info);
        framework.constraints = constraints;
        let suppressed: BTreeSet<String> = suppressed.into_iter().collect();
        let before = mem::replace(&mut framework.suppressed, suppressed);
        let Framework { roles, suppressed, filters, .. } = framework;
        filters.retain(|(role, _), _| {
            let unsuppressed = before.contains(role) && !suppressed.contains(role);
            roles.contains(role) && !unsuppressed
        });
    }

    pub(super) fn heartbeat(&mut self, now: Duration, stream: StreamNumber) {
        let event = Event { r#type: Some(event::Type::Heartbeat.into()), ..Event::default() };
        self.event(stream, event);
        self.timers.set(Timer::Heartbeat(stream), now + self.config.heartbeat_interval);
    }

    /// Answers a TEARDOWN: the stream ends without ERROR and without a word about the tasks.
    pub(super) fn teardown(&mut self, now: Duration, id: &str) -> Answer {
        if let Some(stream) = self.frameworks.get(id).and_then(Framework::stream) {
            self.end_stream(stream);
        }
        self.remove_framework(now, id);
        Answer::accepted()
    }

    pub(super) fn remove_framework(&mut self, now: Duration, id: &str) {
        self.discard_offers(|offer| offer.framework == id);
        self.discard_inverse_offers(|offer| offer.framework == id);
        self.stop_resending(id);
        self.timers.clear(&Timer::Failover { framework: id.to_owned() });
        let Some(mut framework) = self.frameworks.remove(id) else {
            return;
        };
        framework.connection = None;
        let tasks = mem::take(&mut framework.tasks).into_values();
        let unreachable = mem::take(&mut framework.unreachable).into_values();
        let mut agents = BTreeSet::new();
        for mut task in tasks.chain(unreachable) {
            agents.insert(task.agent.clone());
            if !task.state.is_terminal() {
                self.release(&mut task);
                let status = v1::TaskStatus {
                    reason: Some(v1::task_status::Reason::FrameworkRemoved.into()),
                    message: Some("Framework has been removed".into()),
                    ..self.master_status(now, task.info.task_id.clone(), TaskState::TaskKilled)
                };
                task.state = TaskState::TaskKilled;
                task.record(status);
            }
            framework.complete(task);
        }
        for ((agent, _), held) in mem::take(&mut framework.executors) {
            self.free(&agent, &held.amounts);
            agents.insert(agent);
        }
        for agent in &agents {
            self.command(agent, AgentAction::ShutdownFramework { framework_id: framework.id() });
        }
        if self.completed.len() == MAX_COMPLETED_FRAMEWORKS {
            self.completed.pop_front();
        }
        self.completed.push_back(framework);
        for agent in agents {
            self.check_drained(now, &v1::AgentId::new(agent));
        }
    }

    /// The parts of a subscription that may be changed by UPDATE_FRAMEWORK, too.
    pub(super) fn check_roles(
        &self,
        info: &v1::FrameworkInfo,
        suppressed: &[String],
        constraints: Option<&v1::scheduler::OfferConstraints>,
    ) -> Result<Constraints, String> {
        let roles = roles(info);
        let strangers: BTreeSet<&str> =
            suppressed.iter().filter(|role| !roles.contains(*role)).map(String::as_str).collect();
        if !strangers.is_empty() {
            let strangers: Vec<&str> = strangers.into_iter().collect();
            return Err(format!(
                "Suppressed roles {{ {} }} are not contained in the set of roles",
                strangers.join(", ")
            ));
        }
        let options = &self.config.options;
        constraints
            .map_or_else(|| Ok(Constraints::default()), |message| Constraints::new(message, &roles, options))
    }

    fn refuse_stream(&mut self, stream: StreamNumber, message: String) {
        self.event(stream, error(message));
        self.end_stream(stream);
    }

    fn end_stream(&mut self, stream: StreamNumber) {
        self.timers.clear(&Timer::Heartbeat(stream));
        self.streams.remove(&stream);
        self.stream_outputs.push_back(StreamOutput { stream, event: None });
    }
}

fn id_text(info: &v1::FrameworkInfo) -> &str {
    info.id.as_ref().map_or("", |id| id.value.as_str())
}

fn error(message: impl Into<String>) -> Event {
    Event {
        r#type: Some(event::Type::Error.into()),
        error: Some(event::Error { message: message.into() }),
        ..Event::default()
    }
}
