//! One task, as who submitted it sees it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use mesos_proto::v1::TaskState;
use tokio::sync::{mpsc, oneshot, watch};

use super::Command;
use crate::framework::{LaunchFailure, Running, Stage, TaskEnd};

type Answer = Result<Running, Box<LaunchFailure>>;

/// Who waits for news of a task.
#[derive(Debug)]
pub(super) struct Watcher {
    /// What is there until the submission is answered.
    launch: Option<(watch::Sender<Stage>, oneshot::Sender<Answer>)>,
    end: watch::Sender<Option<TaskEnd>>,
    pub(super) kills: Vec<oneshot::Sender<()>>,
    /// Tells submissions of one id apart.
    pub(super) number: u64,
}

impl Watcher {
    /// A watcher, and what belongs to it.
    pub(super) fn new(
        task_id: String,
        number: u64,
        commands: mpsc::UnboundedSender<Command>,
    ) -> (Self, Submission) {
        let (stage, stages) = watch::channel(Stage::WaitingForOffer);
        let (answer, answered) = oneshot::channel();
        let (end, ended) = watch::channel(None);
        let watcher = Self { launch: Some((stage, answer)), end, kills: Vec::new(), number };
        (watcher, Submission { task_id, number, stages, answered: Some(answered), ended, commands })
    }

    /// A watcher of a task that runs.
    pub(super) fn of_running() -> (Self, watch::Receiver<Option<TaskEnd>>) {
        let (end, ended) = watch::channel(None);
        (Self { launch: None, end, kills: Vec::new(), number: 0 }, ended)
    }

    pub(super) fn reach(&self, stage: Stage) {
        if let Some((stages, _)) = &self.launch {
            stages.send_replace(stage);
        }
    }

    /// Answers the submission, once.
    pub(super) fn answer(&mut self, answer: Answer) {
        if let Some((_, answered)) = self.launch.take() {
            // A caller that is gone needs no answer; its dropped submission kills the task.
            let _ = answered.send(answer);
        }
    }

    /// The task is gone.
    pub(super) fn end(self, end: Option<TaskEnd>) {
        self.end.send_replace(end);
        for done in self.kills {
            // As above.
            let _ = done.send(());
        }
    }
}

/// A task on its way. It resolves when the task runs, or when that has failed.
#[derive(Debug)]
#[must_use = "dropping a submission kills its task"]
pub struct Submission {
    task_id: String,
    number: u64,
    stages: watch::Receiver<Stage>,
    answered: Option<oneshot::Receiver<Answer>>,
    ended: watch::Receiver<Option<TaskEnd>>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Submission {
    /// How far the launch is, and every change of it.
    pub fn stages(&self) -> watch::Receiver<Stage> {
        self.stages.clone()
    }

    /// Lets the task run without waiting for it: [`Framework::subscribe_changes`](super::Framework::subscribe_changes) tells
    /// what becomes of it.
    pub fn detach(mut self) {
        self.answered = None;
    }
}

impl Future for Submission {
    type Output = Result<RunningTask, Box<LaunchFailure>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(answered) = &mut self.answered else {
            return Poll::Ready(Err(Box::new(LaunchFailure::Cancelled)));
        };
        let Poll::Ready(answer) = Pin::new(answered).poll(context) else { return Poll::Pending };
        self.answered = None;
        let answer = answer.unwrap_or_else(|_driver_ended| {
            Err(Box::new(LaunchFailure::Closed { why: "the framework was dropped".to_owned() }))
        });
        Poll::Ready(answer.map(|running| RunningTask {
            id: self.task_id.clone(),
            running,
            ended: self.ended.clone(),
        }))
    }
}

impl Drop for Submission {
    fn drop(&mut self) {
        if self.answered.is_some() {
            let command = Command::Cancel { task_id: self.task_id.clone(), number: self.number };
            // A driver that has ended has no task to kill.
            let _ = self.commands.send(command);
        }
    }
}

/// A task that runs, or ran.
#[derive(Clone, Debug)]
pub struct RunningTask {
    /// The id that it was submitted with.
    pub id: String,
    /// Where it runs.
    pub running: Running,
    pub(super) ended: watch::Receiver<Option<TaskEnd>>,
}

impl RunningTask {
    /// How the task ended, if it has.
    pub fn end(&self) -> Option<TaskEnd> {
        self.ended.borrow().clone()
    }

    /// Waits for the end of the task, whatever its cause.
    pub async fn ended(&mut self) -> TaskEnd {
        let end = self.ended.wait_for(Option::is_some).await.ok().and_then(|end| end.clone());
        // The watched side goes away with the driver only.
        end.unwrap_or_else(|| TaskEnd::untold(TaskState::TaskUnknown, "the framework was dropped"))
    }
}
