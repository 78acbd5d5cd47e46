//! Chance, so that devices which were refused or switched on together do not come back together.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A number from 0 on and below 1, another one each time.
///
/// Seeded by the system, without waiting for it: std takes what randomness there is, early in the
/// boot as well. Not by the clock and the number of the thread, as small generators do: on a thousand
/// equal boards under one switch these may be equal, too.
pub(crate) fn fraction() -> f64 {
    /// What the mantissa of an `f64` holds.
    const BITS: u32 = 53;
    let mut hasher = RandomState::new().build_hasher();
    // A child process begins with the state of its parent.
    hasher.write_u32(std::process::id());
    #[allow(clippy::cast_precision_loss)] // they fit
    let drawn = (hasher.finish() >> (u64::BITS - BITS)) as f64;
    drawn / (1_u64 << BITS) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_range_is_drawn_from_evenly() {
        let mut drawn = [0_usize; 10];
        for _ in 0..10_000 {
            let fraction = fraction();
            assert!((0.0..1.0).contains(&fraction), "{fraction}");
            drawn[(fraction * 10.0) as usize] += 1;
        }
        // Ten standard deviations either way.
        assert!(drawn.iter().all(|count| (700..1300).contains(count)), "{drawn:?}");
    }
}
