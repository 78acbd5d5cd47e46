//! Why no answer came, in words for somebody who has to do something about it.

use std::fmt;
use std::io;
use std::time::Duration;

use super::NoAnswer;
use super::call::{Phase, SoFar};
use super::exchange::Broken;
use crate::collected::Refused;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};

/// What the message of a failure is made from.
pub(super) struct Circumstances<'a> {
    /// Host, and port where it is not the usual one.
    pub(super) host: &'a str,
    pub(super) so_far: SoFar,
    pub(super) deadline: Deadline,
    pub(super) taken: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) cancelled: bool,
}

impl Circumstances<'_> {
    pub(super) fn no_answer(&self, error: ureq::Error) -> NoAnswer {
        if self.cancelled {
            // Whatever else it looks like: a socket that was shut down ends in many ways.
            return NoAnswer {
                error: cancelled(),
                progress: self.so_far.progress,
                callers_own: true,
            };
        }
        let timed_out = matches!(error, ureq::Error::Timeout(_));
        let callers_own = timed_out
            && (self.deadline.has_passed()
                || matches!(error, ureq::Error::Timeout(ureq::Timeout::Global)));
        let error = if callers_own {
            self.timed_out()
        } else if timed_out {
            self.not_connected()
        } else {
            self.explain(error)
        };
        NoAnswer { error, progress: self.so_far.progress, callers_own }
    }

    fn timed_out(&self) -> Error {
        let doing = self.so_far.phase.doing();
        Error::new(
            ErrorKind::Timeout,
            format!("{} did not answer within {} ({doing})", self.host, seconds(self.taken)),
        )
    }

    fn not_connected(&self) -> Error {
        let (host, limit) = (self.host, seconds(self.connect_timeout));
        let what = match self.so_far.phase {
            Phase::Resolving => format!(
                "cannot resolve {host}: no answer within {limit}; check the network and the DNS \
                 settings"
            ),
            phase => format!("cannot connect to {host} within {limit} ({})", phase.doing()),
        };
        Error::new(ErrorKind::Network, what)
    }

    fn explain(&self, error: ureq::Error) -> Error {
        use ureq::Error as U;

        let host = self.host;
        match error {
            // From our own connectors, complete.
            U::Other(error) => match error.downcast::<Error>() {
                Ok(error) => *error,
                Err(error) => match error.downcast_ref::<Broken>() {
                    Some(broken) => self.broken(&broken.0),
                    None => network(format!("no connection to {host}: {error}")),
                },
            },
            U::Io(error) => self.broken(&error),
            U::Protocol(why) => self.protocol(&why),
            U::LargeResponseHeader(_, limit) => bad_response(format!(
                "the headers of the answer of {host} are larger than {limit} bytes"
            )),
            U::ConnectProxyFailed(why) => {
                network(format!("the proxy did not connect to {host}: {why}"))
            }
            U::BodyExceedsLimit(limit) => {
                refused(&Refused::TooLarge, usize::try_from(limit).unwrap_or(usize::MAX), host)
            }
            // Of the request; what is wrong with it may be a secret.
            U::Http(_) | U::BadUri(_) => {
                Error::invalid("path is no URL path: encode what is not allowed in one")
            }
            U::ConnectionFailed | U::HostNotFound => network(format!("no connection to {host}")),
            other => Error::new(ErrorKind::Internal, format!("the call to {host} failed: {other}")),
        }
    }

    fn broken(&self, error: &io::Error) -> Error {
        let host = self.host;
        let closed =
            matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::WriteZero);
        let how = if closed { "closed by the other side".to_owned() } else { os_text(error) };
        if self.so_far.progress == super::Progress::Answered {
            return bad_response(format!("the answer of {host} was cut off: {how}"));
        }
        match self.so_far.phase {
            Phase::Sending | Phase::Waiting | Phase::Reading => {
                network(format!("the connection to {host} broke before the answer: {how}"))
            }
            phase => network(format!("the connection to {host} broke ({}): {how}", phase.doing())),
        }
    }

    fn protocol(&self, why: &dyn fmt::Display) -> Error {
        let host = self.host;
        match self.so_far.phase {
            Phase::Tunnelling => network(format!("the proxy's answer is not HTTP: {why}")),
            _ => bad_response(format!("the answer of {host} is not proper HTTP: {why}")),
        }
    }
}

/// Of a body that could not be taken in.
pub(super) fn refused(why: &Refused, limit: usize, host: &str) -> Error {
    match why {
        Refused::TooLarge => bad_response(format!(
            "the answer of {host} is larger than max_response_bytes ({limit})"
        )),
        Refused::OutOfMemory => Error::new(
            ErrorKind::Internal,
            format!("there is not enough memory for the answer of {host}"),
        ),
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the call was cancelled")
}

fn network(message: String) -> Error {
    Error::new(ErrorKind::Network, message)
}

fn bad_response(message: String) -> Error {
    Error::new(ErrorKind::BadResponse, message)
}

/// What the system says, without what only programmers read: "connection refused".
pub(super) fn os_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    let mut chars = text.chars();
    match chars.next() {
        // Not "iP": only words that begin a sentence.
        Some(first) if chars.as_str().starts_with(|c: char| c.is_lowercase()) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_millis(950) {
        // Milliseconds that were meant as seconds are to be seen as what they are.
        return format!("{} ms", time.as_millis());
    }
    let tenths = (time.as_millis() + 50) / 100;
    if tenths % 10 == 0 {
        format!("{} s", tenths / 10)
    } else {
        format!("{}.{} s", tenths / 10, tenths % 10)
    }
}

/// The day of a Unix time, as in 2024-05-31 (proleptic Gregorian calendar, UTC).
#[cfg_attr(not(feature = "rustls"), allow(dead_code, reason = "only certificates have dates"))]
pub(super) fn date(unix_seconds: u64) -> String {
    // Days since 0000-03-01, so that the leap day is the last of a year; then the years that
    // fit, with the three corrections of the calendar. A certificate's dates end in 9999.
    let days = unix_seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_717_200_000, "2024-06-01"),
            (4_107_542_400, "2100-03-01"),
            (253_402_300_799, "9999-12-31"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }

    #[test]
    fn the_systems_words_are_kept_and_its_numbers_are_not() {
        assert_eq!(
            os_text(&io::Error::from_raw_os_error(libc::ECONNREFUSED)),
            "connection refused"
        );
        assert_eq!(seconds(Duration::from_millis(30)), "30 ms");
        assert_eq!(seconds(Duration::from_millis(949)), "949 ms");
        assert_eq!(seconds(Duration::from_millis(950)), "1 s");
        assert_eq!(seconds(Duration::from_millis(10_004)), "10 s");
        assert_eq!(seconds(Duration::from_millis(1_960)), "2 s");
        assert_eq!(seconds(Duration::from_millis(2_500)), "2.5 s");
    }
}
