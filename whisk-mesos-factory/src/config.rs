//! What a container factory is told before it starts.

use std::time::Duration;

use mesos_scheduler_client::{Masters, Packing};
use placement_constraints::{ConstraintSet, ParseOptions};

use crate::error::ConfigError;

/// The settings of a [`ContainerFactory`](crate::ContainerFactory). The defaults are those of OpenWhisk's
/// `whisk.mesos.*` and `whisk.container-factory.*`, named beside each field.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FactoryConfig {
    /// The masters (`whisk.mesos.master-url`): `http://host:port`, several with commas.
    pub master_url: String,
    /// The role of the framework (`whisk.mesos.role`).
    pub role: String,
    /// The account on the agents that tasks run as.
    pub user: String,
    /// Rules for containers of images that OpenWhisk manages (`whisk.mesos.constraints`).
    pub constraints: Vec<String>,
    /// Rules for containers of images that users bring (`whisk.mesos.blackbox-constraints`).
    pub blackbox_constraints: Vec<String>,
    /// What stands between the parts of a rule (`whisk.mesos.constraint-delimiter`).
    pub constraint_delimiter: String,
    /// How long resources are refused that fit nothing (`whisk.mesos.offer-refuse-duration`).
    pub offer_refuse_duration: Duration,
    /// Missed heartbeats after which the subscription is renewed (`whisk.mesos.heartbeat-max-failures`).
    pub heartbeat_max_failures: u32,
    /// How long the master keeps the containers when this factory is gone (`whisk.mesos.timeouts.failover`).
    pub failover_timeout: Duration,
    /// From the request for a container until it runs (`whisk.mesos.timeouts.task-launch`).
    pub launch_timeout: Duration,
    /// From the wish to destroy a container until it is gone (`whisk.mesos.timeouts.task-delete`).
    pub delete_timeout: Duration,
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
    /// How agents are chosen among those that fit.
    pub packing: Packing,
}

impl Default for FactoryConfig {
    fn default() -> Self {
        let parameter = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        Self {
            master_url: "http://localhost:5050".to_owned(),
            role: "*".to_owned(),
            user: "root".to_owned(),
            constraints: Vec::new(),
            blackbox_constraints: Vec::new(),
            constraint_delimiter: " ".to_owned(),
            offer_refuse_duration: Duration::from_secs(5),
            heartbeat_max_failures: 2,
            failover_timeout: Duration::ZERO,
            launch_timeout: Duration::from_secs(45),
            delete_timeout: Duration::from_secs(30),
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
        }
    }
}

/// A configuration whose texts were read and found good.
#[derive(Clone, Debug)]
pub(crate) struct CheckedConfig {
    pub(crate) config: FactoryConfig,
    pub(crate) masters: Masters,
    pub(crate) managed: ConstraintSet,
    pub(crate) blackbox: ConstraintSet,
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
        if let (Some(masters), Some(managed), Some(blackbox), true) =
            (masters, managed, blackbox, problems.is_empty())
        {
            return Ok(CheckedConfig { config: self, masters, managed, blackbox });
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
            .map_err(|error| problems.push(format!("{setting}: {error}")))
            .ok()
    }
}
