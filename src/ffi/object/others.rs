//! Errors, responses, lists, and texts that there are too many of.

use std::sync::atomic::{AtomicPtr, Ordering};

use parking_lot::Mutex;

use super::spread;
use crate::ffi::application_token_list::ApplicationTokensObject;
use crate::ffi::error::ErrorObject;
use crate::ffi::response::ResponseObject;
use crate::ffi::text::Text;
use crate::sys;

#[repr(C, align(16))]
struct Guarded<T> {
    guard: [usize; GUARD],
    object: T,
}

/// In words. An object may have to stand at a multiple of 8, and so on 32-bit systems there are two,
/// which memcheck does not know.
const GUARD: usize = 8 / size_of::<usize>();

impl<T> Guarded<T> {
    const OFFSET: usize = {
        let offset = std::mem::offset_of!(Self, object);
        assert!(offset == GUARD * size_of::<usize>(), "what stands before it is the guard");
        offset
    };

    fn new(object: T) -> Self {
        // To memcheck a number of elements; to `free` a size, which is none.
        Self { guard: [1; GUARD], object }
    }
}

/// What C is pointed to, a text apart.
pub(in crate::ffi) trait Handed: Send + Sync {
    const KIND: Kind;
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::ffi) enum Kind {
    Text,
    Error,
    Response,
    ApplicationTokens,
}

/// The owner of an object.
pub(super) struct Owner {
    kind: Kind,
    /// The complement of where C is pointed to, which does not move while the object lives.
    hidden: usize,
}

impl Owner {
    fn of<T: Handed>(object: T) -> Self {
        let allocation = Box::into_raw(Box::new(Guarded::new(object)));
        Self { kind: T::KIND, hidden: !(allocation as usize + Guarded::<T>::OFFSET) }
    }

    pub(super) fn of_text(text: Text) -> Self {
        Self { kind: Kind::Text, hidden: !text.into_address() }
    }

    fn address(&self) -> usize {
        !self.hidden
    }

    fn allocation<T: Handed>(&self) -> *mut Guarded<T> {
        (self.address() - Guarded::<T>::OFFSET) as *mut Guarded<T>
    }

    fn get<T: Handed>(&self) -> Option<&T> {
        // SAFETY: made by `of::<T>`, whose kinds differ, and alive as long as this owner.
        (self.kind == T::KIND).then(|| unsafe { &(*self.allocation()).object })
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        fn release<T: Handed>(owner: &Owner) {
            // SAFETY: made by `of::<T>`, and this owner is the only one.
            drop(unsafe { Box::from_raw(owner.allocation::<T>()) });
        }
        match self.kind {
            // SAFETY: made by `of_text`, and this owner is the only one.
            Kind::Text => drop(unsafe { Text::from_address(self.address()) }),
            Kind::Error => release::<ErrorObject>(self),
            Kind::Response => release::<ResponseObject>(self),
            Kind::ApplicationTokens => release::<ApplicationTokensObject>(self),
        }
    }
}

/// Enough shards, as a power of two, that two threads on a device with a few cores seldom meet.
const SHARD_BITS: u32 = 5;
const SHARDS: usize = 1 << SHARD_BITS;

/// With a cache line of its own: threads that use different shards must not meet there either.
///
/// In order, and without memory where there is nothing: a hash table is pointed to in its middle, which
/// tools that look for leaks do not take for certain.
#[repr(align(64))]
struct Shard(Mutex<Vec<Owner>>);

impl Shard {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

struct Objects {
    /// In which process these locks are used.
    born: u32,
    shards: [Shard; SHARDS],
}

impl Objects {
    const fn new(born: u32) -> Self {
        Self { born, shards: [const { Shard::new() }; SHARDS] }
    }
}

/// Of the process that the library was loaded into. No allocation: what stood on the stack before
/// would be copied with its padding, and a pointer in there hides a leak.
static FIRST: Objects = Objects::new(0);

/// Of a child process, which starts with none: a lock of its parent may be held by a thread that the
/// child does not have. What it inherited is left in place, as is its memory.
static OF_CHILD: AtomicPtr<Objects> = AtomicPtr::new(std::ptr::null_mut());

#[inline]
fn objects() -> &'static Objects {
    sys::watch_forks();
    match sys::fork_generation() {
        0 => &FIRST,
        generation => of_child(generation),
    }
}

#[cold]
fn of_child(generation: u32) -> &'static Objects {
    let present = OF_CHILD.load(Ordering::Acquire);
    // SAFETY: NULL, or leaked below and so valid for ever.
    match unsafe { present.as_ref() } {
        Some(objects) if objects.born == generation => return objects,
        _ => {}
    }
    let new = Box::into_raw(Box::new(Objects::new(generation)));
    match OF_CHILD.compare_exchange(present, new, Ordering::AcqRel, Ordering::Acquire) {
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

/// Registers `object` and returns the address that C gets.
pub(in crate::ffi) fn add<T: Handed>(object: T) -> usize {
    register(Owner::of(object))
}

/// Registers what `owner` owns and returns the address that C gets.
pub(super) fn register(owner: Owner) -> usize {
    let address = owner.address();
    let mut owners = shard(address).0.lock();
    // Most come with ascending addresses, and so go to the end.
    let at = owners.partition_point(|known| known.address() < address);
    owners.insert(at, owner);
    address
}

/// What `look` finds out about the object at `address`, if there is a `T`. Runs under a lock: to be
/// short, and to call nothing of this module.
pub(in crate::ffi) fn with<T: Handed, R>(
    address: usize,
    look: impl FnOnce(&T) -> Option<R>,
) -> Option<R> {
    let owners = shard(address).0.lock();
    let at = owners.binary_search_by_key(&address, Owner::address).ok()?;
    owners[at].get().and_then(look)
}

/// Lets go of what is at `address`, if there is something here.
pub(super) fn remove(address: usize) -> bool {
    let mut owners = shard(address).0.lock();
    let Ok(at) = owners.binary_search_by_key(&address, Owner::address) else {
        return false;
    };
    let owner = owners.remove(at);
    if owners.is_empty() {
        *owners = Vec::new();
    }
    drop(owners);
    // After the lock: wiping and freeing take their time.
    drop(owner);
    true
}
