//! Buffers of a connection that keep nothing after use.

use ureq::unversioned::transport::Buffers;
use zeroize::Zeroize;

/// What `LazyBuffers` of ureq does, and wipes: requests carry passwords and bearers, answers
/// carry tokens. An idle connection holds no memory here.
pub(super) struct WipedBuffers {
    input_size: usize,
    output_size: usize,
    input: Vec<u8>,
    /// Bytes of `input` between these are received and not yet used.
    consumed: usize,
    filled: usize,
    output: Vec<u8>,
    progress: bool,
}

impl WipedBuffers {
    pub(super) fn new(input_size: usize, output_size: usize) -> Self {
        Self {
            input_size,
            output_size,
            input: Vec::new(),
            consumed: 0,
            filled: 0,
            output: Vec::new(),
            progress: false,
        }
    }

    fn allocate(&mut self) {
        // Neither ever grows, so that no copy is left behind by a reallocation.
        if self.output.is_empty() {
            self.output = vec![0; self.output_size];
        }
        if self.input.is_empty() {
            self.input = vec![0; self.input_size];
        }
    }

    fn free(&mut self) -> &mut [u8] {
        if self.consumed > 0 {
            self.input.copy_within(self.consumed..self.filled, 0);
            let kept = self.filled - self.consumed;
            self.input[kept..self.filled].zeroize();
            self.consumed = 0;
            self.filled = kept;
        }
        &mut self.input[self.filled..]
    }

    pub(super) fn wipe_output(&mut self) {
        self.output.zeroize_in_place();
    }

    /// Gives the memory back, unless something received waits to be used.
    pub(super) fn release(&mut self) {
        if self.consumed == self.filled {
            self.wipe();
            self.input = Vec::new();
            self.output = Vec::new();
        }
    }

    /// How many bytes of memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.input.capacity() + self.output.capacity()
    }

    fn wipe(&mut self) {
        self.input.zeroize_in_place();
        self.output.zeroize_in_place();
        self.consumed = 0;
        self.filled = 0;
    }
}

/// `Vec::zeroize` also empties the vector; here its length is the buffer's size.
trait ZeroizeInPlace {
    fn zeroize_in_place(&mut self);
}

impl ZeroizeInPlace for Vec<u8> {
    fn zeroize_in_place(&mut self) {
        self.as_mut_slice().zeroize();
    }
}

impl Buffers for WipedBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.allocate();
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.consumed..self.filled]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.allocate();
        self.free()
    }

    fn input_appended(&mut self, amount: usize) {
        self.filled = (self.filled + amount).min(self.input.len());
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        let until = (self.consumed + amount).min(self.filled);
        self.input[self.consumed..until].zeroize();
        self.consumed = until;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.allocate();
        // The first is scratch for chunked requests, which are never sent from here.
        let _ = self.free();
        (&mut self.input[self.filled..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.progress && self.consumed < self.filled
    }
}

impl Drop for WipedBuffers {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_what_was_consumed_or_moved() {
        let mut buffers = WipedBuffers::new(16, 8);
        buffers.input_append_buf()[..9].copy_from_slice(b"secretABC");
        buffers.input_appended(9);
        buffers.input_consume(6);
        assert!(buffers.can_use_input());
        assert_eq!(buffers.input(), b"ABC");
        assert_eq!(buffers.input_append_buf().len(), 13);
        assert_eq!(&buffers.input, b"ABC\0\0\0\0\0\0\0\0\0\0\0\0\0");
        buffers.input_consume(3);
        assert_eq!(buffers.input, [0; 16]);
        assert!(!buffers.can_use_input());
    }

    #[test]
    fn a_full_buffer_offers_no_room_and_an_idle_one_holds_no_memory() {
        let mut buffers = WipedBuffers::new(4, 4);
        buffers.output()[0] = 1;
        buffers.wipe_output();
        assert_eq!(buffers.output(), [0; 4]);
        buffers.input_append_buf().fill(7);
        buffers.input_appended(4);
        assert!(buffers.input_append_buf().is_empty());
        buffers.release();
        assert_eq!(buffers.input(), [7; 4]);
        buffers.input_consume(4);
        buffers.release();
        assert_eq!(buffers.held(), 0);
    }
}
