//! One device of a simulated fleet: the real token cache, with a clock, a randomness and a service
//! that the simulation provides.
//!
//! **No part of the API.** It is public because `benches/fleet.rs` is another crate, stands behind
//! the feature `simulation`, and changes or goes without notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::cache::{Failure, Grant, Issued, TokenCache, TokenSource, Verdict};
use crate::clock::{Clock, Moment};
use crate::credentials::Credentials;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::log::Log;
use crate::token::AuthToken;

/// What came of a sign-in request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A token that lives for so long.
    Token(Duration),
    /// 429, without `Retry-After`.
    TooMany,
    /// None, although the request was sent.
    Nothing,
}

/// The service, and the way to it.
pub trait Service: Send + Sync + 'static {
    /// The answer to a request that is sent at `at`, and how long the device waits for it. Times
    /// count from the start of the simulation.
    fn sign_in(&self, at: Duration) -> (Answer, Duration);
}

/// A device that signs in with an application token.
pub struct Device {
    cache: TokenCache<Line>,
    clock: DeviceClock,
}

impl Device {
    /// A device that has no token yet. Its draws follow from `seed`.
    pub fn new(service: impl Service, seed: u64) -> Self {
        let clock = DeviceClock::default();
        let line = Line { service: Box::new(service), clock: clock.clone() };
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        let cache = TokenCache::new(
            Credentials::application_token("simulated"),
            line,
            Arc::new(clock.clone()),
            Box::new(move || random.lock().f64()),
            Log::default(),
        );
        Self { cache, clock }
    }

    /// What the device's program gets when it asks for a token at `at`, and when it gets it.
    ///
    /// # Errors
    ///
    /// Those of [`Client::auth_token`](crate::Client::auth_token).
    pub fn token(&self, at: Duration) -> (Result<AuthToken, Error>, Duration) {
        self.clock.set(at);
        // Deadlines run on the real clock, on which a simulated call takes no time.
        let result = self.cache.token(|| Deadline::after(Duration::from_secs(30)));
        (result, self.clock.time())
    }
}

struct Line {
    service: Box<dyn Service>,
    clock: DeviceClock,
}

impl TokenSource for Line {
    fn sign_in(
        &self,
        _grant: &Grant,
        _fresh: bool,
        _deadline: Deadline,
    ) -> Result<Issued, Failure> {
        let sent_at = self.clock.time();
        let (answer, wait) = self.service.sign_in(sent_at);
        self.clock.set(sent_at + wait);
        let failure = |verdict, kind, message: &str| {
            let error = Error::new(kind, message);
            Err(Failure { verdict, error, retry_after: None, sent: true })
        };
        match answer {
            Answer::Token(lifetime) => {
                Ok(Issued { text: "simulated".to_owned().into(), lifetime, refresh_token: None })
            }
            Answer::TooMany => failure(Verdict::Limited, ErrorKind::RateLimited, "429"),
            Answer::Nothing => failure(Verdict::Unanswered, ErrorKind::Network, "no answer"),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct DeviceClock(Arc<AtomicU64>);

impl DeviceClock {
    fn time(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos, Ordering::Relaxed);
    }
}

impl Clock for DeviceClock {
    fn now(&self) -> Moment {
        Moment::from_nanos(self.0.load(Ordering::Relaxed))
    }
}
