//! Word of who leads, from outside.

use std::time::{Duration, Instant};

use super::{CloseReason, DisconnectCause as Cause, Event, Session, Timer, masters::Rotation, state::State};
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
        match (&self.state, told) {
            (State::Detecting, Some(_)) => self.proceed(now),
            (State::Backoff, Some(_)) if !self.is_owner_behind => self.proceed(now),
            (
                State::ExpectCredentials(_)
                | State::Connecting(_)
                | State::ExpectSubscribed(_)
                | State::Saving(_)
                | State::Subscribed(_)
                | State::Closing(_),
                told,
            ) => self.follow_leader(now, told, why_none),
            (
                State::Idle | State::Loading | State::Detecting | State::Backoff | State::Closed,
                Some(_) | None,
            ) => {}
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
        // The new leader has done nothing to be spared, so it is asked at once.
        if matches!(self.state, State::Backoff) {
            if let Some(Event::Disconnected { retry_in, .. }) = self.events.back_mut() {
                *retry_in = Duration::ZERO;
            }
            self.proceed(now);
        }
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
