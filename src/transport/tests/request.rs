//! What goes over the wire, and what comes back.

use std::io::Read;

use super::server::{Server, ok};
use super::*;
use crate::error::ErrorKind;

fn header<'a>(request: &'a str, name: &str) -> Vec<&'a str> {
    request
        .split("\r\n\r\n")
        .next()
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn a_request_with_everything_arrives_as_it_is_meant() {
    let server = Server::answering(ok("{}"));
    let config = TransportConfig {
        user_agent: Some("gateway/7 (eu)".to_owned()),
        ..config(&format!("{}/api/", server.url()))
    };
    let transport = Transport::new(&config).unwrap();
    let request = Outgoing {
        method: Method::Post,
        bearer: Some("canary.token"),
        headers: &[("X-Extra".to_owned(), "1".to_owned())],
        body: Some(br#"{"a":1}"#),
        ..get("/api/v1/endpoint?page=2&q=a:b")
    };
    let answer = transport.send(&request, Deadline::after(LONG)).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    assert!(answer.headers.contains(&("content-length".to_owned(), "2".to_owned())));

    let requests = server.requests();
    let request = &requests[0];
    assert!(request.starts_with("POST /api/v1/endpoint?page=2&q=a:b HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    for (name, value) in [
        ("host", server.address.to_string().as_str()),
        ("authorization", "Bearer canary.token"),
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("content-length", "7"),
        ("x-extra", "1"),
        ("user-agent", concat!("gateway/7 (eu) emnify-rust/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(header(request, name), [value], "{name} in {request}");
    }
    let offered = header(request, "accept-encoding");
    assert_eq!(offered, if cfg!(feature = "gzip") { vec!["gzip"] } else { vec![] });
}

#[test]
fn methods_have_the_bodies_that_belong_to_them() {
    let server = Server::answering(ok(""));
    let transport = transport(&server);
    for (method, body, length, content_type) in [
        (Method::Get, None, None, false),
        (Method::Delete, None, None, false),
        (Method::Delete, Some("{}"), Some("2"), true),
        (Method::Post, None, Some("0"), false),
        (Method::Put, None, Some("0"), false),
        (Method::Patch, None, Some("0"), false),
        (Method::Patch, Some("{}"), Some("2"), true),
        (Method::Post, Some(""), Some("0"), true),
    ] {
        let body = body.map(str::as_bytes);
        let request = Outgoing { method, body, ..get("/api/v1/sim") };
        transport.send(&request, Deadline::after(LONG)).unwrap();
        let request = server.requests().pop().unwrap();
        let expected: Vec<_> = length.into_iter().collect();
        assert_eq!(header(&request, "content-length"), expected, "{request}");
        assert_eq!(!header(&request, "content-type").is_empty(), content_type, "{request}");
        assert!(header(&request, "transfer-encoding").is_empty(), "{request}");
        assert!(header(&request, "authorization").is_empty(), "{request}");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn head_and_body_of_a_request_travel_together() {
    let server = Server::start_raw(|_, mut stream, requests| {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).unwrap();
        requests.lock().unwrap().push(String::from_utf8_lossy(&part[..count]).into_owned());
    });
    let request = Outgoing {
        method: Method::Post,
        bearer: Some("token"),
        body: Some(b"{\"a\":1}"),
        ..get("/api/v1/authenticate")
    };
    let _ = transport(&server).send(&request, Deadline::after(LONG));
    assert!(server.requests()[0].ends_with("\r\n\r\n{\"a\":1}"), "{:?}", server.requests());
}

#[test]
fn a_caller_can_do_without_gzip() {
    let server = Server::answering(ok(""));
    let headers = [("Accept-Encoding".to_owned(), "identity".to_owned())];
    let request = Outgoing { headers: &headers, ..get("/api/v1/sim") };
    transport(&server).send(&request, Deadline::after(LONG)).unwrap();
    assert_eq!(header(&server.requests()[0], "accept-encoding"), ["identity"]);
}

#[test]
fn long_tokens_and_paths_go_through() {
    let server = Server::answering(ok(""));
    let transport = transport(&server);
    let token = "t".repeat(30_000);
    let path = format!("/api/v1/sim?q={}", "x".repeat(8_000));
    let body = vec![b'b'; 100_000];
    let request =
        Outgoing { method: Method::Put, bearer: Some(&token), body: Some(&body), ..get(&path) };
    transport.send(&request, Deadline::after(LONG)).unwrap();
    let request = server.requests().pop().unwrap();
    assert_eq!(header(&request, "authorization"), [format!("Bearer {token}")]);
    assert!(request.ends_with(&"b".repeat(100_000)));
}

#[test]
fn what_cannot_be_sent_is_refused_without_being_repeated() {
    let server = Server::answering(ok(""));
    let transport = transport(&server);
    let long = format!("/api/{}", "canary".repeat(10_000));
    for path in [long.as_str(), "/api/can ary", "/api/can\r\nary", "/api/can\u{e4}ry canary"] {
        let failure = transport.send(&get(path), Deadline::after(LONG)).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::InvalidArgument, "{path}");
        assert_eq!(failure.progress, Progress::NotSent);
        assert!(!failure.error.to_string().contains("canary"), "{}", failure.error);
    }
    let long = "canary".repeat(2_000);
    for (name, value) in
        [("can ary", "x"), ("x", "canary\r\nx: y"), ("", "canary"), ("x", long.as_str())]
    {
        let headers = [(name.to_owned(), value.to_owned())];
        let request = Outgoing { headers: &headers, ..get("/api/v1/sim") };
        let failure = transport.send(&request, Deadline::after(LONG)).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::InvalidArgument, "{name}: {value}");
        assert!(!failure.error.to_string().contains("canary"), "{}", failure.error);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_user_agent_may_have_512_bytes() {
    for (length, fits) in [(512, true), (513, false)] {
        let user_agent = Some("a".repeat(length));
        let config = TransportConfig { user_agent, ..config("http://127.0.0.1") };
        assert_eq!(Transport::new(&config).is_ok(), fits, "{length}");
    }
}

#[test]
fn a_bad_user_agent_or_interface_is_named() {
    for user_agent in ["a\r\nb", "a\tb", "caf\u{e9}", "a\u{7f}"] {
        let config = TransportConfig {
            user_agent: Some(user_agent.to_owned()),
            ..config("http://127.0.0.1")
        };
        let error = Transport::new(&config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().starts_with("user_agent "), "{error}");
    }
    for interface in ["", "a/b", "wwan 0", "sixteen-letters-"] {
        let config = TransportConfig {
            bind_interface: Some(interface.to_owned()),
            ..config("http://127.0.0.1")
        };
        let error = Transport::new(&config).unwrap_err();
        assert!(error.to_string().starts_with("bind_interface "), "{error}");
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn an_interface_may_have_a_name_of_fifteen_bytes() {
    let bind_interface = Some("fifteen-letters".to_owned());
    Transport::new(&TransportConfig { bind_interface, ..config("http://127.0.0.1") }).unwrap();
}

#[test]
fn an_interface_that_does_not_exist_is_named() {
    let server = Server::answering(ok(""));
    let config =
        TransportConfig { bind_interface: Some("nosuchif0".to_owned()), ..config(&server.url()) };
    let failure = send(&Transport::new(&config).unwrap()).unwrap_err();
    assert!(failure.error.to_string().contains("bind_interface"), "{}", failure.error);
    assert!(failure.error.to_string().contains("nosuchif0"), "{}", failure.error);
    assert_eq!(failure.progress, Progress::NotSent);
}

#[test]
fn any_status_is_an_answer_and_no_redirect_is_followed() {
    for status in [201, 204, 301, 302, 303, 304, 307, 308, 400, 401, 404, 422, 429, 500, 503] {
        let server = Server::start(move |mut connection| {
            while connection.request().is_some() {
                let body = if matches!(status, 204 | 304) { "" } else { "x" };
                connection.write(
                    format!(
                        "HTTP/1.1 {status} Whatever\r\nLocation: http://127.0.0.1:1/api/x\r\n\
                         X-Count: a\r\nX-Count: b\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    )
                    .as_bytes(),
                );
            }
        });
        let transport = transport(&server);
        for _ in 0..2 {
            let answer = send(&transport).unwrap();
            assert_eq!(answer.status, status);
            let location = ("location".to_owned(), "http://127.0.0.1:1/api/x".to_owned());
            assert!(answer.headers.contains(&location));
            let counts = answer.headers.iter().filter(|(name, _)| name == "x-count").count();
            assert_eq!(counts, 2);
        }
        assert_eq!(server.connections(), 1, "{status}");
    }
}

#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let config = TransportConfig {
        base_url: Some("http://user:canary@127.0.0.1".to_owned()),
        proxy: Some("http://user:canary@127.0.0.1:3128".to_owned()),
        ..TransportConfig::default()
    };
    assert!(!format!("{config:?}").contains("canary"));
    let config = TransportConfig { base_url: Some("http://127.0.0.1".to_owned()), ..config };
    let transport = Transport::new(&config).unwrap();
    assert!(!format!("{transport:?}").contains("canary"));
    let request = Outgoing { bearer: Some("canary"), ..get("/api/v1/sim?canary") };
    let failure = transport.send(&request, Deadline::after(LONG)).unwrap_err();
    assert!(!format!("{failure:?} {}", failure.error).contains("canary"));
}
