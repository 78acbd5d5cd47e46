//! The `log` crate, which ureq and its parser write to: no secret reaches it, and a logger may do
//! whatever a program may.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use super::server::{Server, ok};
use super::*;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collector;

impl ::log::Log for Collector {
    fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &::log::Record<'_>) {
        LINES.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

#[test]
fn not_even_at_trace_level() {
    in_own_process("log::not_even_at_trace_level", &[], || {
        ::log::set_logger(&Collector).unwrap();
        ::log::set_max_level(::log::LevelFilter::Trace);

        let plain = Server::answering(ok(r#"{"auth_token":"canary-canary-canary-canary"}"#));
        let chunked = Server::answering(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
             1b\r\ncanary-canary-canary-canary\r\n0\r\n\r\n",
        );
        let headers = [("X-Secret".to_owned(), "x".to_owned())];
        for server in [&plain, &chunked] {
            let request = Outgoing {
                method: Method::Post,
                bearer: Some("canary-canary-canary-canary"),
                headers: &headers,
                body: Some(br#"{"application_token":"canary-canary-canary"}"#),
                ..get("/api/v1/authenticate")
            };
            let transport = transport(server);
            for _ in 0..2 {
                let answer = transport.send(&request, Deadline::after(LONG)).unwrap();
                assert!(String::from_utf8_lossy(&answer.body).contains("canary-canary"));
            }
            let proxy = Some(format!("http://user:canary-canary@{}", server.address));
            let transport =
                Transport::new(&TransportConfig { proxy, ..config("http://127.0.0.1:1") }).unwrap();
            let _ = transport.send(&request, Deadline::after(LONG));
            transport.cancel();
        }

        let lines = LINES.lock().unwrap();
        // The parser logs what it sees in rows of sixteen bytes: so put them together again.
        let rows: String =
            lines.iter().filter_map(|line| line.get(line.len().checked_sub(16)?..)).collect();
        assert!(rows.contains("POST./api/v1/authenticate"), "the logger sees what is parsed");
        let all = lines.join("\n") + &rows;
        assert!(!all.contains("canary") && !all.contains("6361 6e61"), "{all}");
    });
}

/// Makes a call of its own with each of ureq's first few lines.
struct Caller {
    transport: Transport,
    answered: AtomicUsize,
}

impl ::log::Log for Caller {
    fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &::log::Record<'_>) {
        thread_local!(static LOGGING: Cell<bool> = const { Cell::new(false) });
        if !LOGGING.replace(true) {
            if self.answered.load(Ordering::SeqCst) < 20 {
                assert_eq!(*send(&self.transport).unwrap().body, b"logged");
                self.answered.fetch_add(1, Ordering::SeqCst);
            }
            LOGGING.set(false);
        }
    }

    fn flush(&self) {}
}

#[test]
fn a_logger_may_call_while_a_call_is_logged() {
    in_own_process("log::a_logger_may_call_while_a_call_is_logged", &[], || {
        let (collector, server) = (Server::answering(ok("logged")), Server::answering(ok("{}")));
        let caller = Caller { transport: transport(&collector), answered: AtomicUsize::new(0) };
        let caller = Box::leak(Box::new(caller));
        ::log::set_logger(caller).unwrap();
        ::log::set_max_level(::log::LevelFilter::Trace);

        let transport = transport(&server);
        let request = Outgoing { bearer: Some("canary"), ..get("/api/v1/sim") };
        for _ in 0..2 {
            let answer = transport.send(&request, Deadline::after(LONG)).unwrap();
            assert_eq!(*answer.body, b"{}");
        }
        assert!(caller.answered.load(Ordering::SeqCst) > 1, "nothing was logged");
        assert!(server.requests().iter().all(|request| request.contains("Bearer canary")));
        assert!(!collector.requests().iter().any(|request| request.contains("canary")));
    });
}

/// Cancels the transport as its connection goes back into the pool, when the answer is complete.
struct Canceller {
    transport: OnceLock<Transport>,
    cancelled: AtomicUsize,
}

impl ::log::Log for Canceller {
    fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &::log::Record<'_>) {
        let complete = record.args().to_string().starts_with("Return to pool");
        if let (true, Some(transport)) = (complete, self.transport.get()) {
            transport.cancel();
            self.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn flush(&self) {}
}

#[test]
fn an_answer_that_was_complete_when_the_call_was_cancelled_is_kept() {
    let name = "log::an_answer_that_was_complete_when_the_call_was_cancelled_is_kept";
    in_own_process(name, &[], || {
        let server = Server::answering(ok("{}"));
        let canceller = Box::leak(Box::new(Canceller {
            transport: OnceLock::new(),
            cancelled: AtomicUsize::new(0),
        }));
        ::log::set_logger(canceller).unwrap();
        ::log::set_max_level(::log::LevelFilter::Trace);
        let transport = canceller.transport.get_or_init(|| transport(&server));
        assert_eq!(*send(transport).unwrap().body, b"{}");
        assert_eq!(canceller.cancelled.load(Ordering::SeqCst), 1);
        let error = send(transport).unwrap_err().error;
        assert_eq!(error.kind(), crate::error::ErrorKind::Cancelled);
    });
}
