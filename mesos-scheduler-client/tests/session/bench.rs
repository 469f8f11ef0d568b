//! A session on the bench: inputs by name, outputs as text, and the invariants checked at every step.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use mesos_proto::{
    recordio::encode_message,
    v1::{
        self,
        scheduler::{self, call},
    },
};
use mesos_scheduler_client::{
    CallOutcome, CallToken, Event, Masters, Session, SessionConfig, SessionState, StreamToken, Transmit,
    calls,
};
use prost::Message;

use crate::wire::subscribed;

/// The stream id that the master of these tests gives.
pub(crate) const STREAM_ID: &str = "s1";

pub(crate) struct Bench {
    pub(crate) session: Session,
    pub(crate) now: Instant,
    /// All streams that were asked for; the last one is the present one.
    pub(crate) streams: Vec<StreamToken>,
    /// Streams that were not aborted.
    open: usize,
    /// Calls as they were sent.
    pub(crate) sent: Vec<CallToken>,
    /// Calls of [`Bench::decline`] that have no outcome yet.
    pub(crate) unresolved: BTreeSet<CallToken>,
    resolved: BTreeSet<CallToken>,
    is_closed: bool,
    is_subscription_told: bool,
    /// Whether the SUBSCRIBE went out with credentials, one for each of `streams`.
    pub(crate) trusted: Vec<bool>,
}

pub(crate) fn info() -> v1::FrameworkInfo {
    v1::FrameworkInfo { user: "nobody".into(), name: "demo".into(), ..v1::FrameworkInfo::default() }
}

/// Two masters, no waiting between attempts, and one call at a time.
pub(crate) fn config() -> SessionConfig {
    let mut config = SessionConfig::new(info(), Masters::parse("a:1,b:2").unwrap(), 42);
    config.backoff_base = Duration::ZERO;
    config.max_calls_in_flight = 1;
    config
}

/// The leader is told from outside, the id is kept, and credentials can be renewed.
pub(crate) fn full_config() -> SessionConfig {
    let mut config = SessionConfig::new(info(), Masters::detected(), 42);
    config.backoff_base = Duration::ZERO;
    config.max_calls_in_flight = 2;
    config.max_calls_waiting = 3;
    config.has_framework_id_store = true;
    config.can_refresh_credentials = true;
    config
}

#[expect(clippy::disallowed_methods, reason = "some instant; only differences count")]
fn any_instant() -> Instant {
    Instant::now()
}

impl Bench {
    pub(crate) fn new(config: SessionConfig) -> Self {
        Self {
            session: Session::new(config),
            now: any_instant(),
            streams: Vec::new(),
            open: 0,
            sent: Vec::new(),
            unresolved: BTreeSet::new(),
            resolved: BTreeSet::new(),
            is_closed: false,
            is_subscription_told: false,
            trusted: Vec::new(),
        }
    }

    pub(crate) fn subscribed() -> Self {
        let mut bench = Self::new(config());
        bench.subscribe();
        bench
    }

    /// From Idle or Backoff to Subscribed.
    pub(crate) fn subscribe(&mut self) {
        match self.session.state() {
            SessionState::Idle => self.session.start(self.now),
            _ => self.await_deadline(),
        }
        self.drain();
        if self.session.state() == SessionState::Loading {
            self.session.handle_framework_id_loaded(self.now, Ok(None));
            self.drain();
        }
        self.connected();
        self.head(200, &[("mesos-stream-id", STREAM_ID)], "");
        self.record(&subscribed("f", 15.0));
        let mut told = self.drain();
        if self.session.state() == SessionState::Saving {
            self.session.handle_framework_id_saved(self.now, &"f".into(), Ok(()));
            told = self.drain();
        }
        assert!(told.starts_with("Subscribed(f, http://"), "{told}");
    }

    pub(crate) fn stream(&self) -> StreamToken {
        *self.streams.last().expect("a SUBSCRIBE was sent")
    }

    pub(crate) fn connected(&mut self) {
        self.session.handle_connected(self.now, self.stream());
    }

    pub(crate) fn head(&mut self, status: u16, headers: &[(&'static str, &str)], text: &str) {
        self.head_of(self.stream(), status, headers, text);
    }

    pub(crate) fn head_of(
        &mut self,
        stream: StreamToken,
        status: u16,
        headers: &[(&'static str, &str)],
        text: &str,
    ) {
        let mut map = HeaderMap::new();
        map.insert("content-type", HeaderValue::from_static("application/x-protobuf"));
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        self.session.handle_response_head(self.now, stream, status, &map, text);
    }

    pub(crate) fn bytes(&mut self, bytes: impl Into<Bytes>) {
        self.session.handle_stream_bytes(self.now, self.stream(), bytes.into());
    }

    pub(crate) fn record(&mut self, event: &scheduler::Event) {
        self.bytes(encode_message(event));
    }

    pub(crate) fn end(&mut self) {
        self.session.handle_stream_end(self.now, self.stream());
    }

    pub(crate) fn failed(&mut self, why: &str) {
        self.session.handle_stream_failed(self.now, self.stream(), why);
    }

    /// Answers the call that was sent so many calls ago.
    pub(crate) fn reply(&mut self, call: CallToken, status: u16, text: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        self.session.handle_call_reply(self.now, call, status, text);
    }

    pub(crate) fn decline(&mut self) -> CallToken {
        let token = self.session.call(calls::decline(vec![v1::OfferId::new("o")], None));
        self.unresolved.insert(token);
        token
    }

    /// Lets time pass up to the next deadline.
    pub(crate) fn await_deadline(&mut self) {
        let (at, _) = self.session.poll_timeout().expect("there is a deadline");
        self.now = self.now.max(at);
        self.session.handle_timeout(self.now);
    }

    /// Takes everything that the session wants, as text, and checks what must always hold.
    pub(crate) fn drain(&mut self) -> String {
        let mut seen = Vec::new();
        while let Some(transmit) = self.session.poll_transmit(self.now) {
            seen.push(self.transmitted(transmit));
        }
        while let Some((token, outcome)) = self.session.poll_outcome() {
            assert!(self.resolved.insert(token), "a call has one outcome");
            self.unresolved.remove(&token);
            seen.push(format!("{}={}", self.call_name(token), outcome_text(&outcome)));
        }
        while let Some(event) = self.session.poll_event() {
            seen.push(self.told(event));
        }
        let is_resting = matches!(self.session.state(), SessionState::Idle | SessionState::Closed);
        assert_eq!(self.session.poll_timeout().is_none(), is_resting, "a deadline unless Idle or Closed");
        assert_eq!(self.session.state() == SessionState::Closed, self.is_closed, "Closed is told");
        seen.join("; ")
    }

    fn transmitted(&mut self, transmit: Transmit) -> String {
        match transmit {
            Transmit::Subscribe { stream, endpoint, request, with_credentials, .. } => {
                self.trusted.push(with_credentials);
                assert_eq!(self.open, 0, "the stream before is aborted first");
                self.open += 1;
                self.streams.push(stream);
                let call = sent(&request, &endpoint.authority());
                assert!(!request.headers().contains_key("mesos-stream-id"));
                assert_eq!(call.r#type(), call::Type::Subscribe);
                let info = &call.subscribe.as_ref().unwrap().framework_info;
                assert_eq!(info.id, call.framework_id);
                let id = call.framework_id.map(|id| format!(" id={id}")).unwrap_or_default();
                format!("SUBSCRIBE {endpoint}{}{id}", request.uri())
            }
            Transmit::Call { call, endpoint, request, .. } => {
                let state = self.session.state();
                assert!(matches!(state, SessionState::Subscribed | SessionState::Closing), "{state:?}");
                assert!(self.is_subscription_told || state == SessionState::Closing);
                assert_eq!(request.headers()["mesos-stream-id"], STREAM_ID);
                self.sent.push(call);
                let call = sent(&request, &endpoint.authority());
                assert_eq!(call.framework_id.as_ref(), self.session.framework_id());
                call.r#type().as_str_name().to_owned()
            }
            Transmit::Abort { stream, .. } => {
                assert_eq!(Some(&stream), self.streams.last());
                self.open -= 1;
                "abort".to_owned()
            }
            Transmit::RefreshCredentials => "refresh".to_owned(),
            Transmit::LoadFrameworkId => "load".to_owned(),
            Transmit::SaveFrameworkId { id } => format!("save {id}"),
            Transmit::ClearFrameworkId => "clear".to_owned(),
            other => panic!("unknown {other:?}"),
        }
    }

    fn call_name(&self, token: CallToken) -> String {
        match self.sent.iter().position(|sent| *sent == token) {
            Some(at) => format!("call{at}"),
            None => "unsent".to_owned(),
        }
    }

    fn told(&mut self, event: Event) -> String {
        assert!(!self.is_closed, "Closed is the last event");
        match event {
            Event::Subscribed { framework_id, url, .. } => {
                self.is_subscription_told = true;
                format!("Subscribed({framework_id}, {url})")
            }
            Event::Mesos(event) => {
                assert!(self.is_subscription_told);
                format!("Mesos({})", event.r#type().as_str_name())
            }
            Event::Disconnected { why, .. } => {
                self.is_subscription_told = false;
                format!("Disconnected({why})")
            }
            Event::Closed(reason) => {
                self.is_closed = true;
                format!("Closed({reason:?})")
            }
            other => panic!("unknown {other:?}"),
        }
    }
}

/// Checks what each request has, and decodes it.
pub(crate) fn sent(request: &Request<Bytes>, authority: &str) -> scheduler::Call {
    assert_eq!(request.method(), "POST");
    assert_eq!(request.headers()["host"], authority);
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    assert_eq!(request.headers()["accept"], "application/x-protobuf");
    scheduler::Call::decode(request.body().clone()).unwrap()
}

fn outcome_text(outcome: &CallOutcome) -> String {
    match outcome {
        CallOutcome::Refused { status, text } => format!("Refused({status} '{text}')"),
        CallOutcome::OutcomeUnknown { .. } => "OutcomeUnknown".to_owned(),
        CallOutcome::Invalid { .. } => "Invalid".to_owned(),
        plain => format!("{plain:?}"),
    }
}

/// A framework that a master keeps for some time when its connection is gone.
pub(crate) fn lasting() -> SessionConfig {
    let mut config = config();
    config.framework_info.failover_timeout = Some(60.0);
    config
}
