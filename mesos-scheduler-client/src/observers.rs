//! Who else sees the events of a client.

use std::{fmt, sync::Arc};

use crate::session::Event;

type Observer = dyn Fn(&Event) + Send + Sync;

/// Functions that see each event as it is told.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Fn(&Event) + Send + Sync + 'static) {
        self.0.push(Arc::new(observer));
    }

    pub(crate) fn tell(&self, event: &Event) {
        for observer in &self.0 {
            observer(event);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} observers", self.0.len())
    }
}
