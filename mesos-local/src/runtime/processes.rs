//! Programs to start, and processes that must not stay behind.

use std::{collections::BTreeSet, env, fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use rustix::{
    io::Errno,
    process::{Signal, WaitOptions, getpid, wait},
};

use crate::process_table;

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

/// Kills every process below this one, and returns when it has none left.
///
/// They are found in the process table, which may change while it is read; that this process is nobody's
/// parent any more is for the system to say.
pub(super) async fn kill_descendants() {
    /// Some seconds: one that the system itself keeps busy cannot be waited for.
    const MAX_ROUNDS: u32 = 5000;
    let own = getpid().as_raw_nonzero().get();
    for _ in 0..MAX_ROUNDS {
        let mut descendants = BTreeSet::from([own]);
        // One that cannot be read says nothing; the next round may have more luck.
        process_table::add_descendants(&process_table::read().unwrap_or_default(), &mut descendants);
        descendants.remove(&own);
        for pid in descendants {
            process_table::send(pid, Signal::KILL);
        }
        if !has_children() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tracing::warn!("processes that an action started cannot be ended");
}

/// Reaps whoever has ended, and tells whether others are there.
fn has_children() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_the_path() {
        let error = find_program("no-such-program").unwrap_err();
        assert!(error.starts_with("no-such-program was not found in PATH (/"), "{error}");
        assert!(find_program("sh").unwrap().is_absolute());
    }
}
