//! The tasks of a simulated agent as a state machine: orders and time in, reports and the next deadline out.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    time::Duration,
};

use mesos_proto::v1::{
    self, TaskState, container_info,
    framework_info::capability,
    task_status::{Reason, Source},
};

use super::SimulatedConfig;
use crate::{
    agent::{
        plan,
        process::{command_text, container_text},
    },
    master::{AgentAction, has_capability},
    uuids::Uuids,
};

/// The framework, the task, and the number of the run: a framework may launch an id again.
type Key = (String, String, u64);

/// All tasks of one agent. Times count from its start.
#[derive(Debug)]
pub(super) struct Tasks {
    config: SimulatedConfig,
    uuids: Uuids,
    runs: BTreeMap<Key, Run>,
    next_run: u64,
    /// When the next step of a run is due; one entry at most for each.
    queue: BTreeSet<(Duration, Key)>,
    reports: VecDeque<Report>,
}

#[derive(Debug)]
struct Run {
    container: String,
    /// Whether the Docker executor is played, not that of commands.
    is_docker: bool,
    tells_killing: bool,
    state: State,
    due: Option<Duration>,
}

/// What the master is to be told.
#[derive(Debug)]
pub(super) enum Report {
    Status(v1::FrameworkId, Box<v1::TaskStatus>),
    ExecutorExited(v1::FrameworkId, v1::ExecutorId),
}

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Running,
    Finished,
    Killed { signal: i32 },
}

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

impl Tasks {
    pub(super) fn new(config: SimulatedConfig, uuids: Uuids) -> Self {
        Self {
            config,
            uuids,
            runs: BTreeMap::new(),
            next_run: 0,
            queue: BTreeSet::new(),
            reports: VecDeque::new(),
        }
    }

    pub(super) fn handle_action(&mut self, now: Duration, action: AgentAction) {
        match action {
            AgentAction::Launch { framework, task } => self.launch(now, &framework, &task),
            AgentAction::LaunchInExecutor { framework, executor, tasks, .. } => {
                self.refuse_executor(&framework, *executor, tasks);
            }
            // No executor runs here.
            AgentAction::Message { .. } | AgentAction::ShutdownExecutor { .. } => {}
            AgentAction::Kill { framework_id, task_id, kill_policy } => {
                let grace = kill_policy.as_ref().and_then(plan::grace);
                let id = (framework_id.value, task_id.value);
                let first = (id.0.clone(), id.1.clone(), 0);
                let runs = self.runs.range(first..).map(|(key, _)| key.clone());
                let runs: Vec<Key> = runs.take_while(|key| (&key.0, &key.1) == (&id.0, &id.1)).collect();
                self.kill_all(now, runs, grace);
            }
            AgentAction::ShutdownFramework { framework_id } => {
                let id = framework_id.value;
                let runs = self.runs.range((id.clone(), String::new(), 0)..).map(|(key, _)| key.clone());
                let runs: Vec<Key> = runs.take_while(|key| key.0 == id).collect();
                self.kill_all(now, runs, None);
            }
            AgentAction::Shutdown => {
                let runs = self.runs.keys().cloned().collect();
                self.kill_all(now, runs, Some(Duration::ZERO));
            }
        }
    }

    /// Takes the steps that are due.
    pub(super) fn handle_timeout(&mut self, now: Duration) {
        while self.queue.first().is_some_and(|(at, _)| *at <= now) {
            let Some((at, key)) = self.queue.pop_first() else { return };
            let Some(run) = self.runs.get_mut(&key) else { continue };
            run.due = None;
            // Deadlines follow each other, however late the clock is read.
            self.step(at, &key);
        }
    }

    pub(super) fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.queue.first().map(|(at, _)| *at)
    }

    fn launch(&mut self, now: Duration, framework: &v1::FrameworkInfo, task: &v1::TaskInfo) {
        let framework_id = framework.id.as_ref().map_or("", |id| id.value.as_str()).to_owned();
        let key = (framework_id, task.task_id.value.clone(), self.next_run);
        self.next_run += 1;
        let container = task.container.as_ref();
        let run = Run {
            container: self.uuids.text(),
            is_docker: container.is_some_and(|container| container.r#type() == container_info::Type::Docker),
            tells_killing: has_capability(framework, capability::Type::TaskKillingState),
            state: State::Starting,
            due: None,
        };
        self.runs.insert(key.clone(), run);
        self.wait(now, self.config.starting_after, &key);
    }

    fn refuse_executor(
        &mut self,
        framework: &v1::FrameworkInfo,
        executor: v1::ExecutorInfo,
        tasks: Vec<v1::TaskInfo>,
    ) {
        let framework_id = framework.id.clone().unwrap_or_default();
        for task in tasks {
            let status = v1::TaskStatus {
                task_id: task.task_id,
                state: TaskState::TaskFailed.into(),
                message: Some("Failed to launch container: executors are not simulated".into()),
                source: Some(Source::Agent.into()),
                reason: Some(Reason::ContainerLaunchFailed.into()),
                executor_id: Some(executor.executor_id.clone()),
                ..v1::TaskStatus::default()
            };
            self.reports.push_back(Report::Status(framework_id.clone(), Box::new(status)));
        }
        self.reports.push_back(Report::ExecutorExited(framework_id, executor.executor_id));
    }

    fn kill_all(&mut self, now: Duration, runs: Vec<Key>, grace: Option<Duration>) {
        for key in runs {
            self.kill(now, &key, grace);
        }
    }

    fn kill(&mut self, now: Duration, key: &Key, grace: Option<Duration>) {
        let Some(run) = self.runs.get_mut(key) else { return };
        let wanted = self.config.killed_after;
        let wait = grace.map_or(wanted, |grace| grace.min(wanted));
        let is_first = !matches!(run.state, State::Killed { .. });
        // A later kill may shorten the time, not lengthen it.
        if !is_first && run.due.is_some_and(|due| due <= now.saturating_add(wait)) {
            return;
        }
        let signal = if wait < wanted || grace == Some(Duration::ZERO) { SIGKILL } else { SIGTERM };
        run.state = State::Killed { signal };
        if is_first && run.tells_killing {
            self.report(key, TaskState::TaskKilling, None);
        }
        self.wait(now, wait, key);
    }

    /// Lets the next step of a run come after a time, which may be none.
    fn wait(&mut self, now: Duration, time: Duration, key: &Key) {
        let Some(run) = self.runs.get_mut(key) else { return };
        if let Some(due) = run.due.take() {
            self.queue.remove(&(due, key.clone()));
        }
        if time.is_zero() {
            self.step(now, key);
            return;
        }
        let due = now.saturating_add(time);
        run.due = Some(due);
        self.queue.insert((due, key.clone()));
    }

    fn step(&mut self, now: Duration, key: &Key) {
        let Some(run) = self.runs.get_mut(key) else { return };
        match run.state {
            State::Starting => {
                run.state = State::Running;
                self.report(key, TaskState::TaskStarting, None);
                self.wait(now, self.config.running_after, key);
            }
            State::Running => {
                run.state = State::Finished;
                self.report(key, TaskState::TaskRunning, None);
                if let Some(lifetime) = self.config.lifetime {
                    self.wait(now, lifetime, key);
                }
            }
            State::Finished => self.end(key, TaskState::TaskFinished, ExitStatus::from_raw(0)),
            State::Killed { signal } => self.end(key, TaskState::TaskKilled, ExitStatus::from_raw(signal)),
        }
    }

    fn end(&mut self, key: &Key, state: TaskState, status: ExitStatus) {
        let is_docker = self.runs.get(key).is_some_and(|run| run.is_docker);
        let message = if is_docker { container_text(status) } else { command_text(status) };
        self.report(key, state, Some(message));
        self.runs.remove(key);
    }

    fn report(&mut self, key: &Key, state: TaskState, message: Option<String>) {
        let Some(run) = self.runs.get(key) else { return };
        let address = v1::network_info::IpAddress {
            protocol: Some(v1::network_info::Protocol::IPv4.into()),
            ip_address: Some("127.0.0.1".into()),
        };
        let network = v1::NetworkInfo { ip_addresses: vec![address], ..v1::NetworkInfo::default() };
        let status = v1::TaskStatus {
            task_id: v1::TaskId::new(key.1.clone()),
            state: state.into(),
            message,
            source: Some(Source::Executor.into()),
            executor_id: Some(v1::ExecutorId::new(key.1.clone())),
            container_status: Some(v1::ContainerStatus {
                container_id: Some(v1::ContainerId { value: run.container.clone(), parent: None }),
                network_infos: vec![network],
                ..v1::ContainerStatus::default()
            }),
            ..v1::TaskStatus::default()
        };
        self.reports.push_back(Report::Status(v1::FrameworkId::new(key.0.clone()), Box::new(status)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn tasks(config: SimulatedConfig) -> Tasks {
        Tasks::new(config, Uuids::new(1))
    }

    fn slow() -> SimulatedConfig {
        SimulatedConfig {
            starting_after: SECOND,
            running_after: 2 * SECOND,
            lifetime: Some(10 * SECOND),
            killed_after: 3 * SECOND,
        }
    }

    fn launch(task: &str, container: Option<container_info::Type>) -> AgentAction {
        let capability = capability::Type::TaskKillingState;
        let capability = v1::framework_info::Capability { r#type: Some(capability.into()) };
        let framework = v1::FrameworkInfo {
            id: Some(v1::FrameworkId::new("fw")),
            capabilities: vec![capability],
            ..v1::FrameworkInfo::default()
        };
        let container =
            container.map(|kind| v1::ContainerInfo { r#type: kind.into(), ..v1::ContainerInfo::default() });
        let task = v1::TaskInfo { task_id: v1::TaskId::new(task), container, ..v1::TaskInfo::default() };
        AgentAction::Launch { framework: Box::new(framework), task: Box::new(task) }
    }

    fn kill(task: &str, grace: Option<Duration>) -> AgentAction {
        let grace_period =
            grace.map(|grace| v1::DurationInfo { nanoseconds: i64::try_from(grace.as_nanos()).unwrap() });
        AgentAction::Kill {
            framework_id: v1::FrameworkId::new("fw"),
            task_id: v1::TaskId::new(task),
            kill_policy: grace_period.map(|grace| v1::KillPolicy { grace_period: Some(grace) }),
        }
    }

    /// `task state message`, one line for each report.
    fn reports(tasks: &mut Tasks) -> String {
        let reports = std::iter::from_fn(|| tasks.poll_report());
        let lines = reports.map(|report| {
            let Report::Status(framework, status) = report else { return format!("{report:?}") };
            assert_eq!(framework.value, "fw");
            assert!(status.container_status.as_ref().is_some_and(|known| known.container_id.is_some()));
            format!("{} {} {}", status.task_id, status.state().as_str_name(), status.message())
        });
        lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn without_times_a_task_runs_at_once_and_until_it_is_killed() {
        let mut tasks = tasks(SimulatedConfig::default());
        tasks.handle_action(SECOND, launch("t1", None));
        assert_eq!(reports(&mut tasks), "t1 TASK_STARTING\nt1 TASK_RUNNING");
        assert_eq!(tasks.poll_timeout(), None);
        tasks.handle_action(SECOND, kill("t2", None));
        assert_eq!(reports(&mut tasks), "");
        tasks.handle_action(SECOND, kill("t1", None));
        let end = "t1 TASK_KILLING\nt1 TASK_KILLED Command terminated with signal Terminated";
        assert_eq!(reports(&mut tasks), end);
        tasks.handle_action(SECOND, kill("t1", None));
        assert_eq!(reports(&mut tasks), "");
    }

    #[test]
    fn each_step_has_its_time() {
        let mut tasks = tasks(slow());
        tasks.handle_action(SECOND, launch("t1", Some(container_info::Type::Docker)));
        for (due, report) in [
            (2, "t1 TASK_STARTING"),
            (4, "t1 TASK_RUNNING"),
            (14, "t1 TASK_FINISHED Container exited with status 0"),
        ] {
            assert_eq!(tasks.poll_timeout(), Some(due * SECOND));
            tasks.handle_timeout(due * SECOND - Duration::from_nanos(1));
            assert_eq!(reports(&mut tasks), "", "before {due} s");
            tasks.handle_timeout(due * SECOND);
            assert_eq!(reports(&mut tasks), report);
        }
        assert_eq!(tasks.poll_timeout(), None);
        assert!(tasks.runs.is_empty());
    }

    #[test]
    fn a_later_kill_shortens_the_time_and_does_not_lengthen_it() {
        for (grace, due) in [(None, 3), (Some(9 * SECOND), 3), (Some(SECOND), 2), (Some(Duration::ZERO), 1)] {
            let mut tasks = tasks(slow());
            tasks.handle_action(Duration::ZERO, launch("t1", None));
            tasks.handle_action(Duration::ZERO, kill("t1", None));
            assert_eq!(reports(&mut tasks), "t1 TASK_KILLING");
            tasks.handle_action(SECOND, kill("t1", grace));
            tasks.handle_timeout(SECOND);
            if due > 1 {
                assert_eq!(tasks.poll_timeout(), Some(due * SECOND), "{grace:?}");
                assert_eq!(reports(&mut tasks), "");
                tasks.handle_timeout(due * SECOND);
            }
            let signal = if due == 3 { "Terminated" } else { "Killed" };
            let end = format!("t1 TASK_KILLED Command terminated with signal {signal}");
            assert_eq!(reports(&mut tasks), end);
        }
    }

    #[test]
    fn the_end_of_a_framework_or_of_all_ends_every_task_of_it() {
        for (action, due) in [
            (AgentAction::ShutdownFramework { framework_id: v1::FrameworkId::new("fw") }, Some(3 * SECOND)),
            (AgentAction::ShutdownFramework { framework_id: v1::FrameworkId::new("f") }, Some(SECOND)),
            (AgentAction::Shutdown, None),
        ] {
            let mut tasks = tasks(slow());
            tasks.handle_action(Duration::ZERO, launch("t1", None));
            tasks.handle_action(Duration::ZERO, launch("t2", None));
            tasks.handle_action(Duration::ZERO, action);
            assert_eq!(tasks.poll_timeout(), due);
        }
    }
}
