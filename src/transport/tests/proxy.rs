//! Through a proxy, and never through one that nobody configured.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;

use super::server::{Connection, Server, ok};
use super::*;
use crate::error::ErrorKind;

/// A proxy that connects wherever it is told to, if `answer` is a 200.
fn proxy(answer: &'static str) -> Server {
    Server::start_raw(move |number, mut client, requests| {
        let Some(request) = Connection::over(number, &mut client, requests).request() else {
            return;
        };
        client.write_all(answer.as_bytes()).unwrap();
        if !answer.starts_with("HTTP/1.1 200") {
            return;
        }
        let target = request.split(' ').nth(1).unwrap();
        let server = Arc::new(TcpStream::connect(target).unwrap());
        let client = Arc::new(client);
        let (there, back) = ((Arc::clone(&client), Arc::clone(&server)), (server, client));
        thread::spawn(move || pass(&there.0, &there.1));
        pass(&back.0, &back.1);
    })
}

fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut part) {
        if to.write_all(&part[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn through(proxy: &Server, server: &Server, credentials: &str) -> Transport {
    let proxy = Some(format!("http://{credentials}{}", proxy.address));
    Transport::new(&TransportConfig { proxy, ..config(&server.url()) }).unwrap()
}

#[test]
fn a_call_goes_through_the_proxy_and_keeps_its_tunnel() {
    let (proxy, server) = (proxy("HTTP/1.1 200 OK\r\n\r\n"), Server::answering(ok("{}")));
    let transport = through(&proxy, &server, "user:p%40ss@");
    for _ in 0..2 {
        let request = Outgoing { bearer: Some("canary"), ..get("/api/v1/sim") };
        transport.send(&request, Deadline::after(LONG)).unwrap();
    }
    let requests = proxy.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with(&format!("CONNECT {} HTTP/1.1\r\n", server.address)));
    assert!(requests[0].contains("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"), "{}", requests[0]);
    assert!(!requests[0].contains("canary"));
    for request in server.requests() {
        assert!(request.contains("authorization: Bearer canary\r\n"), "{request}");
        assert!(!request.to_lowercase().contains("proxy"), "{request}");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let server = Server::answering(ok("{}"));
    for answer in ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "canary\r\n\r\n", ""] {
        let failure = send(&through(&proxy(answer), &server, "user:canary@")).unwrap_err();
        let message = failure.error.to_string();
        assert_eq!(failure.error.kind(), ErrorKind::Network, "{message}");
        assert_eq!(failure.progress, Progress::NotSent, "{message}");
        assert!(message.contains("proxy"), "{message}");
        assert!(!message.contains("canary"), "{message}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_proxy_that_hangs_or_drips_does_not_outlast_the_deadline() {
    let server = Server::answering(ok("{}"));
    let short = Duration::from_secs(1);
    let hanging = Server::start(|mut connection| connection.hang());
    let dripping = Server::start(|mut connection| {
        connection.request();
        connection.write(b"HTTP/1.1 200 OK\r\nX: ");
        while connection.stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    for proxy in [hanging, dripping] {
        let transport = through(&proxy, &server, "");
        let failure = bounded(short, || transport.send(&get("/api/"), Deadline::after(short)));
        let failure = failure.unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::Timeout);
        assert!(failure.error.to_string().contains("proxy"), "{}", failure.error);
    }
}

#[test]
fn the_proxies_of_the_environment_are_ignored() {
    const NAMES: [&str; 6] =
        ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "https_proxy", "http_proxy"];
    let variables = NAMES.map(|name| (name, "http://127.0.0.1:1"));
    in_own_process("proxy::the_proxies_of_the_environment_are_ignored", &variables, || {
        let server = Server::answering(ok("{}"));
        send(&transport(&server)).unwrap();
    });
}
