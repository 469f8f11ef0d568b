//! placeholder

pub mod calls;
pub mod operator;

mod builder;
mod client;
mod connection;
mod driver;
mod error;
mod events;
mod framework;
mod framework_driver;
mod session;
mod transport;
mod url;

pub use crate::{
    builder::ClientBuilder,
    client::{CallReply, Client},
    error::{BuildError, TeardownError},
    events::Events,
    framework::{
        Change, ChangeKind, Eligibility, FrameworkCore, LaunchFailure, OutcomeToken, Packing, Placement,
        Policy, PortRequest, Refusal, Running, Stage, TaskEnd, TaskSpec, WhyNot,
    },
    framework_driver::{Framework, RunningTask, Submission},
    session::{
        CallOutcome, CallToken, CloseReason, Event, Masters, Session, SessionConfig, SessionState,
        StreamToken, Timer, Transmit,
    },
    url::{Endpoint, HttpUrl, UrlError},
};
