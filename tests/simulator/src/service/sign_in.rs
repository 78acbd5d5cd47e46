//! `POST /api/v1/authenticate`, the deciding half: limits, lock-out, tokens.

use std::time::Duration;

use serde_json::json;

use super::authenticate::{Credentials, Device, read};
use super::bearer::Session;
use super::users::{DEVICE_LIFETIME, TrustedDevice};
use super::{Call, Reply, World, cidr};
use crate::clock::Moment;

pub(crate) struct RefreshToken {
    pub(crate) user: u64,
    pub(crate) expires: Duration,
}

/// A first MFA step that waits for its second.
pub(crate) struct Challenge {
    pub(crate) user: u64,
    pub(crate) code: String,
    pub(crate) expires: Duration,
}

#[derive(Default)]
pub(crate) struct Failures {
    in_a_row: u32,
    locked_until: Option<Duration>,
}

/// A one-time code and the `mfa_token` beside it last ten minutes.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(600);

/// What became of a sign-in: the reply, or a failure that counts towards the lock-out.
enum Outcome {
    Reply(Reply),
    Failed,
}

impl World {
    pub(crate) fn authenticate(&mut self, call: &Call<'_>) -> Reply {
        if let Some(refusal) = self.over_the_limit(call.now) {
            return refusal;
        }
        let credentials = match read(call) {
            Ok(credentials) => credentials,
            Err(wrong) => return Reply::malformed(format!("authenticate: {wrong}")),
        };
        let account = self.failure_key(&credentials);
        let locked =
            account.as_deref().is_some_and(|account| self.is_locked(account, call.now.true_time));
        if locked {
            return Reply::error(
                401,
                1110,
                "TooManyRequests",
                "Too many failed sign-ins. The account is locked.",
            );
        }
        let outcome = match credentials {
            Credentials::ApplicationToken(secret) => self.by_application_token(&secret, call),
            Credentials::User { username, password_sha1, fingerprint } => {
                self.by_password(&username, &password_sha1, fingerprint.as_deref(), call.now)
            }
            Credentials::Refresh(secret) => self.by_refresh_token(&secret, call.now),
            Credentials::Code { mfa_token, code, device } => {
                self.by_code(&mfa_token, &code, device, call.now)
            }
        };
        match (outcome, account) {
            (Outcome::Reply(reply), account) => {
                if let Some(account) = account {
                    self.failures.remove(&account);
                }
                reply
            }
            (Outcome::Failed, Some(account)) => {
                self.count_failure(account, call.now.true_time);
                Reply::empty(401)
            }
            (Outcome::Failed, None) => Reply::empty(401),
        }
    }

    /// Counts this sign-in, or refuses it. Refused ones are not counted, so that a client that
    /// waits long enough always gets in.
    fn over_the_limit(&mut self, now: Moment) -> Option<Reply> {
        let (limit, window) = self.settings.sign_in_limit?;
        while self.recent_sign_ins.front().is_some_and(|came| *came + window <= now.true_time) {
            self.recent_sign_ins.pop_front();
        }
        if self.recent_sign_ins.len() >= limit {
            return Some(Reply::error(
                429,
                1105,
                "RateLimitExceeded",
                "Too many requests. Try again later.",
            ));
        }
        self.recent_sign_ins.push_back(now.true_time);
        None
    }

    /// Whose failures a sign-in counts among. A refresh token that is not known names nobody.
    fn failure_key(&self, credentials: &Credentials) -> Option<String> {
        match credentials {
            Credentials::ApplicationToken(secret) => Some(format!("token {secret}")),
            Credentials::User { username, .. } => Some(format!("user {username}")),
            Credentials::Refresh(_) => None,
            Credentials::Code { mfa_token, .. } => {
                let user = self.challenges.get(mfa_token)?.user;
                Some(format!("user {}", self.account(user)?.user.username))
            }
        }
    }

    fn is_locked(&mut self, account: &str, now: Duration) -> bool {
        match self.failures.get(account).and_then(|f| f.locked_until) {
            Some(until) if until > now => true,
            Some(_) => {
                // The lock has opened: counting starts afresh.
                self.failures.remove(account);
                false
            }
            None => false,
        }
    }

    fn count_failure(&mut self, account: String, now: Duration) {
        let Some((limit, lasts)) = self.settings.lock_out else {
            return;
        };
        let failures = self.failures.entry(account).or_default();
        failures.in_a_row += 1;
        if failures.in_a_row >= limit {
            failures.locked_until = Some(now.saturating_add(lasts));
        }
    }

    fn by_application_token(&mut self, secret: &str, call: &Call<'_>) -> Outcome {
        let today = i64::try_from(call.now.true_time.as_secs()).unwrap_or(i64::MAX);
        let Some(known) = self
            .application_tokens
            .iter()
            .find(|known| known.secret == secret && known.is_good(today))
        else {
            return Outcome::Failed;
        };
        let outside = known.ip.as_deref().is_some_and(|range| !cidr::contains(range, call.peer));
        if outside {
            return Outcome::Reply(Reply::error(
                403,
                1103,
                "Forbidden",
                "The address is not allowed for this application token.",
            ));
        }
        let session = Session { user: None, organisation: known.organisation };
        // Never a refresh token here.
        let auth_token = self.issue(session, call.now);
        Outcome::Reply(Reply::json(200, &json!({ "auth_token": auth_token })))
    }

    fn by_password(
        &mut self,
        username: &str,
        password_sha1: &str,
        fingerprint: Option<&str>,
        now: Moment,
    ) -> Outcome {
        let Some(account) = self
            .account_named(username)
            .filter(|account| account.user.password_sha1 == password_sha1)
        else {
            return Outcome::Failed;
        };
        let user = account.id;
        let trusted = fingerprint.is_some_and(|print| account.trusts(print, now.true_time));
        if trusted || !account.wants_code() {
            return self.open_user_session(user, now);
        }
        let (mfa_token, code) = (self.secret("mfa-token"), self.one_time_code());
        let challenge =
            Challenge { user, code: code.clone(), expires: now.true_time + CHALLENGE_LIFETIME };
        self.challenges.retain(|_, challenge| challenge.expires > now.true_time);
        self.challenges.insert(mfa_token.clone(), challenge);
        if let Some(account) = self.account_mut(user) {
            account.last_code = Some(code);
        }
        Outcome::Reply(Reply::json(200, &json!({ "mfa_token": mfa_token })))
    }

    fn by_refresh_token(&mut self, secret: &str, now: Moment) -> Outcome {
        // Removed before it is looked at: even a refused use spends it.
        let Some(token) =
            self.refresh_tokens.remove(secret).filter(|token| token.expires > now.true_time)
        else {
            return Outcome::Failed;
        };
        let Some(organisation) = self.account(token.user).map(|a| a.user.organisation) else {
            return Outcome::Failed;
        };
        let session = Session { user: Some(token.user), organisation };
        let mut body = json!({ "auth_token": self.issue(session, now) });
        if self.settings.rotate_refresh_tokens {
            body["refresh_token"] = self.issue_refresh_token(token.user, now).into();
        }
        Outcome::Reply(Reply::json(200, &body))
    }

    fn by_code(
        &mut self,
        mfa_token: &str,
        code: &str,
        device: Option<Device>,
        now: Moment,
    ) -> Outcome {
        let Some((user, sent)) = self
            .challenges
            .get(mfa_token)
            .filter(|challenge| challenge.expires > now.true_time)
            .map(|challenge| (challenge.user, challenge.code == code))
        else {
            return Outcome::Failed;
        };
        if !sent && !self.takes_totp(user, code, now) {
            return Outcome::Failed;
        }
        self.challenges.remove(mfa_token);
        let device_id = self.next_serial() + 40_000;
        if let (Some(device), Some(account)) = (device, self.account_mut(user)) {
            account.devices.retain(|known| known.fingerprint != device.fingerprint);
            account.devices.push(TrustedDevice {
                id: device_id,
                fingerprint: device.fingerprint,
                operating_system: device.operating_system,
                browser: device.browser,
                name: device.name,
                activated: now.iso(),
                expires: now.true_time + DEVICE_LIFETIME,
            });
        }
        self.open_user_session(user, now)
    }

    /// A new session of a user; it ends the refresh tokens of the user's earlier ones.
    fn open_user_session(&mut self, user: u64, now: Moment) -> Outcome {
        let Some(organisation) = self.account(user).map(|a| a.user.organisation) else {
            return Outcome::Failed;
        };
        self.refresh_tokens.retain(|_, token| token.user != user);
        let session = Session { user: Some(user), organisation };
        let body = json!({
            "auth_token": self.issue(session, now),
            "refresh_token": self.issue_refresh_token(user, now),
        });
        Outcome::Reply(Reply::json(200, &body))
    }

    fn issue_refresh_token(&mut self, user: u64, now: Moment) -> String {
        let secret = self.secret("refresh-token");
        let expires = now.true_time.saturating_add(self.settings.refresh_lifetime);
        self.refresh_tokens.insert(secret.clone(), RefreshToken { user, expires });
        secret
    }
}
