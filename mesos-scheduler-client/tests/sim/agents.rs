//! Agents, and executors that live by the script.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use mesos_local::master::AgentAction;
use mesos_proto::v1::{
    self, TaskState,
    framework_info::capability,
    task_status::{Reason, Source},
};

use crate::{
    invariant::{Amounts, Checked, Invariant, broken},
    script::{Action, Life, Script},
};

/// A task on an agent; one that is not here does not live.
#[derive(Debug)]
pub(crate) struct Run {
    framework: v1::FrameworkInfo,
    task: String,
    pub(crate) ports: Vec<u64>,
    amounts: Amounts,
    life: Life,
    /// Tells one run of an id from another.
    number: u64,
    state: TaskState,
}

/// What becomes due on an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Starts,
    Runs,
    SaysSoAgain,
    Ends { is_well: bool },
    IsKilled,
}

/// A later stage of a run.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) after: Duration,
    pub(crate) task: String,
    pub(crate) number: u64,
    pub(crate) stage: Stage,
}

/// A report that waits until the master can be reached.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) framework: v1::FrameworkId,
    pub(crate) status: v1::TaskStatus,
}

#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) id: v1::AgentId,
    total: Amounts,
    pub(crate) runs: BTreeMap<String, Run>,
    pub(crate) reports: VecDeque<Report>,
    /// Whether the network reaches it.
    pub(crate) is_connected: bool,
    /// Whether the present master has it.
    pub(crate) is_registered: bool,
    /// Whether it will never be back under this id.
    pub(crate) is_over: bool,
    taken_ports: BTreeSet<u64>,
    kills_to_lose: u32,
    next_run: u64,
}

impl Agent {
    pub(crate) fn new(id: v1::AgentId, resources: &[v1::Resource]) -> Self {
        Self {
            id,
            total: Amounts::of(resources),
            runs: BTreeMap::new(),
            reports: VecDeque::new(),
            is_connected: true,
            is_registered: true,
            is_over: false,
            taken_ports: BTreeSet::new(),
            kills_to_lose: 0,
            next_run: 0,
        }
    }

    /// Takes a command of the master. One that comes while the agent does not answer is lost; that a launch was,
    /// the agent says when it is back.
    pub(crate) fn command(&mut self, action: AgentAction, script: &Script) -> Result<Vec<Due>, Violation> {
        match action {
            AgentAction::Launch { framework, task } if !self.is_connected => {
                self.report_lost_launch(&framework, &task.task_id, "task unknown to the agent");
                Ok(Vec::new())
            }
            AgentAction::Launch { framework, task } => self.launch(*framework, &task, script),
            AgentAction::Kill { task_id, .. } if self.is_connected => Ok(self.kill(&task_id.value)),
            // Executors that are not checkpointed end with the connection of their agent.
            AgentAction::ShutdownFramework { framework_id } => {
                self.runs.retain(|_, run| run.framework.id.as_ref() != Some(&framework_id));
                Ok(Vec::new())
            }
            AgentAction::Shutdown if self.is_connected => {
                self.end();
                Ok(Vec::new())
            }
            AgentAction::Kill { .. } | AgentAction::Shutdown => Ok(Vec::new()),
            AgentAction::LaunchInExecutor { .. }
            | AgentAction::Message { .. }
            | AgentAction::ShutdownExecutor { .. } => {
                broken(Invariant::CallsHaveSubscription, "there are no executors here").map(|()| Vec::new())
            }
        }
    }

    fn launch(
        &mut self,
        framework: v1::FrameworkInfo,
        task: &v1::TaskInfo,
        script: &Script,
    ) -> Result<Vec<Due>, Violation> {
        let id = task.task_id.value.clone();
        let Some(life) = life_of(script, &id) else { return Ok(Vec::new()) };
        self.next_run += 1;
        let run = Run {
            framework,
            task: id.clone(),
            ports: ports(&task.resources),
            amounts: Amounts::of(&task.resources),
            life,
            number: self.next_run,
            state: TaskState::TaskStaging,
        };
        let due = Due { after: run.life.start, task: id.clone(), number: run.number, stage: Stage::Starts };
        self.runs.insert(id, run);
        self.check()?;
        Ok(vec![due])
    }

    fn check(&self) -> Checked {
        let mut used = Amounts::default();
        for run in self.runs.values() {
            used.add(&run.amounts);
        }
        match self.total.missing(&used) {
            Some(missing) => broken(Invariant::NothingUsedTwice, format!("agent {}: {missing}", self.id)),
            None => Ok(()),
        }
    }

    fn kill(&mut self, task: &str) -> Vec<Due> {
        if self.kills_to_lose > 0 {
            self.kills_to_lose -= 1;
            return Vec::new();
        }
        let Some(run) = self.runs.get_mut(task) else { return Vec::new() };
        if run.state == TaskState::TaskKilling {
            return Vec::new();
        }
        let due = Due {
            after: run.life.dies_within,
            task: task.to_owned(),
            number: run.number,
            stage: Stage::IsKilled,
        };
        if run.state == TaskState::TaskStaging {
            let run = self.runs.remove(task).expect("it was found above");
            let reason = Some(Reason::TaskKilledDuringLaunch);
            self.report(&run, TaskState::TaskKilled, Source::Agent, reason, "killed before it was started");
            return Vec::new();
        }
        run.state = TaskState::TaskKilling;
        if has(&run.framework, capability::Type::TaskKillingState) {
            let report = report(run, TaskState::TaskKilling, Source::Executor, None, "");
            self.reports.push_back(report);
        }
        vec![due]
    }

    /// Brings a run to its next stage, unless it has ended or is being killed meanwhile.
    pub(crate) fn advance(&mut self, due: &Due) -> Vec<Due> {
        let Some(run) = self.runs.get_mut(&due.task).filter(|run| run.number == due.number) else {
            return Vec::new();
        };
        let is_dying = run.state == TaskState::TaskKilling;
        let next = |after, stage| vec![Due { after, stage, ..due.clone() }];
        match due.stage {
            Stage::IsKilled => {
                self.end_run(&due.task, TaskState::TaskKilled, "Command terminated with signal Terminated");
                Vec::new()
            }
            Stage::Starts | Stage::Runs | Stage::SaysSoAgain | Stage::Ends { .. } if is_dying => Vec::new(),
            Stage::Starts => {
                run.state = TaskState::TaskStarting;
                let after = run.life.run;
                self.tell(&due.task);
                next(after, Stage::Runs)
            }
            Stage::Runs if run.life.never_runs => {
                self.end_run(&due.task, TaskState::TaskFailed, "Command exited with status 1");
                Vec::new()
            }
            Stage::Runs if run.ports.iter().any(|port| self.taken_ports.contains(port)) => {
                self.end_run(&due.task, TaskState::TaskFailed, "Container exited with status 125");
                Vec::new()
            }
            Stage::Runs => {
                run.state = TaskState::TaskRunning;
                let (end, again) = (run.life.end, run.life.again);
                self.tell(&due.task);
                let mut dues = Vec::new();
                dues.extend(end.map(|(after, is_well)| Due {
                    after,
                    stage: Stage::Ends { is_well },
                    ..due.clone()
                }));
                dues.extend(again.map(|after| Due { after, stage: Stage::SaysSoAgain, ..due.clone() }));
                dues
            }
            Stage::SaysSoAgain => {
                self.tell(&due.task);
                Vec::new()
            }
            Stage::Ends { is_well: true } => {
                self.end_run(&due.task, TaskState::TaskFinished, "Command exited with status 0");
                Vec::new()
            }
            Stage::Ends { is_well: false } => {
                self.end_run(&due.task, TaskState::TaskFailed, "Command exited with status 1");
                Vec::new()
            }
        }
    }

    /// The task ends by itself, if it runs.
    pub(crate) fn finish(&mut self, task: &str, is_well: bool) {
        if self.runs.get(task).is_some_and(|run| run.state == TaskState::TaskRunning) {
            let state = if is_well { TaskState::TaskFinished } else { TaskState::TaskFailed };
            self.end_run(task, state, "Command exited by itself");
        }
    }

    /// The process of the agent starts anew: what it had not handed to an executor is dropped.
    pub(crate) fn restart(&mut self) {
        for run in self.take_runs(|run| run.state == TaskState::TaskStaging) {
            let state = lost_state(&run.framework, TaskState::TaskDropped);
            let text = "Task launched during agent restart";
            self.report(&run, state, Source::Agent, Some(Reason::AgentRestarted), text);
        }
    }

    /// The machine starts anew: every executor is gone.
    pub(crate) fn reboot(&mut self) {
        for run in self.take_runs(|_| true) {
            let reason = Some(Reason::ExecutorTerminated);
            self.report(&run, TaskState::TaskFailed, Source::Agent, reason, "Executor terminated");
        }
    }

    /// Nothing of it is left, and nothing is told.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
        self.runs.clear();
        self.reports.clear();
    }

    pub(crate) fn take_port(&mut self, port: u64) {
        self.taken_ports.insert(port);
    }

    pub(crate) fn free_port(&mut self, port: u64) {
        self.taken_ports.remove(&port);
    }

    pub(crate) fn lose_kills(&mut self, count: u32) {
        self.kills_to_lose = count;
    }

    fn take_runs(&mut self, is_it: impl Fn(&Run) -> bool) -> Vec<Run> {
        let ids = self.runs.iter().filter(|(_, run)| is_it(run)).map(|(id, _)| id.clone());
        let ids: Vec<String> = ids.collect();
        ids.iter().filter_map(|id| self.runs.remove(id)).collect()
    }

    fn tell(&mut self, task: &str) {
        let Some(run) = self.runs.get(task) else { return };
        let report = report(run, run.state, Source::Executor, None, "");
        self.reports.push_back(report);
    }

    fn end_run(&mut self, task: &str, state: TaskState, message: &str) {
        if let Some(run) = self.runs.remove(task) {
            self.report(&run, state, Source::Executor, None, message);
        }
    }

    fn report(&mut self, run: &Run, state: TaskState, source: Source, reason: Option<Reason>, message: &str) {
        self.reports.push_back(report(run, state, source, reason, message));
    }

    fn report_lost_launch(&mut self, framework: &v1::FrameworkInfo, task_id: &v1::TaskId, message: &str) {
        let status = v1::TaskStatus {
            task_id: task_id.clone(),
            state: lost_state(framework, TaskState::TaskDropped).into(),
            source: Some(Source::Agent.into()),
            reason: Some(Reason::Reconciliation.into()),
            message: Some(format!("Reconciliation: {message}")),
            ..v1::TaskStatus::default()
        };
        let framework = framework.id.clone().unwrap_or_default();
        self.reports.push_back(Report { framework, status });
    }
}

use crate::invariant::Violation;

fn report(run: &Run, state: TaskState, source: Source, reason: Option<Reason>, message: &str) -> Report {
    let status = v1::TaskStatus {
        task_id: v1::TaskId::new(&run.task),
        state: state.into(),
        source: Some(source.into()),
        reason: reason.map(Into::into),
        message: (!message.is_empty()).then(|| message.to_owned()),
        executor_id: Some(v1::ExecutorId::new(&run.task)),
        ..v1::TaskStatus::default()
    };
    Report { framework: run.framework.id.clone().unwrap_or_default(), status }
}

fn lost_state(framework: &v1::FrameworkInfo, partition_aware: TaskState) -> TaskState {
    if has(framework, capability::Type::PartitionAware) { partition_aware } else { TaskState::TaskLost }
}

fn has(framework: &v1::FrameworkInfo, wanted: capability::Type) -> bool {
    framework.capabilities.iter().any(|capability| capability.r#type() == wanted)
}

fn ports(resources: &[v1::Resource]) -> Vec<u64> {
    let ranges =
        resources.iter().filter(|resource| resource.name == "ports").flat_map(|resource| &resource.ranges);
    let mut ports: Vec<u64> =
        ranges.flat_map(|ranges| &ranges.range).flat_map(|range| range.begin..=range.end).collect();
    ports.sort_unstable();
    ports
}

/// The id that the user gave: a launch that is tried again has a suffix.
pub(crate) fn base(task: &str) -> &str {
    task.split(".r").next().unwrap_or(task)
}

/// The id of a task of the script.
pub(crate) fn task_id(task: u32) -> String {
    format!("t{task}")
}

fn life_of(script: &Script, id: &str) -> Option<Life> {
    script.steps.iter().find_map(|step| match &step.action {
        Action::Submit { task, life, .. } if task_id(*task) == base(id) => Some(life.clone()),
        _ => None,
    })
}
