//! Cancel ends what is in flight, at any point, until resume.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::server::{Server, black_hole, ok};
use super::*;
use crate::error::ErrorKind;
use crate::transport::resolve::Unresolved;

fn assert_cancelled(result: Result<Incoming, NoAnswer>) {
    let Err(failure) = result else { panic!("the call was answered") };
    assert_eq!(failure.error.kind(), ErrorKind::Cancelled, "{}", failure.error);
    assert!(failure.callers_own);
}

/// Cancels a call a moment after it began.
fn cancel_in_flight(transport: Transport) {
    let transport = Arc::new(transport);
    let calling = {
        let transport = Arc::clone(&transport);
        thread::spawn(move || send(&transport))
    };
    thread::sleep(Duration::from_millis(150));
    bounded(Duration::ZERO, || {
        transport.cancel();
        assert_cancelled(calling.join().unwrap());
    });
    assert_cancelled(send(&transport));
}

#[test]
fn a_call_that_looks_up_a_name() {
    fn hang(_: &str) -> Result<Vec<IpAddr>, String> {
        thread::sleep(2 * LONG);
        Err(String::new())
    }
    let transport = Arc::new(Transport::new(&config("http://localhost")).unwrap());
    let looking_up = {
        let transport = Arc::clone(&transport);
        let until = Instant::now() + LONG;
        let cancel = Arc::clone(&transport.period().cancel);
        thread::spawn(move || transport.look_ups.look_up("h.example", until, &cancel, hang))
    };
    // Most likely it waits by then.
    thread::sleep(Duration::from_millis(50));
    bounded(Duration::ZERO, || {
        transport.cancel();
        assert!(matches!(looking_up.join().unwrap(), Err(Unresolved::Cancelled)));
    });
}

#[test]
fn a_call_that_connects() {
    let (address, _fillers) = black_hole();
    cancel_in_flight(Transport::new(&config(&format!("http://{address}"))).unwrap());
}

#[test]
fn a_call_that_shakes_hands() {
    // With a proxy in the part of the peer that says nothing: the same wait, TLS or not.
    let server = Server::start(|mut connection| connection.hang());
    let proxy = Some(server.url());
    cancel_in_flight(
        Transport::new(&TransportConfig { proxy, ..config("http://127.0.0.1:1") }).unwrap(),
    );
    #[cfg(feature = "rustls")]
    cancel_in_flight(Transport::new(&config(&format!("https://{}", server.address))).unwrap());
}

#[test]
fn a_call_that_waits() {
    let server = Server::start(|mut connection| connection.hang());
    cancel_in_flight(transport(&server));
}

#[test]
fn a_call_that_reads_a_body_of_known_or_unknown_length() {
    for head in ["Content-Length: 100", "Transfer-Encoding: chunked", "X: y"] {
        let server = Server::start(move |mut connection| {
            connection.request();
            connection.write(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes());
            connection.write(b"5\r\nhello\r\n");
            connection.hang();
        });
        cancel_in_flight(transport(&server));
    }
}

#[test]
fn later_calls_until_resume() {
    let server = Server::answering(ok("{}"));
    let transport = transport(&server);
    send(&transport).unwrap();
    transport.cancel();
    transport.cancel();
    assert_cancelled(send(&transport));
    assert_cancelled(send(&transport));
    assert_eq!(server.requests().len(), 1);
    transport.resume();
    transport.resume();
    for _ in 0..2 {
        send(&transport).unwrap();
    }
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_resume_of_what_was_not_cancelled_keeps_the_connections() {
    let server = Server::answering(ok("{}"));
    let transport = transport(&server);
    send(&transport).unwrap();
    transport.resume();
    send(&transport).unwrap();
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_call_in_flight_stays_cancelled_when_the_client_is_resumed_at_once() {
    let server = Server::start(|mut connection| {
        connection.request();
        if connection.number > 1 {
            connection.write(ok("{}").as_bytes());
        }
        connection.hang();
    });
    let transport = Arc::new(transport(&server));
    let calling = {
        let transport = Arc::clone(&transport);
        thread::spawn(move || send(&transport))
    };
    server.await_requests(1);
    transport.cancel();
    transport.resume();
    send(&transport).unwrap();
    assert_cancelled(calling.join().unwrap());
}

#[test]
fn no_call_slips_through_however_the_two_meet() {
    let server = Server::start(|mut connection| connection.hang());
    for round in 0..100 {
        let transport = Arc::new(transport(&server));
        let started = Arc::new(AtomicBool::new(false));
        let calling = {
            let (transport, started) = (Arc::clone(&transport), Arc::clone(&started));
            thread::spawn(move || {
                started.store(true, Ordering::SeqCst);
                send(&transport)
            })
        };
        while !started.load(Ordering::SeqCst) {
            std::hint::spin_loop();
        }
        for _ in 0..round * 50 {
            std::hint::spin_loop();
        }
        bounded(Duration::ZERO, || {
            transport.cancel();
            assert_cancelled(calling.join().unwrap());
        });
    }
}
