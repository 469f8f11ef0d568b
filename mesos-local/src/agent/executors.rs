//! The executors of an agent that tasks share, and how everybody reaches them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use mesos_proto::v1::{self, executor};
use tokio::sync::mpsc;

/// Framework and executor.
pub(crate) type ExecutorKey = (String, String);

/// What an executor is told, by the master or by its own process.
#[derive(Debug)]
pub(crate) enum ExecutorInput {
    Launch {
        tasks: Vec<v1::TaskInfo>,
        is_group: bool,
    },
    /// Meant for the executor that has the task.
    Kill {
        task_id: v1::TaskId,
        kill_policy: Option<v1::KillPolicy>,
    },
    /// From the framework.
    Message(Bytes),
    Shutdown {
        /// Without a grace period.
        at_once: bool,
    },
    /// The process wants to hear events.
    Subscribe {
        subscribe: Box<executor::call::Subscribe>,
        events: mpsc::UnboundedSender<executor::Event>,
    },
    /// The process tells of a task.
    Update(Box<v1::TaskStatus>),
    /// The process has something to tell its framework.
    MessageToFramework(Bytes),
}

/// Clones are the same register.
#[derive(Clone, Debug, Default)]
pub(crate) struct Executors(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    executors: BTreeMap<ExecutorKey, Entry>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    mailbox: mpsc::UnboundedSender<ExecutorInput>,
    /// Whether the process has subscribed.
    is_subscribed: bool,
}

/// An executor that can be reached. Dropping it ends that.
#[derive(Debug)]
pub(super) struct Registration {
    executors: Executors,
    key: ExecutorKey,
    number: u64,
}

/// What the agent knows about an executor that calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    NoFramework,
    NoExecutor,
    Launched,
    Subscribed,
}

impl Executors {
    /// Takes an executor in, in the place of one of the same key that is about to end.
    pub(super) fn add(&self, key: ExecutorKey) -> (Registration, mpsc::UnboundedReceiver<ExecutorInput>) {
        let (mailbox, inputs) = mpsc::unbounded_channel();
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.executors.insert(key.clone(), Entry { number, mailbox, is_subscribed: false });
        drop(state);
        (Registration { executors: self.clone(), key, number }, inputs)
    }

    /// Gives the input back if there is no such executor.
    pub(crate) fn send(&self, key: &ExecutorKey, input: ExecutorInput) -> Result<(), ExecutorInput> {
        match self.state().executors.get(key) {
            Some(entry) => entry.mailbox.send(input).map_err(|error| error.0),
            None => Err(input),
        }
    }

    /// Tells every executor that is chosen.
    pub(super) fn send_where(
        &self,
        chosen: impl Fn(&ExecutorKey) -> bool,
        input: impl Fn() -> ExecutorInput,
    ) {
        for (_, entry) in self.state().executors.iter().filter(|(key, _)| chosen(key)) {
            // It may end in this moment.
            let _ = entry.mailbox.send(input());
        }
    }

    pub(crate) fn standing(&self, key: &ExecutorKey) -> Standing {
        let state = self.state();
        match state.executors.get(key) {
            Some(entry) if entry.is_subscribed => Standing::Subscribed,
            Some(_) => Standing::Launched,
            None if state.executors.keys().any(|(framework, _)| *framework == key.0) => Standing::NoExecutor,
            None => Standing::NoFramework,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    pub(super) fn set_subscribed(&self) {
        let mut state = self.executors.state();
        if let Some(entry) = state.executors.get_mut(&self.key).filter(|entry| entry.number == self.number) {
            entry.is_subscribed = true;
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.executors.state();
        if state.executors.get(&self.key).is_some_and(|entry| entry.number == self.number) {
            state.executors.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(executor: &str) -> ExecutorKey {
        ("fw".into(), executor.into())
    }

    fn message() -> ExecutorInput {
        ExecutorInput::Message(Bytes::new())
    }

    #[test]
    fn an_executor_is_known_from_its_launch_to_its_end() {
        let executors = Executors::default();
        assert_eq!(executors.standing(&key("e1")), Standing::NoFramework);
        let (registration, mut inputs) = executors.add(key("e1"));
        assert_eq!(executors.standing(&key("e1")), Standing::Launched);
        assert_eq!(executors.standing(&key("e2")), Standing::NoExecutor);
        registration.set_subscribed();
        assert_eq!(executors.standing(&key("e1")), Standing::Subscribed);
        assert!(executors.send(&key("e1"), message()).is_ok());
        assert!(executors.send(&key("e2"), message()).is_err());
        assert!(inputs.try_recv().is_ok());
        drop(registration);
        assert!(executors.send(&key("e1"), message()).is_err());
    }

    #[test]
    fn the_end_of_an_executor_leaves_its_successor() {
        let executors = Executors::default();
        let (first, _first_inputs) = executors.add(key("e1"));
        let (_second, mut inputs) = executors.add(key("e1"));
        drop(first);
        executors.send_where(|_| true, message);
        assert!(inputs.try_recv().is_ok());
    }
}
