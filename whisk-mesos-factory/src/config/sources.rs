//! Where a configuration comes from, and the reading of it all.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{configuration::Configuration, document::Document, environment, keys, layers::Layers};
use crate::error::ConfigError;

const CONFIG: &str = "OPENWHISK_CONFIG";
const ENCODED_CONFIG: &str = "OPENWHISK_ENCODED_CONFIG";
const API_HOST: &str = "WHISK_API_HOST_NAME";
const API_HOST_PROTO: &str = "WHISK_API_HOST_PROTO";
const API_HOST_PORT: &str = "WHISK_API_HOST_PORT";

/// Everything that may say something: files in HOCON, variables, and `key=value` of the command line. Later ones win:
/// files in their order, then `OPENWHISK_CONFIG` (or `OPENWHISK_ENCODED_CONFIG`, in base64), then variables
/// `CONFIG_whisk_mesos_masterUrl`, then the command line.
///
/// ```
/// use whisk_mesos_factory::ConfigSources;
///
/// let variables = [("CONFIG_whisk_mesos_constraints_0".to_owned(), "rack LIKE r[12]".to_owned())];
/// let configuration = ConfigSources::new()
///     .variables(variables)
///     .define("whisk.mesos.master-url=zk://zk1.example,zk2.example/mesos")
///     .load()?;
/// let config = configuration.factory_config();
/// assert_eq!(config.constraints, ["rack LIKE r[12]"]);
///
/// let error = ConfigSources::new().define("whisk.mesos.roles=web").load().unwrap_err();
/// assert_eq!(error.to_string(), "whisk.mesos.roles (-D): unknown key, did you mean whisk.mesos.role?");
/// # Ok::<(), whisk_mesos_factory::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct ConfigSources {
    files: Vec<PathBuf>,
    variables: BTreeMap<String, String>,
    defines: Vec<String>,
}

/// The names of what there is; variables hold secrets.
impl std::fmt::Debug for ConfigSources {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let variables = self.variables.keys();
        let defines = self.defines.iter().map(|text| text.split('=').next().unwrap_or_default());
        formatter
            .debug_struct("ConfigSources")
            .field("files", &self.files)
            .field("variables", &variables.collect::<Vec<_>>())
            .field("defines", &defines.collect::<Vec<_>>())
            .finish()
    }
}

impl ConfigSources {
    /// Nothing but the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The variables of this process. Those that are no text are left out.
    pub fn of_process() -> Self {
        let variables = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::new().variables(variables)
    }

    /// Adds variables: for keys, and for `${NAME}` in files.
    #[must_use]
    pub fn variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Adds a file; it wins over those before it.
    #[must_use]
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        self.files.push(path.as_ref().to_owned());
        self
    }

    /// Adds `key=value`, which wins over everything else.
    #[must_use]
    pub fn define(mut self, text: impl Into<String>) -> Self {
        self.defines.push(text.into());
        self
    }

    /// Reads and checks everything.
    ///
    /// # Errors
    /// Names everything that is wrong: the key, what it says, where, and what was expected.
    pub fn load(&self) -> Result<Configuration, ConfigError> {
        let mut problems = Vec::new();
        let documents = self.documents(&mut problems);
        let warnings: Vec<String> = documents.iter().flat_map(|document| document.warnings.clone()).collect();
        let variables = environment::read(&self.variables);
        let api_host = self.api_host(&mut problems);
        let layers = Layers {
            defaults: keys::defaults(),
            documents,
            variables: variables.clone(),
            defines: self.defines(&mut problems),
            environment: self.variables.clone(),
        };
        let configuration = match layers.merge() {
            Ok(merged) => Configuration::read(&merged, &variables),
            Err(problem) => Err(vec![problem]),
        };
        let checked = configuration.and_then(|mut configuration| {
            configuration.warn(warnings);
            configuration.api_host = api_host;
            configuration.check()?;
            Ok(configuration)
        });
        match checked {
            Ok(configuration) if problems.is_empty() => Ok(configuration),
            Ok(_) => Err(ConfigError { problems }),
            Err(more) => {
                problems.extend(more);
                Err(ConfigError { problems })
            }
        }
    }

    fn documents(&self, problems: &mut Vec<String>) -> Vec<Document> {
        let mut documents = Vec::new();
        let mut parsed = |document: Result<Document, String>| match document {
            Ok(document) => documents.push(document),
            Err(problem) => problems.push(problem),
        };
        for path in &self.files {
            let name = path.display().to_string();
            let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"));
            parsed(text.and_then(|text| Document::parse(&name, &text, path.parent())));
        }
        let said = |name: &str| self.variables.get(name).filter(|text| !text.is_empty());
        if let Some(text) = said(CONFIG) {
            parsed(Document::parse(CONFIG, text, None));
        } else if let Some(text) = said(ENCODED_CONFIG) {
            let text: String = text.split_ascii_whitespace().collect();
            let bytes = STANDARD.decode(text).map_err(|error| error.to_string());
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|error| error.to_string()));
            let text = text.map_err(|why| format!("{ENCODED_CONFIG}: {why}, expected HOCON in base64"));
            parsed(text.and_then(|text| Document::parse(ENCODED_CONFIG, &text, None)));
        }
        documents
    }

    /// The URL of OpenWhisk, of the variables that an invoker has for it.
    fn api_host(&self, problems: &mut Vec<String>) -> Option<String> {
        let said = |name: &str| self.variables.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let host = said(API_HOST)?;
        let (scheme, port) = (said(API_HOST_PROTO).unwrap_or("https"), said(API_HOST_PORT).unwrap_or("443"));
        if !["http", "https"].contains(&scheme) {
            let scheme = scheme.escape_debug();
            problems.push(format!("{API_HOST_PROTO}: '{scheme}', expected http or https"));
        }
        if !port.parse::<u16>().is_ok_and(|port| port > 0) {
            problems
                .push(format!("{API_HOST_PORT}: '{}', expected a port from 1 to 65535", port.escape_debug()));
        }
        Some(format!("{scheme}://{host}:{port}"))
    }

    fn defines(&self, problems: &mut Vec<String>) -> Vec<(Vec<String>, String)> {
        let mut defines = Vec::new();
        for text in &self.defines {
            match text.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    defines.push((keys::elements(key.trim()), value.to_owned()));
                }
                // What it holds may be a secret if it has a sign.
                Some(_) => problems.push("-D has no key before '=', expected key=value".to_owned()),
                None => problems.push(format!("-D '{}' has no '=', expected key=value", text.escape_debug())),
            }
        }
        defines
    }
}
