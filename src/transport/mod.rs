//! HTTP over ureq: the only place that knows ureq.
//!
//! ureq speaks HTTP/1.1 and keeps the pool of connections. Everything between it and the network
//! is ours, because an unattended device needs ends to all waits, addresses that are tried side
//! by side, cancellation at any point, and no secret in logs or freed memory:
//!
//! ```text
//! Transport::send          builds the request, reads the answer          mod, request, failure
//!   ureq::Agent            HTTP/1.1, pool
//!     Exchange             adds the bearer, takes out the body           exchange, framing
//!       Tls                handshake, records                            tls, tls_failure
//!         (CONNECT)        tunnel through a proxy, by ureq               proxy
//!           Tcp            one socket                                    tcp, buffers
//!             Race         all addresses of a host                       connect
//!               LookUps    name to addresses                             resolve
//! ```
//!
//! What the layers need to know of the call they serve, and report, goes past ureq through
//! `call`.

mod base_url;
mod buffers;
mod call;
mod cancel;
mod connect;
mod exchange;
mod failure;
mod framing;
#[cfg(feature = "gzip")]
mod gzip;
mod proxy;
mod request;
mod resolve;
mod tcp;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "rustls")]
mod tls_failure;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector};
use zeroize::Zeroizing;

use self::base_url::BaseUrl;
use self::call::InProgress;
use self::cancel::Cancel;
use self::connect::TcpConnector;
use self::exchange::ExchangeConnector;
use self::failure::Circumstances;
use self::resolve::{Later, LookUps};
use crate::deadline::Deadline;
use crate::error::Error;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Which addresses of a host are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IpFamily {
    /// Both; whichever connects first is used.
    #[default]
    Either,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// What a transport is made from; the names are those of the builder's methods.
#[derive(Clone, Default)]
pub(crate) struct TransportConfig {
    pub(crate) base_url: Option<String>,
    pub(crate) allow_plain_http: bool,
    pub(crate) ca_file: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) bind_interface: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) ip_family: IpFamily,
}

/// A request to be sent. Holds no secret in a form that could be printed: no `Debug`.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    /// Path and query, from `/api/` on, checked by the caller.
    pub(crate) path: &'a str,
    pub(crate) bearer: Option<&'a str>,
    /// Further headers, checked by the caller.
    pub(crate) headers: &'a [(String, String)],
    /// A JSON body.
    pub(crate) body: Option<&'a [u8]>,
    /// The answer's body may have this many bytes after decompression.
    pub(crate) max_response_bytes: usize,
    /// Do not use a pooled connection: the repeat after one that turned out to be dead.
    pub(crate) fresh_connection: bool,
}

/// A complete answer, whatever its status.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// May hold a token.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Neither the body nor a header's value, either of which may be a token.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("status", &self.status)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why no complete answer came.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    pub(crate) error: Error,
    pub(crate) progress: Progress,
    /// The caller's own deadline passed or the call was cancelled: says nothing of the service.
    pub(crate) callers_own: bool,
}

/// How far a request came that has no complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    /// No byte of the request was handed to the network.
    NotSent,
    /// Some of it was, on a connection that had served before, and no byte was answered: most
    /// likely the peer had closed the idle connection.
    SentOnReused,
    /// Some of it was, on a fresh connection, and no byte was answered.
    Sent,
    /// A part of an answer arrived.
    Answered,
}

/// `proxy` and `base_url` may hold a password, the latter by mistake.
impl fmt::Debug for TransportConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One that will be refused may be anything.
        let base_url = self.base_url.as_deref().filter(|url| BaseUrl::parse(url, true).is_ok());
        f.debug_struct("TransportConfig")
            .field("base_url", &base_url)
            .field("allow_plain_http", &self.allow_plain_http)
            .field("ca_file", &self.ca_file)
            .field("proxy", &self.proxy.is_some())
            .field("bind_interface", &self.bind_interface)
            .field("connect_timeout", &self.connect_timeout)
            .field("ip_family", &self.ip_family)
            .finish_non_exhaustive()
    }
}

/// Looking up, connecting and the TLS handshake together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One HTTP agent with its connections, for the life of a client.
pub(crate) struct Transport {
    base: BaseUrl,
    /// How messages name the service.
    host: String,
    connect_timeout: Duration,
    /// Kept, because making one reads the environment (which is then overridden), and that must
    /// not happen while a C program may be changing it.
    config: Config,
    ip_family: IpFamily,
    bind_interface: Option<String>,
    look_ups: Arc<LookUps>,
    #[cfg(feature = "rustls")]
    tls: Arc<rustls::ClientConfig>,
    /// Never locked during I/O.
    period: Mutex<Period>,
}

/// From a resume to the next cancel: an agent of ureq cannot be revived after its shutdown.
#[derive(Clone)]
struct Period {
    agent: Agent,
    cancel: Arc<Cancel>,
}

impl Transport {
    pub(crate) fn new(config: &TransportConfig) -> Result<Self, Error> {
        let base_url = config.base_url.as_deref().unwrap_or(base_url::DEFAULT);
        let base = BaseUrl::parse(base_url, config.allow_plain_http)?;
        if let Some(interface) = &config.bind_interface {
            connect::check_interface(interface)?;
        }
        let connect_timeout =
            config.connect_timeout.filter(|time| !time.is_zero()).unwrap_or(CONNECT_TIMEOUT);
        let agent_config = request::agent_config(config, connect_timeout)?;

        #[cfg(feature = "rustls")]
        let tls = {
            if base.is_https() {
                tls::check_host(base.host())?;
            }
            tls::configuration(config.ca_file.as_deref())?
        };
        #[cfg(not(feature = "rustls"))]
        {
            const NO_TLS: &str = "this library was built without TLS (cargo feature rustls)";
            if base.is_https() {
                return Err(Error::invalid(format!("base_url is https://, but {NO_TLS}")));
            }
            if config.ca_file.is_some() {
                return Err(Error::invalid(format!("ca_file has no use: {NO_TLS}")));
            }
        }

        let look_ups = Arc::new(LookUps::default());
        let mut transport = Self {
            host: base.authority(),
            base,
            connect_timeout,
            // Replaced below, by an agent with all its parts.
            period: Mutex::new(Period {
                agent: agent_config.new_agent(),
                cancel: Arc::new(Cancel::default()),
            }),
            config: agent_config,
            ip_family: config.ip_family,
            bind_interface: config.bind_interface.clone(),
            look_ups,
            #[cfg(feature = "rustls")]
            tls,
        };
        transport.period = Mutex::new(transport.new_period());
        Ok(transport)
    }

    fn new_period(&self) -> Period {
        let cancel = Arc::new(Cancel::default());
        let connector = ().chain(ConnectProxyConnector::default()).chain(TcpConnector {
            look_ups: Arc::clone(&self.look_ups),
            cancel: Arc::clone(&cancel),
            ip_family: self.ip_family,
            bind_interface: self.bind_interface.clone(),
        });
        #[cfg(feature = "rustls")]
        let connector = connector.chain(tls::TlsConnector { config: Arc::clone(&self.tls) });
        let behind_proxy = self.config.proxy().is_some();
        let connector = connector.chain(ExchangeConnector { behind_proxy });
        Period { agent: Agent::with_parts(self.config.clone(), connector, Later), cancel }
    }

    fn period(&self) -> MutexGuard<'_, Period> {
        // Replaced as a whole, so a panic cannot leave it half done.
        self.period.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends `request` and reads the whole answer by `deadline`.
    ///
    /// Answers with any status are returned, redirects too. Nothing is repeated. An answer that is
    /// complete is returned even if the client was cancelled meanwhile: what it holds may be had
    /// only once.
    pub(crate) fn send(
        &self,
        request: &Outgoing<'_>,
        deadline: Deadline,
    ) -> Result<Incoming, NoAnswer> {
        let Period { agent, cancel } = self.period().clone();
        let start = Instant::now();
        let limit = request.max_response_bytes;
        let call = InProgress::begin(deadline, request::authorization(request.bearer), limit);
        let result = if cancel.is_set() || deadline.has_passed() {
            Err(ureq::Error::Timeout(ureq::Timeout::Global))
        } else {
            request::run(&agent, &self.base, request, deadline, &call)
        };
        let cancelled = cancel.is_set();
        let (incoming, received) = match result {
            // A connection that was shut down also ends a body whose end is the connection's.
            Ok((incoming, received)) if !(cancelled && received.until_closed) => {
                (incoming, received)
            }
            other => {
                let error = other.err().unwrap_or(ureq::Error::ConnectionFailed);
                return Err(self.no_answer(&call, error, start, deadline, limit, cancelled));
            }
        };
        request::finish(incoming, &received, call.take_body(), limit, &self.host)
            .map_err(|error| NoAnswer { error, progress: Progress::Answered, callers_own: false })
    }

    fn no_answer(
        &self,
        call: &InProgress,
        error: ureq::Error,
        start: Instant,
        deadline: Deadline,
        limit: usize,
        cancelled: bool,
    ) -> NoAnswer {
        let so_far = call.so_far();
        if let (Some(refused), false) = (call.take_refusal(), cancelled) {
            let error = failure::refused(&refused, limit, &self.host);
            return NoAnswer { error, progress: so_far.progress, callers_own: false };
        }
        let circumstances = Circumstances {
            host: &self.host,
            so_far,
            deadline,
            taken: start.elapsed(),
            connect_timeout: self.connect_timeout,
            cancelled,
        };
        circumstances.no_answer(error)
    }

    /// Ends every call in flight with `Cancelled`; later calls too, until [`resume`](Self::resume).
    pub(crate) fn cancel(&self) {
        let Period { agent, cancel } = self.period().clone();
        // First the flag, so that what is woken by the rest finds it set. A call that has just
        // got the agent meets a pool that is closed, or is seen by it when it registers its socket.
        cancel.set();
        agent.shutdown();
        self.look_ups.wake();
    }

    /// Waits for `time`; less where it is cancelled, which the next [`send`](Self::send) says.
    pub(crate) fn pause(&self, time: Duration) {
        let cancel = Arc::clone(&self.period().cancel);
        cancel.pause(time);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.period().cancel.is_set()
    }

    pub(crate) fn resume(&self) {
        let mut period = self.period();
        if period.cancel.is_set() {
            let old = std::mem::replace(&mut *period, self.new_period());
            drop(period);
            // Outside the lock: it may hold the last of a connection.
            drop(old);
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("host", &self.host).finish_non_exhaustive()
    }
}
