//! Which tasks of an agent run, and how each of them is told to end.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use super::executor::Kill;

/// Framework and task. A framework may launch an id again as soon as it knows of the end, which the agent
/// may still be busy with: the key names several runs then.
pub(super) type Key = (String, String);

/// The runs that were begun and not removed.
#[derive(Debug, Default)]
pub(super) struct Runs {
    next: u64,
    runs: BTreeMap<u64, (Key, mpsc::UnboundedSender<Kill>)>,
}

impl Runs {
    /// Gives the number of the run and where its kills arrive.
    pub(super) fn begin(&mut self, key: Key) -> (u64, mpsc::UnboundedReceiver<Kill>) {
        let (kills, receiver) = mpsc::unbounded_channel();
        let number = self.next;
        self.next += 1;
        self.runs.insert(number, (key, kills));
        (number, receiver)
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.runs.remove(&number);
    }

    pub(super) fn kill_where(&self, chosen: impl Fn(&Key) -> bool, kill: &Kill) {
        for (_, kills) in self.runs.values().filter(|(key, _)| chosen(key)) {
            // It may have ended in this moment, and the report of it is on its way.
            let _ = kills.send(kill.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(task: &str) -> Key {
        ("fw".into(), task.into())
    }

    #[test]
    fn the_end_of_a_run_leaves_a_later_one_of_the_same_id() {
        let mut runs = Runs::default();
        let (first, mut first_kills) = runs.begin(key("t1"));
        let (_, mut second_kills) = runs.begin(key("t1"));
        let (_, mut other_kills) = runs.begin(key("t2"));
        runs.remove(first);
        runs.kill_where(|one| *one == key("t1"), &Kill::at_once());
        assert!(second_kills.try_recv().is_ok());
        assert!(first_kills.try_recv().is_err());
        assert!(other_kills.try_recv().is_err());
    }

    #[test]
    fn every_run_of_an_id_can_be_killed() {
        let mut runs = Runs::default();
        let (_, mut first_kills) = runs.begin(key("t1"));
        let (_, mut second_kills) = runs.begin(key("t1"));
        runs.kill_where(|_| true, &Kill::at_once());
        assert!(first_kills.try_recv().is_ok());
        assert!(second_kills.try_recv().is_ok());
    }
}
