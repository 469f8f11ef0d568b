//! Runs a shell command as a task.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program")]

use std::{
    env,
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use mesos_proto::v1::{
    CommandInfo, ExecutorId, Filters, FrameworkId, FrameworkInfo, Offer, Resource, TaskId, TaskInfo,
    TaskState, TaskStatus,
    offer::{Operation, operation},
    scheduler::call::reconcile,
};
use mesos_scheduler_client::{
    CallOutcome, Client, ClientBuilder, Event, Events, HttpUrl, Masters,
    operator::{AgentApi, agent_url_of_offer, sandbox_path},
};

const USAGE: &str = "usage: run_command MASTERS COMMAND

Runs a shell command as a task of a Mesos cluster and prints what it printed; the states of the task go to
stderr. Ctrl-C kills it.
MASTERS is the URL of a master, http://host:5050 or https://host:5050, or a list of them with commas between;
or zk://host:2181/mesos in a build with the feature zookeeper (cargo run --features zookeeper ...).
COMMAND is one argument, for instance 'echo hello; sleep 5'. It runs as the user in the variable USER, or
else as nobody. The exit code is 0 if the task finished, 1 if not, 2 for wrong arguments.";

/// What the command may use: thousandths of a CPU, thousandths of a MiB.
const NEEDS: [(&str, i64); 2] = [("cpus", 100), ("mem", 32_000)];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if matches!(&arguments[..], [option] if option == "--help" || option == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let started = match &arguments[..] {
        [masters, command] => start(masters).map(|client| (client, command)),
        other => Err(format!("expected MASTERS and COMMAND, seen: {other:?}").into()),
    };
    let ((client, events, attempts), command) = match started {
        Ok(started) => started,
        Err(problem) => {
            eprintln!("run_command: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&client, events, attempts, command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("run_command: {error}");
            ExitCode::FAILURE
        }
    }
}
/// Gives also how many masters there are to try. What fails here is wrong with the arguments.
fn start(masters: &str) -> Result<(Client, Events, usize), Box<dyn Error>> {
    let masters = Masters::parse(masters)?;
    let attempts = masters.urls().len().max(1);
    let info = FrameworkInfo {
        user: env::var("USER").unwrap_or_else(|_| "nobody".into()),
        name: "run_command".into(),
        // The task outlives a connection that is lost for less than a minute.
        failover_timeout: Some(60.0),
        ..FrameworkInfo::default()
    };
    let (client, events) = ClientBuilder::new(info, masters).start()?;
    Ok((client, events, attempts))
}

async fn run(
    client: &Client,
    mut events: Events,
    attempts: usize,
    command: &str,
) -> Result<(), Box<dyn Error>> {
    let ended = tokio::select! {
        ended = run_task(client, &mut events, attempts, command) => ended,
        interrupted = tokio::signal::ctrl_c() => match interrupted {
            Ok(()) => Err("interrupted".into()),
            Err(error) => Err(error.into()),
        },
    };
    // Whatever happened: no task of this framework stays.
    if let Err(error) = client.teardown().await {
        eprintln!("{error}");
    }
    ended
}

async fn run_task(
    client: &Client,
    events: &mut Events,
    attempts: usize,
    command: &str,
) -> Result<(), Box<dyn Error>> {
    let subscription = subscribed(events, attempts).await?;
    let task_id = TaskId::new("command");
    let (offer, ended) = launch_and_follow(client, events, &task_id, command).await?;
    if let Err(error) = print_output(&subscription, &offer, &task_id).await {
        eprintln!("cannot read what the task printed: {error}");
    }
    Ok(ended?)
}

struct Subscription {
    framework_id: FrameworkId,
    master: HttpUrl,
}

/// Waits for the subscription. The client would try for ever; here each master has one chance.
async fn subscribed(events: &mut Events, attempts: usize) -> Result<Subscription, Box<dyn Error>> {
    let mut failures = Vec::new();
    while failures.len() < attempts {
        match events.next().await {
            Some(Event::Subscribed { framework_id, url, .. }) => {
                eprintln!("{url}: subscribed as {framework_id}");
                return Ok(Subscription { framework_id, master: url.parse()? });
            }
            Some(Event::Disconnected { why, .. }) => failures.push(why),
            Some(Event::Closed(reason)) => return Err(reason.to_string().into()),
            Some(_) => {}
            None => break,
        }
    }
    Err(format!("no master answers: {}", failures.join("; ")).into())
}

/// Gives the offer that the task took, and how the task ended.
async fn launch_and_follow(
    client: &Client,
    events: &mut Events,
    task_id: &TaskId,
    command: &str,
) -> Result<(Offer, Result<(), String>), Box<dyn Error>> {
    let mut taken: Option<Offer> = None;
    while let Some(event) = events.next().await {
        match event {
            Event::Mesos(event) => {
                for offer in event.offers.unwrap_or_default().offers {
                    if let (None, Some(resources)) = (&taken, resources(&offer)) {
                        launch(client, &offer, task_id, resources, command).await?;
                        taken = Some(offer);
                    } else {
                        drop(client.decline(vec![offer.id], None));
                    }
                }
                if let Some(update) = event.update
                    && let Some(end) = follow(client, &update.status)
                    && let Some(offer) = taken.take()
                {
                    return Ok((offer, end));
                }
            }
            Event::Disconnected { why, retry_in, .. } => eprintln!("{why}; trying again in {retry_in:?}"),
            // Another master may not have been told of the end of the task.
            Event::Subscribed { .. } if taken.is_some() => {
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
        other => Err(format!("the launch was {other}").into()),
    }
}

/// Prints and acknowledges a status; gives the end of the task if it is that.
fn follow(client: &Client, status: &TaskStatus) -> Option<Result<(), String>> {
    let state = status.known_state()?;
    eprintln!("{}", state.as_str_name());
    // Until this is done the agent repeats the status and holds back the next one.
    drop(client.acknowledge(status));
    let may_go_on = !state.is_terminal() && state != TaskState::TaskUnknown;
    match state {
        TaskState::TaskFinished => Some(Ok(())),
        _ if may_go_on => None,
        _ => {
            let message = status.message.as_deref().unwrap_or("no message");
            Some(Err(format!("{}: {message}", state.as_str_name())))
        }
    }
}

/// Prints the files `stdout` and `stderr` of the sandbox. A real Mesos writes some lines of its own into them.
async fn print_output(
    subscription: &Subscription,
    offer: &Offer,
    task_id: &TaskId,
) -> Result<(), Box<dyn Error>> {
    // An offer does not tell whether its agent speaks TLS; as a rule all of a cluster do or none.
    let scheme = subscription.master.endpoint().scheme();
    let agent = AgentApi::new(agent_url_of_offer(offer)?.with_scheme(scheme));
    // The executor of a command has the id of its task.
    let executor_id = ExecutorId::new(&task_id.value);
    for (file, output) in [("stdout", &mut io::stdout() as &mut dyn Write), ("stderr", &mut io::stderr())] {
        let path = sandbox_path(&subscription.framework_id, &executor_id, file);
        let mut offset = 0;
        loop {
            let data = match agent.read_file(&path, offset, None).await {
                Ok(part) => part.data,
                // The task did not get as far as to have one.
                Err(error) if error.is_not_found() => break,
                Err(error) => return Err(error.into()),
            };
            if data.is_empty() {
                break;
            }
            output.write_all(&data)?;
            offset += data.len() as u64;
        }
    }
    Ok(())
}
