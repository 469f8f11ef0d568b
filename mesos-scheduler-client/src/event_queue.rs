//! The bounded queue between the driver, which never waits, and the owner of the events.

use std::time::Instant;

use tokio::sync::mpsc::{self, error::TrySendError};

use crate::session::Event;

/// An event, and when it was queued.
pub(crate) type Queued = (Instant, Event);

/// The sending end.
#[derive(Debug)]
pub(crate) struct EventQueue {
    events: mpsc::Sender<Queued>,
    /// Told after an overflow: that the subscription was given up. While it waits, nothing else is queued.
    overdue: Option<Queued>,
    is_owner_behind: bool,
}

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Push {
    /// It is in the queue.
    Queued,
    /// There is no room. An event that tells of a lost subscription waits for it, any other one is dropped.
    Full,
    /// Nobody takes events any more.
    Gone,
}

/// What the owner of the events did.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Took all that waited.
    CaughtUp,
    /// Went away.
    Gone,
}

impl EventQueue {
    pub(crate) fn new(events: mpsc::Sender<Queued>) -> Self {
        Self { events, overdue: None, is_owner_behind: false }
    }

    /// Events that fit.
    pub(crate) fn capacity(&self) -> usize {
        self.events.max_capacity()
    }

    pub(crate) fn push(&mut self, now: Instant, event: Event) -> Push {
        if self.overdue.is_some() {
            return Push::Full;
        }
        match self.events.try_send((now, event)) {
            Ok(()) => Push::Queued,
            Err(TrySendError::Full(queued)) => {
                self.is_owner_behind = true;
                if matches!(queued.1, Event::Disconnected { .. }) {
                    self.overdue = Some(queued);
                }
                Push::Full
            }
            Err(TrySendError::Closed(_)) => Push::Gone,
        }
    }

    /// Waits until the owner of a queue that overflowed has taken everything; for ever, if it did not overflow.
    /// Dropping the future loses nothing.
    pub(crate) async fn progress(&mut self) -> Progress {
        if !self.is_owner_behind {
            return std::future::pending().await;
        }
        if self.overdue.is_some() {
            match self.events.reserve().await {
                Ok(room) => {
                    if let Some(queued) = self.overdue.take() {
                        room.send(queued);
                    }
                }
                Err(_gone) => return Progress::Gone,
            }
        }
        match self.events.reserve_many(self.events.max_capacity()).await {
            Ok(_room) => {
                self.is_owner_behind = false;
                Progress::CaughtUp
            }
            Err(_gone) => Progress::Gone,
        }
    }
}
