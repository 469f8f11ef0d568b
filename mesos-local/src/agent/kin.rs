//! Everything that a task started: found, and ended.
//!
//! A process of the task's group belongs to it, and so does one
//! - that a process of the task started, as long as the line of parents is whole;
//! - whose environment names the sandbox of the task;
//! - that writes its stdout or stderr to the files of the task;
//! - that lives in a session which a process of the task made.
//!
//! Whoever lost its parent, cleared its environment, sent its output elsewhere and made a session in
//! which no one else is left, is not found; unless its parents end at an action runtime, which adopts it.
//! Merely working in the sandbox or reading from it means nothing: people do that.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::PathBuf,
    time::Duration,
};

use rustix::process::{Pid, Signal, getpid, kill_process_group};

use super::sandbox::Sandbox;
use crate::process_table::{self, Entry};

/// The variables of a task that name its sandbox.
pub(super) const SANDBOX_VARIABLES: [&str; 2] = ["MESOS_SANDBOX", "MESOS_DIRECTORY"];

/// What the processes of one task are known by.
#[derive(Clone, Debug)]
pub(super) struct Kin {
    leader: Pid,
    /// The leader when it was started; `None` where there is no process table.
    origin: Option<Entry>,
    /// Entries of an environment.
    variables: Vec<Vec<u8>>,
    outputs: Vec<PathBuf>,
}

/// A process, whoever gets its number next.
type Identity = (i32, u64);

impl Kin {
    /// To be made before the leader is waited for.
    ///
    /// # Errors
    /// There is a process table, and the leader cannot be read in it: what it starts could not be found.
    pub(super) fn new(leader: Pid, sandbox: &Sandbox) -> io::Result<Self> {
        let origin = process_table::read_one(leader.as_raw_nonzero().get())?;
        if origin.is_none() && process_table::exists() {
            let error = format!("process {} is not in the process table", leader.as_raw_nonzero());
            return Err(io::Error::other(error));
        }
        let directory = sandbox.directory.as_os_str().as_encoded_bytes();
        let variable = |name: &str| [name.as_bytes(), b"=", directory].concat();
        Ok(Self {
            leader,
            origin,
            variables: SANDBOX_VARIABLES.iter().map(|name| variable(name)).collect(),
            outputs: vec![sandbox.stdout.clone(), sandbox.stderr.clone()],
        })
    }

    pub(super) fn leader(&self) -> Pid {
        self.leader
    }

    /// Sends a signal to those of the group.
    pub(super) fn signal_group(&self, signal: Signal) {
        // The one error that can happen to a group of our own is that nobody is left in it.
        let _ = kill_process_group(self.leader, signal);
    }

    fn is_known_by_its_place(&self, entry: &Entry) -> bool {
        let Some(origin) = &self.origin else {
            return false;
        };
        // A number that was given out again is that of somebody younger, who has the number as a pid.
        let is_leader = entry.pid == origin.pid && entry.started == origin.started;
        is_leader || entry.pid != origin.pid && entry.group == origin.pid
    }

    fn is_known_by_its_files(&self, entry: &Entry) -> io::Result<bool> {
        if self.origin.is_none_or(|origin| entry.started < origin.started) {
            return Ok(false);
        }
        let directory = process_table::directory(entry.pid);
        let writes = |number: &str| {
            fs::read_link(directory.join("fd").join(number)).is_ok_and(|file| self.outputs.contains(&file))
        };
        if writes("1") || writes("2") {
            return Ok(true);
        }
        // Those of other users cannot be read, nor could they be ended.
        let environment = process_table::read_file(entry.pid, "environ")?.unwrap_or_default();
        Ok(environment.split(|&byte| byte == 0).any(|entry| self.variables.iter().any(|one| one == entry)))
    }
}

/// Ends every process of some tasks, and returns when none of them is alive. `false` if some may be; the
/// log says why.
pub(super) fn end_all(tasks: &[Kin]) -> bool {
    if tasks.is_empty() {
        return true;
    }
    for task in tasks {
        if task.origin.is_none() {
            task.signal_group(Signal::KILL);
        }
    }
    let mut search = Search { tasks, known: BTreeMap::new() };
    match search.end_all() {
        Ok(true) => true,
        Ok(false) => {
            tracing::warn!(tasks = tasks.len(), "processes that tasks started cannot be ended");
            false
        }
        Err(error) => {
            tracing::warn!(%error, tasks = tasks.len(), "no more than the groups of tasks can be ended");
            for task in tasks {
                task.signal_group(Signal::KILL);
            }
            false
        }
    }
}

/// Those that were found so far.
struct Search<'a> {
    tasks: &'a [Kin],
    /// The session of each.
    known: BTreeMap<Identity, i32>,
}

impl Search<'_> {
    /// Tells whether nobody is left.
    ///
    /// They are stopped first, until nobody is found who was not told to: one who is stopped starts
    /// nobody else. Only then are they killed, because those who outlive their parents are harder to find.
    fn end_all(&mut self) -> io::Result<bool> {
        /// Each round finds who was started during the one before.
        const MAX_ROUNDS: u32 = 1000;
        const PAUSE: Duration = Duration::from_millis(1);
        for _ in 0..MAX_ROUNDS {
            let (_, found) = self.look()?;
            if found.is_empty() {
                break;
            }
            for pid in found {
                process_table::send(pid, Signal::STOP);
            }
        }
        for _ in 0..MAX_ROUNDS {
            // A family may have grown faster than it was stopped.
            let (table, _) = self.look()?;
            // In vain only if it is not ours to end: then there is no use in waiting for it.
            let sent = self.alive(&table).filter(|pid| process_table::send(*pid, Signal::KILL)).count();
            if sent == 0 {
                return Ok(true);
            }
            pause(PAUSE);
        }
        Ok(false)
    }

    /// The table, and who was found in it for the first time.
    ///
    /// # Errors
    /// The table could not be read for some time: others may have given descriptors back, and did not.
    fn look(&mut self) -> io::Result<(Vec<Entry>, Vec<i32>)> {
        const MAX_PAUSES: u32 = 200;
        const PAUSE: Duration = Duration::from_millis(10);
        let mut pauses = 0;
        loop {
            let looked = process_table::read().and_then(|table| {
                let found = self.find_more(&table)?;
                Ok((table, found))
            });
            if looked.is_ok() || pauses == MAX_PAUSES {
                return looked;
            }
            pauses += 1;
            pause(PAUSE);
        }
    }

    /// Those of a table who belong to the tasks and were not known.
    fn find_more(&mut self, table: &[Entry]) -> io::Result<Vec<i32>> {
        let own = getpid().as_raw_nonzero().get();
        let mut found: BTreeSet<i32> = table
            .iter()
            .filter(|entry| {
                self.known.contains_key(&(entry.pid, entry.started))
                    || self.tasks.iter().any(|task| task.is_known_by_its_place(entry))
            })
            .map(|entry| entry.pid)
            .collect();
        process_table::add_descendants(table, &mut found);
        // The agent itself may be a task of another one, and is no stranger to what it started.
        let strangers: Vec<&Entry> =
            table.iter().filter(|one| one.is_alive && one.pid != own && !found.contains(&one.pid)).collect();
        for entry in strangers {
            for task in self.tasks {
                if task.is_known_by_its_files(entry)? {
                    found.insert(entry.pid);
                    break;
                }
            }
        }
        loop {
            process_table::add_descendants(table, &mut found);
            let sessions = self.sessions(table, &found);
            let before = found.len();
            found.extend(table.iter().filter(|one| sessions.contains(&one.session)).map(|one| one.pid));
            if found.len() == before {
                break;
            }
        }
        let mut new = Vec::new();
        for entry in table.iter().filter(|entry| found.contains(&entry.pid)) {
            if self.known.insert((entry.pid, entry.started), entry.session).is_none() {
                new.push(entry.pid);
            }
        }
        Ok(new)
    }

    /// The sessions that processes of the tasks made: all but those of the leaders, which are the agent's.
    fn sessions(&self, table: &[Entry], found: &BTreeSet<i32>) -> BTreeSet<i32> {
        let of_agents = |session: i32| {
            self.tasks.iter().filter_map(|task| task.origin).any(|origin| origin.session == session)
        };
        let of_found = table.iter().filter(|entry| found.contains(&entry.pid)).map(|entry| entry.session);
        of_found.chain(self.known.values().copied()).filter(|session| !of_agents(*session)).collect()
    }

    fn alive(&self, table: &[Entry]) -> impl Iterator<Item = i32> {
        let is_known = |entry: &&Entry| self.known.contains_key(&(entry.pid, entry.started));
        table.iter().filter(|entry| entry.is_alive).filter(is_known).map(|entry| entry.pid)
    }
}

#[expect(clippy::disallowed_methods, reason = "the system tells a parent about an end, and nobody else")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The agent is process 10 in session 1, the leader of the task process 100.
    const TABLE: [Entry; 7] = [
        entry(1, 0, 1, 1),
        entry(10, 1, 10, 1),
        entry(100, 10, 100, 1),
        // Left the group.
        entry(101, 100, 101, 101),
        // Lost its parent, and stayed in the group.
        entry(102, 1, 100, 1),
        // Lost its parent, and stayed in the session that 101 made.
        entry(103, 1, 103, 101),
        // Anybody.
        entry(200, 10, 200, 1),
    ];

    const fn entry(pid: i32, parent: i32, group: i32, session: i32) -> Entry {
        Entry { pid, parent, group, session, started: 1000 + pid as u64, is_alive: true }
    }

    fn task() -> Kin {
        let outputs = vec!["/nowhere/stdout".into()];
        let leader = Pid::from_raw(100).unwrap();
        Kin { leader, origin: Some(TABLE[2]), variables: Vec::new(), outputs }
    }

    #[test]
    fn parents_groups_and_sessions_lead_to_the_task() {
        let tasks = [task()];
        let mut search = Search { tasks: &tasks, known: BTreeMap::new() };
        assert_eq!(search.find_more(&TABLE).unwrap(), [100, 101, 102, 103]);
        assert_eq!(search.find_more(&TABLE).unwrap(), [0; 0], "all of them are known");
    }

    #[test]
    fn a_session_is_remembered_when_its_maker_is_gone() {
        let tasks = [task()];
        let mut search = Search { tasks: &tasks, known: BTreeMap::new() };
        search.find_more(&TABLE[..4]).unwrap();
        let later = [TABLE[0], TABLE[1], TABLE[2], TABLE[5], TABLE[6]];
        assert_eq!(search.find_more(&later).unwrap(), [103]);
        assert_eq!(search.alive(&later).collect::<Vec<_>>(), [100, 103]);
    }

    #[test]
    fn a_number_that_was_given_out_again_is_somebody_else() {
        let tasks = [task()];
        let mut search = Search { tasks: &tasks, known: BTreeMap::new() };
        let another = Entry { started: 2000, ..TABLE[2] };
        let table = [TABLE[0], TABLE[1], another, entry(104, 100, 104, 104), TABLE[6]];
        assert_eq!(search.find_more(&table).unwrap(), [0; 0]);
    }
}
