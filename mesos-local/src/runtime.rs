//! Action runtime: the `/init` and `/run` contract of OpenWhisk action containers, for process agents.
//!
//! A container of OpenWhisk is an image with a web server on port 8080 that takes the code of one action
//! at `/init` and then runs it at each `/run`. An agent that starts plain processes has no images; this
//! runtime is the program that it starts for them. It answers as the upstream runtimes do
//! (`openwhisk/action-python-v3.11`, `openwhisk/action-nodejs-v20` and `openwhisk/dockerskeleton`):
//! status codes, bodies, environment, and which answers are followed by the log sentinels.
//!
//! Where the upstream behaviour is of no use to anyone, this runtime differs:
//! - overlapping runs of a Python action wait for each other; upstream never answers the second one;
//! - a native action's log lines appear as they are written, not when it ends;
//! - a native action may be a program itself in base64, not only a zip archive with `exec`;
//! - stray lines of the upstream proxies (time stamps, `undefined`) are not printed.

mod archive;
mod arguments;
mod httpd;
mod launcher;
mod logs;
mod message;
mod native;
mod nodejs;
mod processes;
mod python;
mod server;

use std::{io, net::Ipv4Addr, path::PathBuf, process::ExitCode};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

pub use self::arguments::{USAGE, UsageError};
use self::{logs::Logs, native::NativeAction, nodejs::NodeAction, python::PythonAction, server::Server};

/// What kind of action a runtime takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Python source, or a zip archive with `__main__.py`; needs `python3`.
    Python,
    /// JavaScript source, or a zip archive with `package.json` or `index.js`; needs `node`.
    NodeJs,
    /// Any executable: the text of a script, a program in base64, or a zip archive with `exec`.
    Native,
    /// No action at all: a web server with one page, at `/` and `/index.html`. SIGTERM kills it.
    Httpd,
}

impl Kind {
    /// The name on the command line: `python`, `nodejs`, `native` or `httpd`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::NodeJs => "nodejs",
            Self::Native => "native",
            Self::Httpd => "httpd",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = UsageError;

    fn from_str(text: &str) -> Result<Self, UsageError> {
        [Self::Python, Self::NodeJs, Self::Native, Self::Httpd]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UsageError::unknown_kind(text))
    }
}

/// How to start a runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// What kind of action it takes.
    pub kind: Kind,
    /// Port on 127.0.0.1. With 0 the system chooses one, and the first line on stderr names it:
    /// `listening on 127.0.0.1:40123`.
    pub port: u16,
    /// Ends when stdin does: whoever holds the other end need not be alive to stop the runtime.
    pub exit_with_stdin: bool,
}

/// Serves one action until SIGTERM, SIGINT, the end of stdin (if asked for), or the death of the Node
/// process, whose exit status is returned as the upstream container's would be.
///
/// The calling process must be the runtime's own: it adopts orphans among the processes below it, and at
/// the end kills all of them, because the action started them. Whoever kills the runtime with SIGKILL
/// must kill its process group. Logs go to stdout and stderr; files to a directory of its own, in
/// `$MESOS_SANDBOX` if that is set. Needs a Tokio runtime with I/O and time enabled.
///
/// # Errors
/// The port cannot be listened on, or no temporary directory can be made.
pub async fn run(config: RuntimeConfig) -> io::Result<ExitCode> {
    processes::adopt_orphans();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on 127.0.0.1:{}: {error}", config.port))
    })?;
    let directory = tempfile::Builder::new().prefix("action-runtime-").tempdir_in(scratch_directory())?;
    let logs = Logs::default();
    if config.port == 0 {
        logs.stderr_line(&format!("listening on {}", listener.local_addr()?)).await;
    }
    let action = match config.kind {
        // Web servers of real images do not handle SIGTERM, which shows when a container is stopped.
        Kind::Httpd => {
            let code = tokio::select! {
                code = httpd::serve(listener) => code,
                () = watch_stdin(config.exit_with_stdin) => 0,
            };
            return Ok(ExitCode::from(code));
        }
        Kind::Python => Action::Python(PythonAction::new(directory.path(), logs)?),
        Kind::NodeJs => Action::NodeJs(Box::new(NodeAction::new(directory.path(), logs)?)),
        Kind::Native => Action::Native(NativeAction::new(directory.path(), logs)),
    };
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let code = tokio::select! {
        code = Server::new(listener, action).serve() => code,
        _ = terminated.recv() => 128 + 15,
        _ = interrupted.recv() => 128 + 2,
        () = watch_stdin(config.exit_with_stdin) => 0,
    };
    processes::kill_descendants().await;
    Ok(ExitCode::from(code))
}

/// Where files can be put: the sandbox of the task, which goes with them even if this process is killed.
fn scratch_directory() -> PathBuf {
    std::env::var_os("MESOS_SANDBOX").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// One action of some kind.
enum Action {
    Python(PythonAction),
    NodeJs(Box<NodeAction>),
    Native(NativeAction),
}

impl Action {
    /// The answer to a request; `None` closes the connection without one.
    async fn handle(&self, request: message::Request) -> Option<message::Reply> {
        match self {
            Self::Python(action) => Some(action.handle(request).await),
            Self::NodeJs(action) => action.handle(request).await,
            Self::Native(action) => Some(action.handle(request).await),
        }
    }

    /// Resolves when the runtime must end with the action, to the exit code; only Node's does.
    async fn ended(&self) -> u8 {
        match self {
            Self::NodeJs(action) => action.ended().await,
            Self::Python(_) | Self::Native(_) => std::future::pending().await,
        }
    }

    /// Largest body of a request, in bytes.
    fn max_body_bytes(&self) -> usize {
        match self {
            // The upstream limit, 48 MB.
            Self::NodeJs(_) => 48 << 20,
            // Upstream has none; this one is there to bound memory.
            Self::Python(_) | Self::Native(_) => 512 << 20,
        }
    }
}

/// Resolves when stdin ends; never, unless asked to watch.
///
/// A thread of its own reads: Tokio's stdin would keep the program from exiting until the read returns.
async fn watch_stdin(watch: bool) {
    if !watch {
        return std::future::pending().await;
    }
    let (ended, wait) = oneshot::channel();
    std::thread::spawn(move || {
        // An error means that nothing can be read any more, which is an end too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    // The thread sends before it drops its end.
    let _ = wait.await;
}
