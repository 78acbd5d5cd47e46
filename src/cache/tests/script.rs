//! The source of tokens of the tests: it says what it is told to, and keeps a record.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak, mpsc};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::rig::{MINUTE, SECOND};
use crate::cache::{CodeGrant, Failure, Grant, Issued, TokenCache, TokenSource, Verdict};
use crate::clock::manual::ManualClock;
use crate::clock::{Clock, Moment};
use crate::credentials::{Credentials, Kind};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::token::DOCUMENTED_LIFETIME;

/// An answer of the service, or what takes its place.
#[derive(Clone, Debug)]
pub(super) enum Says {
    /// `token-<number of the request>`, for the documented 240 minutes.
    Token,
    /// The same with another life.
    TokenFor(Duration),
    /// The same with a refresh token.
    Session(&'static str),
    /// An `mfa_token`.
    Mfa(&'static str),
    Refused,
    RefusedFor(u64),
    Locked,
    LockedFor(u64),
    Limited,
    LimitedFor(u64),
    /// A 503, or garbage: the cache is told the same.
    Failed,
    FailedFor(u64),
    Unanswered,
    /// The request did not leave.
    Unsent,
    /// The connection had been idle and was dead.
    Stale,
    /// The leader's deadline passes.
    TimeUp,
    Cancelled,
    Panic,
    /// Something happens while the request is on its way.
    Meanwhile(Change, Box<Says>),
    /// The answer takes its time.
    After(Duration, Box<Says>),
}

/// The application token of sign-ins that only try it out: what comes of them is not the cache's.
pub(super) const TRIED_OUT: &str = "trial";

/// What another caller may do at any time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Invalidate,
    /// A call with the token was answered 401.
    Replace,
    /// A call with the token was not.
    Accept,
    Reset,
    NewCredentials,
    Cancel,
    Resume,
}

impl Says {
    pub(super) fn after(time: Duration, says: Self) -> Self {
        Self::After(time, Box::new(says))
    }

    fn outcome(self, number: usize) -> Result<Issued, Failure> {
        let token = |lifetime, refresh: Option<&str>| {
            Ok(Issued {
                text: format!("token-{number}").into(),
                lifetime,
                refresh_token: refresh.map(Into::into),
            })
        };
        let failure = |verdict, kind, text: &str, retry_after: Option<u64>| {
            Err(Failure {
                verdict,
                error: Error::new(kind, text),
                retry_after: retry_after.map(Duration::from_secs),
                sent: true,
            })
        };
        use ErrorKind as K;
        match self {
            Self::Token => token(DOCUMENTED_LIFETIME, None),
            Self::TokenFor(lifetime) => token(lifetime, None),
            Self::Session(refresh) => token(DOCUMENTED_LIFETIME, Some(refresh)),
            Self::Mfa(text) => {
                let verdict = Verdict::Challenged(text.into());
                failure(verdict, K::MfaRequired, "a code was sent", None)
            }
            Self::Refused => failure(Verdict::Refused, K::Unauthorized, "refused", None),
            Self::RefusedFor(s) => failure(Verdict::Refused, K::Unauthorized, "refused", Some(s)),
            Self::Locked => failure(Verdict::Locked, K::AccountLocked, "locked", None),
            Self::LockedFor(s) => failure(Verdict::Locked, K::AccountLocked, "locked", Some(s)),
            Self::Limited => failure(Verdict::Limited, K::RateLimited, "429", None),
            Self::LimitedFor(s) => failure(Verdict::Limited, K::RateLimited, "429", Some(s)),
            Self::Failed => failure(Verdict::Failed, K::Server, "503", None),
            Self::FailedFor(s) => failure(Verdict::Failed, K::Server, "503", Some(s)),
            Self::Unanswered => failure(Verdict::Unanswered, K::Network, "no answer", None),
            Self::Unsent => {
                let failure = failure(Verdict::Unanswered, K::Network, "no route", None);
                failure.map_err(|failure| Failure { sent: false, ..failure })
            }
            Self::Stale => failure(Verdict::Stale, K::Network, "dead connection", None),
            Self::TimeUp => failure(Verdict::CallersOwn, K::Timeout, "time is up", None),
            Self::Cancelled => failure(Verdict::CallersOwn, K::Cancelled, "cancelled", None),
            // Unwinds as a panic does, but without a message in the middle of the test's output.
            Self::Panic => std::panic::resume_unwind(Box::new("the source panics")),
            Self::After(..) | Self::Meanwhile(..) => unreachable!("played by the script"),
        }
    }
}

/// A request as the service saw it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) grant: String,
    pub(super) at: Moment,
    /// Whether it left the device.
    pub(super) sent: bool,
    pub(super) fresh_connection: bool,
}

/// A token that the service has given, by the test's own reckoning.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) usable_until: Moment,
    pub(super) arrived: Moment,
    pub(super) dropped: bool,
}

/// A source of tokens that follows a script and keeps a record.
pub(super) struct Script {
    clock: ManualClock,
    lines: Mutex<VecDeque<(Says, Option<Hold>)>>,
    /// What it says when the script is at its end.
    otherwise: Mutex<Says>,
    seen: Mutex<Vec<Seen>>,
    given: Mutex<Vec<Given>>,
    /// How often the credentials were replaced.
    epoch: AtomicUsize,
    cache: OnceLock<Weak<TokenCache<Arc<Script>>>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// The far end of a [`Gate`].
struct Hold {
    arrived: mpsc::Sender<Deadline>,
    released: mpsc::Receiver<()>,
}

/// An answer that waits until the test lets it go.
pub(super) struct Gate {
    arrived: mpsc::Receiver<Deadline>,
    release: mpsc::Sender<()>,
}

impl Gate {
    /// Waits until the request is there, and gives the deadline it came with.
    pub(super) fn arrived(&self) -> Deadline {
        self.arrived.recv_timeout(MINUTE).expect("the request comes")
    }

    /// Lets the answer go.
    pub(super) fn release(self) {
        self.release.send(()).expect("somebody waits for the answer");
    }
}

impl TokenSource for Arc<Script> {
    fn sign_in(
        &self,
        grant: &Grant,
        fresh_connection: bool,
        deadline: Deadline,
    ) -> Result<Issued, Failure> {
        let now_at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now_at_once, Ordering::SeqCst);
        let grant = describe(grant);
        let trial = grant == format!("application {TRIED_OUT}");
        let number = {
            let mut seen = self.seen.lock().unwrap();
            let at = self.clock.now();
            seen.push(Seen { grant, at, sent: true, fresh_connection });
            seen.len()
        };
        let (sent_at, epoch) = (self.clock.now(), self.epoch.load(Ordering::SeqCst));
        let line = self.lines.lock().unwrap().pop_front();
        let (says, hold) = line.unwrap_or_else(|| (self.otherwise.lock().unwrap().clone(), None));
        if let Some(hold) = hold {
            hold.arrived.send(deadline).unwrap();
            hold.released.recv_timeout(MINUTE).expect("the test releases the answer");
        }
        let says = self.play(says);
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        let outcome = says.outcome(number);
        match &outcome {
            Ok(issued) => self.given.lock().unwrap().push(Given {
                text: issued.text.expose_secret().to_owned(),
                usable_until: sent_at + usable(issued.lifetime),
                arrived: self.clock.now(),
                dropped: trial || epoch != self.epoch.load(Ordering::SeqCst),
            }),
            Err(failure) => self.seen.lock().unwrap()[number - 1].sent = failure.sent,
        }
        outcome
    }
}

/// How much of its life a token is used for, as the policy has it.
fn usable(life: Duration) -> Duration {
    if life < 5 * MINUTE { life * 9 / 10 } else { life - 30 * SECOND }
}

impl Script {
    pub(super) fn new(clock: ManualClock) -> Self {
        Self {
            clock,
            lines: Mutex::default(),
            otherwise: Mutex::new(Says::Token),
            seen: Mutex::default(),
            given: Mutex::default(),
            epoch: AtomicUsize::new(0),
            cache: OnceLock::new(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        }
    }

    /// The cache that is changed while a request is on its way.
    pub(super) fn attach(&self, cache: &Arc<TokenCache<Arc<Self>>>) {
        self.cache.set(Arc::downgrade(cache)).expect("attached once");
    }

    pub(super) fn next(&self, says: Says) {
        self.lines.lock().unwrap().push_back((says, None));
    }

    pub(super) fn hold(&self, says: Says) -> Gate {
        let (arrived, arrival) = mpsc::channel();
        let (release, released) = mpsc::channel();
        self.lines.lock().unwrap().push_back((says, Some(Hold { arrived, released })));
        Gate { arrived: arrival, release }
    }

    pub(super) fn forget(&self) {
        self.lines.lock().unwrap().clear();
    }

    pub(super) fn always(&self, says: Says) {
        *self.otherwise.lock().unwrap() = says;
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }

    /// What happens before the answer, down to the answer.
    fn play(&self, mut says: Says) -> Says {
        loop {
            says = match says {
                Says::After(time, then) => {
                    self.clock.advance(time);
                    *then
                }
                Says::Meanwhile(change, then) => {
                    self.change(change);
                    *then
                }
                answer => return answer,
            }
        }
    }

    pub(super) fn change(&self, change: Change) {
        let cache = self.cache.get().and_then(Weak::upgrade).expect("the cache lives");
        let present = self.present();
        let text = present.as_deref().unwrap_or("none");
        let dropped = match change {
            Change::Invalidate => {
                cache.invalidate(text);
                true
            }
            Change::Replace => cache.replace(text),
            Change::Accept => {
                cache.accepted(text);
                false
            }
            Change::Reset => {
                cache.reset();
                false
            }
            Change::NewCredentials => {
                let epoch = self.epoch.fetch_add(1, Ordering::SeqCst);
                let name = format!("application {epoch}");
                cache.set_credentials(Credentials::application_token(name));
                true
            }
            Change::Cancel | Change::Resume => {
                cache.set_cancelled(matches!(change, Change::Cancel));
                false
            }
        };
        if dropped {
            self.given.lock().unwrap().iter_mut().for_each(|given| given.dropped = true);
        }
    }

    /// The text of the token that has to be served now, if there is one.
    pub(super) fn present(&self) -> Option<String> {
        let given = self.given.lock().unwrap();
        let kept = given.iter().rev().find(|it| it.arrived < it.usable_until && !it.dropped)?;
        (self.clock.now() < kept.usable_until).then(|| kept.text.clone())
    }
}

fn describe(grant: &Grant) -> String {
    match grant {
        Grant::Refresh(text) => format!("refresh {}", text.expose_secret()),
        Grant::Code(CodeGrant { mfa_token, code, device }) => {
            let device = device.as_ref().map_or("", |device| device.name.as_str());
            format!("code {} {} {device}", mfa_token.expose_secret(), code.expose_secret())
                .trim_end()
                .to_owned()
        }
        Grant::Credentials(credentials) => match credentials.kind() {
            Kind::ApplicationToken(text) => format!("application {}", text.expose_secret()),
            Kind::User { name, .. } => format!("user {name}"),
            _ => unreachable!("a refresh token is its own grant, and no test is in a workspace"),
        },
    }
}
