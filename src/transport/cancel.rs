//! Whether the calls of one period, from a resume to the next cancel, are cancelled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Set once and never reset: a resume makes another one. So a call that was in flight when it
/// was cancelled ends with `Cancelled` even if the client was resumed in the meantime.
#[derive(Debug, Default)]
pub(super) struct Cancel {
    set: AtomicBool,
    /// For those who pause. The flag is set under the lock, so that none can miss it.
    pausing: Mutex<()>,
    was_set: Condvar,
}

impl Cancel {
    pub(super) fn set(&self) {
        let pausing = self.pausing.lock().unwrap_or_else(PoisonError::into_inner);
        self.set.store(true, Ordering::SeqCst);
        drop(pausing);
        self.was_set.notify_all();
    }

    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    /// Waits for `time`, or until cancelled.
    pub(super) fn pause(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut pausing = self.pausing.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_set() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.was_set.wait_timeout(pausing, left);
            pausing = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_when_it_is_cancelled() {
        let cancel = Cancel::default();
        std::thread::scope(|scope| {
            scope.spawn(|| cancel.pause(Duration::from_secs(3600)));
            // Most likely it waits by then.
            std::thread::sleep(Duration::from_millis(50));
            cancel.set();
        });
        cancel.pause(Duration::from_secs(3600));
    }
}
