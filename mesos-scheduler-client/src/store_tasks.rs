//! The errands of a session to the store of the framework id.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use mesos_proto::v1;
use tokio::{task::JoinSet, time};
use tracing::warn;

use crate::identity::{FrameworkIdStore, StoreError};

/// How long the end of a client waits for the store.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a store answered.
#[derive(Debug)]
pub(crate) enum StoreReply {
    Loaded(Result<Option<v1::FrameworkId>, StoreError>),
    Saved(v1::FrameworkId, Result<(), StoreError>),
    Cleared,
}

#[derive(Debug)]
enum Errand {
    Load,
    Save(v1::FrameworkId),
    Clear,
}

/// A store, and the errands to it: one at a time in their order, since the last one is to have the last word.
/// Dropping it ends them.
#[derive(Debug)]
pub(crate) struct StoreTasks {
    store: Option<Arc<dyn FrameworkIdStore>>,
    waiting: VecDeque<Errand>,
    running: JoinSet<StoreReply>,
    is_clearing: bool,
}

impl StoreTasks {
    pub(crate) fn new(store: Option<Arc<dyn FrameworkIdStore>>) -> Self {
        Self { store, waiting: VecDeque::new(), running: JoinSet::new(), is_clearing: false }
    }

    pub(crate) fn load(&mut self) {
        self.push(Errand::Load);
    }

    pub(crate) fn save(&mut self, id: v1::FrameworkId) {
        self.push(Errand::Save(id));
    }

    pub(crate) fn clear(&mut self) {
        self.push(Errand::Clear);
    }

    /// The client ends: nobody waits for the network any more, but the id of a framework that was torn down must not
    /// outlive it. Waits for that, if it is wished, for some time.
    pub(crate) async fn finish(&mut self) {
        self.waiting.retain(|errand| matches!(errand, Errand::Clear));
        if !self.is_clearing && self.waiting.is_empty() {
            return;
        }
        let done = async { while self.next().await.is_some() {} };
        if time::timeout(PATIENCE, done).await.is_err() {
            warn!(
                "the store of the framework id does not answer; the id of the framework that was torn down stays"
            );
        }
    }

    fn push(&mut self, errand: Errand) {
        self.waiting.push_back(errand);
        self.run_next();
    }

    fn run_next(&mut self) {
        let Some(store) = self.store.clone() else { return self.waiting.clear() };
        if !self.running.is_empty() {
            return;
        }
        let Some(errand) = self.waiting.pop_front() else { return };
        self.is_clearing = matches!(errand, Errand::Clear);
        self.running.spawn(async move {
            match errand {
                Errand::Load => StoreReply::Loaded(store.load().await),
                Errand::Save(id) => {
                    let result = store.save(id.clone()).await;
                    StoreReply::Saved(id, result)
                }
                Errand::Clear => {
                    if let Err(error) = store.clear().await {
                        warn!(%error, "the id of the framework that was torn down could not be removed");
                    }
                    StoreReply::Cleared
                }
            }
        });
    }

    /// The next answer; `None` if none is expected. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<StoreReply> {
        loop {
            let joined = self.running.join_next().await?;
            self.is_clearing = false;
            self.run_next();
            match joined {
                Ok(reply) => return Some(reply),
                // A store that panics has told the panic hook; the session's deadline does the rest.
                Err(_panicked) => {}
            }
        }
    }
}
