//! SIGINT, SIGTERM and SIGHUP as a wish to stop.

use std::{io, process};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use super::{Exit, Failure};

/// Signals after which the program ends at once, whatever it does: somebody means it.
const LAST_SIGNAL: u32 = 3;

/// Listens for the wish from the moment it is made, also while nobody waits for it.
#[derive(Debug)]
pub(super) struct Interrupt {
    signals: watch::Receiver<u32>,
    _listener: JoinSet<()>,
}

impl Interrupt {
    pub(super) fn listen() -> Result<Self, Failure> {
        Self::try_listen()
            .map_err(|error| Failure::platform(format!("signals cannot be listened for: {error}")))
    }

    fn try_listen() -> io::Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [int, term, hup] = kinds.map(signal);
        let (count, signals) = watch::channel(0);
        let mut listener = JoinSet::new();
        listener.spawn(listen([int?, term?, hup?], count));
        Ok(Self { signals, _listener: listener })
    }

    /// Waits for a signal that was not waited for before.
    pub(super) async fn wished(&mut self) {
        if self.signals.changed().await.is_err() {
            // The listener goes with this value only.
            std::future::pending::<()>().await;
        }
    }
}

async fn listen([mut int, mut term, mut hup]: [Signal; 3], count: watch::Sender<u32>) {
    loop {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
            _ = hup.recv() => {}
        }
        count.send_modify(|count| *count += 1);
        if *count.borrow() >= LAST_SIGNAL {
            process::exit(Exit::Interrupted as i32);
        }
    }
}
