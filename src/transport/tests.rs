//! The transport against real sockets on loopback.

mod body;
mod cancel;
mod connection;
mod hang;
mod log;
mod proxy;
mod request;
pub(in crate::transport) mod server;
#[cfg(feature = "rustls")]
mod tls;

use std::sync::Barrier;
use std::time::{Duration, Instant};

use self::server::Server;
use super::{Incoming, Method, NoAnswer, Outgoing, Progress, Transport, TransportConfig};
use crate::deadline::Deadline;

/// Longer than anything here takes, on a busy machine too; a hang fails the test.
const LONG: Duration = Duration::from_secs(30);

fn config(base_url: &str) -> TransportConfig {
    TransportConfig { base_url: Some(base_url.to_owned()), ..TransportConfig::default() }
}

fn transport(server: &Server) -> Transport {
    Transport::new(&config(&server.url())).unwrap()
}

fn get(path: &str) -> Outgoing<'_> {
    Outgoing {
        method: Method::Get,
        path,
        bearer: None,
        headers: &[],
        body: None,
        max_response_bytes: 1_000_000,
        fresh_connection: false,
    }
}

fn send(transport: &Transport) -> Result<Incoming, NoAnswer> {
    transport.send(&get("/api/v1/sim"), Deadline::after(LONG))
}

/// Has `server`, which is made of [`server::answer_and_end`], end an idle connection in between.
fn assert_is_not_used_once_ended(transport: &Transport, server: &Server, turn: &Barrier) {
    send(transport).unwrap();
    turn.wait();
    turn.wait();
    send(transport).unwrap();
    assert_eq!(server.connections(), 2);
}

/// Runs `f` and asserts that it took no longer than a second or so beyond `expected`.
fn bounded<T>(expected: Duration, f: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = f();
    let taken = start.elapsed();
    assert!(taken < expected + Duration::from_secs(5), "took {taken:?}");
    result
}

/// Runs the body of the test `name` in a process of its own, with its own environment and logger.
fn in_own_process(name: &str, variables: &[(&str, &str)], body: impl FnOnce()) {
    const MARK: &str = "EMNIFY_TEST_IN_OWN_PROCESS";
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", &format!("transport::tests::{name}")])
        .env(MARK, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
}
