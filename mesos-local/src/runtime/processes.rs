//! Programs to start, and processes that must not stay behind.

use std::{env, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use rustix::process::{Pid, Signal, getpid, kill_process};

/// Looks a program up in PATH; the error names the program and the PATH.
pub(super) fn find_program(name: &str) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_executable = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(is_executable)
        .ok_or_else(|| format!("{name} was not found in PATH ({})", path.display()))
}

/// Makes this process the parent of every process below it that loses its own, so that none is lost
/// sight of. On systems other than Linux nothing happens.
pub(super) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(getpid())) {
        tracing::warn!(%error, "processes that an action leaves behind may stay");
    }
}

/// Kills every process below this one. They are found in `/proc`; where there is none, nothing is.
///
/// A process that forks while it is looked for is found in the next round; killed ones take a moment to
/// disappear and may be signalled again.
pub(super) fn kill_descendants() {
    const MAX_ROUNDS: u32 = 1000;
    for _ in 0..MAX_ROUNDS {
        let descendants = descendants(&processes());
        if descendants.is_empty() {
            return;
        }
        for pid in descendants {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::yield_now();
    }
}

/// One line of the process table.
#[derive(Clone, Copy)]
struct Process {
    pid: i32,
    parent: i32,
}

/// All processes that live.
fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            parse_stat(pid, &fs::read_to_string(entry.path().join("stat")).ok()?)
        })
        .collect()
}

/// Reads `<pid> (<name>) <state> <parent> …`; the name may hold anything.
fn parse_stat(pid: i32, stat: &str) -> Option<Process> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    Some(Process { pid, parent: fields.next()?.parse().ok()? })
}

fn descendants(processes: &[Process]) -> Vec<Pid> {
    let own = getpid().as_raw_nonzero().get();
    let mut found = vec![own];
    loop {
        let before = found.len();
        for process in processes {
            if found.contains(&process.parent) && !found.contains(&process.pid) {
                found.push(process.pid);
            }
        }
        if found.len() == before {
            break;
        }
    }
    found.into_iter().filter(|pid| *pid != own).filter_map(Pid::from_raw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_table_is_read() {
        let process = parse_stat(7, "7 (a ) b) S 3 5 5 0 -1").unwrap();
        assert_eq!((process.pid, process.parent), (7, 3));
        assert!(parse_stat(7, "7 (a) Z 3 5 5").is_none());
        assert!(parse_stat(7, "").is_none());
    }

    #[test]
    fn grandchildren_are_descendants() {
        let own = getpid().as_raw_nonzero().get();
        let table = [
            Process { pid: 90_003, parent: 90_002 },
            Process { pid: 90_002, parent: own },
            Process { pid: 90_004, parent: 1 },
        ];
        let pids: Vec<_> = descendants(&table).iter().map(|pid| pid.as_raw_nonzero().get()).collect();
        assert_eq!(pids, [90_002, 90_003]);
    }

    #[test]
    fn a_missing_program_is_named_with_the_path() {
        let error = find_program("no-such-program").unwrap_err();
        assert!(error.starts_with("no-such-program was not found in PATH (/"), "{error}");
        assert!(find_program("sh").unwrap().is_absolute());
    }
}
