//! The process of a task: started in a sandbox, waited for, ended with everything that it started.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};

use super::{
    families::{Families, Family},
    kin::Kin,
    sandbox::Sandbox,
};

/// What to start.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: OsString,
    /// Replaces the first argument, which is the path otherwise.
    pub(super) argv0: Option<OsString>,
    pub(super) arguments: Vec<OsString>,
    /// The whole environment.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Whether it ends, with all that it started, when nobody holds the other end of its stdin.
    pub(super) ends_with_stdin: bool,
}

/// A process and everything that it starts. Dropping it ends them all.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Nothing is written to it: a program that watches it learns that the agent is gone.
    _stdin: Option<ChildStdin>,
    family: Family,
    pid: u32,
}

impl Process {
    pub(super) fn start(program: &Program, sandbox: &Sandbox, families: &Families) -> io::Result<Self> {
        let mut command = Command::new(&program.path);
        if let Some(argv0) = &program.argv0 {
            command.arg0(argv0);
        }
        let append = |path| fs::OpenOptions::new().append(true).open(path);
        let mut child = command
            .args(&program.arguments)
            .env_clear()
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&sandbox.directory)
            .stdin(Stdio::piped())
            .stdout(append(&sandbox.stdout)?)
            .stderr(append(&sandbox.stderr)?)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("the process ended before it was seen"))?;
        let leader = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| io::Error::other(format!("{pid} is no process id")))?;
        // Its descriptors are enough to look into the process table when no others are left.
        drop(command);
        let kin = Kin::new(leader, sandbox).map_err(|error| {
            // In vain only if nobody is left.
            let _ = kill_process_group(leader, Signal::KILL);
            io::Error::other(format!("what it starts could not be found again: {error}"))
        })?;
        let family = families.add(kin, !program.ends_with_stdin);
        let _stdin = child.stdin.take();
        Ok(Self { child, _stdin, family, pid })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the process that was started, not for those that it started.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks the process and its group to end.
    pub(super) fn terminate(&self) {
        self.family.signal_group(Signal::TERM);
    }

    /// Asks the process to end as the first one of a container is asked: no signal reaches it that it does not
    /// handle.
    pub(super) fn terminate_container(&self) {
        // One that cannot be read is gone, or the system is one without a process table.
        let handles = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok();
        if handles.is_none_or(|status| catches(&status, Signal::TERM)) {
            self.family.signal_leader(Signal::TERM);
        }
    }

    /// Ends the process if it has not ended yet, and whatever of its family is left.
    pub(super) async fn end(&self) {
        self.family.end().await;
    }
}

/// Whether a process handles a signal, by its `status` in the process table.
fn catches(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal.as_raw() - 1)) != 0)
}

/// How a command ended, as the command executor writes it.
pub(super) fn command_text(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("Command terminated with signal {}", signal_name(signal)),
        None => format!("Command exited with status {}", status.code().unwrap_or(-1)),
    }
}

/// How a container ended, as the Docker executor writes it: the shell's number stands for a signal.
pub(super) fn container_text(status: ExitStatus) -> String {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1);
    format!("Container exited with status {code}")
}

/// Signals as the C library describes them in English.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "Hangup",
        2 => "Interrupt",
        3 => "Quit",
        4 => "Illegal instruction",
        5 => "Trace/breakpoint trap",
        6 => "Aborted",
        7 => "Bus error",
        8 => "Floating point exception",
        9 => "Killed",
        10 => "User defined signal 1",
        11 => "Segmentation fault",
        12 => "User defined signal 2",
        13 => "Broken pipe",
        14 => "Alarm clock",
        15 => "Terminated",
        other => return format!("Unknown signal {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handled_signals_are_read_from_the_process_table() {
        let status = "Name:\tsh\nSigIgn:\t0000000000004000\nSigCgt:\t0000000000000002\n";
        assert!(!catches(status, Signal::TERM));
        assert!(catches(status, Signal::INT));
        assert!(catches("SigCgt:\t0000000000004002\n", Signal::TERM));
        assert!(!catches("", Signal::TERM));
    }

    #[test]
    fn ends_are_told_in_the_words_of_the_executors() {
        for (raw, command, container) in [
            (0, "Command exited with status 0", "Container exited with status 0"),
            (3 << 8, "Command exited with status 3", "Container exited with status 3"),
            (9, "Command terminated with signal Killed", "Container exited with status 137"),
            (15, "Command terminated with signal Terminated", "Container exited with status 143"),
        ] {
            let status = ExitStatus::from_raw(raw);
            assert_eq!(command_text(status), command);
            assert_eq!(container_text(status), container);
        }
    }
}
