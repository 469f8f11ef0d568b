//! A timer that is set very often and rings rarely.

use std::{pin::Pin, time::Instant};

use tokio::time::{self, Sleep};

/// Rings at a deadline, or a little earlier: a deadline that moves on, as that of the heartbeat does with
/// every record, leaves the timer of the runtime alone until it rings.
#[derive(Debug)]
pub(crate) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    armed: Option<Instant>,
}

impl Alarm {
    pub(crate) fn new(now: Instant) -> Self {
        Self { sleep: Box::pin(time::sleep_until(now.into())), armed: None }
    }

    /// Waits for the deadline; for ever without one. May return early. Dropping the future loses nothing.
    pub(crate) async fn ring(&mut self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return std::future::pending().await };
        if self.armed.is_none_or(|armed| deadline < armed) {
            self.sleep.as_mut().reset(deadline.into());
            self.armed = Some(deadline);
        }
        self.sleep.as_mut().await;
        self.armed = None;
    }
}
