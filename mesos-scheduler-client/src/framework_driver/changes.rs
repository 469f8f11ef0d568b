//! Everything that happens to tasks, as a stream.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::sync::mpsc;

use crate::framework::Change;

/// The changes of all tasks of a framework, in the order in which they happened, none left out. They wait in memory
/// until they are taken, so take them or drop this. The end comes with the framework's last handle.
#[derive(Debug)]
pub struct Changes(pub(super) mpsc::UnboundedReceiver<Change>);

impl Changes {
    /// The next change; `None` if no more will come. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Change> {
        self.0.recv().await
    }
}

impl Stream for Changes {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change>> {
        self.0.poll_recv(context)
    }
}
