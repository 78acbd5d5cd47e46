//! TLS: what is trusted, and what is said when it is not.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};

use super::server::{Connection, Server, answer_and_end, ok};
use super::*;
use crate::error::ErrorKind;

/// A CA with its certificate in a file.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

/// A file that is removed at the end of the test.
fn file(content: impl AsRef<[u8]>) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let name = format!("emnify-test-{}-{number}.pem", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, content).unwrap();
    path
}

impl Ca {
    fn new() -> Self {
        Self::named("A")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let file = file(params.self_signed(&key).unwrap().pem());
        Self { issuer: Issuer::new(params, key), file }
    }

    fn path(&self) -> String {
        self.file.to_str().unwrap().to_owned()
    }

    /// A server certificate for `name`, valid from one year to another.
    fn server(&self, name: &str, years: (i32, i32)) -> ServerConfig {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![CertificateDer::clone(certificate.der())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap()
    }

    fn transport(&self, server: &Server) -> Transport {
        Transport::new(&TransportConfig { ca_file: Some(self.path()), ..https(server) }).unwrap()
    }
}

impl Drop for Ca {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

fn https(server: &Server) -> TransportConfig {
    config(&format!("https://{}", server.address))
}

const NOW: (i32, i32) = (2000, 4000);

/// Serves `body` to every request, and counts the handshakes that resumed a session.
fn serve(config: ServerConfig, body: &str, resumed: Arc<AtomicUsize>) -> Server {
    let (config, answer) = (Arc::new(config), ok(body));
    Server::start_raw(move |number, stream, requests| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(tls, stream);
        if stream.conn.complete_io(&mut stream.sock).is_err() {
            return;
        }
        if stream.conn.handshake_kind() == Some(HandshakeKind::Resumed) {
            resumed.fetch_add(1, Ordering::SeqCst);
        }
        let mut connection = Connection::over(number, &mut stream, requests);
        while connection.request().is_some() {
            connection.write(answer.as_bytes());
        }
    })
}

fn failure(ca: &Ca, server: ServerConfig) -> NoAnswer {
    let server = serve(server, "{}", Arc::default());
    let failure = send(&ca.transport(&server)).unwrap_err();
    assert_eq!(failure.progress, Progress::NotSent, "{}", failure.error);
    assert!(!failure.callers_own);
    assert!(server.requests().is_empty());
    failure
}

#[test]
fn calls_share_a_connection_and_connections_a_session() {
    let ca = Ca::new();
    let body = "0123456789".repeat(30_000);
    let resumed = Arc::new(AtomicUsize::new(0));
    let server = serve(ca.server("127.0.0.1", NOW), &body, Arc::clone(&resumed));
    let transport = ca.transport(&server);
    let long = "b".repeat(20_000);
    for fresh_connection in [false, false, true, true] {
        let request = Outgoing {
            method: Method::Post,
            bearer: Some("canary"),
            body: Some(long.as_bytes()),
            fresh_connection,
            ..get("/api/v1/sim")
        };
        assert_eq!(*transport.send(&request, Deadline::after(LONG)).unwrap().body, body.as_bytes());
        assert!(server.requests().pop().unwrap().ends_with(&long));
    }
    assert_eq!(server.connections(), 3);
    assert_eq!(resumed.load(Ordering::SeqCst), 2);
    // Sessions outlive the agent, too.
    transport.cancel();
    transport.resume();
    send(&transport).unwrap();
    assert_eq!(resumed.load(Ordering::SeqCst), 3);
}

#[test]
fn an_unknown_issuer_is_a_tls_failure_that_names_ca_file() {
    let (ours, theirs) = (Ca::named("A"), Ca::named("B"));
    for (theirs, words) in [(&theirs, "not trusted"), (&Ca::named("A"), "out of date")] {
        let failure = failure(&ours, theirs.server("127.0.0.1", NOW));
        let message = failure.error.to_string();
        assert_eq!(failure.error.kind(), ErrorKind::Tls, "{message}");
        assert!(message.contains("ca_file") && message.contains(words), "{message}");
    }
    let server = serve(theirs.server("127.0.0.1", NOW), "{}", Arc::default());
    let built_in = Transport::new(&https(&server)).unwrap();
    assert_eq!(send(&built_in).unwrap_err().error.kind(), ErrorKind::Tls);
}

#[test]
fn dates_are_the_clocks_matter() {
    let ca = Ca::new();
    for (years, date) in [((3000, 4000), "3000-01-01"), ((2000, 2001), "2001-01-01")] {
        let failure = failure(&ca, ca.server("127.0.0.1", years));
        let message = failure.error.to_string();
        assert_eq!(failure.error.kind(), ErrorKind::Clock, "{message}");
        assert!(message.contains(date) && message.contains("clock"), "{message}");
    }
}

#[test]
fn a_certificate_for_another_name_is_a_tls_failure() {
    let ca = Ca::new();
    let failure = failure(&ca, ca.server("other.example", NOW));
    let message = failure.error.to_string();
    assert_eq!(failure.error.kind(), ErrorKind::Tls, "{message}");
    assert!(message.contains("another name") && message.contains("other.example"), "{message}");
}

#[test]
fn a_peer_that_speaks_no_tls_is_told_from_one_that_hangs_up() {
    let ca = Ca::new();
    let server = Server::start(|mut connection| {
        connection.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        connection.hang();
    });
    let failure = send(&ca.transport(&server)).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Tls, "{}", failure.error);
    assert!(failure.error.to_string().contains("did not answer with TLS"), "{}", failure.error);
    assert_eq!(failure.progress, Progress::NotSent);

    let server = Server::start(|connection| drop(connection));
    let failure = send(&ca.transport(&server)).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Network, "{}", failure.error);
    assert!(failure.error.to_string().contains("handshake"), "{}", failure.error);
}

#[test]
fn a_handshake_that_hangs_ends_by_the_deadline() {
    let ca = Ca::new();
    let server = Server::start(|mut connection| connection.hang());
    let transport = ca.transport(&server);
    let short = Duration::from_secs(1);
    let failure = bounded(short, || transport.send(&get("/api/"), Deadline::after(short)));
    let failure = failure.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Timeout);
    assert!(failure.error.to_string().contains("TLS handshake"), "{}", failure.error);

    let config = TransportConfig {
        connect_timeout: Some(short),
        ca_file: Some(ca.path()),
        ..https(&server)
    };
    let failure = bounded(short, || send(&Transport::new(&config).unwrap())).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Network);
    assert!(!failure.callers_own);
}

#[test]
fn an_answer_may_take_longer_than_connecting_may() {
    let ca = Ca::new();
    let config = Arc::new(ca.server("127.0.0.1", NOW));
    let connect_timeout = Duration::from_secs(1);
    let server = Server::start_raw(move |number, stream, requests| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(tls, stream);
        let mut connection = Connection::over(number, &mut stream, requests);
        connection.request();
        std::thread::sleep(connect_timeout + Duration::from_millis(500));
        connection.write(ok("{}").as_bytes());
    });
    let config = TransportConfig {
        connect_timeout: Some(connect_timeout),
        ca_file: Some(ca.path()),
        ..https(&server)
    };
    send(&Transport::new(&config).unwrap()).unwrap();
}

#[test]
fn an_idle_session_that_was_ended_is_not_used() {
    let ca = Ca::new();
    let config = Arc::new(ca.server("127.0.0.1", NOW));
    let turn = Arc::new(Barrier::new(2));
    let servers = Arc::clone(&turn);
    let server = Server::start_raw(move |number, stream, requests| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(tls, stream);
        answer_and_end(number, &mut stream, requests, &servers, |stream| {
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        });
    });
    assert_is_not_used_once_ended(&ca.transport(&server), &server, &turn);
}

#[test]
fn a_host_that_no_certificate_can_be_for_is_refused_where_one_is_needed() {
    let error = Transport::new(&config("https://-h.example")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("no certificate"), "{error}");
    let plain = TransportConfig { allow_plain_http: true, ..config("http://-h.example") };
    Transport::new(&plain).unwrap();
}

#[test]
fn a_session_cut_without_goodbye_is_no_complete_answer() {
    let ca = Ca::new();
    let config = Arc::new(ca.server("127.0.0.1", NOW));
    let server = Server::start_raw(move |number, stream, requests| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(tls, stream);
        let mut connection = Connection::over(number, &mut stream, requests);
        connection.request();
        if number == 1 {
            connection.write(b"HTTP/1.1 200 OK\r\n\r\nhalf of it");
        }
    });
    let transport = ca.transport(&server);
    let failure = send(&transport).unwrap_err();
    assert_eq!(failure.progress, Progress::Answered, "{}", failure.error);
    assert_eq!(failure.error.kind(), ErrorKind::BadResponse, "{}", failure.error);
    let failure = send(&transport).unwrap_err();
    assert_eq!(failure.progress, Progress::Sent, "{}", failure.error);
    assert_eq!(failure.error.kind(), ErrorKind::Network, "{}", failure.error);
}

#[test]
fn a_ca_file_is_read_once_and_read_strictly() {
    let ca = Ca::new();
    let good = fs::read_to_string(&ca.file).unwrap();
    let body: Vec<_> = good.lines().collect();
    let empty_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let files = [
        ("no certificate", file("")),
        ("no certificate", file("some text")),
        ("no certificate", file(KeyPair::generate().unwrap().serialize_pem())),
        ("certificate 1", file(empty_certificate)),
        ("certificate 2", file(format!("{good}{empty_certificate}"))),
        ("damaged", file(body[..body.len() - 1].join("\n"))),
        ("damaged", file(good.replace('M', "!"))),
        ("larger than 4 MiB", file(vec![b'#'; 4 * 1024 * 1024 + 1])),
        ("no certificate", file(vec![b'#'; 4 * 1024 * 1024])),
    ];
    for (word, path) in files {
        let error = ca_error(path.to_str().unwrap());
        fs::remove_file(&path).unwrap();
        assert!(error.contains(word), "{word:?} in {error:?}");
    }
    assert!(ca_error("/nonexistent/ca.pem").contains("no such file"));
    assert!(ca_error("/").contains("not a file"));
    assert!(ca_error("/dev/zero").contains("not a file"));
    assert!(ca_error("").contains("no such file"));

    let two = file(format!("# comment\n{good}\n{good}"));
    let config =
        TransportConfig { ca_file: Some(two.to_str().unwrap().to_owned()), ..config("https://h") };
    Transport::new(&config).unwrap();
    fs::remove_file(two).unwrap();
}

fn ca_error(path: &str) -> String {
    let config = TransportConfig { ca_file: Some(path.to_owned()), ..config("https://h") };
    let error = Transport::new(&config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    let message = error.to_string();
    assert!(message.starts_with(&format!("ca_file {path} ")), "{message}");
    message
}
