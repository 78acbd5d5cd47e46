//! What the service sees of a sign-in, and what a caller gets. Over real sockets, against the
//! simulator, which notes every request that the service would find malformed.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use emnify::{Client, Credentials, ErrorKind};
use emnify_simulator::{
    Answer, DEFAULT_APPLICATION_TOKEN, DEFAULT_PASSWORD, DEFAULT_USERNAME, MFA_PASSWORD,
    MFA_USERNAME, Simulator, User,
};

const AUTHENTICATE: &str = "/api/v1/authenticate";

/// Only against a hang.
const LONG: Duration = Duration::from_secs(20);

fn simulator() -> Simulator {
    Simulator::builder().start().unwrap()
}

fn client(sim: &Simulator, credentials: Credentials) -> Client {
    Client::builder(credentials).base_url(sim.base_url()).timeout(LONG).build().unwrap()
}

fn application_client(sim: &Simulator) -> Client {
    client(sim, Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
}

#[test]
fn the_second_call_costs_no_request() {
    let sim = simulator();
    let client = application_client(&sim);
    let first = client.auth_token().unwrap();
    let second = client.auth_token().unwrap();
    assert_eq!(first.as_str(), second.as_str());
    assert_eq!(sim.requests().len(), 1);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn a_client_that_is_only_made_sends_nothing() {
    let sim = simulator();
    drop(application_client(&sim));
    assert_eq!(sim.connections(), 0);
}

#[test]
fn the_request_is_well_formed_and_carries_no_bearer() {
    let sim = simulator();
    application_client(&sim).auth_token().unwrap();
    let request = &sim.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", AUTHENTICATE));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), None);
    assert!(request.header("user-agent").unwrap().starts_with("emnify-rust/"));
    let body = format!(r#"{{"application_token":"{DEFAULT_APPLICATION_TOKEN}"}}"#);
    assert!(request.text() == body, "the body is another");
}

#[test]
fn the_callers_product_comes_first_in_the_user_agent() {
    let sim = simulator();
    let client = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
        .base_url(sim.base_url())
        .user_agent("gateway/7.1")
        .build()
        .unwrap();
    client.auth_token().unwrap();
    let agent = sim.requests()[0].header("user-agent").unwrap().to_owned();
    assert!(agent.starts_with("gateway/7.1 emnify-rust/"), "{agent}");
}

#[test]
fn every_way_to_write_the_base_url_leads_to_the_same_path() {
    for end in ["", "/", "/api", "/api/"] {
        let sim = simulator();
        let client = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
            .base_url(format!("{}{end}", sim.base_url()))
            .build()
            .unwrap();
        client.auth_token().unwrap();
        assert_eq!(sim.requests_to(AUTHENTICATE).len(), 1, "{end}");
        assert_eq!(sim.requests().len(), 1, "{end}");
    }
}

#[test]
fn a_user_signs_in_with_a_password_or_with_its_hash() {
    let sim = simulator();
    client(&sim, Credentials::user(DEFAULT_USERNAME, DEFAULT_PASSWORD)).auth_token().unwrap();
    let digest = User::hash(DEFAULT_PASSWORD).to_uppercase();
    let hashed = Credentials::user_sha1(DEFAULT_USERNAME, digest).unwrap();
    client(&sim, hashed).auth_token().unwrap();
    let bodies: Vec<String> = sim.requests().iter().map(|request| request.text()).collect();
    assert!(bodies[0] == bodies[1], "the two sign-ins differ");
    assert!(!bodies[0].contains(DEFAULT_PASSWORD), "the password left in the clear");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn a_user_with_a_second_factor_is_a_challenge_that_is_made_once() {
    let sim = simulator();
    let client = client(&sim, Credentials::user(MFA_USERNAME, MFA_PASSWORD));
    for _ in 0..3 {
        let error = client.auth_token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MfaRequired);
        assert!(!error.is_retryable());
    }
    assert_eq!(sim.sign_ins(), 1);
}

#[test]
fn sixty_four_threads_make_one_request() {
    let sim = simulator();
    let client = application_client(&sim);
    sim.next(AUTHENTICATE, Answer::held());
    let start = Barrier::new(64);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    client.auth_token().map(|token| token.as_str().to_owned())
                })
            })
            .collect();
        assert!(sim.wait_for_held(1, LONG));
        sim.release();
        let tokens: Vec<String> =
            callers.into_iter().map(|caller| caller.join().unwrap().unwrap()).collect();
        assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]), "not all got the same");
    });
    assert_eq!(sim.sign_ins(), 1);
}

#[test]
fn ten_thousand_calls_against_a_401_make_one_request() {
    let sim = simulator();
    let client = client(&sim, Credentials::application_token("revoked-token-of-no-value"));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..1250 {
                    let error = client.auth_token().unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Unauthorized);
                    assert!(!error.is_retryable());
                }
            });
        }
    });
    assert_eq!(sim.sign_ins(), 1);
}

#[test]
fn an_outage_is_answered_from_memory_until_the_back_off_is_over() {
    let sim = simulator();
    let client = application_client(&sim);
    sim.always(AUTHENTICATE, Answer::status(503).header("Retry-After", "120"));
    for _ in 0..100 {
        let error = client.auth_token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
        assert_eq!(error.http_status(), Some(503));
        assert!(error.is_retryable());
        assert!(error.retry_after().unwrap() > Duration::from_secs(100));
    }
    assert_eq!(sim.sign_ins(), 1);
}

#[test]
fn a_sign_in_without_an_answer_ends_at_the_callers_deadline() {
    let sim = simulator();
    sim.always(AUTHENTICATE, Answer::hang());
    let client = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
        .base_url(sim.base_url())
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let error = client.auth_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.is_retryable());
}

#[test]
fn cancelling_ends_a_call_in_flight_and_later_ones_until_resumed() {
    let sim = simulator();
    let client = application_client(&sim);
    sim.next(AUTHENTICATE, Answer::hang());
    thread::scope(|scope| {
        let call = scope.spawn(|| client.auth_token().unwrap_err().kind());
        assert!(sim.wait_for_requests(AUTHENTICATE, 1, LONG));
        client.cancel().unwrap();
        assert_eq!(call.join().unwrap(), ErrorKind::Cancelled);
    });
    assert_eq!(client.auth_token().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(sim.sign_ins(), 1);
    client.resume().unwrap();
    client.auth_token().unwrap();
    client.cancel().unwrap();
    client.auth_token().expect("a good token needs no network");
}

#[test]
fn other_credentials_end_a_refusal() {
    let sim = simulator();
    let client = client(&sim, Credentials::application_token("revoked-token-of-no-value"));
    client.auth_token().unwrap_err();
    client.set_credentials(Credentials::application_token(DEFAULT_APPLICATION_TOKEN)).unwrap();
    client.auth_token().unwrap();
    assert_eq!(sim.sign_ins(), 2);
}

#[test]
fn invalidating_an_old_token_leaves_the_new_one() {
    let sim = simulator();
    let client = application_client(&sim);
    let old = client.auth_token().unwrap();
    client.invalidate(&old).unwrap();
    let new = client.auth_token().unwrap();
    assert!(old.as_str() != new.as_str(), "the same token came again");
    client.invalidate(&old).unwrap();
    client.auth_token().unwrap();
    assert_eq!(sim.sign_ins(), 2);
}

#[test]
fn a_redirect_would_carry_the_credentials_away_and_is_not_followed() {
    let sim = simulator();
    let elsewhere = simulator();
    let location = format!("{}{AUTHENTICATE}", elsewhere.base_url());
    sim.next(AUTHENTICATE, Answer::status(307).header("Location", location));
    let error = application_client(&sim).auth_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert_eq!(elsewhere.connections(), 0);
}
