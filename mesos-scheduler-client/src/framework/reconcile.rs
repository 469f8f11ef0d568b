//! Asking the master what became of tasks, until every one is answered.

use std::{collections::BTreeMap, time::Duration};

use mesos_proto::v1::{self, scheduler::call};

/// Pauses between explicit rounds: the first, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Tasks named in one RECONCILE call, so that the answers do not come as one flood.
const BATCH: usize = 1000;

/// One run of explicit reconciliation. Silence means nothing: a master that is waiting for an agent to
/// come back does not answer for its tasks, so the question is repeated.
#[derive(Debug, Default)]
pub(super) struct Reconciliation {
    unanswered: BTreeMap<String, v1::AgentId>,
    pause: Option<Duration>,
}

impl Reconciliation {
    /// Begins anew with these tasks.
    pub(super) fn start(&mut self, tasks: impl IntoIterator<Item = (String, v1::AgentId)>) {
        self.unanswered = tasks.into_iter().collect();
        self.pause = None;
    }

    /// Adds one task whose state is in doubt.
    pub(super) fn add(&mut self, task_id: String, agent_id: v1::AgentId) {
        self.unanswered.insert(task_id, agent_id);
        self.pause = None;
    }

    /// Goes on asking for a task whose last answer settled nothing, without more haste than before.
    pub(super) fn keep(&mut self, task_id: String, agent_id: v1::AgentId) {
        self.unanswered.insert(task_id, agent_id);
    }

    /// Some update of this task came.
    pub(super) fn answered(&mut self, task_id: &str) {
        self.unanswered.remove(task_id);
    }

    /// The calls of the next round, and the pause after which to ask again.
    pub(super) fn next_round(&mut self) -> Option<(Vec<call::Reconcile>, Duration)> {
        if self.unanswered.is_empty() {
            return None;
        }
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        self.pause = Some(pause);
        let tasks: Vec<call::reconcile::Task> = self
            .unanswered
            .iter()
            .map(|(task_id, agent_id)| call::reconcile::Task {
                task_id: v1::TaskId::new(task_id),
                agent_id: Some(agent_id.clone()),
            })
            .collect();
        let calls = tasks.chunks(BATCH).map(|tasks| call::Reconcile { tasks: tasks.to_vec() });
        Some((calls.collect(), pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_name_what_is_unanswered_with_growing_pauses_and_end_with_the_last_answer() {
        let agent = || v1::AgentId::new("S0");
        let mut run = Reconciliation::default();
        assert!(run.next_round().is_none());
        run.start([("a".to_owned(), agent()), ("b".to_owned(), agent())]);
        let (calls, pause) = run.next_round().unwrap();
        assert_eq!((calls[0].tasks.len(), pause), (2, FIRST_PAUSE));
        run.answered("a");
        let (calls, pause) = run.next_round().unwrap();
        assert_eq!(calls[0].tasks[0].task_id.value, "b");
        assert_eq!(pause, 2 * FIRST_PAUSE);
        run.answered("b");
        assert!(run.next_round().is_none());
    }

    #[test]
    fn many_tasks_are_asked_for_in_batches() {
        let mut run = Reconciliation::default();
        run.start((0..2500).map(|number| (format!("{number:04}"), v1::AgentId::new("S0"))));
        let (calls, _) = run.next_round().unwrap();
        assert_eq!(calls.iter().map(|call| call.tasks.len()).collect::<Vec<_>>(), [1000, 1000, 500]);
    }
}
