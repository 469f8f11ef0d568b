//! The ways from one state to the next.

use std::time::{Duration, Instant};

use mesos_proto::v1::{self, scheduler::event};

use super::{
    CloseReason, Event, Session, StreamToken, Timer, Transmit,
    pending::Kind,
    request,
    state::{Attempt, Closing, State, Subscription},
};
use crate::{calls, deadline::after, url::HttpUrl};

/// What Mesos announces; for a master that announces nothing usable.
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(15);

/// A master that announces less often than this is as good as silent.
const LONGEST_HEARTBEAT: Duration = Duration::from_secs(24 * 60 * 60);

impl Session {
    pub(super) fn connect_to_next_master(&mut self, now: Instant) {
        let url = self.rotation.advance();
        self.connect(now, url, 0);
    }

    /// Sends SUBSCRIBE to `url`, the target of so many redirects.
    pub(super) fn connect(&mut self, now: Instant, url: HttpUrl, hops: u32) {
        let token = StreamToken(self.next_stream);
        self.next_stream += 1;
        let call = calls::subscribe(self.desired.clone());
        self.transmits.push_back(Transmit::Subscribe {
            stream: token,
            endpoint: url.endpoint().clone(),
            request: request::post(&url, request::body(&call)),
            with_credentials: true,
        });
        self.timers.stop_all_but(Timer::Teardown);
        self.timers.set(Timer::Connect, after(now, self.config.connect_timeout));
        self.state = State::Connecting(Attempt { token, url, hops, is_connected: false });
    }

    /// The connection stands; from here the time for SUBSCRIBED counts.
    pub(super) fn expect_subscribed_in_time(&mut self, now: Instant) {
        self.timers.stop(Timer::Connect);
        self.timers.set(Timer::Subscribe, after(now, self.config.subscribe_timeout));
    }

    /// The first record is SUBSCRIBED.
    pub(super) fn accept_subscription(&mut self, now: Instant, subscribed: event::Subscribed) {
        let given = subscribed.framework_id;
        match self.framework_id() {
            _ if given.value.is_empty() => {
                return self.lose_attempt(now, "SUBSCRIBED without a framework id".to_owned());
            }
            Some(own) if *own != given => {
                let why = format!("SUBSCRIBED names framework '{given}', expected '{own}'");
                return self.lose_attempt(now, why);
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
        let url = stream.url.endpoint().to_string();
        self.desired.framework_info.id = Some(given.clone());
        self.may_have_ghost = false;
        self.timers.stop(Timer::Subscribe);
        self.timers.set(Timer::Heartbeat, after(now, longest_silence));
        self.state = State::Subscribed(Subscription { stream, since: now, longest_silence });
        if self.is_tearing_down {
            return self.begin_teardown();
        }
        self.events.push_back(Event::Subscribed {
            framework_id: given,
            master: subscribed.master_info.map(Box::new),
            url,
            heartbeat_interval: heartbeat,
        });
    }

    /// From Subscribed to Closing.
    pub(super) fn begin_teardown(&mut self) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Subscribed(subscription) => {
                let call = v1::scheduler::Call {
                    framework_id: self.desired.framework_info.id.clone(),
                    ..calls::teardown()
                };
                self.calls.push(Kind::Teardown, request::body(&call));
                self.state = State::Closing(Closing { subscription, is_accepted: false, is_ended: false });
            }
            other => self.state = other,
        }
    }

    /// An attempt failed after SUBSCRIBE may have reached the master. Without an id the next attempt
    /// registers another framework; the owner should know.
    pub(super) fn lose_attempt(&mut self, now: Instant, mut why: String) {
        let is_sent = match &self.state {
            State::Connecting(attempt) => attempt.is_connected,
            State::ExpectSubscribed(_) => true,
            State::Idle | State::Subscribed(_) | State::Backoff | State::Closing(_) | State::Closed => false,
        };
        if is_sent && self.framework_id().is_none() {
            self.may_have_ghost = true;
            why.push_str(
                " (the master may have registered this framework; the next attempt registers another)",
            );
        }
        self.lose(now, why);
    }

    /// Gives up the present attempt or subscription and waits for the next one.
    pub(super) fn lose(&mut self, now: Instant, why: String) {
        let Some((token, url)) = self.state.peer() else { return };
        let why = format!("{}: {why}", url.endpoint());
        self.transmits.push_back(Transmit::Abort { stream: token });
        if let Some(subscription) = self.state.subscription() {
            let age = now.saturating_duration_since(subscription.since);
            if age >= self.config.stable_after {
                self.backoff.reset();
            }
        }
        self.calls.resolve_all(&why);
        self.last_failure = Some(why.clone());
        self.timers.stop_all_but(Timer::Teardown);
        let retry_in = self.backoff.next_delay();
        self.timers.set(Timer::Backoff, after(now, retry_in));
        self.state = State::Backoff;
        if self.is_tearing_down && self.framework_id().is_none() {
            return self.close_without_framework();
        }
        self.events.push_back(Event::Disconnected { why, retry_in });
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
        if let Some((stream, _)) = self.state.peer() {
            self.transmits.push_back(Transmit::Abort { stream });
        }
        self.calls.resolve_all(&reason.to_string());
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
