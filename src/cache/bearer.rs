//! What API calls say of the token: each 401 there may cost a sign-in here.

use std::time::Duration;

use super::hold::doubling;
use crate::clock::Moment;

const MINUTE: Duration = Duration::from_secs(60);

/// Tokens that were replaced because a call with them was answered 401, and what calls said of
/// the present one.
#[derive(Default)]
pub(super) struct Bearer {
    /// When a token was last replaced.
    replaced_at: Option<Moment>,
    /// Replacements in a row, each of which brought a token that was refused again.
    streak: u32,
    accepted: bool,
    refused: bool,
}

impl Bearer {
    /// Whether the present token may be replaced: at most once a minute, doubling to 30 minutes
    /// while new ones keep being refused. Notes the refusal in either case.
    pub(super) fn may_replace(&mut self, now: Moment) -> bool {
        let paused = |pause: Duration| self.replaced_at.is_some_and(|at| now < at + pause);
        // A token that was accepted and then not ends the row, but not one that is refused in its
        // first minute: a path that always answers 401 would otherwise cost a sign-in a minute for
        // ever, only because other paths accept the token.
        if self.accepted && !self.refused && !paused(MINUTE) {
            self.streak = 0;
        }
        self.refused = true;
        !paused(doubling(MINUTE, self.streak, 30 * MINUTE))
    }

    /// The present token is replaced.
    pub(super) fn replaced(&mut self, now: Moment) {
        self.replaced_at = Some(now);
        self.streak = self.streak.saturating_add(1);
    }

    /// A call with the present token was accepted.
    pub(super) fn accepted(&mut self) {
        self.accepted = true;
    }

    /// Whether a call that was accepted is worth noting.
    pub(super) fn is_watched(&self) -> bool {
        self.streak > 0 && !self.accepted
    }

    /// There is another token.
    pub(super) fn came(&mut self) {
        (self.accepted, self.refused) = (false, false);
    }
}
