//! Asking the master what became of tasks, until every one is answered.

use std::{collections::BTreeMap, ops::Bound, sync::Arc, time::Duration};

use mesos_proto::v1::{self, scheduler::call};

use super::agents::AgentInfo;

/// Pauses between explicit rounds: the first, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Tasks named in one RECONCILE call, and the pause between the calls of one round, so that neither the questions nor the
/// answers come as one flood.
const BATCH: usize = 1000;
const BATCH_PAUSE: Duration = Duration::from_millis(50);

/// One run of explicit reconciliation. Silence means nothing: a master that is waiting for an agent to
/// come back does not answer for its tasks, so the question is repeated.
#[derive(Debug, Default)]
pub(super) struct Reconciliation {
    /// By the names that Mesos knows the tasks by.
    unanswered: BTreeMap<Arc<str>, Arc<AgentInfo>>,
    /// The last one that this round has asked for; `None` between rounds.
    asked: Option<Arc<str>>,
    pause: Option<Duration>,
}

impl Reconciliation {
    /// Begins anew with these tasks.
    pub(super) fn start(&mut self, tasks: impl IntoIterator<Item = (Arc<str>, Arc<AgentInfo>)>) {
        *self = Self { unanswered: tasks.into_iter().collect(), asked: None, pause: None };
    }

    /// Adds one task whose state is in doubt.
    pub(super) fn add(&mut self, wire_id: Arc<str>, agent: Arc<AgentInfo>) {
        self.unanswered.insert(wire_id, agent);
        self.pause = None;
    }

    /// Goes on asking for a task whose last answer settled nothing, without more haste than before.
    pub(super) fn keep(&mut self, wire_id: Arc<str>, agent: Arc<AgentInfo>) {
        self.unanswered.insert(wire_id, agent);
    }

    /// Some update of this task came.
    pub(super) fn answered(&mut self, wire_id: &str) {
        if !self.unanswered.is_empty() {
            self.unanswered.remove(wire_id);
        }
    }

    /// The next call of the round, and the pause after which to ask for the next.
    pub(super) fn next_call(&mut self) -> Option<(call::Reconcile, Duration)> {
        let from = self.asked.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.unanswered.range::<Arc<str>, _>((from, Bound::Unbounded)).peekable();
        if rest.peek().is_none() {
            rest = self.unanswered.range::<Arc<str>, _>(..).peekable();
        }
        let batch: Vec<(&Arc<str>, &Arc<AgentInfo>)> = rest.by_ref().take(BATCH).collect();
        let (last, _) = batch.last()?;
        let tasks = batch.iter().map(|(wire_id, agent)| call::reconcile::Task {
            task_id: v1::TaskId::new(&***wire_id),
            agent_id: Some(agent.id.clone()),
        });
        let call = call::Reconcile { tasks: tasks.collect() };
        if rest.peek().is_some() {
            self.asked = Some((*last).clone());
            return Some((call, BATCH_PAUSE));
        }
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        self.pause = Some(pause);
        Some((call, pause))
    }
}

#[cfg(test)]
impl Reconciliation {
    pub(super) fn is_done(&self) -> bool {
        self.unanswered.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::agents::Agents, *};

    fn agent() -> Arc<AgentInfo> {
        Agents::default().of_task(&v1::FrameworkId::new("f"), &v1::AgentId::new("S0"))
    }

    #[test]
    fn rounds_name_what_is_unanswered_with_growing_pauses_and_end_with_the_last_answer() {
        let mut run = Reconciliation::default();
        assert!(run.next_call().is_none());
        run.start([("a".into(), agent()), ("b".into(), agent())]);
        let (call, pause) = run.next_call().unwrap();
        assert_eq!((call.tasks.len(), pause), (2, FIRST_PAUSE));
        run.answered("a");
        let (call, pause) = run.next_call().unwrap();
        assert_eq!(call.tasks[0].task_id.value, "b");
        assert_eq!(pause, 2 * FIRST_PAUSE);
        run.answered("b");
        assert!(run.next_call().is_none());
    }

    #[test]
    fn many_tasks_are_asked_for_in_batches_with_short_pauses_between() {
        let mut run = Reconciliation::default();
        run.start((0..2500).map(|number| (format!("{number:04}").into(), agent())));
        let mut calls = Vec::new();
        for _ in 0..4 {
            let (call, pause) = run.next_call().unwrap();
            calls.push((call.tasks.len(), call.tasks[0].task_id.value.clone(), pause));
        }
        assert_eq!(
            calls,
            [
                (1000, "0000".to_owned(), BATCH_PAUSE),
                (1000, "1000".to_owned(), BATCH_PAUSE),
                (500, "2000".to_owned(), FIRST_PAUSE),
                (1000, "0000".to_owned(), BATCH_PAUSE),
            ]
        );
    }
}
