//! Requests as they are put together, and what is waited for.

use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, Simulator};

use super::*;

#[test]
fn the_query_is_escaped_and_joined() {
    let client = client();
    let request = client.get("/api/v1/sim").query("q", "a b&c=ü/").query("page", 2);
    assert_eq!(request.path, "/api/v1/sim?q=a%20b%26c%3D%C3%BC%2F&page=2");
    assert_eq!(request.what(), "GET /api/v1/sim");
}

fn client() -> Client {
    // Without TLS as well, where the usual base is refused.
    let token = crate::Credentials::application_token("canary");
    Client::builder(token).base_url("http://127.0.0.1").build().unwrap()
}

fn answer(status: u16, retry_after: Option<&str>) -> Incoming {
    let header = retry_after.map(|value| ("retry-after".to_owned(), value.to_owned()));
    Incoming { status, headers: header.into_iter().collect(), body: Zeroizing::default() }
}

#[test]
fn what_found_no_connection_was_not_done_and_what_was_lost_may_be() {
    let sim = Simulator::builder().start().unwrap();
    let token = crate::Credentials::application_token(DEFAULT_APPLICATION_TOKEN);
    let client = Client::builder(token).base_url(sim.base_url()).build().unwrap();
    client.auth_token().unwrap();
    sim.next("/api/v1/sim", Answer::lost().header("Connection", "close"));
    assert!(client.post("/api/v1/sim").call().unwrap_err().may_be_done());
    drop(sim);
    let error = client.post("/api/v1/sim").call().unwrap_err();
    assert!(!error.may_be_done(), "{error}");
}

#[test]
fn of_several_mistakes_the_first_is_told() {
    let client = client();
    let request = client.get("api").header("a b", "x").header("host", "x").json_text("{");
    let error = request.call().unwrap_err();
    assert!(error.to_string().contains("its name"), "{error}");
}

#[test]
fn only_what_may_be_done_twice_waits_and_only_where_the_service_says_how_long() {
    let client = client();
    let waits = |method, status, retry_after| {
        let deadline = Deadline::after(Duration::from_secs(3600));
        let request = client.request(method, "/api/v1/sim");
        request.wait_asked_for(&answer(status, retry_after), deadline).is_some()
    };
    for method in [Method::Get, Method::Put, Method::Delete] {
        for status in [429, 503] {
            assert!(waits(method, status, Some("7")), "{method:?}, {status}");
            assert!(!waits(method, status, None), "{method:?}, {status}");
        }
        for status in [200, 202, 301, 401, 403, 408, 500, 502, 504] {
            assert!(!waits(method, status, Some("7")), "{method:?}, {status}");
        }
    }
    for method in [Method::Post, Method::Patch] {
        for status in [429, 503] {
            assert!(!waits(method, status, Some("7")), "{method:?}, {status}");
        }
    }
}

#[test]
fn a_wait_is_as_long_as_asked_and_up_to_half_more_with_time_left_for_the_call() {
    let client = client();
    let second = Duration::from_secs(1);
    let wait = |seconds: &str, left: Duration| {
        let answer = answer(429, Some(seconds));
        client.get("/api/v1/sim").wait_asked_for(&answer, Deadline::after(left))
    };
    let mut waits: Vec<_> = (0..200).map(|_| wait("60", 3600 * second).unwrap()).collect();
    waits.sort();
    assert!((60 * second..65 * second).contains(&waits[0]), "{:?}", waits[0]);
    assert!((85 * second..=90 * second).contains(&waits[199]), "{:?}", waits[199]);
    for _ in 0..200 {
        let wait = wait("60", 70 * second).unwrap();
        assert!((60 * second..=65 * second).contains(&wait), "{wait:?}");
    }
    assert!(wait("0", 3600 * second).unwrap() >= second);
    for (seconds, left) in [("60", 60), ("60", 0), ("1", 1), ("99999999999999999999", 3600)] {
        assert_eq!(wait(seconds, left * second), None, "{seconds} of {left}");
    }
}

#[test]
fn a_body_that_is_no_json_is_refused_without_being_quoted() {
    let client = client();
    let error = client.post("/api/v1/sim").json_text("{\"a\": canary}").call().unwrap_err();
    assert_eq!(error.to_string(), "json_body is not JSON; see line 1, column 7");
}
