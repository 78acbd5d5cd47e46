//! The moment a call has to end by.

use std::time::{Duration, Instant};

/// The moment by which a call returns, whatever happens. Runs on the monotonic clock: only time
/// during which the device was awake counts against a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// The deadline of a call that starts now and may take `time`.
    pub(crate) fn after(time: Duration) -> Self {
        let now = Instant::now();
        // A time-out beyond what the clock can count is a year, not a panic.
        Self(now.checked_add(time).unwrap_or(now + Duration::from_secs(365 * 24 * 3600)))
    }

    /// What is left of it; zero when it has passed.
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub(crate) fn has_passed(self) -> bool {
        self.left().is_zero()
    }

    pub(crate) fn instant(self) -> Instant {
        self.0
    }
}
