//! What arrived: the requests, the violations, the counters, and waiting for them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::redact;
use crate::script::Target;

/// So many requests are kept; of a simulator that runs for weeks the oldest are forgotten.
const KEPT: usize = 100_000;

/// One request as it arrived, secrets included. `Debug` redacts them.
#[derive(Clone)]
pub struct RecordedRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path, as sent, without the query.
    pub path: String,
    /// The query as sent, without the `?`; empty where there is none.
    pub query: String,
    /// The headers in the order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Which connection brought it: they are counted from 1.
    pub connection: u64,
    /// The status that was answered; `None` while there is no answer, and for ever where the
    /// connection was cut instead.
    pub status: Option<u16>,
    /// The simulated time of arrival.
    pub at: SystemTime,
    pub(crate) serial: u64,
}

impl RecordedRequest {
    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Failed assertions print this; a test log is no place for a secret.
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("headers", &redact::headers(&self.headers))
            .field("body", &redact::body(&self.path, &self.body))
            .field("connection", &self.connection)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Pages {
    requests: VecDeque<RecordedRequest>,
    violations: Vec<String>,
    next_serial: u64,
    sign_ins: usize,
    arrived: usize,
    connections: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    pages: Mutex<Pages>,
    arrived: Condvar,
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request and returns the serial under which its status is filed.
    pub(crate) fn record(&self, mut request: RecordedRequest) -> u64 {
        let mut pages = self.lock();
        let serial = pages.next_serial;
        pages.next_serial += 1;
        pages.arrived += 1;
        if request.path == crate::AUTHENTICATE {
            pages.sign_ins += 1;
        }
        request.serial = serial;
        if pages.requests.len() == KEPT {
            pages.requests.pop_front();
        }
        pages.requests.push_back(request);
        drop(pages);
        self.arrived.notify_all();
        serial
    }

    pub(crate) fn answered(&self, serial: u64, status: u16) {
        let mut pages = self.lock();
        if let Ok(at) = pages.requests.binary_search_by_key(&serial, |request| request.serial) {
            pages.requests[at].status = Some(status);
        }
    }

    pub(crate) fn violation(&self, text: String) {
        let mut pages = self.lock();
        if pages.violations.len() < KEPT {
            pages.violations.push(text);
        }
    }

    pub(crate) fn connected(&self) -> u64 {
        let mut pages = self.lock();
        pages.connections += 1;
        pages.connections
    }

    pub(crate) fn connections(&self) -> u64 {
        self.lock().connections
    }

    pub(crate) fn sign_ins(&self) -> usize {
        self.lock().sign_ins
    }

    pub(crate) fn arrived(&self) -> usize {
        self.lock().arrived
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    pub(crate) fn requests(&self, target: Option<&Target>) -> Vec<RecordedRequest> {
        self.lock()
            .requests
            .iter()
            .filter(|request| {
                target.is_none_or(|target| target.matches(&request.method, &request.path))
            })
            .cloned()
            .collect()
    }

    pub(crate) fn clear(&self) {
        let mut pages = self.lock();
        pages.requests.clear();
        pages.violations.clear();
        pages.sign_ins = 0;
        pages.arrived = 0;
    }

    /// Waits until `count` matching requests were recorded since the last clearing.
    pub(crate) fn wait_for(&self, target: &Target, count: usize, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut pages = self.lock();
        loop {
            let matching = pages
                .requests
                .iter()
                .filter(|request| target.matches(&request.method, &request.path))
                .count();
            if matching >= count {
                return true;
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            pages =
                self.arrived.wait_timeout(pages, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
