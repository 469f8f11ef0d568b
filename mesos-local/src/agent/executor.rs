//! The life of one task: what the executors of Mesos do and report.

use std::{future, io, net::Ipv4Addr, process::ExitStatus, sync::Arc, time::Duration};

use mesos_proto::v1::{
    self, TaskState,
    framework_info::capability,
    task_status::{Reason, Source},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    AgentContext,
    plan::{self, Plan, Role},
    process::{Process, command_text, container_text},
    sandbox::Sandbox,
};
use crate::master::has_capability;

/// So long a container may take until its port accepts connections.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// So long a task that took too long may take to end by itself.
const TOO_LONG_GRACE: Duration = Duration::from_secs(1);

/// A wish to end the task.
#[derive(Clone, Debug)]
pub(super) struct Kill {
    /// Overrides the policy of the task.
    pub(super) policy: Option<v1::KillPolicy>,
}

impl Kill {
    pub(super) fn at_once() -> Self {
        Self { policy: Some(v1::KillPolicy { grace_period: Some(v1::DurationInfo { nanoseconds: 0 }) }) }
    }
}

/// Why the process is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Killed,
    TookTooLong,
    NeverReady,
}

pub(super) struct Executor {
    context: Arc<AgentContext>,
    framework: v1::FrameworkInfo,
    task: v1::TaskInfo,
    container: String,
    pid: Option<u32>,
}

impl Executor {
    pub(super) fn new(
        context: Arc<AgentContext>,
        framework: v1::FrameworkInfo,
        task: v1::TaskInfo,
        container: String,
    ) -> Self {
        Self { context, framework, task, container, pid: None }
    }

    /// Runs the task to its end; nothing of it is left when this returns or is dropped.
    pub(super) async fn run(mut self, mut kills: mpsc::UnboundedReceiver<Kill>) {
        let (plan, mut process) = match self.start().await {
            Ok(started) => started,
            Err(message) => return self.report_launch_failure(message),
        };
        self.pid = Some(process.pid());
        self.report(TaskState::TaskStarting, None, None);
        let outcome = self.supervise(&plan, &mut process, &mut kills).await;
        // Before anybody learns that the task is over.
        process.end().await;
        self.report_end(&plan, outcome);
    }

    async fn start(&self) -> Result<(Plan, Process), String> {
        let sandbox = self.sandbox().map_err(|error| format!("Failed to create the sandbox: {error}"))?;
        let base = [
            ("MESOS_FRAMEWORK_ID", self.framework_id().value),
            ("MESOS_AGENT_ID", self.context.id.value.clone()),
            ("MESOS_SLAVE_ID", self.context.id.value.clone()),
            ("MESOS_EXECUTOR_ID", self.task.task_id.value.clone()),
            ("MESOS_CONTAINER_NAME", format!("mesos-{}", self.container)),
            ("MESOS_ALLOCATION_ROLE", allocation_role(&self.task)),
            ("MESOS_AGENT_HOSTNAME", self.context.hostname.clone()),
        ];
        let plan = Plan::new(&self.task, &self.context, &base, &sandbox)?;
        if let Some(port) = plan.port {
            // Otherwise somebody else's server could pass for the container.
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
                format!("Failed to run the container: port {port} cannot be bound: {error}")
            })?;
        }
        let process = Process::start(&plan.program, &sandbox, &self.context.families)
            .map_err(|error| format!("Failed to run '{}': {error}", plan.program.path.display()))?;
        Ok((plan, process))
    }

    fn sandbox(&self) -> io::Result<Sandbox> {
        let executor = &self.task.task_id.value;
        self.context.sandboxes.new_run(&self.framework_id().value, executor, &self.container)
    }

    /// Waits for the end, or brings it about.
    async fn supervise(
        &self,
        plan: &Plan,
        process: &mut Process,
        kills: &mut mpsc::UnboundedReceiver<Kill>,
    ) -> (io::Result<ExitStatus>, Option<Ending>) {
        let start = now();
        let mut ending = None;
        let mut kill_at: Option<Instant> = None;
        let mut ready_at = plan.port.map(|_| start + READY_TIMEOUT);
        let too_long_at = plan.max_completion_time.and_then(|time| start.checked_add(time));
        let ready = async {
            match plan.port {
                Some(port) => accepts_connections(port).await,
                None => future::pending().await,
            }
        };
        tokio::pin!(ready);
        let mut running = plan.port.is_none();
        if running {
            self.report(TaskState::TaskRunning, None, None);
        }
        loop {
            tokio::select! {
                // An ended process is never ready, whoever answers on its port.
                biased;
                status = process.wait() => return (status, ending),
                Some(kill) = kills.recv() => {
                    let grace = kill.policy.as_ref().and_then(plan::grace).unwrap_or(plan.grace);
                    let deadline = now().checked_add(grace);
                    if ending.is_none() {
                        ending = Some(Ending::Killed);
                        if has_capability(&self.framework, capability::Type::TaskKillingState) {
                            self.report(TaskState::TaskKilling, None, None);
                        }
                        if !grace.is_zero() {
                            process.terminate();
                        }
                        kill_at = deadline;
                    } else {
                        // A later kill may shorten the time, not lengthen it.
                        kill_at = [kill_at, deadline].into_iter().flatten().min();
                    }
                }
                () = until(kill_at) => {
                    process.end().await;
                    kill_at = None;
                }
                () = until(too_long_at), if ending.is_none() => {
                    ending = Some(Ending::TookTooLong);
                    process.terminate();
                    kill_at = now().checked_add(TOO_LONG_GRACE);
                }
                () = until(ready_at), if ending.is_none() => {
                    ending = Some(Ending::NeverReady);
                    process.end().await;
                }
                () = &mut ready, if !running && ending.is_none() => {
                    running = true;
                    ready_at = None;
                    self.report(TaskState::TaskRunning, None, None);
                }
            }
        }
    }

    fn report_end(&self, plan: &Plan, (status, ending): (io::Result<ExitStatus>, Option<Ending>)) {
        let (message, success) = match status {
            Ok(status) => {
                let text = match plan.role {
                    Role::Command => command_text(status),
                    Role::Container => container_text(status),
                };
                (text, status.success())
            }
            Err(error) => (format!("Failed to wait for the process: {error}"), false),
        };
        let (state, reason, message) = match ending {
            Some(Ending::Killed) => (TaskState::TaskKilled, None, message),
            Some(Ending::TookTooLong) => {
                (TaskState::TaskFailed, Some(Reason::MaxCompletionTimeReached), message)
            }
            Some(Ending::NeverReady) => {
                let message = format!("Container accepted no connection within {READY_TIMEOUT:?}");
                (TaskState::TaskFailed, None, message)
            }
            None if success => (TaskState::TaskFinished, None, message),
            None => (TaskState::TaskFailed, None, message),
        };
        self.report(state, reason, Some(message));
    }

    fn report(&self, state: TaskState, reason: Option<Reason>, message: Option<String>) {
        let status =
            v1::TaskStatus { source: Some(Source::Executor.into()), ..self.status(state, reason, message) };
        self.context.driver.status(&self.context.id, &self.framework_id(), status);
    }

    /// The container never was: the agent itself says so.
    fn report_launch_failure(&self, text: String) {
        let message = format!("Failed to launch container: {text}");
        let reason = Some(Reason::ContainerLaunchFailed);
        let status = v1::TaskStatus {
            source: Some(Source::Agent.into()),
            ..self.status(TaskState::TaskFailed, reason, Some(message))
        };
        self.context.driver.status(&self.context.id, &self.framework_id(), status);
    }

    fn status(&self, state: TaskState, reason: Option<Reason>, message: Option<String>) -> v1::TaskStatus {
        let address = v1::network_info::IpAddress {
            protocol: Some(v1::network_info::Protocol::IPv4.into()),
            ip_address: Some("127.0.0.1".into()),
        };
        let network = v1::NetworkInfo { ip_addresses: vec![address], ..v1::NetworkInfo::default() };
        v1::TaskStatus {
            task_id: self.task.task_id.clone(),
            state: state.into(),
            message,
            reason: reason.map(Into::into),
            executor_id: Some(v1::ExecutorId::new(self.task.task_id.value.clone())),
            container_status: Some(v1::ContainerStatus {
                container_id: Some(v1::ContainerId { value: self.container.clone(), parent: None }),
                network_infos: vec![network],
                executor_pid: self.pid,
                ..v1::ContainerStatus::default()
            }),
            ..v1::TaskStatus::default()
        }
    }

    fn framework_id(&self) -> v1::FrameworkId {
        self.framework.id.clone().unwrap_or_default()
    }
}

fn allocation_role(task: &v1::TaskInfo) -> String {
    let mut roles =
        task.resources.iter().filter_map(|resource| resource.allocation_info.as_ref()?.role.clone());
    roles.next().unwrap_or_else(|| "*".into())
}

/// Returns when the port accepts a connection.
async fn accepts_connections(port: u16) {
    let mut wait = Duration::from_millis(2);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        sleep(wait).await;
        wait = (wait * 2).min(Duration::from_millis(100));
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => future::pending().await,
    }
}

#[expect(clippy::disallowed_methods, reason = "executors are shells: they live in real time")]
fn now() -> Instant {
    Instant::now()
}
