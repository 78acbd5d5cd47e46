//! What can be read off any answer of the service, whatever was asked.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::error::ServiceError;
use crate::transport::Incoming;

/// The service's own words may be long, or not the service's: this much of them is kept.
const LONGEST_TEXT: usize = 300;

/// Nested errors beyond this depth are dropped.
const DEEPEST: usize = 4;

impl Incoming {
    /// The value of the header `name`, given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// When the service made the answer, by its own clock, in Unix seconds.
    pub(crate) fn date(&self) -> Option<u64> {
        unix_seconds(self.header("date")?)
    }

    /// How long the service asks to wait. A date counts from the answer's own `Date`: this
    /// device's clock may be decades off. What is neither a number nor a date is ignored.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
            // All digits and no number: longer than anything that will be waited for.
            return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
        }
        let until = unix_seconds(value)?;
        Some(Duration::from_secs(until.saturating_sub(self.date()?)))
    }

    /// The service's id of the request, for its support.
    pub(crate) fn request_id(&self) -> Option<String> {
        let id = self.header("x-amzn-requestid")?;
        let plain = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_graphic());
        plain.then(|| id.to_owned())
    }

    /// The error object in the body: the service's, or a gateway's `{"message"}`. Parts that hold
    /// one of the `secrets` of the request are blotted out: an answer may echo what was sent.
    pub(crate) fn service_error(&self, secrets: &[&str]) -> Option<ServiceError> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let error = service_error(body.as_object()?, secrets, DEEPEST);
        (error != ServiceError::default()).then_some(error)
    }
}

fn unix_seconds(date: &str) -> Option<u64> {
    let time = httpdate::parse_http_date(date).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

fn service_error(object: &Map<String, Value>, secrets: &[&str], depth: usize) -> ServiceError {
    let text = |name: &str| match object.get(name)? {
        Value::String(text) if !text.is_empty() => Some(presentable(text, secrets)),
        _ => None,
    };
    let code = match object.get("error_code") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(digits)) => digits.parse().ok(),
        _ => None,
    };
    let errors = match object.get("errors") {
        Some(Value::Array(errors)) if depth > 0 => errors
            .iter()
            .filter_map(Value::as_object)
            .map(|error| service_error(error, secrets, depth - 1))
            .collect(),
        _ => Vec::new(),
    };
    ServiceError {
        code: code.and_then(|code| i32::try_from(code).ok()).unwrap_or(0),
        token: text("error_token"),
        message: text("message").or_else(|| text("Message")),
        errors,
    }
}

/// `text` as one line of bounded length and without secrets.
fn presentable(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        if text.contains(secret) {
            text = text.replace(secret, "[secret]");
        }
    }
    let shown = text.chars().take(LONGEST_TEXT);
    shown.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn answer(headers: &[(&str, &str)], body: &str) -> Incoming {
        Incoming {
            status: 401,
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: Zeroizing::new(body.as_bytes().to_vec()),
        }
    }

    fn retry_after(value: &str) -> Option<u64> {
        let date = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
        answer(&[date, ("retry-after", value)], "").retry_after().map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_may_be_seconds_or_a_date_that_counts_from_the_answers_own() {
        assert_eq!(retry_after("7"), Some(7));
        assert_eq!(retry_after(" 86400 "), Some(86_400));
        assert_eq!(retry_after("Tue, 14 Nov 2023 22:13:50 GMT"), Some(30));
        assert_eq!(retry_after("Tue, 14 Nov 2023 22:00:00 GMT"), Some(0));
        assert_eq!(retry_after("99999999999999999999999"), Some(u64::MAX));
    }

    #[test]
    fn a_retry_after_that_is_rubbish_or_cannot_be_counted_is_ignored() {
        for rubbish in ["", "soon", "-5", "1.5", "7s"] {
            assert_eq!(retry_after(rubbish), None, "{rubbish}");
        }
        let alone = answer(&[("retry-after", "Tue, 14 Nov 2023 22:13:50 GMT")], "");
        assert_eq!(alone.retry_after(), None);
    }

    #[test]
    fn an_id_of_the_request_that_is_long_or_not_plain_is_left_out() {
        let id = |id: &str| answer(&[("x-amzn-requestid", id)], "").request_id();
        let longest = "i".repeat(64);
        assert_eq!(id(&longest), Some(longest.clone()));
        for odd in [format!("{longest}i"), "an id".into(), "id\u{1b}[31m".into(), "\u{ef}d".into()]
        {
            assert_eq!(id(&odd), None, "{odd:?}");
        }
    }

    #[test]
    fn the_services_error_object_is_read_with_what_it_nests() {
        let body = r#"{"error_code":1105,"error_token":"TooMany","message":"no",
            "errors":[{"error_code":"7","message":"inner"}],"unknown":[1]}"#;
        let error = answer(&[], body).service_error(&[]).unwrap();
        assert_eq!((error.code, error.token.as_deref()), (1105, Some("TooMany")));
        assert_eq!(error.errors[0].code, 7);
        assert_eq!(error.errors[0].message.as_deref(), Some("inner"));
    }

    #[test]
    fn errors_that_are_nested_deeper_than_anybody_reads_are_dropped() {
        let nested = (0..50).fold("{}".to_owned(), |inner, _| format!(r#"{{"errors":[{inner}]}}"#));
        let mut error = answer(&[], &nested).service_error(&[]).unwrap();
        let mut depth = 0;
        while let Some(inner) = error.errors.pop() {
            error = inner;
            depth += 1;
        }
        assert_eq!(depth, DEEPEST);
    }

    #[test]
    fn a_gateways_message_is_an_error_object_too() {
        for body in [r#"{"message":"no"}"#, r#"{"Message":"no"}"#] {
            let error = answer(&[], body).service_error(&[]).unwrap();
            assert_eq!(error.message.as_deref(), Some("no"));
        }
    }

    #[test]
    fn what_says_nothing_is_no_error_object() {
        for body in ["", "{}", "[]", "null", "<html>", r#"{"message":""}"#, r#"{"a":1}"#] {
            assert_eq!(answer(&[], body).service_error(&[]), None, "{body}");
        }
    }

    #[test]
    fn a_secret_that_the_answer_echoes_is_blotted_out() {
        let body = r#"{"message":"no such token: canary-1, sorry"}"#;
        let error = answer(&[], body).service_error(&["", "canary-1"]).unwrap();
        assert_eq!(error.message.as_deref(), Some("no such token: [secret], sorry"));
    }

    #[test]
    fn the_services_words_are_one_line_of_bounded_length() {
        let body = format!(r#"{{"message":"a\nb{}"}}"#, "x".repeat(5000));
        let message = answer(&[], &body).service_error(&[]).unwrap().message.unwrap();
        assert!(message.starts_with("a bx") && message.chars().count() == LONGEST_TEXT);
    }
}
