//! The registry of live objects: everything that C holds a pointer to.
//!
//! A pointer from C is an address that is looked up here, and never followed: one that was freed,
//! or was never ours, is simply not found. Clients stand apart. They are looked up with every call,
//! so readers get a snapshot without a lock, and few come and go; texts, errors, responses and
//! lists come and go all the time, so they stand in maps behind locks, as many as make a collision
//! rare.

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
type Clients = Vec<(usize, Arc<Client>)>;

static CLIENTS: ArcSwapOption<Clients> = ArcSwapOption::const_empty();

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
    let client = Arc::new(client);
    let address = Arc::as_ptr(&client) as usize;
    CLIENTS.rcu(|clients| {
        let mut clients = clients.as_deref().cloned().unwrap_or_default();
        let at = clients.partition_point(|(known, _)| *known < address);
        clients.insert(at, (address, client.clone()));
        Some(Arc::new(clients))
    });
    address
}

#[inline]
pub(super) fn client(address: usize) -> Option<FoundClient> {
    let clients = CLIENTS.load();
    let known = clients.as_deref()?;
    let at = known.binary_search_by_key(&address, |(known, _)| *known).ok()?;
    Some(FoundClient { client: NonNull::from(&*known[at].1), _clients: clients })
}

fn remove_client(address: usize) -> bool {
    let before = CLIENTS.rcu(|clients| {
        let others = clients.iter().flat_map(|it| it.iter()).filter(|(known, _)| *known != address);
        Some(Arc::new(others.cloned().collect::<Clients>()))
    });
    before.is_some_and(|before| before.iter().any(|(known, _)| *known == address))
}

// Everything else.

/// Any other object.
pub(super) enum Object {
    Text(Text),
    Error(Box<ErrorObject>),
    Response(Box<ResponseObject>),
    ApplicationTokens(Box<ApplicationTokensObject>),
}

impl Object {
    /// Where C is pointed to. Does not move while the object lives.
    fn address(&self) -> usize {
        match self {
            Self::Text(text) => text.as_ptr() as usize,
            Self::Error(error) => std::ptr::from_ref(&**error) as usize,
            Self::Response(response) => std::ptr::from_ref(&**response) as usize,
            Self::ApplicationTokens(tokens) => std::ptr::from_ref(&**tokens) as usize,
        }
    }
}

/// Enough shards, as a power of two, that two threads on a device with a few cores seldom meet.
const SHARD_BITS: u32 = 5;
const SHARDS: usize = 1 << SHARD_BITS;

/// With a cache line of its own: threads that use different shards must not meet there either.
#[derive(Default)]
#[repr(align(64))]
struct Shard(Mutex<HashMap<usize, Object, BuildHasherDefault<AddressHasher>>>);

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
pub(super) fn add(object: Object) -> usize {
    let address = object.address();
    shard(address).0.lock().insert(address, object);
    address
}

/// What `look` finds out about the object at `address`, if there is one. Runs under a lock: to be
/// short, and to call nothing of this module.
pub(super) fn with<R>(address: usize, look: impl FnOnce(&Object) -> Option<R>) -> Option<R> {
    shard(address).0.lock().get(&address).and_then(look)
}

/// Lets go of whatever is at `address`. Nothing happens where that is not an address of ours.
pub(super) fn remove(address: usize) {
    let object = shard(address).0.lock().remove(&address);
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
