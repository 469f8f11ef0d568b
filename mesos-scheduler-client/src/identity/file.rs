//! A framework id in a file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_core::future::BoxFuture;
use mesos_proto::v1;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{FrameworkIdStore, MAX_ID_LEN, StoreError, line_of, parse_id};

/// Keeps the id in a file of one line, which only the user of the program may read.
///
/// The file is replaced as a whole: a new one is written and synced beside it, then renamed. Whenever the program
/// or the machine stops, the file holds the old id or the new one. What a crash leaves beside it does not matter.
///
/// A symbolic link in the place of the file is followed when the id is loaded, and replaced when it is saved: what it
/// led to stays as it was. Where the file is elsewhere, give that path, or a path through a link to its folder.
///
/// The folder must exist; a folder that is missing is an error already when the id is loaded.
///
/// ```no_run
/// use mesos_scheduler_client::{FileStore, FrameworkIdStore};
///
/// # async fn example() -> Result<(), mesos_scheduler_client::StoreError> {
/// let store = FileStore::new("/var/lib/whisk/framework-id");
/// match store.load().await? {
///     Some(id) => println!("takes over {id}"),
///     None => println!("a new framework"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    path: Arc<Path>,
    /// Calls are done one after the other, in their order.
    turn: Arc<Mutex<()>>,
}

impl FileStore {
    /// A store in this file, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into().into(), turn: Arc::default() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // The turn goes along, since the work goes on when the future is dropped.
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let path = Arc::clone(&self.path);
        let done = spawn_blocking(move || {
            let result = work(&path);
            drop(turn);
            result
        });
        done.await.unwrap_or_else(|error| Err(StoreError::new(format!("{}: {error}", place(&self.path)))))
    }
}

impl FrameworkIdStore for FileStore {
    fn load(&self) -> BoxFuture<'_, Result<Option<v1::FrameworkId>, StoreError>> {
        Box::pin(self.blocking(load))
    }

    fn save(&self, id: v1::FrameworkId) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.blocking(move |path| {
            let line = line_of(&place(path), &id)?;
            replace(path, &line).map_err(|error| StoreError::io("written", &place(path), &error))
        }))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.blocking(|path| match fs::remove_file(path) {
            Ok(()) => sync_folder(path).map_err(|error| StoreError::io("removed", &place(path), &error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::io("removed", &place(path), &error)),
        }))
    }
}

fn place(path: &Path) -> String {
    format!("the file '{}'", path.display())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

fn load(path: &Path) -> Result<Option<v1::FrameworkId>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::metadata(folder(path)) {
                Ok(_) => Ok(None),
                Err(error) => {
                    let place = format!("the folder of '{}'", path.display());
                    Err(StoreError::io("read", &place, &error))
                }
            };
        }
        Err(error) => return Err(StoreError::io("read", &place(path), &error)),
    };
    let mut kept = Vec::new();
    // Enough to see that it is too long.
    let limit = MAX_ID_LEN as u64 + 3;
    file.take(limit).read_to_end(&mut kept).map_err(|error| StoreError::io("read", &place(path), &error))?;
    parse_id(&place(path), &kept).map(Some)
}

fn replace(path: &Path, line: &[u8]) -> io::Result<()> {
    let (new_path, mut file) = create_beside(path)?;
    let written =
        file.write_all(line).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new_path, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&new_path);
    }
    written?;
    sync_folder(path)
}

/// A file of its own in the same folder, since only a rename within one file system is atomic. Names that
/// a crash left are passed over.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it does not end with a name"));
    };
    loop {
        let n = COUNTER.fetch_add(1, Ordering::Relaxed);
        let mut new_name = name.to_owned();
        new_name.push(format!(".{}-{n}.new", std::process::id()));
        let new_path = folder(path).join(new_name);
        match options().open(&new_path) {
            Ok(file) => return Ok((new_path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The rename itself must survive, too. Elsewhere than on Unix a folder cannot be opened for that.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> v1::FrameworkId {
        v1::FrameworkId::new(text)
    }

    fn store() -> (tempfile::TempDir, FileStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path().join("framework-id"));
        (folder, store)
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn an_id_is_found_by_the_next_life_until_it_is_cleared() {
        let (folder, store) = store();
        assert_eq!(store.load().await, Ok(None));
        store.save(id("f-0000")).await.unwrap();
        store.save(id("f-0001")).await.unwrap();
        assert_eq!(fs::read_to_string(store.path()).unwrap(), "f-0001\n");
        assert_eq!(names(&folder), ["framework-id"]);
        assert_eq!(FileStore::new(store.path()).load().await, Ok(Some(id("f-0001"))));
        store.clear().await.unwrap();
        store.clear().await.unwrap();
        assert_eq!(store.load().await, Ok(None));
        assert_eq!(names(&folder), [""; 0]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_user_reads_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, store) = store();
        store.save(id("f-0000")).await.unwrap();
        assert_eq!(fs::metadata(store.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_symbolic_link_is_followed_by_load_and_replaced_by_save() {
        let (folder, store) = store();
        let target = folder.path().join("elsewhere");
        fs::write(&target, "f-0000\n").unwrap();
        std::os::unix::fs::symlink(&target, store.path()).unwrap();
        assert_eq!(store.load().await, Ok(Some(id("f-0000"))));
        store.save(id("f-0001")).await.unwrap();
        assert_eq!(store.load().await, Ok(Some(id("f-0001"))));
        assert!(fs::symlink_metadata(store.path()).unwrap().is_file());
        assert_eq!(fs::read_to_string(target).unwrap(), "f-0000\n");
    }

    #[tokio::test]
    async fn a_crash_before_the_rename_leaves_the_old_id_and_does_not_hinder_the_next_save() {
        let (folder, store) = store();
        store.save(id("f-0000")).await.unwrap();
        // Another life with the same process id stopped while it wrote.
        let half = create_beside(store.path()).unwrap();
        (&half.1).write_all(b"f-0").unwrap();
        let taken = |n: u64| folder.path().join(format!("framework-id.{}-{n}.new", std::process::id()));
        for n in 0..50 {
            fs::write(taken(n), "f-").unwrap();
        }
        assert_eq!(store.load().await, Ok(Some(id("f-0000"))));
        store.save(id("f-0001")).await.unwrap();
        assert_eq!(store.load().await, Ok(Some(id("f-0001"))));
    }

    #[tokio::test]
    async fn wrong_places_and_contents_are_named() {
        let (folder, store) = store();
        let path = store.path().display().to_string();
        fs::write(store.path(), "what/is this\n").unwrap();
        assert_eq!(
            store.load().await.unwrap_err().to_string(),
            format!(
                "framework id: the file '{path}' holds 'what/is this\\n', which has control characters or slashes, \
                 expected one line with an id"
            )
        );
        fs::write(store.path(), vec![b'x'; 100_000]).unwrap();
        let error = store.load().await.unwrap_err();
        assert!(error.is_garbage() && error.to_string().len() < path.len() + 300, "{error}");

        let missing = FileStore::new(folder.path().join("no/framework-id"));
        let shown = missing.path().display();
        assert_eq!(
            missing.load().await.unwrap_err().to_string(),
            format!(
                "framework id: the folder of '{shown}' cannot be read: No such file or directory (os error 2)"
            )
        );
        assert_eq!(
            missing.save(id("f")).await.unwrap_err().to_string(),
            format!(
                "framework id: the file '{shown}' cannot be written: No such file or directory (os error 2)"
            )
        );
        assert_eq!(missing.clear().await, Ok(()));

        let directory = FileStore::new(folder.path());
        for error in [directory.load().await.unwrap_err(), directory.save(id("f")).await.unwrap_err()] {
            assert!(error.to_string().contains(&format!("{}", folder.path().display())), "{error}");
        }
        let nameless = FileStore::new("..").save(id("f")).await.unwrap_err();
        assert_eq!(
            nameless.to_string(),
            "framework id: the file '..' cannot be written: it does not end with a name"
        );
        let unfit = store.save(id("a/b")).await.unwrap_err().to_string();
        assert_eq!(
            unfit,
            format!(
                "framework id: 'a/b' has control characters or slashes, so that it cannot be kept in the file '{path}'"
            )
        );
    }

    #[tokio::test]
    async fn concurrent_saves_leave_one_whole_id() {
        let (folder, store) = store();
        let mut saves = tokio::task::JoinSet::new();
        for n in 0..20 {
            // Half of them share the turn, half of them are on their own like another process.
            let store = if n % 2 == 0 { store.clone() } else { FileStore::new(store.path()) };
            saves.spawn(async move { store.save(id(&format!("f-{n:04}"))).await });
        }
        while let Some(saved) = saves.join_next().await {
            saved.unwrap().unwrap();
        }
        let last = store.load().await.unwrap().unwrap();
        assert!(last.value.starts_with("f-00") && last.value.len() == 6, "{last}");
        assert_eq!(names(&folder), ["framework-id"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_id_that_mesos_takes_is_found_again(text in "[^\\pC/\\\\]{1,60}") {
            prop_assume!(text != "." && text != "..");
            let (_folder, store) = store();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let found = runtime.block_on(async {
                store.save(id(&text)).await?;
                store.load().await
            });
            prop_assert_eq!(found, Ok(Some(id(&text))));
        }
    }
}
