//! What a process has used, as Linux tells it.

use std::{fs, time::Duration};

/// Processor time that the threads of this process have used, those that ended left out.
pub(crate) fn cpu() -> Duration {
    let threads = fs::read_dir("/proc/self/task").expect("a Linux with /proc");
    let nanoseconds = threads.map(|thread| {
        // A thread that ends in between has no file any more.
        let times = fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap_or_default();
        times.split_whitespace().next().map_or(0, |time| time.parse().unwrap())
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// The most memory that this process ever had at once, in KiB.
pub(crate) fn peak_kib() -> u64 {
    memory("VmHWM:")
}

/// The memory that this process has, in KiB.
pub(crate) fn resident_kib() -> u64 {
    memory("VmRSS:")
}

fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux with /proc");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
