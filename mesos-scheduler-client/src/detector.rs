//! Which master leads, as told by the ZooKeeper that the masters elect their leader with.

mod url;

#[cfg(feature = "zookeeper")]
mod group;
#[cfg(feature = "zookeeper")]
mod watch;

pub use self::url::{ZooKeeperUrl, ZooKeeperUrlError};
#[cfg(feature = "zookeeper")]
pub use self::watch::{Detected, MasterDetector};
