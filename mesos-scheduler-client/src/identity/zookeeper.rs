//! A framework id in ZooKeeper.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use mesos_proto::v1;
use tokio::sync::Mutex;
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions, Error};

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
/// What is saved replaces only what this store has read or saved before: if two lives of a program run at the same
/// time, the second to save gets [`StoreError::is_conflict`]. Each call opens a session and closes it.
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
    Version(i32),
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

    /// The content of the znode, and what is known with it.
    async fn read(&self, client: &Client) -> Result<(Option<Vec<u8>>, Known), StoreError> {
        match client.get_data(self.url.path()).await {
            Ok((data, stat)) => Ok((Some(data), Known::Version(stat.version))),
            Err(Error::NoNode) => Ok((None, Known::NoZnode)),
            Err(error) => Err(self.error(&error)),
        }
    }

    async fn load(&self) -> Result<Option<v1::FrameworkId>, StoreError> {
        let mut known = self.known.lock().await;
        let client = self.connect().await?;
        let data = self.read(&client).await.map(|(data, seen)| {
            *known = seen;
            data
        })?;
        data.map(|data| parse_id(&self.place(), &data)).transpose()
    }

    async fn save(&self, id: v1::FrameworkId) -> Result<(), StoreError> {
        let line = line_of(&self.place(), &id)?;
        let mut known = self.known.lock().await;
        let client = self.connect().await?;
        if *known == Known::Nothing {
            *known = self.read(&client).await?.1;
        }
        let written = match *known {
            Known::Nothing | Known::NoZnode => self.create(&client, &line).await,
            Known::Version(version) => match client.set_data(self.url.path(), &line, Some(version)).await {
                Ok(stat) => Ok(Known::Version(stat.version)),
                Err(Error::NoNode) => self.create(&client, &line).await,
                Err(error) => Err(error),
            },
        };
        match written {
            Ok(seen) => *known = seen,
            // It may be this store's own writing, whose answer was lost.
            Err(Error::BadVersion | Error::NodeExists) => {
                let (data, seen) = self.read(&client).await?;
                if data.as_deref() != Some(&line[..]) {
                    return Err(self.conflict(data));
                }
                *known = seen;
            }
            Err(error) => return Err(self.error(&error)),
        }
        Ok(())
    }

    async fn create(&self, client: &Client, line: &[u8]) -> Result<Known, Error> {
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
        created.map(|(stat, _)| Known::Version(stat.version))
    }

    fn options(&self) -> CreateOptions<'static> {
        let acls = if self.url.user().is_some() { Acls::creator_all() } else { Acls::anyone_all() };
        CreateMode::Persistent.with_acls(acls)
    }

    async fn clear(&self) -> Result<(), StoreError> {
        let mut known = self.known.lock().await;
        let client = self.connect().await?;
        let version = match *known {
            Known::Version(version) => Some(version),
            Known::Nothing | Known::NoZnode => None,
        };
        match client.delete(self.url.path(), version).await {
            Ok(()) | Err(Error::NoNode) => *known = Known::NoZnode,
            Err(Error::BadVersion) => return Err(self.conflict(self.read(&client).await?.0)),
            Err(error) => return Err(self.error(&error)),
        }
        Ok(())
    }

    fn conflict(&self, data: Option<Vec<u8>>) -> StoreError {
        let kept = match data {
            Some(data) => format!("'{}'", excerpt(&String::from_utf8_lossy(&data))),
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
