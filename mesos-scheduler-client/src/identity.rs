//! Where the id of a framework is kept between two lives of a program.

mod error;
mod file;
#[cfg(feature = "zookeeper")]
mod zookeeper;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use futures_core::future::BoxFuture;
use mesos_proto::v1;

#[cfg(feature = "zookeeper")]
pub use self::zookeeper::ZooKeeperStore;
pub use self::{error::StoreError, file::FileStore};

/// Keeps the id that a master gave to a framework, so that the next life of the program takes the same framework
/// over.
///
/// The client loads it before it subscribes, saves it before it tells
/// [`Event::Subscribed`](crate::Event::Subscribed), and clears it when the framework was torn down.
pub trait FrameworkIdStore: fmt::Debug + Send + Sync + 'static {
    /// The id that was saved last, if there is one.
    fn load(&self) -> BoxFuture<'_, Result<Option<v1::FrameworkId>, StoreError>>;

    /// Saves the id. When this returns, it is found again even after the machine lost power, as far as
    /// the kind of store can promise it.
    fn save(&self, id: v1::FrameworkId) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Forgets the id.
    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Keeps the id in memory, for a takeover within one program. Clones share it.
///
/// ```
/// use mesos_proto::v1::FrameworkId;
/// use mesos_scheduler_client::{FrameworkIdStore, MemoryStore};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let store = MemoryStore::new();
/// store.save(FrameworkId::new("f-0000")).await?;
/// assert_eq!(store.clone().load().await?, Some(FrameworkId::new("f-0000")));
/// # Ok::<(), mesos_scheduler_client::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    id: Arc<Mutex<Option<v1::FrameworkId>>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn replace(&self, id: Option<v1::FrameworkId>) {
        *self.id.lock().unwrap_or_else(PoisonError::into_inner) = id;
    }
}

impl FrameworkIdStore for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Option<v1::FrameworkId>, StoreError>> {
        let id = self.id.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move { Ok(id) })
    }

    fn save(&self, id: v1::FrameworkId) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.replace(Some(id));
            Ok(())
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.replace(None);
            Ok(())
        })
    }
}

/// What Mesos takes as an id, on one line: 1 to 255 bytes without control characters and slashes.
fn check_id(id: &str) -> Result<(), &'static str> {
    let is_forbidden = |character: char| character.is_control() || matches!(character, '/' | '\\');
    match id {
        "" => Err("is empty"),
        "." | ".." => Err("is no id"),
        _ if id.len() > MAX_ID_LEN => Err("is longer than 255 bytes"),
        _ if id.contains(is_forbidden) => Err("has control characters or slashes"),
        _ => Ok(()),
    }
}

const MAX_ID_LEN: usize = 255;

/// The id in what a store kept: one line.
fn parse_id(place: &str, kept: &[u8]) -> Result<v1::FrameworkId, StoreError> {
    let line = kept.strip_suffix(b"\n").unwrap_or(kept);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = str::from_utf8(line).map_err(|_| "is not UTF-8");
    match text.and_then(|text| check_id(text).map(|()| text)) {
        Ok(id) => Ok(v1::FrameworkId::new(id)),
        Err(why) => Err(StoreError::garbage(place, kept, why)),
    }
}

/// What a store keeps for this id.
fn line_of(place: &str, id: &v1::FrameworkId) -> Result<Vec<u8>, StoreError> {
    match check_id(&id.value) {
        Ok(()) => Ok(format!("{}\n", id.value).into_bytes()),
        Err(why) => Err(StoreError::unfit(place, &id.value, why)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_store_kept_is_an_id_or_shown() {
        for (kept, id) in [("f-0000\n", "f-0000"), ("f-0000", "f-0000"), ("f 0\r\n", "f 0")] {
            assert_eq!(parse_id("P", kept.as_bytes()), Ok(v1::FrameworkId::new(id)));
        }
        let long = "x".repeat(256);
        for (kept, message) in [
            (&b""[..], "P holds '', which is empty, expected one line with an id".to_owned()),
            (b"\n", "P holds '\\n', which is empty, expected one line with an id".to_owned()),
            (
                b"a\nb\n",
                "P holds 'a\\nb\\n', which has control characters or slashes, expected one line with an id"
                    .to_owned(),
            ),
            (
                b"a/b",
                "P holds 'a/b', which has control characters or slashes, expected one line with an id"
                    .to_owned(),
            ),
            (b"..", "P holds '..', which is no id, expected one line with an id".to_owned()),
            (
                b"\xff\xfe",
                "P holds '\u{fffd}\u{fffd}', which is not UTF-8, expected one line with an id".to_owned(),
            ),
            (
                long.as_bytes(),
                format!(
                    "P holds '{}…', which is longer than 255 bytes, expected one line with an id",
                    "x".repeat(80)
                ),
            ),
        ] {
            let error = parse_id("P", kept).unwrap_err();
            assert_eq!(error.to_string(), format!("framework id: {message}"));
            assert!(error.is_garbage());
        }
    }

    #[test]
    fn an_id_that_could_not_be_read_again_is_not_kept() {
        for id in ["", "a\nb", "a/b", "."] {
            let error = line_of("P", &v1::FrameworkId::new(id)).unwrap_err();
            assert!(error.to_string().starts_with("framework id: "), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_again(id in "\\PC{1,300}") {
            let id = v1::FrameworkId::new(id);
            if let Ok(line) = line_of("P", &id) {
                prop_assert_eq!(parse_id("P", &line), Ok(id));
            }
        }

        #[test]
        fn no_content_is_read_as_an_id_that_cannot_be_kept(kept: Vec<u8>) {
            if let Ok(id) = parse_id("P", &kept) {
                prop_assert!(line_of("P", &id).is_ok());
            }
        }
    }
}
