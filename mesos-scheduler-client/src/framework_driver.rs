//! The loop around the framework core, and the handle that tasks are submitted with.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};

use crate::{
    client::Client,
    error::TeardownError,
    events::Events,
    framework::{
        ChangeKind, FrameworkCore, LaunchFailure, OutcomeToken, Policy, Running, Stage, TaskEnd, TaskSpec,
    },
    session::{CallOutcome, Event},
};

/// A framework that runs tasks: submit one, get it running or learn why not; kill it and know that it
/// is gone.
///
/// Clones are cheap and belong to the same framework. When the last one is dropped the connections
/// close; the master then keeps the tasks for the failover timeout of the framework.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mesos_proto::v1;
/// use mesos_scheduler_client::{ClientBuilder, Framework, Masters, Policy, TaskSpec};
///
/// let info = v1::FrameworkInfo { user: "nobody".into(), name: "demo".into(), ..Default::default() };
/// let (client, events) = ClientBuilder::new(info, Masters::parse("http://127.0.0.1:5050")?).start()?;
/// let framework = Framework::start(client, events, "*", Policy::default());
///
/// let mut template = v1::TaskInfo { name: "sleep".into(), ..Default::default() };
/// template.command = Some(v1::CommandInfo { value: Some("sleep 60".into()), ..Default::default() });
/// let mut task = framework.submit(TaskSpec::new("sleep-1", 100, 32, template)).await?;
/// println!("runs on {}", task.running.placement.hostname);
/// framework.kill("sleep-1").await;
/// println!("{}", task.ended().await);
/// framework.teardown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Framework {
    commands: mpsc::UnboundedSender<Command>,
    client: Client,
    /// The driver; dropping the last handle ends it.
    _driver: Arc<JoinSet<()>>,
}

#[derive(Debug)]
enum Command {
    Submit { spec: Box<TaskSpec>, watcher: Watcher },
    Kill { task_id: String, done: Option<oneshot::Sender<()>> },
}

/// Who waits for news of a task.
#[derive(Debug)]
struct Watcher {
    stage: watch::Sender<Stage>,
    answer: Option<oneshot::Sender<Result<Running, Box<LaunchFailure>>>>,
    end: watch::Sender<Option<TaskEnd>>,
    kills: Vec<oneshot::Sender<()>>,
}

impl Framework {
    /// Starts to run tasks with a client that was just started. `role` is the role of the framework whose
    /// offers are used, `*` for the default one.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    pub fn start(client: Client, events: Events, role: impl Into<String>, policy: Policy) -> Self {
        let (commands, wishes) = mpsc::unbounded_channel();
        let mut driver = Driver {
            core: FrameworkCore::new(role, policy),
            client: client.clone(),
            events,
            wishes,
            watchers: BTreeMap::new(),
            replies: JoinSet::new(),
        };
        // What the first SUBSCRIBE says must be set before it is sent.
        driver.drain();
        let mut tasks = JoinSet::new();
        tasks.spawn(driver.run());
        Self { commands, client, _driver: Arc::new(tasks) }
    }

    /// Submits a task. Await the submission to get it running; drop it to kill the task.
    pub fn submit(&self, spec: TaskSpec) -> Submission {
        let task_id = spec.id.clone();
        let (stage, stages) = watch::channel(Stage::WaitingForOffer);
        let (answer, answered) = oneshot::channel();
        let (end, ended) = watch::channel(None);
        let watcher = Watcher { stage, answer: Some(answer), end, kills: Vec::new() };
        // A driver that has ended drops the watcher, which answers the submission.
        let _ = self.commands.send(Command::Submit { spec: Box::new(spec), watcher });
        Submission { task_id, stages, answered: Some(answered), ended, commands: self.commands.clone() }
    }

    /// Kills a task and waits until it is gone. A task that is not known is gone already.
    pub async fn kill(&self, task_id: &str) {
        let (done, gone) = oneshot::channel();
        let command = Command::Kill { task_id: task_id.to_owned(), done: Some(done) };
        if self.commands.send(command).is_ok() {
            // An error says that the driver has ended, and the tasks with it.
            let _ = gone.await;
        }
    }

    /// Ends the framework: the master kills its tasks and voids its id.
    ///
    /// # Errors
    /// No master confirmed it in time; the framework may still exist.
    pub async fn teardown(&self) -> Result<(), TeardownError> {
        self.client.teardown().await
    }

    /// The client below, for calls that are not about tasks.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// A task on its way. It resolves when the task runs, or when that has failed.
#[derive(Debug)]
#[must_use = "dropping a submission kills its task"]
pub struct Submission {
    task_id: String,
    stages: watch::Receiver<Stage>,
    answered: Option<oneshot::Receiver<Result<Running, Box<LaunchFailure>>>>,
    ended: watch::Receiver<Option<TaskEnd>>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Submission {
    /// How far the launch is, and every change of it.
    pub fn stages(&self) -> watch::Receiver<Stage> {
        self.stages.clone()
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
            let command = Command::Kill { task_id: self.task_id.clone(), done: None };
            // A driver that has ended has no task to kill.
            let _ = self.commands.send(command);
        }
    }
}

/// A task that runs, or ran.
#[derive(Clone, Debug)]
pub struct RunningTask {
    /// Its id.
    pub id: String,
    /// Where it runs.
    pub running: Running,
    ended: watch::Receiver<Option<TaskEnd>>,
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
        end.unwrap_or_else(|| TaskEnd {
            state: mesos_proto::v1::TaskState::TaskUnknown,
            reason: None,
            source: None,
            message: "the framework was dropped".to_owned(),
        })
    }
}

struct Driver {
    core: FrameworkCore,
    client: Client,
    events: Events,
    wishes: mpsc::UnboundedReceiver<Command>,
    watchers: BTreeMap<String, Watcher>,
    replies: JoinSet<(OutcomeToken, CallOutcome)>,
}

impl Driver {
    async fn run(mut self) {
        let mut is_closed = false;
        loop {
            self.drain();
            let deadline = self.core.poll_timeout();
            tokio::select! {
                event = self.events.next(), if !is_closed => {
                    is_closed = event.is_none();
                    if let Some(event) = event {
                        self.handle_event(event);
                    }
                }
                wish = self.wishes.recv() => {
                    let Some(wish) = wish else { return };
                    self.handle_wish(wish);
                }
                Some(reply) = self.replies.join_next() => {
                    if let Ok((token, outcome)) = reply {
                        self.core.handle_call_outcome(now(), token, outcome);
                    }
                }
                () = sleep_until(deadline) => self.core.handle_timeout(now()),
            }
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Subscribed { .. } => self.core.handle_subscribed(now()),
            Event::Mesos(event) => self.core.handle_event(now(), *event),
            Event::Disconnected { why, .. } => self.core.handle_disconnected(now(), why),
            Event::Closed(reason) => self.core.handle_closed(reason.to_string()),
        }
    }

    fn handle_wish(&mut self, wish: Command) {
        match wish {
            Command::Submit { spec, mut watcher } => {
                if self.watchers.contains_key(&spec.id) {
                    if let Some(answer) = watcher.answer.take() {
                        // A caller that is gone needs no answer.
                        let _ = answer.send(Err(Box::new(LaunchFailure::DuplicateId)));
                    }
                    return;
                }
                self.watchers.insert(spec.id.clone(), watcher);
                self.core.submit(now(), *spec);
            }
            Command::Kill { task_id, done } => {
                // Known to the core means watched here, so `done` is kept until the end is told.
                if let Some(watcher) = self.watchers.get_mut(&task_id) {
                    watcher.kills.extend(done);
                    self.core.kill(now(), &task_id);
                }
            }
        }
    }

    /// Carries everything out that the core has to say.
    fn drain(&mut self) {
        if let Some(roles) = self.core.poll_suppressed_roles() {
            self.client.set_suppressed_roles(roles);
        }
        while let Some((token, call)) = self.core.poll_call() {
            let reply = self.client.send(call);
            if let Some(token) = token {
                self.replies.spawn(async move { (token, reply.await) });
            }
        }
        while let Some(change) = self.core.poll_change() {
            self.tell(&change.task_id, change.kind);
        }
    }

    fn tell(&mut self, task_id: &str, kind: ChangeKind) {
        tracing::debug!(task = %task_id, change = ?kind, "task changed");
        let Some(watcher) = self.watchers.get_mut(task_id) else { return };
        match kind {
            ChangeKind::Stage(stage) => {
                watcher.stage.send_replace(stage);
            }
            // A caller that is gone needs no answer; its dropped submission kills the task.
            ChangeKind::Running(running) => {
                if let Some(answer) = watcher.answer.take() {
                    let _ = answer.send(Ok(*running));
                }
            }
            ChangeKind::LaunchFailed(failure) => {
                if let Some(answer) = watcher.answer.take() {
                    let _ = answer.send(Err(failure));
                }
                if !self.core.contains(task_id) {
                    self.forget(task_id, None);
                }
            }
            ChangeKind::Ended(end) => self.forget(task_id, Some(end)),
            ChangeKind::Unreachable | ChangeKind::Reachable | ChangeKind::Stranger(_) => {}
        }
    }

    fn forget(&mut self, task_id: &str, end: Option<TaskEnd>) {
        if let Some(watcher) = self.watchers.remove(task_id) {
            watcher.end.send_replace(end);
            for done in watcher.kills {
                let _ = done.send(());
            }
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the shell that gives the core its time")]
fn now() -> Instant {
    Instant::now()
}
