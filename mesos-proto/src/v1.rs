//! The messages of package `mesos.v1`, and one module for each package below it.
//!
//! The types are generated from the `.proto` files of this crate by `cargo xtask codegen`; behaviour
//! for them lives in files named for the message.

mod attribute;
mod ids;
mod operation_status;
mod ranges;
// Modules `resource` and `task_status` are generated, too.
#[path = "v1/resource.rs"]
mod resource_message;
mod resources;
mod task_state;
#[path = "v1/task_status.rs"]
mod task_status_message;

pub use generated::*;
pub use ids::InvalidId;
pub use ranges::Ranges;
pub use resource_message::{InvalidResource, MAX_SCALAR_MILLI, milli};
pub use resources::{MAX_RESOURCES, MAX_RESOURCES_TEXT, ParseResourcesError, Resources};

/// Written by codegen. It stays one module because the packages refer to each other by `super`.
#[allow(missing_docs, clippy::all, clippy::nursery, clippy::pedantic, clippy::use_self)]
#[rustfmt::skip]
mod generated {
    include!("v1/generated/mesos.v1.rs");

    /// The operator API of the agent.
    pub mod agent {
        include!("v1/generated/mesos.v1.agent.rs");
    }
    /// Statuses of inverse offers.
    pub mod allocator {
        include!("v1/generated/mesos.v1.allocator.rs");
    }
    /// The executor API.
    pub mod executor {
        include!("v1/generated/mesos.v1.executor.rs");
    }
    /// Planned maintenance.
    pub mod maintenance {
        include!("v1/generated/mesos.v1.maintenance.rs");
    }
    /// The operator API of the master.
    pub mod master {
        include!("v1/generated/mesos.v1.master.rs");
    }
    /// Limits of roles.
    pub mod quota {
        include!("v1/generated/mesos.v1.quota.rs");
    }
    /// The API of resource providers.
    pub mod resource_provider {
        include!("v1/generated/mesos.v1.resource_provider.rs");
    }
    /// The scheduler API.
    pub mod scheduler {
        include!("v1/generated/mesos.v1.scheduler.rs");
    }
}
