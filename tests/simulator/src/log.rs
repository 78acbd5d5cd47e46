//! The request log: one line per request, never a secret.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::clock::{Moment, iso_date_time};

pub(crate) struct RequestLog(Mutex<Option<Box<dyn Write + Send>>>);

impl RequestLog {
    pub(crate) fn none() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn to(writer: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new(Some(writer)))
    }

    /// Writes the time, the method, the path without its query, and the status: `-` where the
    /// connection was cut instead.
    pub(crate) fn line(&self, now: Moment, method: &str, path: &str, status: Option<u16>) {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.as_mut() {
            let time = iso_date_time(now.said);
            let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
            // In one piece, so that the lines of two processes do not mix. A log that cannot be
            // written is no reason to fail a request.
            let _ = writer.write_all(format!("{time} {method} {path} {status}\n").as_bytes());
            let _ = writer.flush();
        }
    }
}
