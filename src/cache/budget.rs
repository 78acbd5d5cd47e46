//! The last resort against hammering: ten sign-in requests in any five minutes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;

/// Sign-in requests that a client sends in any [`WINDOW`], whatever happens. The service allows
/// 100 per address in the same time, and a site may have many devices behind one address.
pub(super) const LIMIT: usize = 10;

/// The stretch of time over which the service counts.
pub(super) const WINDOW: Duration = Duration::from_secs(5 * 60);

/// When the latest sign-in requests were sent.
#[derive(Debug, Default)]
pub(super) struct Budget(VecDeque<Moment>);

impl Budget {
    /// Notes a request. `at` is the moment it ended, not the one it began: a slow connection may
    /// have put it on the air at any time in between, and the count must never be short.
    pub(super) fn spend(&mut self, at: Moment) {
        if self.0.len() == LIMIT {
            self.0.pop_front();
        }
        self.0.push_back(at);
    }

    /// From when on another request may be sent.
    pub(super) fn available_from(&self) -> Moment {
        match self.0.front() {
            Some(&oldest) if self.0.len() == LIMIT => oldest + WINDOW,
            _ => Moment::from_nanos(0),
        }
    }
}
