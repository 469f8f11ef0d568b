//! Python actions: one child for the code that was accepted, which answers every run.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use http::StatusCode;
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::{
    archive,
    launcher::{CallHeader, Launcher},
    logs::Logs,
    message::{InitValue, JsonKind, Reply, Request},
    processes::find_program,
};

/// The action and the process that runs it. Calls wait for each other.
pub(super) struct PythonAction {
    directory: PathBuf,
    launcher: PathBuf,
    logs: Logs,
    state: Mutex<State>,
}

enum State {
    /// No code was accepted yet.
    ExpectInit,
    /// Takes runs. The directory holds the code.
    Ready { launcher: Box<Launcher>, _code: TempDir },
    /// The process died after its code was accepted; another one never comes.
    Dead,
}

/// Why an `/init` failed.
enum InitError {
    /// The request is wrong.
    Request(StatusCode, String),
    /// The code is: the line for the log, and the text of the answer.
    Code { log: Option<String>, text: &'static str },
}

const NO_BINARY: &str = "The action failed to generate or locate a binary. See logs for details.";
const CANNOT_START: &str = "Cannot start action. Check logs for details.";

impl PythonAction {
    /// An action that keeps its files in a directory.
    pub(super) fn new(directory: &Path, logs: Logs) -> io::Result<Self> {
        let launcher = directory.join("launcher.py");
        fs::write(&launcher, include_str!("launcher.py"))?;
        Ok(Self { directory: directory.to_owned(), launcher, logs, state: Mutex::new(State::ExpectInit) })
    }

    /// Answers one request, whatever its method.
    pub(super) async fn handle(&self, request: Request) -> Reply {
        let Some(body) = request.body else {
            return Reply::error(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large");
        };
        match request.path.as_str() {
            "/init" => self.init(&body).await,
            "/run" => self.run(&body).await,
            _ => Reply { status: StatusCode::OK, content_type: None, body: Bytes::new() },
        }
    }

    async fn init(&self, body: &[u8]) -> Reply {
        let mut state = self.state.lock().await;
        if !matches!(*state, State::ExpectInit) {
            let text = "Cannot initialize the action more than once.";
            self.logs.stderr_line(text).await;
            return Reply::error(StatusCode::FORBIDDEN, text);
        }
        match self.start(body).await {
            Ok(ready) => {
                *state = ready;
                Reply::json_line(StatusCode::OK, br#"{"ok":true}"#)
            }
            Err(InitError::Request(status, text)) => Reply::error(status, &text),
            Err(InitError::Code { log, text }) => {
                if let Some(log) = log {
                    self.logs.stderr_line(&log).await;
                }
                self.logs.sentinels().await;
                Reply::error(StatusCode::BAD_GATEWAY, text)
            }
        }
    }

    async fn start(&self, body: &[u8]) -> Result<State, InitError> {
        let value = InitValue::from_body(body).map_err(|error| {
            let why = if error.is_eof() { "unexpected end of JSON input".into() } else { error.to_string() };
            InitError::Request(StatusCode::BAD_REQUEST, format!("Error unmarshaling request: {why}"))
        })?;
        let code = value.code.unwrap_or_default();
        if code.is_empty() {
            let text = "Missing main/no code to execute.";
            return Err(InitError::Request(StatusCode::FORBIDDEN, text.into()));
        }
        let code = if value.binary == Some(true) {
            archive::decode_base64(&code).map_err(|at| {
                let text = format!("cannot decode the request: illegal base64 data at input byte {at}");
                InitError::Request(StatusCode::BAD_REQUEST, text)
            })?
        } else {
            code.into_bytes()
        };
        let program =
            find_program("python3").map_err(|error| InitError::Request(StatusCode::BAD_GATEWAY, error))?;
        let (directory, source) = self.write_code(&code).map_err(|error| InitError::Code {
            log: Some(format!("cannot unpack the action: {error}")),
            text: NO_BINARY,
        })?;
        let main = value.main.filter(|main| !main.is_empty()).unwrap_or_else(|| "main".into());
        let arguments = [self.launcher.as_os_str(), source.as_os_str(), OsStr::new(&main)];
        let environment = environment(value.env.unwrap_or_default());
        let started = Launcher::start(&program, &arguments, &environment, directory.path());
        let mut launcher = started.map_err(|error| InitError::Code {
            log: Some(format!("cannot start {}: {error}", program.display())),
            text: CANNOT_START,
        })?;
        match launcher.reader.read().await {
            Some((header, _)) if header.status == 200 => {
                Ok(State::Ready { launcher: Box::new(launcher), _code: directory })
            }
            Some(_) => Err(InitError::Code { log: None, text: NO_BINARY }),
            None => {
                // How it ended does not matter; that all it printed is out does.
                let _ = launcher.process.end().await;
                let log = Some("Command exited abruptly during initialization.".into());
                Err(InitError::Code { log, text: CANNOT_START })
            }
        }
    }

    /// Puts the code into a directory of its own and names the file to run.
    fn write_code(&self, code: &[u8]) -> io::Result<(TempDir, PathBuf)> {
        let directory = TempDir::new_in(&self.directory)?;
        if !archive::is_zip(code) {
            let source = directory.path().join("main__.py");
            fs::write(&source, code)?;
            return Ok((directory, source));
        }
        archive::unpack(code, directory.path())?;
        let source = directory.path().join("__main__.py");
        if !source.is_file() {
            return Err(io::Error::other("the archive holds no __main__.py at its root"));
        }
        Ok((directory, source))
    }

    async fn run(&self, body: &[u8]) -> Reply {
        let mut state = self.state.lock().await;
        let State::Ready { launcher, .. } = &mut *state else {
            return Reply::error(StatusCode::INTERNAL_SERVER_ERROR, "no action defined yet");
        };
        let header = CallHeader { id: 1, path: "/run", directory: None, refusal: None, length: body.len() };
        // A process that is gone cannot be written to; reading tells.
        let _ = launcher.writer.write(&header, body).await;
        let answer = launcher.reader.read().await;
        if answer.is_none() {
            let _ = launcher.process.end().await;
            *state = State::Dead;
        }
        self.logs.sentinels().await;
        let Some((_, result)) = answer else {
            return Reply::error(StatusCode::BAD_REQUEST, "command exited");
        };
        match JsonKind::of(&result) {
            JsonKind::Object | JsonKind::Array | JsonKind::Null => Reply::json_line(StatusCode::OK, &result),
            JsonKind::Other | JsonKind::Invalid => {
                let text = "The action did not return a dictionary or array.";
                Reply::error(StatusCode::BAD_GATEWAY, text)
            }
        }
    }
}

/// Values that are no text are written as JSON.
fn environment(values: BTreeMap<String, serde_json::Value>) -> BTreeMap<String, String> {
    values
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => (name, text),
            other => (name, other.to_string()),
        })
        .collect()
}
