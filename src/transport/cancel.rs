//! Whether the calls of one period, from a resume to the next cancel, are cancelled.

use std::sync::atomic::{AtomicBool, Ordering};

/// Set once and never reset: a resume makes another one. So a call that was in flight when it
/// was cancelled ends with `Cancelled` even if the client was resumed in the meantime.
#[derive(Debug, Default)]
pub(super) struct Cancel(AtomicBool);

impl Cancel {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
