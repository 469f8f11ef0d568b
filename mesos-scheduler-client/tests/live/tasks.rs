//! Tasks: launched, followed, killed, reconciled, refused.

use bytes::Bytes;
use mesos_proto::v1::{self, TaskState, scheduler::call, task_status::Reason};
use mesos_scheduler_client::{
    CallOutcome, Scheme, calls,
    operator::{AgentApi, FilePart, MasterApi, OperatorError, sandbox_path},
};
use tokio::time::timeout;

use crate::{
    scheduler::{Scheduler, Task, accepted, command, outcome},
    target::{PATIENCE, Target},
};

pub(crate) async fn a_command_runs_to_its_end_and_its_output_is_read(target: &Target) {
    let mut scheduler = Scheduler::subscribe(target, "finished").await;
    let task = scheduler.launch("launch", "echo", "echo one; echo two").await;
    scheduler.state("the task runs", &task.id, TaskState::TaskRunning).await;
    scheduler.state("the task ends", &task.id, TaskState::TaskFinished).await;
    read_output(target, &scheduler, &task).await;
    look_from_outside(target, &scheduler, &task).await;
    scheduler.teardown().await;
}

async fn read_output(target: &Target, scheduler: &Scheduler, task: &Task) {
    let step = "read stdout";
    let path = |file| sandbox_path(&scheduler.id, &v1::ExecutorId::new(task.id.as_str()), file);
    let mut master = target.master_api(&scheduler.master);
    let (mut agent, mut part) = read(target, &master, task, &path("stdout")).await;
    if part.is_err() && scheduler.master.endpoint().scheme() == Scheme::Https {
        // Where masters speak https, agents need not.
        master = master.agent_scheme(Scheme::Http);
        (agent, part) = read(target, &master, task, &path("stdout")).await;
    }
    let part = part.unwrap_or_else(|error| panic!("step '{step}': {error}"));
    // An executor may write a few lines of its own before.
    let text = String::from_utf8_lossy(&part.data).into_owned();
    assert!(text.contains("one\ntwo\n"), "step '{step}': expected the lines 'one' and 'two', seen: '{text}'");
    assert_eq!(part.size, part.data.len() as u64, "step '{step}': the size is that of the file");
    let missing = agent.read_file(&path("no-such-file"), 0, None).await;
    assert!(
        missing.as_ref().is_err_and(|error| error.is_not_found()),
        "step 'read a missing file': expected that there is none, seen: {missing:?}"
    );
}

async fn read(
    target: &Target,
    master: &MasterApi,
    task: &Task,
    path: &str,
) -> (AgentApi, Result<FilePart, OperatorError>) {
    let url = master.agent_url(&task.agent_id).await;
    let agent = target.agent_api(url.unwrap_or_else(|error| panic!("step 'find the agent': {error}")));
    let part = agent.read_file(path, 0, None).await;
    (agent, part)
}

/// What the operator API of the master knows of it.
async fn look_from_outside(target: &Target, scheduler: &Scheduler, task: &Task) {
    let master = target.master_api(&scheduler.master);
    let leader = master.get_master().await.unwrap_or_else(|error| panic!("step 'GET_MASTER': {error}"));
    assert!(leader.master_info.is_some(), "step 'GET_MASTER': expected its info, seen: {leader:?}");
    let agents = master.get_agents().await.unwrap_or_else(|error| panic!("step 'GET_AGENTS': {error}"));
    let ids: Vec<_> = agents.agents.iter().filter_map(|agent| agent.agent_info.id.clone()).collect();
    assert!(ids.contains(&task.agent_id), "step 'GET_AGENTS': expected {:?}, seen: {ids:?}", task.agent_id);
    // The last acknowledgement may still be on its way to the agent.
    let is_completed = async {
        loop {
            let tasks = master.get_tasks().await.unwrap_or_else(|error| panic!("step 'GET_TASKS': {error}"));
            let is_own = |found: &&v1::Task| found.framework_id == scheduler.id && found.task_id == task.id;
            let running = tasks.tasks.iter().find(is_own);
            match tasks.completed_tasks.iter().find(is_own) {
                Some(completed) => break completed.clone(),
                None => {
                    assert!(running.is_some(), "step 'GET_TASKS': expected '{}', seen: no such task", task.id)
                }
            }
        }
    };
    let completed = timeout(PATIENCE, is_completed).await;
    let completed =
        completed.unwrap_or_else(|_| panic!("step 'GET_TASKS': expected '{}' to complete", task.id));
    assert_eq!(completed.state(), TaskState::TaskFinished, "step 'GET_TASKS'");
}

pub(crate) async fn a_command_that_fails_tells_its_exit_code(target: &Target) {
    let mut scheduler = Scheduler::subscribe(target, "failed").await;
    let task = scheduler.launch("launch", "exit", "exit 3").await;
    let status = scheduler.state("the task fails", &task.id, TaskState::TaskFailed).await;
    let message = status.message.unwrap_or_default();
    assert_eq!(message, "Command exited with status 3", "step 'the task fails': its message");
    scheduler.teardown().await;
}

pub(crate) async fn a_running_task_is_killed(target: &Target) {
    let mut scheduler = Scheduler::subscribe(target, "killed").await;
    let task = scheduler.launch("launch", "sleep", "sleep 1000").await;
    scheduler.state("the task runs", &task.id, TaskState::TaskRunning).await;
    accepted("kill", "KILL", scheduler.client.kill(task.id.clone(), Some(task.agent_id), None)).await;
    scheduler.state("the task is being killed", &task.id, TaskState::TaskKilling).await;
    scheduler.state("the task ends", &task.id, TaskState::TaskKilled).await;
    scheduler.teardown().await;
}

pub(crate) async fn tasks_are_reconciled(target: &Target) {
    let mut scheduler = Scheduler::subscribe(target, "reconciled").await;
    let task = scheduler.launch("launch", "sleep", "sleep 1000").await;
    scheduler.state("the task runs", &task.id, TaskState::TaskRunning).await;

    let unknown = |id: &str, agent_id| call::reconcile::Task { task_id: v1::TaskId::new(id), agent_id };
    let asked = [
        ("a known task", unknown("sleep", Some(task.agent_id.clone())), TaskState::TaskRunning),
        ("a task that its agent does not know", unknown("gone", Some(task.agent_id)), TaskState::TaskGone),
        ("a task that nobody knows", unknown("unknown", None), TaskState::TaskUnknown),
    ];
    for (step, question, state) in asked {
        let id = question.task_id.clone();
        accepted(step, "RECONCILE", scheduler.client.reconcile(vec![question])).await;
        let expected = format!("{} by reconciliation", state.as_str_name());
        scheduler.status(step, &expected, &id, |status| is_reconciled(status, state)).await;
    }
    accepted("all tasks", "RECONCILE", scheduler.client.reconcile(Vec::new())).await;
    let running = |status: &v1::TaskStatus| is_reconciled(status, TaskState::TaskRunning);
    scheduler.status("all tasks", "TASK_RUNNING by reconciliation", &task.id, running).await;
    scheduler.teardown().await;
}

fn is_reconciled(status: &v1::TaskStatus, state: TaskState) -> bool {
    status.known_state() == Some(state) && status.known_reason() == Some(Reason::Reconciliation)
}

pub(crate) async fn tasks_that_are_wrong_end_with_a_reason(target: &Target) {
    let mut scheduler = Scheduler::subscribe(target, "wrong tasks").await;
    let step = "a task without resources";
    let offer = scheduler.offer(step).await;
    let task = v1::TaskInfo { resources: Vec::new(), ..command("nothing", &offer, "true") };
    let id = task.task_id.clone();
    scheduler.accept(step, &offer.id, task).await;
    let status = scheduler.state(step, &id, TaskState::TaskError).await;
    expect_reason(step, &status, Reason::TaskInvalid, "Task uses no resources");

    let step = "an offer that is used up";
    scheduler.accept(step, &offer.id, command("late", &offer, "true")).await;
    let status = scheduler.state(step, &v1::TaskId::new("late"), TaskState::TaskDropped).await;
    let message = format!("Task launched with invalid offers: Offer {} is no longer valid", offer.id);
    expect_reason(step, &status, Reason::InvalidOffers, &message);

    let step = "a task id that runs already";
    let task = scheduler.launch(step, "twice", "sleep 1000").await;
    scheduler.state(step, &task.id, TaskState::TaskRunning).await;
    scheduler.launch(step, "twice", "sleep 1000").await;
    let status = scheduler.state(step, &task.id, TaskState::TaskError).await;
    expect_reason(step, &status, Reason::TaskInvalid, "Task has duplicate ID: twice");
    scheduler.teardown().await;
}

fn expect_reason(step: &str, status: &v1::TaskStatus, reason: Reason, message: &str) {
    let seen = (status.known_reason(), status.message.as_deref().unwrap_or_default());
    assert_eq!(seen, (Some(reason), message), "step '{step}'");
    assert!(!status.needs_acknowledgement(), "step '{step}': a status of the master has no uuid: {status:?}");
}

pub(crate) async fn calls_that_are_wrong_are_refused_with_a_reason(target: &Target) {
    let scheduler = Scheduler::subscribe(target, "wrong calls").await;
    let agent_id = v1::AgentId::new("no-such-agent");
    let acknowledge = |uuid: &'static [u8]| v1::TaskStatus {
        task_id: v1::TaskId::new("none"),
        state: TaskState::TaskRunning.into(),
        agent_id: Some(agent_id.clone()),
        uuid: Some(Bytes::from_static(uuid)),
        ..v1::TaskStatus::default()
    };
    for uuid in [b"seventeen bytes !".as_slice(), &[0; 16]] {
        let call = calls::acknowledge(&acknowledge(uuid)).expect("it has a uuid");
        let refused = outcome("a bad uuid", "ACKNOWLEDGE", scheduler.client.send(call)).await;
        expect_refused("a bad uuid", &refused, "Failed to validate scheduler::Call: Not a valid UUID");
    }
    // What a master takes although it means nothing.
    let unknown = || v1::TaskId::new("no-such-task");
    let client = &scheduler.client;
    let offer = vec![v1::OfferId::new("no-such-offer")];
    accepted("an unknown offer", "DECLINE", client.decline(offer, None)).await;
    accepted("a wrong agent", "KILL", client.kill(unknown(), Some(agent_id.clone()), None)).await;
    accepted("an unknown role", "REVIVE", client.revive(vec!["no-such-role".to_owned()])).await;
    let executor = v1::ExecutorId::new("no-such-executor");
    accepted("an unknown executor", "MESSAGE", client.message(agent_id, executor, Bytes::from_static(b"x")))
        .await;
    scheduler.teardown().await;
}

fn expect_refused(step: &str, outcome: &CallOutcome, expected: &str) {
    match outcome {
        CallOutcome::Refused { status: 400, text, .. } => assert_eq!(text, expected, "step '{step}'"),
        other => panic!("step '{step}': expected 400 '{expected}', seen: {other:?}"),
    }
}
