//! The single flight under a scheduler that tries out interleavings. Not part of the ordinary
//! build:
//!
//! ```text
//! RUSTFLAGS="--cfg emnify_shuttle" cargo test -p emnify --lib --no-default-features \
//!     cache::tests::interleavings
//! ```
//!
//! The scheduler knows no time, so that a wake-up that is lost shows as a deadlock.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner, thread};

use crate::cache::{Failure, Grant, Issued, TokenCache, TokenSource, Verdict};
use crate::clock::manual::ManualClock;
use crate::credentials::{Credentials, Kind};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::log::Log;

const ITERATIONS: usize = 2000;
const SEED: u64 = 1105;

/// What a request meets; those past the end of the list get a token.
#[derive(Clone, Copy)]
enum Meets {
    Token,
    Failure,
    Deadline,
    Cancel,
    Panic,
}

struct Source {
    meets: Vec<Meets>,
    requests: Arc<AtomicUsize>,
    at_once: AtomicUsize,
}

impl TokenSource for Source {
    fn sign_in(&self, grant: &Grant, _: bool, _: Deadline) -> Result<Issued, Failure> {
        assert_eq!(self.at_once.fetch_add(1, Ordering::SeqCst), 0, "two sign-ins at once");
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        // While the request is on its way, anything may happen.
        thread::yield_now();
        thread::yield_now();
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        let failure = |verdict, kind| {
            let error = Error::new(kind, "scripted");
            Err(Failure { verdict, error, retry_after: None, sent: true })
        };
        match self.meets.get(number).copied().unwrap_or(Meets::Token) {
            Meets::Token => {
                let Grant::Credentials(credentials) = grant else { unreachable!("no session") };
                let Kind::ApplicationToken(text) = credentials.kind() else { unreachable!() };
                Ok(Issued {
                    text: format!("{} {number}", text.expose_secret()).into(),
                    lifetime: Duration::from_secs(14_400),
                    refresh_token: None,
                })
            }
            Meets::Failure => failure(Verdict::Failed, ErrorKind::Server),
            Meets::Deadline => failure(Verdict::CallersOwn, ErrorKind::Timeout),
            Meets::Cancel => failure(Verdict::CallersOwn, ErrorKind::Cancelled),
            Meets::Panic => resume_unwind(Box::new("scripted")),
        }
    }
}

/// The token's text, or what kind of failure there was; `None` for a panic.
type Outcome = Option<Result<String, ErrorKind>>;

type Herd = Vec<thread::JoinHandle<Outcome>>;

#[derive(Clone)]
struct Client {
    cache: Arc<TokenCache<Source>>,
    clock: ManualClock,
    requests: Arc<AtomicUsize>,
}

impl Client {
    fn new(meets: &[Meets]) -> Self {
        let clock = ManualClock::new();
        let requests = Arc::new(AtomicUsize::new(0));
        let source = Source {
            meets: meets.to_vec(),
            requests: requests.clone(),
            at_once: AtomicUsize::new(0),
        };
        let cache = Arc::new(TokenCache::new(
            Credentials::application_token("one"),
            source,
            Arc::new(clock.clone()),
            Box::new(|| 0.0),
            Log::default(),
        ));
        Self { cache, clock, requests }
    }

    fn ask(&self) -> Outcome {
        let call = || self.cache.token(|| Deadline::after(Duration::from_secs(3600)));
        let result = catch_unwind(AssertUnwindSafe(call)).ok()?;
        Some(result.map(|token| token.as_str().to_owned()).map_err(|error| error.kind()))
    }

    fn herd(&self, count: usize) -> Herd {
        (0..count)
            .map(|_| {
                let client = self.clone();
                thread::spawn(move || client.ask())
            })
            .collect()
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn all(herd: Herd) -> Vec<Outcome> {
    herd.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// At random, and with few but well placed changes between threads, which finds what is deep. The
/// same interleavings each time.
fn explore(scenario: impl Fn() + Clone + Send + Sync + 'static) {
    let random = RandomScheduler::new_from_seed(SEED, ITERATIONS);
    Runner::new(random, Config::new()).run(scenario.clone());
    let placed = PctScheduler::new_from_seed(SEED, 3, ITERATIONS);
    Runner::new(placed, Config::new()).run(scenario);
}

fn token(text: &str) -> Outcome {
    Some(Ok(text.to_owned()))
}

#[test]
fn threads_without_a_token_make_one_request_and_all_share_it() {
    explore(|| {
        let client = Client::new(&[]);
        for outcome in all(client.herd(4)) {
            assert_eq!(outcome, token("one 0"));
        }
        assert_eq!(client.requests(), 1);
    });
}

#[test]
fn threads_without_a_token_share_one_failure() {
    explore(|| {
        let client = Client::new(&[Meets::Failure]);
        for outcome in all(client.herd(4)) {
            assert_eq!(outcome, Some(Err(ErrorKind::Server)));
        }
        assert_eq!(client.requests(), 1);
    });
}

#[test]
fn after_a_leader_that_fails_alone_another_leads_and_nobody_hangs() {
    for (meets, leader) in [
        (Meets::Deadline, Some(Err(ErrorKind::Timeout))),
        (Meets::Cancel, Some(Err(ErrorKind::Cancelled))),
        (Meets::Panic, None),
    ] {
        explore(move || {
            let client = Client::new(&[meets, meets]);
            let outcomes = all(client.herd(4));
            let alone = outcomes.iter().filter(|outcome| **outcome == leader).count();
            let served = outcomes.iter().filter(|outcome| **outcome == token("one 2")).count();
            assert_eq!((alone, served, client.requests()), (2, 2, 3));
        });
    }
}

#[test]
fn at_the_moment_of_renewal_one_thread_asks_and_every_call_succeeds() {
    explore(|| {
        let client = Client::new(&[Meets::Token, Meets::Token]);
        client.ask();
        client.clock.advance(Duration::from_secs(11_000));
        for outcome in all(client.herd(4)) {
            assert!([token("one 0"), token("one 1")].contains(&outcome), "{outcome:?}");
        }
        assert_eq!(client.requests(), 2);
        assert_eq!(client.ask(), token("one 1"));
    });
}

#[test]
fn a_renewal_that_fails_alone_disturbs_nobody() {
    explore(|| {
        let client = Client::new(&[Meets::Token, Meets::Deadline]);
        client.ask();
        client.clock.advance(Duration::from_secs(11_000));
        for outcome in all(client.herd(4)) {
            assert_eq!(outcome, token("one 0"));
        }
        assert_eq!(client.requests(), 2);
    });
}

#[test]
fn a_token_that_becomes_unusable_during_its_renewal_leaves_nobody_without() {
    explore(|| {
        let client = Client::new(&[Meets::Token, Meets::Panic]);
        client.ask();
        client.clock.advance(Duration::from_secs(14_369));
        let herd = client.herd(3);
        client.clock.advance(Duration::from_secs(1));
        let outcomes = all(herd);
        assert!(outcomes.iter().filter(|outcome| outcome.is_none()).count() <= 1);
        for outcome in outcomes.into_iter().flatten() {
            assert!(outcome.is_ok(), "{outcome:?}");
        }
        assert!(client.requests() <= 3);
    });
}

#[test]
fn an_invalidation_that_races_with_a_flight_hits_the_old_token_only() {
    explore(|| {
        let client = Client::new(&[]);
        client.ask();
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let client = client.clone();
                thread::spawn(move || {
                    client.cache.invalidate("one 0");
                    client.ask()
                })
            })
            .collect();
        for outcome in all(threads) {
            assert_eq!(outcome, token("one 1"));
        }
        assert_eq!(client.requests(), 2);
    });
}

#[test]
fn after_new_credentials_nobody_gets_a_token_of_the_old() {
    explore(|| {
        let client = Client::new(&[]);
        let herd = client.herd(2);
        client.cache.set_credentials(Credentials::application_token("two"));
        // From here on; those of the herd may have been served before.
        let after = client.ask().unwrap().unwrap();
        assert!(after.starts_with("two "), "{after}");
        let served = all(herd);
        assert!(served.iter().all(|outcome| matches!(outcome, Some(Ok(_)))), "{served:?}");
        assert!(client.requests() <= 2);
        assert_eq!(client.ask(), Some(Ok(after)));
    });
}

#[test]
fn a_cancel_wakes_everybody_and_a_resume_lets_them_go_on() {
    explore(|| {
        let client = Client::new(&[Meets::Cancel]);
        let herd = client.herd(3);
        client.cache.set_cancelled(true);
        client.cache.set_cancelled(false);
        for outcome in all(herd) {
            let kind = outcome.expect("no panic");
            assert!(matches!(kind, Ok(_) | Err(ErrorKind::Cancelled)), "{kind:?}");
        }
        // Where the cancel came before any request did, the first is still to meet it.
        let last = [client.ask(), client.ask()];
        assert!(matches!(last[1], Some(Ok(_))), "{last:?}");
    });
}

#[test]
fn a_loop_that_renews_beside_hot_calls_makes_no_second_request() {
    explore(|| {
        let client = Client::new(&[]);
        client.ask();
        client.clock.advance(Duration::from_secs(11_000));
        let herd = client.herd(2);
        let next = client.cache.renew_if_due(Deadline::after(Duration::from_secs(3600)));
        assert!(next.is_ok());
        assert!(all(herd).iter().all(|outcome| matches!(outcome, Some(Ok(_)))));
        assert_eq!(client.requests(), 2);
    });
}
