//! Any other call: with the bearer, and once more with a new one after a 401.

mod checks;
mod secrets;

use std::fmt;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use zeroize::Zeroizing;

use self::checks::{check_header, check_path};
use self::secrets::secrets_in;
use crate::client::{Client, Parts};
use crate::collected::to_json;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::log::LogLevel;
use crate::mfa::is_for_keys;
use crate::random;
use crate::response::Response;
use crate::token::AuthToken;
use crate::transport::{Incoming, Method, NoAnswer, Outgoing, Progress};

/// How often one call waits because the service asks for it, and is made once more.
const MOST_WAITS: u32 = 3;

impl Client {
    /// A request that reads `path`, which starts with `/api/` and may hold a query.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), emnify::Error> {
    /// let client = emnify::Client::from_env()?;
    /// let sims: Vec<serde_json::Value> = client.get("/api/v1/sim").query("per_page", "50").call()?.json()?;
    /// # Ok(()) }
    /// ```
    pub fn get(&self, path: impl Into<String>) -> Request<'_> {
        self.request(Method::Get, path)
    }

    /// A request that makes something at `path`, or makes something happen. Never sent twice,
    /// unless the service refused its token.
    pub fn post(&self, path: impl Into<String>) -> Request<'_> {
        self.request(Method::Post, path)
    }

    /// A request that puts something at `path`.
    pub fn put(&self, path: impl Into<String>) -> Request<'_> {
        self.request(Method::Put, path)
    }

    /// A request that changes a part of what is at `path`. Never sent twice, unless the service
    /// refused its token.
    pub fn patch(&self, path: impl Into<String>) -> Request<'_> {
        self.request(Method::Patch, path)
    }

    /// A request that removes what is at `path`.
    pub fn delete(&self, path: impl Into<String>) -> Request<'_> {
        self.request(Method::Delete, path)
    }

    /// A request with any method.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Request<'_> {
        Request {
            client: self,
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            timeout: None,
            max_response_bytes: None,
            mistake: None,
        }
    }
}

/// A request about to be made with a client's token. Nothing happens before
/// [`call`](Request::call).
#[derive(Clone)]
#[must_use = "nothing is sent before call()"]
pub struct Request<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Zeroizing<Vec<u8>>>,
    timeout: Option<Duration>,
    max_response_bytes: Option<usize>,
    /// The first thing that was wrong. Told by `call`, so that the chain needs one `?` only.
    mistake: Option<Error>,
}

impl Method {
    /// The method as it stands in a request, such as `GET`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Request<'_> {
    /// Adds `name=value` to the query. Both are escaped as they need to be.
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(&url_escape(name));
        self.path.push('=');
        self.path.push_str(&url_escape(&value.to_string()));
        self
    }

    /// A body in JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match to_json(body) {
            Ok(json) => self.body = Some(json),
            Err(error) => self.blame(error),
        }
        self
    }

    /// A body that is JSON already. Refused if it is not.
    pub fn json_text(mut self, body: &str) -> Self {
        match serde_json::from_str::<serde::de::IgnoredAny>(body) {
            Ok(_) => self.body = Some(Zeroizing::new(body.as_bytes().to_vec())),
            Err(error) => self.blame(Error::invalid(format!(
                "json_body is not JSON; see line {}, column {}",
                error.line(),
                error.column()
            ))),
        }
        self
    }

    /// One more header. `Authorization`, and what frames the message, are this library's own.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match check_header(&name, &value) {
            Ok(()) => self.headers.push((name, value)),
            Err(error) => self.blame(error),
        }
        self
    }

    /// How long this call may take, instead of the client's own limit.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// The largest body of the answer that is read, instead of the client's own limit.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = Some(bytes);
        self
    }

    /// Makes the call. Any status is a response; [`Response::check`] and [`Response::json`] turn
    /// one other than 2xx into an error.
    ///
    /// A 401 replaces the token and repeats the call, once; while new tokens are refused as well,
    /// once a minute at most, and less and less often. GET, PUT and DELETE are repeated, once,
    /// where nothing was answered on a connection that had been idle; and after a 429 or a 503
    /// whose `Retry-After` ends before the call's deadline, up to three times. A 401 to a password or a
    /// code in the body of `/api/v1/user/mfa` is that one's, unless a gateway says that it refuses the token.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` where the request is not one, those of [`Client::auth_token`], and
    /// `Network`, `Tls`, `Clock`, `BadResponse`, `Timeout` and `Cancelled` where no complete answer
    /// came.
    pub fn call(self) -> Result<Response, Error> {
        let deadline = self.deadline()?;
        self.call_by(deadline)
    }

    /// The moment by which a call that is made now has to end.
    pub(crate) fn deadline(&self) -> Result<Deadline, Error> {
        Ok(Deadline::after(self.timeout.unwrap_or(self.client.parts()?.timeout)))
    }

    pub(crate) fn call_by(self, deadline: Deadline) -> Result<Response, Error> {
        if let Some(mistake) = &self.mistake {
            return Err(mistake.clone());
        }
        check_path(&self.path)?;
        let parts = self.client.parts()?;
        let mut token = parts.cache.token(|| deadline)?;
        let mut may_replace = true;
        let mut waits = 0;
        loop {
            let answer = self.send_once_or_again(&parts, &token, deadline)?;
            if answer.status != 401 {
                parts.cache.accepted(token.as_str());
            } else if may_replace
                && self.blames_the_token(&answer)
                && parts.cache.replace(token.as_str())
            {
                may_replace = false;
                token = parts.cache.token(|| deadline)?;
                continue;
            }
            match self.wait_asked_for(&answer, deadline) {
                Some(wait) if waits < MOST_WAITS => {
                    waits += 1;
                    let what = self.what();
                    parts.log.line(LogLevel::Info, || {
                        format!("{what}: {}, once more in {} s", answer.status, wait.as_secs())
                    });
                    parts.transport.pause(wait);
                    // It may have become unusable meanwhile.
                    token = parts.cache.token(|| deadline)?;
                }
                _ => return Ok(self.response(answer, token)),
            }
        }
    }

    /// Whether a 401 is about the token. Calls for keys of one-time codes have a password or a code in
    /// the body; a wrong one is answered 401 as well, and to send it again would count twice towards
    /// a lock-out. Of the token it is the gateway that speaks, which sends a message without a code.
    fn blames_the_token(&self, refusal: &Incoming) -> bool {
        let proves_the_user = self.body.is_some() && is_for_keys(&self.path);
        !proves_the_user
            || refusal.service_error(&[]).is_some_and(|error| {
                error.code == 0 && error.token.is_none() && error.errors.is_empty()
            })
    }

    /// How long to wait before the call is made once more: where the service asks for it, the
    /// deadline allows it, and doing it twice does no harm.
    fn wait_asked_for(&self, answer: &Incoming, deadline: Deadline) -> Option<Duration> {
        if !matches!(answer.status, 429 | 503) || !self.is_harmless() {
            return None;
        }
        // A service that says "at once" is taken to mean a second.
        let wait = answer.retry_after()?.max(Duration::from_secs(1));
        let left = deadline.left();
        // Up to half on top, as far as there is time: whoever was refused together must not
        // come back together.
        let jitter = wait.mul_f64(random::fraction() / 2.0);
        (wait < left).then(|| (wait + jitter).min(wait + (left - wait) / 2))
    }

    /// Whether making the call twice does what making it once does.
    fn is_harmless(&self) -> bool {
        matches!(self.method, Method::Get | Method::Put | Method::Delete)
    }

    /// One exchange; a second one, on a fresh connection, where the first was lost on a dead one
    /// and doing it twice does no harm.
    fn send_once_or_again(
        &self,
        parts: &Parts<'_>,
        token: &AuthToken,
        deadline: Deadline,
    ) -> Result<Incoming, Error> {
        let lost_when_idle =
            |lost: &NoAnswer| lost.progress == Progress::SentOnReused && !lost.callers_own;
        match self.send(parts, token, deadline, false) {
            Err(lost) if self.is_harmless() && lost_when_idle(&lost) => {
                self.send(parts, token, deadline, true)
            }
            sent => sent,
        }
        .map_err(|lost| lost.error.with_may_be_done(lost.progress != Progress::NotSent))
    }

    fn send(
        &self,
        parts: &Parts<'_>,
        token: &AuthToken,
        deadline: Deadline,
        fresh_connection: bool,
    ) -> Result<Incoming, NoAnswer> {
        let request = Outgoing {
            method: self.method,
            path: &self.path,
            bearer: Some(token.as_str()),
            headers: &self.headers,
            body: self.body.as_ref().map(|body| body.as_slice()),
            max_response_bytes: self.max_response_bytes.unwrap_or(parts.max_response_bytes),
            fresh_connection,
        };
        let sent = parts.transport.send(&request, deadline);
        parts.log.line(LogLevel::Debug, || match &sent {
            Ok(answer) => format!("{}: {}", self.what(), answer.status),
            Err(no_answer) => format!("{}: {}", self.what(), no_answer.error),
        });
        sent
    }

    fn response(&self, answer: Incoming, token: AuthToken) -> Response {
        let secrets = match &self.body {
            Some(body) if !(200..=299).contains(&answer.status) => secrets_in(body),
            _ => Vec::new(),
        };
        Response::new(answer, self.what(), token, secrets)
    }

    /// The request for a message: without its query, which may hold anything.
    fn what(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method.as_str())
    }

    pub(crate) fn client(&self) -> &Client {
        self.client
    }

    /// Whether the query has a member of this name already.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|member| member.split('=').next() == Some(name))
    }

    fn blame(&mut self, error: Error) {
        self.mistake.get_or_insert(error);
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Request").field(&self.what()).finish()
    }
}

/// `text` with everything escaped that is not allowed in a part of a URL, or means something there.
pub fn url_escape(text: &str) -> String {
    /// All but the unreserved characters of RFC 3986.
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    // With room for all, so that no copy is left behind: it may be a secret.
    let mut escaped = String::with_capacity(3 * text.len());
    escaped.extend(utf8_percent_encode(text, RESERVED));
    escaped
}

#[cfg(test)]
mod tests;
