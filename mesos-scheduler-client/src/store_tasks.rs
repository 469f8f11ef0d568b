//! The errands of a session to the store of the framework id.

use std::sync::Arc;

use mesos_proto::v1;
use tokio::task::JoinSet;

use crate::identity::{FrameworkIdStore, StoreError};

/// What a store answered.
#[derive(Debug)]
pub(crate) enum StoreReply {
    Loaded(Result<Option<v1::FrameworkId>, StoreError>),
    Saved(Result<(), StoreError>),
    Cleared(Result<(), StoreError>),
}

/// A store, and the errands on their way. Dropping it ends them.
#[derive(Debug, Default)]
pub(crate) struct StoreTasks {
    store: Option<Arc<dyn FrameworkIdStore>>,
    tasks: JoinSet<StoreReply>,
}

impl StoreTasks {
    pub(crate) fn new(store: Option<Arc<dyn FrameworkIdStore>>) -> Self {
        Self { store, tasks: JoinSet::new() }
    }

    pub(crate) fn load(&mut self) {
        if let Some(store) = self.store.clone() {
            self.tasks.spawn(async move { StoreReply::Loaded(store.load().await) });
        }
    }

    pub(crate) fn save(&mut self, id: v1::FrameworkId) {
        if let Some(store) = self.store.clone() {
            self.tasks.spawn(async move { StoreReply::Saved(store.save(id).await) });
        }
    }

    pub(crate) fn clear(&mut self) {
        if let Some(store) = self.store.clone() {
            self.tasks.spawn(async move { StoreReply::Cleared(store.clear().await) });
        }
    }

    /// The next answer; `None` if none is expected. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<StoreReply> {
        loop {
            match self.tasks.join_next().await? {
                Ok(reply) => return Some(reply),
                // A store that panics has told the panic hook; the session's deadline does the rest.
                Err(_panicked) => {}
            }
        }
    }
}
