//! Connecting: all addresses of a host, in the manner of RFC 8305.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use ureq::http::Uri;
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, Either, ShutdownHandle, Transport,
};

use super::IpFamily;
use super::call::{self, Phase};
use super::cancel::Cancel;
use super::failure::os_text;
use super::resolve::{LookUps, Unresolved};
use super::tcp::Tcp;
use crate::error::{Error, ErrorKind};
use crate::sys::poll::{self, Interest, Polled};

/// How long an attempt has before the next address is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Longer lists are cut: every attempt may hold a descriptor.
const MOST_ADDRESSES: usize = 8;

/// Makes TCP connections. ureq's own tries one address after the other, so that an IPv6 that
/// leads nowhere takes most of the time there is.
#[derive(Debug)]
pub(super) struct TcpConnector {
    pub(super) look_ups: Arc<LookUps>,
    pub(super) cancel: Arc<Cancel>,
    pub(super) ip_family: IpFamily,
    pub(super) bind_interface: Option<String>,
}

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, Tcp>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // A tunnel through a proxy stands already.
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let host = details.uri.host().unwrap_or_default();
        let port = port(details.uri);
        let until = call::connected_until(details);

        call::enter(Phase::Resolving);
        let resolved = self.look_ups.resolve(host, port, self.ip_family, until, &self.cancel);
        let addresses = resolved.map_err(|why| match why {
            Unresolved::Failed(error) => wrap(error),
            Unresolved::Cancelled => wrap(super::failure::cancelled()),
            Unresolved::OutOfTime => call::expired(details.timeout),
        })?;

        call::enter(Phase::Connecting);
        let mut race = Race {
            connector: self,
            register: &|handle| (details.register_shutdown)(handle),
            running: Vec::new(),
            failed: Vec::new(),
        };
        match race.run(&interleave(addresses), until) {
            Ok(stream) => Ok(Some(Either::B(Tcp::new(stream)))),
            Err(Lost::OutOfTime) => Err(call::expired(details.timeout)),
            Err(Lost::Failed) => Err(wrap(race.failure(host, port))),
            Err(Lost::Error(error)) => Err(error),
        }
    }
}

fn port(url: &Uri) -> u16 {
    let https = url.scheme_str() == Some("https");
    url.port_u16().unwrap_or(if https { 443 } else { 80 })
}

fn wrap(error: Error) -> ureq::Error {
    ureq::Error::Other(Box::new(error))
}

/// Alternates between the families, beginning with the one the system prefers (it has sorted the
/// addresses by RFC 6724).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut mixed = Vec::new();
    loop {
        let pair = [preferred.next(), other.next()];
        if pair == [None, None] {
            mixed.truncate(MOST_ADDRESSES);
            return mixed;
        }
        mixed.extend(pair.into_iter().flatten());
    }
}

struct Attempt {
    stream: Arc<TcpStream>,
    address: SocketAddr,
}

enum Lost {
    OutOfTime,
    /// Every address failed; [`Race::failed`] has the reasons.
    Failed,
    /// There is no point in trying another address.
    Error(ureq::Error),
}

struct Race<'a> {
    connector: &'a TcpConnector,
    register: &'a dyn Fn(Weak<dyn ShutdownHandle>) -> Result<(), ureq::Error>,
    running: Vec<Attempt>,
    failed: Vec<(SocketAddr, io::Error)>,
}

impl Race<'_> {
    /// The first connection that stands; the attempts that lost are closed.
    fn run(&mut self, addresses: &[SocketAddr], until: Instant) -> Result<Arc<TcpStream>, Lost> {
        let mut waiting = addresses.iter();
        let mut next_start = Instant::now();
        loop {
            if self.connector.cancel.is_set() {
                return Err(Lost::Error(wrap(super::failure::cancelled())));
            }
            let now = Instant::now();
            if now >= until {
                return Err(Lost::OutOfTime);
            }
            if now >= next_start || self.running.is_empty() {
                match waiting.next() {
                    Some(address) => {
                        // At once if this one fails on the spot, as without a route it does.
                        if self.start(*address)? {
                            next_start = Instant::now() + HEAD_START;
                        }
                        // Back to the top: a cancel before `connect` was called wakes no poll.
                        continue;
                    }
                    None if self.running.is_empty() => return Err(Lost::Failed),
                    None => next_start = until,
                }
            }
            let failed = self.failed.len();
            if let Some(stream) = self.wait(next_start.min(until))? {
                return Ok(stream);
            }
            if self.failed.len() > failed {
                next_start = now;
            }
        }
    }

    /// Begins to connect; `false` if that failed for this address.
    fn start(&mut self, address: SocketAddr) -> Result<bool, Lost> {
        match self.connector.open(address, self.register) {
            Ok(stream) => {
                self.running.push(Attempt { stream, address });
                Ok(true)
            }
            Err(NotOpened::Address(error)) => {
                self.failed.push((address, error));
                Ok(false)
            }
            Err(NotOpened::Device(error)) => Err(Lost::Error(wrap(error))),
            Err(NotOpened::Ureq(error)) => Err(Lost::Error(error)),
        }
    }

    /// Waits until one attempt is decided.
    fn wait(&mut self, until: Instant) -> Result<Option<Arc<TcpStream>>, Lost> {
        let mut polled: Vec<_> = self
            .running
            .iter()
            .map(|attempt| Polled::new(attempt.stream.as_fd(), Interest::Writable))
            .collect();
        if !poll::wait(&mut polled, until).map_err(|error| Lost::Error(error.into()))? {
            return Ok(None);
        }
        let ready: Vec<_> = polled.iter().map(Polled::is_ready).collect();
        // From the back, so that the places in front stay what they are.
        for place in (0..ready.len()).rev().filter(|place| ready[*place]) {
            let stream = &self.running[place].stream;
            // The peer's address, because "ready" can also mean shut down by a cancel.
            let result = match stream.take_error() {
                Ok(None) => stream.peer_addr().map(drop),
                Ok(Some(error)) | Err(error) => Err(error),
            };
            let attempt = self.running.swap_remove(place);
            match result {
                Ok(()) => return Ok(Some(attempt.stream)),
                Err(error) => self.failed.push((attempt.address, error)),
            }
        }
        Ok(None)
    }

    fn failure(&self, host: &str, port: u16) -> Error {
        // Two are enough to see whether both families failed alike.
        let why: Vec<_> = self
            .failed
            .iter()
            .take(2)
            .map(|(address, error)| match self.failed.len() {
                1 if address.ip().to_string() == super::base_url::bare_host(host) => os_text(error),
                _ => format!("{} from {address}", os_text(error)),
            })
            .collect();
        let why = why.join(", ");
        Error::new(ErrorKind::Network, format!("cannot connect to {host}:{port}: {why}"))
    }
}

enum NotOpened {
    Address(io::Error),
    Device(Error),
    Ureq(ureq::Error),
}

impl TcpConnector {
    /// A non-blocking socket that has begun to connect to `address`.
    fn open(
        &self,
        address: SocketAddr,
        register: &dyn Fn(Weak<dyn ShutdownHandle>) -> Result<(), ureq::Error>,
    ) -> Result<Arc<TcpStream>, NotOpened> {
        // Opened with SOCK_CLOEXEC where there is such a thing.
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
            .map_err(no_socket)?;
        if let Some(interface) = &self.bind_interface {
            bind(&socket, interface)?;
        }
        socket.set_nonblocking(true).map_err(NotOpened::Address)?;
        // Requests are written whole. The two are comforts: a system without them still connects.
        let _ = socket.set_tcp_nodelay(true);
        let _ = socket.set_tcp_keepalive(&keepalive());
        let stream = Arc::new(TcpStream::from(socket));
        // Before connecting, so that a cancel finds it; refused once the client is cancelled.
        let handle: Weak<dyn ShutdownHandle> = Arc::<TcpStream>::downgrade(&stream);
        register(handle).map_err(NotOpened::Ureq)?;
        match SockRef::from(&*stream).connect(&address.into()) {
            Ok(()) => Ok(stream),
            // A signal does not end an attempt that is under way either.
            Err(error)
                if error.raw_os_error() == Some(libc::EINPROGRESS)
                    || error.kind() == io::ErrorKind::Interrupted =>
            {
                Ok(stream)
            }
            Err(error) => Err(NotOpened::Address(error)),
        }
    }
}

/// For calls that wait long: a mapping in the carrier's NAT may live for a minute or two only. A
/// connection that idles in the pool costs a probe a minute until the service closes it.
fn keepalive() -> TcpKeepalive {
    TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15))
        .with_retries(4)
}

fn no_socket(error: io::Error) -> NotOpened {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => NotOpened::Device(Error::new(
            ErrorKind::Network,
            "cannot connect: out of file descriptors (see ulimit -n, and look for a leak)",
        )),
        // No IPv6 in this kernel, for example.
        _ => NotOpened::Address(error),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bind(socket: &Socket, interface: &str) -> Result<(), NotOpened> {
    socket
        .bind_device(Some(interface.as_bytes()))
        .map_err(|error| NotOpened::Device(not_bound(interface, &error)))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn not_bound(interface: &str, error: &io::Error) -> Error {
    let what = format!("bind_interface: cannot use {interface}: {}", os_text(error));
    match error.raw_os_error() {
        Some(libc::EPERM) => {
            Error::invalid(format!("{what}; the process needs the capability CAP_NET_RAW"))
        }
        // A modem that is being reset comes back under the same name.
        _ => Error::new(ErrorKind::Network, what),
    }
}

/// Refused when the transport is made.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bind(_: &Socket, _: &str) -> Result<(), NotOpened> {
    Ok(())
}

/// Checks what can be checked before the interface has to exist.
pub(super) fn check_interface(name: &str) -> Result<(), Error> {
    if cfg!(not(any(target_os = "linux", target_os = "android"))) {
        return Err(Error::invalid("bind_interface works on Linux only: leave it unset"));
    }
    let fits = (1..libc::IFNAMSIZ).contains(&name.len());
    if !fits || name.bytes().any(|b| b == b'/' || !b.is_ascii_graphic()) {
        return Err(Error::invalid("bind_interface is no name of an interface, such as wwan0"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
