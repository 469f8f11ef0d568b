//! `whisk-mesos local`, and the action runtime that its agents start.

use std::{collections::BTreeSet, env, ffi::OsString, path::Path, process::ExitCode};

use mesos_local::{
    AgentConfig, Cluster, ClusterConfig, Executor, FrameworkCredentials, SimulatedConfig, flags, runtime,
};

use super::{
    Exit, Failure,
    arguments::{ActionRuntime, Local, Texts},
    control::{self, Incident},
    interrupt::Interrupt,
    output::Output,
    unless_interrupted,
};

/// Agents of processes offer ports that nobody else of this machine has.
const MOST_AGENTS: u16 = 200;

/// A configuration whose agents run action containers with this very program.
pub(super) fn cluster_config(agents: usize) -> Result<ClusterConfig, Failure> {
    let program = env::current_exe().map_err(|error| {
        Failure::platform(format!("the path of this program, which serves actions, is not known: {error}"))
    })?;
    let mut config = ClusterConfig::with_agents(agents);
    config.action_runtime = Some(vec![program.into_os_string(), OsString::from("action-runtime")]);
    Ok(config)
}

pub(super) async fn start(config: ClusterConfig) -> Result<Cluster, Failure> {
    Cluster::start(config).await.map_err(|error| {
        Failure::platform(format!("the embedded Mesos could not start: {}", with_causes(&error)))
    })
}

pub(super) async fn run(local: Local, output: &Output) -> Result<Exit, Failure> {
    if local.agents > MOST_AGENTS && !local.simulated {
        let text = format!("--agents {}: more than {MOST_AGENTS} need --simulated", local.agents);
        return Err(Failure::usage(text));
    }
    let mut interrupt = Interrupt::listen()?;
    let mut config = cluster_config(usize::from(local.agents))?;
    if !local.agent.is_empty() {
        config.agents = named(local.agent)?;
    }
    config.allocation_interval = local.master.allocation_interval;
    config.master = local.master.options();
    config.disabled_endpoints = local.master.firewall_rules.map_or_else(Vec::new, |Texts(paths)| paths);
    if let Some(file) = local.master.credentials.filter(|_| local.master.authenticate_http_frameworks) {
        config.framework_credentials = Some(credentials(&file)?);
    }
    config.masters = usize::from(local.masters);
    if local.simulated {
        config.executor = Executor::Simulated(SimulatedConfig::default());
    }
    config.port = local.port;
    config.work_dir = local.work_dir;
    if !local.transcript {
        config.transcript_limit = 0;
    }
    let attributes: Vec<String> = config.agents.iter().map(attributes).collect();
    let cluster = start(config).await?;
    let mut lines = vec![format!("master {}", cluster.master_url())];
    lines.extend(cluster.master_urls()[1..].iter().map(|url| format!("standby {url}")));
    for (agent, attributes) in cluster.agents().iter().zip(attributes) {
        lines.push(format!("agent {} {} {} {attributes}", agent.name, agent.id, agent.url));
    }
    let mut printed = output.result(&lines.join("\n"));
    if printed.is_ok() {
        printed = match local.control {
            true => controlled(&cluster, &mut interrupt, output).await,
            false => {
                interrupt.wished().await;
                Ok(())
            }
        };
    }
    let transcript = cluster.transcript();
    unless_interrupted(cluster.shutdown(), &mut interrupt).await;
    if local.transcript {
        printed = printed.and_then(|()| output.result(transcript.to_string().trim_end()));
    }
    printed.map(|()| Exit::Success).map_err(|error| Failure::of_stdout(&error))
}

/// Lets things happen until the program is interrupted.
async fn controlled(cluster: &Cluster, interrupt: &mut Interrupt, output: &Output) -> std::io::Result<()> {
    let mut lines = control::lines();
    loop {
        let line = match unless_interrupted(lines.recv(), interrupt).await {
            Some(Some(line)) => line,
            // The end of stdin is no wish to stop.
            Some(None) => {
                interrupt.wished().await;
                return Ok(());
            }
            None => return Ok(()),
        };
        let outcome = match line.parse::<Incident>() {
            Ok(incident) => incident.happen(cluster).await,
            Err(text) => Err(text),
        };
        output.result(outcome.as_ref().map_or_else(String::as_str, |()| "ok"))?;
    }
}

/// Gives a name to every agent that has none; no two have the same.
fn named(mut agents: Vec<AgentConfig>) -> Result<Vec<AgentConfig>, Failure> {
    let mut names = BTreeSet::new();
    for (index, agent) in agents.iter_mut().enumerate() {
        if agent.name.is_empty() {
            agent.name = format!("agent{}", index + 1);
        }
        if !names.insert(agent.name.clone()) {
            return Err(Failure::usage(format!("--agent: two agents have the name '{}'", agent.name)));
        }
    }
    Ok(agents)
}

fn credentials(file: &Path) -> Result<FrameworkCredentials, Failure> {
    let name = file.display();
    let content = std::fs::read(file)
        .map_err(|error| Failure::usage(format!("--credentials: {name} cannot be read: {error}")))?;
    flags::credentials(&content).map_err(|error| Failure::usage(format!("--credentials: {name}: {error}")))
}

fn attributes(agent: &AgentConfig) -> String {
    let pairs = agent.attributes.iter().map(|(name, value)| format!("{name}:{value}"));
    pairs.collect::<Vec<_>>().join(" ")
}

pub(super) async fn action_runtime(arguments: ActionRuntime, output: &Output) -> ExitCode {
    let kind = match arguments.kind.parse::<runtime::Kind>() {
        Ok(kind) => kind,
        Err(error) => {
            output.problem(&format!("--kind: {error}"));
            return Exit::Usage.into();
        }
    };
    let config =
        runtime::RuntimeConfig { kind, port: arguments.port, exit_with_stdin: arguments.exit_with_stdin };
    match runtime::run(config).await {
        Ok(code) => code,
        Err(error) => {
            output.problem(&format!("the action runtime failed: {error}"));
            Exit::PlatformFailed.into()
        }
    }
}

/// An error with everything that caused it.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
