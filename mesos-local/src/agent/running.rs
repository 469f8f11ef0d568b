//! A task that runs: what its checks say becomes updates, or its end.

use mesos_proto::v1::task_status::Reason;
use tokio::time::Instant;

use super::{
    checks::{CheckPlan, Checks, Outcome},
    health::{Health, Verdict},
    report::{Condition, Reporter},
};

/// A task that runs, and what is known of it.
pub(super) struct Running {
    since: Instant,
    checks: Checks,
    health: Option<Health>,
    condition: Condition,
}

impl Running {
    /// Starts the checks; to be called within a tokio runtime.
    pub(super) fn begin(checks: &CheckPlan, now: Instant) -> Self {
        Self {
            since: now,
            checks: Checks::start(checks),
            health: checks.health(),
            condition: Condition::default(),
        }
    }

    /// Waits for the next result of a check.
    pub(super) async fn next(&mut self) -> Outcome {
        self.checks.next().await
    }

    /// Tells what is new; gives whether the task has to be killed for it.
    pub(super) fn take(&mut self, reporter: &Reporter, outcome: Outcome, now: Instant) -> bool {
        match outcome {
            Outcome::Check(status) => {
                if self.condition.check.as_ref() != Some(&status) {
                    self.condition.check = Some(status);
                    reporter.running(Some(Reason::TaskCheckStatusUpdated), &self.condition, None);
                }
                false
            }
            Outcome::Health(success) => {
                let age = now.duration_since(self.since);
                let verdict = self.health.as_mut().map(|health| health.handle(age, success));
                let (healthy, is_last) = match verdict {
                    None | Some(Verdict::Unchanged) => return false,
                    Some(Verdict::Healthy) => (true, false),
                    Some(Verdict::Unhealthy { is_last }) => (false, is_last),
                };
                self.condition.healthy = Some(healthy);
                reporter.running(Some(Reason::TaskHealthCheckStatusUpdated), &self.condition, None);
                is_last
            }
        }
    }
}
