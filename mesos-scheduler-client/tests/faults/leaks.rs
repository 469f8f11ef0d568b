//! Counts what a client could leave behind.

use std::{collections::BTreeSet, fs};

use tokio::runtime::Handle;

use crate::world::{PATIENCE, alone};

/// What this process holds; sockets are those of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    tasks: usize,
    sockets: usize,
}

impl Holdings {
    pub(crate) fn now() -> Self {
        let tasks = Handle::current().metrics().num_alive_tasks();
        let local = local_sockets();
        let open = fs::read_dir("/proc/self/fd").unwrap();
        let targets = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        let sockets = targets.filter_map(|target| {
            let target = target.to_string_lossy();
            Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        });
        Self { tasks, sockets: sockets.filter(|inode| !local.contains(inode)).count() }
    }

    /// Waits until this process holds just that again: the ends of connections and processes take their time.
    pub(crate) async fn wait_for(self) {
        let reached = async {
            while Self::now() != self {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(PATIENCE, reached).await.is_err() {
            panic!("held before: {self:?}, held after: {:?}", Self::now());
        }
    }
}

/// The numbers of Unix sockets: a process has a pair of them from its first runtime on, by which it learns of the
/// ends of processes.
fn local_sockets() -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/self/net/unix").unwrap();
    table.lines().filter_map(|line| line.split_whitespace().nth(6)).map(str::to_owned).collect()
}

#[test]
fn a_socket_and_a_task_that_are_left_are_counted() {
    alone(async {
        let before = Holdings::now();
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(std::future::pending::<()>());
        assert_eq!(Holdings::now(), Holdings { tasks: before.tasks + 1, sockets: before.sockets + 1 });
        drop(socket);
        tasks.shutdown().await;
        before.wait_for().await;
    });
}
