//! What the cache asks for tokens, and what it can be told.

use std::time::Duration;

use secrecy::SecretString;

use crate::credentials::Credentials;
use crate::deadline::Deadline;
use crate::error::Error;

/// Where tokens come from: the service, or a test.
pub(crate) trait TokenSource: Send + Sync + 'static {
    /// Makes one sign-in request, and not a second one, by `deadline`; on a connection of its own
    /// if `fresh_connection`, because the last one was dead.
    fn sign_in(
        &self,
        grant: &Grant,
        fresh_connection: bool,
        deadline: Deadline,
    ) -> Result<Issued, Failure>;
}

/// What a sign-in request presents.
#[derive(Clone)]
pub(crate) enum Grant {
    /// An application token, or a name and a password.
    Credentials(Credentials),
    /// A refresh token: good for one use.
    Refresh(SecretString),
    /// The one-time code of a second factor.
    Code(CodeGrant),
}

/// The second step of a sign-in with a second factor.
#[derive(Clone)]
pub(crate) struct CodeGrant {
    /// Stands for the first step.
    pub(crate) mfa_token: SecretString,
    /// Six digits; leading zeros count.
    pub(crate) code: SecretString,
    /// The device to be trusted from now on.
    pub(crate) device: Option<TrustedDevice>,
}

/// A device that the service shall not ask for a code again for 90 days.
#[derive(Clone)]
pub(crate) struct TrustedDevice {
    pub(crate) fingerprint: SecretString,
    pub(crate) name: String,
}

/// A sign-in that succeeded.
pub(crate) struct Issued {
    pub(crate) text: SecretString,
    pub(crate) lifetime: Duration,
    pub(crate) refresh_token: Option<SecretString>,
}

/// A sign-in that did not.
pub(crate) struct Failure {
    pub(crate) verdict: Verdict,
    pub(crate) error: Error,
    /// The service's `Retry-After`, from when the answer arrived.
    pub(crate) retry_after: Option<Duration>,
    /// Whether a byte of the request may have left: what did not leave costs no budget.
    pub(crate) sent: bool,
}

/// What a failed sign-in means.
pub(crate) enum Verdict {
    /// The credentials are not accepted.
    Refused,
    /// The account is locked for some minutes.
    Locked,
    /// A one-time code went to the user; the text stands for this sign-in.
    Challenged(SecretString),
    /// Too many requests.
    Limited,
    /// The service failed, or what answered made no sense.
    Failed,
    /// Nothing answered.
    Unanswered,
    /// Nothing answered, on a connection that had been idle: most likely it was already dead.
    Stale,
    /// The caller's deadline passed, the call was cancelled, or there was no memory for it. Says nothing
    /// of the service.
    CallersOwn,
}
