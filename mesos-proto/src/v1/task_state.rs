//! What the states of a task mean.

use super::TaskState;

impl TaskState {
    /// Whether a task in this state never changes again.
    ///
    /// `TASK_LOST` counts as terminal although the task may live and come back: that is how frameworks
    /// without `PARTITION_AWARE` see an agent go. `TASK_UNREACHABLE` and `TASK_UNKNOWN` do not count.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_of_fourteen_states_are_terminal() {
        let states: Vec<TaskState> = (0..=13).map(|number| TaskState::try_from(number).unwrap()).collect();
        assert_eq!(states.len(), 14);
        assert_eq!(states.iter().filter(|state| state.is_terminal()).count(), 8);
    }
}
