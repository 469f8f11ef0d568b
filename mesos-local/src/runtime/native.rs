//! Native actions: an executable that is started anew for each run.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::value::RawValue;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    sync::Mutex,
};

use super::{
    archive,
    logs::Logs,
    message::{InitValue, JsonKind, Reply, Request, object_fields, respace},
};

/// Longest argument of a program on Linux, without its terminating zero.
const MAX_ARGUMENT_BYTES: usize = 131_071;

const NO_RESULT: &str = "The action did not return a dictionary or array.";
const BAD_ARGUMENT: &str = "The action did not receive a dictionary or array as an argument.";

/// The action and its files. Calls wait for each other.
pub(super) struct NativeAction {
    directory: PathBuf,
    logs: Logs,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    initialized: bool,
    /// The directory with the executable; without one, runs are answered by a stub.
    code: Option<TempDir>,
}

/// What a run failed with before the action was started.
struct Refusal(StatusCode, String);

impl NativeAction {
    /// An action that keeps its files in a directory.
    pub(super) fn new(directory: &Path, logs: Logs) -> Self {
        Self { directory: directory.to_owned(), logs, state: Mutex::default() }
    }

    /// Answers one request.
    pub(super) async fn handle(&self, request: Request) -> Reply {
        let Some(body) = request.body else {
            return Reply::error(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large");
        };
        match (request.path.as_str(), &request.method) {
            ("/init", &Method::POST) => self.init(&body).await,
            ("/run", &Method::POST) => self.run(&body).await,
            ("/init" | "/run", _) => Reply::error(StatusCode::METHOD_NOT_ALLOWED, "only POST is allowed"),
            (path, _) => Reply::error(StatusCode::NOT_FOUND, &format!("no such path '{path}'")),
        }
    }

    /// Takes whatever it is given, once: an `/init` without usable code leaves the stub in place.
    async fn init(&self, body: &[u8]) -> Reply {
        let mut state = self.state.lock().await;
        if state.initialized {
            let text = "Cannot initialize the action more than once.";
            self.logs.stderr_line(text).await;
            return Reply::error(StatusCode::FORBIDDEN, text);
        }
        state.initialized = true;
        let value = InitValue::from_body(body).unwrap_or_default();
        let binary = value.binary == Some(true);
        if let Some(code) = value.code.filter(|code| !code.is_empty()) {
            match self.write_code(&code, binary) {
                Ok(directory) => state.code = Some(directory),
                Err(error) => {
                    self.logs
                        .stdout_line(format!("cannot use the code of the action: {error}").as_bytes())
                        .await;
                }
            }
        }
        let body = Bytes::from_static(b"OK");
        Reply { status: StatusCode::OK, content_type: Some("text/html; charset=utf-8"), body }
    }

    fn write_code(&self, code: &str, binary: bool) -> io::Result<TempDir> {
        let directory = TempDir::new_in(&self.directory)?;
        let executable = directory.path().join("exec");
        if !binary {
            archive::write_executable(executable, code.as_bytes())?;
            return Ok(directory);
        }
        let bytes = archive::decode_base64(code)
            .map_err(|at| io::Error::other(format!("illegal base64 data at input byte {at}")))?;
        if archive::is_zip(&bytes) {
            archive::unpack(&bytes, directory.path())?;
            if !executable.is_file() {
                return Err(io::Error::other("the archive holds no file 'exec' at its root"));
            }
            archive::set_mode(&executable, 0o755)?;
        } else if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"#!") {
            archive::write_executable(executable, &bytes)?;
        } else {
            return Err(io::Error::other("it is neither a zip archive, nor an ELF program, nor a script"));
        }
        Ok(directory)
    }

    async fn run(&self, body: &[u8]) -> Reply {
        let state = self.state.lock().await;
        let reply = match read_call(body) {
            Ok((argument, environment)) => match &state.code {
                Some(code) => self.execute(code.path(), &argument, &environment).await,
                None => self.stub(&argument).await,
            },
            Err(Refusal(status, text)) => Reply::error(status, &text),
        };
        self.logs.sentinels().await;
        reply
    }

    async fn execute(
        &self,
        directory: &Path,
        argument: &str,
        environment: &BTreeMap<String, String>,
    ) -> Reply {
        let mut command = Command::new(directory.join("exec"));
        command.envs(environment).current_dir(directory).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if argument.len() <= MAX_ARGUMENT_BYTES {
            command.arg(argument);
        }
        let last_line = match self.output(command, argument).await {
            Ok(last_line) => last_line,
            Err(error) => format!("cannot execute the action: {error}").into_bytes(),
        };
        match JsonKind::of(&last_line) {
            JsonKind::Object | JsonKind::Array => {
                let text = String::from_utf8_lossy(&last_line);
                Reply::json_line(StatusCode::OK, respace(&text, "", "").as_bytes())
            }
            JsonKind::Null | JsonKind::Other | JsonKind::Invalid => {
                self.logs.stdout_line(&last_line).await;
                Reply::error(StatusCode::BAD_GATEWAY, NO_RESULT)
            }
        }
    }

    /// Runs to the end, writes all lines of stdout but the last one to the log, and returns that. Empty
    /// lines at the end do not count.
    async fn output(&self, mut command: Command, argument: &str) -> io::Result<Vec<u8>> {
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let feed = async move {
            // An action need not read its input.
            let _ = stdin.write_all(argument.as_bytes()).await;
        };
        let read = async {
            let mut last_line = Vec::new();
            let mut empty_lines = 0;
            let mut line = Vec::new();
            while stdout.read_until(b'\n', &mut line).await? > 0 {
                if line.trim_ascii().is_empty() {
                    empty_lines += 1;
                } else {
                    if !last_line.is_empty() {
                        self.logs.stdout_line(&last_line).await;
                    }
                    for _ in 0..std::mem::take(&mut empty_lines) {
                        self.logs.stdout_line(b"").await;
                    }
                    last_line = line.trim_ascii_end().to_vec();
                }
                line.clear();
            }
            Ok(last_line)
        };
        let ((), last_line) = tokio::join!(feed, read);
        child.wait().await?;
        last_line
    }

    /// Stands in for an action that has no code.
    async fn stub(&self, argument: &str) -> Reply {
        let text = format!("no code was given at /init; the argument of this run: {argument}");
        self.logs.stdout_line(text.as_bytes()).await;
        Reply::error(StatusCode::OK, "This is a stub action. Replace it with custom logic.")
    }
}

/// The argument and the environment of a run. A body that is no JSON counts as an empty message.
fn read_call(body: &[u8]) -> Result<(String, BTreeMap<String, String>), Refusal> {
    let bad_argument = || Refusal(StatusCode::NOT_FOUND, BAD_ARGUMENT.into());
    let mut fields = match JsonKind::of(body) {
        JsonKind::Object => object_fields(body).ok_or_else(bad_argument)?,
        JsonKind::Invalid => BTreeMap::new(),
        JsonKind::Array | JsonKind::Null | JsonKind::Other => return Err(bad_argument()),
    };
    let value = fields.remove("value").map_or("{}", RawValue::get);
    if !matches!(JsonKind::of(value.as_bytes()), JsonKind::Object | JsonKind::Array) {
        return Err(bad_argument());
    }
    let mut environment = BTreeMap::new();
    for (name, field) in fields {
        let text = serde_json::from_str(field.get()).map_err(|_| {
            let text = format!("Internal error. str expected, not {}", python_type(field.get()));
            Refusal(StatusCode::INTERNAL_SERVER_ERROR, text)
        })?;
        environment.insert(format!("__OW_{}", name.to_uppercase()), text);
    }
    // Spaced as Python writes JSON, because that is what actions get upstream.
    Ok((respace(value, " ", " "), environment))
}

/// What Python calls the type of a JSON value that is no string.
fn python_type(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "dict",
        Some(b'[') => "list",
        Some(b't' | b'f') => "bool",
        Some(b'n') => "NoneType",
        _ if json.contains(['.', 'e', 'E']) => "float",
        _ => "int",
    }
}
