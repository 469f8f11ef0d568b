//! The processes of tasks, which must not outlive the cluster.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal};

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
    families: Vec<Kin>,
    /// Those who wait for their end.
    leaders_to_end: Vec<Pid>,
    /// There once it is needed.
    guard: Option<Guard>,
}

/// Everything that one task started. Dropping it ends them all.
#[derive(Debug)]
pub(super) struct Family {
    kin: Kin,
    families: Families,
}

impl Families {
    /// Takes up a family; ends it at once if the register is closed. One that does not end by itself when
    /// this program is killed can be put under guard.
    pub(super) fn add(&self, kin: Kin, under_guard: bool) -> Family {
        let closed = {
            let mut state = self.state();
            state.families.push(kin.clone());
            if under_guard && !state.closed {
                state.guard(kin.leader());
            }
            state.closed
        };
        if closed {
            kin::end_all(std::slice::from_ref(&kin));
        }
        Family { kin, families: self.clone() }
    }

    /// Ends every family, at once and for good.
    pub(crate) fn close(&self) {
        let families = {
            let mut state = self.state();
            state.closed = true;
            state.families.clone()
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

    /// Ends every process of the family and waits until none is alive.
    ///
    /// Looking through all processes of a machine takes its time, so those who come while others are
    /// ended have their turn together.
    pub(super) async fn end(&self) {
        let families = &self.families;
        families.state().leaders_to_end.push(self.kin.leader());
        let _turn = families.0.turn.lock().await;
        let batch: Vec<Kin> = {
            let mut state = families.state();
            let leaders = std::mem::take(&mut state.leaders_to_end);
            state.families.iter().filter(|kin| leaders.contains(&kin.leader())).cloned().collect()
        };
        if !batch.is_empty() {
            // It fails if the runtime is shutting down: then dropping ends them.
            let _ = tokio::task::spawn_blocking(move || kin::end_all(&batch)).await;
        }
    }
}

impl Drop for Family {
    /// The leader may be reaped before: the number of a group stays taken while it has members.
    fn drop(&mut self) {
        let closed = {
            let mut state = self.families.state();
            state.families.retain(|kin| kin.leader() != self.kin.leader());
            state.closed
        };
        if !closed {
            kin::end_all(std::slice::from_ref(&self.kin));
            if let Some(guard) = &mut self.families.state().guard {
                // A guard that is gone cannot do any harm.
                let _ = guard.remove(self.kin.leader());
            }
        }
    }
}
