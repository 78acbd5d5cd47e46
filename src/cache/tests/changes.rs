//! What callers may change: invalidate, replace, reset, new credentials, cancel.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::rig::*;
use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::error::ErrorKind;
use crate::log::Log;
use crate::token::{AuthToken, DOCUMENTED_LIFETIME};

#[test]
fn a_token_is_invalidated_by_value_so_that_late_news_of_an_old_one_do_not_kill_the_new() {
    let rig = Rig::new();
    rig.text();
    rig.cache.invalidate("token-1");
    assert!(rig.cache.peek(|_, _| ()).is_none(), "at once, for readers without the lock too");
    assert_eq!(rig.text(), "token-2");
    rig.cache.invalidate("token-1");
    rig.cache.invalidate("");
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.requests(), 2);
}

#[test]
fn a_401_on_a_call_replaces_the_token_at_most_once_a_minute_doubling_to_30() {
    let rig = Rig::new();
    rig.always(Says::TokenFor(31 * 24 * HOUR));
    let mut replaced = Vec::new();
    for second in 0..(3 * 3600) {
        if rig.cache.replace(&rig.text()) {
            replaced.push(second);
        }
        rig.advance(SECOND);
    }
    let gaps: Vec<_> = replaced.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [60, 120, 240, 480, 960, 1800, 1800, 1800, 1800]);
}

#[test]
fn a_401_for_a_token_that_was_replaced_meanwhile_is_repeated_with_the_new_one_at_no_cost() {
    let rig = Rig::new();
    rig.text();
    assert!(rig.cache.replace("token-1"));
    rig.text();
    assert!((0..8).all(|_| rig.cache.replace("token-1")));
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.requests(), 2);
}

#[test]
fn in_between_the_401_is_returned_and_the_token_stays() {
    let rig = Rig::new();
    rig.cache.replace(&rig.text());
    rig.text();
    assert!(!rig.cache.replace("token-2"));
    assert_eq!(rig.text(), "token-2");
}

/// Replaces the token three times, as soon as that is allowed.
fn refused_three_times() -> Rig {
    let rig = Rig::new();
    for wait in [60, 120, 240] {
        assert!(rig.cache.replace(&rig.text()));
        rig.advance(wait * SECOND);
    }
    rig.text();
    rig
}

#[test]
fn a_token_that_is_accepted_ends_the_row_of_refused_ones() {
    let rig = refused_three_times();
    rig.cache.accepted(&rig.text());
    assert!(rig.cache.replace(&rig.text()));
    rig.text();
    rig.advance(59 * SECOND);
    assert!(!rig.cache.replace(&rig.text()));
    rig.advance(SECOND);
    assert!(rig.cache.replace(&rig.text()));
}

#[test]
fn a_token_that_is_accepted_and_then_refused_is_replaced_a_minute_after_the_last() {
    let rig = Rig::new();
    for wait in [60, 120, 240, 0] {
        assert!(rig.cache.replace(&rig.text()));
        rig.advance(wait * SECOND);
    }
    // But for the acceptance, eight minutes would have to pass.
    rig.cache.accepted(&rig.text());
    rig.advance(MINUTE);
    assert!(rig.cache.replace(&rig.text()));
}

#[test]
fn that_another_token_was_accepted_says_nothing_of_this_one() {
    let rig = refused_three_times();
    assert!(rig.cache.replace(&rig.text()));
    rig.text();
    rig.cache.accepted("token-1");
    rig.advance(2 * MINUTE);
    assert!(!rig.cache.replace(&rig.text()));
}

#[test]
fn one_path_that_always_answers_401_costs_less_and_less_though_others_accept_the_token() {
    let rig = Rig::new();
    rig.always(Says::TokenFor(31 * 24 * HOUR));
    rig.text();
    for _ in 0..3600 {
        rig.cache.accepted(&rig.text());
        rig.cache.replace(&rig.text());
        rig.advance(SECOND);
    }
    assert!(rig.requests() <= 7, "{}", rig.requests());
}

#[test]
fn a_token_is_not_replaced_while_there_can_be_no_other() {
    // Renewal was refused; the old token may do for other calls.
    let rig = Rig::new();
    rig.text();
    rig.advance(RENEW_FROM);
    rig.script([Says::Refused]);
    rig.text();
    assert!(!rig.cache.replace("token-1"));
    assert_eq!(rig.text(), "token-1");
    rig.cache.reset();
    assert!(rig.cache.replace("token-1"));
    // The one refresh token is used up.
    let rig = Rig::with(Credentials::refresh_token("r0"), Log::default());
    rig.text();
    assert!(!rig.cache.replace("token-1"));
    assert_eq!(rig.text(), "token-1");
}

#[test]
fn a_token_is_replaced_from_the_very_moment_at_which_there_can_be_another() {
    let rig = Rig::new();
    rig.text();
    rig.advance(RENEW_FROM);
    rig.script([Says::FailedFor(60)]);
    rig.text();
    rig.advance(59 * SECOND);
    assert!(!rig.cache.replace("token-1"));
    rig.advance(SECOND);
    assert!(rig.cache.replace("token-1"));
    assert_eq!(rig.text(), "token-3");
}

#[test]
fn a_401_shortens_a_long_wait_for_renewal_to_what_it_is_without_a_token() {
    let rig = Rig::new();
    rig.text();
    rig.advance(RENEW_FROM);
    rig.always(Says::Failed);
    rig.hammer(2100);
    rig.always(Says::Token);
    let asked = rig.requests();
    for _ in 0..300 {
        rig.cache.replace(&rig.text());
        assert_eq!(rig.requests(), asked, "the wait was a thousand seconds");
        rig.advance(SECOND);
    }
    rig.cache.replace(&rig.text());
    assert_eq!(rig.requests(), asked + 1);
}

#[test]
fn reset_clears_a_refusal_a_lock_out_a_challenge_and_a_back_off() {
    for says in [
        Says::Refused,
        Says::Locked,
        Says::Mfa("m"),
        Says::Failed,
        Says::Unanswered,
        Says::FailedFor(99),
    ] {
        let rig = Rig::new();
        rig.script([says.clone(), Says::Failed]);
        rig.error();
        rig.cache.reset();
        assert_eq!(rig.wait(), SECOND, "{says:?}: asked again, and the first of a new row");
        assert_eq!(rig.requests(), 2);
    }
}

#[test]
fn reset_ends_the_row_of_lock_outs() {
    let rig = Rig::new();
    rig.always(Says::Locked);
    rig.error();
    rig.cache.reset();
    assert_eq!(rig.wait(), 5 * MINUTE);
}

#[test]
fn reset_keeps_a_429_its_row_and_the_budget() {
    let rig = Rig::new();
    rig.always(Says::Limited);
    rig.error();
    rig.cache.reset();
    assert_eq!((rig.kind(), rig.wait()), (ErrorKind::RateLimited, 30 * SECOND));
    assert_eq!(rig.requests(), 1);
    rig.advance(30 * SECOND);
    assert_eq!(rig.wait(), 60 * SECOND);

    let rig = Rig::new();
    rig.always(Says::Refused);
    for _ in 0..10 {
        rig.error();
        rig.cache.reset();
    }
    assert_eq!(rig.kind(), ErrorKind::RateLimited);
    assert_eq!(rig.requests(), 10);
}

#[test]
fn reset_keeps_a_good_token() {
    let rig = Rig::new();
    rig.text();
    rig.cache.reset();
    assert_eq!(rig.text(), "token-1");
}

#[test]
fn new_credentials_drop_the_token_the_refresh_token_and_every_verdict_on_the_old() {
    let rig = Rig::with(user(), Log::default());
    rig.script([Says::Session("r1")]);
    rig.text();
    rig.set_credentials(application());
    assert!(rig.cache.peek(|_, _| ()).is_none());
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.grants(), ["user ada", "application one"]);

    for says in [Says::Refused, Says::Locked, Says::Mfa("m"), Says::Failed] {
        let rig = Rig::new();
        rig.script([says]);
        rig.error();
        rig.set_credentials(Credentials::application_token("two"));
        assert_eq!(rig.text(), "token-2");
        assert_eq!(rig.grants()[1], "application two");
    }
}

#[test]
fn credentials_that_are_in_use_already_are_not_new_and_forget_no_refusal() {
    let rig = Rig::new();
    rig.script([Says::Refused]);
    rig.error();
    for _ in 0..100 {
        rig.set_credentials(application());
        assert_eq!(rig.kind(), ErrorKind::Unauthorized);
    }
    assert_eq!(rig.requests(), 1);
}

#[test]
fn new_credentials_keep_a_429_and_the_budget() {
    let rig = Rig::new();
    rig.script([Says::LimitedFor(60)]);
    rig.error();
    rig.set_credentials(user());
    assert_eq!((rig.kind(), rig.wait()), (ErrorKind::RateLimited, MINUTE));

    let rig = Rig::new();
    for number in 0..10 {
        rig.text();
        rig.set_credentials(Credentials::application_token(format!("number {number}")));
    }
    assert_eq!(rig.kind(), ErrorKind::RateLimited);
}

#[test]
fn new_credentials_discard_the_result_of_a_sign_in_in_flight_and_its_leader_goes_on_with_them() {
    for says in [Says::Token, Says::Session("old"), Says::Refused, Says::Locked, Says::Mfa("m")] {
        let rig = Rig::new();
        let gate = rig.hold(says.clone());
        let second = rig.hold(Says::Token);
        thread::scope(|scope| {
            let leader = scope.spawn(|| rig.text());
            gate.arrived();
            let waiter = scope.spawn(|| rig.text());
            rig.set_credentials(Credentials::application_token("two"));
            // The flight stays on the board: this one waits too, and does not sign in beside it.
            let late = scope.spawn(|| rig.text());
            rig.until_waiting(2);
            gate.release();
            second.arrived();
            second.release();
            for thread in [leader, waiter, late] {
                assert_eq!(thread.join().unwrap(), "token-2", "{says:?}");
            }
        });
        assert_eq!(rig.grants(), ["application one", "application two"]);
        assert_eq!(rig.most_at_once(), 1);
        rig.cache.invalidate("token-2");
        rig.text();
        assert_eq!(rig.grants()[2], "application two", "no refresh token of the old ones");
    }
}

#[test]
fn a_429_is_kept_though_the_credentials_were_replaced_in_flight() {
    let rig = Rig::new();
    let gate = rig.hold(Says::LimitedFor(60));
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.error());
        gate.arrived();
        rig.set_credentials(Credentials::application_token("two"));
        gate.release();
        assert_eq!(leader.join().unwrap().kind(), ErrorKind::RateLimited);
    });
    assert_eq!(rig.wait(), MINUTE);
    assert_eq!(rig.requests(), 1);
}

#[test]
fn credentials_replaced_in_flight_are_within_the_budget_too() {
    let rig = Rig::new();
    for _ in 0..9 {
        rig.cache.invalidate(&rig.text());
    }
    let gate = rig.hold(Says::Token);
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.error());
        gate.arrived();
        rig.set_credentials(Credentials::application_token("two"));
        gate.release();
        assert_eq!(leader.join().unwrap().kind(), ErrorKind::RateLimited);
    });
    assert_eq!(rig.requests(), 10);
}

/// A token that the caller has got for `lifetime` by other means than a sign-in.
fn got_elsewhere(rig: &Rig, lifetime: Duration) -> AuthToken {
    let clock = Arc::new(rig.clock.clone());
    AuthToken::new("elsewhere".to_owned().into(), lifetime, rig.clock.now(), 0.0, clock)
}

#[test]
fn new_credentials_may_bring_their_token_which_is_served_at_once_and_renewed_in_time() {
    let rig = Rig::new();
    rig.script([Says::Refused]);
    rig.error();
    let credentials = Credentials::application_token("two");
    assert!(rig.cache.adopt(&application(), credentials, got_elsewhere(&rig, 100 * SECOND)));
    assert_eq!(rig.text(), "elsewhere");
    assert_eq!(rig.requests(), 1);
    rig.advance(80 * SECOND);
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.grants()[1], "application two");
}

#[test]
fn a_token_that_came_with_new_credentials_is_served_though_the_old_one_is_good_for_just_as_long() {
    let rig = Rig::new();
    rig.text();
    let token = got_elsewhere(&rig, DOCUMENTED_LIFETIME);
    assert!(rig.cache.adopt(&application(), Credentials::application_token("two"), token));
    assert_eq!(rig.text(), "elsewhere");
}

#[test]
fn a_token_that_came_with_new_credentials_spares_those_who_wait_the_sign_in_in_flight() {
    let rig = Rig::new();
    let gate = rig.hold(Says::Refused);
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.text());
        gate.arrived();
        let waiter = scope.spawn(|| rig.text());
        rig.until_waiting(1);
        let token = got_elsewhere(&rig, 100 * SECOND);
        assert!(rig.cache.adopt(&application(), Credentials::application_token("two"), token));
        assert_eq!(waiter.join().unwrap(), "elsewhere", "while the old request is on its way");
        gate.release();
        assert_eq!(leader.join().unwrap(), "elsewhere");
    });
    assert_eq!(rig.requests(), 1, "nothing was left to ask for");
}

#[test]
fn credentials_that_somebody_else_has_set_meanwhile_are_not_replaced() {
    let rig = Rig::new();
    let (somebodys, ours) =
        (Credentials::application_token("s"), Credentials::application_token("o"));
    rig.set_credentials(somebodys);
    assert!(!rig.cache.adopt(&application(), ours, got_elsewhere(&rig, 100 * SECOND)));
    rig.text();
    assert_eq!(rig.grants(), ["application s"]);
}

#[test]
fn cancel_wakes_those_who_wait_and_a_resumed_client_goes_on() {
    let rig = Rig::new();
    let gate = rig.hold(Says::Cancelled);
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.kind());
        gate.arrived();
        let waiters: Vec<_> = (0..8).map(|_| scope.spawn(|| rig.kind())).collect();
        rig.until_waiting(8);
        rig.cache.set_cancelled(true);
        for waiter in waiters {
            assert_eq!(
                waiter.join().unwrap(),
                ErrorKind::Cancelled,
                "the leader is still on its way"
            );
        }
        gate.release();
        assert_eq!(leader.join().unwrap(), ErrorKind::Cancelled);
    });
    assert_eq!(rig.kind(), ErrorKind::Cancelled);
    assert_eq!(rig.requests(), 1);
    rig.cache.set_cancelled(false);
    assert_eq!(rig.text(), "token-2");
}

#[test]
fn a_cancelled_client_serves_a_good_token_and_renews_none() {
    let rig = Rig::new();
    rig.text();
    rig.cache.set_cancelled(true);
    assert_eq!(rig.text(), "token-1");
    rig.advance(RENEW_FROM);
    assert_eq!(rig.text(), "token-1");
    rig.renew_if_due().unwrap();
    rig.advance(UNUSABLE_FROM - RENEW_FROM);
    assert_eq!(rig.kind(), ErrorKind::Cancelled);
    assert_eq!(rig.requests(), 1);
}
