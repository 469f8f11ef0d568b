//! What goes to stdout and stderr, and what only a terminal gets to see.

use std::{
    env,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;
use whisk_mesos_factory::LogLine;

/// The two streams of the program.
#[derive(Debug)]
pub(super) struct Output {
    progress: Option<ProgressBar>,
}

impl Output {
    /// Shows progress if stderr is a terminal.
    pub(super) fn new() -> Self {
        let progress = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            let bar = ProgressBar::new_spinner();
            // Without the template the default one does.
            style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
        });
        Self { progress }
    }

    /// The stage that is being gone through.
    pub(super) fn stage(&self, stage: &str) {
        if let Some(progress) = &self.progress {
            if progress.is_finished() {
                progress.reset();
            }
            progress.enable_steady_tick(Duration::from_millis(100));
            progress.set_message(stage.to_owned());
        }
    }

    /// No stage any more: the line of the terminal is free.
    pub(super) fn end_stages(&self) {
        if let Some(progress) = &self.progress {
            progress.finish_and_clear();
        }
    }

    /// The result, on stdout. A reader that has gone away does not want it, which is no error.
    pub(super) fn result(&self, text: &str) -> io::Result<()> {
        self.end_stages();
        let mut stdout = io::stdout();
        match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// A line of a log, on stderr.
    pub(super) fn log(&self, line: &LogLine) {
        self.end_stages();
        let _ = writeln!(io::stderr(), "{}: {}", line.stream, line.log);
    }

    /// Something that went wrong, on stderr.
    pub(super) fn problem(&self, text: &str) {
        self.end_stages();
        let _ = writeln!(io::stderr(), "whisk-mesos: {text}");
    }
}

/// Sends what the libraries have to say to stderr: nothing unless it is asked for.
pub(super) fn start_tracing(verbose: u8) -> Result<(), String> {
    let default = match verbose {
        0 => "off",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = match env::var("RUST_LOG") {
        Ok(text) if verbose == 0 && !text.is_empty() => EnvFilter::try_new(&text).map_err(|error| {
            format!("RUST_LOG: '{text}': {error}; expected such as 'info' or 'whisk_mesos=debug'")
        })?,
        Ok(_) | Err(_) => EnvFilter::new(default),
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    Ok(())
}
