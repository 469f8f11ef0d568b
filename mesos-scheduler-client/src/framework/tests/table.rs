//! The table of `docs/framework.md`, cell by cell: each state meets each input.

use super::*;

/// The states in the order of the columns.
const STATES: [&str; 6] = ["Pending", "Launching", "Starting", "Running", "Killing", "Unreachable"];

/// An input, by its name in the first column.
type Input = (&'static str, fn(&mut Bench));

fn inputs() -> Vec<Input> {
    use TaskState as S;
    fn told(bench: &mut Bench, state: TaskState, reason: Reason) {
        bench.update_of_master("t", state, reason, "");
    }
    fn outcome(bench: &mut Bench, outcome: CallOutcome) {
        if let Some(token) = bench.accepts.last().copied() {
            bench.core.handle_call_outcome(bench.now, token, outcome);
        }
    }
    vec![
        ("an offer fits", |bench| bench.offer("o9", "b", 1000)),
        ("`submit` of the same id", |bench| bench.submit("t")),
        ("`kill`", |bench| {
            bench.core.kill(bench.now, "t");
        }),
        ("`drain`", |bench| bench.core.drain(bench.now)),
        ("launch timeout", |bench| bench.pass_launch_timeout()),
        ("STAGING", |bench| told(bench, S::TaskStaging, Reason::Reconciliation)),
        ("STARTING", |bench| bench.update("t", S::TaskStarting, None, "")),
        ("RUNNING", |bench| bench.update("t", S::TaskRunning, None, "")),
        ("KILLING", |bench| bench.update("t", S::TaskKilling, None, "")),
        ("UNREACHABLE", |bench| told(bench, S::TaskUnreachable, Reason::AgentRemoved)),
        ("UNKNOWN", |bench| told(bench, S::TaskUnknown, Reason::Reconciliation)),
        ("UNKNOWN for 15 min", |bench| {
            told(bench, S::TaskUnknown, Reason::Reconciliation);
            bench.drop_output();
            let task_id: Arc<str> = "t".into();
            if bench.core.timers.is_set(&Timer::Lost(task_id.clone())) {
                bench.core.give_up(&task_id);
                bench.core.settle(bench.now);
            }
        }),
        ("DROPPED, by an agent", |bench| bench.update("t", S::TaskDropped, Some(Reason::AgentRestarted), "")),
        ("LOST or DROPPED: INVALID_OFFERS, no uuid", |bench| told(bench, S::TaskLost, Reason::InvalidOffers)),
        ("ERROR: duplicate id, no uuid", |bench| {
            bench.update_of_master("t", S::TaskError, Reason::TaskInvalid, "Task has duplicate ID: t");
        }),
        ("GONE or LOST by reconciliation", |bench| told(bench, S::TaskGone, Reason::Reconciliation)),
        ("LOST or GONE otherwise", |bench| told(bench, S::TaskLost, Reason::AgentRemoved)),
        ("GONE_BY_OPERATOR", |bench| told(bench, S::TaskGoneByOperator, Reason::AgentRemovedByOperator)),
        ("FINISHED", |bench| bench.update("t", S::TaskFinished, None, "")),
        ("FAILED: exit 125 of Docker", |bench| {
            bench.update("t", S::TaskFailed, None, "Container exited with status 125");
        }),
        ("FAILED otherwise", |bench| bench.update("t", S::TaskFailed, None, "")),
        ("KILLED", |bench| bench.update("t", S::TaskKilled, None, "")),
        ("ERROR otherwise", |bench| told(bench, S::TaskError, Reason::TaskInvalid)),
        ("ACCEPT: not subscribed", |bench| outcome(bench, CallOutcome::NotSubscribed)),
        ("ACCEPT: outcome unknown", |bench| {
            outcome(bench, CallOutcome::OutcomeUnknown { why: "reset".into() });
        }),
        ("ACCEPT: refused for the subscription", |bench| {
            outcome(bench, CallOutcome::Refused { status: 403, text: String::new() });
        }),
        ("ACCEPT: refused for itself", |bench| {
            outcome(bench, CallOutcome::Refused { status: 400, text: "no".into() });
        }),
        ("RESCIND of its offer", |bench| {
            let mut rescind = event(event::Type::Rescind);
            rescind.rescind = Some(event::Rescind { offer_id: v1::OfferId::new("o1") });
            bench.core.handle_event(bench.now, rescind);
        }),
        ("FAILURE of its agent", |bench| {
            let mut failure = event(event::Type::Failure);
            let agent_id = Some(v1::AgentId::new("a"));
            failure.failure = Some(event::Failure { agent_id, ..event::Failure::default() });
            bench.core.handle_event(bench.now, failure);
        }),
        ("disconnected", |bench| bench.core.handle_disconnected(bench.now, "stream ended")),
        ("subscribed again", |bench| {
            bench.core.handle_disconnected(bench.now, "stream ended");
            bench.core.handle_subscribed(bench.now);
        }),
        ("closed", |bench| bench.core.handle_closed("the end")),
    ]
}

impl Bench {
    pub(super) fn drop_output(&mut self) {
        while self.core.poll_change().is_some() {}
        while let Some((token, call)) = self.core.poll_call() {
            if call.r#type() == Type::Accept {
                self.accepts.extend(token);
            }
        }
    }

    /// Task `t` in a state, and nothing left to be said.
    fn in_state(state: &str) -> Self {
        let mut bench = Self::subscribed();
        bench.submit("t");
        if state != "Pending" {
            bench.offer("o1", "a", 1000);
        }
        match state {
            "Starting" => bench.update("t", TaskState::TaskStarting, None, ""),
            "Running" => bench.update("t", TaskState::TaskRunning, None, ""),
            "Killing" => {
                bench.core.kill(bench.now, "t");
            }
            "Unreachable" => {
                bench.update("t", TaskState::TaskRunning, None, "");
                bench.update_of_master("t", TaskState::TaskUnreachable, Reason::AgentRemoved, "");
            }
            _ => {}
        }
        bench.drop_output();
        bench
    }

    fn pass_launch_timeout(&mut self) {
        self.now += Duration::from_secs(60);
        // Other things become due as well: only what the timeout itself does counts.
        let task_id: Arc<str> = "t".into();
        if self.core.timers.is_set(&Timer::Launch(task_id.clone())) {
            self.core.launch_timed_out(self.now, &task_id);
            self.core.settle(self.now);
        }
    }
}

/// What the cell of a state and an input says: the next state, what is told, what is called.
fn cell(state: &str, input: fn(&mut Bench)) -> String {
    let mut bench = Bench::in_state(state);
    input(&mut bench);
    let next = bench.core.tasks().next().map_or("gone".to_owned(), |task| format!("{:?}", task.phase));
    let mut said = Vec::new();
    while let Some(change) = bench.core.poll_change() {
        said.push(match change.kind {
            ChangeKind::Stage(_) => continue,
            ChangeKind::Running(_) => "`Running`",
            ChangeKind::LaunchFailed(_) => "`LaunchFailed`",
            ChangeKind::Recovered(_) => "`Recovered`",
            ChangeKind::Unreachable => "`Unreachable`",
            ChangeKind::Reachable => "`Reachable`",
            ChangeKind::Health { .. } => "`Health`",
            ChangeKind::Maintenance(_) => "`Maintenance`",
            ChangeKind::Ended(_) => "`Ended`",
            ChangeKind::Stranger(_) => "`Stranger`",
        });
    }
    let (mut acknowledgements, updates) = (0, bench.updates);
    while let Some((_, call)) = bench.core.poll_call() {
        match call.r#type() {
            Type::Acknowledge => acknowledgements += 1,
            Type::Suppress => {}
            kind => said.push(kind.as_str_name()),
        }
    }
    let before = Bench::in_state(state).updates;
    assert_eq!(acknowledgements, updates - before, "each update with a uuid is acknowledged");
    let mut parts = Vec::new();
    if next != state {
        parts.push(next);
    }
    parts.extend(said.into_iter().map(str::to_owned));
    parts.join(", ")
}

#[test]
fn the_table_in_the_docs_says_what_happens() {
    let mut table = format!("| input | {} |\n|---|---|---|---|---|---|---|\n", STATES.join(" | "));
    for (name, input) in inputs() {
        let cells = STATES.map(|state| cell(state, input));
        table.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/framework.md");
    let document = std::fs::read_to_string(path).unwrap();
    assert!(document.contains(&table), "docs/framework.md should have this table:\n\n{table}");
}
