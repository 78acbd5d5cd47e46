//! The calls that know what comes back, and what each of them makes of answers that are none.

use std::thread;
use std::time::Duration;

use emnify::{Client, Credentials, Error, ErrorKind, NewApplicationToken};
use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, RecordedRequest, Simulator};

const AUTHENTICATE: &str = "/api/v1/authenticate";
const EVERYTHING: &str = "/api/v1/*";
const HTML: &str = "<html><body><h1>Forbidden</h1></body></html>";

type Call = (&'static str, fn(&Client) -> Result<(), Error>);

fn calls() -> [Call; 16] {
    [
        ("sims", |client| client.sims().try_for_each(|sim| sim.map(drop))),
        ("endpoints", |client| client.endpoints().try_for_each(|endpoint| endpoint.map(drop))),
        ("endpoint_connectivity", |client| client.endpoint_connectivity(1).map(drop)),
        ("send_sms", |client| client.send_sms(1, "text").map(drop)),
        ("create_application_token", |client| {
            client.create_application_token(&NewApplicationToken::new()).map(drop)
        }),
        ("application_tokens", |client| client.application_tokens().map(drop)),
        ("application_token", |client| client.application_token(1).map(drop)),
        ("application_token_described", |client| {
            client.application_token_described("gateway 7").map(drop)
        }),
        ("describe_application_token", |client| client.describe_application_token(1, "gateway 8")),
        ("revoke_application_token", |client| client.revoke_application_token(1)),
        ("rotate_application_token", |client| {
            client.rotate_application_token(1, &NewApplicationToken::new(), |_| Ok(())).map(drop)
        }),
        ("create_mfa_key", |client| client.create_mfa_key(1, "password").map(drop)),
        ("activate_mfa_key", |client| client.activate_mfa_key(1, "012345")),
        ("delete_mfa_key", |client| client.delete_mfa_key(1)),
        ("trusted_devices", |client| client.trusted_devices().map(drop)),
        ("delete_trusted_device", |client| client.delete_trusted_device(1)),
    ]
}

fn simulator() -> Simulator {
    Simulator::builder().no_sign_in_limit().start().unwrap()
}

fn client(sim: &Simulator) -> Client {
    Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
        .base_url(sim.base_url())
        .build()
        .unwrap()
}

/// Answers everything but sign-ins with `answer`.
fn with(answer: Answer) -> Simulator {
    let sim = simulator();
    sim.always(EVERYTHING, answer);
    sim.always(AUTHENTICATE, Answer::pass());
    sim
}

fn with_a_bearer(sim: &Simulator) -> Vec<RecordedRequest> {
    let is_one = |request: &RecordedRequest| request.header("authorization").is_some();
    sim.requests().into_iter().filter(is_one).collect()
}

#[test]
fn each_call_tells_what_the_service_says_and_asks_it_once() {
    let object =
        |status| Answer::json(status, r#"{"error_code":1499,"error_token":"No","message":"no"}"#);
    let gateway = r#"{"message":"token contains an invalid number of segments"}"#;
    for (answer, status, kind, code, requests) in [
        (object(400), 400, ErrorKind::Rejected, Some(1499), 1),
        // Once more with another token.
        (Answer::json(401, gateway), 401, ErrorKind::Unauthorized, None, 2),
        (object(403), 403, ErrorKind::Forbidden, Some(1499), 1),
        (Answer::status(403).body("text/html", HTML), 403, ErrorKind::Forbidden, None, 1),
        (object(404), 404, ErrorKind::Rejected, Some(1499), 1),
        (object(409), 409, ErrorKind::Rejected, Some(1499), 1),
        (Answer::status(422).body("text/html", ""), 422, ErrorKind::Rejected, None, 1),
        (Answer::status(429), 429, ErrorKind::RateLimited, None, 1),
        (Answer::status(503).body("text/html", HTML), 503, ErrorKind::Server, None, 1),
        (Answer::status(302).body("text/html", HTML), 302, ErrorKind::BadResponse, None, 1),
    ] {
        let sim = with(answer);
        for (name, call) in calls() {
            sim.clear_requests();
            let error = call(&client(&sim)).expect_err(name);
            assert_eq!((error.kind(), error.http_status()), (kind, Some(status)), "{name}");
            assert_eq!(error.service_code(), code, "{name}");
            assert!(error.request_id().is_some(), "{name}");
            let goes_by = matches!(status, 429 | 503 | 302);
            assert_eq!(error.is_retryable(), goes_by, "{name}: {error}");
            assert_eq!(with_a_bearer(&sim).len(), requests, "{name}: {status}");
        }
    }
}

#[test]
fn each_call_tells_how_long_the_service_wants_to_be_left_alone() {
    let sim = with(Answer::status(429).header("Retry-After", "100"));
    for (name, call) in calls() {
        let error = call(&client(&sim)).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{name}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(100)), "{name}");
    }
}

#[test]
fn each_call_tells_that_no_complete_answer_came() {
    for (answer, kind) in [
        (Answer::reset(), ErrorKind::Network),
        (Answer::cut_in_body(100, "[{"), ErrorKind::BadResponse),
        (Answer::garbage("not HTTP at all\r\n\r\n"), ErrorKind::BadResponse),
    ] {
        let sim = with(answer);
        for (name, call) in calls() {
            assert_eq!(call(&client(&sim)).expect_err(name).kind(), kind, "{name}");
        }
    }
}

#[test]
fn each_call_ends_in_time_where_nothing_answers() {
    let sim = with(Answer::hang());
    thread::scope(|scope| {
        for (name, call) in calls() {
            let client = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
                .base_url(sim.base_url())
                .timeout(Duration::from_millis(300))
                .build()
                .unwrap();
            scope.spawn(move || {
                let error = call(&client).expect_err(name);
                assert_eq!(error.kind(), ErrorKind::Timeout, "{name}: {error}");
            });
        }
    });
}

#[test]
fn each_call_of_a_cancelled_client_is_cancelled_and_sends_nothing() {
    let sim = simulator();
    for (name, call) in calls() {
        let client = client(&sim);
        client.auth_token().unwrap();
        client.cancel().unwrap();
        assert_eq!(call(&client).expect_err(name).kind(), ErrorKind::Cancelled, "{name}");
    }
    assert_eq!(with_a_bearer(&sim).len(), 0);
}

#[test]
fn each_call_fails_as_the_sign_in_before_it_does() {
    for (answer, kind) in [
        (Answer::status(401), ErrorKind::Unauthorized),
        (Answer::json(200, r#"{"mfa_token":"made-up"}"#), ErrorKind::MfaRequired),
        (Answer::status(503), ErrorKind::Server),
    ] {
        let sim = simulator();
        sim.always(AUTHENTICATE, answer);
        for (name, call) in calls() {
            let error = call(&client(&sim)).expect_err(name);
            assert_eq!(error.kind(), kind, "{name}: {error}");
        }
        assert_eq!(with_a_bearer(&sim).len(), 0);
    }
}

#[test]
fn a_call_that_reads_an_answer_says_where_it_makes_no_sense() {
    const NOT_READING: [&str; 6] = [
        "send_sms",
        "describe_application_token",
        "revoke_application_token",
        "activate_mfa_key",
        "delete_mfa_key",
        "delete_trusted_device",
    ];
    for body in ["", HTML, "null", r#"["text"]"#, r#"{"id":"no number"}"#] {
        let sim = with(Answer::json(200, body));
        // No member of it is required.
        let takes_any_object = |name: &str| name == "endpoint_connectivity" && body.contains("id");
        for (name, call) in calls() {
            if NOT_READING.contains(&name) || takes_any_object(name) {
                continue;
            }
            let error = call(&client(&sim)).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::BadResponse, "{name}: {body}: {error}");
            assert!(!error.to_string().contains("no number"), "{error}");
        }
    }
}
