//! A client of the Apache Mesos v1 scheduler API that never needs restarting.
//!
//! Mesos offers the resources of its agents to frameworks; a framework launches tasks on them. This crate is
//! the framework's side, in three layers that can be used alone:
//!
//! - [`Framework`] runs tasks: it matches them against offers, launches them, follows them, kills them.
//! - [`Client`] and [`Events`], made by [`ClientBuilder`], keep one framework subscribed whatever the network
//!   and the masters do: calls go out in order, events come in as Mesos sends them.
//! - [`Session`] and [`FrameworkCore`] are the state machines below, without I/O, for those with a loop of
//!   their own.
//!
//! [`operator`] reads what a master knows and what tasks wrote into their sandboxes.
//!
//! To read: the [`guide`] builds a first framework step by step, [`session_states`] has what a session does in each
//! state and with each answer of a master, [`observability`] the metrics and the logs.
//!
//! ```no_run
//! use mesos_scheduler_client::{ClientBuilder, Event, Masters, mesos_proto::v1::FrameworkInfo};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let masters = Masters::parse("http://127.0.0.1:5050")?;
//!     let info = FrameworkInfo { user: "nobody".into(), name: "watch".into(), ..Default::default() };
//!     let (client, mut events) = ClientBuilder::new(info, masters).start()?;
//!     while let Some(event) = events.next().await {
//!         match event {
//!             Event::Subscribed { framework_id, url, .. } => println!("{framework_id} at {url}"),
//!             Event::Mesos(event) => {
//!                 for offer in event.offers.unwrap_or_default().offers {
//!                     println!("offer {} of {}", offer.id, offer.hostname);
//!                     drop(client.decline(vec![offer.id], None));
//!                 }
//!             }
//!             Event::Disconnected { why, retry_in, .. } => println!("{why}; again in {retry_in:?}"),
//!             Event::Closed(reason) => println!("{reason}"),
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! The wire format is protobuf both ways. The messages are those of [`mesos_proto`], which is re-exported, so that
//! its version is the right one. The clients run inside a tokio runtime.
//!
//! # Features
//!
//! - `tls` (default): `https://` for masters and agents, with rustls.
//! - `zookeeper`: masters found with `zk://`, and a store of framework ids in ZooKeeper.
//! - `mutations`: deliberate bugs, for the tests of this crate alone.
//!
//! Rust 1.88 or later.

pub mod calls;
#[doc = include_str!("../docs/first-framework.md")]
pub mod guide {}
#[doc = include_str!("../docs/observability.md")]
pub mod observability {}
pub mod operator;
#[doc = include_str!("../docs/session.md")]
pub mod session_states {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod address;
mod alarm;
mod auth;
mod builder;
mod callers;
mod client;
mod connection;
mod deadline;
mod detector;
mod driver;
mod error;
mod event_queue;
mod events;
mod framework;
mod framework_driver;
mod http1;
mod identity;
mod leaders;
mod metrics;
mod mutation;
mod observers;
mod pipeline;
mod session;
mod store_tasks;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod url;
#[cfg(feature = "zookeeper")]
mod zookeeper;

pub use mesos_proto;

#[cfg(feature = "mutations")]
pub use crate::mutation::Mutation;
#[cfg(feature = "tls")]
pub use crate::tls::{Tls, TlsBuilder, TlsError};
pub use crate::{
    auth::{AuthError, AuthHeader, AuthProvider, Credentials},
    builder::ClientBuilder,
    client::{CallReply, Client},
    detector::{ZooKeeperUrl, ZooKeeperUrlError},
    error::{BuildError, TeardownError},
    events::Events,
    framework::{
        Cause, Change, ChangeKind, Eligibility, FrameworkCore, LaunchFailure, OutcomeToken, Packing,
        Placement, Policy, PortRequest, Recovered, Refusal, Running, Stage, Strangers, TaskEnd, TaskPhase,
        TaskSpec, TaskView, WhyNot,
    },
    framework_driver::{
        Changes, Framework, Recover, RecoverError, RecoveredTask, Recovery, RunningTask, Submission,
    },
    identity::{FileStore, FrameworkIdStore, MemoryStore, StoreError},
    session::{
        CallOutcome, CallToken, CloseReason, DisconnectCause, Event, Masters, MastersError, OnRemoved,
        Session, SessionConfig, SessionState, StreamToken, Timer, Transmit,
    },
    url::{Endpoint, HttpUrl, Scheme, UrlError},
};
#[cfg(feature = "zookeeper")]
pub use crate::{
    detector::{Detected, MasterDetector},
    identity::ZooKeeperStore,
};
