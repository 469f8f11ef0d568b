//! An executor of a framework's own: a process that talks to the agent's executor API.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::Ipv4Addr,
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use mesos_proto::v1::{
    self, TaskState,
    executor::{Event, call, event},
    task_status::{Reason, Source},
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    AgentContext,
    executor::{now, until},
    executors::{ExecutorInput, Registration},
    fetcher, plan,
    process::{Process, Program},
    report,
};

/// So long a process may take until it subscribes (the default of `--executor_registration_timeout`).
const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(60);

/// So long it may take to end after SHUTDOWN (the default of `--executor_shutdown_grace_period`).
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

pub(super) struct CustomExecutor {
    pub(super) context: Arc<AgentContext>,
    pub(super) framework: v1::FrameworkInfo,
    pub(super) info: v1::ExecutorInfo,
    pub(super) container: String,
}

/// How an executor ended, if it was not by itself.
#[derive(Clone, Debug)]
struct Cause {
    reason: Reason,
    message: String,
}

/// What is known of an executor that runs.
struct State {
    events: Option<mpsc::UnboundedSender<Event>>,
    /// What waits for the process to subscribe.
    queued: Vec<(Vec<v1::TaskInfo>, bool)>,
    /// Every task that has not ended.
    tasks: BTreeMap<String, v1::TaskInfo>,
    /// The updates that were taken, so that one that comes again is known.
    taken: BTreeSet<Bytes>,
    kill_at: Option<Instant>,
    cause: Cause,
    pid: Option<u32>,
}

impl CustomExecutor {
    pub(super) async fn run(
        self,
        registration: Registration,
        mut inputs: mpsc::UnboundedReceiver<ExecutorInput>,
    ) {
        self.context.ledger.add_executor(&self.framework_id(), &self.info, &self.container);
        let cause = Cause { reason: Reason::ExecutorTerminated, message: "Executor terminated".into() };
        let mut state = State {
            events: None,
            queued: Vec::new(),
            tasks: BTreeMap::new(),
            taken: BTreeSet::new(),
            kill_at: None,
            cause,
            pid: None,
        };
        let status = match self.start().await {
            Ok(mut process) => {
                state.pid = Some(process.pid());
                let status = self.supervise(&registration, &mut process, &mut inputs, &mut state).await;
                // Before anybody learns that the executor is gone.
                process.end().await;
                status.map_or(-1, ExitStatus::into_raw)
            }
            Err(text) => {
                let message = format!("Failed to launch container: {text}");
                state.cause = Cause { reason: Reason::ContainerLaunchFailed, message };
                -1
            }
        };
        // Whoever comes from here on starts another one.
        drop(registration);
        self.context.ledger.remove_executor(&self.container);
        self.context.driver.executor_exited(
            &self.context.id,
            &self.framework_id(),
            &self.info.executor_id,
            status,
        );
        while let Ok(input) = inputs.try_recv() {
            if let ExecutorInput::Launch { tasks, .. } = input {
                state.tasks.extend(tasks.into_iter().map(|task| (task.task_id.value.clone(), task)));
            }
        }
        let Cause { reason, message } = &state.cause;
        for task in state.tasks.values() {
            self.report(task, TaskState::TaskFailed, *reason, message);
        }
    }

    async fn start(&self) -> Result<Process, String> {
        let framework_id = self.framework_id();
        let command = self.info.command.as_ref().ok_or("the executor has no command")?;
        let sandboxes = &self.context.sandboxes;
        let sandbox = sandboxes
            .new_run(&framework_id.value, &self.info.executor_id.value, &self.container)
            .map_err(|error| format!("Failed to create the sandbox: {error}"))?;
        let checkpoint = self.framework.checkpoint();
        let mut base = self.context.variables(&framework_id, &self.info.executor_id);
        let endpoint = format!("{}:{}", Ipv4Addr::LOCALHOST, self.context.info.port());
        base.extend([
            ("MESOS_SLAVE_PID", format!("slave(1)@{endpoint}")),
            ("MESOS_AGENT_ENDPOINT", endpoint),
            ("MESOS_CONTAINER_NAME", format!("mesos-{}", self.container)),
            ("MESOS_CHECKPOINT", u8::from(checkpoint).to_string()),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", format!("{}secs", self.grace().as_secs_f64())),
            ("MESOS_HTTP_COMMAND_EXECUTOR", "0".into()),
            ("MESOS_LOCAL", "1".into()),
        ]);
        if checkpoint {
            base.extend([
                ("MESOS_RECOVERY_TIMEOUT", "15mins".into()),
                ("MESOS_SUBSCRIPTION_BACKOFF_MAX", "2secs".into()),
            ]);
        }
        let mut environment = plan::environment(&base, &sandbox);
        plan::add_variables(&mut environment, command)?;
        fetcher::fetch_all(command, &sandbox, &self.container).await?;
        let (path, argv0, arguments) = plan::shell_or_program(command)?;
        let program = Program { path, argv0, arguments, environment, ends_with_stdin: false };
        Process::start(&program, &sandbox, &self.context.families)
            .map_err(|error| format!("Failed to run '{}': {error}", program.path.display()))
    }

    async fn supervise(
        &self,
        registration: &Registration,
        process: &mut Process,
        inputs: &mut mpsc::UnboundedReceiver<ExecutorInput>,
        state: &mut State,
    ) -> io::Result<ExitStatus> {
        let register_at = now() + REGISTRATION_TIMEOUT;
        let mut is_registered = false;
        loop {
            tokio::select! {
                biased;
                // What it said before it ended counts.
                Some(input) = inputs.recv() => {
                    if matches!(input, ExecutorInput::Subscribe { .. }) {
                        registration.set_subscribed();
                        is_registered = true;
                    }
                    self.handle(state, input);
                    if state.kill_at.is_some_and(|at| at <= now()) {
                        process.end().await;
                        state.kill_at = None;
                    }
                }
                status = process.wait() => return status,
                () = until(state.kill_at) => {
                    process.end().await;
                    state.kill_at = None;
                }
                () = until(Some(register_at)), if !is_registered => {
                    is_registered = true;
                    let message = "Executor did not register within 1mins".into();
                    state.cause = Cause { reason: Reason::ExecutorRegistrationTimeout, message };
                    process.end().await;
                }
            }
        }
    }

    fn handle(&self, state: &mut State, input: ExecutorInput) {
        match input {
            ExecutorInput::Launch { tasks, is_group } => {
                let by_id = tasks.iter().map(|task| (task.task_id.value.clone(), task.clone()));
                state.tasks.extend(by_id);
                if state.events.is_some() {
                    state.deliver(tasks, is_group);
                } else {
                    state.queued.push((tasks, is_group));
                }
            }
            ExecutorInput::Kill { task_id, kill_policy } => self.kill(state, task_id, kill_policy),
            // Lost if nobody listens, as with a real agent.
            ExecutorInput::Message(data) => state.send(Event {
                r#type: Some(event::Type::Message.into()),
                message: Some(event::Message { data }),
                ..Event::default()
            }),
            ExecutorInput::Shutdown { at_once } => {
                let heard = state
                    .send_or_not(Event { r#type: Some(event::Type::Shutdown.into()), ..Event::default() });
                let grace = if at_once || !heard { Duration::ZERO } else { self.grace() };
                let deadline = now().checked_add(grace);
                state.kill_at = [state.kill_at, deadline].into_iter().flatten().min();
            }
            ExecutorInput::Subscribe { subscribe, events } => self.subscribe(state, *subscribe, events),
            ExecutorInput::Update(status) => self.update(state, *status),
            ExecutorInput::MessageToFramework(data) => {
                let (driver, agent) = (&self.context.driver, &self.context.id);
                driver.executor_message(agent, &self.framework_id(), &self.info.executor_id, data);
            }
        }
    }

    /// A stream that was open is closed with its sender.
    fn subscribe(&self, state: &mut State, subscribe: call::Subscribe, events: mpsc::UnboundedSender<Event>) {
        state.events = Some(events);
        state.send(Event {
            r#type: Some(event::Type::Subscribed.into()),
            subscribed: Some(event::Subscribed {
                executor_info: self.info.clone(),
                framework_info: self.framework.clone(),
                agent_info: v1::AgentInfo { id: Some(self.context.id.clone()), ..self.context.info.clone() },
                container_id: Some(self.container_id()),
            }),
            ..Event::default()
        });
        for update in subscribe.unacknowledged_updates {
            self.update(state, update.status);
        }
        for (tasks, is_group) in std::mem::take(&mut state.queued) {
            state.deliver(tasks, is_group);
        }
    }

    fn update(&self, state: &mut State, status: v1::TaskStatus) {
        let uuid = status.uuid.clone().unwrap_or_default();
        let task_id = status.task_id.clone();
        if state.taken.insert(uuid.clone()) {
            if status.state().is_terminal() {
                state.tasks.remove(&task_id.value);
            }
            self.forward(state, status);
        }
        state.send(Event {
            r#type: Some(event::Type::Acknowledged.into()),
            acknowledged: Some(event::Acknowledged { task_id, uuid }),
            ..Event::default()
        });
    }

    /// What the agent knows of the container is added to what the executor says of the task.
    fn forward(&self, state: &State, status: v1::TaskStatus) {
        let mut container = status.container_status.clone().unwrap_or_default();
        container.container_id.get_or_insert_with(|| self.container_id());
        container.executor_pid = container.executor_pid.or(state.pid);
        if container.network_infos.is_empty() {
            container.network_infos = vec![report::network(Ipv4Addr::LOCALHOST)];
        }
        let status = v1::TaskStatus {
            executor_id: Some(self.info.executor_id.clone()),
            container_status: Some(container),
            source: Some(Source::Executor.into()),
            ..status
        };
        self.context.report(&self.framework_id(), status);
    }

    /// A task that waits for the process is killed here, with its group; any other one by the process.
    fn kill(&self, state: &mut State, task_id: v1::TaskId, kill_policy: Option<v1::KillPolicy>) {
        if !state.tasks.contains_key(&task_id.value) {
            return;
        }
        let is_of = |tasks: &[v1::TaskInfo]| tasks.iter().any(|task| task.task_id == task_id);
        let Some(place) = state.queued.iter().position(|(tasks, _)| is_of(tasks)) else {
            state.send(Event {
                r#type: Some(event::Type::Kill.into()),
                kill: Some(event::Kill { task_id, kill_policy }),
                ..Event::default()
            });
            return;
        };
        let (tasks, _) = state.queued.remove(place);
        for task in &tasks {
            state.tasks.remove(&task.task_id.value);
            let text = "Killed before delivery to the executor";
            self.report(task, TaskState::TaskKilled, Reason::TaskKilledDuringLaunch, text);
        }
        if state.tasks.is_empty() {
            state.kill_at = Some(now());
        }
    }

    /// Tells what the agent knows by itself.
    fn report(&self, task: &v1::TaskInfo, state: TaskState, reason: Reason, message: &str) {
        let status = v1::TaskStatus {
            task_id: task.task_id.clone(),
            state: state.into(),
            source: Some(Source::Agent.into()),
            reason: Some(reason.into()),
            message: Some(message.to_owned()),
            executor_id: Some(self.info.executor_id.clone()),
            ..v1::TaskStatus::default()
        };
        self.context.report(&self.framework_id(), status);
    }

    fn grace(&self) -> Duration {
        self.info.shutdown_grace_period.as_ref().map_or(SHUTDOWN_GRACE, plan::duration)
    }

    fn container_id(&self) -> v1::ContainerId {
        v1::ContainerId { value: self.container.clone(), parent: None }
    }

    fn framework_id(&self) -> v1::FrameworkId {
        self.framework.id.clone().unwrap_or_default()
    }
}

impl State {
    fn deliver(&self, tasks: Vec<v1::TaskInfo>, is_group: bool) {
        if is_group {
            let task_group = v1::TaskGroupInfo { tasks };
            self.send(Event {
                r#type: Some(event::Type::LaunchGroup.into()),
                launch_group: Some(event::LaunchGroup { task_group }),
                ..Event::default()
            });
            return;
        }
        for task in tasks {
            self.send(Event {
                r#type: Some(event::Type::Launch.into()),
                launch: Some(event::Launch { task }),
                ..Event::default()
            });
        }
    }

    fn send(&self, event: Event) {
        self.send_or_not(event);
    }

    /// Tells whether somebody listens.
    fn send_or_not(&self, event: Event) -> bool {
        self.events.as_ref().is_some_and(|events| events.send(event).is_ok())
    }
}
