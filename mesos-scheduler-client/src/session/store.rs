//! The id of the framework on its way from and to its store.

use std::time::Instant;

use mesos_proto::v1;

use super::{
    DisconnectCause as Cause, Session, Timer, Transmit,
    state::{Saving, State},
};
use crate::{deadline::after, identity::StoreError};

impl Session {
    /// Whether the store has to be asked before the first SUBSCRIBE.
    pub(super) fn must_load(&self) -> bool {
        self.config.has_framework_id_store && !self.is_id_loaded && self.framework_id().is_none()
    }

    pub(super) fn load_framework_id(&mut self, now: Instant) {
        self.timers.stop_all_but(Timer::Teardown);
        self.timers.set(Timer::Store, after(now, self.config.store_timeout));
        self.transmits.push_back(Transmit::LoadFrameworkId);
        self.state = State::Loading;
    }

    /// The answer to [`Transmit::LoadFrameworkId`]: what was found, or why nothing can be.
    pub fn handle_framework_id_loaded(
        &mut self,
        now: Instant,
        result: Result<Option<v1::FrameworkId>, StoreError>,
    ) {
        if !matches!(self.state, State::Loading) {
            return;
        }
        match result {
            Ok(id) => {
                self.is_id_loaded = true;
                self.stored_id.clone_from(&id);
                if id.is_some() {
                    self.desired.set_framework_id(id);
                }
                if self.is_tearing_down && self.framework_id().is_none() {
                    return self.close_without_framework();
                }
                self.proceed(now);
            }
            Err(error) => self.back_off(now, Cause::Store, error.to_string()),
        }
    }

    /// The answer to [`Transmit::SaveFrameworkId`] of this id: it is stored, or why it is not.
    pub fn handle_framework_id_saved(
        &mut self,
        now: Instant,
        id: &v1::FrameworkId,
        result: Result<(), StoreError>,
    ) {
        if !matches!(self.state, State::Saving(_)) || self.framework_id() != Some(id) {
            return;
        }
        if let Err(error) = result {
            return self.lose(now, Cause::Store, error.to_string());
        }
        self.stored_id = Some(id.clone());
        self.timers.stop(Timer::Store);
        if let State::Saving(Saving { subscription, held }) = std::mem::replace(&mut self.state, State::Idle)
        {
            self.events.extend(held);
            self.state = State::Subscribed(subscription);
        }
    }

    /// The store does not answer.
    pub(super) fn give_up_store(&mut self, now: Instant) {
        let why =
            format!("the store of the framework id did not answer within {:?}", self.config.store_timeout);
        match &self.state {
            State::Saving(_) => self.lose(now, Cause::Store, why),
            State::Loading => self.back_off(now, Cause::Store, why),
            State::Idle
            | State::Detecting
            | State::ExpectCredentials(_)
            | State::Connecting(_)
            | State::ExpectSubscribed(_)
            | State::Subscribed(_)
            | State::Backoff
            | State::Closing(_)
            | State::Closed => {}
        }
    }
}
