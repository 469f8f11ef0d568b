//! A process that ends the groups of tasks when this program is killed and cannot do so itself.

use std::{
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, Command, Stdio},
};

use rustix::process::Pid;

/// Reads `add <group>` and `remove <group>`; when nobody can write any more, ends what was added and not
/// removed. Only what every shell has built in is used.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
groups=' '
while read -r verb group; do
    case $verb in
        add) groups="$groups$group " ;;
        remove) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
    esac
done
for group in $groups; do
    kill -s KILL -- "-$group"
done
"#;

/// The guard of a cluster. It ends when this is dropped, and with it the groups that were not removed.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
    /// `None` only while this is dropped.
    stdin: Option<ChildStdin>,
}

impl Guard {
    pub(super) fn start() -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Whoever ends this program by its group or its terminal does not end the guard.
            .process_group(0)
            .spawn()?;
        let stdin = shell.stdin.take();
        Ok(Self { shell, stdin })
    }

    /// # Errors
    /// The guard is gone.
    pub(super) fn add(&mut self, leader: Pid) -> io::Result<()> {
        self.say("add", leader)
    }

    /// # Errors
    /// The guard is gone.
    pub(super) fn remove(&mut self, leader: Pid) -> io::Result<()> {
        self.say("remove", leader)
    }

    fn say(&mut self, verb: &str, leader: Pid) -> io::Result<()> {
        let line = format!("{verb} {}\n", leader.as_raw_nonzero());
        self.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(line.as_bytes()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stdin = None;
        // There is nothing that its end could tell.
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn groups_that_were_added_and_not_removed_are_ended() {
        let mut guard = Guard::start().unwrap();
        let mut sleepers: Vec<Child> =
            (0..4).map(|_| Command::new("sleep").arg("1016").process_group(0).spawn().unwrap()).collect();
        let leaders: Vec<Pid> = sleepers.iter().map(Pid::from_child).collect();
        for leader in &leaders {
            guard.add(*leader).unwrap();
        }
        guard.remove(leaders[0]).unwrap();
        guard.remove(leaders[2]).unwrap();
        drop(guard);
        for ended in [1, 3] {
            assert_eq!(sleepers[ended].wait().unwrap().signal(), Some(9));
        }
        for alive in [0, 2] {
            assert_eq!(sleepers[alive].try_wait().unwrap(), None);
            sleepers[alive].kill().unwrap();
            sleepers[alive].wait().unwrap();
        }
    }
}
