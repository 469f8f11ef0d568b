//! SIGINT and SIGTERM as a wish to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for the wish from the moment it is made.
#[derive(Debug)]
pub(super) struct Interrupt {
    int: Signal,
    term: Signal,
}

impl Interrupt {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { int: signal(SignalKind::interrupt())?, term: signal(SignalKind::terminate())? })
    }

    /// Waits for one of the two.
    pub(super) async fn wished(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
        }
    }
}
