//! The token cache: serve, renew, wait or refuse. The only place that decides.
//!
//! It knows no HTTP and no JSON. Its clock, its randomness and its source of tokens come from
//! outside, and it holds no lock while anything waits.
//!
//! # The parts
//!
//! - [`state`]: what each caller gets, without locks and without waiting. Reads as the policy does;
//!   [`landing`]: what the outcome of a sign-in changes; [`changes`]: what callers change.
//! - [`hold`]: what keeps the cache from asking, and for how long; [`budget`]: the last resort;
//!   [`bearer`]: what a token costs that is refused in use.
//! - [`source`]: what the cache asks for tokens, and what it can be told.
//! - [`shelf`]: where readers find the token without a lock.
//! - this file: many threads. One shelf for readers, one mutex for everybody else, and one sign-in
//!   at a time whose result all share.
//!
//! # One call through it
//!
//! [`TokenCache::token`] looks at the shelf first: a good token that is not due goes out without
//! a lock. Otherwise [`State::decide`] says what this caller does. A leader leaves the lock, asks
//! the source, and brings the outcome back to [`State::land`]; the others wait on the condition,
//! each with its own deadline.
//!
//! # What happens when
//!
//! Each row is a state: what the cache holds. `tests/table.rs` plays every cell on a real cache,
//! without jitter, and fails when the tables say anything else. The one column it takes on trust is
//! the fork: in a child the client refuses before it comes to the cache, as `tests/c/fork.c` sees with
//! clients in all states but that of a renewal that is due.
//!
#![doc = include_str!("cache/table.md")]

mod bearer;
mod budget;
mod changes;
mod hold;
mod landing;
mod shelf;
mod source;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::SecretString;

use self::landing::Next;
use self::shelf::OwnShelf;
#[cfg(feature = "capi")]
pub(crate) use self::shelf::SHELVES;
pub(crate) use self::source::{
    CodeGrant, Failure, Grant, Issued, TokenSource, TrustedDevice, Verdict,
};
use self::state::{Attempt, Decision, State};
use crate::clock::{Clock, Moment};
use crate::credentials::Credentials;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::log::{Log, LogLevel};
use crate::sync::{Condvar, Mutex, ThreadId, thread_id};
use crate::token::AuthToken;

/// A renewal that a caller makes by the way may delay that caller by this much at most: it was
/// promised a good token, and there is one.
const LONGEST_RENEWAL: Duration = Duration::from_secs(10);

/// Draws a number from 0 to 1: from the system's randomness, or from a test.
pub(crate) type Draw = Box<dyn Fn() -> f64 + Send + Sync>;

/// Keeps one token and gets the next one.
pub(crate) struct TokenCache<S> {
    source: S,
    clock: Arc<dyn Clock>,
    /// What readers look at without a lock; written under the mutex only.
    shelf: OwnShelf,
    state: Mutex<State>,
    landed: Condvar,
    log: Log,
}

/// A sign-in on its way.
struct Flight {
    /// Set when it is over: to the result if it is one for all, else to `None`, whereupon one of
    /// those who waited leads.
    outcome: OnceLock<Option<Result<AuthToken, Error>>>,
    /// Who would wait for itself if it asked for a token before that.
    leader: ThreadId,
}

impl Flight {
    /// One that this thread leads.
    fn new() -> Self {
        Self { outcome: OnceLock::new(), leader: thread_id() }
    }
}

impl<S: TokenSource> TokenCache<S> {
    pub(crate) fn new(
        credentials: Credentials,
        source: S,
        clock: Arc<dyn Clock>,
        draw: Draw,
        log: Log,
    ) -> Self {
        Self {
            source,
            shelf: OwnShelf::take(),
            state: Mutex::new(State::new(credentials, clock.clone(), draw)),
            clock,
            landed: Condvar::default(),
            log,
        }
    }

    /// A good token, at once if there is one, by `deadline` otherwise.
    #[inline]
    pub(crate) fn token(&self, deadline: impl FnOnce() -> Deadline) -> Result<AuthToken, Error> {
        if let Some(token) = self.peek(|token, _now| token.clone()) {
            return Ok(token);
        }
        self.obtain(deadline(), LONGEST_RENEWAL, State::decide)
    }

    /// What `look` makes of the published token and the present moment, while nothing is due. No
    /// lock, no allocation, and the clock is read once.
    #[inline]
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&AuthToken, Moment) -> R) -> Option<R> {
        self.shelf.peek(look)
    }

    /// On which of [`SHELVES`] the token is shown, if on one of these.
    #[cfg(feature = "capi")]
    pub(crate) fn shelf(&self) -> Option<usize> {
        self.shelf.number()
    }

    /// Renews the token if that is due, or soon will be; signs in if there is none. Returns when to
    /// come back, at least a second.
    ///
    /// A renewal that fails while the token is good is no failure. A caller that makes these
    /// calls in time sees to it that no call of [`token`](Self::token) ever waits.
    pub(crate) fn renew_if_due(&self, deadline: Deadline) -> Result<Duration, Error> {
        self.obtain(deadline, Duration::MAX, State::decide_early)?;
        Ok(self.change(State::leave_to_loop))
    }

    /// Completes a sign-in that waits for a one-time code.
    pub(crate) fn submit_code(
        &self,
        code: &SecretString,
        device: Option<&TrustedDevice>,
        deadline: Deadline,
    ) -> Result<AuthToken, Error> {
        self.obtain(deadline, Duration::MAX, |state| state.decide_code(code, device))
    }

    /// Throws the token away if it is `text`.
    pub(crate) fn invalidate(&self, text: &str) {
        self.change(|state| state.invalidate(text));
    }

    /// A call with `text` was answered 401: whether to ask for a token again and repeat it.
    pub(crate) fn replace(&self, text: &str) -> bool {
        self.change(|state| state.replace(text))
    }

    /// A call with `text` was accepted.
    pub(crate) fn accepted(&self, text: &str) {
        let mut state = self.state.lock();
        if state.bearer_was_refused() {
            state.accepted(text);
        }
    }

    /// Forgets a refusal, a lock-out, a challenge and a back-off; keeps a 429 and the budget.
    pub(crate) fn reset(&self) {
        self.change(State::reset);
    }

    /// Starts over with other credentials.
    pub(crate) fn set_credentials(&self, credentials: Credentials) {
        self.change(|state| state.set_credentials(credentials));
    }

    /// A token for credentials that are not in use, which changes nothing here but the count of
    /// requests, and what the service said of those.
    pub(crate) fn try_out(
        &self,
        credentials: &Credentials,
        deadline: Deadline,
    ) -> Result<AuthToken, Error> {
        self.obtain(deadline, Duration::MAX, |state| state.decide_trial(credentials))
    }

    /// Nothing, if credentials could be [tried out](Self::try_out) now.
    pub(crate) fn may_try_out(&self) -> Result<(), Error> {
        let state = self.state.lock();
        let now = state.now();
        let obstacle = state.firm_obstacle(now).or_else(|| state.holds.trial_obstacle(now));
        obstacle.map_or(Ok(()), Err)
    }

    /// Starts over with other credentials and the token that they have got already, unless the
    /// present ones are not `old` any more. Tells whether it did.
    pub(crate) fn adopt(&self, old: &Credentials, new: Credentials, token: AuthToken) -> bool {
        let adopted = self.change(|state| state.adopt(old, new, token));
        // Those who wait for a sign-in with the old ones need not any more.
        self.landed.notify_all();
        adopted
    }

    /// What the next sign-in presents, unless there is a refresh token.
    pub(crate) fn credentials(&self) -> Credentials {
        self.state.lock().credentials()
    }

    /// Lets calls that wait fail, and those that would wait, until set to `false` again. A good
    /// token is still served. The source has to be told apart from this.
    pub(crate) fn set_cancelled(&self, cancelled: bool) {
        self.change(|state| state.set_cancelled(cancelled));
        self.landed.notify_all();
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        let result = change(&mut state);
        self.publish(&mut state);
        result
    }

    fn obtain(
        &self,
        deadline: Deadline,
        longest_renewal: Duration,
        decide: impl Fn(&mut State) -> Decision,
    ) -> Result<AuthToken, Error> {
        let mut state = self.state.lock();
        loop {
            let decision = decide(&mut state);
            self.publish(&mut state);
            match decision {
                Decision::Serve(token) => return Ok(token),
                Decision::Fail(error) => return Err(error),
                Decision::Wait { flight, .. } if flight.leader == thread_id() => {
                    return Err(inside_own_sign_in());
                }
                Decision::Wait { flight, share } => {
                    if deadline.has_passed() {
                        return Err(Error::new(
                            ErrorKind::Timeout,
                            "no token in time: another thread was still signing in",
                        ));
                    }
                    if flight.outcome.get().is_none() {
                        self.landed.wait_until(&mut state, deadline);
                    }
                    if !share {
                        continue;
                    }
                    match flight.outcome.get() {
                        // One that waited long enough to be past its use is none.
                        Some(Some(Ok(token))) if state.now() >= token.unusable_from() => {}
                        Some(Some(Ok(token))) => return Ok(token.clone()),
                        // This thread may wake late, when another sign-in has succeeded.
                        Some(Some(Err(error))) => {
                            return state.usable().ok_or_else(|| error.clone());
                        }
                        // Over without a result, or not over, or the client was cancelled.
                        Some(None) | None => {}
                    }
                }
                Decision::Lead(attempt) => {
                    drop(state);
                    let own = match attempt.renewal {
                        true => deadline.min(Deadline::after(longest_renewal)),
                        false => deadline,
                    };
                    match self.lead(attempt, own) {
                        // The time of a renewal was up while the token became unusable or was
                        // thrown away, but this caller's own is not.
                        Err(error)
                            if error.kind() == ErrorKind::Timeout
                                && own != deadline
                                && !deadline.has_passed() => {}
                        result => return result,
                    }
                    state = self.state.lock();
                }
            }
        }
    }

    /// Signs in on behalf of everybody.
    fn lead(&self, attempt: Attempt, deadline: Deadline) -> Result<AuthToken, Error> {
        let mut leader = Leader { cache: self, attempt, landed: false };
        loop {
            let sent_at = self.clock.now();
            let Attempt { grant, repeated, .. } = &leader.attempt;
            let outcome = self.source.sign_in(grant, *repeated, deadline);
            let mut state = self.state.lock();
            match state.land(&mut leader.attempt, outcome, sent_at) {
                Next::Again { why } => {
                    drop(state);
                    self.log.line(LogLevel::Info, || format!("signing in once more: {why}"));
                }
                Next::Over { result, shared, failure } => {
                    leader.landed = true;
                    let _ = leader.attempt.flight.outcome.set(shared.then(|| result.clone()));
                    self.publish(&mut state);
                    drop(state);
                    self.landed.notify_all();
                    self.report(&result, failure.as_ref());
                    return result;
                }
            }
        }
    }

    /// Logs what came of a sign-in: the failure that the caller does not see, above all.
    fn report(&self, result: &Result<AuthToken, Error>, failure: Option<&Error>) {
        let left = |token: &AuthToken| token.expires_in().as_secs();
        match (result, failure) {
            (Ok(token), None) => self.log.line(LogLevel::Info, || {
                format!("signed in; the token is good for {} s", left(token))
            }),
            (Ok(token), Some(failure)) => self.log.line(LogLevel::Warning, || {
                format!("renewal failed, the token is good for {} s more: {failure}", left(token))
            }),
            (Err(error), failure) => {
                let failure = failure.unwrap_or(error);
                // What waiting does not mend, somebody has to.
                let waiting_helps =
                    failure.is_retryable() || failure.kind() == ErrorKind::Cancelled;
                let level = if waiting_helps { LogLevel::Warning } else { LogLevel::Error };
                self.log.line(level, || format!("sign-in failed: {failure}"));
            }
        }
    }

    /// Shows readers what the state says now.
    fn publish(&self, state: &mut State) {
        self.shelf.publish(state.published());
    }
}

/// Sees to it that a leader which panics does not leave the others waiting.
struct Leader<'a, S: TokenSource> {
    cache: &'a TokenCache<S>,
    attempt: Attempt,
    landed: bool,
}

impl<S: TokenSource> Drop for Leader<'_, S> {
    fn drop(&mut self) {
        if !self.landed {
            let mut state = self.cache.state.lock();
            state.leader_lost();
            let _ = self.attempt.flight.outcome.set(None);
            self.cache.publish(&mut state);
            drop(state);
            self.cache.landed.notify_all();
        }
    }
}

/// The log is called in the middle of a sign-in, and may call the client.
#[cold]
fn inside_own_sign_in() -> Error {
    Error::invalid(
        "client: a log callback asked for a token during the very sign-in that is to bring it; ask \
         after the callback has returned",
    )
}

impl<S> fmt::Debug for TokenCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("token", &self.shelf.token()).finish_non_exhaustive()
    }
}
