//! User sessions, and their refresh tokens.

use super::*;
use crate::ErrorKind;

/// What each sign-in presented, by the names of the members.
fn presented(rig: &Rig) -> Vec<&'static str> {
    let requests = rig.sim.requests_to(AUTHENTICATE);
    let kinds = ["refresh_token", "username", "application_token"];
    let kind = |text: String| {
        kinds.into_iter().find(|kind| text.contains(&format!("\"{kind}\""))).unwrap()
    };
    requests.iter().map(|request| kind(request.text())).collect()
}

#[test]
fn a_session_is_renewed_with_its_refresh_token_and_keeps_the_one_that_comes_back() {
    let rig = Rig::with(user(), Simulator::builder().rotate_refresh_tokens(true));
    for _ in 0..4 {
        rig.call().unwrap();
        rig.pass(204 * MINUTE);
    }
    assert_eq!(presented(&rig), ["username", "refresh_token", "refresh_token", "refresh_token"]);
}

#[test]
fn a_refresh_token_that_is_not_replaced_is_not_used_again() {
    let rig = Rig::new(user());
    for _ in 0..4 {
        rig.call().unwrap();
        rig.pass(204 * MINUTE);
    }
    assert_eq!(presented(&rig), ["username", "refresh_token", "username", "refresh_token"]);
}

#[test]
fn a_refresh_token_that_has_died_costs_one_request_and_then_the_password() {
    let rig = Rig::new(user());
    rig.call().unwrap();
    rig.sim.revoke_all_refresh_tokens();
    rig.pass(204 * MINUTE);
    rig.call().unwrap();
    assert_eq!(presented(&rig), ["username", "refresh_token", "username"]);
    rig.client.get(SIMS).call().unwrap().check().unwrap();
}

#[test]
fn a_refresh_token_is_kept_where_nothing_answered() {
    let rig = Rig::new(user());
    rig.call().unwrap();
    rig.pass(204 * MINUTE);
    rig.sim.next(AUTHENTICATE, Answer::status(503));
    rig.call().unwrap();
    rig.pass(MINUTE);
    rig.call().unwrap();
    assert_eq!(presented(&rig), ["username", "refresh_token", "refresh_token"]);
}

#[test]
fn a_client_with_only_a_refresh_token_says_when_it_is_used_up() {
    let first = Rig::new(user());
    first.call().unwrap();
    let body = r#"{"auth_token":"opaque-token-of-no-value","refresh_token":"one-of-no-value"}"#;
    let rig = Rig::new(Credentials::refresh_token("first-of-no-value"));
    rig.sim.next(AUTHENTICATE, Answer::json(200, body));
    rig.call().unwrap();
    // The one that came is used, and refused.
    rig.pass(5 * HOUR);
    let (error, requests) = rig.fails();
    assert_eq!((error.kind(), requests), (ErrorKind::Unauthorized, 1));
    rig.pass(HOUR);
    let (error, requests) = rig.fails();
    assert_eq!((error.kind(), requests), (ErrorKind::Unauthorized, 0));
    assert!(error.to_string().contains("refresh token"), "{error}");
}
