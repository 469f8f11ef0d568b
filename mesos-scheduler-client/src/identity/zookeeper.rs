//! A framework id in ZooKeeper.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use mesos_proto::v1;
use tokio::sync::Mutex;
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions, Error, Stat};

use super::{FrameworkIdStore, StoreError, error::excerpt, line_of, parse_id};
use crate::{
    ZooKeeperUrl, ZooKeeperUrlError,
    zookeeper::{Trouble, connect},
};

/// Keeps the id in a znode, where every machine finds it.
///
/// The path of the URL is the znode; it and those above it are created when they are missing. With credentials only
/// their user may touch what is created, else everybody may.
///
/// What is saved replaces only what this store has read or saved before, and only that is cleared: if two lives of a
/// program run at the same time, the second to save gets [`StoreError::is_conflict`] until it has loaded. A store that
/// has neither read nor saved yet clears whatever is there. Each call opens a session and closes it.
///
/// ```no_run
/// use mesos_scheduler_client::{FrameworkIdStore, ZooKeeperStore};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "zk://whisk:secret@zk1.example,zk2.example/whisk/framework-id".parse()?;
/// let store = ZooKeeperStore::new(url)?;
/// let id = store.load().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ZooKeeperStore {
    url: ZooKeeperUrl,
    /// What was seen last. Calls are done one after the other.
    known: Arc<Mutex<Known>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Nothing,
    NoZnode,
    Znode(Seen),
}

/// One state of one znode. Versions alone do not tell: each znode that is created begins with version 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// The transaction that created the znode.
    created_by: i64,
    version: i32,
}

impl Seen {
    fn of(stat: &Stat) -> Self {
        Self { created_by: stat.czxid, version: stat.version }
    }
}

impl ZooKeeperStore {
    /// A store in the znode at the path of the URL.
    ///
    /// # Errors
    /// The path is `/`.
    pub fn new(url: ZooKeeperUrl) -> Result<Self, ZooKeeperUrlError> {
        if url.path() == "/" {
            return Err(ZooKeeperUrlError::no_znode(&url));
        }
        Ok(Self { url, known: Arc::new(Mutex::new(Known::Nothing)) })
    }

    fn place(&self) -> String {
        format!("the znode {}", self.url)
    }

    fn trouble(&self, trouble: Trouble) -> StoreError {
        StoreError::new(format!("{}: {}", self.place(), trouble.why()))
    }

    fn error(&self, error: &Error) -> StoreError {
        self.trouble(Trouble::new(&self.url, self.url.path(), error))
    }

    async fn connect(&self) -> Result<Client, StoreError> {
        connect(&self.url).await.map_err(|trouble| self.trouble(trouble))
    }

    /// The content of the znode.
    async fn read(&self, client: &Client) -> Result<Option<(Vec<u8>, Seen)>, StoreError> {
        let path = self.url.path();
        // Each session may be with another server, which may be behind what the last one answered.
        client.sync(path).await.map_err(|error| self.error(&error))?;
        match client.get_data(path).await {
            Ok((data, stat)) => Ok(Some((data, Seen::of(&stat)))),
            Err(Error::NoNode) => Ok(None),
            Err(error) => Err(self.error(&error)),
        }
    }

    async fn load(&self) -> Result<Option<v1::FrameworkId>, StoreError> {
        let mut known = self.known.lock().await;
        let client = self.connect().await?;
        let Some((data, seen)) = self.read(&client).await? else {
            *known = Known::NoZnode;
            return Ok(None);
        };
        *known = Known::Znode(seen);
        parse_id(&self.place(), &data).map(Some)
    }

    async fn save(&self, id: v1::FrameworkId) -> Result<(), StoreError> {
        let line = line_of(&self.place(), &id)?;
        let mut known = self.known.lock().await;
        let client = self.connect().await?;
        let written = match self.read(&client).await? {
            None => self.create(&client, &line).await,
            // It may be this store's own writing, whose answer was lost.
            Some((data, seen)) if data == line => Ok(seen),
            Some((_, seen)) if *known == Known::Znode(seen) => self.replace(&client, &line, seen).await,
            Some((data, _)) => return Err(self.conflict(Some(&data))),
        };
        let seen = match written {
            Ok(seen) => seen,
            // Somebody was faster.
            Err(Error::BadVersion | Error::NodeExists | Error::NoNode) => match self.read(&client).await? {
                Some((data, seen)) if data == line => seen,
                other => return Err(self.conflict(other.as_ref().map(|(data, _)| &data[..]))),
            },
            Err(error) => return Err(self.error(&error)),
        };
        *known = Known::Znode(seen);
        Ok(())
    }

    async fn replace(&self, client: &Client, line: &[u8], seen: Seen) -> Result<Seen, Error> {
        let stat = client.set_data(self.url.path(), line, Some(seen.version)).await?;
        Ok(Seen::of(&stat))
    }

    async fn create(&self, client: &Client, line: &[u8]) -> Result<Seen, Error> {
        let options = self.options();
        let path = self.url.path();
        let created = match client.create(path, line, &options).await {
            Err(Error::NoNode) => {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                client.mkdir(parent, &options).await?;
                client.create(path, line, &options).await
            }
            created => created,
        };
        created.map(|(stat, _)| Seen::of(&stat))
    }

    fn options(&self) -> CreateOptions<'static> {
        let acls = if self.url.user().is_some() { Acls::creator_all() } else { Acls::anyone_all() };
        CreateMode::Persistent.with_acls(acls)
    }

    async fn clear(&self) -> Result<(), StoreError> {
        let mut known = self.known.lock().await;
        let client = self.connect().await?;
        let version = match (*known, self.read(&client).await?) {
            // What is there although nothing was is somebody else's.
            (_, None) | (Known::NoZnode, Some(_)) => {
                *known = Known::NoZnode;
                return Ok(());
            }
            (Known::Nothing, Some(_)) => None,
            (Known::Znode(known), Some((_, seen))) if known == seen => Some(seen.version),
            (Known::Znode(_), Some((data, _))) => return Err(self.conflict(Some(&data))),
        };
        match client.delete(self.url.path(), version).await {
            Ok(()) | Err(Error::NoNode) => *known = Known::NoZnode,
            Err(Error::BadVersion) => {
                let found = self.read(&client).await?;
                return Err(self.conflict(found.as_ref().map(|(data, _)| &data[..])));
            }
            Err(error) => return Err(self.error(&error)),
        }
        Ok(())
    }

    fn conflict(&self, data: Option<&[u8]>) -> StoreError {
        let kept = match data {
            Some(data) => format!("'{}'", excerpt(&String::from_utf8_lossy(data))),
            None => "nothing".to_owned(),
        };
        StoreError::conflict(&self.place(), &kept)
    }
}

impl FrameworkIdStore for ZooKeeperStore {
    fn load(&self) -> BoxFuture<'_, Result<Option<v1::FrameworkId>, StoreError>> {
        Box::pin(self.load())
    }

    fn save(&self, id: v1::FrameworkId) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.save(id))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.clear())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_no_place_for_an_id() {
        let url = "zk://u:secret@a".parse().unwrap();
        assert_eq!(
            ZooKeeperStore::new(url).unwrap_err().to_string(),
            "invalid ZooKeeper URL 'zk://u:***@a:2181/': its path is '/', expected the path of a znode that may be \
             written"
        );
    }
}
