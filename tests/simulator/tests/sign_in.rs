//! Signing in: variants, lifetimes, refusals, limits.

mod common;

use std::time::Duration;

use common::{AUTHENTICATE, Client};
use emnify_simulator::{
    DEFAULT_APPLICATION_TOKEN, DEFAULT_PASSWORD, DEFAULT_USERNAME, Simulator, User, token,
};
use serde_json::{Value, json};

fn start() -> (Simulator, Client) {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::new(&sim);
    (sim, client)
}

fn claims(auth_token: &str) -> Value {
    serde_json::from_str(&token::claims_text(auth_token).unwrap()).unwrap()
}

fn date(answer: &common::Answer) -> i64 {
    let date = httpdate::parse_http_date(answer.header("Date").unwrap()).unwrap();
    let since = date.duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[test]
fn an_application_token_gets_an_auth_token_and_nothing_else() {
    let (sim, client) = start();
    let answer = client.application_token(DEFAULT_APPLICATION_TOKEN);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json().as_object().unwrap().len(), 1);
    let auth_token = answer.auth_token();
    assert!((357..=410).contains(&auth_token.len()), "{}", auth_token.len());
    assert!(token::is_signed(&auth_token));
    assert_eq!(claims(&auth_token)["iat"].as_i64(), Some(date(&answer)));
    assert_eq!(token::expiry(&auth_token), Some(date(&answer) + 14_400));
    assert_eq!(sim.violations(), Vec::<String>::new());
    assert_eq!(sim.sign_ins(), 1);
}

#[test]
fn every_answer_has_a_request_id_of_its_own() {
    let (_sim, client) = start();
    let id = |answer: &common::Answer| answer.header("x-amzn-requestid").unwrap().to_owned();
    let (first, second) = (id(&client.get("/nowhere")), id(&client.get("/nowhere")));
    assert_ne!(first, second);
    assert_eq!(first.len(), 36);
}

#[test]
fn two_sign_ins_in_one_second_give_two_tokens() {
    let (_sim, client) = start();
    let sign_in = || client.application_token(DEFAULT_APPLICATION_TOKEN).auth_token();
    assert_ne!(sign_in(), sign_in());
}

#[test]
fn a_user_gets_an_auth_token_and_a_refresh_token() {
    let (_sim, client) = start();
    let answer = client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().as_object().unwrap().len(), 2);
    assert!(!answer.refresh_token().is_empty());
}

#[test]
fn a_refresh_token_is_single_use() {
    let (_sim, client) = start();
    let refresh_token = client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD).refresh_token();
    let answer = client.refresh(&refresh_token);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().as_object().unwrap().len(), 1);
    let again = client.refresh(&refresh_token);
    assert_eq!((again.status, again.text.as_str()), (401, ""));
}

#[test]
fn a_refresh_token_can_be_rotated() {
    let sim = Simulator::builder().rotate_refresh_tokens(true).start().unwrap();
    let client = Client::new(&sim);
    let first = client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD).refresh_token();
    let second = client.refresh(&first).refresh_token();
    assert_ne!(first, second);
    assert_eq!(client.refresh(&second).status, 200);
}

#[test]
fn a_refresh_token_dies_when_the_user_signs_in_elsewhere() {
    let (sim, client) = start();
    sim.add_user(User::new("somebody@example.invalid", "made up"));
    let other = client.user("somebody@example.invalid", "made up").refresh_token();
    let first = client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD).refresh_token();
    let second = client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD).refresh_token();
    assert_eq!(client.refresh(&first).status, 401);
    assert_eq!(client.refresh(&second).status, 200);
    assert_eq!(client.refresh(&other).status, 200, "another user's lives on");
}

#[test]
fn a_refresh_token_lasts_350_minutes() {
    let (sim, client) = start();
    let refresh_token = client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD).refresh_token();
    sim.advance(Duration::from_secs(350 * 60 - 30));
    assert_eq!(sim.live_refresh_tokens(), 1);
    sim.advance(Duration::from_secs(30));
    assert_eq!(sim.live_refresh_tokens(), 0);
    assert_eq!(client.refresh(&refresh_token).status, 401);
}

#[test]
fn wrong_credentials_get_401_and_an_empty_body() {
    let (_sim, client) = start();
    for answer in [
        client.application_token("made up and wrong"),
        client.user(DEFAULT_USERNAME, "wrong"),
        client.user("nobody@example.invalid", "wrong"),
        client.refresh("made up and wrong"),
        client.authenticate(&json!({ "mfa_token": "made up and wrong", "code": "012345" })),
    ] {
        assert_eq!((answer.status, answer.text.as_str()), (401, ""));
    }
}

#[test]
fn a_revoked_application_token_is_refused_while_its_auth_tokens_live_on() {
    let (sim, mut client) = start();
    let id = sim.add_application_token("SIMULATED-another");
    client.bearer = Some(client.application_token("SIMULATED-another").auth_token());
    assert!(sim.revoke_application_token(id));
    assert_eq!(client.application_token("SIMULATED-another").status, 401);
    assert_eq!(client.get("/api/v1/sim").status, 200);
    assert!(sim.revoke_application_token_secret(DEFAULT_APPLICATION_TOKEN));
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 401);
}

#[test]
fn three_failures_in_a_row_lock_the_user_for_five_minutes() {
    let (sim, client) = start();
    let sign_in = |password| client.user(DEFAULT_USERNAME, password);
    for _ in 0..2 {
        sign_in("wrong");
    }
    assert_eq!(sign_in(DEFAULT_PASSWORD).status, 200, "a success ends the row");
    for _ in 0..3 {
        assert_eq!(sign_in("wrong").text, "");
    }
    let locked = sign_in(DEFAULT_PASSWORD);
    assert_eq!(locked.status, 401);
    assert_eq!(locked.json()["error_token"], "TooManyRequests");
    assert_eq!(locked.json()["errors"][0]["error_token"], "TooManyRequests");
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
    sim.advance(Duration::from_secs(301));
    assert_eq!(sign_in(DEFAULT_PASSWORD).status, 200);
}

#[test]
fn the_lock_out_can_be_set() {
    let sim = Simulator::builder().lock_out(1, Duration::from_secs(900)).start().unwrap();
    let client = Client::new(&sim);
    client.application_token("wrong");
    assert_eq!(client.application_token("wrong").json()["error_token"], "TooManyRequests");
    sim.advance(Duration::from_secs(901));
    assert_eq!(client.application_token("wrong").text, "");
}

#[test]
fn a_hundred_sign_ins_in_five_minutes_are_the_limit() {
    let (sim, client) = start();
    for _ in 0..100 {
        assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
    }
    let refused = client.application_token(DEFAULT_APPLICATION_TOKEN);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["error_code"], 1105);
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(sim.sign_ins(), 101);
    sim.advance(Duration::from_secs(301));
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
}

#[test]
fn a_clock_that_is_off_moves_what_is_said_and_expires_nothing() {
    let (sim, client) = start();
    let mut client = client;
    client.bearer = Some(client.application_token(DEFAULT_APPLICATION_TOKEN).auth_token());
    let before = sim.clock().said();
    for offset in [86_400, -86_400] {
        sim.set_clock_offset(offset);
        let answer = client.application_token(DEFAULT_APPLICATION_TOKEN);
        let issued = claims(&answer.auth_token())["iat"].as_i64().unwrap();
        assert_eq!(issued, date(&answer));
        assert!((issued - before - offset).abs() < 60);
        assert_eq!(client.get("/api/v1/sim").status, 200);
    }
}

#[test]
fn malformed_requests_get_400_and_are_kept_as_violations() {
    let (sim, client) = start();
    let hash = User::hash(DEFAULT_PASSWORD);
    let canary = "canary-of-a-secret";
    let bodies = [
        json!({}),
        json!([]),
        json!({ "application_token": null }),
        json!({ "application_token": 7 }),
        json!({ "application_token": canary, "refresh_token": null }),
        json!({ "application_token": canary, "refresh_token": canary }),
        json!({ "application_token": canary, "extra": 1 }),
        json!({ "username": DEFAULT_USERNAME }),
        json!({ "username": DEFAULT_USERNAME, "password": canary }),
        json!({ "username": DEFAULT_USERNAME, "password": hash.to_uppercase() }),
        json!({ "username": DEFAULT_USERNAME, "password": hash, "fingerprint": 1 }),
        json!({ "username": DEFAULT_USERNAME, "password": hash, "code": "000000" }),
        json!({ "password": hash }),
        json!({ "mfa_token": canary, "code": 12345 }),
        json!({ "mfa_token": canary, "code": "1234" }),
        json!({ "mfa_token": canary, "code": "012345", "trusted_device": { "name": "x" } }),
        json!({ "mfa_token": canary, "code": "012345", "trusted_device": { "fingerprint": "x", "os": "y" } }),
    ];
    for body in &bodies {
        let answer = client.authenticate(body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.json()["error_code"].is_u64(), "{body}");
    }
    let violations = sim.violations();
    assert_eq!(violations.len(), bodies.len());
    assert!(!format!("{violations:?}{:?}", sim.requests()).contains(canary));
    assert!(!format!("{violations:?}{:?}", sim.requests()).contains(&hash));
}

#[test]
fn a_member_that_comes_twice_is_malformed() {
    let (sim, client) = start();
    let request = ureq::http::Request::post(client.url(AUTHENTICATE))
        .header("Content-Type", "application/json; charset=utf-8")
        .body(r#"{"application_token":"a","application_token":"b"}"#.to_owned())
        .unwrap();
    assert_eq!(client.run(request).status, 400);
    assert_eq!(sim.violations(), ["authenticate: the member application_token comes twice"]);
}

#[test]
fn what_is_not_announced_as_json_is_malformed() {
    let (sim, client) = start();
    let request = ureq::http::Request::post(client.url(AUTHENTICATE))
        .header("Content-Type", "text/plain")
        .body(json!({ "application_token": DEFAULT_APPLICATION_TOKEN }).to_string())
        .unwrap();
    assert_eq!(client.run(request).status, 400);
    assert_eq!(sim.violations().len(), 1);
}

#[test]
fn a_bearer_on_authenticate_and_a_missing_user_agent_are_violations() {
    let (sim, client) = start();
    let request = ureq::http::Request::post(client.url(AUTHENTICATE))
        .header("Content-Type", "application/json")
        .header("Authorization", "Bearer a.b.c")
        .header("User-Agent", "")
        .body(json!({ "application_token": DEFAULT_APPLICATION_TOKEN }).to_string())
        .unwrap();
    assert_eq!(client.run(request).status, 200);
    assert_eq!(
        sim.violations(),
        [
            "POST /api/v1/authenticate: no User-Agent",
            "POST /api/v1/authenticate: a bearer where credentials belong",
        ]
    );
}

#[test]
fn api_twice_is_404_and_a_violation() {
    let (sim, client) = start();
    assert_eq!(client.get("/api/api/v1/sim").status, 404);
    assert_eq!(sim.violations().len(), 1);
}
