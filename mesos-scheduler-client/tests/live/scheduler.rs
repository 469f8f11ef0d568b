//! A framework of a scenario: waits for what should come, and says what came when it does not.

use std::{collections::VecDeque, fmt::Write};

use mesos_proto::v1::{
    self, TaskState,
    offer::{Operation, operation},
    scheduler,
};
use mesos_scheduler_client::{CallOutcome, CallReply, Client, CloseReason, Event, Events, HttpUrl};
use tokio::time::timeout;

use crate::target::{PATIENCE, Target};

/// So much of what came is told.
const MOST_SEEN: usize = 40;

/// So often it is tried to find a master that answers: with less than a few masters, each is tried.
const ATTEMPTS: usize = 5;

/// What a task of a scenario takes: thousandths of a CPU, thousandths of a MiB.
const NEEDS: [(&str, i64); 2] = [("cpus", 100), ("mem", 32_000)];

/// A subscribed framework.
pub(crate) struct Scheduler {
    pub(crate) client: Client,
    pub(crate) id: v1::FrameworkId,
    /// The master that leads.
    pub(crate) master: HttpUrl,
    pub(crate) info: v1::FrameworkInfo,
    events: Events,
    /// What was told so far, for the report of a failure.
    seen: VecDeque<String>,
}

/// A task that was launched.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: v1::TaskId,
    pub(crate) agent_id: v1::AgentId,
}

impl Scheduler {
    pub(crate) async fn subscribe(target: &Target, name: &str) -> Self {
        Self::subscribe_as(target, target.framework(name)).await
    }

    pub(crate) async fn subscribe_as(target: &Target, info: v1::FrameworkInfo) -> Self {
        match timeout(PATIENCE, Self::try_subscribe(target, info, usize::MAX)).await {
            Ok(Ok((scheduler, _))) => scheduler,
            Ok(Err(seen)) => panic!("step 'subscribe': expected SUBSCRIBED, seen:{seen}"),
            Err(_) => panic!("step 'subscribe': expected SUBSCRIBED within {PATIENCE:?}"),
        }
    }

    /// Subscribes; gives up after so many attempts, or when the client does, and tells what was seen.
    async fn try_subscribe(
        target: &Target,
        info: v1::FrameworkInfo,
        attempts: usize,
    ) -> Result<(Self, Option<Box<v1::MasterInfo>>), String> {
        let (client, mut events) = target.client(info.clone()).start().unwrap();
        let mut seen = String::new();
        for _ in 0..attempts {
            match events.next().await {
                Some(Event::Subscribed { framework_id: id, url, master: told, .. }) => {
                    let master = url.parse().map_err(|error| format!("\n  {error}"))?;
                    return Ok((Self { client, id, master, info, events, seen: VecDeque::new() }, told));
                }
                // A list of masters may begin with some that do not lead or live.
                Some(Event::Disconnected { why, .. }) => write!(seen, "\n  {why}").unwrap(),
                Some(Event::Closed(reason)) => return Err(format!("{seen}\n  {reason}")),
                other => return Err(format!("{seen}\n  {other:?}")),
            }
        }
        Err(seen)
    }

    /// Reads events up to one that is chosen. Updates are acknowledged, offers that are not chosen are declined.
    pub(crate) async fn wait<T>(
        &mut self,
        step: &str,
        expected: &str,
        mut choose: impl FnMut(&scheduler::Event) -> Option<T>,
    ) -> T {
        let waiting = async {
            loop {
                match self.events.next().await {
                    Some(Event::Mesos(event)) => {
                        self.note(describe(&event));
                        let chosen = choose(&event);
                        self.answer(step, *event, chosen.is_some()).await;
                        if let Some(chosen) = chosen {
                            return chosen;
                        }
                    }
                    other => panic!("{}", self.report(step, expected, &format!("{other:?}"))),
                }
            }
        };
        match timeout(PATIENCE, waiting).await {
            Ok(chosen) => chosen,
            Err(_) => panic!("{}", self.report(step, expected, &format!("nothing more within {PATIENCE:?}"))),
        }
    }

    /// The next event if it is there.
    pub(crate) async fn present(&mut self, step: &str) -> Option<scheduler::Event> {
        match timeout(std::time::Duration::ZERO, self.events.next()).await.ok()? {
            Some(Event::Mesos(event)) => {
                self.note(describe(&event));
                Some(*event)
            }
            other => panic!("{}", self.report(step, "the subscription to live", &format!("{other:?}"))),
        }
    }

    /// Waits for the end of the client.
    pub(crate) async fn closed(&mut self, step: &str) -> CloseReason {
        let closing = async {
            loop {
                match self.events.next().await {
                    Some(Event::Closed(reason)) => return reason,
                    Some(Event::Mesos(event)) => self.note(describe(&event)),
                    other => panic!("{}", self.report(step, "the client to close", &format!("{other:?}"))),
                }
            }
        };
        match timeout(PATIENCE, closing).await {
            Ok(reason) => reason,
            Err(_) => panic!("{}", self.report(step, "the client to close", "nothing more")),
        }
    }

    async fn answer(&self, step: &str, event: scheduler::Event, is_chosen: bool) {
        if let Some(update) = &event.update
            && let Some(reply) = self.client.acknowledge(&update.status)
        {
            accepted(step, "ACKNOWLEDGE", reply).await;
        }
        if let Some(offers) = event.offers
            && !is_chosen
        {
            self.decline(step, &offers.offers, 5.0).await;
        }
    }

    pub(crate) async fn decline(&self, step: &str, offers: &[v1::Offer], refuse_seconds: f64) {
        if !offers.is_empty() {
            let ids = offers.iter().map(|offer| offer.id.clone()).collect();
            let filters = v1::Filters { refuse_seconds: Some(refuse_seconds) };
            accepted(step, "DECLINE", self.client.decline(ids, Some(filters))).await;
        }
    }

    /// An offer that has what a task needs.
    pub(crate) async fn offer(&mut self, step: &str) -> v1::Offer {
        let mut offers = self
            .wait(step, &format!("an offer of role {:?} with {NEEDS:?}", self.info.roles.clone()), |event| {
                let offers = &event.offers.as_ref()?.offers;
                offers.iter().any(|offer| resources(offer).is_some()).then(|| offers.clone())
            })
            .await;
        let fitting = offers.iter().position(|offer| resources(offer).is_some());
        let offer = offers.swap_remove(fitting.expect("there is one"));
        self.decline(step, &offers, 1.0).await;
        offer
    }

    /// Launches a shell command on the next offer that fits.
    pub(crate) async fn launch(&mut self, step: &str, id: &str, script: &str) -> Task {
        let offer = self.offer(step).await;
        let task = command(id, &offer, script);
        let launched = Task { id: task.task_id.clone(), agent_id: task.agent_id.clone() };
        self.accept(step, &offer.id, task).await;
        launched
    }

    /// ACCEPT with a LAUNCH of one task.
    pub(crate) async fn accept(&self, step: &str, offer_id: &v1::OfferId, task: v1::TaskInfo) {
        let launch = Operation {
            r#type: Some(operation::Type::Launch.into()),
            launch: Some(operation::Launch { task_infos: vec![task] }),
            ..Operation::default()
        };
        let filters = v1::Filters { refuse_seconds: Some(0.0) };
        accepted(step, "ACCEPT", self.client.accept(vec![offer_id.clone()], vec![launch], Some(filters)))
            .await;
    }

    /// Waits for a status of this task. One that ends the task and is not chosen is a failure.
    pub(crate) async fn status(
        &mut self,
        step: &str,
        expected: &str,
        task: &v1::TaskId,
        choose: impl Fn(&v1::TaskStatus) -> bool,
    ) -> v1::TaskStatus {
        let status = self
            .wait(step, expected, |event| {
                let status = &event.update.as_ref()?.status;
                let ends = status.known_state().is_some_and(TaskState::is_terminal);
                (status.task_id == *task && (ends || choose(status))).then(|| status.clone())
            })
            .await;
        assert!(choose(&status), "{}", self.report(step, expected, "the end of the task"));
        status
    }

    pub(crate) async fn state(&mut self, step: &str, task: &v1::TaskId, state: TaskState) -> v1::TaskStatus {
        self.status(step, state.as_str_name(), task, |status| status.known_state() == Some(state)).await
    }

    pub(crate) async fn teardown(self) {
        match timeout(PATIENCE, self.client.teardown()).await {
            Ok(outcome) => assert_eq!(outcome, Ok(()), "step 'teardown'"),
            Err(_) => panic!("step 'teardown': expected its end within {PATIENCE:?}"),
        }
    }

    fn note(&mut self, line: String) {
        if self.seen.len() == MOST_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(line);
    }

    fn report(&self, step: &str, expected: &str, last: &str) -> String {
        let mut text = format!("step '{step}': expected {expected}, seen by framework '{}':", self.id);
        for line in self.seen.iter().map(String::as_str).chain([last]) {
            write!(text, "\n  {line}").unwrap();
        }
        text
    }
}

/// Says which master it is that answers.
pub(crate) async fn who_answers(target: &Target) -> String {
    let subscribed = Scheduler::try_subscribe(target, target.framework("who answers"), ATTEMPTS).await;
    let (scheduler, told) = subscribed.unwrap_or_else(|seen| panic!("no master answers:{seen}"));
    let version = told.and_then(|master| master.version).unwrap_or_else(|| "of no version".to_owned());
    let agents = target.master_api(&scheduler.master).get_agents().await;
    let agents = agents.unwrap_or_else(|error| panic!("a master answers, but not to operators: {error}"));
    let text = format!("{} answers: Mesos {version}, {} agents", scheduler.master, agents.agents.len());
    scheduler.teardown().await;
    text
}

/// Waits for the answer to a call that has to be accepted.
pub(crate) async fn accepted(step: &str, call: &str, reply: CallReply) {
    assert_eq!(outcome(step, call, reply).await, CallOutcome::Accepted, "step '{step}': answer to {call}");
}

pub(crate) async fn outcome(step: &str, call: &str, reply: CallReply) -> CallOutcome {
    let answered = timeout(PATIENCE, reply).await;
    answered.unwrap_or_else(|_| panic!("step '{step}': expected an answer to {call} within {PATIENCE:?}"))
}

/// A task for an offer, that runs a shell command.
pub(crate) fn command(id: &str, offer: &v1::Offer, script: &str) -> v1::TaskInfo {
    v1::TaskInfo {
        name: id.into(),
        task_id: v1::TaskId::new(id),
        agent_id: offer.agent_id.clone(),
        resources: resources(offer).expect("the offer was chosen for it"),
        command: Some(v1::CommandInfo { value: Some(script.into()), ..v1::CommandInfo::default() }),
        ..v1::TaskInfo::default()
    }
}

/// What a task takes out of an offer, if it is there. Pieces of the offered resources are taken, so that
/// reservations are right whatever they are.
fn resources(offer: &v1::Offer) -> Option<Vec<v1::Resource>> {
    NEEDS.iter().map(|(name, milli)| piece(offer, name, *milli)).collect()
}

fn piece(offer: &v1::Offer, name: &str, milli: i64) -> Option<v1::Resource> {
    let resource = offer.resources.iter().find(|resource| {
        resource.name == name && resource.milli() >= milli && resource.revocable.is_none()
    })?;
    let scalar = v1::Resource::scalar_milli(name, milli).scalar;
    Some(v1::Resource { scalar, ..resource.clone() })
}

/// An event in one line.
fn describe(event: &scheduler::Event) -> String {
    let mut line = event.r#type().as_str_name().to_owned();
    if let Some(offers) = &event.offers {
        for offer in &offers.offers {
            let resources: Vec<String> = offer.resources.iter().map(ToString::to_string).collect();
            write!(line, " [{} {}: {}]", offer.id, offer.hostname, resources.join("; ")).unwrap();
        }
    }
    if let Some(update) = &event.update {
        let status = &update.status;
        let (state, reason) = (status.state().as_str_name(), status.reason().as_str_name());
        let message = status.message.as_deref().unwrap_or_default();
        write!(line, " {} {state} {reason} '{message}'", status.task_id).unwrap();
    }
    if let Some(error) = &event.error {
        write!(line, " '{}'", error.message).unwrap();
    }
    line
}
