//! Calls of the API with the client's token.

use std::thread;
use std::time::Duration;

use emnify::{Client, Credentials, ErrorKind, Method};
use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, LARGE_ENDPOINT_ID, Simulator};
use serde::Deserialize;

const SIMS: &str = "/api/v1/sim";

/// Only against a hang.
const LONG: Duration = Duration::from_secs(20);

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
fn a_post_answered_by_a_cut_connection_is_sent_once() {
    let (sim, client) = rig();
    let path = format!("/api/v1/endpoint/{LARGE_ENDPOINT_ID}/sms");
    // On a connection that has served before, where a GET would be repeated.
    client.auth_token().unwrap();
    sim.next(&path, Answer::lost());
    let error = client.post(&path).json_text(r#"{"payload":"once"}"#).call().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(sim.requests_to(&path).len(), 1);
}

#[test]
fn a_get_lost_on_an_idle_connection_is_repeated_once_on_a_fresh_one() {
    let (sim, client) = rig();
    client.auth_token().unwrap();
    sim.next(SIMS, Answer::cut_before_answer());
    assert_eq!(client.get(SIMS).call().unwrap().status(), 200);
    let requests = sim.requests_to(SIMS);
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].connection, requests[1].connection);
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
    let error = client.get(SIMS).timeout(Duration::from_millis(200)).call().unwrap_err();
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
    for status in [429, 503] {
        let (sim, client) = rig();
        sim.next(SIMS, Answer::status(status).header("Retry-After", "1"));
        assert_eq!(client.get(SIMS).call().unwrap().status(), 200);
        let times: Vec<_> = sim.requests_to(SIMS).into_iter().map(|request| request.at).collect();
        assert!(times[1].duration_since(times[0]).unwrap() >= Duration::from_secs(1));
    }
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
fn a_post_that_may_have_been_done_is_not_repeated_after_a_wait() {
    let (sim, client) = rig();
    let path = format!("/api/v1/endpoint/{LARGE_ENDPOINT_ID}/sms");
    sim.next(&path, Answer::status(503).header("Retry-After", "1"));
    let response = client.post(&path).json_text(r#"{"payload":"once"}"#).call().unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(sim.requests_to(&path).len(), 1);
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
