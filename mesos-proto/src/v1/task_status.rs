//! Reading a status without taking what is absent for a value.

use super::{TaskState, TaskStatus, task_status};

impl TaskStatus {
    /// The state, `None` if it is one that this version of the API does not have. `state()` calls such a state
    /// `TASK_STAGING`.
    ///
    /// ```
    /// # use mesos_proto::v1::{TaskState, TaskStatus};
    /// let status = TaskStatus { state: TaskState::TaskRunning.into(), ..TaskStatus::default() };
    /// assert_eq!(status.known_state(), Some(TaskState::TaskRunning));
    /// let newer = TaskStatus { state: 99, ..TaskStatus::default() };
    /// assert_eq!((newer.known_state(), newer.state()), (None, TaskState::TaskStaging));
    /// ```
    pub fn known_state(&self) -> Option<TaskState> {
        TaskState::try_from(self.state).ok()
    }

    /// The reason, `None` if there is none or one that this version of the API does not have. `reason()` calls
    /// both `REASON_COMMAND_EXECUTOR_FAILED`.
    ///
    /// ```
    /// # use mesos_proto::v1::{TaskStatus, task_status::Reason};
    /// let status = TaskStatus::default();
    /// assert_eq!((status.known_reason(), status.reason()), (None, Reason::CommandExecutorFailed));
    /// ```
    pub fn known_reason(&self) -> Option<task_status::Reason> {
        task_status::Reason::try_from(self.reason?).ok()
    }

    /// Who made the status, `None` if that is not said or unknown to this version of the API. `source()` calls
    /// both `SOURCE_MASTER`.
    ///
    /// ```
    /// # use mesos_proto::v1::{TaskStatus, task_status::Source};
    /// let status = TaskStatus::default();
    /// assert_eq!((status.known_source(), status.source()), (None, Source::Master));
    /// ```
    pub fn known_source(&self) -> Option<task_status::Source> {
        task_status::Source::try_from(self.source?).ok()
    }

    /// Whether the agent sends this status until it is acknowledged, and holds back the next ones of the task:
    /// so it is with those that have a `uuid`, whatever their source or reason.
    ///
    /// ```
    /// # use mesos_proto::v1::TaskStatus;
    /// let mut status = TaskStatus::default();
    /// assert!(!status.needs_acknowledgement());
    /// status.uuid = Some(vec![7; 16].into());
    /// assert!(status.needs_acknowledgement());
    /// ```
    pub fn needs_acknowledgement(&self) -> bool {
        self.uuid.as_ref().is_some_and(|uuid| !uuid.is_empty())
    }
}
