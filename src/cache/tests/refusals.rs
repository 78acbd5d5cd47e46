//! What the service says of the credentials is remembered and answered locally.

use std::time::Duration;

use super::rig::*;
use crate::error::ErrorKind;
use crate::log::Log;

#[test]
fn a_refusal_is_remembered_for_30_minutes_and_told_with_the_time_left() {
    let rig = Rig::new();
    rig.always(Says::Refused);
    assert_eq!(rig.error().retry_after(), Some(30 * MINUTE));
    rig.advance(10 * MINUTE);
    let error = rig.error();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.to_string(), "refused; next try in 1200 s");
    assert_eq!(rig.hammer(20 * 60 + 1), [1200]);
}

#[test]
fn a_refused_client_asks_twice_an_hour_whatever_its_callers_do() {
    let rig = Rig::new();
    rig.always(Says::Refused);
    assert_eq!(rig.hammer(2 * 3600), [0, 1800, 3600, 5400]);
}

#[test]
fn credentials_that_are_accepted_again_are_found_by_the_probe() {
    let rig = Rig::new();
    rig.script([Says::Refused]);
    rig.error();
    rig.advance(30 * MINUTE);
    assert_eq!(rig.text(), "token-2");
}

#[test]
fn a_probe_that_gets_no_verdict_keeps_the_refusal_and_waits_like_any_failure() {
    for says in [Says::Unanswered, Says::Failed, Says::TokenFor(Duration::ZERO)] {
        let rig = Rig::new();
        rig.script([Says::Refused, says.clone(), says.clone(), says.clone()]);
        rig.error();
        rig.advance(30 * MINUTE);
        for wait in [1, 2, 4] {
            let error = rig.error();
            assert_eq!(error.kind(), ErrorKind::Unauthorized, "{says:?}: not what the probe got");
            assert_eq!(error.retry_after(), Some(wait * SECOND), "{says:?}");
            assert_eq!(rig.kind(), ErrorKind::Unauthorized, "{says:?}");
            rig.advance(wait * SECOND);
        }
        assert_eq!(rig.requests(), 4);
        assert_eq!(rig.text(), "token-5");
    }
}

#[test]
fn a_probe_that_is_limited_keeps_the_refusal_until_the_limit_ends() {
    let rig = Rig::new();
    rig.script([Says::Refused, Says::LimitedFor(600)]);
    rig.error();
    rig.advance(30 * MINUTE);
    assert_eq!(rig.error().to_string(), "refused; next try in 600 s");
    assert_eq!(rig.hammer(601), [600]);
}

#[test]
fn a_probe_whose_caller_gives_up_is_held_against_nobody() {
    let rig = Rig::new();
    rig.script([Says::Refused, Says::TimeUp]);
    rig.error();
    rig.advance(30 * MINUTE);
    assert_eq!(rig.kind(), ErrorKind::Timeout);
    assert_eq!(rig.text(), "token-3");
}

#[test]
fn a_probe_may_change_the_verdict() {
    let rig = Rig::new();
    rig.script([Says::Refused, Says::Locked]);
    rig.error();
    rig.advance(30 * MINUTE);
    assert_eq!(rig.kind(), ErrorKind::AccountLocked);
    assert_eq!(rig.wait(), 5 * MINUTE);
}

#[test]
fn a_lock_out_is_waited_for_5_10_20_then_30_minutes() {
    let rig = Rig::new();
    rig.always(Says::Locked);
    let minutes: Vec<u64> = rig.hammer(126 * 60).iter().map(|second| second / 60).collect();
    assert_eq!(minutes, [0, 5, 15, 35, 65, 95, 125]);
    assert_eq!(rig.kind(), ErrorKind::AccountLocked);
}

#[test]
fn after_a_success_a_lock_out_is_the_first_again() {
    let rig = Rig::new();
    rig.script([Says::Locked, Says::Locked, Says::Token, Says::Locked]);
    rig.hammer(16 * 60);
    rig.cache.invalidate("token-3");
    assert_eq!(rig.error().retry_after(), Some(5 * MINUTE));
}

#[test]
fn a_retry_after_is_the_floor_of_a_refusal_and_of_a_lock_out_too() {
    for (says, wait) in [
        (Says::RefusedFor(3000), 3000),
        (Says::RefusedFor(60), 1800),
        (Says::LockedFor(900), 900),
        (Says::LockedFor(86_400), 3600),
        (Says::LockedFor(u64::MAX), 3600),
    ] {
        let rig = Rig::new();
        rig.script([says]);
        assert_eq!(rig.error().retry_after(), Some(wait * SECOND));
    }
}

#[test]
fn a_refusal_and_a_lock_out_are_waited_for_without_jitter() {
    for (says, wait) in [(Says::Refused, 30), (Says::Locked, 5), (Says::Mfa("m"), 10)] {
        let rig = Rig::new();
        rig.draw(1.0);
        rig.script([says]);
        assert_eq!(rig.error().retry_after(), Some(wait * MINUTE));
    }
}

#[test]
fn a_challenge_is_remembered_for_ten_minutes_so_that_no_second_code_is_sent() {
    let rig = Rig::with(user(), Log::default());
    rig.always(Says::Mfa("m"));
    assert_eq!(rig.error().retry_after(), Some(10 * MINUTE));
    assert_eq!(rig.kind(), ErrorKind::MfaRequired);
    assert_eq!(rig.hammer(601), [600]);
}

#[test]
fn a_refusal_of_the_renewal_leaves_the_token_in_use_and_shows_when_that_ends() {
    let rig = Rig::new();
    rig.text();
    rig.always(Says::Refused);
    rig.advance(UNUSABLE_FROM - 2 * SECOND);
    assert_eq!(rig.text(), "token-1");
    rig.advance(2 * SECOND);
    assert_eq!(rig.kind(), ErrorKind::Unauthorized);
    assert_eq!(rig.wait(), 30 * MINUTE - 2 * SECOND);
    assert_eq!(rig.requests(), 2);
}

#[test]
fn a_probe_that_fails_while_a_token_is_good_is_not_waited_for_longer_than_without_one() {
    let rig = Rig::new();
    rig.script([Says::TokenFor(31 * 24 * HOUR), Says::Refused]);
    rig.text();
    rig.always(Says::Unanswered);
    rig.advance(30 * 24 * HOUR);
    // Renewal is refused, and then nothing answers until the token is unusable.
    let end = rig.get().unwrap().expires_in().as_secs();
    rig.hammer(end);
    let error = rig.error();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "the verdict is what the caller must hear");
    assert!(error.retry_after().unwrap() <= MINUTE, "{error}");
}
