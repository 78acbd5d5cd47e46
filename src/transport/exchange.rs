//! The outermost layer of a connection, between ureq and the bytes.

use std::fmt;
use std::io;

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport,
};

use super::buffers::WipedBuffers;
use super::call::{self, Phase};

/// Also the longest head of an answer.
pub(super) const INPUT: usize = 16 * 1024;
/// Also the longest line of a request. CloudFront takes URLs of 8,192 bytes.
pub(super) const OUTPUT: usize = 10 * 1024;

/// Puts an [`Exchange`] around every connection to the service.
#[derive(Debug)]
pub(super) struct ExchangeConnector {
    pub(super) behind_proxy: bool,
}

impl<In: Transport> Connector<In> for ExchangeConnector {
    type Out = Either<In, Exchange<In>>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(inner) = chained else { return Ok(None) };
        // ureq runs all connectors a second time, without the proxy setting, for the connection
        // to the proxy itself. The bearer must not go there, and nothing of it is progress.
        if self.behind_proxy && details.config.proxy().is_none() {
            call::enter(Phase::Tunnelling);
            return Ok(Some(Either::A(inner)));
        }
        call::connected();
        let buffers = WipedBuffers::new(INPUT, OUTPUT);
        Ok(Some(Either::B(Exchange { inner, buffers, pending: 0 })))
    }
}

/// Keeps secrets away from ureq, whose parser writes what it sees to the `log` crate at trace
/// level, and notes how far the call came: adds the `Authorization` header that ureq was not
/// given, and takes the body out of the answer.
///
/// Also sends head and body of a request together: as ureq hands them over, each would be a TLS
/// record and a packet of its own.
pub(super) struct Exchange<T> {
    inner: T,
    buffers: WipedBuffers,
    /// Bytes in the output buffer of `inner` that are not sent yet.
    pending: usize,
}

impl<T: Transport> Exchange<T> {
    fn send(&mut self, mut part: &[u8], timeout: NextTimeout) -> Result<(), Error> {
        while !part.is_empty() {
            let output = self.inner.buffers().output();
            let count = part.len().min(output.len() - self.pending);
            output[self.pending..self.pending + count].copy_from_slice(&part[..count]);
            self.pending += count;
            part = &part[count..];
            if self.pending == output.len() {
                self.flush(timeout)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        if self.pending == 0 {
            return Ok(());
        }
        call::handing_over();
        let amount = std::mem::take(&mut self.pending);
        self.inner.transmit_output(amount, timeout)
    }

    fn send_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        // Out of `self` for a moment, because `send` needs all of it.
        let mut buffers = std::mem::replace(&mut self.buffers, WipedBuffers::new(1, 1));
        let output = &buffers.output()[..amount];
        let sent = match call::sending() {
            None => self.send(output, timeout),
            Some(value) => {
                // After the request line, which is whole: ureq never splits a line.
                let line = output.windows(2).position(|two| two == b"\r\n");
                let (line, rest) = output.split_at(line.map_or(0, |end| end + 2));
                self.send(line, timeout)
                    .and_then(|()| self.send(b"authorization: ", timeout))
                    .and_then(|()| self.send(&value, timeout))
                    .and_then(|()| self.send(b"\r\n", timeout))
                    .and_then(|()| self.send(rest, timeout))
            }
        };
        buffers.wipe_output();
        self.buffers = buffers;
        sent
    }
}

/// A connection that broke, as opposed to one that ended.
#[derive(Debug)]
pub(super) struct Broken(pub(super) io::Error);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Broken {}

/// Hides from ureq that it was an I/O error: after a reset, and after an end of TLS without the
/// good-bye that proves it genuine, ureq takes a body without a length for complete.
fn broken(error: Error) -> Error {
    match error {
        Error::Io(error) => Error::Other(Box::new(Broken(error))),
        other => other,
    }
}

impl<T: Transport> Transport for Exchange<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.send_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.flush(timeout)?;
        call::awaiting();
        let free = self.buffers.input_append_buf();
        if free.is_empty() {
            return Err(Error::LargeResponseHeader(INPUT, INPUT));
        }
        self.inner.maybe_await_input(timeout).map_err(broken)?;
        let received = self.inner.buffers().input();
        let count = received.len().min(free.len());
        free[..count].copy_from_slice(&received[..count]);
        self.inner.buffers().input_consume(count);
        if count > 0 {
            call::received(&mut free[..count])?;
        }
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        let open = self.pending == 0 && self.buffers.input().is_empty() && self.inner.is_open();
        if open {
            self.buffers.release();
        }
        open
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl<T: Transport> fmt::Debug for Exchange<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;
    use std::time::Duration;

    use ureq::unversioned::transport::time;

    use super::super::call::InProgress;
    use super::super::tcp::Tcp;
    use super::*;
    use crate::deadline::Deadline;

    #[test]
    fn of_what_was_sent_and_received_a_connection_keeps_nothing() {
        const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut peer = listener.accept().unwrap().0;
        let mut exchange = Exchange {
            inner: Tcp::new(Arc::new(stream)),
            buffers: WipedBuffers::new(INPUT, OUTPUT),
            pending: 0,
        };
        let timeout = NextTimeout {
            after: time::Duration::Exact(Duration::from_secs(30)),
            ..NextTimeout::default()
        };
        let _call = InProgress::begin(Deadline::after(Duration::from_secs(30)), None, 0);

        exchange.buffers().output()[..6].copy_from_slice(b"secret");
        exchange.transmit_output(6, timeout).unwrap();
        peer.write_all(ANSWER).unwrap();
        while exchange.buffers().input().len() < ANSWER.len() {
            assert!(exchange.await_input(timeout).unwrap());
        }
        let mut sent = [0; 6];
        peer.read_exact(&mut sent).unwrap();
        assert_eq!(&sent, b"secret");

        let zeros = |part: &[u8]| part.iter().all(|byte| *byte == 0);
        assert!(zeros(exchange.buffers.output()));
        assert!(zeros(exchange.inner.buffers().output()));
        assert!(zeros(exchange.inner.buffers().input_append_buf()));

        assert!(!exchange.is_open(), "an answer is not used yet");
        assert_eq!(exchange.buffers().input(), ANSWER);
        exchange.buffers().input_consume(ANSWER.len());
        assert!(exchange.is_open());
        assert_eq!(exchange.buffers.held(), 0);
        assert_eq!(exchange.inner.held(), 0);
        drop(peer);
    }
}
