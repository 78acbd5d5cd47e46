//! What the outcome of a sign-in changes. No lock, no waiting, no I/O.

use std::time::Duration;

use super::hold::{Cause, Ruling};
use super::source::{Failure, Grant, Issued, Verdict};
use super::state::{Attempt, State, no_code_awaited};
use crate::clock::Moment;
use crate::credentials::Kind;
use crate::error::{Error, ErrorKind};
use crate::token::AuthToken;

/// What follows from the outcome of an attempt.
pub(super) enum Next {
    /// One more request: after a dead connection, with the credentials after the refresh token
    /// was spent, or with the new credentials after they were replaced meanwhile.
    Again { why: Error },
    /// It is over. The leader gets `result`; `shared` says whether the others do. `failure` is
    /// what went wrong, even where the leader gets the old token.
    Over { result: Result<AuthToken, Error>, shared: bool, failure: Option<Error> },
}

impl State {
    /// Takes in the outcome of `attempt`, whose request was sent at `sent_at`.
    pub(super) fn land(
        &mut self,
        attempt: &mut Attempt,
        outcome: Result<Issued, Failure>,
        sent_at: Moment,
    ) -> Next {
        let now = self.now();
        if outcome.as_ref().map_or_else(|failure| failure.sent, |_| true) {
            self.budget.spend(now);
        }
        self.settle(now);
        let next = match outcome {
            outcome if attempt.trial => self.land_trial(attempt, outcome, sent_at, now),
            outcome if attempt.epoch != self.epoch => self.start_over(attempt, outcome.err(), now),
            Ok(issued) => self.accept(attempt, issued, sent_at, now),
            Err(failure) => self.fail(attempt, failure, now),
        };
        if let Next::Over { .. } = next {
            self.flight = None;
        }
        next
    }

    /// The credentials were replaced while this attempt was in the air: whatever came is not for
    /// them, a 429 excepted, which is about this device's address.
    ///
    /// The same leader goes on with the new ones. Letting another caller lead at once, beside
    /// the old request, would make two sign-ins at the same time.
    fn start_over(&mut self, attempt: &mut Attempt, failure: Option<Failure>, now: Moment) -> Next {
        if let Some(Failure { verdict: Verdict::Limited, error, retry_after, .. }) = failure {
            self.holds.limit(error, retry_after, (self.draw)(), now);
        }
        if let Grant::Code(_) = attempt.grant {
            // Its submitter wants the code accepted, not some other sign-in made.
            return over_alone(no_code_awaited());
        }
        if let Some(token) = self.token.clone() {
            // They came with one.
            return Next::Over { result: Ok(token), shared: true, failure: None };
        }
        match self.obstacle(now).map_or_else(|| self.next_grant(), Err) {
            Ok(grant) => {
                attempt.grant = grant;
                attempt.epoch = self.epoch;
                attempt.repeated = false;
                let why = Error::new(ErrorKind::Cancelled, "the credentials were replaced");
                Next::Again { why }
            }
            Err(error) => self.over_with(error, now),
        }
    }

    /// Credentials that are not in use were tried out: the token is the caller's, and what the
    /// service said of them is no ruling on those in use. What it said of this device's requests
    /// holds for all of them.
    fn land_trial(
        &mut self,
        attempt: &mut Attempt,
        outcome: Result<Issued, Failure>,
        sent_at: Moment,
        now: Moment,
    ) -> Next {
        let Failure { verdict, error, retry_after, .. } = match outcome {
            Ok(issued) => match self.token_from(issued, sent_at, now) {
                Ok(token) => {
                    return Next::Over { result: Ok(token), shared: false, failure: None };
                }
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        over_alone(match verdict {
            Verdict::Stale if self.may_repeat(attempt, now) => {
                attempt.repeated = true;
                return Next::Again { why: error };
            }
            Verdict::Limited => self.holds.limit(error, retry_after, (self.draw)(), now),
            Verdict::Failed => self.back_off(Cause::Answered, error, retry_after, now),
            Verdict::Unanswered | Verdict::Stale => {
                self.back_off(Cause::Unanswered, error, retry_after, now)
            }
            Verdict::Refused | Verdict::Locked | Verdict::Challenged(_) => {
                self.holds.refuse_trial(error, retry_after, now)
            }
            Verdict::CallersOwn => error,
        })
    }

    /// The token that was issued, unless it is of no use any more.
    fn token_from(
        &self,
        issued: Issued,
        sent_at: Moment,
        now: Moment,
    ) -> Result<AuthToken, Failure> {
        let (lifetime, draw) = (issued.lifetime, (self.draw)());
        let token = AuthToken::new(issued.text, lifetime, sent_at, draw, self.clock.clone());
        if now < token.unusable_from() {
            return Ok(token);
        }
        let error = Error::new(
            ErrorKind::BadResponse,
            format!(
                "the service answered the sign-in with a token that lives for {} s only, which \
                 was too short or already over when it arrived",
                lifetime.as_secs()
            ),
        );
        Err(Failure { verdict: Verdict::Failed, error, retry_after: None, sent: true })
    }

    fn accept(
        &mut self,
        attempt: &mut Attempt,
        mut issued: Issued,
        sent_at: Moment,
        now: Moment,
    ) -> Next {
        // Spent by use, whatever the token that came is worth.
        self.refresh_token = issued.refresh_token.take();
        let token = match self.token_from(issued, sent_at, now) {
            Ok(token) => token,
            Err(failure) => return self.fail(attempt, failure, now),
        };
        self.token = Some(token.clone());
        self.holds.clear();
        self.bearer.came();
        self.forget_loop();
        Next::Over { result: Ok(token), shared: true, failure: None }
    }

    fn fail(&mut self, attempt: &mut Attempt, failure: Failure, now: Moment) -> Next {
        let Failure { verdict, error, retry_after, .. } = failure;
        if let Grant::Code(_) = attempt.grant {
            return self.fail_code(verdict, error, retry_after, now);
        }
        let error = match verdict {
            Verdict::CallersOwn => return self.abandon(error, now),
            Verdict::Stale if self.may_repeat(attempt, now) => {
                attempt.repeated = true;
                return Next::Again { why: error };
            }
            Verdict::Refused => {
                if let Grant::Refresh(_) = attempt.grant {
                    // Spent, which is no ruling on a user who has a password too.
                    self.refresh_token = None;
                    if let Ok(grant) = self.next_grant() {
                        return self.fall_back(attempt, grant, error, retry_after, now);
                    }
                }
                self.holds.rule(Ruling::Refused, error, retry_after, now)
            }
            Verdict::Locked => self.holds.rule(Ruling::Locked, error, retry_after, now),
            Verdict::Challenged(mfa_token) => {
                self.holds.rule(Ruling::Challenged(mfa_token), error, retry_after, now)
            }
            Verdict::Limited => self.holds.limit(error, retry_after, (self.draw)(), now),
            Verdict::Failed => self.back_off(Cause::Answered, error, retry_after, now),
            Verdict::Unanswered | Verdict::Stale => {
                self.back_off(Cause::Unanswered, error, retry_after, now)
            }
        };
        self.over_with(error, now)
    }

    /// A wrong code keeps the challenge, and so does a code that never arrived: asking for a
    /// token again would send the user a second code. Only the submitter hears of it.
    fn fail_code(
        &mut self,
        verdict: Verdict,
        error: Error,
        retry_after: Option<Duration>,
        now: Moment,
    ) -> Next {
        over_alone(match verdict {
            Verdict::Refused | Verdict::CallersOwn => error,
            Verdict::Locked => self.holds.rule(Ruling::Locked, error, retry_after, now),
            Verdict::Challenged(mfa_token) => {
                self.holds.rule(Ruling::Challenged(mfa_token), error, retry_after, now)
            }
            Verdict::Limited => self.holds.limit(error, retry_after, (self.draw)(), now),
            Verdict::Failed => self.back_off(Cause::Answered, error, retry_after, now),
            Verdict::Unanswered | Verdict::Stale => {
                self.back_off(Cause::Unanswered, error, retry_after, now)
            }
        })
    }

    fn back_off(
        &mut self,
        cause: Cause,
        error: Error,
        retry_after: Option<Duration>,
        now: Moment,
    ) -> Error {
        let (have_token, draw) = (self.token.is_some(), (self.draw)());
        self.holds.back_off(cause, have_token, error, retry_after, draw, now)
    }

    /// After a failed attempt, for everybody: a good token if there is one, else what later
    /// callers will be told as well.
    fn over_with(&self, failure: Error, now: Moment) -> Next {
        let told = || self.obstacle(now).unwrap_or_else(|| failure.clone());
        let result = self.token.clone().ok_or_else(told);
        Next::Over { result, shared: true, failure: Some(failure) }
    }

    /// The leader's own deadline, cancel or panic: nobody else's, and not the service's fault.
    /// The refresh token is kept, since nothing says that it was used.
    fn abandon(&mut self, error: Error, now: Moment) -> Next {
        let Some(token) = self.token.clone() else {
            return over_alone(error);
        };
        // A renewal has failed, whatever the reason. Without a wait each caller in turn would sit
        // out its own deadline while a good token is at hand.
        let failure = self.back_off(Cause::Leader, error, None, now);
        Next::Over { result: Ok(token), shared: false, failure: Some(failure) }
    }

    /// A sign-in with an application token leaves nothing behind on the service, so it may be
    /// repeated when it was lost on a dead connection. A password may cause a one-time code to
    /// be sent, and a refresh token is good for one use: never those.
    fn may_repeat(&self, attempt: &Attempt, now: Moment) -> bool {
        let harmless = match &attempt.grant {
            Grant::Credentials(credentials) => {
                matches!(credentials.kind(), Kind::ApplicationToken(_))
            }
            Grant::Refresh(_) | Grant::Code(_) => false,
        };
        harmless && !attempt.repeated && now >= self.budget.available_from()
    }

    /// Once more with the credentials, and at once unless the service or the budget forbids.
    fn fall_back(
        &mut self,
        attempt: &mut Attempt,
        grant: Grant,
        error: Error,
        retry_after: Option<Duration>,
        now: Moment,
    ) -> Next {
        if retry_after.is_some_and(|wait| !wait.is_zero()) {
            let error = self.back_off(Cause::Answered, error, retry_after, now);
            return self.over_with(error, now);
        }
        if now < self.budget.available_from() {
            return self.over_with(self.over_budget(now), now);
        }
        attempt.grant = grant;
        Next::Again { why: error }
    }

    /// The leader is gone without an outcome: it panicked.
    pub(super) fn leader_lost(&mut self) {
        let now = self.now();
        // Whether the request left is unknown; counting it errs on the safe side.
        self.budget.spend(now);
        self.settle(now);
        let error = Error::new(ErrorKind::Internal, "the sign-in panicked");
        self.abandon(error, now);
        self.flight = None;
    }
}

/// A failure that is told to the leader only.
fn over_alone(error: Error) -> Next {
    Next::Over { result: Err(error.clone()), shared: false, failure: Some(error) }
}
