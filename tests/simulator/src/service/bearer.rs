//! Bearers: issued, accepted, expired, revoked.

use std::time::Duration;

use super::{Call, Reply, World};
use crate::clock::Moment;
use crate::token;

/// On whose behalf a bearer speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    /// The user's id; `None` where an application token signed in.
    pub(crate) user: Option<u64>,
    pub(crate) organisation: u64,
}

pub(crate) struct Bearer {
    pub(crate) session: Session,
    /// The true time at which it ends; `None` never ends.
    pub(crate) expires: Option<Duration>,
    pub(crate) revoked: bool,
}

/// The first time that expired bearers are forgotten is when there are so many.
pub(crate) const MANY: usize = 50_000;

impl World {
    /// Issues an auth token.
    pub(crate) fn issue(&mut self, session: Session, now: Moment) -> String {
        if self.bearers.len() >= self.tidy_at {
            self.bearers.retain(|_, bearer| bearer.expires.is_none_or(|end| end > now.true_time));
            // Twice as many as are left: where none has expired, looking again each time would
            // make every sign-in slower than the one before.
            self.tidy_at = MANY.max(2 * self.bearers.len());
        }
        let lifetime = self.settings.token_lifetime;
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let mut claims = token::Claims::new(now.said, seconds);
        claims.organisation = session.organisation;
        // The serial makes two tokens of the same second differ, which tests rely on.
        claims.api_key = format!("simulated-key-{:09}", self.next_serial());
        let text = token::sign(&claims.json());
        self.bearers.insert(
            text.clone(),
            Bearer {
                session,
                expires: Some(now.true_time.saturating_add(lifetime)),
                revoked: false,
            },
        );
        text
    }

    /// Accepts any text as a bearer of the default organisation, until its `exp` where one can
    /// be read.
    pub(crate) fn accept_bearer(&mut self, text: &str, now: Moment) {
        let expires = token::expiry(text).map(|exp| {
            let left = u64::try_from(exp.saturating_sub(now.said)).unwrap_or(0);
            now.true_time.saturating_add(Duration::from_secs(left))
        });
        let session = Session { user: None, organisation: crate::DEFAULT_ORGANISATION };
        self.bearers.insert(text.to_owned(), Bearer { session, expires, revoked: false });
    }

    /// The session of the request, or the refusal.
    pub(crate) fn session(&self, call: &Call<'_>) -> Result<Session, Reply> {
        let Some(value) = call.header("authorization") else {
            return Err(Reply::empty(401));
        };
        let Some(text) = value.strip_prefix("Bearer ") else {
            return Err(Reply::gateway(401, "Unauthorized"));
        };
        match self.bearers.get(text) {
            Some(bearer) if bearer.revoked => Err(Reply::gateway(401, "Unauthorized")),
            Some(bearer) if bearer.expires.is_some_and(|end| end <= call.now.true_time) => {
                Err(Reply::gateway(401, "token is expired"))
            }
            Some(bearer) => Ok(bearer.session),
            None if text.split('.').count() != 3 => {
                Err(Reply::gateway(401, "token contains an invalid number of segments"))
            }
            None => Err(Reply::gateway(401, "signature is invalid")),
        }
    }
}
