//! The masters' end of the connections: what they answer, and what they send.

use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mesos_local::master::Answer;
use mesos_proto::{recordio, v1::scheduler::Call};
use prost::Message;

use crate::{
    cluster::{Phase, authority},
    invariant::Invariant,
    network::{Down, HttpRequest, LinkId, Up},
    shown::call_text,
    wires::STREAM_ID,
    world::World,
};

const PROTOBUF: &str = "application/x-protobuf";

impl World {
    /// Something may have arrived at the master.
    pub(crate) fn arrive_above(&mut self, id: LinkId) {
        let now = self.now;
        while let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_open_above) {
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
        self.say(|| format!("-> {}", call_text(&call)));
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
