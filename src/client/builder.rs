//! The settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Client, Shared};
use crate::authenticate::Authenticator;
use crate::cache::{Draw, TokenCache};
use crate::clock::{BootClock, Clock};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::log::{Log, LogLevel};
use crate::pace::Pace;
use crate::random;
use crate::sys;
use crate::transport::{IpFamily, Transport, TransportConfig};
use crate::workspaces::Source;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// The service's documented limit.
const LIST_PAGES_PER_SECOND: u32 = 10;

/// Settings of a [`Client`] that is about to be made.
#[derive(Clone)]
#[must_use = "call build() to get the client"]
pub struct ClientBuilder {
    credentials: Credentials,
    device_fingerprint: Option<String>,
    transport: TransportConfig,
    timeout: Duration,
    max_response_bytes: usize,
    log: Log,
}

impl ClientBuilder {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            device_fingerprint: None,
            transport: TransportConfig::default(),
            timeout: DEFAULT_TIMEOUT,
            max_response_bytes: DEFAULT_MAX_RESPONSE_BYTES,
            log: Log::default(),
        }
    }

    /// Where the service is; `https://cdn.emnify.net` unless set. `/api` at its end makes no
    /// difference.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.transport.base_url = Some(url.into());
        self
    }

    /// Allows `http://` to other hosts than this one. Credentials then travel in the clear: for
    /// a test network, or a gateway that adds TLS.
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.transport.allow_plain_http = allow;
        self
    }

    /// A file of certificates in PEM form that are trusted instead of the built-in ones. Read once,
    /// when the client is built.
    pub fn ca_file(mut self, path: impl Into<String>) -> Self {
        self.transport.ca_file = Some(path.into());
        self
    }

    /// An HTTP proxy, `http://[user:password@]host:port`. The environment is not looked at.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.transport.proxy = Some(url.into());
        self
    }

    /// The network interface that connections go out on, such as `wwan0`. Linux only; older
    /// kernels want `CAP_NET_RAW` for it.
    pub fn bind_interface(mut self, name: impl Into<String>) -> Self {
        self.transport.bind_interface = Some(name.into());
        self
    }

    /// The name of your product, put before this library's own in `User-Agent`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.transport.user_agent = Some(product.into());
        self
    }

    /// The part of [`timeout`](Self::timeout) that a connection may take, TLS included; 10 s
    /// unless set.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.transport.connect_timeout = Some(time);
        self
    }

    /// How long a call may take, everything included: waiting for another thread, name
    /// look-up, connecting, TLS, sending, waiting, reading. 30 s unless set.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    /// The largest body of an answer that is read, after decompression; 16 MiB unless set.
    /// Answers to sign-ins are read up to 64 KiB, whatever is set here.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Which addresses of the host are tried; both kinds unless set.
    pub fn ip_family(mut self, family: IpFamily) -> Self {
        self.transport.ip_family = family;
        self
    }

    /// The fingerprint of a device that the user has declared trusted, which spares the second
    /// factor. For user credentials only.
    pub fn device_fingerprint(mut self, fingerprint: impl Into<String>) -> Self {
        self.device_fingerprint = Some(fingerprint.into());
        self
    }

    /// Hands each line of log, up to the level `most`, to `sink`: on the thread that made the call,
    /// with no lock held, so that the sink may use the client; a token that it asks for during the
    /// very sign-in that is to bring it is `InvalidArgument` at once. Silent unless set. No line holds
    /// a secret.
    pub fn log(
        mut self,
        most: LogLevel,
        sink: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Self {
        self.log = Log::new(most, sink);
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// `InvalidArgument`, naming the setting, what is wrong with it, and what would be right.
    pub fn build(self) -> Result<Client, Error> {
        self.build_on(Arc::new(BootClock), Box::new(random::fraction))
    }

    /// The client, on a clock and with a randomness of the caller's.
    pub(crate) fn build_on(self, clock: Arc<dyn Clock>, draw: Draw) -> Result<Client, Error> {
        let credentials = match self.device_fingerprint {
            Some(fingerprint) => self.credentials.with_fingerprint(fingerprint)?,
            None => self.credentials,
        };
        credentials.check()?;
        if self.timeout.is_zero() {
            return Err(Error::invalid("timeout is zero; leave it out for 30 s"));
        }
        if self.transport.connect_timeout == Some(Duration::ZERO) {
            return Err(Error::invalid("connect_timeout is zero; leave it out for 10 s"));
        }
        if self.max_response_bytes == 0 {
            return Err(Error::invalid("max_response_bytes is zero; leave it out for 16 MiB"));
        }
        sys::watch_forks();
        let transport = Arc::new(Transport::new(&self.transport)?);
        let source = Source::SignIn(Authenticator::new(transport.clone()));
        Ok(Client(Arc::new(Shared {
            cache: TokenCache::new(credentials, source, clock.clone(), draw, self.log.clone()),
            clock,
            transport,
            timeout: self.timeout,
            max_response_bytes: self.max_response_bytes,
            log: self.log,
            list_pace: Arc::new(Pace::per_second(LIST_PAGES_PER_SECOND)),
            born: sys::fork_generation(),
        })))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("credentials", &self.credentials)
            .field("transport", &self.transport)
            .field("timeout", &self.timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}
