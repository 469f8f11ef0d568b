//! What the results of a health check come to: when a task is called healthy or not, and when it is killed.

use std::time::Duration;

use mesos_proto::v1;

/// Counts failures of one task.
///
/// Until the grace period is over or a first probe succeeds, failures count for nothing and nobody hears of
/// them. Afterwards each failure is told, and so is the first success after the start or after a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Health {
    /// Since the task runs.
    grace: Duration,
    max_failures: u32,
    is_new: bool,
    failures: u32,
}

/// What comes of one result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing that anybody has to be told.
    Unchanged,
    /// Healthy for the first time, or again.
    Healthy,
    Unhealthy {
        /// It failed so often that the task is not to live on.
        is_last: bool,
    },
}

impl Health {
    pub(super) fn new(check: &v1::HealthCheck) -> Self {
        Self {
            grace: seconds(check.grace_period_seconds()),
            max_failures: check.consecutive_failures(),
            is_new: true,
            failures: 0,
        }
    }

    /// Takes a result; `age` is how long the task has been running.
    pub(super) fn handle(&mut self, age: Duration, success: bool) -> Verdict {
        if success {
            let changed = self.is_new || self.failures > 0;
            self.is_new = false;
            self.failures = 0;
            return if changed { Verdict::Healthy } else { Verdict::Unchanged };
        }
        if self.is_new && age < self.grace {
            return Verdict::Unchanged;
        }
        self.is_new = false;
        self.failures = self.failures.saturating_add(1);
        Verdict::Unhealthy { is_last: self.failures >= self.max_failures }
    }
}

/// A number of seconds of a message. Negative ones are refused by the master.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: Verdict = Verdict::Healthy;
    const UNHEALTHY: Verdict = Verdict::Unhealthy { is_last: false };
    const LAST: Verdict = Verdict::Unhealthy { is_last: true };
    const UNCHANGED: Verdict = Verdict::Unchanged;

    #[track_caller]
    fn check(results: &[(u64, bool, Verdict)]) {
        let info = v1::HealthCheck {
            consecutive_failures: Some(2),
            grace_period_seconds: Some(5.0),
            ..Default::default()
        };
        let mut health = Health::new(&info);
        for (index, &(age, success, expected)) in results.iter().enumerate() {
            assert_eq!(health.handle(Duration::from_secs(age), success), expected, "result {index}");
        }
    }

    #[test]
    fn failures_within_the_grace_period_count_for_nothing() {
        check(&[(0, false, UNCHANGED), (4, false, UNCHANGED), (5, false, UNHEALTHY), (6, false, LAST)]);
    }

    #[test]
    fn the_grace_period_ends_with_the_first_success() {
        check(&[(0, false, UNCHANGED), (1, true, HEALTHY), (2, false, UNHEALTHY), (3, false, LAST)]);
    }

    #[test]
    fn every_failure_is_told_and_the_first_success_after_it() {
        check(&[
            (1, true, HEALTHY),
            (2, true, UNCHANGED),
            (3, false, UNHEALTHY),
            (4, true, HEALTHY),
            (5, true, UNCHANGED),
            (6, false, UNHEALTHY),
        ]);
    }

    #[test]
    fn seconds_of_any_size_are_a_time() {
        assert_eq!(seconds(0.5), Duration::from_millis(500));
        assert_eq!(seconds(f64::INFINITY), Duration::MAX);
        assert_eq!(seconds(f64::NAN), Duration::ZERO);
    }
}
