//! JavaScript actions: one Node process, which keeps the states of the action and ends the runtime with it.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use http::{Method, StatusCode};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{
    archive,
    launcher::{CallHeader, FrameReader, FrameWriter, Launcher, Process},
    logs::Logs,
    message::{InitValue, Reply, Request, error_json},
    processes::find_program,
};

/// The action and its Node process, which is there from the start.
pub(super) struct NodeAction {
    directory: PathBuf,
    logs: Logs,
    node: Result<Node, String>,
}

struct Node {
    writer: tokio::sync::Mutex<FrameWriter>,
    /// Where answers come from, for the one who waits for the end.
    incoming: tokio::sync::Mutex<(FrameReader, Process)>,
    calls: Mutex<Calls>,
}

/// Calls that were made and not answered, by number.
#[derive(Default)]
struct Calls {
    last: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Answer>>,
}

struct Answer {
    status: StatusCode,
    sentinels: bool,
    body: Vec<u8>,
}

const UNSUPPORTED: &str = "There was an error uncompressing the action archive. The file type is unsupported";

impl NodeAction {
    /// An action that keeps its files in a directory.
    pub(super) fn new(directory: &Path, logs: Logs) -> io::Result<Self> {
        let launcher = directory.join("launcher.js");
        fs::write(&launcher, include_str!("launcher.js"))?;
        let node = match find_program("node") {
            Ok(program) => {
                let started =
                    Launcher::start(&program, &[launcher.as_os_str()], &BTreeMap::new(), Path::new("."))?;
                Ok(Node {
                    writer: tokio::sync::Mutex::new(started.writer),
                    incoming: tokio::sync::Mutex::new((started.reader, started.process)),
                    calls: Mutex::default(),
                })
            }
            Err(error) => Err(error),
        };
        Ok(Self { directory: directory.to_owned(), logs, node })
    }

    /// Answers one request; `None` if the process ended first.
    pub(super) async fn handle(&self, request: Request) -> Option<Reply> {
        let known = request.method == Method::POST && matches!(request.path.as_str(), "/init" | "/run");
        let Some(body) = request.body.filter(|_| known) else {
            return Some(reply(StatusCode::INTERNAL_SERVER_ERROR, error_json("Bad request.")));
        };
        let node = match &self.node {
            Ok(node) => node,
            Err(missing) if request.path == "/init" => {
                return Some(reply(StatusCode::BAD_GATEWAY, error_json(missing)));
            }
            Err(_) => return Some(reply(StatusCode::FORBIDDEN, error_json("System not initialized."))),
        };
        let archive = if request.path == "/init" { self.unpack(&body) } else { None };
        let (directory, refusal) = match &archive {
            Some(Ok(directory)) => (Some(directory.path()), None),
            Some(Err(refusal)) => (None, Some(refusal.as_str())),
            None => (None, None),
        };
        let (id, answer) = node.expect_answer();
        let header = CallHeader { id, path: &request.path, directory, refusal, length: body.len() };
        node.writer.lock().await.write(&header, &body).await.ok()?;
        let answer = answer.await.ok()?;
        if answer.sentinels {
            self.logs.sentinels().await;
        }
        if let Some(Ok(directory)) = archive
            && answer.status == StatusCode::OK
        {
            // The process needs it for as long as it lives; the runtime's own directory goes with it.
            let _ = directory.keep();
        }
        Some(reply(answer.status, answer.body))
    }

    /// Unpacks the archive of a binary action; `None` if the body holds none.
    fn unpack(&self, body: &[u8]) -> Option<Result<TempDir, String>> {
        let value = InitValue::from_body(body).ok()?;
        let code = value.code.filter(|_| value.binary == Some(true))?;
        let bytes = archive::decode_base64(&code).unwrap_or_default();
        if !archive::is_zip(&bytes) {
            return Some(Err(UNSUPPORTED.into()));
        }
        let unpacked = TempDir::new_in(&self.directory)
            .and_then(|directory| archive::unpack(&bytes, directory.path()).map(|()| directory));
        Some(
            unpacked.map_err(|error| format!("There was an error uncompressing the action archive. {error}")),
        )
    }

    /// Hands answers to those who wait for them until the process ends; resolves to its exit status.
    pub(super) async fn ended(&self) -> u8 {
        let Ok(node) = &self.node else {
            return std::future::pending().await;
        };
        let mut incoming = node.incoming.lock().await;
        let (reader, process) = &mut *incoming;
        while let Some((header, body)) = reader.read().await {
            let status = StatusCode::from_u16(header.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let waiting = node.lock_calls().waiting.remove(&header.id);
            if let Some(waiting) = waiting {
                // It is of no use to one who gave up.
                let _ = waiting.send(Answer { status, sentinels: header.sentinels, body });
            }
        }
        let code = match process.end().await {
            Ok(status) => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
            Err(_) => 1,
        };
        node.lock_calls().waiting.clear();
        u8::try_from(code).unwrap_or(1)
    }
}

impl Node {
    fn expect_answer(&self) -> (u64, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        let mut calls = self.lock_calls();
        calls.last += 1;
        let id = calls.last;
        calls.waiting.insert(id, sender);
        (id, receiver)
    }

    fn lock_calls(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reply(status: StatusCode, body: Vec<u8>) -> Reply {
    Reply { status, content_type: Some("application/json; charset=utf-8"), body: body.into() }
}
