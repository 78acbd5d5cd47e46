//! Waiting for several sockets at once.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Readable,
    Writable,
}

/// A socket that is waited for. Laid out as a `pollfd`, so that a slice of these is what
/// poll(2) takes and a wait allocates nothing.
#[repr(transparent)]
pub(crate) struct Polled<'fd> {
    raw: libc::pollfd,
    open: PhantomData<BorrowedFd<'fd>>,
}

impl<'fd> Polled<'fd> {
    pub(crate) fn new(fd: BorrowedFd<'fd>, interest: Interest) -> Self {
        let events = match interest {
            Interest::Readable => libc::POLLIN,
            Interest::Writable => libc::POLLOUT,
        };
        Self { raw: libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 }, open: PhantomData }
    }

    /// Whether the last wait found it ready, broken or hung up. All three mean the same to the
    /// caller: the operation no longer blocks, and says itself what the matter is.
    pub(crate) fn is_ready(&self) -> bool {
        self.raw.revents != 0
    }
}

/// Waits until one of `sockets` is ready or `until` has passed; `false` when it passed. Signals
/// do not shorten or prolong the wait.
pub(crate) fn wait(sockets: &mut [Polled<'_>], until: Instant) -> io::Result<bool> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match poll_once(sockets, milliseconds(left)) {
            Ok(0) if until <= Instant::now() => return Ok(false),
            // Rounded or cut to what poll takes: not yet over.
            Ok(0) => {}
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Rounded up: rounding down would spin through the last millisecond.
fn milliseconds(time: Duration) -> libc::c_int {
    let up = time.as_nanos().div_ceil(1_000_000);
    libc::c_int::try_from(up).unwrap_or(libc::c_int::MAX)
}

fn poll_once(sockets: &mut [Polled<'_>], timeout: libc::c_int) -> io::Result<usize> {
    let count = sockets.len() as libc::nfds_t;
    // SAFETY: `Polled` is a transparent `pollfd`, so the pointer is to `count` of them, which
    // this function has for itself; the descriptors are open as long as they are borrowed.
    let ready = unsafe { libc::poll(sockets.as_mut_ptr().cast::<libc::pollfd>(), count, timeout) };
    usize::try_from(ready).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_wait_without_an_event_ends_at_its_time() {
        let (reader, _writer) = UnixStream::pair().unwrap();
        let start = Instant::now();
        let mut polled = [Polled::new(reader.as_fd(), Interest::Readable)];
        assert!(!wait(&mut polled, start + Duration::from_millis(30)).unwrap());
        assert!(start.elapsed() >= Duration::from_millis(30));
        assert!(!polled[0].is_ready());
    }

    #[test]
    fn only_the_socket_with_data_is_ready() {
        let (quiet, _keep) = UnixStream::pair().unwrap();
        let (reader, mut writer) = UnixStream::pair().unwrap();
        writer.write_all(b"x").unwrap();
        let mut polled = [
            Polled::new(quiet.as_fd(), Interest::Readable),
            Polled::new(reader.as_fd(), Interest::Readable),
        ];
        assert!(wait(&mut polled, Instant::now() + Duration::from_secs(10)).unwrap());
        assert!(!polled[0].is_ready());
        assert!(polled[1].is_ready());
    }

    #[test]
    fn a_peer_that_is_gone_ends_the_wait() {
        let (reader, writer) = UnixStream::pair().unwrap();
        drop(writer);
        let mut polled = [Polled::new(reader.as_fd(), Interest::Readable)];
        assert!(wait(&mut polled, Instant::now() + Duration::from_secs(10)).unwrap());
    }

    #[test]
    fn a_time_that_has_passed_does_not_block() {
        let (reader, _writer) = UnixStream::pair().unwrap();
        let mut polled = [Polled::new(reader.as_fd(), Interest::Readable)];
        assert!(!wait(&mut polled, Instant::now()).unwrap());
    }
}
