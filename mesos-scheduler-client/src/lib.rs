//! placeholder

pub mod calls;

mod builder;
mod client;
mod connection;
mod driver;
mod error;
mod events;
mod session;
mod transport;
mod url;

pub use crate::{
    builder::ClientBuilder,
    client::{CallReply, Client},
    error::{BuildError, TeardownError},
    events::Events,
    session::{
        CallOutcome, CallToken, CloseReason, Event, Masters, Session, SessionConfig, SessionState,
        StreamToken, Timer, Transmit,
    },
    url::{Endpoint, HttpUrl, UrlError},
};
