//! The registry of live objects: everything that C holds a pointer to.
//!
//! A pointer from C is an address that is looked up here, and never followed: one that was freed,
//! or was never ours, is simply not found. Clients stand apart. They are looked up with every call,
//! so readers get a snapshot without a lock, and few come and go; texts, errors, responses and
//! lists come and go all the time, so they stand in maps behind locks, as many as make a collision
//! rare.
//!
//! The registry keeps every address as its complement. To a tool that looks for leaks, an object is
//! then reachable exactly as long as the program has a pointer to it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use arc_swap::{ArcSwapOption, Guard};
use parking_lot::Mutex;

use super::application_token_list::ApplicationTokensObject;
use super::error::ErrorObject;
use super::response::ResponseObject;
use super::text::Text;
use crate::{Client, sys};

// Clients.

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
    /// The complement of what `Arc::into_raw` gave, which is what C has.
    hidden: usize,
}

impl Registered {
    fn new(client: Arc<Client>) -> Self {
        Self { hidden: !(Arc::into_raw(client) as usize) }
    }

    #[inline]
    fn address(&self) -> usize {
        !self.hidden
    }

    #[inline]
    fn as_ptr(&self) -> *const Client {
        self.address() as *const Client
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
pub(super) struct FoundClient {
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

pub(super) fn add_client(client: Client) -> usize {
    let client = Registered::new(Arc::new(client));
    let address = client.address();
    CLIENTS.rcu(|clients| {
        let mut clients = clients.as_deref().cloned().unwrap_or_default();
        let at = clients.partition_point(|known| known.address() < address);
        clients.insert(at, client.clone());
        Some(Arc::new(clients))
    });
    address
}

#[inline]
pub(super) fn client(address: usize) -> Option<FoundClient> {
    let clients = CLIENTS.load();
    let known = clients.as_deref()?;
    let at = known.binary_search_by_key(&address, Registered::address).ok()?;
    let client = NonNull::new(known[at].as_ptr().cast_mut())?;
    Some(FoundClient { client, _clients: clients })
}

fn remove_client(address: usize) -> bool {
    let before = CLIENTS.rcu(|clients| {
        let others =
            clients.iter().flat_map(|it| it.iter()).filter(|known| known.address() != address);
        Some(Arc::new(others.cloned().collect::<Clients>()))
    });
    before.is_some_and(|before| before.iter().any(|known| known.address() == address))
}

// Everything else.

/// How many bytes stand before what C is pointed to. All zero, and a block of the C library does not
/// begin behind them: its `free`, called by mistake for [`super::emnify_free`], stops the program at
/// once. Otherwise it would go well, and the next object at the same address be released with it.
pub(super) const GUARD: usize = 16;

#[repr(C, align(16))]
struct Guarded<T> {
    guard: [u8; GUARD],
    object: T,
}

/// What C is pointed to, a text apart.
pub(super) trait Handed: Send + Sync {
    const KIND: Kind;
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Error,
    Response,
    ApplicationTokens,
}

/// The owner of an object.
struct Owner {
    kind: Kind,
    /// The complement of where its allocation begins.
    hidden: usize,
    /// The length of a text with its guard and its NUL.
    length: usize,
}

impl Owner {
    fn of<T: Handed>(object: T) -> Self {
        let allocation = Box::into_raw(Box::new(Guarded { guard: [0; GUARD], object }));
        Self { kind: T::KIND, hidden: !(allocation as usize), length: 0 }
    }

    fn of_text(text: Text) -> Self {
        let bytes = text.into_bytes();
        let length = bytes.len();
        let allocation = Box::into_raw(bytes).cast::<u8>();
        Self { kind: Kind::Text, hidden: !(allocation as usize), length }
    }

    /// Where C is pointed to. Does not move while the object lives.
    fn address(&self) -> usize {
        !self.hidden + GUARD
    }

    fn get<T: Handed>(&self) -> Option<&T> {
        // SAFETY: made by `of::<T>`, whose kinds differ, and alive as long as this owner.
        (self.kind == T::KIND).then(|| unsafe { &(*(!self.hidden as *const Guarded<T>)).object })
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        fn release<T: Handed>(allocation: usize) {
            // SAFETY: made by `of::<T>`, and this owner is the only one.
            drop(unsafe { Box::from_raw(allocation as *mut Guarded<T>) });
        }
        let allocation = !self.hidden;
        match self.kind {
            Kind::Text => {
                let bytes = std::ptr::slice_from_raw_parts_mut(allocation as *mut u8, self.length);
                // SAFETY: made by `of_text`, and this owner is the only one.
                drop(Text::from_bytes(unsafe { Box::from_raw(bytes) }));
            }
            Kind::Error => release::<ErrorObject>(allocation),
            Kind::Response => release::<ResponseObject>(allocation),
            Kind::ApplicationTokens => release::<ApplicationTokensObject>(allocation),
        }
    }
}

/// Enough shards, as a power of two, that two threads on a device with a few cores seldom meet.
const SHARD_BITS: u32 = 5;
const SHARDS: usize = 1 << SHARD_BITS;

/// With a cache line of its own: threads that use different shards must not meet there either.
#[derive(Default)]
#[repr(align(64))]
struct Shard(Mutex<HashMap<usize, Owner, BuildHasherDefault<AddressHasher>>>);

struct Objects {
    /// In which process these locks were made.
    born: u32,
    shards: [Shard; SHARDS],
}

static OBJECTS: AtomicPtr<Objects> = AtomicPtr::new(std::ptr::null_mut());

/// The registry of this process.
///
/// A child process starts with an empty one: a lock of the inherited one may be held by a thread
/// that the child does not have. What the child inherited is left in place, as is its memory.
#[inline]
fn objects() -> &'static Objects {
    let present = OBJECTS.load(Ordering::Acquire);
    // SAFETY: NULL, or leaked by `first_objects` and so valid for ever.
    match unsafe { present.as_ref() } {
        Some(objects) if objects.born == sys::fork_generation() => objects,
        _ => first_objects(present),
    }
}

#[cold]
fn first_objects(present: *mut Objects) -> &'static Objects {
    sys::watch_forks();
    let shards = std::array::from_fn(|_| Shard::default());
    let new = Box::into_raw(Box::new(Objects { born: sys::fork_generation(), shards }));
    match OBJECTS.compare_exchange(present, new, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: just leaked, and never freed once it is the one in use.
        Ok(_) => unsafe { &*new },
        Err(other) => {
            // SAFETY: `new` came from a box and nobody else has seen it.
            drop(unsafe { Box::from_raw(new) });
            // SAFETY: another thread of this process leaked it just now.
            unsafe { &*other }
        }
    }
}

#[inline]
fn shard(address: usize) -> &'static Shard {
    &objects().shards[(spread(address) >> (u64::BITS - SHARD_BITS)) as usize]
}

/// All bits of `address` have a say in the highest ones of the result: allocators give each thread
/// an area of its own, at multiples of a power of two, so that the first texts of two threads
/// differ in nothing but high bits.
#[inline]
fn spread(address: usize) -> u64 {
    // The lowest bits of an allocation's address are always 0.
    (address as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Registers `object` and returns the address that C gets.
pub(super) fn add<T: Handed>(object: T) -> usize {
    register(Owner::of(object))
}

/// Registers `text` and returns the address that C gets.
pub(super) fn add_text(text: Text) -> usize {
    register(Owner::of_text(text))
}

fn register(owner: Owner) -> usize {
    let address = owner.address();
    shard(address).0.lock().insert(!address, owner);
    address
}

/// What `look` finds out about the object at `address`, if there is a `T`. Runs under a lock: to be
/// short, and to call nothing of this module.
pub(super) fn with<T: Handed, R>(address: usize, look: impl FnOnce(&T) -> Option<R>) -> Option<R> {
    shard(address).0.lock().get(&!address).and_then(Owner::get).and_then(look)
}

/// Lets go of whatever is at `address`. Nothing happens where that is not an address of ours.
pub(super) fn remove(address: usize) {
    let object = shard(address).0.lock().remove(&!address);
    // Dropped after the lock: wiping and freeing take their time.
    match object {
        Some(object) => drop(object),
        None => {
            remove_client(address);
        }
    }
}

/// Addresses are different already; they need to be spread, not protected: no stranger chooses
/// them.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = spread(address);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
