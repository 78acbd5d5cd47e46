//! What keeps the cache from asking the service, and for how long.

use std::time::Duration;

use secrecy::SecretString;

use crate::clock::Moment;
use crate::error::Error;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// How long a refusal is remembered before the service is asked once more.
const REFUSED: Duration = Duration::from_secs(30 * 60);

/// How long no further one-time code is asked for.
const CHALLENGED: Duration = Duration::from_secs(10 * 60);

/// How long no other credentials are tried out after some were refused: as long as failed sign-ins
/// are counted.
const TRIAL_REFUSED: Duration = Duration::from_secs(5 * 60);

/// The longest `Retry-After` that is obeyed. What is longer says more of the sender than of the
/// service, and would leave a device silent for days.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// A reason not to ask the service, the moment until which it holds, and what callers are told.
struct Hold {
    until: Moment,
    error: Error,
}

/// What a service that knows the caller has said of the credentials.
pub(super) enum Ruling {
    /// They are not accepted.
    Refused,
    /// The account is locked.
    Locked,
    /// A one-time code went to the user and is waited for; the text stands for that sign-in.
    Challenged(SecretString),
}

/// Why a request came to nothing that says nothing of the credentials.
#[derive(Clone, Copy)]
pub(super) enum Cause {
    /// The service failed, or what answered made no sense.
    Answered,
    /// Nothing answered.
    Unanswered,
    /// The leader's own deadline, cancel or panic.
    Leader,
}

struct BackOff {
    hold: Hold,
    cause: Cause,
    /// No cut of the wait goes below this: the service's own `Retry-After`.
    floor: Moment,
}

/// How many failures of each kind there were in a row. Only a success or a reset ends a row.
#[derive(Debug, Default)]
struct Streaks {
    failed: u32,
    locked: u32,
    limited: u32,
}

/// Everything that keeps the cache from asking, the budget apart.
///
/// The three are kept beside each other because each ends in its own way: a failure of the network
/// must not end a refusal, nor a reset a 429.
#[derive(Default)]
pub(super) struct Holds {
    /// On the credentials. It outlives its time: until another ruling or a success takes its place,
    /// it is what callers are told.
    ruling: Option<(Ruling, Hold)>,
    /// Because the network or the service failed.
    back_off: Option<BackOff>,
    /// A 429. It is about the address of this device, not about who signs in, so that neither a
    /// reset nor new credentials end it.
    limit: Option<Hold>,
    /// Because credentials that were only tried out were refused. Keeps from trying out others, and
    /// from nothing else.
    trial: Option<Hold>,
    streaks: Streaks,
}

impl Holds {
    /// Until when the service is not asked.
    pub(super) fn until(&self) -> Moment {
        let ruling = self.ruling.as_ref().map(|(_, hold)| hold.until);
        let back_off = self.back_off.as_ref().map(|back_off| back_off.hold.until);
        let limit = self.limit.as_ref().map(|hold| hold.until);
        [ruling, back_off, limit].into_iter().flatten().max().unwrap_or(Moment::from_nanos(0))
    }

    /// What callers are told while something holds.
    ///
    /// A ruling on the credentials is what the caller has to hear, even where a failure or a rate
    /// limit is what keeps the service from being asked again.
    pub(super) fn error(&self, now: Moment) -> Option<&Error> {
        let ruling = self.ruling.as_ref().map(|(_, hold)| hold);
        let back_off = self.back_off.as_ref().map(|back_off| &back_off.hold);
        let current = |hold: &&Hold| now < hold.until;
        let hold = ruling.or(back_off.filter(current)).or(self.limit.as_ref().filter(current))?;
        Some(&hold.error)
    }

    /// What stands for the sign-in whose one-time code is waited for.
    pub(super) fn challenge(&self) -> Option<&SecretString> {
        match &self.ruling {
            Some((Ruling::Challenged(mfa_token), _)) => Some(mfa_token),
            _ => None,
        }
    }

    /// What the service itself asked for, which also binds a user with a one-time code in hand:
    /// until when, and what that user is told.
    pub(super) fn asked_for(&self) -> Option<(Moment, &Error)> {
        let floor = self.back_off.as_ref().map(|it| (it.floor, &it.hold.error));
        let limit = self.limit.as_ref().map(|it| (it.until, &it.error));
        [floor, limit].into_iter().flatten().max_by_key(|(until, _)| *until)
    }

    /// The service has ruled on the credentials. No jitter: these waits are long, and begin when
    /// each account was refused.
    pub(super) fn rule(
        &mut self,
        ruling: Ruling,
        error: Error,
        retry_after: Option<Duration>,
        now: Moment,
    ) -> Error {
        let wait = match ruling {
            Ruling::Refused => REFUSED,
            Ruling::Challenged(_) => CHALLENGED,
            Ruling::Locked => {
                self.streaks.locked += 1;
                locked(self.streaks.locked)
            }
        };
        let wait = wait.max(obeyed(retry_after));
        let error = error.with_retry_after(Some(wait));
        self.ruling = Some((ruling, Hold { until: now + wait, error: error.clone() }));
        error
    }

    /// A 429: its `Retry-After` or, where that says nothing, a wait of our own.
    pub(super) fn limit(
        &mut self,
        error: Error,
        retry_after: Option<Duration>,
        draw: f64,
        now: Moment,
    ) -> Error {
        self.streaks.limited += 1;
        let wait = match retry_after {
            // "At once" after "too many" is no wait at all: every caller in turn would ask.
            Some(_) => SECOND,
            None => limited(self.streaks.limited),
        };
        let wait = with_jitter(wait, retry_after, draw);
        let error = error.with_retry_after(Some(wait));
        self.limit = Some(Hold { until: now + wait, error: error.clone() });
        error
    }

    /// Credentials that were only tried out were not accepted. Whoever goes on trying, as in a loop
    /// around a rotation, must not come to the third failure in a row, which locks the account.
    pub(super) fn refuse_trial(
        &mut self,
        error: Error,
        retry_after: Option<Duration>,
        now: Moment,
    ) -> Error {
        let wait = TRIAL_REFUSED.max(obeyed(retry_after));
        let error = error.with_retry_after(Some(wait));
        self.trial = Some(Hold { until: now + wait, error: error.clone() });
        error
    }

    /// What keeps from trying out credentials, besides what keeps from any sign-in.
    pub(super) fn trial_obstacle(&self, now: Moment) -> Option<Error> {
        let hold = self.trial.as_ref().filter(|hold| now < hold.until)?;
        Some(hold.error.clone().with_retry_after(Some(hold.until.since(now))))
    }

    /// A failure of the network or the service. A ruling that stands, stands.
    pub(super) fn back_off(
        &mut self,
        cause: Cause,
        have_token: bool,
        error: Error,
        retry_after: Option<Duration>,
        draw: f64,
        now: Moment,
    ) -> Error {
        self.streaks.failed = self.streaks.failed.saturating_add(1);
        let wait = back_off(self.streaks.failed, longest_back_off(cause, have_token));
        let wait = with_jitter(wait, retry_after, draw);
        let error = error.with_retry_after(Some(wait));
        let floor = now + obeyed(retry_after);
        let hold = Hold { until: now + wait, error: error.clone() };
        self.back_off = Some(BackOff { hold, cause, floor });
        error
    }

    /// Since `at` there is no token any more, and more hurry: what is left of a long back-off is
    /// cut to what it would be without one, but not below what the service asked for.
    ///
    /// With jitter like any wait: the tokens of a fleet that was switched on together become
    /// unusable together.
    pub(super) fn hurry(&mut self, at: Moment, draw: f64) {
        if let Some(BackOff { hold, cause, floor }) = &mut self.back_off {
            let latest = at + with_jitter(longest_back_off(*cause, false), None, draw);
            hold.until = hold.until.min(latest.max(*floor));
        }
    }

    /// Forgets everything but a 429.
    pub(super) fn reset(&mut self) {
        let streaks = Streaks { limited: self.streaks.limited, ..Streaks::default() };
        *self = Self { limit: self.limit.take(), streaks, ..Self::default() };
    }

    /// The service has given a token: forgets everything that kept from asking for it.
    pub(super) fn clear(&mut self) {
        *self = Self { trial: self.trial.take(), ..Self::default() };
    }
}

/// The longest wait after failures: an unreachable network is tried again within a minute, a
/// failing service within five, and while a good token is at hand there is no hurry at all. What
/// was one caller's own affair keeps nobody from asking once there is no token.
fn longest_back_off(cause: Cause, have_token: bool) -> Duration {
    match (have_token, cause) {
        (true, _) => 30 * MINUTE,
        (false, Cause::Answered) => 5 * MINUTE,
        (false, Cause::Unanswered) => MINUTE,
        (false, Cause::Leader) => Duration::ZERO,
    }
}

/// The wait after the `streak`-th failure in a row: 1 s, doubling.
fn back_off(streak: u32, longest: Duration) -> Duration {
    doubling(SECOND, streak, longest)
}

/// The wait after the `streak`-th 429 in a row that named no time: 30 s, doubling to 30 min.
fn limited(streak: u32) -> Duration {
    doubling(30 * SECOND, streak, 30 * MINUTE)
}

/// The wait after the `streak`-th lock-out in a row. The service documents 5 minutes, its support
/// says 10 to 15.
fn locked(streak: u32) -> Duration {
    match streak {
        0 | 1 => 5 * MINUTE,
        2 => 10 * MINUTE,
        3 => 20 * MINUTE,
        _ => 30 * MINUTE,
    }
}

/// `wait` or the service's `Retry-After`, whichever is longer, and up to half on top, so that a
/// fleet that failed together does not come back together; never below, never over an hour.
fn with_jitter(wait: Duration, retry_after: Option<Duration>, draw: f64) -> Duration {
    let wait = wait.max(obeyed(retry_after));
    (wait + wait.mul_f64(0.5 * draw.clamp(0.0, 1.0))).min(LONGEST_RETRY_AFTER)
}

/// As much of a `Retry-After` as is obeyed. It may be any number, and is added to a time only here.
fn obeyed(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER)
}

/// The wait after the `streak`-th time in a row.
pub(super) fn doubling(first: Duration, streak: u32, longest: Duration) -> Duration {
    let doubled = 1_u32.checked_shl(streak.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(doubled).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_stop_at_their_longest() {
        let waits: Vec<u64> = (1..=8).map(|n| back_off(n, MINUTE).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(back_off(u32::MAX, 5 * MINUTE), 5 * MINUTE);
        assert_eq!(limited(1), 30 * SECOND);
        assert_eq!(limited(60), 30 * MINUTE);
    }

    #[test]
    fn a_lock_out_is_waited_for_5_10_20_then_30_minutes() {
        let minutes: Vec<u64> = (1..=5).map(|n| locked(n).as_secs() / 60).collect();
        assert_eq!(minutes, [5, 10, 20, 30, 30]);
    }

    #[test]
    fn jitter_adds_up_to_half_and_never_takes_away() {
        assert_eq!(with_jitter(10 * SECOND, None, 0.0), 10 * SECOND);
        assert_eq!(with_jitter(10 * SECOND, None, 1.0), 15 * SECOND);
        assert_eq!(with_jitter(SECOND, Some(20 * SECOND), 0.5), 25 * SECOND);
    }

    #[test]
    fn at_most_an_hour_is_waited_whatever_the_service_says() {
        let day = 24 * LONGEST_RETRY_AFTER;
        assert_eq!(with_jitter(SECOND, Some(day), 1.0), LONGEST_RETRY_AFTER);
        assert_eq!(with_jitter(SECOND, Some(Duration::MAX), 1.0), LONGEST_RETRY_AFTER);
    }
}
