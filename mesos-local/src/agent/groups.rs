//! Process groups that must not outlive the cluster.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// Every process group that tasks of a cluster run in. Clones are the same register.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProcessGroups(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    closed: bool,
    groups: Vec<Pid>,
}

/// One group of the register, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    leader: Pid,
    register: ProcessGroups,
}

impl ProcessGroups {
    /// Takes up a group; ends it at once if the register is closed.
    pub(crate) fn add(&self, leader: Pid) -> ProcessGroup {
        let mut state = self.state();
        state.groups.push(leader);
        if state.closed {
            signal(leader, Signal::KILL);
        }
        ProcessGroup { leader, register: self.clone() }
    }

    /// Ends every group, at once and for good.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        for leader in &state.groups {
            signal(*leader, Signal::KILL);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProcessGroup {
    /// Sends a signal to every process of the group.
    pub(crate) fn signal(&self, signal_number: Signal) {
        signal(self.leader, signal_number);
    }

    /// Ends every process of the group and waits a moment until they are gone. Where nobody reaps
    /// orphans they stay as zombies, and waiting longer would not help.
    pub(crate) async fn end(&self) {
        self.signal(Signal::KILL);
        for _ in 0..50 {
            if test_kill_process_group(self.leader).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for ProcessGroup {
    /// The leader may be reaped before: the number of a group stays taken while it has members, and
    /// with none there is nobody to hit.
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.register.state().groups.retain(|leader| *leader != self.leader);
    }
}

fn signal(leader: Pid, signal: Signal) {
    // The one error that can happen to a group of our own is that nobody is left in it.
    let _ = kill_process_group(leader, signal);
}
