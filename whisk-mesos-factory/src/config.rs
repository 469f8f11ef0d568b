//! What a container factory is told before it starts.

mod configuration;
mod document;
mod environment;
mod factory_config;
mod image;
mod keys;
mod layers;
mod lines;
mod origin;
mod reference;
mod sources;
mod values;

use std::{fmt, time::Duration};

use mesos_scheduler_client::{Credentials, HttpUrl, Masters, Packing, Scheme, Tls};
use placement_constraints::{ConstraintSet, MissingAttribute, ParseOptions};

pub use self::{
    configuration::{Configuration, Setting},
    origin::Origin,
    sources::ConfigSources,
};
use crate::error::ConfigError;

/// The settings of a [`ContainerFactory`](crate::ContainerFactory). The defaults are those of OpenWhisk's
/// `whisk.mesos.*` and `whisk.container-factory.*`, named beside each field.
///
/// [`Configuration::factory_config`] makes it of files and variables.
#[derive(Clone)]
#[non_exhaustive]
pub struct FactoryConfig {
    /// The masters (`whisk.mesos.master-url`): `http://host:port`, several with commas, or `zk://host:port/path`.
    pub master_url: String,
    /// The role of the framework (`whisk.mesos.role`).
    pub role: String,
    /// The account on the agents that tasks run as.
    pub user: String,
    /// How the framework proves who it is, to masters and agents (`whisk.mesos.credentials`).
    pub credentials: Credentials,
    /// Who the framework says it is (`whisk.mesos.credentials.principal`).
    pub principal: Option<String>,
    /// How `https://` is spoken (`whisk.mesos.tls`). Agents are taken to speak it if this is set or a
    /// master does.
    pub tls: Option<Tls>,
    /// Rules for containers of images that OpenWhisk manages (`whisk.mesos.constraints`).
    pub constraints: Vec<String>,
    /// Rules for containers of images that users bring (`whisk.mesos.blackbox-constraints`).
    pub blackbox_constraints: Vec<String>,
    /// What stands between the parts of a rule (`whisk.mesos.constraint-delimiter`).
    pub constraint_delimiter: String,
    /// What a rule means for an agent without the attribute (`whisk.mesos.missing-attribute`).
    pub missing_attribute: MissingAttribute,
    /// Whether masters are told the rules, so that offers which cannot match are not made
    /// (`whisk.mesos.push-down-constraints`). Such agents are then missing where a failed creation tells why no offer
    /// fitted.
    pub push_down_constraints: bool,
    /// How long resources are refused that fit nothing (`whisk.mesos.offer-refuse-duration`).
    pub offer_refuse_duration: Duration,
    /// How long offers that nothing needs are kept (`whisk.mesos.offer-hold-duration`).
    pub offer_hold_duration: Duration,
    /// Missed heartbeats after which the subscription is renewed (`whisk.mesos.heartbeat-max-failures`).
    pub heartbeat_max_failures: u32,
    /// How long the master keeps the containers when this factory is gone (`whisk.mesos.timeouts.failover`).
    pub failover_timeout: Duration,
    /// From the request for a container until it runs (`whisk.mesos.timeouts.task-launch`).
    pub launch_timeout: Duration,
    /// From the wish to destroy a container until it is gone (`whisk.mesos.timeouts.task-delete`).
    pub delete_timeout: Duration,
    /// From the connection to a master until the framework is subscribed (`whisk.mesos.timeouts.subscribe`).
    pub subscribe_timeout: Duration,
    /// Until the end of the framework is confirmed (`whisk.mesos.timeouts.teardown`).
    pub teardown_timeout: Duration,
    /// Whether [`cleanup`](crate::ContainerFactory::cleanup) ends the framework
    /// (`whisk.mesos.teardown-on-exit`).
    pub teardown_on_exit: bool,
    /// `bridge`, `host`, or the name of a user-defined Docker network
    /// (`whisk.container-factory.container-args.network`).
    pub network: String,
    /// Variables of every container, `__OW_API_HOST` among them
    /// (`whisk.container-factory.container-args.extra-env-vars`).
    pub environment: Vec<(String, String)>,
    /// Options of `docker run`, without leading dashes
    /// (`whisk.container-factory.container-args.extra-args`).
    pub docker_parameters: Vec<(String, String)>,
    /// How agents are chosen among those that fit (`whisk.mesos.packing`).
    pub packing: Packing,
    /// Whether the logs of containers are read from their sandboxes (`whisk.mesos.log-collection`).
    pub log_collection: bool,
}

impl Default for FactoryConfig {
    fn default() -> Self {
        let parameter = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        Self {
            master_url: "http://localhost:5050".to_owned(),
            role: "*".to_owned(),
            user: "root".to_owned(),
            credentials: Credentials::none(),
            principal: None,
            tls: None,
            constraints: Vec::new(),
            blackbox_constraints: Vec::new(),
            constraint_delimiter: " ".to_owned(),
            missing_attribute: MissingAttribute::Fails,
            push_down_constraints: true,
            offer_refuse_duration: Duration::from_secs(5),
            offer_hold_duration: Duration::from_secs(5),
            heartbeat_max_failures: 2,
            failover_timeout: Duration::ZERO,
            launch_timeout: Duration::from_secs(45),
            delete_timeout: Duration::from_secs(30),
            subscribe_timeout: Duration::from_secs(10),
            teardown_timeout: Duration::from_secs(30),
            teardown_on_exit: true,
            network: "bridge".to_owned(),
            environment: Vec::new(),
            docker_parameters: vec![
                parameter("cap-drop", "NET_RAW"),
                parameter("cap-drop", "NET_ADMIN"),
                parameter("ulimit", "nofile=1024:1024"),
                parameter("pids-limit", "1024"),
                parameter("log-driver", "json-file"),
            ],
            packing: Packing::Pack,
            log_collection: true,
        }
    }
}

/// What may be shown: no password in the masters, no values of variables.
impl fmt::Debug for FactoryConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masters = Masters::parse(&self.master_url).map(|masters| shown(&masters));
        let names: Vec<&str> = self.environment.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("FactoryConfig")
            .field("master_url", &masters.unwrap_or_else(|error| error.to_string()))
            .field("role", &self.role)
            .field("user", &self.user)
            .field("credentials", &self.credentials)
            .field("principal", &self.principal)
            .field("tls", &self.tls)
            .field("constraints", &self.constraints)
            .field("blackbox_constraints", &self.blackbox_constraints)
            .field("constraint_delimiter", &self.constraint_delimiter)
            .field("missing_attribute", &self.missing_attribute)
            .field("push_down_constraints", &self.push_down_constraints)
            .field("offer_refuse_duration", &self.offer_refuse_duration)
            .field("offer_hold_duration", &self.offer_hold_duration)
            .field("heartbeat_max_failures", &self.heartbeat_max_failures)
            .field("failover_timeout", &self.failover_timeout)
            .field("launch_timeout", &self.launch_timeout)
            .field("delete_timeout", &self.delete_timeout)
            .field("subscribe_timeout", &self.subscribe_timeout)
            .field("teardown_timeout", &self.teardown_timeout)
            .field("teardown_on_exit", &self.teardown_on_exit)
            .field("network", &self.network)
            .field("environment", &names)
            .field("docker_parameters", &self.docker_parameters.len())
            .field("packing", &self.packing)
            .field("log_collection", &self.log_collection)
            .finish()
    }
}

/// The masters without passwords.
fn shown(masters: &Masters) -> String {
    match masters.zookeeper() {
        Some(url) => url.to_string(),
        None => masters.urls().iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}

/// A configuration whose texts were read and found good.
#[derive(Clone, Debug)]
pub(crate) struct CheckedConfig {
    pub(crate) config: FactoryConfig,
    pub(crate) masters: Masters,
    /// The masters as they may be shown.
    pub(crate) shown_masters: String,
    pub(crate) managed: ConstraintSet,
    pub(crate) blackbox: ConstraintSet,
}

impl CheckedConfig {
    /// What agents speak, since offers do not tell.
    pub(crate) fn agent_scheme(&self) -> Scheme {
        let is_https = |url: &HttpUrl| url.endpoint().scheme() == Scheme::Https;
        if self.config.tls.is_some() || self.masters.urls().iter().any(is_https) {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }
}

impl FactoryConfig {
    /// Reads every text of the configuration, so that nothing of it can fail later.
    ///
    /// # Errors
    /// Names every setting that is wrong, with its text.
    pub(crate) fn check(self) -> Result<CheckedConfig, ConfigError> {
        let mut problems = Vec::new();
        let masters = Masters::parse(&self.master_url)
            .map_err(|error| problems.push(format!("whisk.mesos.master-url: {error}")))
            .ok();
        let managed = self.parse("whisk.mesos.constraints", &self.constraints, &mut problems);
        let blackbox =
            self.parse("whisk.mesos.blackbox-constraints", &self.blackbox_constraints, &mut problems);
        for (setting, is_empty) in [
            ("whisk.mesos.role", self.role.is_empty()),
            ("whisk.container-factory.container-args.network", self.network.is_empty()),
        ] {
            if is_empty {
                problems.push(format!("{setting}: '' is empty, expected a name"));
            }
        }
        if self.heartbeat_max_failures == 0 {
            problems.push("whisk.mesos.heartbeat-max-failures: '0', expected at least 1".to_owned());
        }
        for (setting, timeout) in [
            ("task-launch", self.launch_timeout),
            ("subscribe", self.subscribe_timeout),
            ("teardown", self.teardown_timeout),
        ] {
            if timeout.is_zero() {
                problems.push(format!("whisk.mesos.timeouts.{setting}: '0s', expected more than nothing"));
            }
        }
        if let (Some(masters), Some(managed), Some(blackbox), true) =
            (masters, managed, blackbox, problems.is_empty())
        {
            let shown_masters = shown(&masters);
            return Ok(CheckedConfig { config: self, masters, shown_masters, managed, blackbox });
        }
        Err(ConfigError { problems })
    }

    fn parse(
        &self,
        setting: &str,
        constraints: &[String],
        problems: &mut Vec<String>,
    ) -> Option<ConstraintSet> {
        let options = ParseOptions::default().delimiter(self.constraint_delimiter.as_str());
        ConstraintSet::parse_with(constraints, &options)
            .map(|constraints| constraints.with_missing_attribute(self.missing_attribute))
            .map_err(|error| problems.push(format!("{setting}: {error}")))
            .ok()
    }
}
