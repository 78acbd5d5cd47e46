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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use socket2::SockRef;
    use ureq::unversioned::transport::time;

    use super::*;

    fn pair() -> (Tcp, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        (Tcp::new(Arc::new(stream)), listener.accept().unwrap().0)
    }

    #[test]
    fn a_connection_that_was_closed_or_reset_or_has_bytes_waiting_is_not_open() {
        let ends: [fn(TcpStream) -> Option<TcpStream>; 3] = [
            |_| None,
            |peer| {
                // Makes the kernel send RST.
                SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
                None
            },
            |mut peer| {
                peer.write_all(b"x").unwrap();
                Some(peer)
            },
        ];
        for (number, end) in ends.into_iter().enumerate() {
            let (mut connection, peer) = pair();
            assert!(connection.is_open());
            let _peer = end(peer);
            let mut polled = [Polled::new(connection.stream.as_fd(), Interest::Readable)];
            assert!(poll::wait(&mut polled, Instant::now() + Duration::from_secs(30)).unwrap());
            assert!(!connection.is_open(), "end {number}");
        }
    }

    #[test]
    fn a_connection_with_bytes_that_were_not_used_is_not_open() {
        let (mut connection, mut peer) = pair();
        peer.write_all(b"x").unwrap();
        let after = time::Duration::Exact(Duration::from_secs(30));
        let timeout = NextTimeout { after, ..NextTimeout::default() };
        assert!(connection.await_input(timeout).unwrap());
        assert!(!connection.is_open());
        connection.buffers().input_consume(1);
        assert!(connection.is_open());
    }
}
