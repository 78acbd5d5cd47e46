//! What can go wrong, as one type: what happened, to what, and what would help.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::mfa::MfaChallenge;

/// What kind of failure an [`Error`] is. The numbers are those of the C layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum ErrorKind {
    /// An argument or a setting is wrong; the message names it. Nothing was sent.
    InvalidArgument = 1,
    /// The service refused the credentials (401): revoked, expired or mistyped.
    Unauthorized = 2,
    /// Too many failed sign-ins: the service locked the account for some minutes.
    AccountLocked = 3,
    /// The service wants the one-time code of a second factor.
    MfaRequired = 4,
    /// The service knows the caller and does not allow this (403).
    Forbidden = 5,
    /// Too many requests: the service's limit (429) or this client's own sign-in budget.
    RateLimited = 6,
    /// The service understood the request and will not serve it (400, 404, 409, 422).
    Rejected = 7,
    /// The service failed (5xx, 408).
    Server = 8,
    /// What answered made no sense: not the service, not JSON, too large, or cut off.
    BadResponse = 9,
    /// No answer: name look-up, connecting, or a broken connection.
    Network = 10,
    /// No secure connection: the certificate or the handshake was not acceptable.
    Tls = 11,
    /// The certificate's dates and this device's clock disagree; usually the clock is wrong.
    Clock = 12,
    /// The caller's own deadline passed.
    Timeout = 13,
    /// The call was cancelled.
    Cancelled = 14,
    /// The token store could not be read or written.
    Storage = 15,
    /// The buffer is too small (C layer only).
    BufferTooSmall = 16,
    /// A defect of this library, such as a panic that was caught at the C boundary.
    Internal = 17,
}

/// The error object of the service: `{"error_code", "error_token", "message", "errors"}`.
///
/// Any member may be missing; a gateway's `{"message"}` or `{"Message"}` is kept as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceError {
    /// The service's number for the failure, such as 1105; 0 where none was given.
    pub code: i32,
    /// The service's name for the failure, such as `TooManyRequests`.
    pub token: Option<String>,
    /// The service's own words.
    pub message: Option<String>,
    /// Nested errors, as for each member of a rejected body.
    pub errors: Vec<ServiceError>,
}

/// A failure of this library: its [kind](Error::kind), a sentence that says what happened, and
/// what is known of the service's answer.
///
/// Cheap to clone: a remembered refusal is handed to every caller. Holds no secret.
#[derive(Clone)]
pub struct Error {
    facts: Arc<Facts>,
    /// Beside the facts, not in them: the time left differs for each caller that is handed
    /// the same remembered failure.
    retry_after: Option<Duration>,
    /// Nobody can tell whether the service did what was asked: the answer was lost, or made no
    /// sense, or says that something went wrong in the middle.
    may_be_done: bool,
}

#[derive(Clone, Debug)]
struct Facts {
    kind: ErrorKind,
    message: String,
    http_status: Option<u16>,
    service: Option<ServiceError>,
    request_id: Option<String>,
    retryable: bool,
    challenge: Option<MfaChallenge>,
}

impl Error {
    /// An error of `kind` whose `message` is one sentence without a full stop: what happened,
    /// to what, and what would help.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        use ErrorKind as K;
        let retryable = matches!(
            kind,
            K::AccountLocked
                | K::RateLimited
                | K::Server
                | K::BadResponse
                | K::Network
                | K::Tls
                | K::Clock
                | K::Timeout
        );
        Self {
            facts: Arc::new(Facts {
                kind,
                message: message.into(),
                http_status: None,
                service: None,
                request_id: None,
                retryable,
                challenge: None,
            }),
            retry_after: None,
            may_be_done: false,
        }
    }

    /// `InvalidArgument`; the message starts with the argument's name.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    fn facts_mut(&mut self) -> &mut Facts {
        // Only called while the error is being built, so that nobody else holds it.
        Arc::get_mut(&mut self.facts).expect("an error under construction has one owner")
    }

    /// Adds what is known of the answer that caused this error.
    pub(crate) fn with_answer(
        mut self,
        http_status: u16,
        service: Option<ServiceError>,
        request_id: Option<String>,
    ) -> Self {
        let facts = self.facts_mut();
        facts.http_status = Some(http_status);
        facts.service = service;
        facts.request_id = request_id;
        self
    }

    /// Adds the challenge that the service has answered with.
    pub(crate) fn with_challenge(mut self, challenge: MfaChallenge) -> Self {
        self.facts_mut().challenge = Some(challenge);
        self
    }

    /// Overrides whether waiting can help.
    pub(crate) fn with_retryable(mut self, retryable: bool) -> Self {
        self.facts_mut().retryable = retryable;
        self
    }

    /// The same failure with something more to say.
    pub(crate) fn with_remark(mut self, remark: &str) -> Self {
        let mut facts = Facts::clone(&self.facts);
        facts.message = format!("{}; {remark}", facts.message);
        self.facts = Arc::new(facts);
        self
    }

    /// The same failure, with what it is about before it.
    pub(crate) fn of(mut self, what: &str) -> Self {
        let mut facts = Facts::clone(&self.facts);
        facts.message = format!("{what}: {}", facts.message);
        self.facts = Arc::new(facts);
        self
    }

    /// The same failure, of a call that may have been carried out nevertheless, or was not.
    pub(crate) fn with_may_be_done(mut self, may_be_done: bool) -> Self {
        self.may_be_done = may_be_done;
        self
    }

    /// Whether the call may have been carried out although it failed.
    pub(crate) fn may_be_done(&self) -> bool {
        self.may_be_done
    }

    /// The same failure with another time to wait.
    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.facts.kind
    }

    /// The HTTP status of the answer; `None` where no answer came.
    pub fn http_status(&self) -> Option<u16> {
        self.facts.http_status
    }

    /// The service's own number for the failure (`error_code`).
    pub fn service_code(&self) -> Option<i32> {
        self.service().map(|s| s.code).filter(|code| *code != 0)
    }

    /// The service's error object, if the answer had one.
    pub fn service(&self) -> Option<&ServiceError> {
        self.facts.service.as_ref()
    }

    /// How long to wait before the same call can have another outcome: the time that is left
    /// when the error was handed out.
    ///
    /// Always present, and at least one second, when [`is_retryable`](Error::is_retryable). A
    /// refusal carries the time until this library itself asks again.
    pub fn retry_after(&self) -> Option<Duration> {
        const SHORTEST: Duration = Duration::from_secs(1);
        match self.retry_after {
            Some(wait) => Some(wait.max(SHORTEST)),
            None if self.is_retryable() => Some(SHORTEST),
            None => None,
        }
    }

    /// The service's id of the request (`x-amzn-RequestId`); its support asks for it.
    pub fn request_id(&self) -> Option<&str> {
        self.facts.request_id.as_deref()
    }

    /// Where the kind is `MfaRequired`, what stands for the sign-in that waits for a one-time code.
    /// [`Client::submit_mfa_code`](crate::Client::submit_mfa_code) does not need it given.
    pub fn mfa_challenge(&self) -> Option<&MfaChallenge> {
        self.facts.challenge.as_ref()
    }

    /// Whether the unchanged call may succeed after [`retry_after`](Error::retry_after) without
    /// anybody acting.
    pub fn is_retryable(&self) -> bool {
        self.facts.retryable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = &*self.facts;
        f.write_str(&facts.message)?;
        if let Some(status) = facts.http_status {
            write!(f, " (HTTP {status}")?;
            if let Some(code) = self.service_code() {
                write!(f, ", code {code}")?;
            }
            if let Some(id) = &facts.request_id {
                write!(f, ", request {id}")?;
            }
            f.write_str(")")?;
        }
        if let Some(wait) = self.retry_after.filter(|wait| !wait.is_zero()) {
            // Rounded up: a caller who waits as long as we say must not come early.
            write!(f, "; next try in {} s", wait.as_millis().div_ceil(1000).max(1))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.facts.kind)
            .field("message", &self.facts.message)
            .field("http_status", &self.facts.http_status)
            .field("service", &self.facts.service)
            .field("request_id", &self.facts.request_id)
            .field("retry_after", &self.retry_after)
            .finish()
    }
}

impl std::error::Error for Error {}
