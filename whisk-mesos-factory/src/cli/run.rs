//! `whisk-mesos run`: one action, once.

use std::{
    fs::File,
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use mesos_proto::v1::TaskState;
use serde_json::Value;
use whisk_mesos_factory::{
    Activation, ActivationStatus, Configuration, ContainerFactory, ContainerRequest, FactoryConfig,
    InitializationError, Initializer, Origin,
};

use super::{
    Exit, Failure,
    arguments::Run,
    check,
    code::{self, Kind},
    interrupt::Interrupt,
    local::{cluster_config, start, with_causes},
    output::Output,
    unless_interrupted,
};

/// Bytes of logs that are printed.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;

/// How long a container may take to die, and the framework to end.
const CLEAN_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything that is known before anything starts.
struct Plan {
    config: FactoryConfig,
    request: ContainerRequest,
    initializer: Initializer,
    activation: Activation,
    parameters: Value,
    timeout: Duration,
}

pub(super) async fn run(arguments: Run, output: &Output) -> Result<Exit, Failure> {
    // Files are read before signals are listened for: one that never ends can be interrupted as usual.
    let configuration = check::load(&arguments.sources)?;
    tell_doubts(&configuration, output)?;
    let is_real = arguments.master.is_some() || is_said(&configuration, "whisk.mesos.master-url");
    if is_real && arguments.transcript.is_some() {
        return Err(Failure::usage(
            "--transcript is for the embedded Mesos; the configuration names masters".into(),
        ));
    }
    let mut plan = plan(&arguments, &configuration).map_err(Failure::usage)?;
    let transcript = match &arguments.transcript {
        None => None,
        Some(path) => Some(File::create(path).map_err(|error| {
            Failure::usage(format!("the transcript cannot be written to '{}': {error}", path.display()))
        })?),
    };
    let mut interrupt = Interrupt::listen()?;
    if is_real {
        return with_factory(plan, output, &mut interrupt).await;
    }
    output.stage("starting an embedded Mesos");
    let mut config = cluster_config(3)?;
    if transcript.is_none() {
        config.transcript_limit = 0;
    }
    let Some(cluster) = unless_interrupted(start(config), &mut interrupt).await.transpose()? else {
        return Ok(Exit::Interrupted);
    };
    plan.config.master_url = cluster.master_url();
    let result = with_factory(plan, output, &mut interrupt).await;
    let said = cluster.transcript();
    unless_interrupted(cluster.shutdown(), &mut interrupt).await;
    if let Some(mut file) = transcript
        && let Err(error) = write!(file, "{said}")
    {
        output.problem(&format!("the transcript could not be written: {error}"));
        return result.map(|_| Exit::PlatformFailed);
    }
    result
}

/// Tells what is doubtful or without effect, and refuses what cannot be done.
fn tell_doubts(configuration: &Configuration, output: &Output) -> Result<(), Failure> {
    for doubt in configuration.warnings().iter().chain(&configuration.without_effect()) {
        output.problem(&format!("warning: {doubt}"));
    }
    let not_possible = configuration.not_possible();
    if not_possible.is_empty() { Ok(()) } else { Err(Failure::usage(not_possible.join("\n"))) }
}

fn is_said(configuration: &Configuration, key: &str) -> bool {
    configuration.origin(key).is_some_and(|origin| *origin != Origin::Default)
}

fn plan(arguments: &Run, configuration: &Configuration) -> Result<Plan, String> {
    let code = code::read("the action", &arguments.file)?;
    let kind = match &arguments.kind {
        Some(kind) => Kind::parse(kind)?,
        None => Kind::of_file(&arguments.file, &code)?,
    };
    let parameters = code::parameters(arguments.param_file.as_deref(), &arguments.param)?;
    let name =
        arguments.file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let id = unique_id();
    let activation = Activation {
        namespace: "guest".to_owned(),
        action_name: format!("/guest/{name}"),
        action_version: "0.0.1".to_owned(),
        activation_id: id.clone(),
        transaction_id: format!("tid_{id}"),
        api_key: None,
    };
    let (code, binary) = match String::from_utf8(code) {
        Ok(text) => (text, false),
        Err(error) => (STANDARD.encode(error.as_bytes()), true),
    };
    let initializer = Initializer {
        name: name.clone(),
        main: arguments.main.clone(),
        code: Some(code),
        binary,
        env: activation.environment(arguments.timeout),
    };
    let image = arguments.image.as_deref().unwrap_or_else(|| kind.image());
    let image = configuration.resolve_image(image, false)?;
    let request = ContainerRequest::new(
        container_name(&name),
        image,
        arguments.memory.into(),
        configuration.cpu_shares(arguments.memory),
    );
    let config = factory_config(arguments, configuration);
    Ok(Plan { config, request, initializer, activation, parameters, timeout: arguments.timeout })
}

/// The configuration, with what the command line says otherwise.
fn factory_config(arguments: &Run, configuration: &Configuration) -> FactoryConfig {
    let mut config = configuration.factory_config();
    if let Some(master) = &arguments.master {
        config.master_url.clone_from(master);
    }
    if let Some(role) = &arguments.role {
        config.role.clone_from(role);
    }
    if let Some(user) = &arguments.user {
        config.user.clone_from(user);
    }
    if !arguments.constraint.is_empty() {
        config.constraints.clone_from(&arguments.constraint);
        // No container of this program is of an image that a user brought.
        config.blackbox_constraints.clear();
        " ".clone_into(&mut config.constraint_delimiter);
    }
    if let Some(timeout) = arguments.launch_timeout {
        config.launch_timeout = timeout;
    }
    // One person waits at the other end, who wants to read why an agent did not fit.
    if !is_said(configuration, "whisk.mesos.push-down-constraints") {
        config.push_down_constraints = false;
    }
    if !is_said(configuration, "whisk.mesos.timeouts.task-delete") {
        config.delete_timeout = CLEAN_UP_TIMEOUT;
    }
    if !is_said(configuration, "whisk.mesos.timeouts.teardown") {
        config.teardown_timeout = CLEAN_UP_TIMEOUT;
    }
    config
}

fn container_name(action: &str) -> String {
    let letters = action.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_');
    format!("wsk0_1_guest_{}", letters.collect::<String>())
}

/// Thirty-two hexadecimal digits that no other run has.
#[expect(clippy::disallowed_methods, reason = "ids of activations are made at the edge")]
fn unique_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let state = RandomState::new();
    format!("{:016x}{:016x}", state.hash_one(now), state.hash_one(std::process::id()))
}

/// Starts the factory, uses it, and ends the framework whatever happened.
async fn with_factory(plan: Plan, output: &Output, interrupt: &mut Interrupt) -> Result<Exit, Failure> {
    let factory =
        ContainerFactory::start(plan.config.clone()).map_err(|error| Failure::usage(error.to_string()))?;
    let result = unless_interrupted(activate(&factory, plan, output), interrupt).await;
    output.stage("cleaning up");
    let cleanup = unless_interrupted(factory.cleanup(), interrupt).await;
    output.end_stages();
    match (result, cleanup) {
        (Some(result), Some(Ok(()))) => result,
        (Some(Ok(exit)), Some(Err(error))) => {
            output.problem(&with_causes(&error));
            Ok(if exit == Exit::Success { Exit::PlatformFailed } else { exit })
        }
        // The first failure is the one to tell.
        (Some(Err(failure)), _) => Err(failure),
        (None, Some(Err(error))) => {
            output.problem(&with_causes(&error));
            Ok(Exit::Interrupted)
        }
        (None, _) | (_, None) => Ok(Exit::Interrupted),
    }
}

async fn activate(factory: &ContainerFactory, plan: Plan, output: &Output) -> Result<Exit, Failure> {
    let creation = factory.create(plan.request);
    let mut stages = creation.stages();
    let mut creation = std::pin::pin!(creation);
    let container = loop {
        output.stage(&stages.borrow_and_update().to_string());
        tokio::select! {
            container = &mut creation => break container,
            Ok(()) = stages.changed() => {}
        }
    };
    let container = container.map_err(|error| Failure::platform(error.to_string()))?;
    output.stage("initializing");
    let response = match container.initialize(&plan.initializer, plan.timeout).await {
        Err(InitializationError { unreachable: Some(why), .. }) => {
            return Err(Failure::platform(format!("the container could not be reached: {why}")));
        }
        Err(error) => error.response,
        Ok(_) => {
            output.stage("running the action");
            container.run(plan.parameters, &plan.activation, plan.timeout).await
        }
    };
    // After an error of the developer the sentinels may never come.
    let wait_for_sentinel = response.status != ActivationStatus::ActionDeveloperError;
    output.stage("reading the logs");
    let logs = container.logs(LOG_LIMIT, wait_for_sentinel).await;
    logs.lines.iter().for_each(|line| output.log(line));
    if let Some(why) = logs.failure {
        output.problem(&format!("the logs are not complete: {why}"));
    }
    output.result(&response.result.to_string()).map_err(|error| Failure::of_stdout(&error))?;
    let end = container.end();
    if let Some(end) = &end {
        output.problem(&format!("the container is gone: {end}"));
    }
    output.stage("destroying the container");
    if let Err(error) = container.destroy().await {
        // The teardown that follows kills it, too.
        output.problem(&error.to_string());
    }
    Ok(match response.status {
        ActivationStatus::Success => Exit::Success,
        ActivationStatus::WhiskInternalError => Exit::PlatformFailed,
        ActivationStatus::ApplicationError | ActivationStatus::ActionDeveloperError
            if end.as_ref().is_some_and(|end| is_fault_of_the_platform(end.state)) =>
        {
            Exit::PlatformFailed
        }
        ActivationStatus::ApplicationError | ActivationStatus::ActionDeveloperError => Exit::Negative,
    })
}

/// Whether a container that ended so was taken from the action, rather than ended by it.
fn is_fault_of_the_platform(state: TaskState) -> bool {
    match state {
        TaskState::TaskLost
        | TaskState::TaskDropped
        | TaskState::TaskGone
        | TaskState::TaskGoneByOperator
        | TaskState::TaskUnreachable
        | TaskState::TaskUnknown => true,
        TaskState::TaskStaging
        | TaskState::TaskStarting
        | TaskState::TaskRunning
        | TaskState::TaskKilling
        | TaskState::TaskFinished
        | TaskState::TaskFailed
        | TaskState::TaskKilled
        | TaskState::TaskError => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_have_the_form_of_activation_ids() {
        let (one, other) = (unique_id(), unique_id());
        assert_ne!(one, other);
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
