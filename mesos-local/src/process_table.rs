//! The processes of this machine and who started whom, read from `/proc`.
//!
//! On systems without `/proc` the table is empty.

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use rustix::{
    io::Errno,
    process::{Pid, Signal, getpid, kill_process},
};

/// A process as it was when the table was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// Clock ticks from the start of the system to the start of the process. With the pid it names a
    /// process for good: pids are given out again.
    pub(crate) started: u64,
    /// Whether it can do anything; one that only waits to be reaped cannot.
    pub(crate) is_alive: bool,
}

/// All processes, zombies too: one whose main thread has ended may have other threads, and it stays the
/// parent of its children until the last of them has ended.
///
/// # Errors
/// The table is there and cannot be read: most likely no file descriptor is left.
pub(crate) fn read() -> io::Result<Vec<Entry>> {
    let entries = match fs::read_dir("/proc") {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // All names first: with the directory closed, one descriptor is enough.
    let names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    let pids = names.iter().filter_map(|name| name.to_str()?.parse().ok());
    pids.filter_map(|pid| read_one(pid).transpose()).collect()
}

/// One process; `None` if it is gone.
///
/// # Errors
/// As those of [`read`].
pub(crate) fn read_one(pid: i32) -> io::Result<Option<Entry>> {
    // The name of a program need not be UTF-8.
    let stat = read_file(pid, "stat")?;
    Ok(stat.and_then(|stat| parse_stat(pid, &String::from_utf8_lossy(&stat))))
}

/// One of the files about a process; `None` if the process is gone or the file is not for this user.
///
/// # Errors
/// The system is short of something: the process may be there.
pub(crate) fn read_file(pid: i32, name: &str) -> io::Result<Option<Vec<u8>>> {
    fs::read(directory(pid).join(name)).map(Some).or_else(|error| match Errno::from_io_error(&error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => Err(error),
        Some(_) | None => Ok(None),
    })
}

/// Whether this system has a table at all.
pub(crate) fn exists() -> bool {
    directory(getpid().as_raw_nonzero().get()).join("stat").exists()
}

/// Where the system tells about a process.
pub(crate) fn directory(pid: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

/// Adds every process that one of the set started, directly or not, as long as the line of parents is
/// whole.
pub(crate) fn add_descendants(table: &[Entry], pids: &mut BTreeSet<i32>) {
    loop {
        let before = pids.len();
        for entry in table {
            if pids.contains(&entry.parent) {
                pids.insert(entry.pid);
            }
        }
        if pids.len() == before {
            return;
        }
    }
}

/// Whether the signal was sent; not to one that is gone, and not to one of another user.
pub(crate) fn send(pid: i32, signal: Signal) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| kill_process(pid, signal).is_ok())
}

/// Reads `<pid> (<name>) <state> <parent> <group> <session> …`; the name may hold anything.
fn parse_stat(pid: i32, stat: &str) -> Option<Entry> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    let threads = number(17)?;
    Some(Entry {
        pid,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        started: fields.get(19)?.parse().ok()?,
        is_alive: !matches!(*fields.first()?, "Z" | "X") || threads > 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read() {
        let rest = "3 5 6 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        let entry = parse_stat(7, &format!("7 (a ) b) S {rest}")).unwrap();
        let expected = Entry { pid: 7, parent: 3, group: 5, session: 6, started: 4711, is_alive: true };
        assert_eq!(entry, expected);
        assert!(!parse_stat(7, &format!("7 (a) Z {rest}")).unwrap().is_alive);
        assert_eq!(parse_stat(7, "7 (a) S 3 5"), None);
        assert_eq!(parse_stat(7, ""), None);
    }

    #[test]
    fn a_zombie_with_threads_is_alive() {
        let entry = parse_stat(7, "7 (node) Z 3 5 6 0 -1 0 0 0 0 0 0 0 0 0 20 0 4 0 4711 0 0").unwrap();
        assert!(entry.is_alive);
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = getpid().as_raw_nonzero().get();
        let entry = read().unwrap().into_iter().find(|entry| entry.pid == own).unwrap();
        assert_eq!(Some(entry.started), read_one(own).unwrap().map(|entry| entry.started));
        assert!(entry.is_alive);
    }

    #[test]
    fn grandchildren_are_descendants() {
        let entry = |pid, parent| Entry { pid, parent, group: pid, session: pid, started: 0, is_alive: true };
        let table = [entry(3, 2), entry(2, 9), entry(4, 1), entry(9, 1)];
        let mut pids = BTreeSet::from([9]);
        add_descendants(&table, &mut pids);
        assert_eq!(pids, BTreeSet::from([2, 3, 9]));
    }
}
