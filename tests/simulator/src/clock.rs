//! The simulated time: the real one plus what tests moved it by.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Two offsets, because they answer different questions. `advance` is time that passes: tokens
/// run out, locks open. `skew` is a server whose clock is wrong: what it *says* moves, and
/// nothing runs out.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_at: Duration,
    advanced_ms: AtomicU64,
    skew_s: AtomicI64,
}

/// One moment, read once per request so that `Date` and `iat` agree to the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Time since the Unix epoch by which things expire.
    pub(crate) true_time: Duration,
    /// What the service believes to be the time: Unix seconds, for `Date`, `iat` and `exp`.
    pub(crate) said: i64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            // The wall clock is read once: a clock that is set while tests run moves nothing.
            started: Instant::now(),
            started_at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            advanced_ms: AtomicU64::new(0),
            skew_s: AtomicI64::new(0),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        let true_time = self.started_at
            + self.started.elapsed()
            + Duration::from_millis(self.advanced_ms.load(Ordering::SeqCst));
        let said = i64::try_from(true_time.as_secs())
            .unwrap_or(i64::MAX)
            .saturating_add(self.skew_s.load(Ordering::SeqCst));
        Moment { true_time, said }
    }

    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        // A century at most: beyond it the sums above would overflow before any test is wiser.
        let by = by.min(100 * 366 * 86_400 * 1000);
        self.advanced_ms.fetch_add(by, Ordering::SeqCst);
    }

    pub(crate) fn set_skew(&self, seconds: i64) {
        self.skew_s.store(seconds, Ordering::SeqCst);
    }
}

impl Moment {
    /// The moment as HTTP writes it.
    pub(crate) fn http_date(self) -> String {
        // An HTTP date starts in 1970 and has four digits of year; a skew beyond that is clamped.
        let seconds = u64::try_from(self.said).unwrap_or(0).min(253_402_300_799);
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    /// The moment as a JSON time of the service.
    pub(crate) fn iso(self) -> String {
        iso_date_time(self.said)
    }
}

/// `2024-02-29T12:34:56.000+0000`, the form in which the service writes times.
pub(crate) fn iso_date_time(unix: i64) -> String {
    let (year, month, day) = civil(unix.div_euclid(86_400));
    let second = unix.rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.000+0000",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Reads a date (`2021-10-29`, which lasts to its end) or an ISO 8601 time, as Unix seconds.
pub(crate) fn parse_iso(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
        digits.parse().ok()
    };
    let separator =
        |at: usize, wanted: &[u8]| wanted.contains(text.as_bytes().get(at)?).then_some(());
    separator(4, b"-")?;
    separator(7, b"-")?;
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    ((1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day)).then_some(())?;
    let midnight = days_since_epoch(year, month, day) * 86_400;
    if text.len() == 10 {
        return Some(midnight + 86_399);
    }
    separator(10, b"T ")?;
    separator(13, b":")?;
    separator(16, b":")?;
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    (hour < 24 && minute < 60 && second < 61).then_some(())?;
    let mut zone = text.get(19..)?;
    if let Some(fraction) = zone.strip_prefix('.') {
        zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let offset = match zone.as_bytes() {
        [] | [b'Z'] => 0,
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let digits: String = rest.iter().filter(|b| **b != b':').map(|b| *b as char).collect();
            (digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
            let hhmm: i64 = digits.parse().ok()?;
            let seconds = (hhmm / 100 * 60 + hhmm % 100) * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    Some(midnight + hour * 3600 + minute * 60 + second - offset)
}

fn days_in(year: i64, month: i64) -> i64 {
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_since_epoch(next.0, next.1, 1) - days_since_epoch(year, month, 1)
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in
/// March so that the leap day is the last one of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    // A first guess that is never too late, then the remaining months are walked.
    let mut year = 1970 + days.div_euclid(if days < 0 { 365 } else { 366 });
    while days_since_epoch(year + 1, 1, 1) <= days {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && days_since_epoch(year, month + 1, 1) <= days {
        month += 1;
    }
    (year, month, days - days_since_epoch(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::{Clock, iso_date_time, parse_iso};
    use std::time::Duration;

    #[test]
    fn dates_survive_the_way_there_and_back() {
        for unix in [0, 951_782_400, 1_700_000_000, 1_709_210_096, 4_102_444_800, -86_400] {
            assert_eq!(parse_iso(&iso_date_time(unix)), Some(unix), "{unix}");
        }
        assert_eq!(iso_date_time(1_709_210_096), "2024-02-29T12:34:56.000+0000");
    }

    #[test]
    fn a_date_without_a_time_lasts_to_the_end_of_its_day() {
        assert_eq!(parse_iso("2021-10-29"), Some(1_635_551_999));
        assert_eq!(parse_iso("2021-10-29T02:00:00+02:00"), Some(1_635_465_600));
        for wrong in ["2021-02-30", "29.10.2021", "2021-10-29T25:00:00", "", "2021-10-29T"] {
            assert_eq!(parse_iso(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn skew_moves_what_is_said_and_not_what_passes() {
        let clock = Clock::new();
        let before = clock.now();
        clock.set_skew(-86_400);
        let after = clock.now();
        assert!(after.true_time - before.true_time < Duration::from_secs(60));
        assert!(before.said - after.said > 86_000);
        clock.advance(Duration::from_secs(86_400));
        assert!(clock.now().true_time - before.true_time >= Duration::from_secs(86_400));
    }
}
