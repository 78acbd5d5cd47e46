//! A TCP connection whose every wait has an end.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use super::buffers::WipedBuffers;
use super::call;
use crate::sys::poll::{self, Interest, Polled};

/// Each is what one system call moves; requests and most answers fit.
const INPUT: usize = 8 * 1024;
const OUTPUT: usize = 4 * 1024;

/// A connected socket.
///
/// It stays non-blocking and waits in poll(2). ureq's own uses socket time-outs, which start anew
/// with every read and after every signal, so that a peer that sends a byte at a time could hold
/// a call far beyond its deadline.
pub(super) struct Tcp {
    stream: Arc<TcpStream>,
    buffers: WipedBuffers,
}

impl Tcp {
    /// `stream` is non-blocking.
    pub(super) fn new(stream: Arc<TcpStream>) -> Self {
        Self { stream, buffers: WipedBuffers::new(INPUT, OUTPUT) }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.buffers.held()
    }

    fn write_all(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let until = call::until(timeout);
        let mut rest = &self.buffers.output()[..amount];
        while !rest.is_empty() {
            // MSG_NOSIGNAL is set by std: a peer that is gone raises no SIGPIPE.
            match (&*self.stream).write(rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => rest = &rest[count..],
                Err(error) => wait_after(error, &self.stream, Interest::Writable, timeout, until)?,
            }
        }
        Ok(())
    }
}

/// Waits if `error` says that the operation would block; repeats after a signal; else gives it.
fn wait_after(
    error: io::Error,
    stream: &TcpStream,
    interest: Interest,
    timeout: NextTimeout,
    until: Instant,
) -> Result<(), Error> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock => {
            let mut polled = [Polled::new(stream.as_fd(), interest)];
            if poll::wait(&mut polled, until)? { Ok(()) } else { Err(call::expired(timeout)) }
        }
        _ => Err(error.into()),
    }
}

impl Transport for Tcp {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let sent = self.write_all(amount, timeout);
        self.buffers.wipe_output();
        sent
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let until = call::until(timeout);
        loop {
            let free = self.buffers.input_append_buf();
            match (&*self.stream).read(free) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(error) => wait_after(error, &self.stream, Interest::Readable, timeout, until)?,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // Neither closed nor with bytes that nobody asked for.
        let quiet = loop {
            match self.stream.peek(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error.kind() == io::ErrorKind::WouldBlock,
                Ok(_) => break false,
            }
        };
        let open = quiet && self.buffers.input().is_empty();
        if open {
            self.buffers.release();
        }
        open
    }
}

impl fmt::Debug for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp").field("peer", &self.stream.peer_addr().ok()).finish()
    }
}
