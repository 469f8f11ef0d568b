//! How many connections are open.

use std::sync::Arc;

use tokio::sync::watch;

/// Counts the connections of some servers.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Arc<watch::Sender<usize>>);

/// One of them.
pub(super) struct OpenConnection(Connections);

impl Connections {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    pub(super) fn open(&self) -> OpenConnection {
        self.0.send_modify(|count| *count += 1);
        OpenConnection(self.clone())
    }

    pub(crate) fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until so many are open.
    pub(crate) async fn reach(&self, wanted: usize) {
        let mut counts = self.0.subscribe();
        counts.wait_for(|count| *count == wanted).await.expect("the sender is held here");
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
