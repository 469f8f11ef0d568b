//! What the states of a task mean.

use super::TaskState;

impl TaskState {
    /// Whether a task in this state never changes again.
    ///
    /// `TASK_LOST` counts as terminal although the task may live and come back: that is how frameworks
    /// without `PARTITION_AWARE` see an agent go. `TASK_UNREACHABLE` and `TASK_UNKNOWN` do not count.
    ///
    /// ```
    /// # use mesos_proto::v1::TaskState;
    /// assert!(TaskState::TaskFinished.is_terminal());
    /// assert!(!TaskState::TaskUnreachable.is_terminal());
    /// ```
    pub fn is_terminal(self) -> bool {
        match self {
            Self::TaskFinished
            | Self::TaskFailed
            | Self::TaskKilled
            | Self::TaskError
            | Self::TaskLost
            | Self::TaskDropped
            | Self::TaskGone
            | Self::TaskGoneByOperator => true,
            Self::TaskStaging
            | Self::TaskStarting
            | Self::TaskRunning
            | Self::TaskKilling
            | Self::TaskUnreachable
            | Self::TaskUnknown => false,
        }
    }

    /// Whether the same work may be tried again, under a new id, with hope: it ended without being done, and
    /// neither by request nor because its description is wrong.
    ///
    /// How often to retry is the framework's policy, above all for `TASK_FAILED`. `TASK_LOST` and
    /// `TASK_GONE_BY_OPERATOR` are retriable, but what was given up may come back: see
    /// [`TaskState::may_come_back`]. `TASK_KILLED` may also be due to a failed health check or to draining of
    /// the agent, which the reason of the status tells.
    ///
    /// ```
    /// # use mesos_proto::v1::TaskState;
    /// assert!(TaskState::TaskDropped.is_retriable());
    /// assert!(!TaskState::TaskError.is_retriable(), "the master would refuse it again");
    /// ```
    pub fn is_retriable(self) -> bool {
        match self {
            Self::TaskFailed
            | Self::TaskLost
            | Self::TaskDropped
            | Self::TaskGone
            | Self::TaskGoneByOperator => true,
            Self::TaskFinished
            | Self::TaskKilled
            | Self::TaskError
            | Self::TaskStaging
            | Self::TaskStarting
            | Self::TaskRunning
            | Self::TaskKilling
            | Self::TaskUnreachable
            | Self::TaskUnknown => false,
        }
    }

    /// Whether the task is on an agent that the master hears of, on its way up, running or on its way down.
    ///
    /// ```
    /// # use mesos_proto::v1::TaskState;
    /// assert!(TaskState::TaskKilling.is_active());
    /// assert!(!TaskState::TaskUnreachable.is_active());
    /// ```
    pub fn is_active(self) -> bool {
        match self {
            Self::TaskStaging | Self::TaskStarting | Self::TaskRunning | Self::TaskKilling => true,
            Self::TaskFinished
            | Self::TaskFailed
            | Self::TaskKilled
            | Self::TaskError
            | Self::TaskLost
            | Self::TaskDropped
            | Self::TaskGone
            | Self::TaskGoneByOperator
            | Self::TaskUnreachable
            | Self::TaskUnknown => false,
        }
    }

    /// Whether the master does not know if the task runs, so that it may turn up again: `TASK_UNREACHABLE`,
    /// `TASK_UNKNOWN`, `TASK_LOST`, and `TASK_GONE_BY_OPERATOR` if the operator was wrong. Who starts another
    /// one in its place has one too many then.
    ///
    /// ```
    /// # use mesos_proto::v1::TaskState;
    /// assert!(TaskState::TaskLost.may_come_back());
    /// assert!(!TaskState::TaskGone.may_come_back(), "its agent runs without it");
    /// ```
    pub fn may_come_back(self) -> bool {
        match self {
            Self::TaskUnreachable | Self::TaskUnknown | Self::TaskLost | Self::TaskGoneByOperator => true,
            Self::TaskStaging
            | Self::TaskStarting
            | Self::TaskRunning
            | Self::TaskKilling
            | Self::TaskFinished
            | Self::TaskFailed
            | Self::TaskKilled
            | Self::TaskError
            | Self::TaskDropped
            | Self::TaskGone => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Terminal, retriable, active, may come back: one line for each of the fourteen.
    #[test]
    fn every_state_has_its_meaning() {
        const YES: bool = true;
        const NO: bool = false;
        let table = [
            (TaskState::TaskStarting, [NO, NO, YES, NO]),
            (TaskState::TaskRunning, [NO, NO, YES, NO]),
            (TaskState::TaskFinished, [YES, NO, NO, NO]),
            (TaskState::TaskFailed, [YES, YES, NO, NO]),
            (TaskState::TaskKilled, [YES, NO, NO, NO]),
            (TaskState::TaskLost, [YES, YES, NO, YES]),
            (TaskState::TaskStaging, [NO, NO, YES, NO]),
            (TaskState::TaskError, [YES, NO, NO, NO]),
            (TaskState::TaskKilling, [NO, NO, YES, NO]),
            (TaskState::TaskDropped, [YES, YES, NO, NO]),
            (TaskState::TaskUnreachable, [NO, NO, NO, YES]),
            (TaskState::TaskGone, [YES, YES, NO, NO]),
            (TaskState::TaskGoneByOperator, [YES, YES, NO, YES]),
            (TaskState::TaskUnknown, [NO, NO, NO, YES]),
        ];
        for (number, (state, expected)) in table.into_iter().enumerate() {
            assert_eq!(state as usize, number);
            let seen = [state.is_terminal(), state.is_retriable(), state.is_active(), state.may_come_back()];
            assert_eq!(seen, expected, "{state:?}");
        }
        assert!(TaskState::try_from(14).is_err());
    }
}
