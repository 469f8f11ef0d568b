//! The handle that tasks are submitted with.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mesos_proto::v1::{self, framework_info::capability};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};

use super::{
    Command, Driver, Leader,
    changes::Changes,
    outgoing::Outgoing,
    recover::{Records, Recover, RecoverError, Recovery},
    submission::{Submission, Watcher},
};
use crate::{
    client::Client,
    error::TeardownError,
    events::Events,
    framework::{FrameworkCore, Policy, TaskSpec, TaskView, WhyNot},
};

/// So often the records of a master are asked for while masters come and go.
const RECOVERY_ATTEMPTS: u32 = 20;
/// The longest pause between two of them: all together take half a minute.
const LONGEST_RECOVERY_PAUSE: Duration = Duration::from_secs(2);

/// A framework that runs tasks: submit one, get it running or learn why not; kill it and know that it
/// is gone. Clones are cheap; the framework ends with the last one, and its tasks live on for its
/// `failover_timeout`.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mesos_proto::v1;
/// use mesos_scheduler_client::{ClientBuilder, Framework, Masters, Policy, TaskSpec};
///
/// let info = v1::FrameworkInfo { user: "nobody".into(), name: "demo".into(), ..Default::default() };
/// let (client, events) = ClientBuilder::new(info, Masters::parse("http://127.0.0.1:5050")?).start()?;
/// let framework = Framework::start(client, events, Policy::default());
///
/// let mut task = framework.submit(TaskSpec::command("sleep-1", 100, 32, "sleep 60")).await?;
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
    leader: watch::Receiver<Leader>,
    submissions: Arc<AtomicU64>,
    /// The driver; dropping the last handle ends it.
    _driver: Arc<JoinSet<()>>,
}

impl Framework {
    /// Starts to run tasks with a client that was just started, for the roles of its framework.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    pub fn start(client: Client, events: Events, policy: Policy) -> Self {
        let info = client.framework_info().clone();
        let roles = roles_of(&info);
        let mut core = FrameworkCore::new(roles, policy, RandomState::new().hash_one("framework"));
        core.enable_push_down(info);
        let (commands, wishes) = mpsc::unbounded_channel();
        let (leading, leader) = watch::channel(Leader::None);
        let mut driver = Driver {
            core,
            client: client.clone(),
            events,
            wishes,
            leader: leading,
            watchers: BTreeMap::new(),
            listeners: Vec::new(),
            drains: Vec::new(),
            recovered: Vec::new(),
            outgoing: Outgoing::new(client.clone()),
        };
        // What the first SUBSCRIBE says must be set before it is sent.
        driver.drain();
        let mut tasks = JoinSet::new();
        tasks.spawn(driver.run());
        Self { commands, client, leader, submissions: Arc::default(), _driver: Arc::new(tasks) }
    }

    /// Submits a task. Await the submission to get it running; drop it to kill the task.
    pub fn submit(&self, spec: TaskSpec) -> Submission {
        // Tasks that were taken over have the number 0.
        let number = self.submissions.fetch_add(1, Ordering::Relaxed) + 1;
        let (watcher, submission) = Watcher::new(spec.id.clone(), number, self.commands.clone());
        // A driver that has ended drops the watcher, which answers the submission.
        let _ = self.commands.send(Command::Submit { spec: Box::new(spec), watcher });
        submission
    }

    /// Kills a task and waits until it is gone. A task that is not known is gone already. One on an agent that is away is
    /// not gone before its agent is back or given up, and without a master nobody can tell: who does not want to wait
    /// that long drops the future, the task is killed nevertheless.
    pub async fn kill(&self, task_id: &str) {
        let (done, gone) = oneshot::channel();
        let command = Command::Kill { task_id: task_id.to_owned(), done };
        if self.commands.send(command).is_ok() {
            // An error says that the driver has ended, and the tasks with it.
            let _ = gone.await;
        }
    }

    /// The tasks that are known, by id. None when the framework has ended.
    pub async fn tasks(&self) -> Vec<TaskView> {
        let (reply, tasks) = oneshot::channel();
        // As above.
        let _ = self.commands.send(Command::Tasks { reply });
        tasks.await.unwrap_or_default()
    }

    /// Which offers there were for a task that waits, and what they failed on; `None` if no such task waits for an
    /// offer.
    pub async fn why_pending(&self, task_id: &str) -> Option<WhyNot> {
        let (reply, why) = oneshot::channel();
        // As above.
        let _ = self.commands.send(Command::WhyPending { task_id: task_id.to_owned(), reply });
        why.await.ok().flatten()
    }

    /// Everything that happens to tasks from now on, the death of a running one for instance.
    pub fn subscribe_changes(&self) -> Changes {
        let (changes, receiver) = mpsc::unbounded_channel();
        // As above: the stream ends at once then.
        let _ = self.commands.send(Command::Watch { changes });
        Changes(receiver)
    }

    /// Takes over tasks of an earlier life of this framework: reads the records of the master, GET_AGENTS and GET_TASKS.
    /// The framework must have the id of that life ([`ClientBuilder::identity`](crate::ClientBuilder::identity)). Waits
    /// for the subscription.
    ///
    /// Once a recovery was complete, live tasks that nobody knows are killed, unless
    /// [`Policy::strangers`] says otherwise.
    ///
    /// # Errors
    /// The master does not tell; or the framework has ended.
    pub async fn recover(&self, which: Recover) -> Result<Recovery, RecoverError> {
        let mut leader = self.leader.clone();
        let mut attempt = 1;
        loop {
            let subscribed = leader.wait_for(|leader| !matches!(leader, Leader::None)).await;
            let Ok(Leader::Master { url, framework_id }) = subscribed.map(|leader| leader.clone()) else {
                return Err(RecoverError::Closed);
            };
            let api = self.client.master_api(&url).map_err(|_| RecoverError::Closed)?;
            match Records::read(&api, &framework_id, &which).await {
                Ok((records, missing_agents)) => {
                    let (reply, tasks) = oneshot::channel();
                    let sent = self.commands.send(Command::Recover { records, reply });
                    sent.map_err(|_ended| RecoverError::Closed)?;
                    let tasks = tasks.await.map_err(|_ended| RecoverError::Closed)?;
                    return Ok(Recovery { tasks, missing_agents });
                }
                Err(source) if attempt == RECOVERY_ATTEMPTS => {
                    return Err(RecoverError::Operator { url, source });
                }
                Err(error) => tracing::debug!(%error, "the master does not tell its tasks; asking again"),
            }
            tokio::time::sleep((Duration::from_millis(100) * attempt).min(LONGEST_RECOVERY_PAUSE)).await;
            attempt += 1;
        }
    }

    /// Takes no new tasks, gives up those that wait for an offer, and waits until those that run have ended. What is
    /// left after `patience` is killed, and waited for as [`kill`](Self::kill) does. The framework stays subscribed; [`teardown`](Self::teardown) ends it.
    pub async fn drain(&self, patience: Duration) {
        let (done, gone) = oneshot::channel();
        if self.commands.send(Command::Drain { done }).is_err() {
            return;
        }
        tokio::pin!(gone);
        if tokio::time::timeout(patience, &mut gone).await.is_err()
            && self.commands.send(Command::KillAll).is_ok()
        {
            // As for a kill.
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

/// The roles of a framework; without the capability MULTI_ROLE it has one, in the field for it.
fn roles_of(info: &v1::FrameworkInfo) -> Vec<String> {
    if info.capabilities.iter().any(|known| known.r#type() == capability::Type::MultiRole) {
        return info.roles.clone();
    }
    #[expect(deprecated, reason = "frameworks without MULTI_ROLE have no other field")]
    let role = info.role.clone();
    role.into_iter().collect()
}
