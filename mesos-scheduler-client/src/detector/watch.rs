//! Watches the group of the masters in ZooKeeper for as long as somebody listens.

use std::{pin::pin, time::Duration};

use tokio::{sync::mpsc, task::JoinSet, time};
use zookeeper_client::{Client, Error, OneshotWatcher, SessionState, StateWatcher};

use super::{
    ZooKeeperUrl,
    group::{self, Member},
};
use crate::{
    url::{HttpUrl, Scheme},
    zookeeper::{self, Trouble},
};

/// The first pause after a session that ended or could not be opened, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// What a [`MasterDetector`] found out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detected {
    /// This master leads, as far as ZooKeeper knows. It may still need a moment before it agrees.
    Leader(HttpUrl),
    /// Nobody is known to lead. The detector goes on.
    NoLeader {
        /// What was seen.
        why: String,
    },
    /// ZooKeeper refuses the credentials. This is the end.
    Failed {
        /// What was refused, to whom.
        why: String,
    },
}

/// Follows the leader among the masters that elect it in ZooKeeper.
///
/// Connections are made again for ever. A loss of all servers for less than the session timeout is not told, since
/// the leader stays the same then; a longer one is [`NoLeader`](Detected::NoLeader). Dropping the
/// detector closes its session.
///
/// ```no_run
/// use mesos_scheduler_client::{Detected, MasterDetector, Scheme, ZooKeeperUrl};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let url: ZooKeeperUrl = "zk://zk1.example,zk2.example/mesos".parse()?;
/// let mut detector = MasterDetector::start(&url, Scheme::Http);
/// while let Some(detected) = detector.next().await {
///     match detected {
///         Detected::Leader(url) => println!("{url} leads"),
///         Detected::NoLeader { why } => println!("{why}, waiting"),
///         Detected::Failed { why } => println!("{why}"),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MasterDetector {
    found: mpsc::Receiver<Detected>,
    _tasks: JoinSet<()>,
}

impl MasterDetector {
    /// Starts to watch the group at the path of the URL. The masters are taken to speak this scheme, which
    /// ZooKeeper does not tell.
    ///
    /// # Panics
    /// When called outside a tokio runtime.
    pub fn start(url: &ZooKeeperUrl, scheme: Scheme) -> Self {
        let (found, tasks) = watch(url, scheme);
        Self { found, _tasks: tasks }
    }

    /// Waits for the next change; the first one tells how things are. Each is told once. None after
    /// [`Detected::Failed`].
    ///
    /// It is safe to drop the future: nothing is lost.
    pub async fn next(&mut self) -> Option<Detected> {
        self.found.recv().await
    }
}

/// The parts of a [`MasterDetector`]. The end of either closes the session with ZooKeeper.
pub(crate) fn watch(url: &ZooKeeperUrl, scheme: Scheme) -> (mpsc::Receiver<Detected>, JoinSet<()>) {
    let (sender, receiver) = mpsc::channel(1);
    let listener = sender.clone();
    let watcher = Watcher { url: url.clone(), scheme, told: None, found: sender, pause: PAUSES.0 };
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        tokio::select! {
            () = listener.closed() => {}
            () = watcher.run() => {}
        }
    });
    (receiver, tasks)
}

struct Watcher {
    url: ZooKeeperUrl,
    scheme: Scheme,
    told: Option<Detected>,
    found: mpsc::Sender<Detected>,
    pause: Duration,
}

impl Watcher {
    async fn run(mut self) {
        loop {
            let trouble = match zookeeper::connect(&self.url).await {
                Ok(client) => self.follow(&client).await,
                Err(trouble) => trouble,
            };
            tracing::debug!(url = %self.url, ?trouble, "session with ZooKeeper ended");
            match trouble {
                Trouble::Refused(why) => return self.tell(Detected::Failed { why }).await,
                Trouble::Unavailable(why) => self.tell(Detected::NoLeader { why }).await,
            }
            time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSES.1);
        }
    }

    /// Tells who leads until the session ends. The result says why it did.
    async fn follow(&mut self, client: &Client) -> Trouble {
        let mut end = pin!(session_end(client.state_watcher(), client.session_timeout()));
        loop {
            let read = tokio::select! {
                biased;
                trouble = &mut end => return trouble,
                read = self.read(client) => read,
            };
            let watcher = match read {
                Ok((detected, watcher)) => {
                    self.pause = PAUSES.0;
                    self.tell(detected).await;
                    watcher
                }
                // The session may outlive this connection; the next one answers, or the session ends.
                Err(Error::ConnectionLoss) => continue,
                Err(error) => return Trouble::new(&self.url, self.url.path(), &error),
            };
            tokio::select! {
                biased;
                trouble = &mut end => return trouble,
                _ = watcher.changed() => {}
            }
        }
    }

    /// Who leads, and what to wait for before this is asked again.
    async fn read(&self, client: &Client) -> Result<(Detected, OneshotWatcher), Error> {
        let path = self.url.path();
        loop {
            let (children, _, watcher) = match client.get_and_watch_children(path).await {
                Ok(group) => group,
                Err(Error::NoNode) => match client.check_and_watch_stat(path).await? {
                    (Some(_), _) => continue,
                    (None, watcher) => return Ok((self.no_leader("does not exist"), watcher)),
                },
                Err(error) => return Err(error),
            };
            let Some(member) = group::leader(children.iter().map(String::as_str)) else {
                return Ok((self.no_leader("has no master in it"), watcher));
            };
            match client.get_data(&join(path, &member)).await {
                Ok((data, _)) => return Ok((self.detected(&member, &data), watcher)),
                // It went between the two readings.
                Err(Error::NoNode) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn detected(&self, member: &Member, data: &[u8]) -> Detected {
        match member.url(data, self.scheme) {
            Ok(url) => Detected::Leader(url),
            Err(why) => Detected::NoLeader { why: format!("{}: {why}", self.url) },
        }
    }

    fn no_leader(&self, what: &str) -> Detected {
        Detected::NoLeader { why: format!("{}: the path {what}", self.url) }
    }

    async fn tell(&mut self, detected: Detected) {
        if self.told.as_ref() == Some(&detected) {
            return;
        }
        tracing::info!(url = %self.url, ?detected, "masters");
        self.told = Some(detected.clone());
        // Whoever does not listen any more ends this task.
        drop(self.found.send(detected).await);
    }
}

fn join(path: &str, member: &Member) -> String {
    format!("{}/{}", path.trim_end_matches('/'), member.name())
}

/// Waits until the session is over: ended by ZooKeeper, or without a connection for as long as ZooKeeper needs to
/// end it.
async fn session_end(mut states: StateWatcher, timeout: Duration) -> Trouble {
    let mut state = states.state();
    let why = loop {
        state = match state {
            SessionState::SyncConnected | SessionState::ConnectedReadOnly => states.changed().await,
            SessionState::Disconnected => match time::timeout(timeout, states.changed()).await {
                Ok(state) => state,
                Err(_) => break format!("no ZooKeeper server has answered for {timeout:?}"),
            },
            SessionState::AuthFailed => {
                return Trouble::Refused("ZooKeeper refuses the credentials".to_owned());
            }
            SessionState::Expired => break "the session with ZooKeeper has expired".to_owned(),
            SessionState::Closed => break "the session with ZooKeeper was closed".to_owned(),
        };
    };
    Trouble::Unavailable(why)
}
