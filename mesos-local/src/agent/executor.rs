//! The life of one task: what the executors of Mesos do and report.

use std::{future, io, net::Ipv4Addr, process::ExitStatus, sync::Arc, time::Duration};

use mesos_proto::v1::{self, TaskState, framework_info::capability, task_status::Reason};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    AgentContext,
    container_address::ContainerAddress,
    docker_options, fetcher, inspect,
    plan::{self, Plan, Refusal, Role},
    process::{Process, command_text, container_text},
    report::{Condition, Reporter},
    running::Running,
    sandbox::Sandbox,
    volumes,
};
use crate::master::has_capability;

/// So long a container may take until its port accepts connections.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// So long a task that took too long may take to end by itself.
const TOO_LONG_GRACE: Duration = Duration::from_secs(1);

/// A container that nothing tells about runs when it has lived so long: that is how often the Docker executor
/// looks after it.
const INSPECTION: Duration = Duration::from_millis(500);

/// How `docker run` ends if it cannot start the container.
const CANNOT_RUN: &str = "Container exited with status 125";

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
    Unhealthy,
    TookTooLong,
    NeverReady,
}

/// A task and where it works.
pub(super) struct Executor {
    pub(super) framework: v1::FrameworkInfo,
    pub(super) task: v1::TaskInfo,
    pub(super) reporter: Reporter,
}

impl Executor {
    /// The executor of a task that is launched by itself: its id is that of the task.
    pub(super) fn new(
        context: Arc<AgentContext>,
        framework: v1::FrameworkInfo,
        task: v1::TaskInfo,
        container: String,
    ) -> Self {
        let reporter = Reporter {
            context,
            framework_id: framework.id.clone().unwrap_or_default(),
            executor_id: v1::ExecutorId::new(task.task_id.value.clone()),
            task_id: task.task_id.clone(),
            container_id: v1::ContainerId { value: container, parent: None },
            role: Role::of(&task),
            check: task.check.as_ref().map(v1::CheckInfo::r#type),
            pid: None,
            address: None,
        };
        Self { framework, task, reporter }
    }

    /// Runs the task to its end and tells the state of that; nothing of the task is left when this returns or is
    /// dropped.
    pub(super) async fn run(
        mut self,
        sandbox: io::Result<Sandbox>,
        mut kills: mpsc::UnboundedReceiver<Kill>,
    ) -> TaskState {
        let started = tokio::select! {
            biased;
            Some(_) = kills.recv() => {
                let text = "Killed before delivery to the executor".into();
                self.reporter.agent(TaskState::TaskKilled, Reason::TaskKilledDuringLaunch, text);
                return TaskState::TaskKilled;
            }
            started = self.start(sandbox) => started,
        };
        let (plan, mut process) = match started {
            Ok(Started::Process(plan, process)) => (plan, process),
            Ok(Started::CannotRun) => {
                self.reporter.state(TaskState::TaskStarting, None, None);
                self.reporter.end(TaskState::TaskFailed, None, CANNOT_RUN.into(), None);
                return TaskState::TaskFailed;
            }
            Err(refusal) => return self.report_refusal(refusal),
        };
        self.reporter.pid = Some(process.pid());
        self.reporter.state(TaskState::TaskStarting, None, None);
        let address = ContainerAddress::of(&plan).await;
        self.reporter.address = address.as_ref().map(ContainerAddress::ip);
        let outcome = self.supervise(&plan, &mut process, &mut kills).await;
        // Before anybody learns that the task is over.
        process.end().await;
        drop(address);
        self.report_end(outcome)
    }

    fn report_refusal(&self, refusal: Refusal) -> TaskState {
        let (reason, text) = match refusal {
            Refusal::Launch(text) => {
                (Reason::ContainerLaunchFailed, format!("Failed to launch container: {text}"))
            }
            Refusal::Abort => (Reason::ExecutorTerminated, "Executor terminated".into()),
            Refusal::Executor(text) => {
                self.reporter.state(TaskState::TaskStarting, None, None);
                self.reporter.end(TaskState::TaskFailed, None, text, None);
                return TaskState::TaskFailed;
            }
        };
        self.reporter.agent(TaskState::TaskFailed, reason, text);
        TaskState::TaskFailed
    }

    async fn start(&self, sandbox: io::Result<Sandbox>) -> Result<Started, Refusal> {
        let sandbox = sandbox.map_err(|error| format!("Failed to create the sandbox: {error}"))?;
        let context = &self.reporter.context;
        let container = &self.reporter.container_id.value;
        let mut base = context.variables(&self.reporter.framework_id, &self.reporter.executor_id);
        base.extend([
            ("MESOS_CONTAINER_NAME", format!("mesos-{container}")),
            ("MESOS_ALLOCATION_ROLE", allocation_role(&self.task)),
        ]);
        let plan = Plan::new(&self.task, self.reporter.role, context, &base, &sandbox)?;
        volumes::link_all(&self.task, &sandbox, &context.sandboxes)?;
        if let Some(command) = &self.task.command {
            fetcher::fetch_all(command, &sandbox, container).await?;
        }
        let parameters = plan.docker.as_ref().map_or(&[][..], |docker| &docker.info.parameters);
        if let Some(option) = docker_options::unknown(parameters) {
            return cannot_run(&sandbox, &format!("unknown flag: --{option}\n"));
        }
        for (of, port) in plan.docker.iter().flat_map(|docker| docker.mapped()) {
            // Otherwise somebody else's server could pass for the container.
            if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await {
                let text =
                    format!("port {port} cannot be bound to stand for port {of} of the container: {error}\n");
                return cannot_run(&sandbox, &text);
            }
        }
        let process = Process::start(&plan.program, &sandbox, &context.families)
            .map_err(|error| format!("Failed to run '{}': {error}", plan.program.path.display()))?;
        Ok(Started::Process(Box::new(plan), Box::new(process)))
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
        let ready_port = plan.docker.as_ref().and_then(|docker| docker.ready_port());
        let mut ready_at = ready_port.map(|_| start + READY_TIMEOUT);
        let too_long_at = plan.max_completion_time.and_then(|time| start.checked_add(time));
        let ready = ready(plan);
        tokio::pin!(ready);
        let mut run: Option<Running> = None;
        loop {
            let is_running = run.is_some();
            let outcome = async {
                match &mut run {
                    Some(run) => run.next().await,
                    None => future::pending().await,
                }
            };
            tokio::select! {
                // An ended process is never ready, whoever answers on its port.
                biased;
                status = process.wait() => {
                    if !is_running && ending.is_none() {
                        self.report_that_it_ran(plan);
                    }
                    return (status, ending);
                }
                Some(kill) = kills.recv() => {
                    let grace = kill.policy.as_ref().and_then(plan::grace).unwrap_or(plan.grace);
                    if ending.is_none() {
                        ending = Some(Ending::Killed);
                        kill_at = self.begin_to_kill(process, grace);
                    } else {
                        // A later kill may shorten the time, not lengthen it.
                        kill_at = [kill_at, now().checked_add(grace)].into_iter().flatten().min();
                    }
                }
                () = until(kill_at) => {
                    process.end().await;
                    kill_at = None;
                }
                () = until(too_long_at), if ending.is_none() => {
                    ending = Some(Ending::TookTooLong);
                    self.terminate(process);
                    kill_at = now().checked_add(TOO_LONG_GRACE);
                }
                () = until(ready_at), if ending.is_none() => {
                    ending = Some(Ending::NeverReady);
                    process.end().await;
                }
                () = &mut ready, if !is_running && ending.is_none() => {
                    ready_at = None;
                    let data = plan.docker.as_ref().map(|docker| inspect::json(&self.task, &self.reporter, docker, plan, true));
                    self.reporter.running(None, &Condition::default(), data);
                    run = Some(Running::begin(&plan.checks, now()));
                }
                outcome = outcome, if ending.is_none() => {
                    if let Some(run) = &mut run && run.take(&self.reporter, outcome, now()) {
                        ending = Some(Ending::Unhealthy);
                        kill_at = self.begin_to_kill(process, plan.grace);
                    }
                }
            }
        }
    }

    /// A command runs from its start on, also if it has ended before anybody looked. And the Docker executor looks at a
    /// container that has ended already, and takes it for one that runs.
    fn report_that_it_ran(&self, plan: &Plan) {
        let Some(docker) = &plan.docker else {
            self.reporter.running(None, &Condition::default(), None);
            return;
        };
        let reporter = Reporter { address: None, ..self.reporter.clone() };
        let data = inspect::json(&self.task, &reporter, docker, plan, false);
        reporter.running(None, &Condition::default(), Some(data));
    }

    /// Tells that the task is being killed, asks it to end, and gives the time when it has to.
    fn begin_to_kill(&self, process: &Process, grace: Duration) -> Option<Instant> {
        if has_capability(&self.framework, capability::Type::TaskKillingState) {
            self.reporter.state(TaskState::TaskKilling, None, None);
        }
        if !grace.is_zero() {
            self.terminate(process);
        }
        now().checked_add(grace)
    }

    fn terminate(&self, process: &Process) {
        match self.reporter.role {
            Role::Command | Role::Nested => process.terminate(),
            Role::Container => process.terminate_container(),
        }
    }

    fn report_end(&self, (status, ending): (io::Result<ExitStatus>, Option<Ending>)) -> TaskState {
        let (message, success) = match status {
            Ok(status) => {
                let text = match self.reporter.role {
                    Role::Command | Role::Nested => command_text(status),
                    Role::Container => container_text(status),
                };
                (text, status.success())
            }
            Err(error) => (format!("Failed to wait for the process: {error}"), false),
        };
        let (state, reason, message) = match ending {
            Some(Ending::Killed | Ending::Unhealthy) => (TaskState::TaskKilled, None, message),
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
        let healthy = (ending == Some(Ending::Unhealthy)).then_some(false);
        self.reporter.end(state, reason, message, healthy);
        state
    }
}

/// What came of the wish to start a task.
enum Started {
    Process(Box<Plan>, Box<Process>),
    /// The container was made and could not be run; its sandbox says why.
    CannotRun,
}

fn cannot_run(sandbox: &Sandbox, text: &str) -> Result<Started, Refusal> {
    sandbox.complain(text).map_err(|error| format!("Failed to write to the sandbox: {error}"))?;
    Ok(Started::CannotRun)
}

/// The role that the resources of a task are allocated to.
pub(super) fn allocation_role(task: &v1::TaskInfo) -> String {
    let mut roles =
        task.resources.iter().filter_map(|resource| resource.allocation_info.as_ref()?.role.clone());
    roles.next().unwrap_or_else(|| "*".into())
}

/// Returns when the task runs.
async fn ready(plan: &Plan) {
    let Some(docker) = &plan.docker else {
        return;
    };
    if let Some(port) = docker.ready_port() {
        return accepts_connections(port).await;
    }
    match docker.mapped().first() {
        Some((_, port)) => {
            // It is enough that it lives.
            let _ = tokio::time::timeout(INSPECTION, accepts_connections(*port)).await;
        }
        None => sleep(INSPECTION).await,
    }
}

/// Returns when the port accepts a connection.
async fn accepts_connections(port: u16) {
    let mut wait = Duration::from_millis(2);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        sleep(wait).await;
        wait = (wait * 2).min(Duration::from_millis(100));
    }
}

pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => future::pending().await,
    }
}

#[expect(clippy::disallowed_methods, reason = "executors are shells: they live in real time")]
pub(super) fn now() -> Instant {
    Instant::now()
}
