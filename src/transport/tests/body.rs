//! Bodies: whole, cut, too large, and nonsense.

use super::server::{Server, ok};
use super::*;
use crate::error::ErrorKind;

fn answer(bytes: impl Into<Vec<u8>>) -> Result<Incoming, NoAnswer> {
    let bytes = bytes.into();
    let server = Server::start(move |mut connection| {
        connection.request();
        connection.write(&bytes);
    });
    send(&transport(&server))
}

fn assert_bad(bytes: impl Into<Vec<u8>>, word: &str) {
    let failure = answer(bytes).unwrap_err();
    let message = failure.error.to_string();
    assert_eq!(failure.error.kind(), ErrorKind::BadResponse, "{message}");
    assert_eq!(failure.progress, Progress::Answered, "{message}");
    assert!(message.contains(word), "{word:?} in {message:?}");
    assert!(!failure.callers_own);
    assert!(!message.contains("canary"), "{message}");
}

#[test]
fn every_framing_gives_the_whole_body() {
    for (head, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello"),
        ("HTTP/1.1 200 OK\r\n\r\n", "hello"),
        ("HTTP/1.0 200 OK\r\n\r\n", "hello"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "5\r\nhello\r\n0\r\nT: x\r\n\r\n",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "05 ; x\r\nhello\r\n0\r\n\r\n"),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "hello"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello"),
        ("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "hello"),
    ] {
        let answer = answer(format!("{head}{body}")).unwrap();
        assert_eq!(*answer.body, b"hello", "{head}");
    }
}

#[test]
fn an_answer_that_comes_byte_by_byte_is_put_together() {
    let server = Server::start(|mut connection| {
        connection.request();
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        for byte in bytes {
            connection.write(&[*byte]);
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert_eq!(*send(&transport(&server)).unwrap().body, b"hello");
}

#[test]
fn large_bodies_pass_through_the_small_buffers() {
    let body: String = (0..60_000).map(|n| format!("{n:05}")).collect();
    let server = Server::answering(ok(&body));
    let transport = transport(&server);
    for _ in 0..3 {
        assert_eq!(*send(&transport).unwrap().body, body.as_bytes());
    }
    assert_eq!(server.connections(), 1);

    let chunks: String = body
        .as_bytes()
        .chunks(7001)
        .map(|part| format!("{:x}\r\n{}\r\n", part.len(), std::str::from_utf8(part).unwrap()))
        .collect();
    let chunked =
        answer(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"));
    assert_eq!(*chunked.unwrap().body, body.as_bytes());
}

#[test]
fn a_long_head_is_taken_in() {
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n", "x".repeat(15_000));
    assert_eq!(*answer(format!("{head}Content-Length: 5\r\n\r\nhello")).unwrap().body, b"hello");
}

#[test]
fn an_encoding_that_nobody_asked_for_is_left_to_the_caller() {
    let answer = answer("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nhello").unwrap();
    assert_eq!(*answer.body, b"hello");
    let header = ("content-encoding".to_owned(), "br".to_owned());
    assert!(answer.headers.contains(&header), "{:?}", answer.headers);
}

#[test]
fn a_cut_answer_is_no_answer() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncanary",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ncanary\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\ncanary",
    ] {
        assert_bad(bytes, "cut off: closed by the other side");
    }
}

#[test]
fn garbage_is_no_answer() {
    assert_bad("canary canary\r\n\r\n", "not proper HTTP");
    assert_bad("\x16\x03\x01\x02canary\r\n\r\n", "not proper HTTP");
    assert_bad("HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n", "not proper HTTP");
    assert_bad(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n",
        "not proper HTTP",
    );
    let header = format!("X: {}\r\n", "canary".repeat(100));
    assert_bad(format!("HTTP/1.1 200 OK\r\n{}\r\n", header.repeat(100)), "headers");
    assert_bad(format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(500)), "not proper HTTP");
}

#[test]
fn a_body_beyond_the_limit_is_refused_however_it_comes() {
    for framing in ["Content-Length: 1001", "Transfer-Encoding: chunked", "X: y"] {
        let body = if framing.starts_with('T') {
            format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001))
        } else {
            "x".repeat(1001)
        };
        let server = Server::answering(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{body}"));
        let request = Outgoing { max_response_bytes: 1000, ..get("/api/v1/sim") };
        let failure = transport(&server).send(&request, Deadline::after(LONG)).unwrap_err();
        let message = failure.error.to_string();
        assert_eq!(failure.error.kind(), ErrorKind::BadResponse, "{message}");
        assert!(message.contains("max_response_bytes (1000)"), "{message}");
        assert_eq!(failure.progress, Progress::Answered);
    }
    // Exactly the limit is fine.
    let server = Server::answering(ok(&"x".repeat(1000)));
    let request = Outgoing { max_response_bytes: 1000, ..get("/api/v1/sim") };
    assert_eq!(transport(&server).send(&request, Deadline::after(LONG)).unwrap().body.len(), 1000);
}

#[test]
fn an_answer_without_end_is_refused_at_the_limit() {
    let server = Server::start(|mut connection| {
        connection.request();
        connection.write(b"HTTP/1.1 200 OK\r\n\r\n");
        while connection.stream.write_all(&[b'x'; 10_000]).is_ok() {}
    });
    let failure = bounded(LONG, || send(&transport(&server))).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::BadResponse);
}

#[cfg(feature = "gzip")]
mod gzip {
    use std::io::Write;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn gzipped(body: &[u8]) -> Vec<u8> {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    }

    #[test]
    fn gzip_is_undone_and_the_connection_kept() {
        let plain = "hello world ".repeat(30_000);
        let server = Server::answering(gzipped(&gzip(plain.as_bytes())));
        let transport = transport(&server);
        for _ in 0..2 {
            let answer = send(&transport).unwrap();
            assert_eq!(*answer.body, plain.as_bytes());
            assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("content-")));
        }
        assert_eq!(server.connections(), 1);
    }

    #[test]
    fn a_small_answer_that_would_be_a_large_body_is_refused() {
        let bomb = gzip(&vec![0; 50_000_000]);
        assert!(bomb.len() < 100_000);
        assert_bad(gzipped(&bomb), "max_response_bytes");
    }

    #[test]
    fn gzip_that_cannot_be_undone_is_no_answer() {
        let whole = gzip(b"canary canary");
        assert_bad(gzipped(b"canary"), "gzip");
        assert_bad(gzipped(&whole[..whole.len() - 3]), "gzip");
    }

    #[test]
    fn gzip_has_an_old_name() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: x-gzip\r\n\r\n";
        assert_eq!(*answer([&head[..], &gzip(b"hello")].concat()).unwrap().body, b"hello");
    }

    #[test]
    fn an_empty_body_is_empty_whatever_its_encoding() {
        assert_eq!(*answer(gzipped(b"")).unwrap().body, b"");
    }
}
