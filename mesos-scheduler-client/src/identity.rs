//! Where the id of a framework is kept between two lives of a program.

use std::fmt;

use futures_core::future::BoxFuture;
use mesos_proto::v1;

/// Keeps the id that a master gave to a framework, so that the next life of the program takes the same framework
/// over.
///
/// The client loads it before it subscribes, saves it before it tells
/// [`Event::Subscribed`](crate::Event::Subscribed), and clears it when the framework was torn down.
pub trait FrameworkIdStore: fmt::Debug + Send + Sync + 'static {
    /// The id that was saved last, if there is one.
    fn load(&self) -> BoxFuture<'_, Result<Option<v1::FrameworkId>, StoreError>>;

    /// Saves the id. When this returns, it is found again even after the machine lost power, as far as
    /// the kind of store can promise it.
    fn save(&self, id: v1::FrameworkId) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Forgets the id.
    fn clear(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// A framework id that could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    why: String,
}

impl StoreError {
    /// `why` names the place and says what was seen there.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "framework id: {}", self.why)
    }
}

impl std::error::Error for StoreError {}
