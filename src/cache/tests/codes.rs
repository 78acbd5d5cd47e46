//! The one-time code of a second factor.

use std::thread;
use std::time::Duration;

use secrecy::SecretString;

use super::rig::*;
use crate::cache::TrustedDevice;
use crate::credentials::Credentials;
use crate::error::ErrorKind;
use crate::log::Log;

fn challenged() -> Rig {
    let rig = Rig::with(user(), Log::default());
    rig.script([Says::Mfa("m")]);
    assert_eq!(rig.kind(), ErrorKind::MfaRequired);
    rig
}

#[test]
fn a_code_completes_the_sign_in_that_asked_for_it() {
    let rig = challenged();
    rig.script([Says::Session("r1")]);
    assert_eq!(rig.code("012345").unwrap().as_str(), "token-2");
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.grants(), ["user ada", "code m 012345"]);
}

#[test]
fn a_code_may_declare_the_device_trusted() {
    let rig = challenged();
    let device = TrustedDevice { fingerprint: "f".to_owned().into(), name: "gateway".into() };
    let code = SecretString::from("1");
    rig.cache.submit_code(&code, Some(&device), patience()).unwrap();
    assert_eq!(rig.grants()[1], "code m 1 gateway");
}

#[test]
fn a_code_that_nobody_waits_for_is_an_invalid_argument_and_sends_nothing() {
    let rig = Rig::new();
    assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(rig.requests(), 0);
    rig.text();
    assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(rig.requests(), 1);
}

#[test]
fn a_wrong_code_keeps_the_challenge_and_is_told_to_its_submitter_only() {
    let rig = challenged();
    rig.advance(MINUTE);
    rig.script([Says::Refused]);
    assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::Unauthorized);
    assert_eq!(rig.kind(), ErrorKind::MfaRequired);
    assert_eq!(rig.wait(), 9 * MINUTE, "the challenge is as old as before");
    assert_eq!(rig.code("2").unwrap().as_str(), "token-3");
}

#[test]
fn a_code_that_got_no_usable_answer_keeps_the_challenge_for_as_long_as_before() {
    for (says, kind) in [
        (Says::Unanswered, ErrorKind::Network),
        (Says::Stale, ErrorKind::Network),
        (Says::Failed, ErrorKind::Server),
        (Says::TokenFor(Duration::ZERO), ErrorKind::BadResponse),
        (Says::TimeUp, ErrorKind::Timeout),
        (Says::Cancelled, ErrorKind::Cancelled),
    ] {
        let rig = challenged();
        rig.script([says.clone()]);
        assert_eq!(rig.code("1").unwrap_err().kind(), kind, "{says:?}: the submitter hears it");
        assert_eq!(rig.kind(), ErrorKind::MfaRequired, "{says:?}: the others do not");
        assert_eq!(rig.hammer(599), [0_u64; 0], "{says:?}: no second code is sent");
        assert_eq!(rig.requests(), 2, "{says:?}: and the code is not repeated");
        assert_eq!(rig.code("1").unwrap().as_str(), "token-3", "{says:?}");
    }
}

#[test]
fn a_code_whose_submitter_panics_keeps_the_challenge_for_as_long_as_before() {
    let rig = challenged();
    rig.script([Says::Panic]);
    let submit = std::panic::AssertUnwindSafe(|| rig.code("1"));
    assert!(std::panic::catch_unwind(submit).is_err());
    assert_eq!(rig.wait(), 10 * MINUTE);
    assert_eq!(rig.code("1").unwrap().as_str(), "token-3");
}

#[test]
fn a_code_may_be_answered_by_another_challenge_which_takes_the_place_of_the_first() {
    let rig = challenged();
    rig.advance(MINUTE);
    rig.script([Says::Mfa("n")]);
    assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::MfaRequired);
    assert_eq!(rig.wait(), 10 * MINUTE);
    rig.code("2").unwrap();
    assert_eq!(rig.grants()[2], "code n 2");
}

#[test]
fn a_code_that_locks_the_account_ends_the_challenge() {
    let rig = challenged();
    rig.script([Says::Locked]);
    assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::AccountLocked);
    assert_eq!(rig.kind(), ErrorKind::AccountLocked);
    assert_eq!(rig.code("2").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(rig.wait(), 5 * MINUTE);
}

#[test]
fn a_code_waits_out_a_429_and_says_so() {
    let rig = challenged();
    rig.script([Says::LimitedFor(120)]);
    let error = rig.code("1").unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(120 * SECOND)));
    rig.advance(MINUTE);
    let error = rig.code("1").unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(60 * SECOND)));
    assert_eq!(rig.kind(), ErrorKind::MfaRequired, "the others hear of the challenge");
    assert_eq!(rig.requests(), 2);
    rig.advance(MINUTE);
    rig.code("1").unwrap();
}

#[test]
fn a_code_waits_out_the_retry_after_of_any_failure() {
    let rig = challenged();
    rig.script([Says::FailedFor(60)]);
    assert_eq!(rig.code("1").unwrap_err().retry_after(), Some(MINUTE));
    rig.advance(59 * SECOND);
    let error = rig.code("1").unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Server, Some(SECOND)));
    rig.advance(SECOND);
    rig.code("1").unwrap();
}

#[test]
fn codes_are_within_the_budget() {
    let rig = challenged();
    rig.always(Says::Refused);
    for _ in 0..9 {
        assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::Unauthorized);
    }
    assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!(rig.requests(), 10);
}

#[test]
fn a_code_may_still_be_tried_when_the_ten_minutes_are_over() {
    let rig = challenged();
    rig.advance(11 * MINUTE);
    assert_eq!(rig.code("1").unwrap().as_str(), "token-2");
}

#[test]
fn a_cancelled_client_submits_no_code() {
    let rig = challenged();
    rig.cache.set_cancelled(true);
    assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(rig.requests(), 1);
}

#[test]
fn a_reset_or_new_credentials_end_the_challenge() {
    let rig = challenged();
    rig.cache.reset();
    assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::InvalidArgument);
    let rig = challenged();
    rig.set_credentials(Credentials::user("eve", "x"));
    assert_eq!(rig.code("1").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(rig.text(), "token-2");
}

#[test]
fn of_two_codes_at_once_each_gets_its_own_answer() {
    let rig = challenged();
    let first = rig.hold(Says::Session("r1"));
    thread::scope(|scope| {
        let one = scope.spawn(|| rig.code("1"));
        first.arrived();
        let two = scope.spawn(|| rig.code("2"));
        rig.until_waiting(1);
        first.release();
        assert_eq!(one.join().unwrap().unwrap().as_str(), "token-2");
        // Nobody has seen the second code: to call it accepted would be a lie.
        assert_eq!(two.join().unwrap().unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
    assert_eq!(rig.requests(), 2);
}

#[test]
fn callers_wait_for_a_code_on_its_way_and_share_its_token_but_not_its_failure() {
    let rig = challenged();
    for (says, expected) in [(Says::Refused, Err(ErrorKind::MfaRequired)), (Says::Token, Ok(()))] {
        let gate = rig.hold(says);
        thread::scope(|scope| {
            scope.spawn(|| rig.code("1"));
            gate.arrived();
            let waiter = scope.spawn(|| rig.get());
            rig.until_waiting(1);
            gate.release();
            let outcome = waiter.join().unwrap();
            assert_eq!(outcome.map(drop).map_err(|error| error.kind()), expected);
        });
    }
    assert_eq!(rig.requests(), 3);
}

#[test]
fn a_code_whose_credentials_are_replaced_on_its_way_is_not_turned_into_another_sign_in() {
    let rig = challenged();
    let gate = rig.hold(Says::Session("r1"));
    thread::scope(|scope| {
        let submitter = scope.spawn(|| rig.code("1"));
        gate.arrived();
        rig.set_credentials(application());
        gate.release();
        let error = submitter.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    });
    assert_eq!(rig.text(), "token-3");
    assert_eq!(rig.grants()[2], "application one");
}
