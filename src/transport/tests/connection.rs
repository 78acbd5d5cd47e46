//! Making, keeping and losing connections.

use std::net::{Shutdown, TcpListener};
use std::sync::{Arc, Barrier};
use std::thread;

use super::server::{Server, answer_and_end, ok};
use super::*;
use crate::error::ErrorKind;
use crate::transport::IpFamily;

#[test]
fn one_connection_serves_many_calls() {
    let server = Server::answering(ok("{}"));
    let transport = transport(&server);
    for _ in 0..5 {
        send(&transport).unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_fresh_connection_is_made_when_asked_for() {
    let server = Server::answering(ok("{}"));
    let transport = transport(&server);
    send(&transport).unwrap();
    let request = Outgoing { fresh_connection: true, ..get("/api/v1/sim") };
    transport.send(&request, Deadline::after(LONG)).unwrap();
    assert_eq!(server.connections(), 2);
    send(&transport).unwrap();
    assert_eq!(server.connections(), 2, "the fresh one is pooled");
}

#[test]
fn an_idle_connection_that_dies_with_the_request_is_told_from_a_fresh_one() {
    // Answers once per connection, and takes a second request with it into its grave.
    let server = Server::start(|mut connection| {
        connection.request();
        if connection.number == 1 {
            connection.write(ok("{}").as_bytes());
            connection.request();
        }
    });
    let transport = transport(&server);
    send(&transport).unwrap();
    let failure = send(&transport).unwrap_err();
    assert_eq!(failure.progress, Progress::SentOnReused);
    assert_eq!(failure.error.kind(), ErrorKind::Network);
    assert!(!failure.callers_own);
    let failure = send(&transport).unwrap_err();
    assert_eq!(failure.progress, Progress::Sent);
    assert!(failure.error.to_string().contains("before the answer"), "{}", failure.error);
}

#[test]
fn an_idle_connection_that_was_closed_is_not_used() {
    let turn = Arc::new(Barrier::new(2));
    let servers = Arc::clone(&turn);
    let server = Server::start_raw(move |number, mut stream, requests| {
        answer_and_end(number, &mut stream, requests, &servers, |stream| {
            stream.shutdown(Shutdown::Write).unwrap();
        });
    });
    assert_is_not_used_once_ended(&transport(&server), &server, &turn);
}

#[test]
fn a_connection_with_bytes_nobody_asked_for_is_not_used_again() {
    let server = Server::answering(format!("{}HTTP/1.1 200 OK\r\n\r\n", ok("{}")));
    let transport = transport(&server);
    for connections in 1..=3 {
        assert_eq!(*send(&transport).unwrap().body, b"{}");
        assert_eq!(server.connections(), connections);
    }
}

#[test]
fn two_connections_are_kept_at_most() {
    const CALLS: usize = 4;
    // Answers when all calls of a round are there, so that each has a connection of its own.
    let together = Arc::new(Barrier::new(CALLS));
    let server = Server::start(move |mut connection| {
        while connection.request().is_some() {
            together.wait();
            connection.write(ok("{}").as_bytes());
        }
    });
    let transport = transport(&server);
    for connections in [CALLS, CALLS + (CALLS - 2)] {
        thread::scope(|scope| {
            for _ in 0..CALLS {
                scope.spawn(|| send(&transport).unwrap());
            }
        });
        assert_eq!(server.connections(), connections);
    }
}

#[test]
fn a_reset_is_a_network_failure() {
    let server = Server::start_raw(|_, stream, _| {
        // Closing with data unread makes the kernel send RST.
        let _ = stream.peek(&mut [0; 1]);
        drop(stream);
    });
    let failure = send(&transport(&server)).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Network, "{}", failure.error);
    assert_eq!(failure.progress, Progress::Sent);
}

#[test]
fn a_port_on_which_nobody_listens_is_said_to_be_refused() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure =
        send(&Transport::new(&config(&format!("http://{address}"))).unwrap()).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Network);
    assert_eq!(failure.progress, Progress::NotSent);
    let message = failure.error.to_string();
    assert!(
        message.starts_with(&format!("cannot connect to {address}: connection refused")),
        "{message}"
    );
}

#[test]
fn a_name_that_does_not_exist_is_named() {
    let config = TransportConfig { allow_plain_http: true, ..config("http://nosuch.invalid") };
    let failure = bounded(LONG, || send(&Transport::new(&config).unwrap())).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Network);
    let message = failure.error.to_string();
    assert!(message.contains("cannot resolve nosuch.invalid"), "{message}");
    assert_eq!(failure.progress, Progress::NotSent);
}

#[test]
fn a_name_is_resolved_and_the_family_is_obeyed() {
    let server = Server::answering(ok("{}"));
    let base = format!("http://localhost:{}", server.address.port());
    for ip_family in [IpFamily::Either, IpFamily::V4] {
        let config = TransportConfig { ip_family, ..config(&base) };
        send(&Transport::new(&config).unwrap()).unwrap();
    }
    // The server listens on IPv4 only, so there is no way, whatever localhost resolves to.
    let config = TransportConfig { ip_family: IpFamily::V6, ..config(&base) };
    let failure = send(&Transport::new(&config).unwrap()).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Network);
}

#[test]
fn many_threads_share_the_transport() {
    let server = Server::answering(ok("{}"));
    let transport = transport(&server);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(*send(&transport).unwrap().body, b"{}");
                }
            });
        }
    });
}
