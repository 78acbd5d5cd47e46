//! `renew_if_due`: a caller's own loop renews, so that no hot call ever waits.

use std::time::Duration;

use super::rig::*;
use crate::deadline::Deadline;
use crate::error::ErrorKind;

#[test]
fn the_loop_signs_in_where_there_is_no_token() {
    let rig = Rig::new();
    rig.renew_if_due().unwrap();
    assert_eq!(rig.text(), "token-1");
    assert_eq!(rig.requests(), 1);
}

#[test]
fn the_loop_comes_back_a_minute_before_the_hot_calls_would_renew() {
    let rig = Rig::new();
    let next = rig.renew_if_due().unwrap();
    assert_eq!(next, RENEW_FROM - MINUTE);
    rig.advance(next - SECOND);
    assert_eq!(rig.renew_if_due().unwrap(), SECOND, "too early: nothing is due");
    assert_eq!(rig.requests(), 1);
    rig.advance(SECOND);
    rig.renew_if_due().unwrap();
    assert_eq!(rig.text(), "token-2");
}

#[test]
fn a_short_life_is_renewed_early_in_proportion() {
    let rig = Rig::new();
    rig.always(Says::TokenFor(100 * SECOND));
    // Usable for 90 s, due for the hot calls at 67.5 s; half of the rest is the loop's lead.
    assert_eq!(rig.renew_if_due().unwrap(), Duration::from_millis(56_250));
}

#[test]
fn no_hot_call_renews_or_waits_while_the_loop_comes_in_time() {
    for life in [100, 3600, 14_400, 31 * 86_400] {
        let rig = Rig::new();
        rig.always(Says::TokenFor(Duration::from_secs(life)));
        for turn in 1..=20 {
            let next = rig.renew_if_due().unwrap();
            assert_eq!(rig.requests(), turn);
            // Hot calls all the time, and the loop oversleeps a little.
            for _ in 0..20 {
                assert!(rig.cache.peek(|_, _| ()).is_some(), "{life}");
                rig.text();
                rig.advance(next / 20);
            }
            rig.advance(SECOND);
            rig.text();
            assert_eq!(rig.requests(), turn, "{life}: it was a hot call that renewed");
        }
    }
}

#[test]
fn after_a_renewal_that_failed_the_next_try_is_left_to_the_loop_as_well() {
    let rig = Rig::new();
    let next = rig.renew_if_due().unwrap();
    rig.advance(next);
    rig.always(Says::Failed);
    for wait in [1, 2, 4, 8, 16, 32, 64] {
        assert_eq!(rig.renew_if_due().unwrap(), wait * SECOND, "no failure: the token is good");
        let asked = rig.requests();
        rig.advance(wait * SECOND);
        // The loop is a little late, and hot calls come first.
        assert!(rig.cache.peek(|_, _| ()).is_some());
        assert_eq!(rig.text(), "token-1");
        assert_eq!(rig.requests(), asked);
    }
}

#[test]
fn a_loop_that_never_comes_back_leaves_renewal_to_the_hot_calls() {
    let rig = Rig::new();
    rig.renew_if_due().unwrap();
    rig.advance(RENEW_FROM);
    assert_eq!(rig.text(), "token-2");

    let rig = Rig::new();
    rig.text();
    rig.advance(RENEW_FROM);
    rig.script([Says::Failed]);
    assert_eq!(rig.renew_if_due().unwrap(), SECOND);
    rig.advance(61 * SECOND);
    assert_eq!(rig.text(), "token-3");
}

#[test]
fn what_the_loop_was_promised_for_one_token_does_not_delay_the_renewal_of_another() {
    let rig = Rig::new();
    rig.renew_if_due().unwrap();
    rig.script([Says::TokenFor(100 * SECOND)]);
    rig.cache.invalidate("token-1");
    assert_eq!(rig.text(), "token-2");
    rig.advance(70 * SECOND);
    assert_eq!(rig.text(), "token-3");
}

#[test]
fn the_loop_is_told_to_come_back_by_the_tokens_end_at_the_latest() {
    let rig = Rig::new();
    rig.text();
    rig.advance(UNUSABLE_FROM - 20 * SECOND);
    rig.script([Says::Refused]);
    assert_eq!(rig.renew_if_due().unwrap(), 20 * SECOND);
    rig.advance(20 * SECOND);
    let error = rig.renew_if_due().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.retry_after(), Some(30 * MINUTE - 20 * SECOND));
}

#[test]
fn a_loop_that_can_renew_nothing_is_told_to_come_back_at_the_tokens_end() {
    let credentials = crate::credentials::Credentials::refresh_token("r0");
    let rig = Rig::with(credentials, crate::log::Log::default());
    rig.text();
    rig.advance(RENEW_FROM);
    assert_eq!(rig.renew_if_due().unwrap(), UNUSABLE_FROM - RENEW_FROM);
    assert_eq!(rig.requests(), 1);
}

#[test]
fn the_loop_never_comes_back_within_a_second() {
    let rig = Rig::new();
    rig.always(Says::TokenFor(Duration::from_millis(400)));
    assert_eq!(rig.renew_if_due().unwrap(), SECOND);
}

#[test]
fn the_loop_fails_where_there_is_no_token_and_none_to_be_had() {
    let rig = Rig::new();
    rig.always(Says::Unanswered);
    let error = rig.renew_if_due().unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Network, Some(SECOND)));
}

#[test]
fn the_loop_may_use_all_of_its_callers_time() {
    let rig = Rig::new();
    rig.text();
    rig.advance(RENEW_FROM);
    let gate = rig.hold(Says::Token);
    let deadline = Deadline::after(MINUTE);
    std::thread::scope(|scope| {
        scope.spawn(|| rig.cache.renew_if_due(deadline).unwrap());
        assert_eq!(gate.arrived(), deadline);
        gate.release();
    });
}

#[test]
fn the_loop_does_not_renew_beside_a_hot_call_that_does() {
    let rig = Rig::new();
    rig.text();
    rig.advance(RENEW_FROM);
    let gate = rig.hold(Says::Token);
    std::thread::scope(|scope| {
        scope.spawn(|| rig.text());
        gate.arrived();
        assert_eq!(rig.renew_if_due().unwrap(), SECOND);
        gate.release();
    });
    assert_eq!(rig.requests(), 2);
}
