//! What can go wrong with a factory and its containers, told by whose fault it is.

use std::fmt;

use mesos_scheduler_client::{BuildError, LaunchFailure, TeardownError};

/// A configuration that cannot be used. Lists everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub(crate) problems: Vec<String>,
}

impl ConfigError {
    /// One text for each setting that is wrong: its name, what it says, what was expected.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl From<BuildError> for ConfigError {
    fn from(error: BuildError) -> Self {
        Self { problems: vec![error.to_string()] }
    }
}

/// A container that could not be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The platform's fault: no agent fits, the master is away, the launch failed.
    #[error("could not start a container of image '{image}' on the Mesos at {masters}: {failure}")]
    Platform {
        /// The image that was asked for.
        image: String,
        /// The masters, as configured.
        masters: String,
        /// What was tried and why it failed.
        failure: Box<LaunchFailure>,
    },
    /// The user's fault: the image cannot be had.
    #[error("Failed to pull container image '{image}'.\n{message}")]
    ImagePull {
        /// The image that was asked for.
        image: String,
        /// What the agent said.
        message: String,
    },
}

/// An initialization that failed: OpenWhisk counts all of them as errors of the action's developer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the action could not be initialized: {}", .response.result)]
pub struct InitializationError {
    /// What the user of the action gets.
    pub response: crate::ActivationResponse,
    /// What was seen if the container could not be reached even once: the platform's fault in truth,
    /// though OpenWhisk counts it as a time limit exceeded.
    pub unreachable: Option<String>,
}

/// A framework that could not be ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CleanupError {
    /// No master confirmed it in time: containers may still run.
    #[error("the framework could not be torn down, its containers may still run")]
    Teardown(#[source] TeardownError),
}

/// A container that did not die in time. It will be killed again until it is gone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("container '{id}' is still there {waited_seconds} s after its kill")]
pub struct DestroyError {
    /// The container.
    pub id: String,
    /// How long was waited.
    pub waited_seconds: u64,
}
