//! The processes of tasks, which must not outlive the cluster.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    guard::Guard,
    kin::{self, Kin},
};

/// The processes of all tasks of a cluster. Clones are the same register.
#[derive(Clone, Debug, Default)]
pub(crate) struct Families(Arc<Register>);

#[derive(Debug, Default)]
struct Register {
    state: Mutex<State>,
    /// Held by the one who ends families.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    /// Numbers are not given out again, as those of processes are.
    next: u64,
    /// Those that may have someone alive.
    families: BTreeMap<u64, Kin>,
    /// Those that wait for their end.
    to_end: BTreeSet<u64>,
    /// There once it is needed.
    guard: Option<Guard>,
}

/// Everything that one task started. Dropping it ends them all.
#[derive(Debug)]
pub(super) struct Family {
    number: u64,
    kin: Kin,
    families: Families,
}

impl Families {
    /// Takes up a family; ends it at once if the register is closed. One that does not end by itself when
    /// this program is killed can be put under guard.
    pub(super) fn add(&self, kin: Kin, under_guard: bool) -> Family {
        let (number, closed) = {
            let mut state = self.state();
            let number = state.next;
            state.next += 1;
            state.families.insert(number, kin.clone());
            if under_guard && !state.closed {
                state.guard(kin.leader());
            }
            (number, state.closed)
        };
        if closed {
            kin::end_all(std::slice::from_ref(&kin));
        }
        Family { number, kin, families: self.clone() }
    }

    /// Ends every family, at once and for good.
    pub(crate) fn close(&self) {
        let families: Vec<Kin> = {
            let mut state = self.state();
            state.closed = true;
            state.families.values().cloned().collect()
        };
        kin::end_all(&families);
        // With the families gone it has nobody to end but itself.
        let guard = self.state().guard.take();
        drop(guard);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn guard(&mut self, leader: Pid) {
        let added = match &mut self.guard {
            Some(guard) => guard.add(leader),
            None => Guard::start().and_then(|guard| self.guard.insert(guard).add(leader)),
        };
        if let Err(error) = added {
            tracing::warn!(%error, "tasks will outlive this program if it is killed");
        }
    }
}

impl Family {
    /// Sends a signal to those who are in the group of the task.
    pub(super) fn signal_group(&self, signal: Signal) {
        self.kin.signal_group(signal);
    }

    /// Sends a signal to the first process of the task.
    pub(super) fn signal_leader(&self, signal: Signal) {
        // In vain if it has ended.
        let _ = kill_process(self.kin.leader(), signal);
    }

    /// Ends every process of the family and waits until none is alive.
    ///
    /// Looking through all processes of a machine takes its time: it is done once for a family, and those
    /// who come while others are ended have their turn together.
    pub(super) async fn end(&self) {
        let families = &self.families;
        {
            let mut state = families.state();
            if !state.families.contains_key(&self.number) {
                return;
            }
            state.to_end.insert(self.number);
        }
        let _turn = families.0.turn.lock().await;
        let batch: BTreeMap<u64, Kin> = {
            let mut state = families.state();
            let numbers = std::mem::take(&mut state.to_end);
            numbers.iter().filter_map(|number| Some((*number, state.families.get(number)?.clone()))).collect()
        };
        if batch.is_empty() {
            return;
        }
        let numbers: Vec<u64> = batch.keys().copied().collect();
        let kin: Vec<Kin> = batch.into_values().collect();
        // It fails if the runtime is shutting down: then dropping ends them.
        let ended = tokio::task::spawn_blocking(move || kin::end_all(&kin)).await.unwrap_or(false);
        if ended {
            let mut state = families.state();
            for number in numbers {
                state.families.remove(&number);
            }
        }
    }
}

impl Drop for Family {
    /// The leader may be reaped before: the number of a group stays taken while it has members.
    fn drop(&mut self) {
        let (may_be_alive, closed) = {
            let state = self.families.state();
            (state.families.contains_key(&self.number), state.closed)
        };
        // One that cannot be ended stays in the register: closing that tries again.
        let ended = !may_be_alive || closed || kin::end_all(std::slice::from_ref(&self.kin));
        let mut state = self.families.state();
        if ended {
            state.families.remove(&self.number);
        }
        if let Some(guard) = &mut state.guard {
            // A guard that is gone cannot do any harm.
            let _ = guard.remove(self.kin.leader());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::{CommandExt as _, ExitStatusExt as _},
        process::{Child, Command},
    };

    use super::*;
    use crate::agent::sandbox::Sandboxes;

    fn sleeper(families: &Families) -> (Child, Family) {
        let work = tempfile::tempdir().unwrap();
        let sandbox = Sandboxes::create(work.path(), "S0").unwrap().new_run("fw", "task", "c1").unwrap();
        let child = Command::new("sleep").arg("1022").process_group(0).spawn().unwrap();
        let family = families.add(Kin::new(Pid::from_child(&child), &sandbox).unwrap(), false);
        (child, family)
    }

    #[tokio::test]
    async fn a_family_that_has_ended_is_not_looked_for_again() {
        let families = Families::default();
        let (mut ended_child, ended) = sleeper(&families);
        let (mut other_child, other) = sleeper(&families);
        ended.end().await;
        assert_eq!(ended_child.wait().unwrap().signal(), Some(9));
        let left: Vec<u64> = families.state().families.keys().copied().collect();
        assert_eq!(left, [other.number]);
        assert_eq!(other_child.try_wait().unwrap(), None);
        drop(other);
        assert_eq!(other_child.wait().unwrap().signal(), Some(9));
        assert!(families.state().families.is_empty());
    }
}
