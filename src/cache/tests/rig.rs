//! What the tests share: a cache with a clock that stands still and a source that follows a script.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::SecretString;

pub(super) use super::script::{Change, Gate, Says, Seen};
use super::script::{Script, TRIED_OUT};
use crate::cache::TokenCache;
use crate::clock::manual::ManualClock;
use crate::clock::{Clock, Moment};
use crate::credentials::Credentials;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::log::Log;
use crate::token::AuthToken;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// With a draw of 0, a token of the documented 240 minutes is renewed from here …
pub(super) const RENEW_FROM: Duration = Duration::from_millis(10_777_500);
/// … and unusable from here.
pub(super) const UNUSABLE_FROM: Duration = Duration::from_secs(14_370);

/// Longer than any test runs: nothing here waits for it.
pub(super) fn patience() -> Deadline {
    Deadline::after(HOUR)
}

thread_local! {
    static AHEAD: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// For this thread it is later by `time`, as if it had been slow to wake.
pub(super) fn wake_late(time: Duration) {
    AHEAD.set(time);
}

#[derive(Debug)]
struct ThreadsClock(ManualClock);

impl Clock for ThreadsClock {
    fn now(&self) -> Moment {
        self.0.now() + AHEAD.get()
    }
}

/// A cache, its clock and its source.
pub(super) struct Rig {
    pub(super) cache: Arc<TokenCache<Arc<Script>>>,
    pub(super) clock: ManualClock,
    script: Arc<Script>,
    draw: Arc<AtomicU64>,
}

pub(super) fn application() -> Credentials {
    Credentials::application_token("one")
}

pub(super) fn user() -> Credentials {
    Credentials::user("ada", "password")
}

impl Rig {
    /// A client with an application token. Draws are 0: no jitter, renewal as early as it may be.
    pub(super) fn new() -> Self {
        Self::with(application(), Log::default())
    }

    pub(super) fn with(credentials: Credentials, log: Log) -> Self {
        let clock = ManualClock::new();
        let script = Arc::new(Script::new(clock.clone()));
        let draw = Arc::new(AtomicU64::new(0));
        let drawn = draw.clone();
        let cache = Arc::new(TokenCache::new(
            credentials,
            script.clone(),
            Arc::new(ThreadsClock(clock.clone())),
            Box::new(move || f64::from_bits(drawn.load(Ordering::SeqCst))),
            log,
        ));
        script.attach(&cache);
        Self { cache, clock, script, draw }
    }

    pub(super) fn set_credentials(&self, credentials: Credentials) {
        self.cache.set_credentials(credentials);
    }

    pub(super) fn change(&self, change: Change) {
        self.script.change(change);
    }

    /// The text of the token that has to be served now, if there is one.
    pub(super) fn present(&self) -> Option<String> {
        self.script.present()
    }

    /// What the next requests are answered.
    pub(super) fn script(&self, says: impl IntoIterator<Item = Says>) {
        says.into_iter().for_each(|says| self.script.next(says));
    }

    /// What is left of the script is not played.
    pub(super) fn forget_script(&self) {
        self.script.forget();
    }

    /// What all requests are answered for which nothing else is scripted.
    pub(super) fn always(&self, says: Says) {
        self.script.always(says);
    }

    /// The next request is answered so, when the test lets it.
    pub(super) fn hold(&self, says: Says) -> Gate {
        self.script.hold(says)
    }

    /// All draws from now on.
    pub(super) fn draw(&self, draw: f64) {
        self.draw.store(draw.to_bits(), Ordering::SeqCst);
    }

    pub(super) fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(super) fn get(&self) -> Result<AuthToken, Error> {
        self.cache.token(patience)
    }

    /// The text of the token that a caller gets now.
    pub(super) fn text(&self) -> String {
        self.get().expect("there is a token").as_str().to_owned()
    }

    /// The failure that a caller gets now.
    pub(super) fn error(&self) -> Error {
        self.get().expect_err("there is no token")
    }

    pub(super) fn kind(&self) -> ErrorKind {
        self.error().kind()
    }

    /// How long the failure that a caller gets now asks to wait.
    pub(super) fn wait(&self) -> Duration {
        self.error().retry_after().expect("a time to wait")
    }

    pub(super) fn code(&self, code: &str) -> Result<AuthToken, Error> {
        self.cache.submit_code(&SecretString::from(code), None, patience())
    }

    /// Tries out credentials that are not in use.
    pub(super) fn try_out(&self) -> Result<AuthToken, Error> {
        self.cache.try_out(&Credentials::application_token(TRIED_OUT), patience())
    }

    pub(super) fn renew_if_due(&self) -> Result<Duration, Error> {
        self.cache.renew_if_due(patience())
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.script.seen()
    }

    pub(super) fn requests(&self) -> usize {
        self.seen().len()
    }

    pub(super) fn grants(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.grant).collect()
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.script.most_at_once()
    }

    /// Returns when `count` threads are asleep, waiting for the sign-in on its way.
    pub(super) fn until_waiting(&self, count: usize) {
        loop {
            // One of the flight's owners is the state, another the leader; whoever else has it let
            // go of the mutex, which is held here, only to wait.
            let state = self.cache.state.lock();
            if state.flight.as_ref().is_some_and(|flight| Arc::strong_count(flight) == count + 2) {
                return;
            }
            drop(state);
            std::thread::yield_now();
        }
    }

    /// Lets the leader of a sign-in panic, and catches it.
    pub(super) fn panicking(&self) {
        let call = std::panic::AssertUnwindSafe(|| self.get());
        assert!(std::panic::catch_unwind(call).is_err(), "the source panics");
    }

    /// Asks for a token at every whole second, and tells at which of the next `seconds` a request
    /// was made: what an impatient caller costs the service.
    pub(super) fn hammer(&self, seconds: u64) -> Vec<u64> {
        let mut asked = Vec::new();
        for second in 0..seconds {
            let before = self.requests();
            let _ = self.get();
            if self.requests() > before {
                asked.push(second);
            }
            self.advance(SECOND);
        }
        asked
    }
}
