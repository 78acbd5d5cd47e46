//! Calls of a kind that the service allows so many of in a second.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::deadline::Deadline;

/// Gives each call a moment of its own, the same time apart from the next. Holds no lock while
/// anybody waits.
#[derive(Debug)]
pub(crate) struct Pace {
    apart: Duration,
    /// The first moment that nobody has.
    free_from: Mutex<Option<Instant>>,
}

impl Pace {
    /// At most `count` calls in a second.
    pub(crate) const fn per_second(count: u32) -> Self {
        Self { apart: Duration::from_millis(1000 / count as u64), free_from: Mutex::new(None) }
    }

    /// How long a call has to wait that comes now. `None`, and no moment is taken, where it would
    /// come past its deadline.
    pub(crate) fn wait(&self, deadline: Deadline) -> Option<Duration> {
        self.wait_from(Instant::now(), deadline.instant())
    }

    fn wait_from(&self, now: Instant, latest: Instant) -> Option<Duration> {
        let mut free_from = self.free_from.lock();
        let mine = free_from.map_or(now, |free| free.max(now));
        if mine >= latest {
            return None;
        }
        *free_from = Some(mine + self.apart);
        Some(mine.duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn calls_that_come_together_are_spread_and_one_that_comes_late_does_not_wait() {
        let (pace, now) = (Pace::per_second(10), Instant::now());
        let latest = now + Duration::from_secs(30);
        let waits: Vec<_> = (0..4).map(|_| pace.wait_from(now, latest).unwrap()).collect();
        assert_eq!(waits, [Duration::ZERO, 100 * MS, 200 * MS, 300 * MS]);
        assert_eq!(pace.wait_from(now + 350 * MS, latest), Some(50 * MS));
        assert_eq!(pace.wait_from(now + 900 * MS, latest), Some(Duration::ZERO));
        assert_eq!(pace.wait_from(now + 900 * MS, latest), Some(100 * MS));
    }

    #[test]
    fn a_call_without_the_time_to_wait_takes_nobodys_place() {
        let (pace, now) = (Pace::per_second(10), Instant::now());
        let latest = now + 150 * MS;
        assert_eq!(pace.wait_from(now, now), None);
        pace.wait_from(now, latest).unwrap();
        pace.wait_from(now, latest).unwrap();
        for _ in 0..100 {
            assert_eq!(pace.wait_from(now, latest), None);
        }
        assert_eq!(pace.wait_from(now, now + Duration::from_secs(1)), Some(200 * MS));
    }
}
