//! The ways from one state to the next.

use std::time::{Duration, Instant};

use mesos_proto::v1::{self, scheduler::event};

use super::{
    CloseReason, DisconnectCause as Cause, Event, Session, StreamToken, Timer, Transmit, masters,
    pending::Kind,
    request,
    state::{Attempt, Closing, Saving, State, Subscription, Target},
};
use crate::{calls, deadline::after, mutation::Mutation};

/// What Mesos announces; for a master that announces nothing usable.
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(15);

/// A master that announces less often than this is as good as silent.
const LONGEST_HEARTBEAT: Duration = Duration::from_secs(24 * 60 * 60);

impl Session {
    /// Goes on towards a subscription: what is missing first.
    pub(super) fn proceed(&mut self, now: Instant) {
        if self.must_load() {
            return self.load_framework_id(now);
        }
        match self.rotation.advance() {
            Some(url) => self.connect(now, Target { url, hops: 0, is_trusted: true }),
            None => {
                self.timers.stop_all_but(Timer::Teardown);
                self.timers.set(Timer::Detect, after(now, self.config.detect_timeout));
                self.state = State::Detecting;
            }
        }
    }

    /// Sends SUBSCRIBE.
    pub(super) fn connect(&mut self, now: Instant, target: Target) {
        let token = StreamToken(self.next_stream);
        self.next_stream += 1;
        let mut subscribe = self.desired.0.clone();
        if self.mutations.has(Mutation::ForgetFrameworkId) && self.first_stream_id.is_some() {
            subscribe.framework_info.id = None;
        }
        let call = calls::subscribe(subscribe);
        let mut request = request::post(&target.url, request::body(&call));
        if let Some(id) = self.first_stream_id.clone()
            && self.mutations.has(Mutation::SubscribeWithStreamId)
        {
            request.headers_mut().insert(request::STREAM_ID, id);
        }
        self.transmits.push_back(Transmit::Subscribe {
            stream: token,
            endpoint: target.url.endpoint().clone(),
            request,
            with_credentials: target.is_trusted,
        });
        self.timers.stop_all_but(Timer::Teardown);
        if target.is_trusted && self.config.can_refresh_credentials {
            // A login may take longer than a connection.
            self.timers.set(Timer::Credentials, after(now, self.config.subscribe_timeout));
        } else {
            self.timers.set(Timer::Connect, after(now, self.config.connect_timeout));
        }
        self.state = State::Connecting(Attempt { token, target, is_connected: false });
    }

    /// The connection stands; from here the time for SUBSCRIBED counts.
    pub(super) fn expect_subscribed_in_time(&mut self, now: Instant) {
        self.timers.stop(Timer::Credentials);
        self.timers.stop(Timer::Connect);
        self.timers.set(Timer::Subscribe, after(now, self.config.subscribe_timeout));
    }

    /// The first record is SUBSCRIBED.
    pub(super) fn accept_subscription(&mut self, now: Instant, subscribed: event::Subscribed) {
        let given = subscribed.framework_id;
        match self.framework_id() {
            _ if given.value.is_empty() => {
                let why = "SUBSCRIBED without a framework id".to_owned();
                return self.lose_attempt(now, Cause::Protocol, why);
            }
            Some(own) if *own != given => {
                let why = format!("SUBSCRIBED names framework '{given}', expected '{own}'");
                return self.lose_attempt(now, Cause::Protocol, why);
            }
            Some(_) | None => {}
        }
        let stream = match std::mem::replace(&mut self.state, State::Idle) {
            State::ExpectSubscribed(stream) => stream,
            other => {
                self.state = other;
                return;
            }
        };
        let heartbeat = heartbeat_interval(subscribed.heartbeat_interval_seconds);
        let longest_silence = heartbeat.saturating_mul(self.config.missed_heartbeats.max(1));
        let url = stream.target.url.endpoint().to_string();
        self.desired.set_framework_id(Some(given.clone()));
        self.may_have_ghost = false;
        self.is_refreshed = false;
        self.timers.stop(Timer::Subscribe);
        if !self.mutations.has(Mutation::IgnoreSilence) {
            self.timers.set(Timer::Heartbeat, after(now, longest_silence));
        }
        self.first_stream_id.get_or_insert_with(|| stream.id.clone());
        let subscription = Subscription { stream, since: now, longest_silence };
        let told = Event::Subscribed {
            framework_id: given.clone(),
            master: subscribed.master_info.map(Box::new),
            url,
            heartbeat_interval: heartbeat,
        };
        if self.is_tearing_down {
            self.state = State::Subscribed(subscription);
            self.begin_teardown();
        } else if self.config.has_framework_id_store
            && self.stored_id.as_ref() != Some(&given)
            && !self.mutations.has(Mutation::TellBeforeStored)
        {
            self.state = State::Saving(Saving { subscription, held: vec![told] });
            self.timers.set(Timer::Store, after(now, self.config.store_timeout));
            self.transmits.push_back(Transmit::SaveFrameworkId { id: given });
        } else {
            self.state = State::Subscribed(subscription);
            self.events.push_back(told);
        }
    }

    /// From Saving or Subscribed to Closing.
    pub(super) fn begin_teardown(&mut self) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Saving(Saving { subscription, .. }) | State::Subscribed(subscription) => {
                self.timers.stop(Timer::Store);
                let framework_id = self.framework_id().cloned();
                let call = v1::scheduler::Call { framework_id, ..calls::teardown() };
                self.calls.push_always(Kind::Teardown, request::body(&call));
                self.state = State::Closing(Closing { subscription, is_accepted: false, is_ended: false });
            }
            other => self.state = other,
        }
    }

    /// An attempt failed after SUBSCRIBE may have reached the master. Without an id the next attempt
    /// registers another framework; the owner should know.
    pub(super) fn lose_attempt(&mut self, now: Instant, cause: Cause, mut why: String) {
        let is_sent = match &self.state {
            State::Connecting(attempt) => attempt.is_connected,
            State::ExpectSubscribed(_) => true,
            State::Idle
            | State::Loading
            | State::Detecting
            | State::ExpectCredentials(_)
            | State::Saving(_)
            | State::Subscribed(_)
            | State::Backoff
            | State::Closing(_)
            | State::Closed => false,
        };
        if is_sent && self.framework_id().is_none() {
            self.may_have_ghost = true;
            why.push_str(
                " (the master may have registered this framework; the next attempt registers another)",
            );
        }
        self.lose(now, cause, why);
    }

    /// Gives up the present attempt or subscription and waits for the next one.
    pub(super) fn lose(&mut self, now: Instant, cause: Cause, why: String) {
        let Some(target) = self.state.target() else { return };
        let why = format!("{}: {why}", masters::shown(&target.url));
        if let Some(stream) = self.state.peer() {
            self.transmits.push_back(Transmit::Abort { stream });
        }
        if let Some(subscription) = self.state.subscription() {
            let age = now.saturating_duration_since(subscription.since);
            if age >= self.config.stable_after {
                self.backoff.reset();
            }
        }
        self.back_off(now, cause, why);
    }

    /// Waits for the next attempt, and says why.
    pub(super) fn back_off(&mut self, now: Instant, cause: Cause, why: String) {
        for kind in self.calls.resolve_all(&why) {
            // As after an answer that was lost: only a refusal would undo the wish.
            if matches!(kind, Kind::Suppression { .. }) {
                self.desired.apply(kind);
            }
        }
        self.last_failure = Some(why.clone());
        self.timers.stop_all_but(Timer::Teardown);
        let retry_in = self.backoff.next_delay();
        self.timers.set(Timer::Backoff, after(now, retry_in));
        self.state = State::Backoff;
        if self.is_tearing_down && self.framework_id().is_none() && !self.must_load() {
            return self.close_without_framework();
        }
        self.events.push_back(Event::Disconnected { cause, why, retry_in });
    }

    /// A teardown is wished, and no framework is known to exist.
    pub(super) fn close_without_framework(&mut self) {
        let why = self.last_failure.take().filter(|_| self.may_have_ghost);
        self.close_with(match why {
            Some(why) => CloseReason::TeardownUnconfirmed { why },
            None => CloseReason::TornDown,
        });
    }

    /// Ends the session.
    pub(super) fn close_with(&mut self, reason: CloseReason) {
        if matches!(self.state, State::Closed) {
            return;
        }
        if let Some(stream) = self.state.peer() {
            self.transmits.push_back(Transmit::Abort { stream });
        }
        if self.config.has_framework_id_store && reason == CloseReason::TornDown {
            self.transmits.push_back(Transmit::ClearFrameworkId);
        }
        drop(self.calls.resolve_all(&reason.to_string()));
        self.timers.stop_all();
        self.state = State::Closed;
        self.events.push_back(Event::Closed(reason));
    }

    pub(super) fn update_call_timer(&mut self) {
        match self.calls.deadline() {
            Some(at) => self.timers.set(Timer::Call, at),
            None => self.timers.stop(Timer::Call),
        }
    }
}

fn heartbeat_interval(seconds: Option<f64>) -> Duration {
    seconds
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|interval| !interval.is_zero())
        .map_or(DEFAULT_HEARTBEAT, |interval| interval.min(LONGEST_HEARTBEAT))
}
