//! Acting in another workspace: a client of its own, on the session of another.

use serde::{Deserialize, Serialize};

use crate::authenticate::{Asked, Authenticator, to_body, understand};
use crate::cache::{Failure, Grant, Issued, TokenSource, Verdict};
use crate::client::Client;
use crate::credentials::Kind;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::transport::{Incoming, Method, Outgoing};

const PATH: &str = "/api/v1/authenticate/workspace";

/// Such an answer has the size of one to a sign-in.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Where a client's tokens come from.
pub(crate) enum Source {
    /// From a sign-in of its own.
    SignIn(Authenticator),
    /// From the session of another client.
    Workspace(Switch),
}

impl TokenSource for Source {
    fn sign_in(&self, grant: &Grant, fresh: bool, deadline: Deadline) -> Result<Issued, Failure> {
        match self {
            Self::SignIn(authenticator) => authenticator.sign_in(grant, fresh, deadline),
            Self::Workspace(switch) => switch.enter(deadline),
        }
    }
}

/// Takes the session of `home` into the workspace `id`.
pub(crate) struct Switch {
    pub(crate) home: Client,
    pub(crate) id: u64,
}

#[derive(Serialize)]
struct Message {
    target_organisation: Target,
}

#[derive(Serialize)]
struct Target {
    id: u64,
}

impl Switch {
    fn enter(&self, deadline: Deadline) -> Result<Issued, Failure> {
        let parts = self.home.parts().map_err(homes_own)?;
        // The service would answer 401, as to a bearer that has expired, and say nothing else.
        if let Kind::ApplicationToken(_) = self.home.credentials().map_err(homes_own)?.kind() {
            return Err(homes_own(Error::new(
                ErrorKind::Forbidden,
                "an application token belongs to one workspace and cannot act in another; sign in \
                 with a username and password",
            )));
        }
        let mut token = parts.cache.token(|| deadline).map_err(homes_own)?;
        let mut answer = self.ask(token.as_str(), deadline)?;
        let mut is_new = false;
        if answer.status == 401 && parts.cache.replace(token.as_str()) {
            // One request was sent, whatever comes now.
            let sent = |failure| Failure { sent: true, ..failure };
            token = parts.cache.token(|| deadline).map_err(|error| sent(homes_own(error)))?;
            answer = self.ask(token.as_str(), deadline).map_err(sent)?;
            is_new = true;
        }
        if answer.status != 401 {
            parts.cache.accepted(token.as_str());
        } else if !is_new {
            return Err(stale_session(&answer));
        }
        if is_null_token(&answer) {
            let error = Error::new(
                ErrorKind::Forbidden,
                format!("the user may not act in the workspace {}", self.id),
            )
            .with_answer(answer.status, None, answer.request_id());
            return Err(Failure {
                verdict: Verdict::Refused,
                error,
                retry_after: None,
                sent: true,
            });
        }
        let asked = Asked {
            secrets: vec![token.as_str()],
            refusal: "the service does not let this session into another workspace",
        };
        understand(&asked, answer)
    }

    fn ask(&self, bearer: &str, deadline: Deadline) -> Result<Incoming, Failure> {
        let message = Message { target_organisation: Target { id: self.id } };
        let body = to_body(&message)?;
        let request = Outgoing {
            method: Method::Post,
            path: PATH,
            bearer: Some(bearer),
            headers: &[],
            body: Some(&body),
            max_response_bytes: LARGEST_ANSWER,
            fresh_connection: false,
        };
        let parts = self.home.parts().map_err(homes_own)?;
        parts.transport.send(&request, deadline).map_err(Failure::from)
    }
}

/// A failure of the client that the session belongs to. It remembers that itself, and is asked
/// each time: were it remembered here as well, new credentials there would not help here.
fn homes_own(error: Error) -> Failure {
    Failure { verdict: Verdict::CallersOwn, error, retry_after: None, sent: false }
}

/// A 401 to a token that home does not replace for now says something of that token, and nothing of
/// the workspace.
fn stale_session(answer: &Incoming) -> Failure {
    let error = Error::new(
        ErrorKind::Unauthorized,
        "the service refused the session's token on the way into the workspace, and a new one is \
         not to be had yet",
    )
    .with_retryable(true)
    .with_answer(answer.status, None, answer.request_id());
    let retry_after = answer.retry_after();
    Failure { verdict: Verdict::Failed, error, retry_after, sent: true }
}

/// Whether the service has understood, and has no token for this user in that workspace.
fn is_null_token(answer: &Incoming) -> bool {
    #[derive(Deserialize)]
    struct Members {
        // Without this, a member that is missing would look like one that is null.
        #[serde(default = "missing")]
        auth_token: Option<serde::de::IgnoredAny>,
    }
    fn missing() -> Option<serde::de::IgnoredAny> {
        Some(serde::de::IgnoredAny)
    }
    (200..=299).contains(&answer.status)
        && serde_json::from_slice(&answer.body).is_ok_and(|m: Members| m.auth_token.is_none())
}

impl Client {
    /// A client for another workspace (organisation), with a token and a renewal of its own, on
    /// this client's session and connections. Nothing is sent yet.
    ///
    /// It signs in through this client and switches, or fails: it never falls back to the home
    /// workspace. [`cancel`](Client::cancel) on either ends the calls of both. After
    /// [`set_credentials`](Client::set_credentials) on this one, make it anew.
    ///
    /// Only user sessions can switch; the first call of a client that came from one with an
    /// application token fails with `Forbidden`, and so does one for a workspace that the user may
    /// not act in.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` where this is a client for a workspace itself.
    pub fn workspace(&self, id: u64) -> Result<Self, Error> {
        self.in_workspace(id)
    }
}
