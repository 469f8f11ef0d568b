//! OpenWhisk action containers as Apache Mesos tasks.
//!
//! [`ContainerFactory`] is one Mesos framework. It launches each container as a task on an agent whose
//! offer fits and whose attributes satisfy the constraints, and gives out a [`Container`] that can be
//! initialized, run, read for logs and destroyed. [`ConfigSources`] reads OpenWhisk's files and variables into its
//! settings. The program `whisk-mesos` has no other way to containers.

mod action;
mod attributes;
mod config;
mod container;
mod error;
mod factory;
mod logs;
mod task_info;

pub use crate::{
    action::{Activation, ActivationResponse, ActivationStatus, Initializer},
    attributes::AgentAttributes,
    config::{ConfigSources, Configuration, FactoryConfig, Origin, Setting},
    container::{Container, ContainerAddress},
    error::{CleanupError, ConfigError, CreateError, DestroyError, InitializationError},
    factory::{ContainerFactory, ContainerRequest, Creation},
    logs::{LogLine, Logs},
};

/// Compiles the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
