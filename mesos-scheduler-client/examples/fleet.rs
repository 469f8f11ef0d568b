//! Keeps a number of copies of a command running, whatever becomes of agents, masters and itself.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program")]

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    hash::{BuildHasher, RandomState},
    process::ExitCode,
    time::Duration,
};

use mesos_proto::v1::{
    FrameworkInfo, TaskState,
    framework_info::{Capability, capability::Type},
};
use mesos_scheduler_client::{
    ChangeKind, ClientBuilder, FileStore, Framework, LaunchFailure, Masters, Policy, Recover, TaskSpec,
};
use tokio::task::JoinSet;

const USAGE: &str = "usage: fleet MASTERS COPIES COMMAND STORE

Keeps COPIES copies of a shell command running as tasks of a Mesos cluster: one that ends or whose agent is lost is
replaced. The id of the framework is kept in the file STORE; started again with it, after a kill -9 for instance, it
takes its tasks over. Ctrl-C ends the framework and its tasks.
MASTERS is the URL of a master, or a list of them with commas between. The tasks run as the user in the variable
USER, or else as nobody.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if matches!(&arguments[..], [option] if option == "--help" || option == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let (framework, copies, command) = match start(&arguments) {
        Ok(started) => started,
        Err(problem) => {
            eprintln!("fleet: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let ended = tokio::select! {
        ended = keep(&framework, copies, &command) => ended,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Into::into),
    };
    let torn_down = framework.teardown().await.map_err(Into::into);
    match ended.and(torn_down) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleet: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &[String]) -> Result<(Framework, usize, String), Box<dyn Error>> {
    let [masters, copies, command, store] = arguments else {
        return Err(format!("expected MASTERS, COPIES, COMMAND and STORE, seen: {arguments:?}").into());
    };
    let copies = copies.parse().map_err(|_| format!("COPIES is '{copies}', expected a number"))?;
    let capability = |kind: Type| Capability { r#type: Some(kind.into()) };
    let info = FrameworkInfo {
        user: env::var("USER").unwrap_or_else(|_| "nobody".into()),
        name: "fleet".into(),
        failover_timeout: Some(7.0 * 24.0 * 3600.0),
        checkpoint: Some(true),
        capabilities: vec![capability(Type::PartitionAware)],
        ..FrameworkInfo::default()
    };
    let builder = ClientBuilder::new(info, Masters::parse(masters)?).identity(FileStore::new(store));
    let (client, events) = builder.start()?;
    Ok((Framework::start(client, events, Policy::default()), copies, command.clone()))
}

async fn keep(framework: &Framework, copies: usize, command: &str) -> Result<(), Box<dyn Error>> {
    let mut changes = framework.subscribe_changes();
    let mut kills = JoinSet::new();
    let mut kill = |id: String| {
        let framework = framework.clone();
        kills.spawn(async move { framework.kill(&id).await });
    };
    let mut fleet = BTreeSet::new();
    for recovered in framework.recover(Recover::All).await?.tasks {
        if recovered.state == TaskState::TaskUnreachable || fleet.len() == copies {
            kill(recovered.task.id);
        } else {
            fleet.insert(recovered.task.id);
        }
    }
    println!("took over {} tasks", fleet.len());
    // No id may be given twice, in no life.
    let life = RandomState::new().hash_one("life");
    for number in 1.. {
        while fleet.len() < copies {
            let id = format!("copy-{life:016x}-{number}-{}", fleet.len());
            framework.submit(TaskSpec::command(&id, 100, 32, command)).detach();
            fleet.insert(id);
        }
        let Some(change) = changes.next().await else { break };
        match change.kind {
            ChangeKind::Running(running) => {
                println!("{} runs on {}", change.task_id, running.placement.agent_id)
            }
            ChangeKind::LaunchFailed(failure) if fleet.remove(&change.task_id) => {
                eprintln!("{}: {failure}", change.task_id);
                // Whoever killed it from outside did not mean the fleet.
                if !failure.can_retry() && !matches!(*failure, LaunchFailure::Cancelled) {
                    return Err(failure);
                }
            }
            ChangeKind::Ended(end) if fleet.remove(&change.task_id) => {
                println!("{} ended: {end}", change.task_id);
                // A command that always fails should not keep the cluster busy.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            // Replaced at once; should its agent come back, it is one too many.
            ChangeKind::Unreachable if fleet.remove(&change.task_id) => {
                println!("{} is unreachable", change.task_id);
                kill(change.task_id);
            }
            _ => {}
        }
    }
    Ok(())
}
