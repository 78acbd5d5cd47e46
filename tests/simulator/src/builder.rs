//! Building and starting a simulator.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::connection;
use crate::log::RequestLog;
use crate::service::{PagingHeaders, Settings, User, World};
use crate::shared::Shared;
use crate::simulator::Simulator;
use crate::{
    DEFAULT_APPLICATION_TOKEN, DEFAULT_PASSWORD, DEFAULT_USERNAME, MFA_PASSWORD, MFA_USERNAME,
    WORKSPACE, tls,
};

/// Settings of a simulator that is about to start; see [`Simulator::builder`].
pub struct SimulatorBuilder {
    address: String,
    tls: bool,
    certificates: tls::Wanted,
    write_ca: Option<PathBuf>,
    log: Option<Box<dyn Write + Send>>,
    log_file: Option<PathBuf>,
    show_secrets: bool,
    settings: Settings,
    users: Vec<User>,
    application_tokens: Vec<String>,
}

impl std::fmt::Debug for SimulatorBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatorBuilder")
            .field("address", &self.address)
            .field("tls", &self.tls)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl SimulatorBuilder {
    pub(crate) fn new() -> Self {
        Self {
            address: "127.0.0.1:0".into(),
            tls: false,
            certificates: tls::Wanted {
                names: ["localhost", "127.0.0.1", "::1"].map(String::from).into(),
                expired: false,
                key: None,
                intermediates: 0,
                tls12_only: false,
            },
            write_ca: None,
            log: None,
            log_file: None,
            show_secrets: false,
            settings: Settings::default(),
            users: Vec::new(),
            application_tokens: Vec::new(),
        }
    }

    /// Where to listen, as `host:port`. Default `127.0.0.1:0`, a free port of the loopback.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Whether to speak TLS, under a CA that is made at the start. Default false.
    #[must_use]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// The host names and IP addresses in the certificate. Default `localhost`, `127.0.0.1`
    /// and `::1`; without the name that a client uses, its verification must fail.
    #[must_use]
    pub fn server_names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.certificates.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Serves a certificate that ran out in 2001. Default false.
    #[must_use]
    pub fn expired_certificate(mut self, expired: bool) -> Self {
        self.certificates.expired = expired;
        self
    }

    /// A private key in PKCS #8 and PEM, such as `openssl genpkey` makes, for all certificates: with
    /// one for RSA they are as large, and as much work, as those of many a real service. Default new
    /// ones on the curve P-256.
    #[must_use]
    pub fn certificate_key(mut self, pem: impl Into<String>) -> Self {
        self.certificates.key = Some(pem.into());
        self
    }

    /// How many CAs there are between the one that clients trust and the certificate. Default 0.
    #[must_use]
    pub fn intermediate_cas(mut self, count: usize) -> Self {
        self.certificates.intermediates = count;
        self
    }

    /// Whether to speak no newer TLS than 1.2. Default false.
    #[must_use]
    pub fn tls12_only(mut self, only: bool) -> Self {
        self.certificates.tls12_only = only;
        self
    }

    /// Writes the certificate of the CA there, in PEM, at the start. Needs [`tls`](Self::tls).
    #[must_use]
    pub fn write_ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.write_ca = Some(path.into());
        self
    }

    /// How long auth tokens last; whole seconds. Default 240 minutes.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// How long refresh tokens last. Default 350 minutes.
    #[must_use]
    pub fn refresh_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.refresh_lifetime = lifetime;
        self
    }

    /// Whether the answer to a refresh brings a new refresh token. Default false, as documented.
    #[must_use]
    pub fn rotate_refresh_tokens(mut self, rotate: bool) -> Self {
        self.settings.rotate_refresh_tokens = rotate;
        self
    }

    /// At most `limit` sign-ins of all clients together within `window`, then 429. Sign-ins
    /// refused by the limit do not count. Default 100 in 5 minutes.
    #[must_use]
    pub fn sign_in_limit(mut self, limit: usize, window: Duration) -> Self {
        self.settings.sign_in_limit = Some((limit, window));
        self
    }

    /// Any number of sign-ins.
    #[must_use]
    pub fn no_sign_in_limit(mut self) -> Self {
        self.settings.sign_in_limit = None;
        self
    }

    /// `failures` in a row lock the user or the application token for so long. Default 3 and
    /// 5 minutes; 0 failures never lock.
    #[must_use]
    pub fn lock_out(mut self, failures: u32, lasts: Duration) -> Self {
        self.settings.lock_out = (failures > 0).then_some((failures, lasts));
        self
    }

    /// Which headers count the pages of lists. Default [`PagingHeaders::Long`].
    #[must_use]
    pub fn paging_headers(mut self, headers: PagingHeaders) -> Self {
        self.settings.paging_headers = headers;
        self
    }

    /// Whether lists come in chunks instead of with a length. Default true.
    #[must_use]
    pub fn chunked_lists(mut self, chunked: bool) -> Self {
        self.settings.chunked_lists = chunked;
        self
    }

    /// How many SIMs and how many endpoints the default organisation has. Default 25.
    #[must_use]
    pub fn fleet_size(mut self, size: usize) -> Self {
        self.settings.fleet_size = size;
        self
    }

    /// A further user.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// A further application token that signs in from the start.
    #[must_use]
    pub fn application_token(mut self, secret: impl Into<String>) -> Self {
        self.application_tokens.push(secret.into());
        self
    }

    /// Writes a line per request: time, method, path, status. Never a query, a header or a body.
    #[must_use]
    pub fn request_log(mut self, writer: impl Write + Send + 'static) -> Self {
        self.log = Some(Box::new(writer));
        self
    }

    /// Like [`request_log`](Self::request_log), appended to a file.
    #[must_use]
    pub fn request_log_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.log_file = Some(path.into());
        self
    }

    /// Lets the control endpoint show recorded requests with their secrets. Default false.
    #[must_use]
    pub fn show_secrets(mut self, show: bool) -> Self {
        self.show_secrets = show;
        self
    }

    /// Starts the simulator on a thread of its own; it accepts connections when this returns.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, a file cannot be written, a server name is neither a
    /// host name nor an address, or a key is none. The message says which.
    pub fn start(self) -> io::Result<Simulator> {
        let named = |what: String| {
            move |error: io::Error| io::Error::new(error.kind(), format!("{what}: {error}"))
        };
        let listener = self
            .address
            .to_socket_addrs()
            .and_then(|addresses| TcpListener::bind(addresses.collect::<Vec<_>>().as_slice()))
            .map_err(named(format!("address {}", self.address)))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;

        let mut shared = Shared::new(World::new(self.settings));
        shared.show_secrets = self.show_secrets;
        shared.log = match (self.log, self.log_file) {
            (Some(writer), _) => RequestLog::to(writer),
            (None, Some(path)) => RequestLog::to(Box::new(
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&path)
                    .map_err(named(format!("request log {}", path.display())))?,
            )),
            (None, None) => RequestLog::none(),
        };
        let mut acceptor = None;
        if self.tls {
            let identity =
                tls::identity(&self.certificates).map_err(named("certificate".into()))?;
            if let Some(path) = &self.write_ca {
                std::fs::write(path, &identity.ca_pem)
                    .map_err(named(format!("CA file {}", path.display())))?;
            }
            acceptor = Some(identity.acceptor);
            shared.ca_pem = Some(identity.ca_pem);
        } else if self.write_ca.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a CA file without TLS: there is no CA to write",
            ));
        }
        {
            let now = shared.clock.now().said;
            let mut world = shared.world();
            world.add_user(User::new(DEFAULT_USERNAME, DEFAULT_PASSWORD).with_workspace(WORKSPACE));
            world.add_user(
                User::new(MFA_USERNAME, MFA_PASSWORD).with_mfa().with_workspace(WORKSPACE),
            );
            for user in self.users {
                world.add_user(user);
            }
            world.add_application_token(DEFAULT_APPLICATION_TOKEN, now);
            for secret in &self.application_tokens {
                world.add_application_token(secret, now);
            }
        }

        let shared = Arc::new(shared);
        // One thread serves all connections: an answer takes microseconds, and tests keep the
        // other processors for the client.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let accepting = connection::accept(listener, acceptor, Arc::clone(&shared));
        let thread =
            std::thread::Builder::new().name("emnify-simulator".into()).spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        _ = stopped => {}
                        () = accepting => {}
                    }
                });
                // Dropping the runtime here drops every connection with it.
            })?;
        Ok(Simulator::new(shared, address, stop, thread))
    }
}
