//! What happened on the network and in time.

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::LOCATION};
use mesos_proto::{
    recordio::Decoder,
    v1::scheduler::{self, event::Type},
};
use prost::Message;

use super::{
    CallOutcome, CallToken, CloseReason, Event, Session, StreamToken, Timer,
    pending::Kind,
    request::{self, STREAM_ID},
    state::{Closing, State, Stream},
    verdict::{self, CallVerdict, ErrorVerdict, SubscribeVerdict, excerpt},
};
use crate::{auth::AuthError, deadline::after};

/// Input of the event stream. Input of another stream than the present one is ignored.
impl Session {
    /// The connection for a SUBSCRIBE stands.
    pub fn handle_connected(&mut self, now: Instant, token: StreamToken) {
        match &mut self.state {
            State::Connecting(attempt) if attempt.token == token && !attempt.is_connected => {
                attempt.is_connected = true;
                self.expect_subscribed_in_time(now);
            }
            State::Idle
            | State::Connecting(_)
            | State::ExpectSubscribed(_)
            | State::Subscribed(_)
            | State::Backoff
            | State::Closing(_)
            | State::Closed => {}
        }
    }

    /// The head of the answer to SUBSCRIBE came. `text` is the body as far as it helps a reader, unless the
    /// status is 200.
    pub fn handle_response_head(
        &mut self,
        now: Instant,
        token: StreamToken,
        status: StatusCode,
        headers: &HeaderMap,
        text: &str,
    ) {
        self.handle_connected(now, token);
        let State::Connecting(attempt) = &self.state else { return };
        if attempt.token != token {
            return;
        }
        let answer = || format!("{} '{}'", status.as_u16(), excerpt(text));
        match verdict::of_subscribe(status) {
            SubscribeVerdict::Stream => self.open_stream(now, headers),
            SubscribeVerdict::Redirect => self.follow(now, headers),
            SubscribeVerdict::Retry => self.lose(now, answer()),
            SubscribeVerdict::Unauthorized => {
                let (url, text) = (attempt.url.endpoint().to_string(), excerpt(text));
                self.close_with(CloseReason::Unauthorized { url, text });
            }
            SubscribeVerdict::Hopeless => {
                let (url, text) = (attempt.url.endpoint().to_string(), excerpt(text));
                self.close_with(CloseReason::Rejected { url, status: status.as_u16(), text });
            }
        }
    }

    /// Bytes of the stream came.
    pub fn handle_stream_bytes(&mut self, now: Instant, token: StreamToken, bytes: Bytes) {
        if !self.state.is_peer(token) {
            return;
        }
        let Some(decoder) = self.state.decoder() else { return };
        decoder.push(bytes);
        if let Some(subscription) = self.state.subscription() {
            let deadline = after(now, subscription.longest_silence);
            self.timers.set(Timer::Heartbeat, deadline);
        }
        while let Some(decoder) = self.state.decoder() {
            match decoder.next_record() {
                Ok(None) => return,
                Ok(Some(record)) if record.is_empty() => {}
                Ok(Some(record)) => match scheduler::Event::decode(record) {
                    Ok(event) => self.handle_record(now, event),
                    Err(error) => self.lose_attempt(now, format!("a record is no event: {error}")),
                },
                Err(error) => self.lose_attempt(now, error.to_string()),
            }
        }
    }

    /// The master ended the stream.
    pub fn handle_stream_end(&mut self, now: Instant, token: StreamToken) {
        if !self.state.is_peer(token) {
            return;
        }
        let cut = self.state.decoder().and_then(|decoder| decoder.finish().err());
        let why = match cut {
            Some(cut) => cut.to_string(),
            None => "the master ended the stream".to_owned(),
        };
        self.handle_stream_over(now, why);
    }

    /// The connection could not be made, or broke; `why` says what was seen.
    pub fn handle_stream_failed(&mut self, now: Instant, token: StreamToken, why: &str) {
        if self.state.is_peer(token) {
            self.handle_stream_over(now, why.to_owned());
        }
    }

    /// There are no credentials to send this SUBSCRIBE with; nothing was sent.
    pub fn handle_no_credentials(&mut self, now: Instant, token: StreamToken, error: &AuthError) {
        if self.state.is_peer(token) {
            self.lose(now, error.to_string());
        }
    }

    fn handle_stream_over(&mut self, now: Instant, why: String) {
        match &mut self.state {
            State::Closing(closing) if closing.is_accepted => self.close_with(CloseReason::TornDown),
            // The answer to TEARDOWN comes on the other connection.
            State::Closing(closing) if self.calls.is_teardown_in_flight() => {
                closing.is_ended = true;
                self.timers.stop(Timer::Heartbeat);
            }
            State::Connecting(_) | State::ExpectSubscribed(_) => self.lose_attempt(now, why),
            State::Subscribed(_) | State::Closing(_) => self.lose(now, why),
            State::Idle | State::Backoff | State::Closed => {}
        }
    }

    fn open_stream(&mut self, now: Instant, headers: &HeaderMap) {
        let Some(id) = headers.get(STREAM_ID) else {
            let why = "200 without Mesos-Stream-Id, so this is not the scheduler API of a master";
            return self.lose(now, why.to_owned());
        };
        if !request::is_protobuf(headers) {
            let seen = headers.get(http::header::CONTENT_TYPE);
            let seen = seen.map_or("none".into(), |value| String::from_utf8_lossy(value.as_bytes()));
            let why = format!("content type '{}', expected '{}'", excerpt(&seen), request::PROTOBUF);
            return self.lose_attempt(now, why);
        }
        let id = id.clone();
        let decoder = Decoder::with_max_record_bytes(self.config.max_record_bytes);
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Connecting(attempt) => {
                let (token, url) = (attempt.token, attempt.url);
                self.state = State::ExpectSubscribed(Stream { token, url, id, decoder });
            }
            other => self.state = other,
        }
    }

    fn follow(&mut self, now: Instant, headers: &HeaderMap) {
        let State::Connecting(attempt) = &self.state else { return };
        let Some(location) = headers.get(LOCATION) else {
            return self.lose(now, "a redirect without Location".to_owned());
        };
        let location = excerpt(&String::from_utf8_lossy(location.as_bytes()));
        if attempt.hops >= self.config.max_redirects {
            let why = format!("redirected {} times, lastly to '{location}'", attempt.hops + 1);
            return self.lose(now, why);
        }
        match attempt.url.resolve(&location) {
            Ok(url) => {
                let (stream, hops) = (attempt.token, attempt.hops + 1);
                self.transmits.push_back(super::Transmit::Abort { stream });
                self.connect(now, url, hops);
            }
            Err(error) => self.lose(now, format!("cannot follow the redirect: {error}")),
        }
    }

    fn handle_record(&mut self, now: Instant, event: scheduler::Event) {
        if event.r#type() == Type::Error {
            let message = event.error.map(|error| error.message).unwrap_or_default();
            return self.handle_error_event(now, &message);
        }
        match &self.state {
            State::ExpectSubscribed(_) => self.handle_first_record(now, event),
            State::Subscribed(_) => match event.r#type() {
                Type::Subscribed => self.lose(now, "SUBSCRIBED twice on one stream".to_owned()),
                // Its arrival has moved the deadline already.
                Type::Heartbeat => {}
                Type::Unknown
                | Type::Offers
                | Type::InverseOffers
                | Type::Rescind
                | Type::RescindInverseOffer
                | Type::Update
                | Type::UpdateOperationStatus
                | Type::Message
                | Type::Failure
                | Type::Error => self.events.push_back(Event::Mesos(Box::new(event))),
            },
            // Nobody could answer any more.
            State::Closing(_) => {}
            State::Idle | State::Connecting(_) | State::Backoff | State::Closed => {}
        }
    }

    fn handle_first_record(&mut self, now: Instant, event: scheduler::Event) {
        match event.r#type() {
            Type::Subscribed => match event.subscribed {
                Some(subscribed) => self.accept_subscription(now, subscribed),
                None => self.lose_attempt(now, "SUBSCRIBED without content".to_owned()),
            },
            // Old masters send a heartbeat first (MESOS-8641); what this schema does not know proves nothing.
            Type::Heartbeat | Type::Unknown => {}
            early @ (Type::Offers
            | Type::InverseOffers
            | Type::Rescind
            | Type::RescindInverseOffer
            | Type::Update
            | Type::UpdateOperationStatus
            | Type::Message
            | Type::Failure
            | Type::Error) => {
                self.lose_attempt(now, format!("{} before SUBSCRIBED", early.as_str_name()));
            }
        }
    }

    fn handle_error_event(&mut self, now: Instant, message: &str) {
        let is_subscribed = self.state.subscription().is_some();
        let text = excerpt(message);
        match verdict::of_error(message, is_subscribed) {
            ErrorVerdict::FailedOver => self.close_with(CloseReason::FailedOver),
            ErrorVerdict::Removed if self.is_tearing_down => self.close_with(CloseReason::TornDown),
            ErrorVerdict::Removed => self.close_with(CloseReason::Removed { message: text }),
            ErrorVerdict::Refused => self.close_with(CloseReason::Refused { message: text }),
            ErrorVerdict::Retry => self.lose(now, format!("the master ended the stream: '{text}'")),
        }
    }
}

/// Input of the connection for calls. Answers to calls that are resolved already are ignored.
impl Session {
    /// A call was answered.
    pub fn handle_call_reply(&mut self, now: Instant, call: CallToken, status: StatusCode, text: &str) {
        let verdict = verdict::of_call(status, text);
        let short = excerpt(text);
        let outcome = match verdict {
            CallVerdict::Accepted => CallOutcome::Accepted,
            CallVerdict::Refused | CallVerdict::SubscriptionLost => {
                CallOutcome::Refused { status: status.as_u16(), text: short.clone() }
            }
        };
        let Some(kind) = self.calls.resolve(call, outcome) else { return };
        self.update_call_timer();
        let answer = format!("{} '{short}'", status.as_u16());
        match (kind, verdict) {
            (Kind::Plain, CallVerdict::Accepted | CallVerdict::Refused)
            | (Kind::Update(_), CallVerdict::Refused) => {}
            (Kind::Update(update), CallVerdict::Accepted) => {
                self.desired.suppressed_roles = update.suppressed_roles;
                self.desired.offer_constraints = update.offer_constraints;
                self.set_framework_info(update.framework_info);
            }
            (Kind::Teardown, CallVerdict::Accepted) => self.handle_teardown_accepted(),
            (Kind::Teardown, _) if verdict::is_unknown_framework(status, text) => {
                self.close_with(CloseReason::TornDown);
            }
            (Kind::Teardown, CallVerdict::Refused) => {
                let why = format!("TEARDOWN was refused with {answer}");
                self.close_with(CloseReason::TeardownUnconfirmed { why });
            }
            (Kind::Plain | Kind::Update(_) | Kind::Teardown, CallVerdict::SubscriptionLost) => {
                self.lose(now, format!("a call was refused with {answer}"));
            }
        }
    }

    /// A call was not answered, because its connection could not be made or broke; `why` says what was
    /// seen.
    pub fn handle_call_failed(&mut self, now: Instant, call: CallToken, why: &str) {
        let outcome = CallOutcome::OutcomeUnknown { why: why.to_owned() };
        let Some(kind) = self.calls.resolve(call, outcome) else { return };
        self.update_call_timer();
        match kind {
            Kind::Plain | Kind::Update(_) => {}
            Kind::Teardown => self.lose(now, format!("TEARDOWN: {why}")),
        }
    }

    fn handle_teardown_accepted(&mut self) {
        let State::Closing(Closing { is_accepted, is_ended, .. }) = &mut self.state else { return };
        *is_accepted = true;
        if *is_ended {
            self.close_with(CloseReason::TornDown);
        }
    }
}

/// Input of the owner's side.
impl Session {
    /// The answer to [`Transmit::RefreshCredentials`](super::Transmit::RefreshCredentials): there are other
    /// credentials, or why there are none.
    pub fn handle_credentials(&mut self, _now: Instant, _result: Result<(), AuthError>) {}

    /// The owner could not take an event: so many are waiting. Ends the session; no event follows but
    /// [`Event::Closed`].
    pub fn handle_overflow(&mut self, capacity: usize) {
        self.events.retain(|event| matches!(event, Event::Closed(_)));
        self.close_with(CloseReason::Overflow { capacity });
    }

    /// Time has passed: handles the earliest deadline, if it has come. The next one may have come, too.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(timer) = self.timers.take_expired(now) else { return };
        match timer {
            Timer::Connect => {
                let why = format!("no connection within {:?}", self.config.connect_timeout);
                self.lose_attempt(now, why);
            }
            Timer::Subscribe => {
                let why = format!("no SUBSCRIBED within {:?}", self.config.subscribe_timeout);
                self.lose_attempt(now, why);
            }
            Timer::Heartbeat => {
                let silence = self.state.subscription().map(|subscription| subscription.longest_silence);
                let silence = silence.unwrap_or_default();
                self.lose(now, format!("the master was silent for {silence:?}"));
            }
            Timer::Call => {
                let why = format!("a call was not answered within {:?}", self.config.call_timeout);
                self.lose(now, why);
            }
            Timer::Backoff => self.connect_to_next_master(now),
            Timer::Teardown => self.give_up_teardown(),
        }
    }

    fn give_up_teardown(&mut self) {
        if matches!(&self.state, State::Closing(closing) if closing.is_accepted) {
            return self.close_with(CloseReason::TornDown);
        }
        let limit = self.config.teardown_timeout;
        let mut why = format!("not confirmed within {limit:?}");
        if let Some(failure) = self.last_failure.take() {
            why.push_str(&format!(", the last failure was: {failure}"));
        }
        self.close_with(CloseReason::TeardownUnconfirmed { why });
    }
}
