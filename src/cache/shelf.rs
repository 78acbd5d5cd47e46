//! Where caches show their tokens to readers.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;

use crate::clock::Moment;
use crate::token::AuthToken;

/// A token, and the moment until which everybody gets it without further thought.
struct Published {
    token: AuthToken,
    until: Moment,
}

/// Where one cache shows its token. Written under the cache's mutex only, read without a lock.
#[repr(align(64))]
pub(crate) struct Shelf {
    taken: AtomicBool,
    published: ArcSwapOption<Published>,
}

/// The shelves of the first caches of a process. They outlive their caches, so that a reader can look
/// at one without keeping its cache alive, which would cost as much again as the look.
pub(crate) static SHELVES: [Shelf; 16] = [const { Shelf::new() }; 16];

impl Shelf {
    const fn new() -> Self {
        Self { taken: AtomicBool::new(false), published: ArcSwapOption::const_empty() }
    }

    /// What `look` makes of the published token and the present moment, while nothing is due. No
    /// lock, no allocation, and the clock is read once.
    #[inline]
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&AuthToken, Moment) -> R) -> Option<R> {
        let published = self.published.load();
        let Published { token, until } = published.as_deref()?;
        let now = token.now();
        (now < *until).then(|| look(token, now))
    }

    pub(super) fn publish(&self, new: Option<(AuthToken, Moment)>) {
        let old = self.published.load();
        let unchanged = match (&new, old.as_deref()) {
            (None, None) => true,
            (Some((token, until)), Some(old)) => {
                *until == old.until && token.is_same_issue(&old.token)
            }
            _ => false,
        };
        if !unchanged {
            self.published.store(new.map(|(token, until)| Arc::new(Published { token, until })));
        }
    }

    /// What is shown, good or not.
    pub(super) fn token(&self) -> Option<AuthToken> {
        self.published.load().as_ref().map(|published| published.token.clone())
    }
}

/// A cache's shelf, until the cache goes.
pub(super) enum OwnShelf {
    /// One of [`SHELVES`], by its number.
    Common(usize),
    /// All of those were taken.
    Private(Box<Shelf>),
}

impl OwnShelf {
    pub(super) fn take() -> Self {
        // Looked at before it is written to: the readers of a shelf that is taken are to keep its line.
        let free = SHELVES.iter().position(|shelf| {
            !shelf.taken.load(Ordering::Relaxed) && !shelf.taken.swap(true, Ordering::Acquire)
        });
        match free {
            Some(number) => Self::Common(number),
            None => Self::Private(Box::new(Shelf::new())),
        }
    }

    /// Which of [`SHELVES`] it is.
    #[cfg(feature = "capi")]
    pub(super) fn number(&self) -> Option<usize> {
        match self {
            Self::Common(number) => Some(*number),
            Self::Private(_) => None,
        }
    }
}

impl Deref for OwnShelf {
    type Target = Shelf;

    #[inline]
    fn deref(&self) -> &Shelf {
        match self {
            Self::Common(number) => &SHELVES[*number],
            Self::Private(shelf) => shelf,
        }
    }
}

impl Drop for OwnShelf {
    fn drop(&mut self) {
        self.publish(None);
        if let Self::Common(number) = self {
            SHELVES[*number].taken.store(false, Ordering::Release);
        }
    }
}
