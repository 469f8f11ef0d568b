//! The loop around the framework core.

mod changes;
mod handle;
mod outgoing;
mod recover;
mod submission;

use std::{collections::BTreeMap, time::Instant};

use mesos_proto::v1;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::{
    changes::Changes,
    handle::Framework,
    recover::{Recover, RecoverError, RecoveredTask, Recovery},
    submission::{RunningTask, Submission},
};
use self::{outgoing::Outgoing, recover::Records, submission::Watcher};
use crate::{
    client::Client,
    events::Events,
    framework::{
        Change, ChangeKind, FrameworkCore, LaunchFailure, OutcomeToken, Recovered, TaskEnd, TaskSpec,
        TaskView, WhyNot,
    },
    session::{CallOutcome, Event},
};

/// A wish on its way to the loop.
#[derive(Debug)]
enum Command {
    Submit {
        spec: Box<TaskSpec>,
        watcher: Watcher,
    },
    Kill {
        task_id: String,
        done: oneshot::Sender<()>,
    },
    /// The submission of this number was dropped.
    Cancel {
        task_id: String,
        number: u64,
    },
    Drain {
        done: oneshot::Sender<()>,
    },
    KillAll,
    Recover {
        records: Records,
        reply: oneshot::Sender<Vec<RecoveredTask>>,
    },
    Tasks {
        reply: oneshot::Sender<Vec<TaskView>>,
    },
    WhyPending {
        task_id: String,
        reply: oneshot::Sender<Option<WhyNot>>,
    },
    Watch {
        changes: mpsc::UnboundedSender<Change>,
    },
}

/// Where the framework is subscribed.
#[derive(Clone, Debug)]
enum Leader {
    /// Nowhere, at the moment.
    None,
    /// At this master.
    Master { url: String, framework_id: v1::FrameworkId },
    /// Nowhere, for ever.
    Closed,
}

struct Driver {
    core: FrameworkCore,
    client: Client,
    events: Events,
    wishes: mpsc::UnboundedReceiver<Command>,
    leader: watch::Sender<Leader>,
    watchers: BTreeMap<String, Watcher>,
    listeners: Vec<mpsc::UnboundedSender<Change>>,
    drains: Vec<oneshot::Sender<()>>,
    /// Tasks that were just taken over, until they are given to who asked.
    recovered: Vec<RecoveredTask>,
    outgoing: Outgoing,
}

impl Driver {
    async fn run(mut self) {
        let mut is_closed = false;
        loop {
            self.drain();
            let deadline = self.core.poll_timeout();
            tokio::select! {
                event = self.events.next(), if !is_closed => {
                    is_closed = event.is_none();
                    if let Some(event) = event {
                        self.handle_event(event);
                    }
                }
                wish = self.wishes.recv() => {
                    let Some(wish) = wish else { return };
                    self.handle_wish(wish);
                }
                outcomes = self.outgoing.answered() => {
                    for (token, outcome) in outcomes {
                        self.handle_outcome(token, outcome);
                    }
                }
                () = sleep_until(deadline) => self.core.handle_timeout(now()),
            }
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Subscribed { framework_id, url, .. } => {
                self.leader.send_replace(Leader::Master { url, framework_id });
                self.core.handle_subscribed(now());
            }
            Event::Mesos(event) => self.core.handle_event(now(), *event),
            Event::Disconnected { why, .. } => {
                self.leader.send_replace(Leader::None);
                self.core.handle_disconnected(now(), why);
                self.drop_calls();
            }
            Event::Closed(reason) => {
                self.leader.send_replace(Leader::Closed);
                self.core.handle_closed(reason.to_string());
            }
        }
    }

    /// Calls that had no room yet were meant for a subscription that is over.
    fn drop_calls(&mut self) {
        while let Some((token, _call)) = self.core.poll_call() {
            if let Some(token) = token {
                self.core.handle_call_outcome(now(), token, CallOutcome::NotSubscribed);
            }
        }
    }

    fn handle_outcome(&mut self, token: OutcomeToken, outcome: CallOutcome) {
        if let CallOutcome::Refused { status, text } = &outcome {
            tracing::warn!(status, text, "the master refuses a call");
        }
        self.core.handle_call_outcome(now(), token, outcome);
    }

    fn handle_wish(&mut self, wish: Command) {
        match wish {
            Command::Submit { spec, mut watcher } => {
                if self.watchers.contains_key(&spec.id) {
                    let failure = Box::new(LaunchFailure::DuplicateId);
                    let kind = ChangeKind::LaunchFailed(failure.clone());
                    self.tell_listeners(&Change { task_id: spec.id, kind });
                    watcher.answer(Err(failure));
                    return;
                }
                self.watchers.insert(spec.id.clone(), watcher);
                self.core.submit(now(), *spec);
            }
            Command::Kill { task_id, done } => {
                // Known to the core means watched here, so `done` is kept until the end is told.
                if let Some(watcher) = self.watchers.get_mut(&task_id) {
                    watcher.kills.push(done);
                    self.core.kill(now(), &task_id);
                }
            }
            Command::Cancel { task_id, number } => {
                // Another one of this id was refused, and must not take the task of the first along.
                if self.watchers.get(&task_id).is_some_and(|watcher| watcher.number == number) {
                    self.core.kill(now(), &task_id);
                }
            }
            Command::Drain { done } => {
                self.core.drain(now());
                self.drains.push(done);
            }
            Command::KillAll => {
                let task_ids: Vec<String> = self.watchers.keys().cloned().collect();
                for task_id in task_ids {
                    self.core.kill(now(), &task_id);
                }
            }
            // Without an answer the framework is closed, as it is.
            Command::Recover { .. } if matches!(*self.leader.borrow(), Leader::Closed) => {}
            Command::Recover { records, reply } => {
                let Records { agents, tasks, is_complete } = records;
                self.core.describe_agents(agents);
                if is_complete {
                    self.core.recover(now(), tasks);
                } else {
                    self.core.adopt(now(), tasks);
                }
                self.drain();
                // Who has lost interest will find the tasks in the list of all.
                let _ = reply.send(std::mem::take(&mut self.recovered));
            }
            Command::Tasks { reply } => {
                // As above.
                let _ = reply.send(self.core.tasks().collect());
            }
            Command::WhyPending { task_id, reply } => {
                // As above.
                let _ = reply.send(self.core.why_pending(&task_id));
            }
            Command::Watch { changes } => self.listeners.push(changes),
        }
    }

    /// Carries everything out that the core has to say.
    fn drain(&mut self) {
        if let Some(roles) = self.core.poll_suppressed_roles() {
            self.client.set_suppressed_roles(roles);
        }
        while self.outgoing.has_room()
            && let Some((token, call)) = self.core.poll_call()
        {
            self.outgoing.send(token, call);
        }
        while let Some(change) = self.core.poll_change() {
            self.tell_listeners(&change);
            self.tell(&change.task_id, change.kind);
        }
        if self.core.task_count() == 0 {
            for done in self.drains.drain(..) {
                // Who does not wait any more need not be told.
                let _ = done.send(());
            }
        }
    }

    fn tell_listeners(&mut self, change: &Change) {
        self.listeners.retain(|listener| listener.send(change.clone()).is_ok());
    }

    fn tell(&mut self, task_id: &str, kind: ChangeKind) {
        tracing::debug!(task = %task_id, change = ?kind, "task changed");
        if let ChangeKind::Recovered(recovered) = kind {
            self.take_over(task_id, *recovered);
            return;
        }
        let Some(watcher) = self.watchers.get_mut(task_id) else { return };
        match kind {
            ChangeKind::Stage(stage) => watcher.reach(stage),
            ChangeKind::Running(running) => watcher.answer(Ok(*running)),
            ChangeKind::LaunchFailed(failure) => {
                watcher.answer(Err(failure));
                if !self.core.contains(task_id) {
                    self.forget(task_id, None);
                }
            }
            ChangeKind::Ended(end) => self.forget(task_id, Some(end)),
            ChangeKind::Unreachable
            | ChangeKind::Reachable
            | ChangeKind::Health { .. }
            | ChangeKind::Maintenance(_)
            | ChangeKind::Recovered(_)
            | ChangeKind::Stranger(_) => {}
        }
    }

    fn take_over(&mut self, task_id: &str, recovered: Recovered) {
        let (watcher, ended) = Watcher::of_running();
        self.watchers.insert(task_id.to_owned(), watcher);
        let Recovered { running, name, labels, resources, state } = recovered;
        let task = RunningTask { id: task_id.to_owned(), running, ended };
        self.recovered.push(RecoveredTask { task, name, labels, resources, state });
    }

    fn forget(&mut self, task_id: &str, end: Option<TaskEnd>) {
        if let Some(watcher) = self.watchers.remove(task_id) {
            watcher.end(end);
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the shell that gives the core its time")]
fn now() -> Instant {
    Instant::now()
}
