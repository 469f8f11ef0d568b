//! What kind of end a task had, and whether another try can help.

use mesos_proto::v1::{
    TaskState,
    task_status::{Reason, Source},
};

use super::outcome::TaskEnd;

/// How Docker's containerizer words the end of a container that `docker run` refused to start.
pub(super) const DOCKER_RUN_REFUSED: &str = "Container exited with status 125";

/// The kinds of ends that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// It did what it should and exited with 0.
    Finished,
    /// It exited with another status, or by a signal that nobody of Mesos sent.
    Failed,
    /// It was killed as wished.
    Killed,
    /// Its health check failed too often, and the executor killed it.
    HealthCheckFailed,
    /// It took more memory than it had. With the Docker containerizer this looks like [`Cause::Failed`] with
    /// status 137.
    OutOfMemory,
    /// It broke another limit, of disk for instance.
    LimitExceeded,
    /// It ran for longer than its `max_completion_time`.
    TookTooLong,
    /// Its image could not be had.
    ImagePullFailed,
    /// `docker run` refused it: a port that is taken, a parameter that Docker does not know.
    DockerRunFailed,
    /// The agent could not make its container for another reason.
    ContainerLaunchFailed,
    /// Its executor went away or never came.
    ExecutorLost,
    /// The master refuses it as it is described.
    Invalid,
    /// The framework may not run it.
    Unauthorized,
    /// It never reached an agent.
    Dropped,
    /// Its agent is gone, or restarted without it. [`TaskState::may_come_back`] tells whether the task may live.
    AgentLost,
    /// Its agent is being drained.
    AgentDraining,
    /// The master does not know it.
    Unknown,
}

impl Cause {
    pub(super) fn of(end: &TaskEnd) -> Self {
        match end.state {
            TaskState::TaskFinished => Self::Finished,
            TaskState::TaskError => match end.reason {
                Some(Reason::TaskUnauthorized | Reason::TaskGroupUnauthorized) => Self::Unauthorized,
                _ => Self::Invalid,
            },
            TaskState::TaskDropped => Self::Dropped,
            TaskState::TaskLost if end.reason == Some(Reason::InvalidOffers) => Self::Dropped,
            TaskState::TaskLost | TaskState::TaskGone | TaskState::TaskGoneByOperator => Self::AgentLost,
            TaskState::TaskKilled => match end.reason {
                Some(Reason::AgentDraining) => Self::AgentDraining,
                _ if end.healthy == Some(false) => Self::HealthCheckFailed,
                _ => Self::Killed,
            },
            TaskState::TaskFailed => Self::of_failure(end),
            // None of these is an end, but for the last: a master that went on not to know the task.
            TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling
            | TaskState::TaskUnreachable
            | TaskState::TaskUnknown => Self::Unknown,
        }
    }

    fn of_failure(end: &TaskEnd) -> Self {
        match end.reason {
            Some(Reason::ContainerLimitationMemory) => Self::OutOfMemory,
            Some(Reason::ContainerLimitation | Reason::ContainerLimitationDisk) => Self::LimitExceeded,
            Some(Reason::MaxCompletionTimeReached) => Self::TookTooLong,
            Some(Reason::AgentDraining) => Self::AgentDraining,
            // Docker's words, and those of the image provisioner of the Mesos containerizer.
            Some(Reason::ContainerLaunchFailed)
                if [" pull ", "Failed to find archive", "Failed to fetch manifest"]
                    .iter()
                    .any(|words| end.message.contains(words)) =>
            {
                Self::ImagePullFailed
            }
            Some(Reason::ContainerLaunchFailed | Reason::ContainerUpdateFailed) => {
                Self::ContainerLaunchFailed
            }
            Some(
                Reason::ExecutorTerminated
                | Reason::ExecutorRegistrationTimeout
                | Reason::ExecutorReregistrationTimeout
                | Reason::IoSwitchboardExited,
            ) => Self::ExecutorLost,
            Some(Reason::AgentRestarted) => Self::AgentLost,
            _ if end.message == DOCKER_RUN_REFUSED && end.source != Some(Source::Master) => {
                Self::DockerRunFailed
            }
            _ => Self::Failed,
        }
    }

    /// Whether the same task, submitted again under another id, may fare better.
    pub fn can_retry(self) -> bool {
        match self {
            // Of a failure and a broken limit only its owner can tell; the next try may go well.
            Self::Failed
            | Self::OutOfMemory
            | Self::HealthCheckFailed
            | Self::DockerRunFailed
            | Self::ContainerLaunchFailed
            | Self::ExecutorLost
            | Self::Dropped
            | Self::AgentLost
            | Self::AgentDraining
            | Self::Unknown => true,
            Self::Finished
            | Self::Killed
            | Self::LimitExceeded
            | Self::TookTooLong
            | Self::ImagePullFailed
            | Self::Invalid
            | Self::Unauthorized => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_as_they_were_recorded_have_their_kinds() {
        let end = |state, reason, message: &str| TaskEnd { reason, ..TaskEnd::untold(state, message) };
        let (failed, killed) = (TaskState::TaskFailed, TaskState::TaskKilled);
        let (error, lost) = (TaskState::TaskError, TaskState::TaskLost);
        let launch = Some(Reason::ContainerLaunchFailed);
        let pull = "Failed to launch container: Failed to run 'docker -H unix:///var/run/docker.sock pull \
                    nosuch/image:1': exited with status 1; stderr='Error response from daemon: no such image'";
        for (end, cause) in [
            (end(TaskState::TaskFinished, None, "Command exited with status 0"), Cause::Finished),
            (end(failed, None, "Command exited with status 3"), Cause::Failed),
            (end(failed, None, "Container exited with status 137"), Cause::Failed),
            (end(failed, None, "Container exited with status 125"), Cause::DockerRunFailed),
            (end(failed, launch, pull), Cause::ImagePullFailed),
            (end(failed, launch, "Failed to find archive for image 'a'"), Cause::ImagePullFailed),
            (end(failed, launch, "Unknown CNI network 'nosuch'"), Cause::ContainerLaunchFailed),
            (end(failed, Some(Reason::ContainerLimitationMemory), "Memory limit"), Cause::OutOfMemory),
            (end(failed, Some(Reason::ContainerLimitationDisk), "Disk"), Cause::LimitExceeded),
            (end(failed, Some(Reason::MaxCompletionTimeReached), "Terminated"), Cause::TookTooLong),
            (end(failed, Some(Reason::ExecutorTerminated), "Executor terminated"), Cause::ExecutorLost),
            (end(killed, None, "Command terminated with signal Terminated"), Cause::Killed),
            (TaskEnd { healthy: Some(false), ..end(killed, None, "") }, Cause::HealthCheckFailed),
            (end(killed, Some(Reason::AgentDraining), ""), Cause::AgentDraining),
            (end(error, Some(Reason::TaskInvalid), "Task uses no resources"), Cause::Invalid),
            (end(error, Some(Reason::TaskUnauthorized), ""), Cause::Unauthorized),
            (end(lost, Some(Reason::InvalidOffers), ""), Cause::Dropped),
            (end(lost, Some(Reason::AgentRemoved), "health check timed out"), Cause::AgentLost),
            (end(TaskState::TaskGoneByOperator, None, ""), Cause::AgentLost),
            (end(TaskState::TaskDropped, Some(Reason::AgentRestarted), ""), Cause::Dropped),
            (end(TaskState::TaskUnknown, None, ""), Cause::Unknown),
        ] {
            assert_eq!(end.cause(), cause, "{end}");
        }
    }
}
