//! The gate behind which held answers wait, so that tests order events without sleeping.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

#[derive(Debug)]
pub(crate) struct Gate {
    /// How many answers wait now, and since which opening of the gate they are counted.
    waiting: Mutex<Waiting>,
    changed: Condvar,
    openings: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Waiting {
    count: usize,
    opening: u64,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new(), openings: watch::Sender::new(0) }
    }

    /// Waits until the gate is opened the next time.
    pub(crate) async fn pass(&self) {
        let mut openings = self.openings.subscribe();
        let place = self.take_place();
        // The place knows the opening it was taken under, so one that happened between the two
        // lines above is not missed.
        let _ = openings.wait_for(|opening| *opening > place.opening).await;
    }

    fn take_place(&self) -> Place<'_> {
        let mut waiting = self.lock();
        waiting.count += 1;
        let opening = waiting.opening;
        drop(waiting);
        self.changed.notify_all();
        Place { gate: self, opening }
    }

    pub(crate) fn open(&self) {
        let mut waiting = self.lock();
        // Counted down here and not by those who leave: whoever asks right after the opening
        // must not see answers that are already on their way.
        waiting.count = 0;
        waiting.opening += 1;
        let opening = waiting.opening;
        drop(waiting);
        self.openings.send_replace(opening);
    }

    /// How many answers are held now.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().count
    }

    /// Waits until at least `count` answers are held; `false` when `timeout` passes before.
    pub(crate) fn wait_for(&self, count: usize, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut waiting = self.lock();
        while waiting.count < count {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            waiting =
                self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One held answer. It is dropped when the answer goes out and also when its client goes away.
struct Place<'a> {
    gate: &'a Gate,
    opening: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.gate.lock();
        if waiting.opening == self.opening {
            waiting.count -= 1;
        }
    }
}
