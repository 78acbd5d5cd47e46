//! Every phase ends by the deadline.

use super::server::{Server, black_hole, ok};
use super::*;
use crate::error::ErrorKind;

/// Long enough for a busy machine to get as far as the test is about.
const SHORT: Duration = Duration::from_secs(1);

fn assert_times_out(transport: &Transport, phase: &str, progress: Progress) {
    let failure =
        bounded(SHORT, || transport.send(&get("/api/v1/sim"), Deadline::after(SHORT))).unwrap_err();
    let message = failure.error.to_string();
    assert_eq!(failure.error.kind(), ErrorKind::Timeout, "{message}");
    assert!(failure.callers_own, "{message}");
    assert_eq!(failure.progress, progress, "{message}");
    assert!(message.contains(phase) && message.contains(" within "), "{phase:?} in {message:?}");
}

#[test]
fn connecting_to_a_black_hole() {
    let (address, _fillers) = black_hole();
    let base = format!("http://{address}");
    let transport = Transport::new(&config(&base)).unwrap();
    assert_times_out(&transport, "connecting", Progress::NotSent);

    // With the client's own, shorter limit it is the network's fault, not the caller's time.
    let config = TransportConfig { connect_timeout: Some(SHORT), ..config(&base) };
    let transport = Transport::new(&config).unwrap();
    let failure = bounded(SHORT, || send(&transport)).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Network, "{}", failure.error);
    assert!(!failure.callers_own);
    assert!(failure.error.to_string().contains("within 1 s"), "{}", failure.error);
}

#[test]
fn a_connect_timeout_of_zero_is_the_usual_one() {
    let server = Server::answering(ok("{}"));
    let connect_timeout = Some(Duration::ZERO);
    send(&Transport::new(&TransportConfig { connect_timeout, ..config(&server.url()) }).unwrap())
        .unwrap();
}

#[test]
fn waiting_for_an_answer() {
    let server = Server::start(|mut connection| connection.hang());
    assert_times_out(&transport(&server), "waiting for the answer", Progress::Sent);
}

#[test]
fn waiting_on_a_connection_that_had_served() {
    let server = Server::start(|mut connection| {
        connection.request();
        connection.write(ok("").as_bytes());
        connection.hang();
    });
    let transport = transport(&server);
    send(&transport).unwrap();
    assert_times_out(&transport, "waiting for the answer", Progress::SentOnReused);
}

#[test]
fn reading_a_head_and_a_body_that_stop() {
    for bytes in ["HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"] {
        let server = Server::start(move |mut connection| {
            connection.request();
            connection.write(bytes.as_bytes());
            connection.hang();
        });
        assert_times_out(&transport(&server), "reading the answer", Progress::Answered);
    }
}

#[test]
fn reading_an_answer_that_drips() {
    let server = Server::start(|mut connection| {
        connection.request();
        connection.write(b"HTTP/1.1 200 OK\r\n\r\n");
        while connection.stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    assert_times_out(&transport(&server), "reading the answer", Progress::Answered);
}

#[test]
fn sending_to_a_peer_that_does_not_read() {
    let server = Server::start_raw(|_, stream, _| {
        std::thread::sleep(LONG);
        drop(stream);
    });
    let body = vec![b'x'; 20_000_000];
    let request = Outgoing { method: Method::Post, body: Some(&body), ..get("/api/v1/sim") };
    let transport = transport(&server);
    let failure = bounded(SHORT, || transport.send(&request, Deadline::after(SHORT))).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Timeout);
    assert!(failure.error.to_string().contains("sending the request"), "{}", failure.error);
    assert_eq!(failure.progress, Progress::Sent);
}

#[test]
fn a_deadline_that_has_passed_costs_no_connection() {
    let server = Server::answering(ok(""));
    let failure =
        transport(&server).send(&get("/api/v1/sim"), Deadline::after(Duration::ZERO)).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Timeout);
    assert_eq!(failure.progress, Progress::NotSent);
    assert_eq!(server.connections(), 0);
}
