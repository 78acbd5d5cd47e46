//! TLS by rustls.
//!
//! Not by ureq's connector: with settings of the single request, such as its deadline, that one
//! builds a configuration each time, so that no session is ever resumed, and it skips what it
//! cannot read of a CA file.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport, TransportAdapter, time,
};

use super::base_url::bare_host;
use super::buffers::WipedBuffers;
use super::call::{self, Phase};
use super::failure::os_text;
use super::tls_failure;
use crate::error::{Error, ErrorKind};

/// Beside what rustls itself holds, which is a record. A request of more than this is more records.
const INPUT: usize = 4 * 1024;
const OUTPUT: usize = 4 * 1024;

/// A bundle of all public roots has a quarter of a megabyte; what is larger is no bundle.
const LARGEST_CA_FILE: u64 = 4 * 1024 * 1024;

/// One configuration for the client's life: it holds the sessions that can be resumed.
pub(super) fn configuration(ca_file: Option<&str>) -> Result<Arc<ClientConfig>, Error> {
    let roots = match ca_file {
        Some(path) => read_roots(path)?,
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    // The provider is named, because which one is the process's default is not ours to decide.
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Internal, format!("no TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // One host, and a proxy's at most.
    config.resumption = Resumption::in_memory_sessions(8);
    Ok(Arc::new(config))
}

fn read_roots(path: &str) -> Result<RootCertStore, Error> {
    let wrong = |what: String| Error::invalid(format!("ca_file {path} {what}"));
    let unreadable = |error: std::io::Error| wrong(format!("cannot be read: {}", os_text(&error)));
    // Asked before opening: opening a FIFO would wait for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(wrong("is not a file: give one with certificates in PEM form".to_owned()));
    }
    let mut text = Vec::new();
    let mut file = File::open(path).map_err(unreadable)?.take(LARGEST_CA_FILE + 1);
    file.read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST_CA_FILE {
        return Err(wrong(
            "is larger than 4 MiB: give one with the CA's certificates only".to_owned(),
        ));
    }
    let mut roots = RootCertStore::empty();
    for (number, certificate) in (1..).zip(CertificateDer::pem_slice_iter(&text)) {
        let added = match certificate {
            Ok(certificate) => roots.add(certificate).is_ok(),
            Err(pem::Error::NoItemsFound) => continue,
            Err(_) => false,
        };
        if !added {
            return Err(wrong(format!(
                "is damaged: certificate {number} in it cannot be used as a root"
            )));
        }
    }
    if roots.is_empty() {
        return Err(wrong(
            "holds no certificate: PEM is expected (-----BEGIN CERTIFICATE-----)".to_owned(),
        ));
    }
    Ok(roots)
}

/// Whether `host` can be checked against a certificate.
pub(super) fn check_host(host: &str) -> Result<(), Error> {
    match ServerName::try_from(bare_host(host)) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::invalid("base_url has a host name that no certificate can be for")),
    }
}

/// Does the handshake on connections for `https` URLs.
pub(super) struct TlsConnector {
    pub(super) config: Arc<ClientConfig>,
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, Tls>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        call::enter(Phase::Securing);
        let host = bare_host(details.uri.host().unwrap_or_default()).to_owned();
        let failed = |error| tls_failure::in_handshake(error, &host);
        let name = ServerName::try_from(host.clone())
            .map_err(|_| ureq::Error::Tls("the host name cannot be checked"))?;
        let mut connection = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| failed(std::io::Error::other(error)))?;
        let mut socket = TransportAdapter::new(transport.boxed(), details.current_time.clone());
        let left = call::connected_until(details).saturating_duration_since(Instant::now());
        socket.set_timeout(NextTimeout {
            after: time::Duration::Exact(left),
            reason: details.timeout.reason,
            ..NextTimeout::default()
        });
        connection.complete_io(&mut socket).map_err(failed)?;
        Ok(Some(Either::B(Tls {
            stream: StreamOwned { conn: connection, sock: socket },
            buffers: WipedBuffers::new(INPUT, OUTPUT),
            host,
        })))
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").finish_non_exhaustive()
    }
}

/// A connection over which TLS stands.
pub(super) struct Tls {
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    buffers: WipedBuffers,
    host: String,
}

impl Transport for Tls {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = &self.buffers.output()[..amount];
        // `write_all` alone keeps a failure to itself until the next operation.
        let sent = self.stream.write_all(output).and_then(|()| self.stream.flush());
        self.buffers.wipe_output();
        sent.map_err(|error| tls_failure::later(error, &self.host))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let input = self.buffers.input_append_buf();
        let count =
            self.stream.read(input).map_err(|error| tls_failure::later(error, &self.host))?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        // Plaintext that nobody asked for, or the peer's good-bye, may wait inside rustls.
        let quiet =
            self.stream.conn.process_new_packets().is_ok_and(|state| {
                state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed()
            });
        let open = quiet && self.buffers.input().is_empty() && self.stream.sock.get_mut().is_open();
        if open {
            self.buffers.release();
        }
        open
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("over", &self.stream.sock.get_ref()).finish_non_exhaustive()
    }
}
