//! Calls of the API with the client's token.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, SystemTime};

use emnify::{Client, Credentials, ErrorKind, Method};
use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, LARGE_ENDPOINT_ID, Simulator};
use serde::Deserialize;

const SIMS: &str = "/api/v1/sim";

/// Only against a hang.
const LONG: Duration = Duration::from_secs(20);

/// What may be done twice, and what may not.
const HARMLESS: [Method; 3] = [Method::Get, Method::Put, Method::Delete];
const NEVER_TWICE: [Method; 2] = [Method::Post, Method::Patch];

fn rig() -> (Simulator, Client) {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
        .base_url(sim.base_url())
        .timeout(LONG)
        .build()
        .unwrap();
    (sim, client)
}

#[derive(Deserialize)]
struct Sim {
    id: u64,
}

#[test]
fn a_list_is_fetched_with_the_bearer_and_read_into_a_type() {
    let (sim, client) = rig();
    let response = client.get(SIMS).query("per_page", 5).call().unwrap();
    assert_eq!(response.total_pages(), Some(5));
    let sims: Vec<Sim> = response.json().unwrap();
    assert_eq!(sims.len(), 5);
    assert!(sims[0].id > 0);
    let request = &sim.requests_to(SIMS)[0];
    let expected = format!("Bearer {}", client.auth_token().unwrap().as_str());
    assert!(request.header("authorization") == Some(&expected), "another bearer was sent");
    assert_eq!(request.query, "per_page=5");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn a_header_is_found_without_regard_to_case() {
    let (_sim, client) = rig();
    let path = format!("/api/v1/endpoint/{LARGE_ENDPOINT_ID}/sms");
    let response = client.post(path).json_text(r#"{"payload":"hello"}"#).call().unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.header("LOCATION"), response.header("location"));
    assert!(response.header("Location").unwrap().contains("/sms/"));
    assert_eq!(response.bytes(), b"");
}

#[test]
fn of_several_headers_of_one_name_the_first_is_found_and_all_are_listed() {
    let (sim, client) = rig();
    sim.next(SIMS, Answer::status(200).header("X-Note", "one").header("X-Note", "two"));
    let response = client.get(SIMS).call().unwrap();
    assert_eq!(response.header("x-note"), Some("one"));
    let notes = response.headers().filter(|(name, _)| *name == "x-note").map(|(_, value)| value);
    assert_eq!(notes.collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn a_header_of_the_programs_own_is_sent_and_one_of_the_librarys_is_refused() {
    let (sim, client) = rig();
    client.get(SIMS).header("X-Emn-Origin-App", "gateway 7").call().unwrap();
    assert_eq!(sim.requests_to(SIMS)[0].header("x-emn-origin-app"), Some("gateway 7"));
    let error = client.get(SIMS).header("Authorization", "Bearer x").call().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(sim.requests_to(SIMS).len(), 1);
}

#[test]
fn a_body_is_any_value_that_json_can_say() {
    let (sim, client) = rig();
    sim.always("/api/v1/any", Answer::status(204));
    client.put("/api/v1/any").json(&BTreeMap::from([("b", 2), ("a", 1)])).call().unwrap();
    let request = &sim.requests_to("/api/v1/any")[0];
    assert_eq!(request.text(), r#"{"a":1,"b":2}"#);
    assert_eq!(request.header("content-type"), Some("application/json"));
    // Names are texts there.
    let error = client.put("/api/v1/any").json(&BTreeMap::from([([7], 1)])).call().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().starts_with("json: "), "{error}");
    assert_eq!(sim.requests_to("/api/v1/any").len(), 1);
}

#[test]
fn a_body_that_is_no_text_is_had_as_bytes_only() {
    let (sim, client) = rig();
    sim.next(SIMS, Answer::status(200).body("text/plain", "Grüße"));
    assert_eq!(client.get(SIMS).call().unwrap().text().unwrap(), "Grüße");
    sim.next(SIMS, Answer::status(200).body("application/octet-stream", *b"ab\xff"));
    let response = client.get(SIMS).call().unwrap();
    assert_eq!(response.text().unwrap_err().kind(), ErrorKind::BadResponse);
    assert_eq!(response.bytes(), b"ab\xff");
}

#[test]
fn each_status_is_the_error_that_check_promises() {
    let (sim, client) = rig();
    for (kind, statuses) in [
        (None, &[200, 201, 202, 204, 299][..]),
        (Some(ErrorKind::Unauthorized), &[401]),
        (Some(ErrorKind::Forbidden), &[403]),
        (Some(ErrorKind::RateLimited), &[429]),
        (Some(ErrorKind::Server), &[408, 500, 501, 502, 503, 504, 599]),
        (Some(ErrorKind::Rejected), &[400, 402, 404, 405, 409, 410, 415, 422, 451, 499]),
        (Some(ErrorKind::BadResponse), &[300, 301, 302, 304, 307, 308, 399, 600, 999]),
    ] {
        for &status in statuses {
            sim.always("/api/v1/any", Answer::status(status));
            let response = client.get("/api/v1/any").call().unwrap();
            assert_eq!(response.status(), status);
            let error = response.check().err();
            assert_eq!(error.as_ref().map(emnify::Error::kind), kind, "{status}");
            assert_eq!(error.and_then(|error| error.http_status()), kind.map(|_| status));
        }
    }
}

#[test]
fn any_status_is_a_response_and_becomes_an_error_only_when_asked() {
    let (_sim, client) = rig();
    let response = client.get("/api/v1/sim/1").call().unwrap();
    assert_eq!(response.status(), 404);
    let error = response.check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(error.http_status(), Some(404));
    assert_eq!(error.service_code(), Some(1401));
    assert!(error.request_id().is_some());
    assert_eq!(response.json::<Sim>().map(|sim| sim.id).unwrap_err().kind(), ErrorKind::Rejected);
}

#[test]
fn an_empty_422_and_a_page_are_errors_with_their_status() {
    let (sim, client) = rig();
    let response = client.get(SIMS).query("page", "x").call().unwrap();
    assert_eq!(response.check().unwrap_err().http_status(), Some(422));
    sim.next(SIMS, Answer::status(502).body("text/html", "<html>Bad gateway</html>"));
    assert_eq!(client.get(SIMS).call().unwrap().check().unwrap_err().kind(), ErrorKind::Server);
}

#[test]
fn a_body_that_does_not_fit_is_not_quoted() {
    let (sim, client) = rig();
    sim.next(SIMS, Answer::json(200, r#"[{"id":"canary"}]"#));
    let error = client.get(SIMS).call().unwrap().json::<Vec<Sim>>().map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(error.to_string().contains("does not fit at line 1"), "{error}");
    sim.next(SIMS, Answer::json(200, "[canary]"));
    let error = client.get(SIMS).call().unwrap().json::<Vec<Sim>>().map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("is not JSON at line 1, column 2"), "{error}");
}

#[test]
fn a_resource_that_refuses_the_bearer_once_costs_two_calls_and_one_sign_in() {
    let (sim, client) = rig();
    let old = client.auth_token().unwrap();
    sim.revoke_bearer(old.as_str());
    assert_eq!(client.get(SIMS).call().unwrap().status(), 200);
    assert_eq!((sim.requests_to(SIMS).len(), sim.sign_ins()), (2, 2));
}

#[test]
fn a_resource_that_refuses_for_ever_costs_two_calls_and_one_sign_in_and_then_one_call_each() {
    let (sim, client) = rig();
    client.auth_token().unwrap();
    sim.always(SIMS, Answer::status(401));
    assert_eq!(client.get(SIMS).call().unwrap().status(), 401);
    assert_eq!((sim.requests_to(SIMS).len(), sim.sign_ins()), (2, 2));
    for _ in 0..10 {
        assert_eq!(client.get(SIMS).call().unwrap().status(), 401);
    }
    assert_eq!((sim.requests_to(SIMS).len(), sim.sign_ins()), (12, 2));
}

#[test]
fn eight_late_401s_for_an_old_token_cause_no_sign_in() {
    let (sim, client) = rig();
    let old = client.auth_token().unwrap();
    sim.next_n(SIMS, 8, Answer::status(401).hold());
    thread::scope(|scope| {
        let calls: Vec<_> =
            (0..8).map(|_| scope.spawn(|| client.get(SIMS).call().unwrap().status())).collect();
        assert!(sim.wait_for_held(8, LONG));
        // Meanwhile another thread has replaced the token.
        client.invalidate(&old).unwrap();
        client.auth_token().unwrap();
        sim.release();
        for call in calls {
            assert_eq!(call.join().unwrap(), 200);
        }
    });
    assert_eq!(sim.sign_ins(), 2);
    assert_eq!(sim.requests_to(SIMS).len(), 16);
}

#[test]
fn a_post_or_patch_answered_by_a_cut_connection_is_sent_once() {
    for method in NEVER_TWICE {
        let (sim, client) = rig();
        // On a connection that has served before, where a GET would be repeated.
        client.auth_token().unwrap();
        for answer in [Answer::lost(), Answer::cut_before_answer()] {
            sim.clear_requests();
            sim.next("/api/v1/any", answer);
            let error = client.request(method, "/api/v1/any").call().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Network);
            assert_eq!(sim.requests_to("/api/v1/any").len(), 1, "{method:?}");
            client.get(SIMS).call().unwrap();
        }
    }
}

#[test]
fn a_post_or_patch_whose_token_was_refused_is_sent_once_more_with_the_next_one() {
    for method in NEVER_TWICE {
        let (sim, client) = rig();
        sim.revoke_bearer(client.auth_token().unwrap().as_str());
        let path = format!("/api/v1/endpoint/{LARGE_ENDPOINT_ID}/sms");
        let body = r#"{"payload":"once"}"#;
        client.request(method, &path).json_text(body).call().unwrap();
        let requests = sim.requests_to(&path);
        assert_eq!((requests.len(), sim.sign_ins()), (2, 2), "{method:?}");
        assert_eq!((requests[0].status, requests[1].text().as_str()), (Some(401), body));
        assert!(requests[0].header("authorization") != requests[1].header("authorization"));
    }
}

#[test]
fn what_is_harmless_and_lost_on_an_idle_connection_is_repeated_once_on_a_fresh_one() {
    for method in HARMLESS {
        let (sim, client) = rig();
        client.auth_token().unwrap();
        sim.always("/api/v1/any", Answer::status(204));
        sim.next("/api/v1/any", Answer::cut_before_answer());
        assert_eq!(client.request(method, "/api/v1/any").call().unwrap().status(), 204);
        let requests = sim.requests_to("/api/v1/any");
        assert_eq!(requests.len(), 2, "{method:?}");
        assert_ne!(requests[0].connection, requests[1].connection);
    }
}

#[test]
fn a_get_lost_on_a_fresh_connection_is_not_repeated() {
    let (sim, client) = rig();
    client.auth_token().unwrap();
    sim.next_n(SIMS, 2, Answer::cut_before_answer());
    assert_eq!(client.get(SIMS).call().unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(sim.requests_to(SIMS).len(), 2);
}

#[test]
fn a_get_lost_on_a_connection_that_never_served_is_not_repeated() {
    let (sim, client) = rig();
    sim.next("/api/v1/authenticate", Answer::pass().header("Connection", "close"));
    client.auth_token().unwrap();
    sim.next(SIMS, Answer::cut_before_answer());
    let error = client.get(SIMS).call().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(sim.requests_to(SIMS).len(), 1);
}

#[test]
fn the_repeat_goes_past_all_idle_connections() {
    let (sim, client) = rig();
    client.auth_token().unwrap();
    sim.next_n(SIMS, 2, Answer::pass().hold());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| client.get(SIMS).call().unwrap());
        }
        assert!(sim.wait_for_held(2, LONG));
        sim.release();
    });
    sim.next(SIMS, Answer::cut_before_answer());
    assert_eq!(client.get(SIMS).call().unwrap().status(), 200);
    let connections: Vec<_> =
        sim.requests_to(SIMS).into_iter().map(|request| request.connection).collect();
    assert_ne!(connections[0], connections[1]);
    assert!(connections[..2].contains(&connections[2]), "{connections:?}");
    assert!(!connections[..3].contains(&connections[3]), "{connections:?}");
}

#[test]
fn a_path_that_leaves_the_api_is_refused_before_anything_is_sent() {
    let (sim, client) = rig();
    for path in ["/v1/sim", "https://h.example/api/", "/api/../x"] {
        assert_eq!(client.get(path).call().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!(sim.requests().len(), 0);
}

#[test]
fn the_names_in_a_query_are_escaped_as_its_values_are() {
    let (sim, client) = rig();
    client.get(SIMS).query("q&", "1=2").call().unwrap();
    assert_eq!(sim.requests_to(SIMS)[0].query, "q%26=1%3D2");
}

#[test]
fn an_answer_larger_than_the_client_allows_is_given_up() {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
        .base_url(sim.base_url())
        .max_response_bytes(1000)
        .build()
        .unwrap();
    sim.next_n(SIMS, 2, Answer::json(200, "x".repeat(1001)));
    assert_eq!(client.get(SIMS).call().unwrap_err().kind(), ErrorKind::BadResponse);
    assert_eq!(client.get(SIMS).max_response_bytes(1001).call().unwrap().bytes().len(), 1001);
}

#[test]
fn an_answer_larger_than_allowed_is_given_up() {
    let (_sim, client) = rig();
    let error = client.get(SIMS).max_response_bytes(100).call().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert!(error.to_string().contains("max_response_bytes"), "{error}");
}

#[test]
fn a_call_may_have_a_deadline_of_its_own() {
    let (sim, client) = rig();
    client.auth_token().unwrap();
    sim.next(SIMS, Answer::hang());
    let error = client.get(SIMS).timeout(Duration::from_secs(1)).call().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[test]
fn every_method_is_sent_as_it_is_named() {
    let (sim, client) = rig();
    let methods = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    for method in methods {
        sim.next("/api/v1/any", Answer::status(204));
        assert_eq!(client.request(method, "/api/v1/any").call().unwrap().status(), 204);
    }
    let sent: Vec<String> =
        sim.requests_to("/api/v1/any").into_iter().map(|request| request.method).collect();
    assert_eq!(sent, methods.map(|method| method.as_str().to_owned()));
}

#[test]
fn a_large_chunked_list_arrives_whole() {
    let sim = Simulator::builder().fleet_size(2000).start().unwrap();
    let client = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
        .base_url(sim.base_url())
        .build()
        .unwrap();
    let response = client.get(SIMS).query("per_page", 2000).call().unwrap();
    assert!(response.bytes().len() > 300_000, "{} bytes", response.bytes().len());
    assert_eq!(response.json::<Vec<Sim>>().unwrap().len(), 2000);
}

#[test]
fn a_call_waits_as_the_service_asks_where_that_fits_its_deadline() {
    // "At once" is a second as well.
    let cases = HARMLESS.into_iter().flat_map(|method| [(method, 429, "1"), (method, 503, "0")]);
    thread::scope(|scope| {
        for (method, status, retry_after) in cases {
            scope.spawn(move || {
                let (sim, client) = rig();
                sim.always("/api/v1/any", Answer::status(204));
                sim.next("/api/v1/any", Answer::status(status).header("Retry-After", retry_after));
                assert_eq!(client.request(method, "/api/v1/any").call().unwrap().status(), 204);
                let [first, second] = times(&sim, "/api/v1/any")[..] else { panic!("{method:?}") };
                assert!(second.duration_since(first).unwrap() >= Duration::from_secs(1));
            });
        }
    });
}

fn times(sim: &Simulator, path: &str) -> Vec<SystemTime> {
    sim.requests_to(path).into_iter().map(|request| request.at).collect()
}

#[test]
fn a_call_waits_three_times_and_then_says_what_it_got() {
    let (sim, client) = rig();
    sim.always(SIMS, Answer::status(503).header("Retry-After", "1"));
    assert_eq!(client.get(SIMS).call().unwrap().status(), 503);
    assert_eq!(sim.requests_to(SIMS).len(), 4);
}

#[test]
fn a_wait_that_does_not_fit_the_deadline_is_left_to_the_caller() {
    let (sim, client) = rig();
    sim.next(SIMS, Answer::status(429).header("Retry-After", "60"));
    let response = client.get(SIMS).call().unwrap();
    assert_eq!(response.status(), 429);
    let error = response.check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(sim.requests_to(SIMS).len(), 1);
}

#[test]
fn a_post_or_patch_that_may_have_been_done_is_not_repeated_after_a_wait() {
    for (method, status) in [(Method::Post, 503), (Method::Post, 429), (Method::Patch, 503)] {
        let (sim, client) = rig();
        sim.always("/api/v1/any", Answer::status(status).header("Retry-After", "1"));
        let response = client.request(method, "/api/v1/any").call().unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(sim.requests_to("/api/v1/any").len(), 1);
    }
}

#[test]
fn without_retry_after_nothing_is_repeated() {
    let (sim, client) = rig();
    sim.next(SIMS, Answer::status(503));
    assert_eq!(client.get(SIMS).call().unwrap().status(), 503);
    assert_eq!(sim.requests_to(SIMS).len(), 1);
}

#[test]
fn cancelling_ends_a_wait_that_the_service_asked_for() {
    let (sim, client) = rig();
    client.auth_token().unwrap();
    sim.next(SIMS, Answer::status(503).header("Retry-After", "15"));
    thread::scope(|scope| {
        let call = scope.spawn(|| client.get(SIMS).call().unwrap_err().kind());
        assert!(sim.wait_for_requests(SIMS, 1, LONG));
        client.cancel().unwrap();
        assert_eq!(call.join().unwrap(), ErrorKind::Cancelled);
    });
}
