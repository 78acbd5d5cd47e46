//! The handle of a running simulator.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use crate::builder::SimulatorBuilder;
use crate::journal::RecordedRequest;
use crate::script::{Answer, Script, Target};
use crate::service::{Session, User};
use crate::shared::Shared;

/// A running simulator. Dropping it stops it, cuts its connections and frees its port.
///
/// All methods take `&self` and may be called from any thread.
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    base_url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The simulated time of a simulator; clones move the same time.
#[derive(Clone)]
pub struct Clock(Arc<Shared>);

impl Clock {
    /// The simulated time: what tokens expire by.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.0.clock.now().true_time
    }

    /// What the service says the time is, in Unix seconds: the time of `Date`, `iat` and `exp`.
    #[must_use]
    pub fn said(&self) -> i64 {
        self.0.clock.now().said
    }

    /// See [`Simulator::advance`].
    pub fn advance(&self, by: Duration) {
        self.0.clock.advance(by);
    }

    /// See [`Simulator::set_clock_offset`].
    pub fn set_offset(&self, seconds: i64) {
        self.0.clock.set_skew(seconds);
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clock").field(&self.0.clock).finish()
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl Simulator {
    /// Settings to start from: plain HTTP on a free port of the loopback, the service's
    /// documented lifetimes and limits.
    #[must_use]
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::new()
    }

    pub(crate) fn new(
        shared: Arc<Shared>,
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        thread: JoinHandle<()>,
    ) -> Self {
        let mut reachable = address;
        // Nobody can connect to the unspecified address; its listener also hears the loopback.
        if reachable.ip().is_unspecified() {
            reachable.set_ip(match reachable.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let scheme = if shared.ca_pem.is_some() { "https" } else { "http" };
        Self {
            base_url: format!("{scheme}://{reachable}"),
            shared,
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// `http://127.0.0.1:port`, or `https`; without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// The address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the CA in PEM; `None` without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.shared.ca_pem.as_deref()
    }

    /// The simulated time, as a handle that outlives borrows.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock(Arc::clone(&self.shared))
    }

    /// Lets so much time pass: tokens expire, locks open, limits forget, `Date` moves.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// Sets the service's own clock off by so many seconds: `Date`, `iat` and `exp` are wrong,
    /// and nothing expires by it. Not cumulative; 0 puts it right.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.shared.clock.set_skew(seconds);
    }

    // ---- accounts

    /// Adds an application token that signs in; returns its id.
    pub fn add_application_token(&self, secret: &str) -> u64 {
        let now = self.shared.clock.now().said;
        self.shared.world().add_application_token(secret, now)
    }

    /// Revokes an application token: it no longer signs in, while auth tokens live on. Returns
    /// whether there is one of that id.
    pub fn revoke_application_token(&self, id: u64) -> bool {
        let mut world = self.shared.world();
        let found = world.application_tokens.iter_mut().find(|token| token.id == id);
        found.map(|token| token.revoked = true).is_some()
    }

    /// Revokes an application token by its secret, such as
    /// [`DEFAULT_APPLICATION_TOKEN`](crate::DEFAULT_APPLICATION_TOKEN).
    pub fn revoke_application_token_secret(&self, secret: &str) -> bool {
        let mut world = self.shared.world();
        let found = world.application_tokens.iter_mut().find(|token| token.secret == secret);
        found.map(|token| token.revoked = true).is_some()
    }

    /// Adds a user, or replaces the one of that name; returns the new id.
    pub fn add_user(&self, user: User) -> u64 {
        self.shared.world().add_user(user)
    }

    /// The one-time code that was last "sent" to a user. It always begins with a zero.
    #[must_use]
    pub fn mfa_code(&self, username: &str) -> Option<String> {
        self.shared.world().account_named(username).and_then(|account| account.last_code.clone())
    }

    // ---- sessions

    /// A bearer of the default organisation, as an application token would get it, without a
    /// sign-in.
    #[must_use]
    pub fn issue_bearer(&self) -> String {
        let session = Session { user: None, organisation: crate::DEFAULT_ORGANISATION };
        let now = self.shared.clock.now();
        self.shared.world().issue(session, now)
    }

    /// From now on this bearer answers 401. Returns whether it was known.
    pub fn revoke_bearer(&self, auth_token: &str) -> bool {
        let mut world = self.shared.world();
        let found = world.bearers.get_mut(auth_token);
        found.map(|bearer| bearer.revoked = true).is_some()
    }

    /// From now on every bearer issued so far answers 401.
    pub fn revoke_all_bearers(&self) {
        for bearer in self.shared.world().bearers.values_mut() {
            bearer.revoked = true;
        }
    }

    /// From now on no refresh token issued so far is taken.
    pub fn revoke_all_refresh_tokens(&self) {
        self.shared.world().refresh_tokens.clear();
    }

    /// How many refresh tokens could still be used.
    #[must_use]
    pub fn live_refresh_tokens(&self) -> usize {
        let now = self.shared.clock.now().true_time;
        let world = self.shared.world();
        world.refresh_tokens.values().filter(|token| token.expires > now).count()
    }

    /// Accepts this text as a bearer of the default organisation: until its `exp` where one can
    /// be read, else for ever.
    pub fn accept_bearer(&self, auth_token: &str) {
        let now = self.shared.clock.now();
        self.shared.world().accept_bearer(auth_token, now);
    }

    // ---- scripts

    /// Queues a scripted answer.
    pub fn script(&self, script: Script) {
        self.shared.playlist().add(script);
    }

    /// The next request for this path gets `answer`; see [`Target`] for what a path can be.
    pub fn next(&self, path: &str, answer: Answer) {
        self.script(Script::next(path, answer));
    }

    /// The next `times` requests for this path get `answer`.
    pub fn next_n(&self, path: &str, times: usize, answer: Answer) {
        self.script(Script::times(path, times, answer));
    }

    /// Every request for this path gets `answer` that no queued answer takes first.
    pub fn always(&self, path: &str, answer: Answer) {
        self.script(Script::always(path, answer));
    }

    /// Forgets all scripted answers that have not begun.
    pub fn clear_script(&self) {
        self.shared.playlist().clear();
    }

    /// Lets all answers go that are held now. Those that are held later wait for the next call.
    pub fn release(&self) {
        self.shared.gate.open();
    }

    /// Waits until at least `count` answers are held; false when `timeout` passes before.
    #[must_use]
    pub fn wait_for_held(&self, count: usize, timeout: Duration) -> bool {
        self.shared.gate.wait_for(count, timeout)
    }

    // ---- what arrived

    /// The requests since the start or the last clearing, in order, without the control
    /// endpoint's. The last 100,000 are kept.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.journal.requests(None)
    }

    /// The requests for this path; see [`Target`] for what a path can be.
    #[must_use]
    pub fn requests_to(&self, path: &str) -> Vec<RecordedRequest> {
        self.shared.journal.requests(Some(&Target::from(path)))
    }

    /// Forgets the requests, the violations and the number of sign-ins.
    pub fn clear_requests(&self) {
        self.shared.journal.clear();
    }

    /// Waits until at least `count` requests for this path have arrived since the last clearing;
    /// false when `timeout` passes before.
    #[must_use]
    pub fn wait_for_requests(&self, path: &str, count: usize, timeout: Duration) -> bool {
        self.shared.journal.wait_for(&Target::from(path), count, timeout)
    }

    /// How many requests came to `/api/v1/authenticate`, whatever was answered.
    #[must_use]
    pub fn sign_ins(&self) -> usize {
        self.shared.journal.sign_ins()
    }

    /// How many connections were accepted since the start, those of the control endpoint too.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.journal.connections()
    }

    /// What was wrong with requests, in words without secrets. A test that ends with this empty
    /// knows that every request was well formed.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.shared.journal.violations()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended already; then there is nobody to tell.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
