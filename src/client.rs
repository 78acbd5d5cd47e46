//! The public face: wires the parts together and decides nothing.

mod builder;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::builder::ClientBuilder;
use crate::cache::TokenCache;
use crate::clock::Clock;
use crate::credentials::{Credentials, Kind};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::log::Log;
use crate::pace::Pace;
use crate::random;
use crate::sys;
use crate::token::AuthToken;
use crate::transport::Transport;
use crate::workspaces::{Source, Switch};

/// A client of the emnify API: signs in when it has to, keeps the token, and hands it out.
///
/// Cheap to clone; all clones share one token, one connection pool and one state. May be used
/// from any number of threads at once. No call blocks for longer than its
/// [`timeout`](ClientBuilder::timeout).
///
/// Not to be used in a child process after a fork: a client that was inherited fails with
/// `InvalidArgument`. Make a new one there.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    cache: TokenCache<Source>,
    /// Kept for clients that are made from this one.
    clock: Arc<dyn Clock>,
    transport: Arc<Transport>,
    timeout: Duration,
    max_response_bytes: usize,
    log: Log,
    /// Of pages of lists, for all clients of the session.
    list_pace: Arc<Pace>,
    /// In which process this client was made.
    born: u32,
}

impl Client {
    /// A client with default settings.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` where the credentials cannot be right, such as an empty token. Nothing is
    /// sent before the first call.
    pub fn new(credentials: Credentials) -> Result<Self, Error> {
        Self::builder(credentials).build()
    }

    /// A client with settings of your own.
    pub fn builder(credentials: Credentials) -> ClientBuilder {
        ClientBuilder::new(credentials)
    }

    /// A client with settings from the environment: `EMNIFY_APPLICATION_TOKEN`, or
    /// `EMNIFY_USERNAME` and `EMNIFY_PASSWORD`; and, where they are set, `EMNIFY_BASE_URL` and
    /// `EMNIFY_CA_FILE`. A variable that is set to nothing counts as not set.
    ///
    /// # Errors
    ///
    /// `InvalidArgument`, naming the variable, where one is missing, contradicts another, or
    /// is not what it should be.
    pub fn from_env() -> Result<Self, Error> {
        crate::environment::builder()?.build()
    }

    /// A bearer token: at once and without the network while there is a good one.
    ///
    /// Otherwise this call signs in, or waits for another thread that does. Near the end of a
    /// token's life one caller renews it, and has the old one if that fails.
    ///
    /// # Errors
    ///
    /// `Unauthorized`, `AccountLocked`, `MfaRequired`, `RateLimited`, `Forbidden` and `Rejected`
    /// are the service's word, which is remembered: until
    /// [`retry_after`](Error::retry_after) has passed, or [`reset`](Client::reset) or
    /// [`set_credentials`](Client::set_credentials) is called, calls fail with the same error and
    /// nothing is sent. `Server`, `BadResponse`, `Network`, `Tls` and `Clock` are tried again after
    /// a back-off, and calls before that fail likewise. `Timeout` and `Cancelled` are the
    /// caller's own.
    pub fn auth_token(&self) -> Result<AuthToken, Error> {
        let shared = self.shared()?;
        shared.cache.token(|| Deadline::after(shared.timeout))
    }

    /// Hands the token's text, and the time it will go on being handed out, to `use_it`, if there is
    /// a good one that is not due for renewal; `None` otherwise, and `use_it` is not called.
    /// Allocates nothing, takes no lock, and never waits.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` in a child process after a fork.
    #[inline]
    pub fn with_cached_token<R>(
        &self,
        use_it: impl FnOnce(&str, Duration) -> R,
    ) -> Result<Option<R>, Error> {
        let cache = &self.shared()?.cache;
        Ok(cache.peek(|token, now| use_it(token.as_str(), token.expires_in_at(now))))
    }

    /// Says that `token` was refused as a bearer: the next call gets another one. A token that
    /// is no longer the present one, because another thread was faster, changes nothing.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` in a child process after a fork.
    pub fn invalidate(&self, token: impl AsRef<str>) -> Result<(), Error> {
        self.shared()?.cache.invalidate(token.as_ref());
        Ok(())
    }

    /// Renews the token if that is due or soon will be, and signs in if there is none. Returns
    /// after which time to call again, at least a second.
    ///
    /// For programs whose own loop does the renewal: as long as it calls in time, no call of
    /// [`auth_token`](Client::auth_token) ever waits for the network.
    ///
    /// # Errors
    ///
    /// Those of [`auth_token`](Client::auth_token). A renewal that fails while the token is still
    /// good is no error.
    pub fn renew_if_due(&self) -> Result<Duration, Error> {
        let shared = self.shared()?;
        shared.cache.renew_if_due(Deadline::after(shared.timeout))
    }

    /// Forgets a refusal, a lock-out, a challenge and a back-off, so that the next call asks the
    /// service again. A rate limit of the service and the client's own budget of 10 sign-ins in
    /// 5 minutes stay.
    ///
    /// For a person who has put something right. In a loop it locks the account.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` in a child process after a fork.
    pub fn reset(&self) -> Result<(), Error> {
        self.shared()?.cache.reset();
        Ok(())
    }

    /// Goes on with other credentials. The token, a refresh token, a refusal and a challenge of the
    /// old ones are dropped, and so is the result of a sign-in that is on its way. Those that are in
    /// use already change nothing; [`reset`](Client::reset) asks the service again with them.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` where the credentials cannot be right; the old ones then stay.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        let shared = self.shared()?;
        credentials.check()?;
        if let Kind::Workspace = shared.cache.credentials().kind() {
            return Err(Error::invalid(
                "client: a client for a workspace has no credentials of its own; replace those of \
                 the client that it came from",
            ));
        }
        shared.cache.set_credentials(credentials);
        Ok(())
    }

    /// Ends all calls in flight, and lets all that would need the network fail at once, with
    /// `Cancelled`, until [`resume`](Client::resume). A good token is still handed out.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` in a child process after a fork.
    pub fn cancel(&self) -> Result<(), Error> {
        let shared = self.shared()?;
        shared.cache.set_cancelled(true);
        shared.transport.cancel();
        Ok(())
    }

    /// Undoes [`cancel`](Client::cancel).
    ///
    /// # Errors
    ///
    /// `InvalidArgument` in a child process after a fork.
    pub fn resume(&self) -> Result<(), Error> {
        let shared = self.shared()?;
        shared.transport.resume();
        shared.cache.set_cancelled(false);
        Ok(())
    }

    /// See [`TokenCache::shelf`].
    #[cfg(feature = "capi")]
    pub(crate) fn shelf(&self) -> Option<usize> {
        self.0.cache.shelf()
    }

    pub(crate) fn credentials(&self) -> Result<Credentials, Error> {
        Ok(self.shared()?.cache.credentials())
    }

    /// A client for another workspace with the settings and the connections of this one.
    pub(crate) fn in_workspace(&self, id: u64) -> Result<Self, Error> {
        let Shared { cache, clock, transport, timeout, max_response_bytes, log, list_pace, born } =
            self.shared()?;
        if let Kind::Workspace = cache.credentials().kind() {
            return Err(Error::invalid(
                "client: it is a client for a workspace; use the one that it came from",
            ));
        }
        let source = Source::Workspace(Switch { home: self.clone(), id });
        let draw = Box::new(random::fraction);
        let cache =
            TokenCache::new(Credentials::workspace(), source, clock.clone(), draw, log.clone());
        Ok(Self(Arc::new(Shared {
            cache,
            clock: clock.clone(),
            transport: transport.clone(),
            timeout: *timeout,
            max_response_bytes: *max_response_bytes,
            log: log.clone(),
            list_pace: list_pace.clone(),
            born: *born,
        })))
    }

    /// The parts, unless this is a child process that inherited them: there, a lock may be held
    /// for ever by a thread that does not exist, and connections are shared with the parent.
    fn shared(&self) -> Result<&Shared, Error> {
        if self.0.born == sys::fork_generation() { Ok(&self.0) } else { Err(inherited()) }
    }

    pub(crate) fn parts(&self) -> Result<Parts<'_>, Error> {
        let Shared { cache, transport, timeout, max_response_bytes, log, list_pace, .. } =
            self.shared()?;
        Ok(Parts {
            cache,
            transport,
            timeout: *timeout,
            max_response_bytes: *max_response_bytes,
            log,
            list_pace,
        })
    }
}

/// What other calls than those for a token work with.
pub(crate) struct Parts<'a> {
    pub(crate) cache: &'a TokenCache<Source>,
    pub(crate) transport: &'a Transport,
    pub(crate) timeout: Duration,
    pub(crate) max_response_bytes: usize,
    pub(crate) log: &'a Log,
    pub(crate) list_pace: &'a Pace,
}

#[cold]
fn inherited() -> Error {
    Error::invalid(
        "client: it was made before this process forked and belongs to the parent; make a new one \
         in the child",
    )
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("cache", &self.0.cache)
            .field("timeout", &self.0.timeout)
            .field("max_response_bytes", &self.0.max_response_bytes)
            .field("log", &self.0.log)
            .finish_non_exhaustive()
    }
}
