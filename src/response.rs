//! An answer of the service to a call with a token.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind};
use crate::token::AuthToken;
use crate::transport::Incoming;

/// An answer of the service, whatever its status. The body is wiped when it is dropped: some
/// answers hold secrets.
pub struct Response {
    answer: Incoming,
    /// What was asked, for messages: method and path.
    what: String,
    /// What was presented, so that an error does not repeat it: the bearer …
    token: AuthToken,
    /// … and what in the body of the request was a secret.
    secrets: Vec<SecretString>,
}

impl Response {
    pub(crate) fn new(
        answer: Incoming,
        what: String,
        token: AuthToken,
        secrets: Vec<SecretString>,
    ) -> Self {
        Self { answer, what, token, secrets }
    }

    /// The HTTP status, such as 200.
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// The value of the header `name`, whose case does not matter; the first, where there are
    /// several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers, their names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body, decompressed.
    pub fn bytes(&self) -> &[u8] {
        &self.answer.body
    }

    /// The body, decompressed, for the caller to keep. Nobody wipes it then.
    pub fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.answer.body)
    }

    /// The body as text.
    ///
    /// # Errors
    ///
    /// `BadResponse` where it is not UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(self.bytes()).map_err(|_| self.bad("is not UTF-8 text"))
    }

    /// The body, read as JSON into `T`.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Response::check), and `BadResponse` where the body is not JSON or not
    /// a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.check()?;
        serde_json::from_slice(self.bytes()).map_err(|error| {
            // Where, but not what: the message of the decoder quotes the body.
            let (line, column) = (error.line(), error.column());
            match error.is_data() {
                true => self.bad(&format!("does not fit at line {line}, column {column}")),
                false => self.bad(&format!("is not JSON at line {line}, column {column}")),
            }
        })
    }

    /// How many pages the list has, as its headers say; `None` where they do not.
    pub fn total_pages(&self) -> Option<u32> {
        ["x-total-pages", "x-pages"].iter().find_map(|name| self.header(name)?.trim().parse().ok())
    }

    /// Nothing for a 2xx; the service's error otherwise.
    ///
    /// # Errors
    ///
    /// `Unauthorized` (401), `Forbidden` (403), `RateLimited` (429), `Server` (5xx, 408),
    /// `Rejected` (any other 4xx) or `BadResponse` (anything else), each with the service's code, words
    /// and request id.
    pub fn check(&self) -> Result<(), Error> {
        let (kind, verdict) = match self.status() {
            200..=299 => return Ok(()),
            401 => (ErrorKind::Unauthorized, "the service refused the token"),
            403 => (ErrorKind::Forbidden, "the service does not allow it"),
            429 => (ErrorKind::RateLimited, "the service has had too many requests"),
            408 | 500..=599 => (ErrorKind::Server, "the service failed"),
            400..=499 => (ErrorKind::Rejected, "the service rejected it"),
            _ => (ErrorKind::BadResponse, "the answer is not one of the service's"),
        };
        let mut presented = vec![self.token.as_str()];
        presented.extend(self.secrets.iter().map(ExposeSecret::expose_secret));
        let service = self.answer.service_error(&presented);
        let message = match service.as_ref().and_then(|service| service.message.as_ref()) {
            Some(words) => format!("{}: {verdict}: \"{words}\"", self.what),
            None => format!("{}: {verdict}", self.what),
        };
        Err(Error::new(kind, message)
            .with_answer(self.status(), service, self.answer.request_id())
            .with_retry_after(self.answer.retry_after())
            .with_may_be_done(kind == ErrorKind::Server))
    }

    pub(crate) fn request_id(&self) -> Option<String> {
        self.answer.request_id()
    }

    pub(crate) fn bad(&self, what: &str) -> Error {
        let message = format!("{}: the body of the answer {what}", self.what);
        Error::new(ErrorKind::BadResponse, message)
            .with_answer(self.status(), None, self.answer.request_id())
            .with_may_be_done(true)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("to", &self.what)
            .field("status", &self.status())
            .field("bytes", &self.bytes().len())
            .finish_non_exhaustive()
    }
}
