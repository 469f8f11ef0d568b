//! A framework as its owner sees it.

use std::collections::VecDeque;

use mesos_proto::v1::{self, TaskState, offer::operation};
use mesos_scheduler_client::{
    CallOutcome, Client, ClientBuilder, CloseReason, DisconnectCause, Event, Events, calls,
};

use crate::world::within;

pub(crate) struct Framework {
    pub(crate) client: Client,
    pub(crate) events: Events,
    /// As told when it subscribed first.
    pub(crate) id: v1::FrameworkId,
    /// Events of Mesos that were passed over by a search for something else.
    passed: VecDeque<v1::scheduler::Event>,
    /// Offers that came while something else was waited for, and that stand.
    offers: VecDeque<v1::Offer>,
    tasks: u32,
}

/// The master keeps it for a minute without a scheduler.
pub(crate) fn info() -> v1::FrameworkInfo {
    v1::FrameworkInfo {
        user: "nobody".into(),
        name: "demo".into(),
        failover_timeout: Some(60.0),
        ..v1::FrameworkInfo::default()
    }
}

impl Framework {
    pub(crate) fn start(builder: ClientBuilder) -> Self {
        let (client, events) = builder.start().unwrap();
        Self {
            client,
            events,
            id: v1::FrameworkId::default(),
            passed: VecDeque::new(),
            offers: VecDeque::new(),
            tasks: 0,
        }
    }

    pub(crate) async fn subscribed(builder: ClientBuilder) -> Self {
        let mut framework = Self::start(builder);
        framework.expect_first_subscription().await;
        framework
    }

    pub(crate) async fn next(&mut self) -> Event {
        within(self.events.next()).await.expect("an event comes")
    }

    /// The next event that is not one of Mesos. What an earlier subscription brought is void with the next one.
    pub(crate) async fn next_of_session(&mut self) -> Event {
        loop {
            match self.next().await {
                Event::Mesos(event) => self.passed.push_back(*event),
                other => {
                    if matches!(other, Event::Subscribed { .. }) {
                        self.passed.clear();
                        self.offers.clear();
                    }
                    return other;
                }
            }
        }
    }

    pub(crate) async fn expect_first_subscription(&mut self) {
        match self.next_of_session().await {
            Event::Subscribed { framework_id, .. } => self.id = framework_id,
            other => panic!("{other:?}"),
        }
    }

    /// The next subscription; it has the id of the first one. Gives the URL of the master.
    pub(crate) async fn expect_subscribed(&mut self) -> String {
        match self.next_of_session().await {
            Event::Subscribed { framework_id, url, .. } => {
                assert_eq!(framework_id, self.id);
                url
            }
            other => panic!("{other:?}"),
        }
    }

    /// The loss of the subscription, or an attempt that failed, for this cause; gives the reason in words.
    pub(crate) async fn expect_disconnected(&mut self, expected: DisconnectCause) -> String {
        match self.next_of_session().await {
            Event::Disconnected { cause, why, .. } => {
                assert_eq!(cause, expected, "{why}");
                why
            }
            other => panic!("{other:?}"),
        }
    }

    /// Failed attempts up to one that a master answered in these words, which may change.
    pub(crate) async fn wait_until_told(&mut self, words: &str) {
        loop {
            match self.next_of_session().await {
                Event::Disconnected { cause, why, .. } if why.contains(words) => {
                    return assert_eq!(cause, DisconnectCause::NotReady, "{why}");
                }
                Event::Disconnected { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn expect_closed(&mut self) -> CloseReason {
        match self.next_of_session().await {
            Event::Closed(reason) => {
                assert_eq!(within(self.events.next()).await, None);
                reason
            }
            other => panic!("{other:?}"),
        }
    }

    /// Failed attempts up to a subscription; gives the reason of each.
    pub(crate) async fn failures_until_subscribed(&mut self) -> Vec<String> {
        let mut failures = Vec::new();
        loop {
            match self.next_of_session().await {
                Event::Disconnected { why, .. } => failures.push(why),
                Event::Subscribed { framework_id, .. } => {
                    assert_eq!(framework_id, self.id);
                    return failures;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next event of Mesos that is chosen. The subscription must live.
    async fn find<T>(&mut self, choose: impl Fn(v1::scheduler::Event) -> Option<T>) -> T {
        loop {
            let event = match self.passed.pop_front() {
                Some(event) => event,
                None => match self.next().await {
                    Event::Mesos(event) => *event,
                    other => panic!("{other:?}"),
                },
            };
            let offers = event.offers.clone();
            if let Some(rescind) = &event.rescind {
                self.offers.retain(|offer| offer.id != rescind.offer_id);
            }
            if let Some(found) = choose(event) {
                return found;
            }
            self.offers.extend(offers.into_iter().flat_map(|offers| offers.offers));
        }
    }

    /// An offer that stands, or the next one.
    pub(crate) async fn offer(&mut self) -> v1::Offer {
        if let Some(offer) = self.offers.pop_front() {
            return offer;
        }
        self.find(|event| event.offers?.offers.into_iter().next()).await
    }

    /// A task on an offer that runs a command of the shell; the rest is offered again at once.
    pub(crate) fn launch(&mut self, offer: &v1::Offer, script: &str) -> (String, v1::scheduler::Call) {
        self.tasks += 1;
        let id = format!("t{}", self.tasks);
        let task = v1::TaskInfo {
            name: id.clone(),
            task_id: v1::TaskId::new(id.clone()),
            agent_id: offer.agent_id.clone(),
            resources: vec![
                v1::Resource::scalar_milli("cpus", 100),
                v1::Resource::scalar_milli("mem", 32_000),
            ],
            command: Some(v1::CommandInfo { value: Some(script.into()), ..Default::default() }),
            ..v1::TaskInfo::default()
        };
        let launch = v1::offer::Operation {
            r#type: Some(operation::Type::Launch.into()),
            launch: Some(operation::Launch { task_infos: vec![task] }),
            ..v1::offer::Operation::default()
        };
        let filters = v1::Filters { refuse_seconds: Some(0.0) };
        (id, calls::accept(vec![offer.id.clone()], vec![launch], Some(filters)))
    }

    /// Takes updates, acknowledging each, until a task is in this state.
    pub(crate) async fn reach(&mut self, task: &str, state: TaskState) {
        loop {
            let status = self.find(|event| Some(event.update?.status)).await;
            if let Some(reply) = self.client.acknowledge(&status) {
                assert_eq!(within(reply).await, CallOutcome::Accepted);
            }
            if status.task_id.value == task && status.state() == state {
                return;
            }
        }
    }

    /// An offer comes, a task is launched on it, and it runs to its end.
    pub(crate) async fn works(&mut self) {
        let offer = self.offer().await;
        let (task, accept) = self.launch(&offer, "true");
        assert_eq!(within(self.client.send(accept)).await, CallOutcome::Accepted);
        self.reach(&task, TaskState::TaskFinished).await;
    }
}
