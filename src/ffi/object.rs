//! The registry of live objects: everything that C holds a pointer to.
//!
//! A pointer from C is an address that is looked up here, and never followed: one that was freed,
//! or was never ours, is simply not found. There are three places to look, since objects differ in
//! what is done with them:
//!
//! - [`clients`]: looked up with every call, and few of them come and go. Readers take no lock.
//! - [`texts`]: come and go with every call that allocates its token, and nobody asks them anything.
//!   No lock either, unless there are very many.
//! - [`others`]: errors, responses and lists, which are asked for their parts. Behind locks.
//!
//! The registry keeps every address as its complement. To a tool that looks for leaks, an object is
//! then reachable exactly as long as the program has a pointer to it.
//!
//! That pointer leads into the middle of an allocation, and where none of the C library's could begin:
//! its `free`, called by mistake for [`super::emnify_free`], stops the program at once. Otherwise it
//! would go well, and the next object at the same address be released with it. What stands before is
//! what memcheck knows from C++, so that it calls a held object reachable and not possibly lost: the
//! number of the elements of an array, or the three words of a string.

mod clients;
mod others;
mod texts;

pub(super) use self::clients::{add_client, client, with_cached_token};
pub(super) use self::others::{Handed, Kind, add, with};
pub(super) use self::texts::{add_text, remove_text};

/// Lets go of whatever is at `address` and was not found by [`remove_text`]. Nothing happens where that
/// is not an address of ours.
pub(super) fn remove(address: usize) {
    let _ = others::remove(address) || clients::remove(address);
}

/// All bits of `address` have a say in the highest ones of the result: allocators give each thread
/// an area of its own, at multiples of a power of two, so that the first objects of two threads
/// differ in nothing but high bits.
#[inline]
fn spread(address: usize) -> u64 {
    // The lowest bits of an allocation's address are always 0.
    (address as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
