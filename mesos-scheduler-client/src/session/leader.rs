//! Word of who leads, from outside.

use std::time::{Duration, Instant};

use super::{
    CloseReason, DisconnectCause as Cause, Event, Session, SessionState, Timer, masters::Rotation,
    state::State,
};
use crate::{deadline::after, url::HttpUrl};

impl Session {
    /// This master leads, or none does (`why` says what was seen). Has an effect if the masters are
    /// [`Masters::detected`](super::Masters::detected). A change ends the present stream at once.
    pub fn handle_leader(&mut self, now: Instant, found: Result<HttpUrl, String>) {
        let Rotation::Detected { leader, why_none } = &mut self.rotation else { return };
        let told = match found {
            Ok(url) => Some(url),
            Err(why) => {
                *why_none = why;
                None
            }
        };
        if *leader == told {
            return;
        }
        leader.clone_from(&told);
        let why_none = why_none.clone();
        let may_go_on = !self.is_owner_behind || self.is_tearing_down;
        match (self.state.name(), told) {
            (SessionState::Detecting, Some(_)) if may_go_on => self.proceed(now),
            (SessionState::Detecting, Some(_)) => {
                self.timers.stop_all_but(Timer::Teardown);
                self.timers.set(Timer::Backoff, after(now, self.config.owner_check_interval()));
                self.state = State::Backoff;
            }
            (SessionState::Backoff, Some(_)) => {
                if may_go_on && self.may_follow_at_once(now) {
                    self.proceed(now);
                }
            }
            (
                SessionState::ExpectCredentials
                | SessionState::Connecting
                | SessionState::ExpectSubscribed
                | SessionState::Saving
                | SessionState::Subscribed
                | SessionState::Closing,
                told,
            ) => self.follow_leader(now, told, why_none),
            (SessionState::Detecting | SessionState::Backoff, None)
            | (SessionState::Idle | SessionState::Loading | SessionState::Closed, Some(_) | None) => {}
        }
    }

    fn follow_leader(&mut self, now: Instant, leader: Option<HttpUrl>, why_none: String) {
        let Some(leader) = leader else {
            return self.lose(now, Cause::LeaderChanged, why_none);
        };
        let present = self.state.target().map(|target| target.url.endpoint());
        if present == Some(leader.endpoint()) {
            // A redirect was faster.
            return;
        }
        self.lose_attempt(now, Cause::LeaderChanged, format!("{} leads", leader.endpoint()));
        // The new leader has done nothing to be spared, unless leaders come and go.
        if matches!(self.state, State::Backoff) && self.may_follow_at_once(now) {
            self.backoff.take_back();
            if let Some(Event::Disconnected { retry_in, .. }) = self.events.back_mut() {
                *retry_in = Duration::ZERO;
            }
            self.proceed(now);
        }
    }

    /// Whether it is some time since a new leader was asked without waiting.
    fn may_follow_at_once(&mut self, now: Instant) -> bool {
        let is_calm = self.followed.is_none_or(|last| now >= after(last, self.config.stable_after));
        if is_calm {
            self.followed = Some(now);
        }
        is_calm
    }

    /// Who leads cannot be learned, also not later: ends the session.
    pub fn handle_detection_failed(&mut self, why: &str) {
        self.close_with(CloseReason::Detection { why: why.to_owned() });
    }

    /// No leader was found for some time: tells it, and goes on waiting.
    pub(super) fn tell_no_leader(&mut self, now: Instant) {
        let Rotation::Detected { why_none, .. } = &self.rotation else { return };
        let (why, retry_in) = (why_none.clone(), self.config.detect_timeout);
        self.last_failure = Some(why.clone());
        self.timers.set(Timer::Detect, after(now, retry_in));
        self.events.push_back(Event::Disconnected { cause: Cause::NoLeader, why, retry_in });
    }
}
