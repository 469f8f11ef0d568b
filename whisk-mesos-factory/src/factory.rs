//! Creates action containers, and ends them all.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{SystemTime, UNIX_EPOCH},
};

use mesos_proto::v1::{self, framework_info::capability};
use mesos_scheduler_client::{
    Cause, ClientBuilder, Eligibility, Framework, LaunchFailure, Policy, RunningTask, Stage, Submission,
};
use tokio::sync::watch;

use crate::{
    config::{CheckedConfig, FactoryConfig},
    container::Container,
    error::{CleanupError, ConfigError, CreateError},
    task_info,
};

/// The name that the framework has always had.
const FRAMEWORK_NAME: &str = "whisk-containerfactory-framework";

/// What the invoker asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerRequest {
    /// The name of the container; becomes the name of the task.
    pub name: String,
    /// The image, with registry, prefix and tag as it is to be pulled.
    pub image: String,
    /// Whether a user brought the image: other constraints apply.
    pub user_provided_image: bool,
    /// Memory in MiB.
    pub memory_mib: i64,
    /// Shares of a cpu, 1024 for a whole one.
    pub cpu_shares: u32,
}

impl ContainerRequest {
    /// A request for a container of an image that OpenWhisk manages.
    pub fn new(name: impl Into<String>, image: impl Into<String>, memory_mib: i64, cpu_shares: u32) -> Self {
        Self { name: name.into(), image: image.into(), user_provided_image: false, memory_mib, cpu_shares }
    }

    /// Says that a user brought the image.
    pub fn user_provided(mut self) -> Self {
        self.user_provided_image = true;
        self
    }
}

/// One Mesos framework that runs action containers as tasks.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use whisk_mesos_factory::{Activation, ContainerFactory, ContainerRequest, FactoryConfig, Initializer};
///
/// let mut config = FactoryConfig::default();
/// config.master_url = "http://127.0.0.1:5050".to_owned();
/// let factory = ContainerFactory::start(config)?;
/// let request = ContainerRequest::new("wsk0_1_guest_hello", "openwhisk/action-nodejs-v20", 256, 256);
/// let container = factory.create(request).await?;
/// let minute = Duration::from_secs(60);
/// let code = "function main() { return {ok: true} }";
/// container.initialize(&Initializer::source("hello", code), minute).await?;
/// let response = container.run(serde_json::json!({}), &Activation::default(), minute).await;
/// println!("{}", response.result);
/// container.destroy().await?;
/// factory.cleanup().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ContainerFactory {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    framework: Framework,
    config: CheckedConfig,
    /// The rules of the constraints, made once: containers that share one are placed together.
    managed: Option<Eligibility>,
    blackbox: Option<Eligibility>,
    started_epoch_seconds: u64,
    created: AtomicU64,
}

impl ContainerFactory {
    /// Starts to subscribe and returns at once; containers that are asked for before that wait.
    ///
    /// # Errors
    /// The configuration is wrong.
    ///
    /// # Panics
    /// If called outside of a tokio runtime with I/O and time enabled.
    pub fn start(config: FactoryConfig) -> Result<Self, ConfigError> {
        let config = config.check()?;
        let settings = &config.config;
        let mut client = ClientBuilder::new(framework_info(settings), config.masters.clone())
            .missed_heartbeats(settings.heartbeat_max_failures)
            .subscribe_timeout(settings.subscribe_timeout)
            .teardown_timeout(settings.teardown_timeout)
            .credentials(settings.credentials.clone());
        if let Some(tls) = &settings.tls {
            client = client.tls(tls.clone());
        }
        let (client, events) = client.start()?;
        let mut policy = Policy::default();
        policy.packing = settings.packing;
        policy.hold = settings.offer_hold_duration;
        policy.refuse = settings.offer_refuse_duration;
        let framework = Framework::start(client, events, policy);
        let started_epoch_seconds = epoch_seconds();
        tracing::info!(masters = %config.shown_masters, "subscribing to Mesos master");
        let is_pushed_down = settings.push_down_constraints;
        let shared = Shared {
            framework,
            managed: task_info::eligibility(&config.managed, is_pushed_down),
            blackbox: task_info::eligibility(&config.blackbox, is_pushed_down),
            config,
            started_epoch_seconds,
            created: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Asks for a container. Await the creation to get it; drop it to give it up.
    pub fn create(&self, request: ContainerRequest) -> Creation {
        let shared = &self.shared;
        let number = shared.created.fetch_add(1, Ordering::Relaxed) + 1;
        let task_id = format!("whisk-{number}-{}", shared.started_epoch_seconds);
        let rule = if request.user_provided_image { &shared.blackbox } else { &shared.managed };
        let settings = &shared.config.config;
        let spec = task_info::task_spec(task_id.clone(), &request, settings, rule.clone());
        tracing::info!(
            task = %task_id,
            image = %request.image,
            memory_mib = request.memory_mib,
            cpus_milli = spec.cpus_milli,
            timeout = ?settings.launch_timeout,
            "launching mesos task"
        );
        let submission = shared.framework.submit(spec);
        let stages = submission.stages();
        let factory = self.clone();
        let finish = async move { factory.finish(request, submission).await };
        Creation { stages, finish: Box::pin(finish) }
    }

    async fn finish(
        self,
        request: ContainerRequest,
        submission: Submission,
    ) -> Result<Container, CreateError> {
        match submission.await {
            Ok(task) => Ok(self.container(request, task)),
            Err(failure) => {
                tracing::error!(image = %request.image, %failure, "task launch failed");
                let masters = self.shared.config.shown_masters.clone();
                Err(create_error(request.image, masters, failure))
            }
        }
    }

    fn container(&self, request: ContainerRequest, task: RunningTask) -> Container {
        let framework = self.shared.framework.clone();
        let container = Container::new(framework, request.name, task, &self.shared.config);
        tracing::info!(task = %container.id(), address = %container.address(), "launched task");
        container
    }

    /// Ends the framework and every container of it, if `teardown_on_exit` is set; otherwise only the
    /// connections close, and the master keeps the containers for the failover timeout.
    ///
    /// # Errors
    /// The master did not confirm it in time.
    pub async fn cleanup(&self) -> Result<(), CleanupError> {
        let framework = &self.shared.framework;
        if self.shared.config.config.teardown_on_exit {
            framework.teardown().await.map_err(CleanupError::Teardown)
        } else {
            framework.client().close().await;
            Ok(())
        }
    }
}

/// A container on its way.
#[must_use = "dropping a creation gives the container up"]
pub struct Creation {
    stages: watch::Receiver<Stage>,
    finish: Pin<Box<dyn Future<Output = Result<Container, CreateError>> + Send>>,
}

impl std::fmt::Debug for Creation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Creation").field("stage", &*self.stages.borrow()).finish_non_exhaustive()
    }
}

impl Creation {
    /// How far it is, and every change of it.
    pub fn stages(&self) -> watch::Receiver<Stage> {
        self.stages.clone()
    }
}

impl Future for Creation {
    type Output = Result<Container, CreateError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.finish.as_mut().poll(context)
    }
}

fn framework_info(settings: &FactoryConfig) -> v1::FrameworkInfo {
    let capabilities = [
        capability::Type::MultiRole,
        capability::Type::PartitionAware,
        capability::Type::ReservationRefinement,
    ];
    v1::FrameworkInfo {
        user: settings.user.clone(),
        name: FRAMEWORK_NAME.to_owned(),
        roles: vec![settings.role.clone()],
        principal: settings.principal.clone(),
        failover_timeout: Some(settings.failover_timeout.as_secs_f64()),
        // Without it one broken connection between master and agent costs every container there.
        checkpoint: Some(true),
        capabilities: capabilities
            .into_iter()
            .map(|kind| v1::framework_info::Capability { r#type: Some(kind.into()) })
            .collect(),
        ..v1::FrameworkInfo::default()
    }
}

/// A launch that the agent refused because of the image is the fault of who named it.
fn create_error(image: String, masters: String, failure: Box<LaunchFailure>) -> CreateError {
    if let LaunchFailure::Ended { end, .. } = &*failure
        && end.cause() == Cause::ImagePullFailed
    {
        return CreateError::ImagePull { image, message: end.message.clone() };
    }
    CreateError::Platform { image, masters, failure }
}

#[expect(clippy::disallowed_methods, reason = "the factory is a shell; its start time is part of task ids")]
fn epoch_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
