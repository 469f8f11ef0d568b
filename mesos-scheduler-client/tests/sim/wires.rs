//! What travels on the connections, at both of their ends.

use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mesos_local::master::Answer;
use mesos_proto::{recordio, v1::scheduler::Call};
use prost::Message;

use crate::{
    cluster::{Phase, authority},
    invariant::Invariant,
    network::{Down, HttpRequest, Link, LinkId, Purpose, Up},
    world::{Happening, World},
};

const PROTOBUF: &str = "application/x-protobuf";
const STREAM_ID: &str = "mesos-stream-id";

impl World {
    /// One way, this time.
    pub(crate) fn latency(&mut self) -> Duration {
        let base = u64::try_from(self.script.setup.latency.as_micros()).expect("it is short");
        Duration::from_micros(base + self.random.within(0, base))
    }

    pub(crate) fn send_up(&mut self, id: LinkId, delay: Duration, what: Up) {
        let ready = self.now + delay;
        if let Some(link) = self.network.links.get_mut(&id) {
            let at = link.up.push(ready, what);
            self.at(at, Happening::Up(id));
        }
    }

    pub(crate) fn send_down(&mut self, id: LinkId, delay: Duration, what: Down) {
        let ready = self.now + delay;
        if let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_open_below) {
            let at = link.down.push(ready, what);
            self.at(at, Happening::Down(id));
        }
    }

    /// The scheduler connects to a master.
    pub(crate) fn connect(&mut self, incarnation: u32, purpose: Purpose, master: usize) -> LinkId {
        let id = self.network.open(Link::new(incarnation, purpose, master));
        let round = self.latency() + self.latency();
        let is_refused = purpose == Purpose::Calls && self.now < self.network.calls_refused_until;
        let down = match self.cluster.phases[master] {
            _ if is_refused => {
                self.seen.note("calls are refused");
                Down::Failed("connection refused")
            }
            Phase::Dead => Down::Failed("connection refused"),
            Phase::Starting | Phase::NoLeader | Phase::Standby(_) | Phase::Recovering | Phase::Leading => {
                Down::Connected
            }
        };
        self.send_down(id, round, down);
        id
    }

    /// The scheduler closes a connection: what it has sent before still arrives.
    pub(crate) fn close_below(&mut self, id: LinkId, delay: Duration) {
        if let Some(link) = self.network.links.get_mut(&id) {
            link.is_open_below = false;
            link.down.queue.clear();
        }
        self.send_up(id, delay, Up::Closed);
    }

    /// The connection breaks at the scheduler's end; the master learns it later.
    fn break_below(&mut self, id: LinkId, master_learns: Duration) {
        if let Some(link) = self.network.links.get_mut(&id) {
            link.up.queue.clear();
        }
        self.close_below(id, master_learns);
    }

    /// Something may have arrived at the scheduler.
    pub(crate) fn arrive_below(&mut self, id: LinkId) {
        let now = self.now;
        loop {
            let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_open_below) else { break };
            let Some(what) = link.down.pop(now) else { break };
            link.last_arrival = now;
            match what {
                Down::Bytes(bytes) => {
                    let (bytes, is_broken) = link.pass(bytes);
                    let purpose = link.purpose;
                    let master_learns = link.breaks_after.map(|(_, later)| later).unwrap_or_default();
                    if !bytes.is_empty() {
                        self.take(id, purpose, Down::Bytes(bytes.clone()));
                    }
                    if is_broken {
                        self.seen.note("a stream breaks");
                        if !bytes.is_empty() {
                            self.seen.note("a stream breaks within a record");
                        }
                        self.break_below(id, master_learns);
                        self.take(id, purpose, Down::Failed("connection reset"));
                    }
                }
                other @ (Down::Connected
                | Down::Head { .. }
                | Down::End
                | Down::Failed(_)
                | Down::Reply { .. }) => {
                    let purpose = link.purpose;
                    self.take(id, purpose, other);
                }
            }
        }
    }

    /// The scheduler's end of a connection takes something.
    fn take(&mut self, id: LinkId, purpose: Purpose, what: Down) {
        let now = self.instant();
        let Some(process) = &mut self.process else { return };
        let session = &mut process.session;
        match (purpose, what) {
            (Purpose::Stream(token), Down::Connected) => session.handle_connected(now, token),
            (Purpose::Stream(token), Down::Head { status, headers, text }) => {
                if let Some(stream_id) = headers.get(STREAM_ID) {
                    process.stream_id = Some(stream_id.clone());
                }
                session.handle_response_head(now, token, status, &headers, &text);
                self.say(|| format!("<- {status} {text}"));
            }
            (Purpose::Stream(token), Down::Bytes(bytes)) => session.handle_stream_bytes(now, token, bytes),
            (Purpose::Stream(token), Down::End) => session.handle_stream_end(now, token),
            (Purpose::Stream(token), Down::Failed(why)) => {
                session.handle_stream_failed(now, token, why);
                self.say(|| format!("stream: {why}"));
            }
            (Purpose::Calls, Down::Reply { call, status, text }) => {
                if let Some(link) = self.network.links.get_mut(&id) {
                    link.waiting.retain(|waiting| *waiting != call);
                }
                session.handle_call_reply(now, call, status, &text);
                if status != StatusCode::ACCEPTED {
                    self.say(|| format!("<- {call:?} {status} {text}"));
                }
            }
            (Purpose::Calls, Down::Failed(_)) => self.calls_fail(id),
            (Purpose::Calls, Down::Connected | Down::Head { .. } | Down::Bytes(_) | Down::End)
            | (Purpose::Stream(_), Down::Reply { .. }) => {}
        }
    }

    /// The scheduler notices that the connection of the calls broke.
    pub(crate) fn calls_fail(&mut self, id: LinkId) {
        let now = self.instant();
        let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_open_below) else { return };
        link.is_open_below = false;
        let waiting = std::mem::take(&mut link.waiting);
        let Some(process) = self.process.as_mut().filter(|process| process.incarnation == link.incarnation)
        else {
            return;
        };
        for call in waiting {
            self.seen.note("a call has no answer");
            process.session.handle_call_failed(now, call, "connection reset");
        }
        self.say(|| "the connection of the calls broke".to_owned());
    }

    /// Something may have arrived at the master.
    pub(crate) fn arrive_above(&mut self, id: LinkId) {
        let now = self.now;
        loop {
            let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_open_above) else { break };
            let master = link.master;
            let Some(what) = link.up.pop(now) else { break };
            match what {
                Up::Request(request) => self.answer(id, master, &request),
                Up::Closed => {
                    link.is_open_above = false;
                    if let Some(stream) = link.stream.take() {
                        self.cluster.streams.remove(&stream);
                        let now = self.cluster.master_now(now);
                        self.cluster.master.handle_stream_closed(now, stream);
                        self.say(|| format!("the master learns that stream {} is closed", stream.0));
                    }
                }
            }
            self.drain_master();
        }
        self.network.forget_what_is_over();
    }

    fn answer(&mut self, id: LinkId, master: usize, request: &HttpRequest) {
        let text = |text: &str| (StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new(), text.to_owned());
        let (status, headers, text) = match self.cluster.phases[master] {
            Phase::Dead => return,
            Phase::Starting => (StatusCode::NOT_FOUND, HeaderMap::new(), String::new()),
            Phase::NoLeader => text("No leader elected"),
            Phase::Recovering => text("Master has not finished recovery"),
            Phase::Standby(leader) => {
                let path = request.path.strip_prefix("/master").unwrap_or(&request.path);
                let location = format!("//{}/master{path}", authority(leader));
                let mut headers = HeaderMap::new();
                headers.insert(header::LOCATION, HeaderValue::from_str(&location).expect("it is plain text"));
                (StatusCode::TEMPORARY_REDIRECT, headers, String::new())
            }
            Phase::Leading => match self.handle_request(id, request) {
                Some(answer) => answer,
                None => return,
            },
        };
        if status == StatusCode::TEMPORARY_REDIRECT {
            self.seen.note("a redirect");
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            self.seen.note("a subscription refused by a master that is not ready");
        }
        let delay = self.latency();
        let down = match request.call {
            None => Down::Head { status, headers, text },
            Some(call) => Down::Reply { call, status, text },
        };
        self.send_down(id, delay, down);
    }

    /// The leader takes a request. The head of a stream is sent from here, so that it comes before the
    /// events.
    fn handle_request(
        &mut self,
        id: LinkId,
        request: &HttpRequest,
    ) -> Option<(StatusCode, HeaderMap, String)> {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        if header("content-type") != Some(PROTOBUF) || header("accept") != Some(PROTOBUF) {
            self.fail(Invariant::CallsHaveSubscription, "a request without the media type of protobuf");
        }
        let Ok(call) = Call::decode(request.body.clone()) else {
            self.fail(Invariant::CallsHaveSubscription, "a request whose body is no call");
            return None;
        };
        self.say(|| format!("-> {}", shown(&call)));
        let now = self.cluster.master_now(self.now);
        match self.cluster.master.handle_call(now, call, header(STREAM_ID)) {
            Answer::Status { status, text } => {
                let is_about_subscription = text.starts_with("Framework cannot be found")
                    || text.starts_with("Framework is not subscribed")
                    || text.starts_with("The stream ID ");
                if status >= 400 && !is_about_subscription {
                    self.fail(Invariant::CallsHaveSubscription, format!("{status} '{text}'"));
                }
                let status = StatusCode::from_u16(status).expect("a master answers with a status of HTTP");
                Some((status, HeaderMap::new(), text))
            }
            Answer::Stream { stream, stream_id } => {
                if let Some(link) = self.network.links.get_mut(&id) {
                    link.stream = Some(stream);
                }
                self.cluster.streams.insert(stream, id);
                let mut headers = HeaderMap::new();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
                headers.insert(STREAM_ID, HeaderValue::from_str(&stream_id).expect("it is a uuid"));
                let delay = self.latency();
                self.send_down(
                    id,
                    delay,
                    Down::Head { status: StatusCode::OK, headers, text: String::new() },
                );
                None
            }
        }
    }

    /// Hands out what the master has for streams and agents.
    pub(crate) fn drain_master(&mut self) {
        let mut open: Option<(LinkId, BytesMut)> = None;
        while let Some(output) = self.cluster.master.poll_stream() {
            let Some(id) = self.cluster.streams.get(&output.stream).copied() else { continue };
            if open.as_ref().is_some_and(|(other, _)| *other != id || self.random.chance(50)) {
                let (other, bytes) = open.take().expect("it was seen just now");
                self.send_bytes(other, bytes);
            }
            match output.event {
                Some(event) => {
                    let (_, bytes) = open.get_or_insert_with(|| (id, BytesMut::new()));
                    bytes.extend_from_slice(&recordio::encode_message(&event));
                }
                None => {
                    if let Some((id, bytes)) = open.take() {
                        self.send_bytes(id, bytes);
                    }
                    self.cluster.streams.remove(&output.stream);
                    if let Some(link) = self.network.links.get_mut(&id) {
                        link.stream = None;
                    }
                    let delay = self.latency();
                    self.send_down(id, delay, Down::End);
                }
            }
        }
        if let Some((id, bytes)) = open {
            self.send_bytes(id, bytes);
        }
        self.drain_commands();
    }

    /// Sends bytes of a stream in chunks that know nothing of records.
    fn send_bytes(&mut self, id: LinkId, bytes: BytesMut) {
        let mut bytes = bytes.freeze();
        let mut delay = self.latency();
        while bytes.len() > 1 && self.random.chance(40) {
            let length = u64::try_from(bytes.len()).expect("a chunk is short");
            let at = self.random.within(1, length - 1);
            let chunk = bytes.split_to(usize::try_from(at).expect("it is less than the length"));
            self.send_down(id, delay, Down::Bytes(chunk));
            delay += self.random.pick(&[Duration::ZERO, Duration::from_micros(300)]);
        }
        self.send_down(id, delay, Down::Bytes(bytes));
    }
}

/// A call as a reader of the transcript wants it.
pub(crate) fn shown(call: &Call) -> String {
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
