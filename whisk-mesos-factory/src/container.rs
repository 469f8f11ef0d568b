//! One action container: where it is, what can be done with it.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use mesos_scheduler_client::{Framework, RunningTask, TaskEnd};
use serde_json::Value;

use crate::{
    action::{self, Activation, ActivationResponse, Answer, Initializer},
    config::CheckedConfig,
    error::{DestroyError, InitializationError},
    logs::{Logs, Sandbox},
    task_info::ACTION_PORT,
};

/// Pause between attempts to reach a container that does not listen yet.
const CONNECT_PAUSE: Duration = Duration::from_millis(50);

/// Where a container listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerAddress {
    /// A name or an IP address.
    pub host: String,
    /// The port on that host.
    pub port: u16,
}

impl fmt::Display for ContainerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(formatter, "[{}]:{}", self.host, self.port);
        }
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// A container that runs as a Mesos task.
///
/// Runs must not overlap, and after a time-out the container must not be used again: both is the
/// caller's to see to, as in OpenWhisk.
#[derive(Debug)]
pub struct Container {
    framework: Framework,
    name: String,
    task: RunningTask,
    target: Target,
    /// `None` if no logs are collected.
    sandbox: Option<Sandbox>,
    /// Whether anything was ever sent to it.
    is_touched: AtomicBool,
    delete_timeout: Duration,
}

/// Where requests for a container go.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: ContainerAddress,
    /// Its agent by another name: the host name in offers is made for people and may not resolve.
    pub(crate) other_host: Option<String>,
}

impl Container {
    pub(crate) fn new(framework: Framework, name: String, task: RunningTask, config: &CheckedConfig) -> Self {
        let placement = &task.running.placement;
        let settings = &config.config;
        let port = match settings.network.to_ascii_lowercase().as_str() {
            "host" => ACTION_PORT,
            _ => placement.host_ports.first().copied().unwrap_or(ACTION_PORT),
        };
        let target = Target {
            address: ContainerAddress { host: placement.hostname.clone(), port },
            other_host: placement.agent_url.as_ref().ok().map(|url| url.endpoint().host().to_owned()),
        };
        Self {
            framework,
            name,
            sandbox: settings.log_collection.then(|| Sandbox::new(&task, config)),
            task,
            target,
            is_touched: AtomicBool::new(false),
            delete_timeout: settings.delete_timeout,
        }
    }

    /// The id, which is the id of the Mesos task.
    pub fn id(&self) -> &str {
        &self.task.id
    }

    /// The name that the container was asked for with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub fn address(&self) -> &ContainerAddress {
        &self.target.address
    }

    /// The host name of the agent that it runs on.
    pub fn agent_hostname(&self) -> &str {
        &self.task.running.placement.hostname
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<TaskEnd> {
        self.task.end()
    }

    /// Waits for the end of the container, whatever its cause.
    pub async fn ended(&self) -> TaskEnd {
        self.task.clone().ended().await
    }

    /// Gives the container its code. Waits until it listens, within the limit; returns how long it took.
    ///
    /// # Errors
    /// The code was refused, or nothing answered in time.
    pub async fn initialize(
        &self,
        initializer: &Initializer,
        timeout: Duration,
    ) -> Result<Duration, InitializationError> {
        if !self.is_touched.swap(true, Ordering::Relaxed)
            && let Some(sandbox) = &self.sandbox
        {
            sandbox.skip_present().await;
        }
        let body = Bytes::from(initializer.body().to_string());
        let start = now();
        let mut was_connected = false;
        let answer = loop {
            let left = timeout.saturating_sub(start.elapsed());
            let answer = tokio::select! {
                answer = action::post(&self.target, "/init", body.clone(), left) => answer,
                end = self.ended() => Answer::ConnectionLost(end.to_string()),
            };
            was_connected |= !matches!(answer, Answer::NotConnected(_));
            let may_retry = match answer {
                Answer::NotConnected(_) | Answer::ConnectionLost(_) => self.end().is_none(),
                Answer::Response { .. } | Answer::NoResponse | Answer::TimedOut => false,
            };
            if !may_retry || start.elapsed() + CONNECT_PAUSE >= timeout {
                break answer;
            }
            tracing::debug!(container = %self.id(), ?answer, "container does not listen yet");
            tokio::time::sleep(CONNECT_PAUSE).await;
        };
        let duration = start.elapsed();
        let Some(response) = action::init_response(&answer, duration, timeout) else { return Ok(duration) };
        let unreachable = match answer {
            Answer::NotConnected(why) if !was_connected => Some(why),
            Answer::NotConnected(_)
            | Answer::ConnectionLost(_)
            | Answer::Response { .. }
            | Answer::NoResponse
            | Answer::TimedOut => None,
        };
        Err(InitializationError { response, unreachable })
    }

    /// Runs the action. Sent once, whatever happens.
    pub async fn run(
        &self,
        parameters: Value,
        activation: &Activation,
        timeout: Duration,
    ) -> ActivationResponse {
        let body = Bytes::from(activation.body(&parameters, timeout).to_string());
        let start = now();
        let answer = action::post(&self.target, "/run", body, timeout).await;
        action::run_response(&answer, start.elapsed(), timeout)
    }

    /// What the container has written since the last call, without the sentinels. `limit` bounds the bytes
    /// of all lines as JSON.
    ///
    /// With `wait_for_sentinel` each stream is read up to its sentinel, which ends after 2 s without news
    /// or in all after 2 s for each MiB of the limit (at least 10 s). Without, what is there is read, for
    /// at most 2 s. Lines that were read are never lost to an error: [`Logs::failure`] tells of it. There are none if
    /// [`FactoryConfig::log_collection`](crate::FactoryConfig::log_collection) is off.
    pub async fn logs(&self, limit: u64, wait_for_sentinel: bool) -> Logs {
        match &self.sandbox {
            Some(sandbox) => sandbox.read(limit, wait_for_sentinel).await,
            None => Logs::default(),
        }
    }

    /// Says that the container will not be used for some time. Mesos cannot freeze a task, and no
    /// connection is kept between activations, so there is nothing to give up.
    pub fn suspend(&self) {
        tracing::debug!(container = %self.id(), "suspended");
    }

    /// Says that the container will be used again; it is ready at once.
    pub fn resume(&self) {
        tracing::debug!(container = %self.id(), "resumed");
    }

    /// Kills the container and waits until it is gone. One that is gone already is a success.
    ///
    /// # Errors
    /// It is not gone within the delete timeout; the kill is repeated behind the scenes until it is.
    pub async fn destroy(&self) -> Result<(), DestroyError> {
        tracing::info!(task = %self.id(), timeout = ?self.delete_timeout, "killing mesos task");
        let gone = self.framework.kill(self.id());
        if tokio::time::timeout(self.delete_timeout, gone).await.is_err() {
            tracing::error!(task = %self.id(), "task destroy timed out");
            let waited_seconds = self.delete_timeout.as_secs();
            return Err(DestroyError { id: self.id().to_owned(), waited_seconds });
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "durations of activations are measured here")]
fn now() -> Instant {
    Instant::now()
}
