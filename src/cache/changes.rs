//! What callers change. No lock, no waiting, no I/O.

use super::bearer::Bearer;
use super::state::{State, refresh_token_of};
use crate::credentials::Credentials;
use crate::token::AuthToken;

impl State {
    /// Drops the token if it is `text`. A caller may learn late that an older one was refused.
    pub(super) fn invalidate(&mut self, text: &str) {
        if self.is_present(text) {
            let now = self.now();
            self.drop_token(now);
        }
    }

    /// A call with `text` was answered 401. Whether it is to be repeated, with what
    /// [`decide`](Self::decide) gives next.
    pub(super) fn replace(&mut self, text: &str) -> bool {
        let now = self.now();
        self.settle(now);
        if !self.is_present(text) {
            // Replaced already; the answer was to an older one.
            return true;
        }
        if !self.bearer.may_replace(now) {
            return false;
        }
        // While nothing better can be had, the token is kept: other calls may go on with it, and
        // this one's 401 says more than the reason why there is no other.
        self.holds.hurry(now, (self.draw)());
        if now < self.held_until() || self.next_grant().is_err() {
            return false;
        }
        self.bearer.replaced(now);
        self.drop_token(now);
        true
    }

    /// Whether [`accepted`](Self::accepted) would change anything.
    pub(super) fn bearer_was_refused(&self) -> bool {
        self.bearer.is_watched()
    }

    /// A call with the present token was answered, and not with a 401.
    pub(super) fn accepted(&mut self, text: &str) {
        if self.is_present(text) {
            self.bearer.accepted();
        }
    }

    fn is_present(&self, text: &str) -> bool {
        self.token.as_ref().is_some_and(|token| token.as_str() == text)
    }

    /// Forgets rulings and back-off; keeps a 429 and the budget.
    pub(super) fn reset(&mut self) {
        self.holds.reset();
    }

    /// Starts over with `credentials`. The result of a sign-in in the air will not be kept.
    ///
    /// Those that are in use already change nothing: a program that sets them with each round of
    /// its loop must not have a refusal forgotten each time, which would lock the account.
    pub(super) fn set_credentials(&mut self, credentials: Credentials) {
        if self.credentials.are_those(&credentials) {
            return;
        }
        self.refresh_token = refresh_token_of(&credentials);
        self.credentials = credentials;
        self.epoch += 1;
        self.token = None;
        self.bearer = Bearer::default();
        self.forget_loop();
        self.reset();
    }

    /// Starts over with `new` credentials and the `token` that they have got already. Not where
    /// the present ones are not `old` any more: somebody replaced them meanwhile, and meant it.
    pub(super) fn adopt(&mut self, old: &Credentials, new: Credentials, token: AuthToken) -> bool {
        if !self.credentials.are_those(old) {
            return false;
        }
        self.set_credentials(new);
        self.token = Some(token);
        true
    }

    pub(super) fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    pub(super) fn set_cancelled(&mut self, cancelled: bool) {
        self.cancelled = cancelled;
    }
}
