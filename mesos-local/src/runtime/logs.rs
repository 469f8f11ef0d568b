//! The runtime's own stdout and stderr, which it shares with the action.

use tokio::{
    io::{AsyncWriteExt, Stderr, Stdout},
    sync::Mutex,
};

/// Ends the logs of an activation, as a line on each stream.
pub(super) const SENTINEL: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

/// Writes whole lines, each flushed before the call returns. A stream that nobody reads any more is no
/// reason to stop: its lines are dropped.
pub(super) struct Logs {
    stdout: Mutex<Stdout>,
    stderr: Mutex<Stderr>,
}

impl Default for Logs {
    fn default() -> Self {
        Self { stdout: Mutex::new(tokio::io::stdout()), stderr: Mutex::new(tokio::io::stderr()) }
    }
}

impl Logs {
    /// Writes to stdout what is a line, or several.
    pub(super) async fn stdout_line(&self, line: &[u8]) {
        write_line(&mut *self.stdout.lock().await, line).await;
    }

    /// Writes to stderr what is a line, or several.
    pub(super) async fn stderr_line(&self, line: &str) {
        write_line(&mut *self.stderr.lock().await, line.as_bytes()).await;
    }

    /// Ends the logs of one activation on both streams.
    pub(super) async fn sentinels(&self) {
        self.stdout_line(SENTINEL.as_bytes()).await;
        self.stderr_line(SENTINEL).await;
    }
}

async fn write_line(stream: &mut (impl AsyncWriteExt + Unpin), line: &[u8]) {
    let text = [line, b"\n"].concat();
    if stream.write_all(&text).await.is_ok() {
        let _ = stream.flush().await;
    }
}
