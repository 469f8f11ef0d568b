//! The cluster that a scenario runs against, and what the scenario would leave behind there.

use std::{
    env,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use mesos_local::{Cluster, FrameworkCredentials};
use mesos_proto::v1::{
    self,
    framework_info::{Capability, capability},
};
use mesos_scheduler_client::{
    AuthHeader, ClientBuilder, Credentials, HttpUrl, Masters,
    operator::{AgentApi, MasterApi},
};
use tokio::task::JoinSet;

/// What a step may take on a cluster that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster, and as whom to come to it.
#[derive(Debug)]
pub(crate) struct Target {
    masters: Masters,
    masters_text: String,
    principal: Option<(String, String)>,
    role: String,
    user: String,
    /// Frameworks that a master would keep after their connection is gone.
    kept: Mutex<Vec<v1::FrameworkId>>,
}

impl Target {
    /// Reads `MESOS_MASTER_URL` and the variables for the rest.
    pub(crate) fn of_environment() -> Self {
        let target = Self::read(|name| env::var(name).ok()).unwrap_or_else(|error| panic!("{error}"));
        if target.user.is_empty() { Self { user: os_user(), ..target } } else { target }
    }

    /// An empty `user` stands for the one of the operating system.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let Some(masters) = set("MESOS_MASTER_URL") else {
            return Err("MESOS_MASTER_URL is not set, expected for instance http://127.0.0.1:5050".to_owned());
        };
        let masters_text = masters;
        let masters = Masters::parse(&masters_text).map_err(|error| format!("MESOS_MASTER_URL: {error}"))?;
        let principal = match (set("MESOS_PRINCIPAL"), set("MESOS_SECRET")) {
            (Some(principal), Some(secret)) => {
                // A pair that cannot be sent is told before any test runs.
                Credentials::basic(&principal, &secret)
                    .map_err(|error| format!("MESOS_PRINCIPAL and MESOS_SECRET: {error}"))?;
                Some((principal, secret))
            }
            (None, None) => None,
            (Some(principal), None) => {
                return Err(format!("MESOS_PRINCIPAL is '{principal}', but MESOS_SECRET is not set"));
            }
            (None, Some(_)) => return Err("MESOS_SECRET is set, but MESOS_PRINCIPAL is not".to_owned()),
        };
        Ok(Self {
            masters,
            masters_text,
            principal,
            role: set("MESOS_ROLE").unwrap_or_else(|| "*".to_owned()),
            user: set("MESOS_USER").unwrap_or_default(),
            kept: Mutex::default(),
        })
    }

    pub(crate) fn of_cluster(cluster: &Cluster) -> Self {
        let target = Self::read(|name| (name == "MESOS_MASTER_URL").then(|| cluster.master_url()));
        Self { user: "nobody".to_owned(), ..target.unwrap() }
    }

    /// Has the cluster let in nobody else.
    pub(crate) fn of_secured_cluster(cluster: &Cluster) -> Self {
        let (principal, secret) = ("alice", "s3cret");
        cluster.set_framework_credentials(Some(FrameworkCredentials::new().basic(principal, secret)));
        Self { principal: Some((principal.to_owned(), secret.to_owned())), ..Self::of_cluster(cluster) }
    }

    /// The variables that another process finds the same cluster with.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("MESOS_MASTER_URL", self.masters_text.clone()),
            ("MESOS_ROLE", self.role.clone()),
            ("MESOS_USER", self.user.clone()),
        ];
        if let Some((principal, secret)) = &self.principal {
            variables.push(("MESOS_PRINCIPAL", principal.clone()));
            variables.push(("MESOS_SECRET", secret.clone()));
        }
        variables
    }

    pub(crate) fn role(&self) -> &str {
        &self.role
    }

    /// The framework of a scenario. Its master removes it when its connection is gone.
    pub(crate) fn framework(&self, name: &str) -> v1::FrameworkInfo {
        use capability::Type::{MultiRole, PartitionAware, ReservationRefinement, TaskKillingState};
        let capabilities = [MultiRole, PartitionAware, ReservationRefinement, TaskKillingState];
        v1::FrameworkInfo {
            user: self.user.clone(),
            name: format!("live test: {name}"),
            roles: vec![self.role.clone()],
            principal: self.principal.as_ref().map(|(principal, _)| principal.clone()),
            capabilities: capabilities
                .map(|capability| Capability { r#type: Some(capability.into()) })
                .into(),
            ..v1::FrameworkInfo::default()
        }
    }

    pub(crate) fn client(&self, framework: v1::FrameworkInfo) -> ClientBuilder {
        ClientBuilder::new(framework, self.masters.clone()).credentials(self.credentials())
    }

    pub(crate) fn credentials(&self) -> Credentials {
        match &self.principal {
            Some((principal, secret)) => Credentials::basic(principal, secret).expect("it was tried before"),
            None => Credentials::none(),
        }
    }

    pub(crate) fn master_api(&self, master: &HttpUrl) -> MasterApi {
        MasterApi::new(master.clone()).timeout(PATIENCE).credentials(self.credentials())
    }

    pub(crate) fn agent_api(&self, agent: HttpUrl) -> AgentApi {
        AgentApi::new(agent).timeout(PATIENCE).credentials(self.credentials())
    }

    /// The value of `Authorization` for requests that the client does not make.
    pub(crate) fn authorization(&self) -> Option<String> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let (principal, secret) = self.principal.as_ref()?;
        Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{principal}:{secret}"))))
    }

    /// Notes a framework that outlives its connection: it is torn down after the scenario, however that ends.
    pub(crate) fn keep(&self, id: &v1::FrameworkId) {
        self.kept.lock().unwrap().push(id.clone());
    }

    async fn clean_up(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap());
        for id in kept {
            let framework = v1::FrameworkInfo { id: Some(id.clone()), ..self.framework("clean up") };
            // Closed as removed, which is what a scenario that went well leaves, counts as torn down.
            let Ok((client, _events)) = self.client(framework).teardown_timeout(PATIENCE).start() else {
                continue;
            };
            if let Err(error) = client.teardown().await {
                eprintln!("framework '{id}' may be left behind: {error}");
            }
        }
    }
}

/// Runs a scenario and cleans up after it, also when it fails.
pub(crate) async fn run<F>(target: Target, scenario: impl FnOnce(Arc<Target>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let target = Arc::new(target);
    let mut tasks = JoinSet::new();
    tasks.spawn(scenario(Arc::clone(&target)));
    let outcome = tasks.join_next().await.expect("a task was spawned");
    target.clean_up().await;
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure.into_panic());
    }
}

/// Agents run tasks as this user, so it has to exist there.
fn os_user() -> String {
    let output = Command::new("id").arg("-un").output().expect("'id' tells the user");
    let user = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(!user.is_empty(), "'id -un' tells no user; set MESOS_USER");
    user
}

#[test]
fn variables_that_are_wrong_are_shown_without_the_secret() {
    let url = ("MESOS_MASTER_URL", "http://127.0.0.1:5050");
    for (variables, message) in [
        (vec![], "MESOS_MASTER_URL is not set, expected for instance http://127.0.0.1:5050"),
        (
            vec![("MESOS_MASTER_URL", "")],
            "MESOS_MASTER_URL is not set, expected for instance http://127.0.0.1:5050",
        ),
        (
            vec![("MESOS_MASTER_URL", "htp://a:1")],
            "MESOS_MASTER_URL: invalid URL 'htp://a:1': unknown scheme 'htp'",
        ),
        (vec![url, ("MESOS_PRINCIPAL", "alice")], "MESOS_PRINCIPAL is 'alice', but MESOS_SECRET is not set"),
        (vec![url, ("MESOS_SECRET", "s3cret")], "MESOS_SECRET is set, but MESOS_PRINCIPAL is not"),
        (
            vec![url, ("MESOS_PRINCIPAL", "alice"), ("MESOS_SECRET", "s3:cret")],
            "MESOS_PRINCIPAL and MESOS_SECRET: no credentials: the secret has a ':'",
        ),
    ] {
        let lookup = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        let error = Target::read(lookup).unwrap_err();
        assert!(error.starts_with(message) && !error.contains("s3"), "{error}");
    }
}

#[test]
fn credentials_go_into_the_framework_and_the_header() {
    let lookup = |name: &str| match name {
        "MESOS_MASTER_URL" => Some("a:5050,b:5050".to_owned()),
        "MESOS_PRINCIPAL" => Some("alice".to_owned()),
        "MESOS_SECRET" => Some("s3cret".to_owned()),
        "MESOS_ROLE" => Some("web".to_owned()),
        _ => None,
    };
    let target = Target::read(lookup).unwrap();
    let framework = target.framework("x");
    assert_eq!((framework.principal.as_deref(), framework.roles), (Some("alice"), vec!["web".to_owned()]));
    assert_eq!(target.authorization().as_deref(), Some("Basic YWxpY2U6czNjcmV0"));
    assert!(AuthHeader::authorization(&target.authorization().unwrap()).is_ok());
}
