//! The events of a client, in order.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use ::metrics::Histogram;
use futures_core::Stream;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    driver::now,
    event_queue::Queued,
    metrics,
    session::{CloseReason, Event},
};

/// The receiving end of a client. It owns the connections: dropping it closes them.
///
/// Take events without long pauses. They wait in a bounded queue. When that is full the client gives the
/// subscription up, because a master buffers without limit for a reader that is slow; the last event in the queue is then
/// [`Event::Disconnected`] with [`DisconnectCause::Overflow`](crate::DisconnectCause::Overflow), and the next
/// subscription begins when it was taken.
#[derive(Debug)]
pub struct Events {
    queue: mpsc::Receiver<Queued>,
    closed: Arc<OnceLock<CloseReason>>,
    lag: Histogram,
    is_closed_told: bool,
    /// The driver; its end is the end of `queue`, and dropping this ends it.
    _driver: JoinSet<()>,
}

impl Events {
    pub(crate) fn new(
        queue: mpsc::Receiver<Queued>,
        closed: Arc<OnceLock<CloseReason>>,
        driver: JoinSet<()>,
    ) -> Self {
        Self { queue, closed, lag: metrics::event_lag(), is_closed_told: false, _driver: driver }
    }

    /// Waits for the next event. After [`Event::Closed`] there is none. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.poll_event(context)).await
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some((since, event)) = ready!(self.queue.poll_recv(context)) {
            self.lag.record(now().saturating_duration_since(since));
            return Poll::Ready(Some(event));
        }
        if self.is_closed_told {
            return Poll::Ready(None);
        }
        self.is_closed_told = true;
        Poll::Ready(self.closed.get().cloned().map(Event::Closed))
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.get_mut().poll_event(context)
    }
}
