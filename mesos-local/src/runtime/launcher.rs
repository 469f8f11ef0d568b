//! Child processes of a language, which answer calls over a socket on file descriptor 3.
//!
//! A frame in either direction is a line of JSON, the header, and as many bytes as it says. Stdout and
//! stderr are the runtime's own, so whatever the action prints cannot be taken for an answer.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
    path::Path,
    process::{ExitStatus, Stdio},
};

use command_fds::{CommandFdExt, FdMapping};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::{Child, Command},
};

/// The descriptor that the launchers talk on.
const CHANNEL_FD: i32 = 3;
const MAX_HEADER_BYTES: u64 = 4096;

/// A launcher that runs.
pub(super) struct Launcher {
    pub(super) process: Process,
    pub(super) reader: FrameReader,
    pub(super) writer: FrameWriter,
}

/// The process of a launcher; killed when dropped.
pub(super) struct Process(Child);

/// The header of a call to a launcher.
#[derive(Serialize)]
pub(super) struct CallHeader<'a> {
    pub(super) id: u64,
    pub(super) path: &'a str,
    /// Where the archive of a binary action was unpacked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) directory: Option<&'a Path>,
    /// Why it could not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<&'a str>,
    pub(super) length: usize,
}

/// The header of a launcher's answer.
#[derive(Debug, Deserialize)]
pub(super) struct AnswerHeader {
    pub(super) id: u64,
    pub(super) status: u16,
    /// Whether the logs of an activation end here.
    #[serde(default)]
    pub(super) sentinels: bool,
    length: u64,
}

impl Launcher {
    /// Starts `program` in a directory, with more environment.
    pub(super) fn start(
        program: &Path,
        arguments: &[&OsStr],
        environment: &BTreeMap<String, String>,
        directory: &Path,
    ) -> io::Result<Self> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (reader, writer) = UnixStream::from_std(ours)?.into_split();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment)
            .current_dir(directory)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
            .fd_mappings(vec![FdMapping { parent_fd: OwnedFd::from(theirs), child_fd: CHANNEL_FD }])
            .map_err(io::Error::other)?;
        let process = Process(command.spawn()?);
        Ok(Self { process, reader: FrameReader(BufReader::new(reader)), writer: FrameWriter(writer) })
    }
}

impl Process {
    /// Waits until the process is gone, and all it printed with it.
    pub(super) async fn end(&mut self) -> io::Result<ExitStatus> {
        self.0.wait().await
    }
}

/// Reads answers.
pub(super) struct FrameReader(BufReader<OwnedReadHalf>);

impl FrameReader {
    /// The next answer, or `None` once the launcher is gone or says what is no answer.
    pub(super) async fn read(&mut self) -> Option<(AnswerHeader, Vec<u8>)> {
        let mut line = Vec::new();
        (&mut self.0).take(MAX_HEADER_BYTES).read_until(b'\n', &mut line).await.ok()?;
        let header: AnswerHeader = serde_json::from_slice(&line).ok()?;
        let mut body = Vec::new();
        let read = (&mut self.0).take(header.length).read_to_end(&mut body).await.ok()?;
        (read as u64 == header.length).then_some((header, body))
    }
}

/// Writes calls.
pub(super) struct FrameWriter(OwnedWriteHalf);

impl FrameWriter {
    /// Sends one call.
    ///
    /// # Errors
    /// The launcher is gone.
    pub(super) async fn write(&mut self, header: &CallHeader<'_>, body: &[u8]) -> io::Result<()> {
        let mut frame = serde_json::to_vec(header)?;
        frame.push(b'\n');
        self.0.write_all(&frame).await?;
        self.0.write_all(body).await
    }
}
