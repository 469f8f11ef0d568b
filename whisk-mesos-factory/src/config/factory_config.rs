//! What a factory is told of a configuration, and the checks that need more than one setting.

use mesos_scheduler_client::{Credentials, Packing, Tls};
use placement_constraints::{ConstraintSet, MissingAttribute, ParseOptions};

use super::{FactoryConfig, configuration::Configuration, image, keys, origin::Origin};

/// The factory that this one takes the place of.
const PROVIDER: &str = "org.apache.openwhisk.core.mesos.MesosContainerFactoryProvider";
/// What makes a regular expression of a text.
const SPECIAL: [char; 13] = ['\\', '[', ']', '(', ')', '{', '}', '*', '+', '?', '^', '$', '.'];
/// Shares of a container of 256 MB below which it is hardly ever scheduled: a hundredth of a cpu.
const FEW_SHARES: u32 = 10;

impl Configuration {
    /// The settings of a factory, as far as this version uses them.
    pub fn factory_config(&self) -> FactoryConfig {
        let text = |key| self.text(key).unwrap_or_default().to_owned();
        let principal = text("whisk.mesos.credentials.principal");
        FactoryConfig {
            master_url: text("whisk.mesos.master-url"),
            role: text("whisk.mesos.role"),
            user: text("whisk.mesos.user"),
            credentials: self.credentials().unwrap_or_default(),
            principal: Some(principal).filter(|principal| !principal.is_empty()),
            tls: self.tls.clone(),
            constraints: self.texts("whisk.mesos.constraints").to_vec(),
            blackbox_constraints: self.texts("whisk.mesos.blackbox-constraints").to_vec(),
            constraint_delimiter: text("whisk.mesos.constraint-delimiter"),
            missing_attribute: match self.text("whisk.mesos.missing-attribute") {
                Some("satisfies-unlike") => MissingAttribute::SatisfiesUnlike,
                _ => MissingAttribute::Fails,
            },
            push_down_constraints: self.flag("whisk.mesos.push-down-constraints"),
            offer_refuse_duration: self.duration("whisk.mesos.offer-refuse-duration"),
            offer_hold_duration: self.duration("whisk.mesos.offer-hold-duration"),
            heartbeat_max_failures: u32::try_from(self.count("whisk.mesos.heartbeat-max-failures"))
                .unwrap_or(u32::MAX),
            failover_timeout: self.duration("whisk.mesos.timeouts.failover"),
            launch_timeout: self.duration("whisk.mesos.timeouts.task-launch"),
            delete_timeout: self.duration("whisk.mesos.timeouts.task-delete"),
            subscribe_timeout: self.duration("whisk.mesos.timeouts.subscribe"),
            teardown_timeout: self.duration("whisk.mesos.timeouts.teardown"),
            teardown_on_exit: self.flag("whisk.mesos.teardown-on-exit"),
            network: text("whisk.container-factory.container-args.network"),
            environment: self.environment(),
            docker_parameters: self.docker_parameters(),
            packing: match self.text("whisk.mesos.packing") {
                Some("spread") => Packing::Spread,
                _ => Packing::Pack,
            },
            log_collection: self.text("whisk.mesos.log-collection") != Some("off"),
        }
    }

    /// The name of an image as it is to be pulled: with the registry of the configuration, unless it has its own.
    ///
    /// # Errors
    /// It is no name of an image; the text shows it.
    pub fn resolve_image(&self, name: &str, is_user_provided: bool) -> Result<String, String> {
        let registry = if is_user_provided { "user-images-registry" } else { "runtimes-registry" };
        let registry = self.text(&format!("whisk.container-factory.{registry}.url"));
        image::resolve(name, registry.unwrap_or_default())
    }

    /// The cpu shares of a container with this memory, as OpenWhisk gives them out of
    /// `whisk.container-pool.user-memory`. A container that is bigger than the pool gets one share for each MiB.
    pub fn cpu_shares(&self, memory_mib: u32) -> u32 {
        let pool_mib = self.count("whisk.container-pool.user-memory") >> 20;
        match pool_mib / u64::from(memory_mib.max(1)) {
            0 => memory_mib,
            fits => u32::try_from(1024 / fits).unwrap_or(u32::MAX).max(2),
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut variables: Vec<(String, String)> = Vec::new();
        let api_host = self.api_host.iter().map(|url| ("__OW_API_HOST".to_owned(), url.clone()));
        let extra = self.texts("whisk.container-factory.container-args.extra-env-vars").iter().map(|text| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (name.to_owned(), value.to_owned())
        });
        for (name, value) in api_host.chain(extra) {
            variables.retain(|(earlier, _)| *earlier != name);
            variables.push((name, value));
        }
        variables
    }

    /// Later ones win as a whole: name servers, what every container gets, extra arguments.
    fn docker_parameters(&self) -> Vec<(String, String)> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, key) in
            [("dns", "dns-servers"), ("dns-search", "dns-search"), ("dns-option", "dns-options")]
        {
            let values = self.texts(&format!("whisk.container-factory.container-args.{key}"));
            parameters.extend(values.iter().map(|value| (name.to_owned(), value.clone())));
        }
        parameters.extend(FactoryConfig::default().docker_parameters);
        for (name, values) in self.texts_by_name("whisk.container-factory.container-args.extra-args") {
            parameters.retain(|(earlier, _)| earlier != name);
            parameters.extend(values.iter().map(|value| (name.clone(), value.clone())));
        }
        parameters
    }

    fn credentials(&self) -> Result<Credentials, String> {
        let [principal, secret] = ["principal", "secret"]
            .map(|name| self.text(&format!("whisk.mesos.credentials.{name}")).unwrap_or_default());
        if principal.is_empty() && secret.is_empty() {
            return Ok(Credentials::none());
        }
        Credentials::basic(principal, secret).map_err(|error| error.to_string())
    }

    /// Checks what needs more than one setting, and reads the files that are named.
    pub(super) fn check(&mut self) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        self.check_constraints(&mut problems);
        if let Err(error) = self.credentials() {
            let said = self.first_said("whisk.mesos.credentials.");
            problems.push(format!("whisk.mesos.credentials ({said}): {error}"));
        }
        match self.read_tls() {
            Ok(tls) => self.tls = tls,
            Err(error) => {
                let said = self.first_said("whisk.mesos.tls.");
                problems.push(format!("whisk.mesos.tls ({said}): {error}"));
            }
        }
        self.find_doubts();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn check_constraints(&self, problems: &mut Vec<String>) {
        let delimiter = self.text("whisk.mesos.constraint-delimiter").unwrap_or(" ");
        let options = ParseOptions::default().delimiter(delimiter);
        for key in ["whisk.mesos.constraints", "whisk.mesos.blackbox-constraints"] {
            if let Err(errors) = ConstraintSet::parse_with(self.texts(key), &options) {
                let origin = self.said(key);
                problems
                    .extend(errors.iter().map(|(index, error)| format!("{key}.{index} ({origin}): {error}")));
            }
        }
    }

    fn read_tls(&self) -> Result<Option<Tls>, String> {
        let [ca, certificate, key, server_name] = ["ca-file", "certificate-file", "key-file", "server-name"]
            .map(|name| self.text(&format!("whisk.mesos.tls.{name}")));
        if [ca, certificate, key, server_name] == [None; 4] {
            return Ok(None);
        }
        let mut tls = Tls::builder();
        if let Some(ca) = ca {
            tls = tls.root_file(ca);
        }
        tls = match (certificate, key) {
            (Some(certificate), Some(key)) => tls.client_certificate_files(certificate, key),
            (None, None) => tls,
            (Some(_), None) => return Err("certificate-file is set, expected key-file with it".to_owned()),
            (None, Some(_)) => return Err("key-file is set, expected certificate-file with it".to_owned()),
        };
        if let Some(server_name) = server_name {
            tls = tls.server_name(server_name);
        }
        tls.build().map(Some).map_err(|error| error.to_string())
    }

    fn find_doubts(&mut self) {
        let mut doubts = Vec::new();
        let key = "whisk.spi.ContainerFactoryProvider";
        if let Some(provider) = self.text(key).filter(|provider| *provider != PROVIDER) {
            doubts.push(format!(
                "{key} = '{}' ({}): the invoker uses another factory, not this one",
                provider.escape_debug(),
                self.said(key)
            ));
        }
        let key = "whisk.mesos.constraint-delimiter";
        if let Some(delimiter) = self.text(key).filter(|delimiter| delimiter.contains(SPECIAL)) {
            doubts.push(format!(
                "{key} = '{}' ({}): is plain text and no regular expression",
                delimiter.escape_debug(),
                self.said(key)
            ));
        }
        let shares = self.cpu_shares(256);
        if shares < FEW_SHARES {
            let key = "whisk.container-pool.user-memory";
            doubts.push(format!(
                "{key} ({}): a container of 256 MB gets {shares} of 1024 cpu shares, which is {:.3} cpus",
                self.said(key),
                f64::from(shares) / 1024.0
            ));
        }
        let key = "whisk.container-factory.container-args.extra-args";
        for (name, _) in self.texts_by_name(key).iter().filter(|(name, _)| name.starts_with('-')) {
            let name = name.escape_debug();
            doubts.push(format!("{key}.{name} ({}): options are named without dashes", self.said(key)));
        }
        self.warn(doubts);
    }

    fn said(&self, key: &str) -> &Origin {
        self.origin(key).unwrap_or(&Origin::Default)
    }

    /// The origin of the first setting of a section that somebody said.
    fn first_said(&self, section: &str) -> &Origin {
        let said = keys::all().filter(|key| key.path.starts_with(section)).map(|key| self.said(key.path));
        said.into_iter().find(|origin| **origin != Origin::Default).unwrap_or(&Origin::Default)
    }
}

#[cfg(test)]
mod tests {
    use crate::ConfigSources;

    #[test]
    fn shares_follow_memory_and_the_pool() {
        let default = ConfigSources::new().load().unwrap();
        for (memory, shares) in
            [(128, 128), (256, 256), (512, 512), (1024, 1024), (300, 341), (1, 2), (2048, 2048)]
        {
            assert_eq!(default.cpu_shares(memory), shares, "{memory}");
        }
        let pool = ConfigSources::new().define("whisk.container-pool.user-memory=21200 m").load().unwrap();
        assert_eq!(pool.cpu_shares(265), 12);
    }
}
