//! Instants that lie ahead, however far.

use std::time::{Duration, Instant};

/// The instant after a wait; a wait that no clock can count is a year.
pub(crate) fn after(now: Instant, wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    now.checked_add(wait).unwrap_or_else(|| now + YEAR)
}
