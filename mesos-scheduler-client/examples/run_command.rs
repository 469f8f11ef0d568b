//! Runs a shell command as a task.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program")]

use std::{env, error::Error, process::ExitCode};

use mesos_proto::v1::{
    CommandInfo, Filters, FrameworkInfo, Offer, Resource, TaskId, TaskInfo, TaskState, TaskStatus,
    offer::{Operation, operation},
    scheduler::call::reconcile,
};
use mesos_scheduler_client::{CallOutcome, Client, ClientBuilder, Event, Events, Masters};

const USAGE: &str = "usage: run_command MASTERS COMMAND

Runs a shell command as a task of a Mesos cluster and prints the states of the task.
MASTERS is the URL of a master, http://host:5050, or a list of them with commas between.
COMMAND is one argument, for instance 'echo hello; sleep 5'. It runs as the user in the variable USER, or
else as nobody. The exit code is 0 if the task finished, 1 if not, 2 for wrong arguments.";

/// What the command may use: thousandths of a CPU, thousandths of a MiB.
const NEEDS: [(&str, i64); 2] = [("cpus", 100), ("mem", 32_000)];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments == ["--help"] {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let parsed = match &arguments[..] {
        [masters, command] => {
            Masters::parse(masters).map(|masters| (masters, command)).map_err(|error| error.to_string())
        }
        other => Err(format!("expected MASTERS and COMMAND, seen: {other:?}")),
    };
    let (masters, command) = match parsed {
        Ok(parsed) => parsed,
        Err(problem) => {
            eprintln!("run_command: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(masters, command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("run_command: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(masters: Masters, command: &str) -> Result<(), Box<dyn Error>> {
    let info = FrameworkInfo {
        user: env::var("USER").unwrap_or_else(|_| "nobody".into()),
        name: "run_command".into(),
        // The task outlives a connection that is lost for less than a minute.
        failover_timeout: Some(60.0),
        ..FrameworkInfo::default()
    };
    let attempts = masters.urls().len().max(1);
    let (client, mut events) = ClientBuilder::new(info, masters).start()?;
    subscribed(&mut events, attempts).await?;
    let ended = launch_and_follow(&client, &mut events, command).await;
    // Whatever happened: no task of this framework stays.
    client.teardown().await?;
    ended
}

/// Waits for the subscription. The client would try for ever; here each master has one chance.
async fn subscribed(events: &mut Events, attempts: usize) -> Result<(), Box<dyn Error>> {
    let mut failures = Vec::new();
    while failures.len() < attempts {
        match events.next().await {
            Some(Event::Subscribed { framework_id, url, .. }) => {
                eprintln!("{url}: subscribed as {framework_id}");
                return Ok(());
            }
            Some(Event::Disconnected { why, .. }) => failures.push(why),
            Some(Event::Closed(reason)) => return Err(reason.to_string().into()),
            Some(_) => {}
            None => break,
        }
    }
    Err(format!("no master answers: {}", failures.join("; ")).into())
}

async fn launch_and_follow(
    client: &Client,
    events: &mut Events,
    command: &str,
) -> Result<(), Box<dyn Error>> {
    let task_id = TaskId::new("command");
    let mut is_launched = false;
    while let Some(event) = events.next().await {
        match event {
            Event::Mesos(event) => {
                for offer in event.offers.unwrap_or_default().offers {
                    if let (false, Some(resources)) = (is_launched, resources(&offer)) {
                        launch(client, &offer, &task_id, resources, command).await?;
                        is_launched = true;
                    } else {
                        drop(client.decline(vec![offer.id], None));
                    }
                }
                if let Some(update) = event.update
                    && let Some(end) = follow(client, &update.status)
                {
                    return end;
                }
            }
            Event::Disconnected { why, retry_in, .. } => eprintln!("{why}; trying again in {retry_in:?}"),
            // Another master may not have been told of the end of the task.
            Event::Subscribed { .. } if is_launched => {
                drop(client.reconcile(vec![reconcile::Task { task_id: task_id.clone(), agent_id: None }]));
            }
            Event::Closed(reason) => return Err(reason.to_string().into()),
            _ => {}
        }
    }
    Err("the client ended without a reason".into())
}

/// Pieces of the offered resources, so that a reservation stays what it is. `None` if there is too little.
fn resources(offer: &Offer) -> Option<Vec<Resource>> {
    let piece = |name: &str, milli| {
        let fits = |resource: &&Resource| resource.name == name && resource.milli() >= milli;
        let resource = offer.resources.iter().find(fits)?;
        Some(Resource { scalar: Resource::scalar_milli(name, milli).scalar, ..resource.clone() })
    };
    NEEDS.iter().map(|(name, milli)| piece(name, *milli)).collect()
}

async fn launch(
    client: &Client,
    offer: &Offer,
    task_id: &TaskId,
    resources: Vec<Resource>,
    command: &str,
) -> Result<(), Box<dyn Error>> {
    let task = TaskInfo {
        name: "command".into(),
        task_id: task_id.clone(),
        agent_id: offer.agent_id.clone(),
        resources,
        command: Some(CommandInfo { value: Some(command.into()), ..CommandInfo::default() }),
        ..TaskInfo::default()
    };
    let launch = Operation {
        r#type: Some(operation::Type::Launch.into()),
        launch: Some(operation::Launch { task_infos: vec![task] }),
        ..Operation::default()
    };
    // What the task leaves over is for others at once, and nothing more is wanted from it.
    let filters = Filters { refuse_seconds: Some(3600.0) };
    eprintln!("launching on {}", offer.hostname);
    match client.accept(vec![offer.id.clone()], vec![launch], Some(filters)).await {
        CallOutcome::Accepted => Ok(()),
        other => Err(format!("cannot launch: {other:?}").into()),
    }
}

/// Prints and acknowledges a status; gives the end of the task if it is that.
fn follow(client: &Client, status: &TaskStatus) -> Option<Result<(), Box<dyn Error>>> {
    let state = status.known_state()?;
    println!("{}", state.as_str_name());
    // Until this is done the agent repeats the status and holds back the next one.
    drop(client.acknowledge(status));
    let may_go_on = !state.is_terminal() && state != TaskState::TaskUnknown;
    match state {
        TaskState::TaskFinished => Some(Ok(())),
        _ if may_go_on => None,
        _ => {
            let message = status.message.as_deref().unwrap_or("no message");
            Some(Err(format!("{}: {message}", state.as_str_name()).into()))
        }
    }
}
