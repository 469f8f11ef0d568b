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
    CloseReason, DisconnectCause as Cause, Event, OnRemoved, Session, StreamToken, Timer, Transmit,
    request::{self, STREAM_ID},
    state::{Attempt, State, Stream, Target},
    verdict::{self, ErrorVerdict, SubscribeVerdict, excerpt},
};
use crate::{auth::AuthError, deadline::after, mutation::Mutation};

/// Events that are kept while the store of the framework id is slow.
const MAX_HELD: usize = 65_536;

/// Input of the event stream. Input of another stream than the present one is ignored.
impl Session {
    /// The credentials for a SUBSCRIBE are there, and its connection is being made; from here the time for that
    /// counts. Needs to be told only where credentials take time.
    pub fn handle_dialing(&mut self, now: Instant, token: StreamToken) {
        if matches!(&self.state, State::Connecting(attempt) if attempt.token == token && !attempt.is_connected)
        {
            self.timers.stop(Timer::Credentials);
            self.timers.set(Timer::Connect, after(now, self.config.connect_timeout));
        }
    }

    /// The connection for a SUBSCRIBE stands.
    pub fn handle_connected(&mut self, now: Instant, token: StreamToken) {
        match &mut self.state {
            State::Connecting(attempt) if attempt.token == token && !attempt.is_connected => {
                attempt.is_connected = true;
                self.expect_subscribed_in_time(now);
            }
            State::Idle
            | State::Loading
            | State::Detecting
            | State::ExpectCredentials(_)
            | State::Connecting(_)
            | State::ExpectSubscribed(_)
            | State::Saving(_)
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
        // A master looks at the credentials first: any other answer says that it takes them.
        if status != StatusCode::UNAUTHORIZED && attempt.target.is_trusted {
            self.is_refreshed = false;
        }
        match verdict::of_subscribe(status) {
            SubscribeVerdict::Stream => self.open_stream(now, headers),
            SubscribeVerdict::Redirect => self.follow(now, headers),
            SubscribeVerdict::Retry => self.lose(now, Cause::NotReady, answer()),
            SubscribeVerdict::Unauthorized => self.handle_unauthorized(now, text),
            SubscribeVerdict::Hopeless => {
                let (url, text) = (attempt.target.url.endpoint().to_string(), excerpt(text));
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
        if let Some(subscription) = self.state.subscription()
            && !self.mutations.has(Mutation::IgnoreSilence)
        {
            let deadline = after(now, subscription.longest_silence);
            self.timers.set(Timer::Heartbeat, deadline);
        }
        while let Some(decoder) = self.state.decoder() {
            match decoder.next_record() {
                Ok(None) => return,
                Ok(Some(record)) if record.is_empty() => {}
                Ok(Some(record)) => match scheduler::Event::decode(record) {
                    Ok(event) => self.handle_record(now, event),
                    Err(error) => {
                        self.lose_attempt(now, Cause::Protocol, format!("a record is no event: {error}"));
                    }
                },
                Err(error) => self.lose_attempt(now, Cause::Protocol, error.to_string()),
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
        if matches!(&self.state, State::Connecting(attempt) if attempt.token == token) {
            self.lose_credentials(now, error);
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
            State::Connecting(attempt) if !attempt.is_connected => {
                self.lose_attempt(now, Cause::Unreachable, why);
            }
            State::Connecting(_)
            | State::ExpectSubscribed(_)
            | State::Saving(_)
            | State::Subscribed(_)
            | State::Closing(_) => self.lose_attempt(now, Cause::StreamEnded, why),
            State::Idle
            | State::Loading
            | State::Detecting
            | State::ExpectCredentials(_)
            | State::Backoff
            | State::Closed => {}
        }
    }

    fn open_stream(&mut self, now: Instant, headers: &HeaderMap) {
        let Some(id) = headers.get(STREAM_ID) else {
            let why = "200 without Mesos-Stream-Id, so this is not the scheduler API of a master";
            return self.lose(now, Cause::Protocol, why.to_owned());
        };
        if !request::is_protobuf(headers) {
            let seen = headers.get(http::header::CONTENT_TYPE);
            let seen = seen.map_or("none".into(), |value| String::from_utf8_lossy(value.as_bytes()));
            let why = format!("content type '{}', expected '{}'", excerpt(&seen), request::PROTOBUF);
            return self.lose_attempt(now, Cause::Protocol, why);
        }
        let id = id.clone();
        let decoder = Decoder::with_max_record_bytes(self.config.max_record_bytes);
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Connecting(attempt) => {
                let (token, target) = (attempt.token, attempt.target);
                self.state = State::ExpectSubscribed(Stream { token, target, id, decoder });
            }
            other => self.state = other,
        }
    }

    /// 401: other credentials may help, once.
    fn handle_unauthorized(&mut self, now: Instant, text: &str) {
        let State::Connecting(Attempt { token, target, .. }) = &self.state else { return };
        let (stream, target, text) = (*token, target.clone(), excerpt(text));
        if !target.is_trusted {
            let why = format!("401 '{text}', and credentials are not sent there");
            return self.lose(now, Cause::Credentials, why);
        }
        if !self.config.can_refresh_credentials || self.is_refreshed {
            let url = target.url.endpoint().to_string();
            return self.close_with(CloseReason::Unauthorized { url, text });
        }
        self.transmits.push_back(Transmit::Abort { stream });
        self.transmits.push_back(Transmit::RefreshCredentials);
        self.timers.stop_all_but(Timer::Teardown);
        self.timers.set(Timer::Credentials, after(now, self.config.subscribe_timeout));
        self.state = State::ExpectCredentials(target);
    }

    fn follow(&mut self, now: Instant, headers: &HeaderMap) {
        let State::Connecting(Attempt { token, target, .. }) = &self.state else { return };
        let Some(location) = headers.get(LOCATION) else {
            return self.lose(now, Cause::Redirect, "a redirect without Location".to_owned());
        };
        let location = excerpt(&String::from_utf8_lossy(location.as_bytes()));
        if target.hops >= self.config.max_redirects {
            let why = format!("redirected {} times, lastly to '{location}'", target.hops + 1);
            return self.lose(now, Cause::Redirect, why);
        }
        match target.url.resolve(&location) {
            Ok(url) => {
                let is_trusted = self.rotation.contains(&url)
                    || self.rotation.contains(&target.url) && !url.is_less_secure_than(&target.url);
                let target = Target { url, hops: target.hops + 1, is_trusted };
                self.transmits.push_back(Transmit::Abort { stream: *token });
                self.connect(now, target);
            }
            Err(error) => {
                self.lose(now, Cause::Redirect, format!("cannot follow the redirect: {error}"));
            }
        }
    }

    fn handle_record(&mut self, now: Instant, event: scheduler::Event) {
        if event.r#type() == Type::Error {
            let message = event.error.map(|error| error.message).unwrap_or_default();
            return self.handle_error_event(now, &message);
        }
        match &self.state {
            State::ExpectSubscribed(_) => self.handle_first_record(now, event),
            State::Saving(_) | State::Subscribed(_) => match event.r#type() {
                Type::Subscribed => {
                    self.lose(now, Cause::Protocol, "SUBSCRIBED twice on one stream".to_owned());
                }
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
                | Type::Error => self.tell_event(now, event),
            },
            // Nobody could answer any more.
            State::Closing(_) => {}
            State::Idle
            | State::Loading
            | State::Detecting
            | State::ExpectCredentials(_)
            | State::Connecting(_)
            | State::Backoff
            | State::Closed => {}
        }
    }

    /// Not before the owner knows of the subscription.
    fn tell_event(&mut self, now: Instant, event: scheduler::Event) {
        let event = Event::Mesos(Box::new(event));
        match &mut self.state {
            State::Saving(saving) if saving.held.len() < MAX_HELD => saving.held.push(event),
            State::Saving(_) => {
                let why = format!("{MAX_HELD} events came before the framework id was stored");
                self.lose(now, Cause::Store, why);
            }
            State::Idle
            | State::Loading
            | State::Detecting
            | State::ExpectCredentials(_)
            | State::Connecting(_)
            | State::ExpectSubscribed(_)
            | State::Subscribed(_)
            | State::Backoff
            | State::Closing(_)
            | State::Closed => self.events.push_back(event),
        }
    }

    fn handle_first_record(&mut self, now: Instant, event: scheduler::Event) {
        match event.r#type() {
            Type::Subscribed => match event.subscribed {
                Some(subscribed) => self.accept_subscription(now, subscribed),
                None => {
                    self.lose_attempt(now, Cause::Protocol, "SUBSCRIBED without content".to_owned());
                }
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
                let why = format!("{} before SUBSCRIBED", early.as_str_name());
                self.lose_attempt(now, Cause::Protocol, why);
            }
        }
    }

    fn handle_error_event(&mut self, now: Instant, message: &str) {
        let is_subscribed = self.state.subscription().is_some();
        let text = excerpt(message);
        match verdict::of_error(message, is_subscribed) {
            ErrorVerdict::FailedOver => self.close_with(CloseReason::FailedOver),
            ErrorVerdict::Removed if self.is_tearing_down => self.close_with(CloseReason::TornDown),
            ErrorVerdict::Removed => self.handle_removed(now, text),
            ErrorVerdict::Refused => self.close_with(CloseReason::Refused { message: text }),
            ErrorVerdict::Retry => {
                self.lose(now, Cause::Error, format!("the master ended the stream: '{text}'"));
            }
        }
    }

    fn handle_removed(&mut self, now: Instant, message: String) {
        let id = self.framework_id().map(ToString::to_string).unwrap_or_default();
        match self.config.on_removed {
            OnRemoved::Close => self.close_with(CloseReason::Removed { message }),
            OnRemoved::StartOver => {
                self.desired.set_framework_id(None);
                // What the store has is this id or an older one.
                self.is_id_loaded = true;
                let why =
                    format!("framework '{id}' is gone: '{message}'; the next attempt registers a new one");
                self.lose(now, Cause::Removed, why);
            }
        }
    }
}

/// Input of the owner's side.
impl Session {
    /// The owner could not take an event: so many are waiting. Ends the stream; what has not been told
    /// of it is dropped. The next attempt follows after [`handle_caught_up`](Self::handle_caught_up).
    pub fn handle_overflow(&mut self, now: Instant, waiting: usize) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.is_owner_behind = true;
        // That a subscription was lost before is news that the owner must have.
        self.events.retain(|event| matches!(event, Event::Disconnected { .. }));
        if self.is_tearing_down {
            // No events of Mesos are told any more, so nothing is gained by giving the attempt up.
            return;
        }
        let why = format!("events were not taken in time, {waiting} were waiting");
        self.lose_attempt(now, Cause::Overflow, why);
    }

    /// The owner has taken all events that waited.
    pub fn handle_caught_up(&mut self) {
        self.is_owner_behind = false;
    }

    /// Time has passed: handles the earliest deadline, if it has come. The next one may have come, too.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(timer) = self.timers.take_expired(now) else { return };
        match timer {
            Timer::Store => self.give_up_store(now),
            Timer::Detect => self.tell_no_leader(now),
            Timer::Credentials => {
                let why = format!("none within {:?}", self.config.subscribe_timeout);
                self.lose_credentials(now, &AuthError::unavailable(why));
            }
            Timer::Connect => {
                let why = format!("no connection within {:?}", self.config.connect_timeout);
                self.lose_attempt(now, Cause::Unreachable, why);
            }
            Timer::Subscribe => {
                let why = format!("no SUBSCRIBED within {:?}", self.config.subscribe_timeout);
                self.lose_attempt(now, Cause::Late, why);
            }
            Timer::Heartbeat => {
                let silence = self.state.subscription().map(|subscription| subscription.longest_silence);
                let silence = silence.unwrap_or_default();
                self.lose(now, Cause::Silent, format!("the master was silent for {silence:?}"));
            }
            Timer::Call => {
                let why = format!("a call was not answered within {:?}", self.config.call_timeout);
                self.lose(now, Cause::CallLost, why);
            }
            // The owner must read what waits before there is more of it.
            Timer::Backoff if self.is_owner_behind && !self.is_tearing_down => {
                self.timers.set(Timer::Backoff, after(now, self.config.owner_check_interval()));
            }
            Timer::Backoff => self.proceed(now),
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
