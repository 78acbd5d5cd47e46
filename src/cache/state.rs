//! The decisions: what a caller gets, and until when. No lock, no waiting, no I/O.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::bearer::Bearer;
use super::budget::Budget;
use super::hold::Holds;
use super::source::{CodeGrant, Grant, TrustedDevice};
use super::{Draw, Flight};
use crate::clock::{Clock, Moment};
use crate::credentials::{Credentials, Kind};
use crate::error::{Error, ErrorKind};
use crate::token::AuthToken;

/// Everything the cache knows. Only touched under the mutex of [`super::TokenCache`].
pub(super) struct State {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) draw: Draw,
    pub(super) credentials: Credentials,
    /// Counts replacements of the credentials, so that a sign-in with the old ones that is still
    /// in the air can be told from one with the new.
    pub(super) epoch: u64,
    pub(super) token: Option<AuthToken>,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) holds: Holds,
    pub(super) budget: Budget,
    pub(super) bearer: Bearer,
    pub(super) flight: Option<Arc<Flight>>,
    /// Until when renewals are left to the caller's own loop, which said that it would come back.
    left_to_loop: Moment,
    pub(super) cancelled: bool,
}

/// What a caller gets.
pub(super) enum Decision {
    Serve(AuthToken),
    Fail(Error),
    /// Somebody is signing in: wait for that, and share its result if `share`.
    Wait {
        flight: Arc<Flight>,
        share: bool,
    },
    /// Sign in, and report with [`State::land`].
    Lead(Attempt),
}

/// A sign-in that one caller makes on behalf of all.
pub(super) struct Attempt {
    pub(super) flight: Arc<Flight>,
    pub(super) grant: Grant,
    pub(super) epoch: u64,
    /// A good token was at hand when it started.
    pub(super) renewal: bool,
    /// The request was repeated already because its connection was dead.
    pub(super) repeated: bool,
    /// It tries out credentials that are not in use, and is the caller's alone.
    pub(super) trial: bool,
}

impl State {
    pub(super) fn new(credentials: Credentials, clock: Arc<dyn Clock>, draw: Draw) -> Self {
        let refresh_token = refresh_token_of(&credentials);
        Self {
            clock,
            draw,
            credentials,
            epoch: 0,
            token: None,
            refresh_token,
            holds: Holds::default(),
            budget: Budget::default(),
            bearer: Bearer::default(),
            flight: None,
            left_to_loop: Moment::from_nanos(0),
            cancelled: false,
        }
    }

    // What a caller gets.

    /// The policy in one place: fresh, renewable, or none.
    pub(super) fn decide(&mut self) -> Decision {
        let now = self.now();
        self.settle(now);
        match self.token.clone() {
            None => self.decide_without_token(now),
            Some(token) if now < token.renew_from().max(self.left_to_loop) => {
                Decision::Serve(token)
            }
            Some(token) => self.decide_to_renew(token, now),
        }
    }

    /// For the caller whose own loop renews: the same, but it renews a little before the hot
    /// calls would, so that none of them ever has to.
    pub(super) fn decide_early(&mut self) -> Decision {
        let now = self.now();
        self.settle(now);
        match self.token.clone() {
            None => self.decide_without_token(now),
            Some(token) if now + lead(&token) < token.renew_from() => Decision::Serve(token),
            Some(token) => self.decide_to_renew(token, now),
        }
    }

    /// One caller renews, if anything can come of it now; all others get the old token.
    fn decide_to_renew(&mut self, token: AuthToken, now: Moment) -> Decision {
        if self.cancelled || self.flight.is_some() || now < self.held_until() {
            return Decision::Serve(token);
        }
        match self.next_grant() {
            Ok(grant) => Decision::Lead(self.take_off(grant)),
            Err(_) => Decision::Serve(token),
        }
    }

    /// One caller signs in and the others wait for it, unless something stands in the way.
    fn decide_without_token(&mut self, now: Moment) -> Decision {
        if self.cancelled {
            return Decision::Fail(cancelled());
        }
        if let Some(flight) = &self.flight {
            return Decision::Wait { flight: flight.clone(), share: true };
        }
        if let Some(error) = self.obstacle(now) {
            return Decision::Fail(error);
        }
        match self.next_grant() {
            Ok(grant) => Decision::Lead(self.take_off(grant)),
            Err(error) => Decision::Fail(error),
        }
    }

    /// For the one-time code, which completes the sign-in that asked for it.
    pub(super) fn decide_code(
        &mut self,
        code: &SecretString,
        device: Option<&TrustedDevice>,
    ) -> Decision {
        // What another sign-in brings is not what this caller wants: its code has been seen by nobody,
        // nor its device been trusted.
        self.decide_alone(|state| {
            let mfa_token = state.holds.challenge().ok_or_else(no_code_awaited)?;
            Ok(Grant::Code(CodeGrant {
                mfa_token: mfa_token.clone(),
                code: code.clone(),
                device: device.cloned(),
            }))
        })
    }

    /// For credentials that shall replace those in use, once they have been seen to work: a sign-in
    /// like any other to the service, and so to the budget, but no business of other callers.
    pub(super) fn decide_trial(&mut self, credentials: &Credentials) -> Decision {
        let grant = |state: &Self| match state.holds.trial_obstacle(state.now()) {
            Some(error) => Err(error),
            None => Ok(Grant::Credentials(credentials.clone())),
        };
        match self.decide_alone(grant) {
            Decision::Lead(attempt) => Decision::Lead(Attempt { trial: true, ..attempt }),
            other => other,
        }
    }

    /// For a sign-in that no other can stand for: it waits for its turn and is then made, past rulings
    /// and waits of our own making, but not past a [firm](Self::firm_obstacle) obstacle.
    fn decide_alone(&mut self, grant: impl FnOnce(&Self) -> Result<Grant, Error>) -> Decision {
        let now = self.now();
        self.settle(now);
        if self.cancelled {
            return Decision::Fail(cancelled());
        }
        if let Some(flight) = &self.flight {
            return Decision::Wait { flight: flight.clone(), share: false };
        }
        match (grant(self), self.firm_obstacle(now)) {
            (Ok(grant), None) => Decision::Lead(self.take_off(grant)),
            (Err(error), _) | (Ok(_), Some(error)) => Decision::Fail(error),
        }
    }

    /// What stands in the way even of a sign-in that is not about the present ruling, and of which
    /// there is at most one for each action of a user: what the service asked for, and the budget.
    pub(super) fn firm_obstacle(&self, now: Moment) -> Option<Error> {
        match self.holds.asked_for() {
            Some((until, error)) if now < until => {
                Some(error.clone().with_retry_after(Some(until.since(now))))
            }
            _ if now < self.budget.available_from() => Some(self.over_budget(now)),
            _ => None,
        }
    }

    /// What stands in the way of a sign-in, as an error with the time that is left.
    pub(super) fn obstacle(&self, now: Moment) -> Option<Error> {
        let until = self.held_until();
        if now >= until {
            return None;
        }
        Some(match self.holds.error(now) {
            Some(error) => error.clone().with_retry_after(Some(until.since(now))),
            None => self.over_budget(now),
        })
    }

    /// Until when the service is not asked, whatever the reason.
    pub(super) fn held_until(&self) -> Moment {
        self.holds.until().max(self.budget.available_from())
    }

    pub(super) fn over_budget(&self, now: Moment) -> Error {
        Error::new(
            ErrorKind::RateLimited,
            "this client has sent its 10 sign-in requests of these 5 minutes; something keeps \
             throwing its tokens away, or its requests do not get through",
        )
        .with_retry_after(Some(self.budget.available_from().since(now)))
    }

    /// The refresh token of a user session if there is one, else the credentials.
    pub(super) fn next_grant(&self) -> Result<Grant, Error> {
        match (&self.refresh_token, self.credentials.kind()) {
            (Some(refresh_token), _) => Ok(Grant::Refresh(refresh_token.clone())),
            (None, Kind::Refresh(_)) => Err(Error::new(
                ErrorKind::Unauthorized,
                "the refresh token is used up and the service gave no new one; sign in with other \
                 credentials",
            )),
            (None, _) => Ok(Grant::Credentials(self.credentials.clone())),
        }
    }

    fn take_off(&mut self, grant: Grant) -> Attempt {
        let flight = Arc::new(Flight::new());
        self.flight = Some(flight.clone());
        let (epoch, renewal) = (self.epoch, self.token.is_some());
        Attempt { flight, grant, epoch, renewal, repeated: false, trial: false }
    }

    // The passing of time.

    /// The token, unless it has become unusable.
    pub(super) fn usable(&mut self) -> Option<AuthToken> {
        let now = self.now();
        self.settle(now);
        self.token.clone()
    }

    /// Drops a token that has become unusable.
    pub(super) fn settle(&mut self, now: Moment) {
        if let Some(end) = self.token.as_ref().map(AuthToken::unusable_from) {
            if now >= end {
                self.drop_token(end);
            }
        }
    }

    pub(super) fn drop_token(&mut self, at: Moment) {
        self.token = None;
        self.holds.hurry(at, (self.draw)());
    }

    /// The token and the moment until which every caller gets it without another decision.
    pub(super) fn published(&mut self) -> Option<(AuthToken, Moment)> {
        let token = self.usable()?;
        let end = token.unusable_from();
        let until = match self.flight {
            Some(_) => end,
            None => token.renew_from().max(self.left_to_loop).max(self.held_until()).min(end),
        };
        Some((token, until))
    }

    /// When the caller's own loop is to come back: before the hot calls think of renewing, or as
    /// soon as the service may be asked again. Until a little later, renewals are left to it.
    pub(super) fn leave_to_loop(&mut self) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(1);
        let Some(token) = self.usable() else {
            return SHORTEST;
        };
        let (now, lead) = (self.now(), lead(&token));
        let due = token.renew_from().since(now + lead).max(self.held_until().since(now));
        let due = if self.next_grant().is_err() { Duration::MAX } else { due };
        let wait = due.min(token.unusable_from().since(now)).max(SHORTEST);
        self.left_to_loop = now + wait + lead;
        wait
    }

    /// There is a new token, and the loop has not heard of it.
    pub(super) fn forget_loop(&mut self) {
        self.left_to_loop = Moment::from_nanos(0);
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }
}

/// How long before the hot calls the caller's own loop renews; in proportion for tokens with a
/// short life.
fn lead(token: &AuthToken) -> Duration {
    (token.unusable_from().since(token.renew_from()) / 2).min(Duration::from_secs(60))
}

pub(super) fn refresh_token_of(credentials: &Credentials) -> Option<SecretString> {
    match credentials.kind() {
        Kind::Refresh(token) => Some(token.clone()),
        Kind::ApplicationToken(_) | Kind::User { .. } | Kind::Workspace => None,
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the client is cancelled; resume it to go on")
}

pub(super) fn no_code_awaited() -> Error {
    Error::invalid(
        "code: no one-time code is awaited; ask for a token first, and submit the code when the \
         answer is MFA_REQUIRED",
    )
}
