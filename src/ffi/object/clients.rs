//! Clients.
//!
//! All of them stand in a snapshot, which readers take hold of without a lock. To do so twice in a
//! call, for the client and for its token, would be a third of what a call for a good token costs; so
//! such a call goes to the token's shelf directly, where there is a [`Shortcut`].

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};

use crate::cache::SHELVES;
use crate::ffi::boundary;
use crate::token::AuthToken;
use crate::{Client, sys};

/// By address, in order.
type Clients = Vec<Registered>;

static CLIENTS: ArcSwapOption<Clients> = ArcSwapOption::const_empty();

// The registry holds numbers, of which the compiler would believe anything.
const _: () = {
    const fn goes_between_threads<T: Send + Sync>() {}
    goes_between_threads::<Client>();
};

/// One of the owners of a client.
struct Registered {
    /// The complement of what C has: an address in front of the client, within its allocation.
    hidden: usize,
}

/// How far in front. There stands what `Arc` counts with, after another such number.
const BEFORE: usize = size_of::<usize>();

impl Registered {
    fn new(client: Arc<Client>) -> Self {
        Self { hidden: !(Arc::into_raw(client) as usize - BEFORE) }
    }

    #[inline]
    fn address(&self) -> usize {
        !self.hidden
    }

    #[inline]
    fn as_ptr(&self) -> *const Client {
        (self.address() + BEFORE) as *const Client
    }

    fn client(&self) -> &Client {
        // SAFETY: it comes from `Arc::into_raw`, and `self` is an owner.
        unsafe { &*self.as_ptr() }
    }
}

impl Clone for Registered {
    fn clone(&self) -> Self {
        // SAFETY: it comes from `Arc::into_raw`, and `self` is an owner.
        unsafe { Arc::increment_strong_count(self.as_ptr()) };
        Self { hidden: self.hidden }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // SAFETY: it comes from `Arc::into_raw`, and this owner goes.
        unsafe { Arc::decrement_strong_count(self.as_ptr()) };
    }
}

/// A client found by its address. Keeps it alive, also when it is freed meanwhile.
///
/// Keeps the whole snapshot alive, in fact: for a call that waits, clone the client and drop this.
pub(in crate::ffi) struct FoundClient {
    client: NonNull<Client>,
    /// What the client is in.
    _clients: Guard<Option<Arc<Clients>>>,
}

impl std::ops::Deref for FoundClient {
    type Target = Client;

    #[inline]
    fn deref(&self) -> &Client {
        // SAFETY: it is owned by the snapshot, which nobody changes and which lives as long as
        // the guard.
        unsafe { self.client.as_ref() }
    }
}

/// From a client's address to the shelf of the same number.
///
/// Nothing keeps the client alive meanwhile. If it goes, its shelf shows nothing or, later, the token
/// of another client, and what was seen there must be checked against [`Shortcut::leads_from`].
#[repr(align(64))]
struct Shortcut {
    /// Changes with each client, so that one is not taken for another at the same address.
    uses: AtomicUsize,
    /// The complement of the client's address, or 0.
    hidden: AtomicUsize,
    /// In which process the client was made.
    born: AtomicU32,
}

static SHORTCUTS: [Shortcut; SHELVES.len()] = [const { Shortcut::new() }; SHELVES.len()];

impl Shortcut {
    const fn new() -> Self {
        Self { uses: AtomicUsize::new(0), hidden: AtomicUsize::new(0), born: AtomicU32::new(0) }
    }

    /// Which use of it leads from `address`, if any does.
    #[inline]
    fn leads_from(&self, address: usize) -> Option<usize> {
        // In this order: whoever makes a shortcut counts its use before it says from where it leads.
        let in_use = self.uses.load(Ordering::Acquire);
        let hidden = self.hidden.load(Ordering::Acquire);
        // A program may well ask for the last address there is, as which (void *)-1 is known.
        (hidden == !address && hidden != 0).then_some(in_use)
    }

    /// Only for whoever owns the shelf, as all that writes here.
    fn lead_from(&self, address: usize) {
        self.uses.fetch_add(1, Ordering::AcqRel);
        self.born.store(sys::fork_generation(), Ordering::Relaxed);
        self.hidden.store(!address, Ordering::Release);
    }

    /// It leads from `address` no more.
    fn close(&self, address: usize) {
        // Unless another thread was faster, and it is in use again.
        let (from, to) = (!address, 0);
        let _ = self.hidden.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// What `look` makes of the token of the client at `address` and of the time that it will go on being
/// handed out, if there is one that is not due for renewal. No lock, and no allocation but `look`'s.
#[inline]
pub(in crate::ffi) fn with_cached_token<R>(
    address: usize,
    look: impl FnOnce(&str, Duration) -> R,
) -> Option<R> {
    let found = SHORTCUTS.iter().zip(&SHELVES).find_map(|(shortcut, shelf)| {
        shortcut.leads_from(address).map(|in_use| (shortcut, in_use, shelf))
    });
    let Some((shortcut, in_use, shelf)) = found else {
        // Whoever lets go of a snapshot last closes the connections of clients released meanwhile.
        return boundary::uncancelled(|| client(address)?.with_cached_token(look).ok()?);
    };
    if shortcut.born.load(Ordering::Relaxed) != sys::fork_generation() {
        return None;
    }
    let look = |token: &AuthToken, now| {
        // The client was here all the time, then, and so the token is its own. This is not looked at too
        // early: the token was loaded with acquire, and another client's is published after its use.
        let is_its_own = shortcut.leads_from(address) == Some(in_use);
        is_its_own.then(|| look(token.as_str(), token.expires_in_at(now)))
    };
    shelf.peek(look)?
}

pub(in crate::ffi) fn add_client(client: Client) -> usize {
    let shelf = client.shelf();
    let client = Registered::new(Arc::new(client));
    let address = client.address();
    // First: whoever signs in with the client has found it, and so publishes after the new use.
    if let Some(number) = shelf {
        SHORTCUTS[number].lead_from(address);
    }
    CLIENTS.rcu(|clients| {
        let mut clients = clients.as_deref().cloned().unwrap_or_default();
        let at = clients.partition_point(|known| known.address() < address);
        clients.insert(at, client.clone());
        Some(Arc::new(clients))
    });
    address
}

#[inline]
pub(in crate::ffi) fn client(address: usize) -> Option<FoundClient> {
    let clients = CLIENTS.load();
    let known = clients.as_deref()?;
    let at = known.binary_search_by_key(&address, Registered::address).ok()?;
    let client = NonNull::new(known[at].as_ptr().cast_mut())?;
    Some(FoundClient { client, _clients: clients })
}

/// Lets go of the client at `address`, if there is one.
pub(super) fn remove(address: usize) -> bool {
    // First, so that nobody finds a shortcut to a client that is no more. The client lives meanwhile,
    // and so its shelf is nobody else's.
    let close = |client: &Client| {
        if let Some(shelf) = client.shelf() {
            SHORTCUTS[shelf].close(address);
        }
    };
    let Some(found) = client(address) else { return false };
    close(&found);
    drop(found);
    let before = CLIENTS.rcu(|clients| {
        let others =
            clients.iter().flat_map(|it| it.iter()).filter(|known| known.address() != address);
        let others: Clients = others.cloned().collect();
        // With the last client all memory goes.
        (!others.is_empty()).then(|| Arc::new(others))
    });
    let removed = before.iter().flat_map(|it| it.iter()).find(|known| known.address() == address);
    // Again: where a program releases one twice at once, it may be another by now that goes.
    removed.inspect(|known| close(known.client())).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortcut_of_another_client_is_not_taken_for_that_of_a_released_one() {
        let shortcut = Shortcut::new();
        for address in [0, 0x1000, usize::MAX] {
            assert_eq!(shortcut.leads_from(address), None);
        }
        shortcut.lead_from(0x1000);
        let seen = shortcut.leads_from(0x1000);
        assert!(seen.is_some());
        // Somebody releases another client twice.
        shortcut.close(0x2000);
        assert_eq!(shortcut.leads_from(0x1000), seen);

        shortcut.close(0x1000);
        assert_eq!(shortcut.leads_from(0x1000), None);
        // Even one for a client that stands where the other stood.
        shortcut.lead_from(0x1000);
        assert!(shortcut.leads_from(0x1000).is_some());
        assert_ne!(shortcut.leads_from(0x1000), seen);
    }
}
