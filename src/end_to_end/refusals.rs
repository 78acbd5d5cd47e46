//! The service says no.

use emnify_simulator::{MFA_PASSWORD, MFA_USERNAME};

use super::*;
use crate::ErrorKind;

#[test]
fn a_refusal_is_remembered_for_half_an_hour_and_then_tried_once() {
    let rig = Rig::new(Credentials::application_token("revoked-token-of-no-value"));
    assert_eq!(rig.fails().1, 1);
    for minute in 0..30 {
        let (error, requests) = rig.fails();
        assert_eq!((error.kind(), requests), (ErrorKind::Unauthorized, 0));
        assert_eq!(error.retry_after(), Some((30 - minute) * MINUTE));
        rig.pass(MINUTE);
    }
    assert_eq!(rig.fails().1, 1);
    assert_eq!(rig.fails().1, 0);
}

#[test]
fn a_token_that_is_activated_again_is_found_by_the_probe() {
    let secret =
        "later-token-of-no-value-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    let rig = Rig::new(Credentials::application_token(secret));
    rig.fails();
    rig.sim.add_application_token(secret);
    rig.pass(30 * MINUTE);
    rig.call().unwrap();
}

#[test]
fn a_probe_that_meets_an_outage_keeps_the_refusal() {
    let rig = Rig::new(Credentials::application_token("revoked-token-of-no-value"));
    rig.fails();
    rig.pass(30 * MINUTE);
    rig.sim.next(AUTHENTICATE, Answer::status(500));
    let (error, requests) = rig.fails();
    assert_eq!((error.kind(), requests), (ErrorKind::Unauthorized, 1));
    assert_eq!(rig.fails().1, 0);
}

#[test]
fn a_wrong_password_never_locks_the_account_however_often_the_program_asks() {
    let rig = Rig::new(Credentials::user(emnify_simulator::DEFAULT_USERNAME, "wrong"));
    // Twenty minutes of a call a second.
    for _ in 0..20 * 60 {
        assert_eq!(rig.fails().0.kind(), ErrorKind::Unauthorized);
        rig.pass(SECOND);
    }
    assert_eq!(rig.sim.sign_ins(), 1);
}

#[test]
fn a_lock_out_is_waited_for_and_ends_by_itself() {
    let rig = Rig::new(user());
    // Somebody else mistypes the password.
    for _ in 0..3 {
        let wrong = Credentials::user(emnify_simulator::DEFAULT_USERNAME, "wrong");
        let other = Client::builder(wrong).base_url(rig.sim.base_url()).build().unwrap();
        other.auth_token().unwrap_err();
    }
    let (error, requests) = rig.fails();
    assert_eq!((error.kind(), requests), (ErrorKind::AccountLocked, 1));
    assert!(error.is_retryable());
    assert_eq!(error.retry_after(), Some(5 * MINUTE));
    rig.pass(5 * MINUTE - SECOND);
    assert_eq!(rig.fails().1, 0);
    rig.pass(SECOND);
    rig.call().unwrap();
}

#[test]
fn a_challenge_sends_no_second_code_for_ten_minutes() {
    let rig = Rig::new(Credentials::user(MFA_USERNAME, MFA_PASSWORD));
    assert_eq!(rig.fails().1, 1);
    rig.pass(10 * MINUTE - SECOND);
    assert_eq!(rig.fails().1, 0);
    rig.pass(SECOND);
    assert_eq!(rig.fails().1, 1);
}

#[test]
fn a_resource_that_refuses_every_token_has_it_replaced_less_and_less_often() {
    let rig = Rig::new(application_token());
    rig.sim.always(SIMS, Answer::status(401));
    let mut replaced_at = Vec::new();
    for minute in 0..60 {
        let before = rig.sim.sign_ins();
        assert_eq!(rig.client.get(SIMS).call().unwrap().status(), 401);
        if rig.sim.sign_ins() > before {
            replaced_at.push(minute);
        }
        rig.pass(MINUTE);
    }
    assert_eq!(replaced_at, [0, 1, 3, 7, 15, 31]);
}

#[test]
fn tokens_that_were_accepted_before_they_were_refused_make_no_row() {
    let rig = Rig::new(application_token());
    rig.sim.next_n(SIMS, 2, Answer::status(401));
    assert_eq!(rig.client.get(SIMS).call().unwrap().status(), 401);
    assert_eq!(rig.client.get(SIMS).call().unwrap().status(), 200);
    rig.pass(2 * MINUTE);
    rig.sim.next_n(SIMS, 2, Answer::status(401));
    assert_eq!(rig.client.get(SIMS).call().unwrap().status(), 401);
    assert_eq!(rig.client.get(SIMS).call().unwrap().status(), 200);
    // Two refusals in a row would be followed by four minutes without a new token.
    rig.pass(MINUTE);
    rig.sim.revoke_all_bearers();
    assert_eq!(rig.client.get(SIMS).call().unwrap().status(), 200);
}
