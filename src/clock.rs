//! Time since boot, suspend included: the only clock that decides about tokens.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use crate::sys;

/// A point in time, counted from the device's boot. Setting the wall clock does not move it, and
/// it goes on while the device sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

/// Where the time comes from: the system, or a test that moves it.
pub(crate) trait Clock: fmt::Debug + Send + Sync + 'static {
    fn now(&self) -> Moment;
}

/// `CLOCK_BOOTTIME`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BootClock;

impl Clock for BootClock {
    #[inline]
    fn now(&self) -> Moment {
        Moment::from_nanos(sys::nanos_since_boot())
    }
}

#[cfg(test)]
pub(crate) mod manual {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A clock that stands still until the test moves it.
    #[derive(Clone, Debug)]
    pub(crate) struct ManualClock(Arc<AtomicU64>);

    impl ManualClock {
        /// Starts an hour after boot, so that tests can also look back.
        pub(crate) fn new() -> Self {
            Self(Arc::new(AtomicU64::new(3_600_000_000_000)))
        }

        pub(crate) fn advance(&self, time: Duration) {
            self.0.fetch_add(
                u64::try_from(time.as_nanos()).expect("a test's time fits"),
                Ordering::SeqCst,
            );
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Moment {
            Moment::from_nanos(self.0.load(Ordering::SeqCst))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_runs_forward() {
        let first = BootClock.now();
        let second = BootClock.now();
        assert!(second >= first);
        assert!(first > Moment::from_nanos(0));
    }

    #[test]
    fn a_moment_beyond_the_end_of_time_is_the_end_of_time() {
        assert_eq!(BootClock.now() + Duration::MAX, Moment::from_nanos(u64::MAX));
    }
}
