//! Answers to calls, and to the wish for other credentials.

use std::time::Instant;

use http::StatusCode;

use super::{
    CallOutcome, CallToken, CloseReason, DisconnectCause as Cause, Session, Timer,
    pending::Kind,
    state::{Closing, State},
    verdict::{self, CallVerdict, excerpt},
};
use crate::{auth::AuthError, mutation::Mutation};

/// Input of the connection for calls. Answers to calls that are resolved already are ignored.
impl Session {
    /// A call was answered.
    pub fn handle_call_reply(&mut self, now: Instant, call: CallToken, status: StatusCode, text: &str) {
        let verdict = verdict::of_call(status, text);
        let is_repeatable = verdict == CallVerdict::Unauthorized && self.config.can_refresh_credentials;
        if is_repeatable && self.calls.keep_unauthorized(call) {
            return self.update_call_timer();
        }
        let short = excerpt(text);
        let outcome = match verdict {
            CallVerdict::Accepted => CallOutcome::Accepted,
            CallVerdict::Refused | CallVerdict::SubscriptionLost | CallVerdict::Unauthorized => {
                CallOutcome::Refused { status: status.as_u16(), text: short.clone() }
            }
        };
        let Some(kind) = self.calls.resolve(call, outcome) else { return };
        self.update_call_timer();
        let answer = format!("{} '{short}'", status.as_u16());
        match (kind, verdict) {
            (Kind::Teardown, CallVerdict::Accepted) => self.handle_teardown_accepted(),
            (Kind::Teardown, _) if verdict::is_unknown_framework(status, text) => {
                self.close_with(CloseReason::TornDown);
            }
            (Kind::Teardown, CallVerdict::Refused) => {
                let why = format!("TEARDOWN was refused with {answer}");
                self.close_with(CloseReason::TeardownUnconfirmed { why });
            }
            (kind, CallVerdict::Accepted) => self.desired.apply(kind),
            (Kind::Plain | Kind::Update(_) | Kind::Suppression { .. }, CallVerdict::Refused) => {}
            // SUBSCRIBE with the same credentials will tell whether they are good for anything.
            (_, CallVerdict::SubscriptionLost | CallVerdict::Unauthorized) => {
                self.lose(now, Cause::CallRefused, format!("a call was refused with {answer}"));
            }
        }
    }

    /// A call was not answered, because its connection could not be made or broke; `why` says what was
    /// seen.
    pub fn handle_call_failed(&mut self, now: Instant, call: CallToken, why: &str) {
        if self.mutations.has(Mutation::ResendCalls) {
            return self.calls.send_again(call);
        }
        let outcome = CallOutcome::OutcomeUnknown { why: why.to_owned() };
        let Some(kind) = self.calls.resolve(call, outcome) else { return };
        self.update_call_timer();
        match kind {
            // The master would have refused a wrong UPDATE_FRAMEWORK, and a SUBSCRIBE that says the same.
            Kind::Plain | Kind::Update(_) => {}
            Kind::Suppression { .. } => self.desired.apply(kind),
            Kind::Teardown => self.lose(now, Cause::CallLost, format!("TEARDOWN: {why}")),
        }
    }

    fn handle_teardown_accepted(&mut self) {
        let State::Closing(Closing { is_accepted, is_ended, .. }) = &mut self.state else { return };
        *is_accepted = true;
        if *is_ended {
            self.close_with(CloseReason::TornDown);
        }
    }

    /// The answer to [`Transmit::RefreshCredentials`](super::Transmit::RefreshCredentials): there are other
    /// credentials, or why there are none.
    pub fn handle_credentials(&mut self, now: Instant, result: Result<(), AuthError>) {
        let target = match &self.state {
            State::ExpectCredentials(target) => Some(target.clone()),
            State::Subscribed(_) | State::Closing(_) if self.calls.is_refresh_asked() => None,
            State::Idle
            | State::Loading
            | State::Detecting
            | State::Connecting(_)
            | State::ExpectSubscribed(_)
            | State::Saving(_)
            | State::Subscribed(_)
            | State::Backoff
            | State::Closing(_)
            | State::Closed => return,
        };
        self.timers.stop(Timer::Credentials);
        match (result, target) {
            (Ok(()), Some(target)) => {
                self.is_refreshed = true;
                self.connect(now, target);
            }
            (Ok(()), None) => self.calls.repeat_unauthorized(),
            (Err(error), _) => self.lose_credentials(now, &error),
        }
    }

    /// There are no credentials, for the moment or for good.
    pub(super) fn lose_credentials(&mut self, now: Instant, error: &AuthError) {
        if !error.is_final() {
            return self.lose(now, Cause::Credentials, error.to_string());
        }
        self.close_with(CloseReason::NoCredentials { why: error.to_string() });
    }
}
