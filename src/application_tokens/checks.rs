//! Dates and address ranges, looked at before they cost a request.

use std::net::IpAddr;

/// A date, `YYYY-MM-DD`, alone or with a time, `Thh:mm[:ss[.fff]]`, and a zone, `Z` or `±hh[:]mm`.
pub(super) fn is_date_or_time(text: &str) -> bool {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    is_date(date) && time.is_none_or(is_time)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_time(text: &str) -> bool {
    let (time, zone) = match text.find(['Z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, "Z"),
    };
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let parts: Vec<&str> = whole.split(':').collect();
    let of_clock = matches!(parts.len(), 2 | 3)
        && parts
            .iter()
            .zip([24, 60, 61])
            .all(|(part, end)| number(part, 2).is_some_and(|n| n < end));
    let zone_is_right = match zone.strip_prefix(['+', '-']) {
        Some(offset) => {
            let digits = offset.replacen(':', "", 1);
            number(&digits, 4).is_some_and(|n| n / 100 < 24 && n % 100 < 60)
        }
        None => zone == "Z",
    };
    of_clock
        && zone_is_right
        && !fraction.is_empty()
        && fraction.bytes().all(|b| b.is_ascii_digit())
}

/// The number that these digits are, as many as there must be.
fn number(digits: &str, count: usize) -> Option<u32> {
    let right = digits.len() == count && digits.bytes().all(|b| b.is_ascii_digit());
    if right { digits.parse().ok() } else { None }
}

pub(super) fn is_cidr(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else { return false };
    let longest = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    let digits = prefix.len() <= 3 && prefix.bytes().all(|b| b.is_ascii_digit());
    digits && prefix.parse::<u32>().is_ok_and(|prefix| prefix <= longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_that_exists() {
        for right in ["2021-10-29", "2024-02-29", "2000-02-29", "1999-12-31"] {
            assert!(is_date_or_time(right), "{right}");
        }
        for wrong in [
            "",
            "2021",
            "2021-1-1",
            "21-10-29",
            "2021-02-29",
            "1900-02-29",
            "2021-13-01",
            "2021-00-01",
            "2021-01-00",
            "2021-04-31",
            "29.10.2021",
            "2021-10-29 ",
            "2021/10/29",
            "+021-10-29",
        ] {
            assert!(!is_date_or_time(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_time_may_have_seconds_a_fraction_and_a_zone() {
        for right in [
            "2021-10-29T12:00",
            "2021-10-29T12:00:00",
            "2021-10-29T12:00:00Z",
            "2021-10-29T12:00:00.123Z",
            "2021-10-29T23:59:60+0200",
            "2021-10-29T12:00:00-05:30",
        ] {
            assert!(is_date_or_time(right), "{right}");
        }
        for wrong in [
            "2021-10-29T",
            "2021-10-29T24:00",
            "2021-10-29T12",
            "2021-10-29T12:00:00.Z",
            "2021-10-29T12:60",
            "2021-10-29T12:00:00X",
            "2021-10-29T12:00:00+25:00",
            "2021-10-29T12:00:00+2",
            "2021-10-29t12:00",
            "2021-10-29T12:00:00Zx",
        ] {
            assert!(!is_date_or_time(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_range_is_an_address_with_a_prefix() {
        for right in ["192.0.2.0/24", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/128"] {
            assert!(is_cidr(right), "{right}");
        }
        for wrong in [
            "",
            "192.0.2.0",
            "192.0.2.0/33",
            "192.0.2/24",
            "x/8",
            "1.2.3.4/",
            "::/129",
            "1.2.3.4/+8",
            "1.2.3.4/-1",
            " 1.2.3.4/8",
            "1.2.3.4/0008",
        ] {
            assert!(!is_cidr(wrong), "{wrong}");
        }
    }
}
