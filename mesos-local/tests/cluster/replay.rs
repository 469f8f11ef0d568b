//! Recordings of a running master, played to a cluster.
//!
//! Compared are type, state, source, reason, presence of a uuid, health, result of the check, unreachable time,
//! address, presence of data, and message, in order for each task; ends and messages of executors in order for each
//! executor; in order everything that is neither an update nor an offer; and in order across tasks and kinds what
//! the master says by itself. When offers come depends on batches; they are compared by being there when a call
//! needs them, and in their content where the recording is about that.

mod content;
mod sequence;

use std::{collections::BTreeMap, path::Path, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use mesos_local::{AgentConfig, AgentPorts, Cluster, ClusterConfig};
use mesos_proto::{
    json,
    v1::{
        self, Ranges, TaskState,
        scheduler::{Call, Event, call, event},
    },
};
use serde_json::Value;

use crate::{
    client::{Scheduler, within},
    processes::{first_port, group_members, until},
};

/// Agents as those of the recordings.
pub(crate) async fn cluster(agents: usize, racks: &[&str]) -> Cluster {
    Cluster::start(config(agents, racks)).await.unwrap()
}

pub(crate) fn config(agents: usize, racks: &[&str]) -> ClusterConfig {
    let mut config = ClusterConfig::with_agents(0);
    // Short, because the clock is real; the recordings have a second.
    config.allocation_interval = Duration::from_millis(50);
    for index in 0..agents {
        let mut agent = AgentConfig::new(format!("agent{}", index + 1));
        agent.hostname = format!("agent{}.example", index + 1);
        agent.ports = AgentPorts::Exactly(Ranges::single(31000, 31999));
        agent.attributes = vec![("rack".into(), racks[index % racks.len()].into())];
        config.agents.push(agent);
    }
    config
}

/// The same with ports that nobody else has.
pub(crate) fn config_with_own_ports() -> ClusterConfig {
    let mut config = config(1, &["r1"]);
    config.agents[0].ports = AgentPorts::Reserved(10);
    config
}

/// What was recorded.
pub(crate) struct Recording {
    name: String,
    pub(crate) calls: Vec<Recorded>,
    pub(crate) events: Vec<Event>,
    master: String,
}

/// One call, and what the master had said before.
pub(crate) struct Recorded {
    after_records: usize,
    status: u16,
    call: Call,
}

impl Recording {
    pub(crate) fn load(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scheduler");
        let lines = |kind: &str| -> Vec<Value> {
            let path = directory.join(format!("{name}.json.{kind}.jsonl"));
            let text = std::fs::read_to_string(path).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let calls = lines("calls").into_iter().map(|line| Recorded {
            after_records: usize::try_from(line["after_records"].as_u64().unwrap()).unwrap(),
            status: u16::try_from(line["status"].as_u64().unwrap()).unwrap(),
            call: json::from_slice(line["call"].to_string().as_bytes()).unwrap(),
        });
        let events: Vec<Event> = lines("events")
            .into_iter()
            .map(|line| json::from_slice(line["event"].to_string().as_bytes()).unwrap())
            .collect();
        // A refused subscription begins with an ERROR.
        let subscribed = events[0].subscribed.as_ref();
        let master = subscribed.and_then(|subscribed| subscribed.master_info.as_ref());
        let master = master.map_or("no master", |info| info.id.as_str()).to_owned();
        Self { name: name.into(), calls: calls.collect(), events, master }
    }
}

/// A recording being played to a cluster.
pub(crate) struct Replay<'a> {
    recording: &'a Recording,
    pub(crate) scheduler: Scheduler,
    master: String,
    /// This cluster's ids of agents by host name.
    agents: BTreeMap<String, String>,
    /// Offers come at the same places as in the recording, too.
    pub(crate) wait_for_offers: bool,
    /// Acknowledges each update when it comes, whatever the recording does.
    pub(crate) acknowledge_all: bool,
    /// Counts what comes several times in a row once.
    pub(crate) collapse: bool,
    /// Puts the first ports that the cluster offers in the place of 31000 and so on. Other tests may need those.
    pub(crate) own_ports: bool,
    /// Changes the text of each call.
    pub(crate) rewrite: fn(&str) -> String,
    /// How the content of offers is compared.
    pub(crate) offers: Offers,
    /// Recorded ids and what stands for them here.
    substitutes: Vec<(String, String)>,
    pub(crate) seen: Vec<Event>,
}

/// How the content of offers is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offers {
    /// Not at all.
    Ignored,
    /// Those of each agent are the same, one by one.
    Same,
    /// All resources of an agent in all offers together are the same: it is a matter of luck which role gets what.
    SameInSum,
}

impl<'a> Replay<'a> {
    pub(crate) async fn start(cluster: &Cluster, recording: &'a Recording) -> Self {
        Self::start_with(cluster, recording, None).await
    }

    /// Subscribes as the recording does, with another id if one is given.
    pub(crate) async fn start_with(
        cluster: &Cluster,
        recording: &'a Recording,
        id: Option<&v1::FrameworkId>,
    ) -> Self {
        Self::start_at(cluster, &cluster.master_url(), recording, id).await
    }

    /// The same at one of the masters.
    pub(crate) async fn start_at(
        cluster: &Cluster,
        url: &str,
        recording: &'a Recording,
        id: Option<&v1::FrameworkId>,
    ) -> Self {
        let mut subscribe = recording.calls[0].call.subscribe.clone().unwrap();
        if let Some(id) = id {
            subscribe.framework_info.id = Some(id.clone());
        }
        let scheduler = Scheduler::subscribe_at(url, subscribe).await;
        let agents = cluster.agents().iter().map(|agent| (agent.hostname.clone(), agent.id.clone()));
        let (master, agents) = (String::new(), agents.collect());
        let mut replay = Self {
            recording,
            scheduler,
            master,
            agents,
            wait_for_offers: false,
            acknowledge_all: false,
            collapse: false,
            own_ports: false,
            rewrite: str::to_owned,
            offers: Offers::Ignored,
            substitutes: Vec::new(),
            seen: Vec::new(),
        };
        replay.read().await;
        let subscribed = replay.seen[0].subscribed.clone();
        replay.master = subscribed.map_or_else(|| "no master".into(), |event| event.master_info.unwrap().id);
        replay
    }

    /// Makes calls of the recording, each after the events that it came after.
    pub(crate) async fn play(&mut self, calls: std::ops::Range<usize>) {
        for recorded in &self.recording.calls[calls] {
            let (name, number) = (&self.recording.name, recorded.after_records);
            within(&format!("{name}: record {number}"), self.receive(number)).await;
            if self.acknowledge_all && recorded.call.acknowledge.is_some() {
                continue;
            }
            let call = within(&format!("{name}: an offer"), self.translate(&recorded.call)).await;
            let kind = call.r#type().as_str_name();
            if let Some(kill) = &call.kill {
                self.settled(&kill.task_id.value).await;
            }
            let answer = self.scheduler.send(call).await;
            assert_eq!(answer.status, recorded.status, "{}: {kind} {}", self.recording.name, answer.text());
        }
    }

    /// Waits until the shell of a task runs its first command that stays: a trap before it is set then.
    async fn settled(&self, task: &str) {
        let statuses = self.seen.iter().filter_map(|event| Some(&event.update.as_ref()?.status));
        let of_task = statuses.filter(|status| status.task_id.value == task);
        // A Docker container has none, and runs when its server does.
        let Some(pid) = of_task.filter_map(|status| status.container_status.as_ref()?.executor_pid).last()
        else {
            return;
        };
        let text = |process: &str, file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}"));
        until("the command of the task", || {
            let shell = text(&pid.to_string(), "comm").is_ok_and(|name| name.trim() == "sh");
            !shell || group_members(pid).len() >= 2
        })
        .await;
    }

    /// Reads until everything came that the first so many events of the recording tell.
    pub(crate) async fn receive(&mut self, records: usize) {
        let wanted = self.summary(&self.recording.events[..records], &self.recording.master);
        loop {
            let seen = self.summary(&self.seen, &self.master);
            let missing = wanted.iter().find(|(key, lines)| seen.get(*key).map_or(0, Vec::len) < lines.len());
            if missing.is_none() {
                return;
            }
            assert!(self.read().await, "{}: the stream ended before {missing:?}", self.recording.name);
        }
    }

    /// Reads to the end of the stream and compares everything.
    pub(crate) async fn finish(&mut self) {
        within("the end of the stream", async { while self.read().await {} }).await;
        self.compare();
    }

    /// Reads until the connection breaks, and compares everything.
    pub(crate) async fn finish_broken(&mut self) {
        while let Ok(event) = self.scheduler.try_event().await {
            self.seen.push(event.expect("a broken stream has no end"));
        }
        self.compare();
    }

    /// Lets the rest of the recording speak of an offer that another framework was given here, as it did there.
    pub(crate) fn substitute_offer(&mut self, recorded: &str, own: &str) {
        self.substitutes.push((format!("{}-{recorded}", self.recording.master), own.to_owned()));
    }

    /// The same for another framework.
    pub(crate) fn substitute_framework(&mut self, recorded: &str, own: &str) {
        self.substitutes.push((format!("{}-{recorded}", self.recording.master), own.to_owned()));
    }

    /// Reads until so many offers of an agent came.
    pub(crate) async fn receive_offers(&mut self, hostname: &str, count: usize) {
        let received = async {
            while offers(&self.seen).filter(|offer| offer.hostname == hostname).count() < count {
                assert!(self.read().await, "{}: no offer of {hostname}", self.recording.name);
            }
        };
        within("an offer", received).await;
    }

    pub(crate) fn compare(&self) {
        let wanted = self.summary(&self.recording.events, &self.recording.master);
        assert_eq!(self.summary(&self.seen, &self.master), wanted, "{}", self.recording.name);
        let own = self.agents.iter().map(|(hostname, id)| (id.as_str(), hostname.as_str())).collect();
        let recorded = offers(&self.recording.events);
        let recorded =
            recorded.map(|offer| (offer.agent_id.value.as_str(), offer.hostname.as_str())).collect();
        let mut seen = sequence::of_master(&self.seen, &self.master, &own);
        let mut wanted = sequence::of_master(&self.recording.events, &self.recording.master, &recorded);
        if self.collapse {
            seen.dedup();
            wanted.dedup();
        }
        assert_eq!(seen, wanted, "{}", self.recording.name);
    }

    /// What is compared, with the offers of each host if they are.
    fn summary(&self, events: &[Event], master: &str) -> BTreeMap<String, Vec<String>> {
        let mut lines = summary(events, master);
        for offer in offers(events).filter(|_| self.wait_for_offers) {
            let role = offer.allocation_info.as_ref().map(|info| info.role().to_owned());
            lines.entry(offer.hostname.clone()).or_default().push(format!("OFFER {role:?}"));
        }
        match self.offers {
            Offers::Ignored => {}
            Offers::Same => lines.extend(content::one_by_one(events)),
            Offers::SameInSum => lines.extend(content::in_sum(events)),
        }
        if self.collapse {
            lines.values_mut().for_each(Vec::dedup);
        }
        lines
    }

    async fn read(&mut self) -> bool {
        match self.scheduler.event().await {
            Some(event) => {
                if let Some(update) = event.update.as_ref().filter(|_| self.acknowledge_all) {
                    self.scheduler.acknowledge(&update.status).await;
                }
                self.seen.push(event);
                true
            }
            None => false,
        }
    }

    /// Puts this cluster's ids and uuids in the place of the recorded ones.
    async fn translate(&mut self, call: &Call) -> Call {
        let mut text = json::to_value(call).to_string();
        let used = call.accept.iter().flat_map(|accept| &accept.offer_ids);
        let used = used.chain(call.decline.iter().flat_map(|decline| &decline.offer_ids));
        let inverse = call.accept_inverse_offers.iter().flat_map(|accept| &accept.inverse_offer_ids);
        let declined = call.decline_inverse_offers.iter().flat_map(|decline| &decline.inverse_offer_ids);
        for id in inverse.chain(declined) {
            let place = inverse_offers(&self.recording.events).position(|known| known == id).unwrap();
            let own = inverse_offers(&self.seen).nth(place).unwrap();
            text = text.replace(&format!("\"{id}\""), &format!("\"{own}\""));
        }
        for id in used {
            if self.offers == Offers::SameInSum {
                break;
            }
            if let Some((hostname, role, nth)) = offer_place(&self.recording.events, id) {
                let own = self.nth_offer(&hostname, &role, nth).await;
                text = text.replace(&format!("\"{id}\""), &format!("\"{own}\""));
            }
        }
        for offer in offers(&self.recording.events) {
            text = text.replace(&offer.agent_id.value, &self.agents[&offer.hostname]);
        }
        for (recorded, own) in &self.substitutes {
            text = text.replace(recorded, own);
        }
        // An executor of a group names its framework.
        if let Some(recorded) = &self.recording.events[0].subscribed {
            text = text.replace(&recorded.framework_id.value, &self.scheduler.framework_id.value);
        }
        if self.own_ports {
            let first = offers(&self.seen).next().map(first_port).unwrap();
            for number in 0..10 {
                text = text.replace(&(31_000 + number).to_string(), &(first + number).to_string());
            }
        }
        text = (self.rewrite)(&text.replace(&self.recording.master, &self.master));
        let mut call: Call = json::from_slice(text.as_bytes()).unwrap();
        call.framework_id = Some(self.scheduler.framework_id.clone());
        if let Some(decline) = call.decline.as_mut().filter(|_| self.offers == Offers::SameInSum) {
            decline.offer_ids = offers(&self.seen).map(|offer| offer.id.clone()).collect();
        }
        if let Some(update) = &mut call.update_framework {
            update.framework_info.id = call.framework_id.clone();
        }
        if let Some(acknowledge) = &mut call.acknowledge {
            acknowledge.uuid = self.own_uuid(acknowledge);
        }
        if let Some(acknowledge) = &mut call.acknowledge_operation_status {
            let statuses = self.seen.iter().filter_map(|event| event.update_operation_status.as_ref());
            let own = statuses.map(|update| &update.status);
            let mut own =
                own.filter(|status| status.operation_id.as_ref() == Some(&acknowledge.operation_id));
            acknowledge.uuid = own.find_map(|status| Some(status.uuid.as_ref()?.value.clone())).unwrap();
        }
        call
    }

    /// The id of the n-th offer of an agent to a role, when it is there.
    async fn nth_offer(&mut self, hostname: &str, role: &str, nth: usize) -> String {
        loop {
            let of_agent = |offer: &&v1::Offer| offer.hostname == hostname && allocated_role(offer) == role;
            if let Some(id) = offers(&self.seen).filter(of_agent).nth(nth).map(|offer| offer.id.value.clone())
            {
                return id;
            }
            assert!(self.read().await, "{}: no offer {nth} of {hostname}", self.recording.name);
        }
    }

    /// The uuid of the update that stands where the acknowledged one stood in the recording.
    fn own_uuid(&self, acknowledge: &call::Acknowledge) -> bytes::Bytes {
        let task = &acknowledge.task_id.value;
        let recorded = uuids(&self.recording.events, task);
        let place = recorded.iter().position(|uuid| *uuid == acknowledge.uuid).unwrap();
        uuids(&self.seen, task)[place].clone()
    }
}

fn offers(events: &[Event]) -> impl Iterator<Item = &v1::Offer> {
    events.iter().filter_map(|event| event.offers.as_ref()).flat_map(|offers| &offers.offers)
}

fn inverse_offers(events: &[Event]) -> impl Iterator<Item = &v1::OfferId> {
    let all = events.iter().filter_map(|event| event.inverse_offers.as_ref());
    all.flat_map(|offers| &offers.inverse_offers).map(|offer| &offer.id)
}

fn allocated_role(offer: &v1::Offer) -> &str {
    offer.allocation_info.as_ref().map_or("", |info| info.role())
}

/// The host and the role of a recorded offer, and how many offers of them came before.
fn offer_place(events: &[Event], id: &v1::OfferId) -> Option<(String, String, usize)> {
    let wanted = offers(events).find(|offer| offer.id == *id)?;
    let role = allocated_role(wanted);
    let same =
        offers(events).filter(|offer| offer.agent_id == wanted.agent_id && allocated_role(offer) == role);
    let before = same.take_while(|offer| offer.id != *id).count();
    Some((wanted.hostname.clone(), role.to_owned(), before))
}

fn uuids(events: &[Event], task: &str) -> Vec<bytes::Bytes> {
    let statuses = events.iter().filter_map(|event| Some(&event.update.as_ref()?.status));
    statuses.filter(|status| status.task_id.value == task).filter_map(|status| status.uuid.clone()).collect()
}

/// What is compared: lines of each task, and of everything else but heartbeats and offers.
fn summary(events: &[Event], master: &str) -> BTreeMap<String, Vec<String>> {
    let mut lines = BTreeMap::<String, Vec<String>>::new();
    for event in events {
        let (key, line) = match event.r#type() {
            event::Type::Heartbeat | event::Type::Offers => continue,
            event::Type::Update => {
                let status = &event.update.as_ref().unwrap().status;
                (status.task_id.value.clone(), status_line(status, master))
            }
            event::Type::Failure => {
                let failure = event.failure.as_ref().unwrap();
                let executor = failure.executor_id.as_ref().map_or("", |id| id.value.as_str());
                (executor.to_owned(), format!("FAILURE {:?}", failure.status))
            }
            event::Type::Message => {
                let message = event.message.as_ref().unwrap();
                let key = format!("messages of {}", message.executor_id.value);
                (key, BASE64_STANDARD.encode(&message.data))
            }
            event::Type::Error => (String::new(), format!("ERROR {}", event.error.as_ref().unwrap().message)),
            other => (String::new(), other.as_str_name().to_owned()),
        };
        lines.entry(key).or_default().push(line);
    }
    lines
}

fn status_line(status: &v1::TaskStatus, master: &str) -> String {
    let reason = status.reason.map(|_| status.reason().as_str_name());
    format!(
        "{} {} {reason:?} uuid={} unreachable={} executor={:?} {} healthy={:?} check={:?} data={} labels={:?} '{}'",
        status.state().as_str_name(),
        status.source().as_str_name(),
        status.uuid.is_some(),
        status.unreachable_time.is_some(),
        status.executor_id.as_ref().map(|id| &id.value),
        container_text(status),
        status.healthy,
        status.check_status.as_ref().map(|status| json::to_value(status).to_string()),
        status.data.is_some(),
        status.labels.as_ref().map(|labels| json::to_value(labels).to_string()),
        without_numbers(&status.message().replace(master, "M")),
    )
}

fn container_text(status: &v1::TaskStatus) -> String {
    let container = status.container_status.clone().unwrap_or_default();
    let is_nested = container.container_id.is_some_and(|id| id.parent.is_some());
    if is_nested && status.state() == TaskState::TaskStarting {
        // It is a matter of luck whether a real agent knows them at that time.
        return "nested".into();
    }
    let address = container.network_infos.first().and_then(|network| network.ip_addresses.first());
    let address = address.and_then(|address| address.ip_address.as_deref());
    // Those of Docker's network, and those that stand for them here.
    let of_container = |address: &str| ["172.17.", "127.17."].iter().any(|part| address.starts_with(part));
    let address = if address.is_some_and(of_container) { Some("container") } else { address };
    format!("ip={address:?} pid={} nested={is_nested}", container.executor_pid.is_some())
}

/// Numbers of offers, agents and frameworks differ from run to run.
fn without_numbers(message: &str) -> String {
    let mut text = message.to_owned();
    for kind in ["M-O", "M-S", "M-"] {
        let mut parts = text.split(kind);
        let mut without = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            without += kind;
            without += part.trim_start_matches(|character: char| character.is_ascii_digit());
        }
        text = without;
    }
    text
}
