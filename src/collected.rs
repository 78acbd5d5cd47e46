//! Bytes that come in parts and may be a secret: the body of an answer, JSON as it is written.

use std::io;

use serde::Serialize;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, ErrorKind};

/// Bytes collected within a limit. No copy is left in freed memory when they grow or are given up.
pub(crate) struct Collected {
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
}

/// Why there can be no more of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    TooLarge,
    OutOfMemory,
}

/// What is set aside at first: sign-in answers fit.
const FIRST: usize = 4096;

impl Collected {
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::new()), limit }
    }

    pub(crate) fn push(&mut self, part: &[u8]) -> Result<(), Refused> {
        let needed = self.bytes.len() + part.len();
        if needed > self.limit {
            return Err(Refused::TooLarge);
        }
        if needed >= self.bytes.capacity() {
            self.grow(needed)?;
        }
        self.bytes.extend_from_slice(part);
        Ok(())
    }

    /// `Vec` itself would free the old memory unwiped, and abort where there is none. There is always
    /// a byte to spare, for the NUL with which the C layer ends the body without moving it.
    fn grow(&mut self, needed: usize) -> Result<(), Refused> {
        let doubled = self.bytes.capacity().saturating_mul(2);
        let capacity = needed.max(FIRST).max(doubled).min(self.limit).saturating_add(1);
        let mut larger = Vec::new();
        larger.try_reserve_exact(capacity).map_err(|_| Refused::OutOfMemory)?;
        larger.extend_from_slice(&self.bytes);
        self.bytes = Zeroizing::new(larger);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The first `length` bytes. What follows is wiped here: it would be out of sight of whoever takes
    /// the vector out of its keeping and wipes it.
    pub(crate) fn into_bytes(mut self, length: usize) -> Zeroizing<Vec<u8>> {
        let kept = length.min(self.bytes.len());
        self.bytes[kept..].zeroize();
        self.bytes.truncate(kept);
        self.bytes
    }
}

impl io::Write for Collected {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        match self.push(part) {
            Ok(()) => Ok(part.len()),
            Err(Refused::OutOfMemory) => Err(io::ErrorKind::OutOfMemory.into()),
            Err(Refused::TooLarge) => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `value` as JSON, for a body. `serde_json::to_vec` leaves a copy behind with every step in which it
/// grows.
pub(crate) fn to_json(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut json = Collected::new(usize::MAX);
    serde_json::to_writer(&mut json, value).map_err(|error| match error.is_io() {
        true => Error::new(ErrorKind::Internal, "there is not enough memory for the body"),
        // The encoder's words may quote the value, which may be a secret.
        false => Error::invalid("json: the body cannot be written as JSON"),
    })?;
    Ok(json.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_have_exactly_the_limit() {
        let mut body = Collected::new(10_000);
        for _ in 0..10 {
            body.push(&[7; 1000]).unwrap();
        }
        assert_eq!(body.push(b"x"), Err(Refused::TooLarge));
        assert_eq!(body.len(), 10_000);
        assert_eq!(*body.into_bytes(10_000), [7; 10_000]);
    }

    #[test]
    fn what_follows_the_body_is_cut_off() {
        let mut body = Collected::new(100);
        body.push(b"bodyjunk").unwrap();
        assert_eq!(*body.into_bytes(4), b"body");
    }

    #[test]
    fn a_body_has_a_byte_to_spare() {
        for length in [1, FIRST - 1, FIRST, FIRST + 1, 10_000] {
            for parts in [1, length] {
                let mut body = Collected::new(10_000);
                vec![7; length].chunks(length / parts).for_each(|part| body.push(part).unwrap());
                let body = body.into_bytes(length);
                assert!(body.len() == length && body.capacity() > length, "{length}");
            }
        }
    }

    #[test]
    fn memory_grows_in_few_steps_and_not_beyond_the_limit() {
        const LIMIT: usize = 100_000;
        let mut body = Collected::new(LIMIT);
        let mut capacities = Vec::new();
        for _ in 0..LIMIT {
            body.push(b"x").unwrap();
            capacities.push(body.bytes.capacity());
        }
        assert!(capacities[0] >= FIRST, "as `Vec` grows, unwiped: {}", capacities[0]);
        capacities.dedup();
        assert!(
            capacities.len() < 10 && capacities.last() <= Some(&(LIMIT + 64)),
            "{capacities:?}"
        );
    }

    #[test]
    fn a_limit_of_any_size_allocates_only_what_came() {
        let mut body = Collected::new(usize::MAX - 1);
        body.push(b"x").unwrap();
        assert!(body.into_bytes(1).capacity() < 10_000);
    }
}
