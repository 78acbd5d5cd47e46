//! The sign-in call: its messages, and what each answer means.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use crate::cache::{CodeGrant, Failure, Grant, Issued, TokenSource, TrustedDevice, Verdict};
use crate::collected::to_json;
use crate::credentials::{Credentials, Kind};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::mfa::MfaChallenge;
use crate::token;
use crate::transport::{Incoming, Method, NoAnswer, Outgoing, Progress, Transport};

const PATH: &str = "/api/v1/authenticate";

/// A sign-in answer has about 1,700 bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Real tokens have 357 to 410 bytes. What goes into a header with every call has to fit there.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Signs in over HTTP.
#[derive(Debug)]
pub(crate) struct Authenticator {
    transport: Arc<Transport>,
    headers: [(String, String); 1],
}

impl Authenticator {
    pub(crate) fn new(transport: Arc<Transport>) -> Self {
        // Compression would save 66 of 1,700 bytes, and leave the token in the decoder's window,
        // which nobody wipes.
        let headers = [("accept-encoding".to_owned(), "identity".to_owned())];
        Self { transport, headers }
    }
}

impl TokenSource for Authenticator {
    fn sign_in(
        &self,
        grant: &Grant,
        fresh_connection: bool,
        deadline: Deadline,
    ) -> Result<Issued, Failure> {
        let body = to_body(&Message::of(grant))?;
        let request = Outgoing {
            method: Method::Post,
            path: PATH,
            bearer: None,
            headers: &self.headers,
            body: Some(&body),
            max_response_bytes: LARGEST_ANSWER,
            fresh_connection,
        };
        let asked = Asked { secrets: Message::of(grant).secrets(), refusal: refusal(grant) };
        match self.transport.send(&request, deadline) {
            Ok(answer) => understand(&asked, answer),
            Err(no_answer) => Err(no_answer.into()),
        }
    }
}

/// The body of the request: exactly one variant, and no member that is `null`.
#[derive(Serialize)]
#[serde(untagged)]
enum Message<'a> {
    ApplicationToken {
        application_token: &'a str,
    },
    User {
        username: &'a str,
        password: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        fingerprint: Option<&'a str>,
    },
    Refresh {
        refresh_token: &'a str,
    },
    Code {
        mfa_token: &'a str,
        code: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        trusted_device: Option<Device<'a>>,
    },
}

#[derive(Serialize)]
struct Device<'a> {
    fingerprint: &'a str,
    operating_system: &'a str,
    browser: &'a str,
    name: &'a str,
}

impl<'a> Message<'a> {
    fn of(grant: &'a Grant) -> Self {
        match grant {
            Grant::Credentials(credentials) => Self::of_credentials(credentials),
            Grant::Refresh(token) => Self::Refresh { refresh_token: token.expose_secret() },
            Grant::Code(CodeGrant { mfa_token, code, device }) => Self::Code {
                mfa_token: mfa_token.expose_secret(),
                code: code.expose_secret(),
                trusted_device: device.as_ref().map(|TrustedDevice { fingerprint, name }| Device {
                    fingerprint: fingerprint.expose_secret(),
                    operating_system: std::env::consts::OS,
                    browser: concat!("emnify-rust ", env!("CARGO_PKG_VERSION")),
                    name,
                }),
            },
        }
    }

    fn of_credentials(credentials: &'a Credentials) -> Self {
        match credentials.kind() {
            Kind::ApplicationToken(token) => {
                Self::ApplicationToken { application_token: token.expose_secret() }
            }
            Kind::User { name, password_sha1, fingerprint } => Self::User {
                username: name,
                password: password_sha1.expose_secret(),
                fingerprint: fingerprint.as_ref().map(|text| text.expose_secret()),
            },
            Kind::Refresh(token) => Self::Refresh { refresh_token: token.expose_secret() },
            // Never asked for here: such a client has a source of its own.
            Kind::Workspace => Self::Refresh { refresh_token: "" },
        }
    }

    /// What an answer must not be allowed to echo into an error.
    fn secrets(&self) -> Vec<&'a str> {
        match self {
            Self::ApplicationToken { application_token } => vec![application_token],
            Self::User { password, fingerprint, .. } => {
                [Some(*password), *fingerprint].into_iter().flatten().collect()
            }
            Self::Refresh { refresh_token } => vec![refresh_token],
            Self::Code { mfa_token, code, trusted_device } => {
                let fingerprint = trusted_device.as_ref().map(|device| device.fingerprint);
                [Some(*mfa_token), Some(*code), fingerprint].into_iter().flatten().collect()
            }
        }
    }
}

/// The members of a success that matter. Others may come and go.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Success {
    #[serde(deserialize_with = "text_or_nothing")]
    auth_token: Option<SecretString>,
    #[serde(deserialize_with = "text_or_nothing")]
    refresh_token: Option<SecretString>,
    #[serde(deserialize_with = "text_or_nothing")]
    mfa_token: Option<SecretString>,
}

/// A non-empty text; anything else counts as missing and does not spoil the rest.
fn text_or_nothing<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Text {
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Text::deserialize(from)? {
        Text::Text(text) if !text.is_empty() => Some(text.into()),
        Text::Text(_) | Text::Other(_) => None,
    })
}

/// What an answer has to be read against.
pub(crate) struct Asked<'a> {
    /// What was presented, and must not be echoed.
    pub(crate) secrets: Vec<&'a str>,
    /// What a 401 means.
    pub(crate) refusal: &'static str,
}

/// What an answer with a token, or without the one that was asked for, means.
pub(crate) fn understand(asked: &Asked<'_>, answer: Incoming) -> Result<Issued, Failure> {
    let understood = match answer.status {
        200..=299 => success(&answer),
        _ => Err(failure(asked, &answer)),
    };
    understood.map_err(|(verdict, error)| Failure {
        verdict,
        error,
        retry_after: answer.retry_after(),
        sent: true,
    })
}

fn success(answer: &Incoming) -> Result<Issued, (Verdict, Error)> {
    let nonsense = |what: &str| {
        let error = Error::new(
            ErrorKind::BadResponse,
            format!("the answer to the sign-in {what}; is base_url the emnify API?"),
        );
        Err((Verdict::Failed, error.with_answer(answer.status, None, answer.request_id())))
    };
    let Ok(success) = serde_json::from_slice::<Success>(&answer.body) else {
        return nonsense("is not a JSON object");
    };
    match (success.auth_token, success.mfa_token) {
        (Some(text), _) if !is_bearer(text.expose_secret()) => {
            nonsense("holds an auth_token that cannot be sent in a header")
        }
        (Some(text), _) => Ok(Issued {
            lifetime: token::lifetime(text.expose_secret(), answer.date()),
            text,
            refresh_token: success.refresh_token,
        }),
        (None, Some(mfa_token)) => {
            let error = Error::new(
                ErrorKind::MfaRequired,
                "the service has sent the user a one-time code; submit it to go on, or use an \
                 application token, which needs none",
            );
            let error = error
                .with_answer(answer.status, None, answer.request_id())
                .with_challenge(MfaChallenge::new(mfa_token.clone()));
            Err((Verdict::Challenged(mfa_token), error))
        }
        (None, None) => nonsense("has no auth_token"),
    }
}

fn is_bearer(text: &str) -> bool {
    text.len() <= LONGEST_TOKEN && text.bytes().all(|b| b.is_ascii_graphic())
}

/// What an answer other than 2xx means. The service's own documentation calls 401 "wrong
/// credentials"; an account that is locked answers 401 as well, with `TooManyRequests`.
fn failure(asked: &Asked<'_>, answer: &Incoming) -> (Verdict, Error) {
    let service = answer.service_error(&asked.secrets);
    let names = |token: &str| {
        let named = service.as_ref().and_then(|service| service.token.as_deref());
        named.is_some_and(|named| named.eq_ignore_ascii_case(token))
    };
    // The service answers with its error object, or, in some cases, with nothing at all. Anything
    // else comes from something in front of it.
    let is_the_service = service.is_some() || answer.body.is_empty();

    let (verdict, kind, message) = match answer.status {
        401 if names("TooManyRequests") => (
            Verdict::Locked,
            ErrorKind::AccountLocked,
            "the service has locked the account for some minutes after failed sign-ins".to_owned(),
        ),
        401 => (Verdict::Refused, ErrorKind::Unauthorized, asked.refusal.to_owned()),
        403 if service.is_some() => (
            Verdict::Refused,
            ErrorKind::Forbidden,
            "the service forbids this sign-in; is this address in the token's IP range?".to_owned(),
        ),
        429 => (
            Verdict::Limited,
            ErrorKind::RateLimited,
            "the service has had too many sign-ins from this address".to_owned(),
        ),
        408 | 500..=599 => {
            (Verdict::Failed, ErrorKind::Server, "the service failed to sign in".to_owned())
        }
        400 | 404 | 409 | 422 if is_the_service => (
            Verdict::Refused,
            ErrorKind::Rejected,
            "the service did not understand the sign-in; is base_url the emnify API?".to_owned(),
        ),
        400 | 402 | 404..=499 if service.is_some() => {
            (Verdict::Refused, ErrorKind::Rejected, "the service rejected the sign-in".to_owned())
        }
        _ => (
            Verdict::Failed,
            ErrorKind::BadResponse,
            "something in front of the service answered the sign-in: a captive portal, a proxy or \
             a firewall, or base_url is wrong"
                .to_owned(),
        ),
    };
    let message = match service.as_ref().and_then(|service| service.message.as_ref()) {
        Some(words) => format!("{message}: \"{words}\""),
        None => message,
    };
    let error = Error::new(kind, message);
    (verdict, error.with_answer(answer.status, service, answer.request_id()))
}

fn refusal(grant: &Grant) -> &'static str {
    match grant {
        Grant::Credentials(credentials) => match credentials.kind() {
            Kind::ApplicationToken(_) => {
                "the service refused the application token: it is mistyped, revoked or expired, or \
                 not allowed from this address; nothing more is sent until it is replaced"
            }
            Kind::User { .. } | Kind::Refresh(_) | Kind::Workspace => {
                "the service refused the username and password, or the user is suspended; nothing \
                 more is sent until they are replaced, since three failures lock the account"
            }
        },
        Grant::Refresh(_) => {
            "the service refused the refresh token: it was used before, is older than 350 minutes, \
             or the user has signed in elsewhere"
        }
        Grant::Code(_) => "the service refused the one-time code; the next one may be right",
    }
}

/// The body of a request for a token. It fails for want of memory only, which says nothing of the
/// service: the next caller tries.
pub(crate) fn to_body(message: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    to_json(message).map_err(|error| Failure {
        verdict: Verdict::CallersOwn,
        error,
        retry_after: None,
        sent: false,
    })
}

impl From<NoAnswer> for Failure {
    fn from(no_answer: NoAnswer) -> Self {
        let NoAnswer { error, progress, callers_own } = no_answer;
        let verdict = match progress {
            _ if callers_own => Verdict::CallersOwn,
            Progress::Answered => Verdict::Failed,
            Progress::SentOnReused => Verdict::Stale,
            Progress::NotSent | Progress::Sent => Verdict::Unanswered,
        };
        Self { verdict, error, retry_after: None, sent: progress != Progress::NotSent }
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message")
    }
}

#[cfg(test)]
mod tests;
