//! Texts: the only objects that calls for a good token make and release.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::others::{self, Owner};
use super::spread;
use crate::ffi::boundary;
use crate::ffi::text::Text;

/// As a power of two: enough that two threads on a device with a few cores seldom meet.
const LINE_BITS: u32 = 7;

/// The texts of one cache line. Few threads use each line, so that they do not pull it back and forth.
#[derive(Debug)]
#[repr(align(64))]
struct Line([AtomicUsize; 64 / size_of::<usize>()]);

/// The complements of the addresses of texts, in the line that each address belongs to; 0 where there
/// is none.
///
/// What does not fit, because a program keeps very many, stands with the [`others`]. A child process
/// inherits what stands here and may release it, since no lock could be held; what stands with the
/// others stays until the child ends.
static LINES: [Line; 1 << LINE_BITS] =
    [const { Line([const { AtomicUsize::new(0) }; 64 / size_of::<usize>()]) }; 1 << LINE_BITS];

#[inline]
fn line(address: usize) -> &'static Line {
    &LINES[(spread(address) >> (u64::BITS - LINE_BITS)) as usize]
}

impl Line {
    /// Puts `to` where `from` stood, and tells whether it did stand anywhere.
    #[inline]
    fn replace(&self, from: usize, to: usize) -> bool {
        self.0.iter().any(|place| {
            place.load(Ordering::Relaxed) == from
                && place.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        })
    }
}

/// Registers `text` and returns the address that C gets.
#[inline]
pub(in crate::ffi) fn add_text(text: Text) -> usize {
    let address = text.into_address();
    if !line(address).replace(0, !address) {
        // SAFETY: it is the address of a text that nobody else has seen.
        let owner = Owner::of_text(unsafe { Text::from_address(address) });
        // Behind a lock, for which some systems wait where pthread_cancel acts.
        boundary::uncancelled(|| others::register(owner));
    }
    address
}

/// Wipes and lets go of the text at `address`, if there is one here.
#[inline]
pub(in crate::ffi) fn remove_text(address: usize) -> bool {
    // The last address there is, as which (void *)-1 is known, would be taken for a free place.
    let found = address != usize::MAX && line(address).replace(!address, 0);
    if found {
        // SAFETY: `add_text` put it there, and only one thread can have taken it away again.
        drop(unsafe { Text::from_address(address) });
    }
    found
}
