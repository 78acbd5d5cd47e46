//! Scripted answers: what a client sees when the service or the network fails.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{AUTHENTICATE, Client, PATIENCE};
use emnify_simulator::{
    Answer, DEFAULT_APPLICATION_TOKEN, DEFAULT_PASSWORD, DEFAULT_USERNAME, Script, Simulator,
};
use serde_json::json;

fn start() -> (Simulator, Client) {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::new(&sim);
    (sim, client)
}

/// Sends one request on a fresh connection; everything that comes back until the end.
fn raw(sim: &Simulator, path: &str) -> (Vec<u8>, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(sim.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: raw/1\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).err().map(|error| error.kind());
    (bytes, end)
}

#[test]
fn a_scripted_answer_replaces_the_ordinary_one_once() {
    let (sim, client) = start();
    let busy = Answer::status(503).header("Retry-After", "7").body("text/html", "<h1>Busy</h1>");
    sim.next(AUTHENTICATE, busy);
    let answer = client.application_token(DEFAULT_APPLICATION_TOKEN);
    assert_eq!((answer.status, answer.text.as_str()), (503, "<h1>Busy</h1>"));
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert!(answer.header("date").is_some() && answer.header("x-amzn-requestid").is_some());
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
    assert_eq!(sim.sign_ins(), 2);
    let statuses: Vec<_> = sim.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(503), Some(200)]);
}

#[test]
fn counted_answers_go_before_standing_ones() {
    let (sim, client) = start();
    sim.always("/x*", Answer::status(418));
    sim.next_n("GET /x/y", 2, Answer::status(500));
    sim.next("POST /x/y", Answer::status(502));
    let statuses: Vec<_> = (0..3).map(|_| client.get("/x/y").status).collect();
    assert_eq!(statuses, [500, 500, 418]);
    assert_eq!(client.post("/x/y", &json!({})).status, 502);
    sim.script(Script::always("/x*", Answer::status(419)));
    assert_eq!(client.get("/x").status, 419, "the last standing script wins");
    sim.clear_script();
    assert_eq!(client.get("/x").status, 404);
}

#[test]
fn pass_keeps_a_place_in_the_queue() {
    let (sim, client) = start();
    sim.next(AUTHENTICATE, Answer::pass().header("X-Extra", "1"));
    sim.next(AUTHENTICATE, Answer::json(500, "{}"));
    let first = client.application_token(DEFAULT_APPLICATION_TOKEN);
    assert_eq!((first.status, first.header("x-extra")), (200, Some("1")));
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 500);
}

#[test]
fn a_header_can_be_left_out() {
    let (sim, client) = start();
    sim.next(
        AUTHENTICATE,
        Answer::pass().without_header("Date").without_header("x-amzn-RequestId"),
    );
    let answer = client.application_token(DEFAULT_APPLICATION_TOKEN);
    assert_eq!(answer.header("date"), None);
    assert_eq!(answer.header("x-amzn-requestid"), None);
    sim.next(AUTHENTICATE, Answer::status(200).header("Date", "yesterday"));
    let answer = client.application_token(DEFAULT_APPLICATION_TOKEN);
    assert_eq!(answer.headers.get_all("date").iter().count(), 1);
}

#[test]
fn a_connection_can_be_cut_before_the_answer() {
    let (sim, _) = start();
    sim.next("/x", Answer::cut_before_answer());
    assert_eq!(raw(&sim, "/x"), (Vec::new(), None));
    assert_eq!(sim.requests()[0].status, None);
}

#[test]
fn a_connection_can_be_reset() {
    let (sim, _) = start();
    sim.next("/x", Answer::reset());
    assert_eq!(raw(&sim, "/x"), (Vec::new(), Some(ErrorKind::ConnectionReset)));
}

#[test]
fn a_connection_can_be_cut_in_the_headers() {
    let (sim, _) = start();
    sim.next("/x", Answer::cut_in_headers());
    let (bytes, end) = raw(&sim, "/x");
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 ") && !text.contains("\r\n\r\n"), "{text}");
    assert_eq!(end, None);
}

#[test]
fn a_connection_can_be_cut_in_the_body() {
    let (sim, client) = start();
    sim.next("/x", Answer::cut_in_body(1000, "{\"auth_"));
    let (bytes, _) = raw(&sim, "/x");
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\r\nContent-Length: 1000\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n{\"auth_"), "{text}");
    sim.next("/x", Answer::cut_in_body(1000, "{"));
    assert!(client.send("GET", "/x", None).is_err());
}

#[test]
fn raw_bytes_can_be_sent_instead_of_http() {
    let (sim, _) = start();
    sim.next("/x", Answer::garbage("\u{1}garbage"));
    assert_eq!(raw(&sim, "/x").0, b"\x01garbage");
}

#[test]
fn a_lost_answer_was_carried_out() {
    let (sim, client) = start();
    let refresh_token = client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD).refresh_token();
    sim.next(AUTHENTICATE, Answer::lost());
    let body = json!({ "refresh_token": refresh_token });
    assert!(client.send("POST", AUTHENTICATE, Some(&body)).is_err());
    assert_eq!(client.refresh(&refresh_token).status, 401, "it is spent");
}

#[test]
fn a_delay_passes_in_real_time() {
    let (sim, client) = start();
    sim.next(AUTHENTICATE, Answer::pass().delay(Duration::from_millis(60)));
    let started = Instant::now();
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[test]
fn a_hanging_answer_ends_with_the_simulator() {
    let (sim, client) = start();
    sim.next("/x", Answer::hang());
    let waiting = std::thread::spawn(move || client.send("GET", "/x", None).is_err());
    assert!(sim.wait_for_requests("/x", 1, PATIENCE));
    drop(sim);
    assert!(waiting.join().unwrap());
}

#[test]
fn held_answers_go_when_they_are_released() {
    let (sim, client) = start();
    let client = Arc::new(client);
    sim.always(AUTHENTICATE, Answer::held());
    for round in 1..=3 {
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let client = Arc::clone(&client);
                std::thread::spawn(move || {
                    client.application_token(DEFAULT_APPLICATION_TOKEN).status
                })
            })
            .collect();
        assert!(sim.wait_for_held(2, PATIENCE));
        assert_eq!(sim.sign_ins(), 2 * round);
        assert!(callers.iter().all(|caller| !caller.is_finished()));
        sim.release();
        assert!(callers.into_iter().all(|caller| caller.join().unwrap() == 200));
        assert!(!sim.wait_for_held(1, Duration::ZERO));
    }
}

#[test]
fn a_held_answer_is_decided_when_it_is_released() {
    let (sim, client) = start();
    sim.next(AUTHENTICATE, Answer::held());
    let caller = std::thread::spawn(move || client.application_token(DEFAULT_APPLICATION_TOKEN));
    assert!(sim.wait_for_held(1, PATIENCE));
    sim.advance(Duration::from_secs(3600));
    let now = sim.clock().said();
    sim.release();
    let token = caller.join().unwrap().auth_token();
    assert!(emnify_simulator::token::expiry(&token).unwrap() >= now + 14_400);
}

#[test]
fn a_client_that_goes_away_is_no_longer_held() {
    let (sim, _) = start();
    sim.next("/x", Answer::held());
    let mut stream = TcpStream::connect(sim.address()).unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(sim.wait_for_held(1, PATIENCE));
    drop(stream);
    let deadline = Instant::now() + PATIENCE;
    while sim.wait_for_held(1, Duration::ZERO) {
        assert!(Instant::now() < deadline, "still held");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_not_http_is_a_violation() {
    let (sim, _) = start();
    let mut stream = TcpStream::connect(sim.address()).unwrap();
    stream.write_all(b"\x16\x03\x01 this is no request\r\n\r\n").unwrap();
    // The end of the connection comes after the violation is filed, or together with a reset.
    let _ = stream.read_to_end(&mut Vec::new());
    assert_eq!(sim.violations(), ["connection 1: this is not HTTP"]);
}

#[test]
fn a_line_per_request_is_logged_without_its_query() {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let sim = Simulator::builder().request_log(lines.clone()).start().unwrap();
    sim.next("/x", Answer::cut_before_answer());
    raw(&sim, "/x?canary");
    Client::new(&sim).get("/y?canary");
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let ends: Vec<_> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(ends, ["GET /x -", "GET /y 404"]);
}

#[test]
fn waiting_for_what_never_comes_ends() {
    let (sim, _) = start();
    assert!(!sim.wait_for_held(1, Duration::from_millis(5)));
    assert!(!sim.wait_for_requests("/x", 1, Duration::from_millis(5)));
}

#[test]
fn requests_are_recorded_as_they_came() {
    let (sim, client) = start();
    client.application_token(DEFAULT_APPLICATION_TOKEN);
    client.get("/api/v1/sim?page=1&q=a%3Ab");
    let requests = sim.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].connection, requests[1].connection, "kept alive");
    assert_eq!(requests[0].header("Content-Type"), Some("application/json"));
    assert_eq!(
        requests[0].text(),
        json!({ "application_token": DEFAULT_APPLICATION_TOKEN }).to_string()
    );
    assert_eq!(sim.requests_to("/api/v1/sim")[0].query, "page=1&q=a%3Ab");
    assert_eq!(sim.connections(), 1);
    sim.clear_requests();
    assert!(sim.requests().is_empty() && sim.sign_ins() == 0);
}

#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let sim = Simulator::builder().application_token("canary-token").start().unwrap();
    let mut client = Client::new(&sim);
    let token = client.application_token("canary-token").auth_token();
    client.bearer = Some(token.clone());
    client.get("/api/v1/sim");
    let printed = format!("{sim:?} {:?} {:?}", sim.requests(), Answer::token(token.as_str()));
    assert!(!printed.contains("canary-token") && !printed.contains(&token), "{printed}");
}
