//! What a container has written: read from its sandbox through the API of its agent.
//!
//! An action runtime writes a sentinel line to stdout and to stderr at the end of each activation. The
//! lines up to it belong to that activation.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mesos_scheduler_client::{
    RunningTask,
    operator::{self, AgentApi},
};
use serde::Serialize;
use tokio::{sync::Mutex, time};

use crate::error::LogsError;

/// The line that ends the logs of an activation on each stream.
const SENTINEL: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";
/// How long nothing may come while a sentinel is waited for.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Pauses between looks at a file that has nothing new.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// One line of a log, as OpenWhisk stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When it was read, RFC 3339 in UTC.
    pub time: String,
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    /// The line, without its end.
    pub log: String,
}

/// The two files of one task.
#[derive(Debug)]
pub(crate) struct Sandbox {
    agent_name: String,
    agent: Result<AgentApi, String>,
    streams: Mutex<[Stream; 2]>,
}

#[derive(Debug)]
struct Stream {
    name: &'static str,
    path: String,
    /// Where the next read begins.
    offset: u64,
}

/// What one round of reading has brought.
struct Collected {
    lines: Vec<LogLine>,
    bytes: u64,
    limit: u64,
    is_truncated: bool,
}

impl Sandbox {
    /// Finds the sandbox of a task. What stands in it at this moment was written by the executor, not by
    /// the action, and is passed over.
    pub(crate) async fn new(task: &RunningTask) -> Self {
        let running = &task.running;
        let agent = match &running.placement.agent_url {
            Ok(url) => Ok(AgentApi::new(url.clone())),
            Err(error) => Err(format!("its offer names no usable address: {error}")),
        };
        let agent_name = running.placement.hostname.clone();
        let stream = |name| Stream {
            name,
            path: operator::sandbox_path(&running.placement.framework_id, &running.executor_id, name),
            offset: 0,
        };
        let mut streams = [stream("stdout"), stream("stderr")];
        if let Ok(agent) = &agent {
            let [stdout, stderr] = &mut streams;
            let (out, err) = tokio::join!(size(agent, &stdout.path), size(agent, &stderr.path));
            (stdout.offset, stderr.offset) = (out, err);
        }
        Self { agent_name, agent, streams: Mutex::new(streams) }
    }

    /// Reads on in both files; see [`Container::logs`](crate::Container::logs).
    pub(crate) async fn read(
        &self,
        id: &str,
        limit: u64,
        wait_for_sentinel: bool,
    ) -> Result<Vec<LogLine>, LogsError> {
        let fail = |why: String| LogsError { id: id.to_owned(), agent: self.agent_name.clone(), why };
        let agent = self.agent.as_ref().map_err(|why| fail(why.clone()))?;
        let mut streams = self.streams.lock().await;
        let mut collected = Collected { lines: Vec::new(), bytes: 0, limit, is_truncated: false };
        for stream in streams.iter_mut() {
            stream.read(agent, wait_for_sentinel, &mut collected).await.map_err(fail)?;
        }
        if collected.is_truncated {
            let log = format!(
                "Logs were truncated because the total bytes size exceeds the limit of {limit} bytes."
            );
            collected.lines.push(LogLine { time: timestamp(), stream: "stderr", log });
        }
        Ok(collected.lines)
    }
}

/// Where the action's own output begins. A file that is not there yet, or an agent that does not answer,
/// counts as empty: more lines are better than none.
async fn size(agent: &AgentApi, path: &str) -> u64 {
    agent.read_file(path, 0, Some(0)).await.map_or(0, |part| part.size)
}

impl Stream {
    /// Reads whole lines until the sentinel, or until there is nothing more.
    async fn read(
        &mut self,
        agent: &AgentApi,
        wait_for_sentinel: bool,
        collected: &mut Collected,
    ) -> Result<(), String> {
        let mut rest = Vec::new();
        let mut pause = FIRST_PAUSE;
        let mut idle = Duration::ZERO;
        loop {
            let part =
                agent.read_file(&self.path, self.offset, None).await.map_err(|error| error.to_string())?;
            if part.size < self.offset {
                // The file was rotated: what is in it now is new.
                self.offset = 0;
                continue;
            }
            if part.data.is_empty() {
                if !wait_for_sentinel || idle >= IDLE_TIMEOUT {
                    break;
                }
                time::sleep(pause).await;
                idle += pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
            (idle, pause) = (Duration::ZERO, FIRST_PAUSE);
            self.offset += part.data.len() as u64;
            rest.extend_from_slice(&part.data);
            let mut taken = 0;
            while let Some(length) = rest[taken..].iter().position(|byte| *byte == b'\n') {
                let is_sentinel = self.take_line(&rest[taken..taken + length], collected);
                taken += length + 1;
                if is_sentinel && wait_for_sentinel {
                    // What follows belongs to the next activation.
                    self.offset -= (rest.len() - taken) as u64;
                    return Ok(());
                }
            }
            rest.drain(..taken);
        }
        // An unfinished line: nothing more of it has come for long enough.
        if !rest.is_empty() {
            self.take_line(&rest, collected);
        }
        Ok(())
    }

    /// Keeps a line unless it is the sentinel, which is told by `true`, or the limit is reached.
    fn take_line(&self, line: &[u8], collected: &mut Collected) -> bool {
        let log = String::from_utf8_lossy(line);
        let log = log.strip_suffix('\r').unwrap_or(&log);
        if log == SENTINEL {
            return true;
        }
        collected.bytes += line.len() as u64 + 1;
        if collected.bytes > collected.limit {
            collected.is_truncated = true;
        } else {
            let line = LogLine { time: timestamp(), stream: self.name, log: log.to_owned() };
            collected.lines.push(line);
        }
        false
    }
}

#[expect(clippy::disallowed_methods, reason = "log lines carry the time of day")]
fn timestamp() -> String {
    let now = SystemTime::now().max(UNIX_EPOCH);
    humantime::format_rfc3339_nanos(now).to_string()
}
