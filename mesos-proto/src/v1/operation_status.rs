//! Reading a status of an operation without taking what is unknown for a value.

use super::{OperationState, OperationStatus};

impl OperationStatus {
    /// The state, `None` if it is one that this version of the API does not have. `state()` calls such a state
    /// `OPERATION_UNSUPPORTED`.
    ///
    /// ```
    /// # use mesos_proto::v1::{OperationState, OperationStatus};
    /// let status = OperationStatus { state: OperationState::OperationError.into(), ..Default::default() };
    /// assert_eq!(status.known_state(), Some(OperationState::OperationError));
    /// assert_eq!(OperationStatus { state: 99, ..Default::default() }.known_state(), None);
    /// ```
    pub fn known_state(&self) -> Option<OperationState> {
        OperationState::try_from(self.state).ok()
    }

    /// Whether this status is sent until it is acknowledged: so it is with those that have a `uuid`.
    ///
    /// ```
    /// # use mesos_proto::v1::OperationStatus;
    /// assert!(!OperationStatus::default().needs_acknowledgement());
    /// ```
    pub fn needs_acknowledgement(&self) -> bool {
        self.uuid.as_ref().is_some_and(|uuid| !uuid.value.is_empty())
    }
}
