//! What a container has written: read from its sandbox through the API of its agent.
//!
//! An action runtime writes a sentinel line to stdout and to stderr at the end of each activation. The
//! lines up to it belong to that activation.

mod lines;

use std::time::{Duration, Instant};

use mesos_scheduler_client::{
    HttpUrl, RunningTask,
    operator::{AgentApi, sandbox_path},
};
use tokio::{sync::Mutex, time};

pub use self::lines::LogLine;
use self::lines::{Collected, Splitter};
use crate::config::{CheckedConfig, FactoryConfig};

/// How long nothing may come while a sentinel is waited for, and while it is not: even then the last
/// lines may be a moment late.
const IDLE: Duration = Duration::from_secs(2);
const IDLE_WITHOUT_SENTINEL: Duration = Duration::from_millis(50);
/// Time for both files together: so many seconds for each MiB of the limit, counting at least five, as in
/// OpenWhisk. Who writes without end is left alone after it.
const SECONDS_PER_MIB: u64 = 2;
const LEAST_MIB: u64 = 5;
const TOTAL_WITHOUT_SENTINEL: Duration = Duration::from_secs(2);
/// Pauses between looks at a file that has nothing new.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The logs of one activation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Logs {
    /// The lines of stdout, then those of stderr, each in order. If some are missing, the last line says
    /// so, as OpenWhisk words it.
    pub lines: Vec<LogLine>,
    /// Why some lines are missing although the limit was not reached: the agent cannot be reached, or the
    /// sandbox is gone.
    pub failure: Option<String>,
    /// Whether there were more than the limit allows.
    pub is_truncated: bool,
}

/// The two files of one task.
#[derive(Debug)]
pub(crate) struct Sandbox {
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

/// How long to read.
struct Patience {
    waits_for_sentinel: bool,
    idle: Duration,
    deadline: Instant,
}

fn agent_api(url: HttpUrl, settings: &FactoryConfig) -> AgentApi {
    let agent = AgentApi::new(url).credentials(settings.credentials.clone());
    match &settings.tls {
        Some(tls) => agent.tls(tls.clone()),
        None => agent,
    }
}

impl Sandbox {
    pub(crate) fn new(task: &RunningTask, config: &CheckedConfig) -> Self {
        let running = &task.running;
        let agent = match &running.placement.agent_url {
            Ok(url) => Ok(agent_api(url.clone().with_scheme(config.agent_scheme()), &config.config)),
            Err(error) => Err(format!("the offer names no usable address of its agent: {error}")),
        };
        let stream = |name| Stream {
            name,
            path: sandbox_path(&running.placement.framework_id, &running.executor_id, name),
            offset: 0,
        };
        Self { agent, streams: Mutex::new([stream("stdout"), stream("stderr")]) }
    }

    /// Passes over what stands in the files: the executor wrote it, not the action. An agent that does not
    /// answer in time is no reason to fail: more lines are better than none.
    pub(crate) async fn skip_present(&self) {
        let Ok(agent) = &self.agent else { return };
        let mut streams = self.streams.lock().await;
        let [stdout, stderr] = &mut *streams;
        let sizes = async { tokio::join!(size(agent, &stdout.path), size(agent, &stderr.path)) };
        if let Ok((out, err)) = time::timeout(IDLE, sizes).await {
            (stdout.offset, stderr.offset) = (out, err);
        }
    }

    /// Reads on in both files; see [`Container::logs`](crate::Container::logs).
    pub(crate) async fn read(&self, limit: u64, waits_for_sentinel: bool) -> Logs {
        let mut collected = Collected::new(limit);
        let patience = Patience::new(limit, waits_for_sentinel);
        let failure = self.read_all(&patience, &mut collected).await.err();
        let (lines, is_truncated) = collected.finish(failure.is_some());
        Logs { lines, failure, is_truncated }
    }

    async fn read_all(&self, patience: &Patience, collected: &mut Collected) -> Result<(), String> {
        let agent = self.agent.as_ref().map_err(Clone::clone)?;
        let mut failure = None;
        for stream in self.streams.lock().await.iter_mut() {
            // One file that cannot be read is no reason to leave the other out.
            if let Err(error) = stream.read(agent, patience, collected).await {
                failure = Some(error);
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

async fn size(agent: &AgentApi, path: &str) -> u64 {
    agent.read_file(path, 0, Some(0)).await.map_or(0, |part| part.size)
}

impl Patience {
    fn new(limit: u64, waits_for_sentinel: bool) -> Self {
        let (idle, total) = if waits_for_sentinel {
            let mib = (limit / (1024 * 1024)).max(LEAST_MIB);
            (IDLE, Duration::from_secs(mib.saturating_mul(SECONDS_PER_MIB).min(600)))
        } else {
            (IDLE_WITHOUT_SENTINEL, TOTAL_WITHOUT_SENTINEL)
        };
        Self { waits_for_sentinel, idle, deadline: now() + total }
    }
}

impl Stream {
    /// Reads until the sentinel, or until patience ends.
    async fn read(
        &mut self,
        agent: &AgentApi,
        patience: &Patience,
        collected: &mut Collected,
    ) -> Result<(), String> {
        let mut splitter = Splitter::new(self.name);
        let mut pause = FIRST_PAUSE;
        let mut last_news = now();
        loop {
            let part =
                time::timeout_at(patience.deadline.into(), agent.read_file(&self.path, self.offset, None));
            let part = match part.await {
                Err(_time_is_over) => break,
                Ok(part) => part.map_err(|error| error.to_string())?,
            };
            if part.size < self.offset {
                // The file was rotated: what is in it is new.
                self.offset = 0;
                continue;
            }
            if part.data.is_empty() {
                if last_news.elapsed() >= patience.idle {
                    break;
                }
                time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
            (last_news, pause) = (now(), FIRST_PAUSE);
            self.offset += part.data.len() as u64;
            let rest = splitter.push(&part.data, patience.waits_for_sentinel, collected);
            if let Some(rest) = rest {
                // What follows the sentinel belongs to the next activation.
                self.offset -= rest as u64;
                return Ok(());
            }
            if now() >= patience.deadline {
                break;
            }
        }
        // An unfinished line: nothing more of it has come for long enough.
        splitter.finish(collected);
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "how long to wait for an agent is decided here")]
fn now() -> Instant {
    Instant::now()
}
