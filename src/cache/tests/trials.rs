//! Credentials that are tried out before they replace those in use.

use std::thread;
use std::time::Duration;

use super::rig::*;
use crate::error::ErrorKind;

#[test]
fn a_trial_brings_a_token_that_is_the_callers_alone() {
    let rig = Rig::new();
    assert_eq!(rig.try_out().unwrap().as_str(), "token-1");
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.try_out().unwrap().as_str(), "token-3");
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.grants(), ["application trial", "application one", "application trial"]);
}

#[test]
fn what_the_service_says_of_credentials_on_trial_is_no_ruling_on_those_in_use() {
    for (says, kind) in [
        (Says::Refused, ErrorKind::Unauthorized),
        (Says::Locked, ErrorKind::AccountLocked),
        (Says::Mfa("m"), ErrorKind::MfaRequired),
        (Says::TimeUp, ErrorKind::Timeout),
        (Says::Cancelled, ErrorKind::Cancelled),
    ] {
        let rig = Rig::new();
        rig.script([says]);
        assert_eq!(rig.try_out().unwrap_err().kind(), kind);
        assert_eq!(rig.text(), "token-2", "after {kind:?}");
    }
}

#[test]
fn what_the_service_says_of_this_devices_requests_holds_for_all_of_them() {
    for (says, kind, wait) in [
        (Says::LimitedFor(40), ErrorKind::RateLimited, 40),
        (Says::FailedFor(40), ErrorKind::Server, 40),
        (Says::Failed, ErrorKind::Server, 1),
        (Says::Unanswered, ErrorKind::Network, 1),
        (Says::TokenFor(Duration::ZERO), ErrorKind::BadResponse, 1),
    ] {
        let rig = Rig::new();
        rig.script([says.clone()]);
        assert_eq!(rig.try_out().unwrap_err().kind(), kind);
        assert_eq!((rig.kind(), rig.wait()), (kind, wait * SECOND), "{says:?}");
        assert_eq!(rig.requests(), 1);
    }
}

#[test]
fn no_trial_is_made_while_the_service_has_asked_to_wait() {
    let rig = Rig::new();
    rig.script([Says::LimitedFor(40)]);
    rig.error();
    let refused = [rig.cache.may_try_out().unwrap_err(), rig.try_out().unwrap_err()];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(40 * SECOND));
    }
    assert_eq!(rig.requests(), 1);
    rig.advance(40 * SECOND);
    rig.cache.may_try_out().unwrap();
    rig.try_out().unwrap();
}

#[test]
fn after_a_refused_trial_none_is_made_for_five_minutes_so_that_no_loop_locks_the_account() {
    for says in [Says::Refused, Says::Locked, Says::Mfa("m")] {
        let rig = Rig::new();
        rig.script([says]);
        let kind = rig.try_out().unwrap_err().kind();
        rig.text();
        rig.advance(5 * MINUTE - SECOND);
        for error in [rig.cache.may_try_out().unwrap_err(), rig.try_out().unwrap_err()] {
            assert_eq!((error.kind(), error.retry_after()), (kind, Some(SECOND)));
        }
        assert_eq!(rig.requests(), 2, "{kind:?}");
        rig.advance(SECOND);
        rig.try_out().unwrap();
    }
}

#[test]
fn a_reset_and_new_credentials_let_a_trial_be_made_again() {
    for change in [Change::Reset, Change::NewCredentials] {
        let rig = Rig::new();
        rig.script([Says::Refused]);
        rig.try_out().unwrap_err();
        rig.change(change);
        rig.try_out().unwrap();
    }
}

#[test]
fn trials_and_other_sign_ins_share_one_budget() {
    let rig = Rig::new();
    for _ in 0..9 {
        rig.try_out().unwrap();
    }
    rig.text();
    let refused = [rig.cache.may_try_out().unwrap_err(), rig.try_out().unwrap_err()];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(5 * MINUTE));
    }
    assert_eq!(rig.requests(), 10);
    rig.advance(5 * MINUTE);
    rig.cache.may_try_out().unwrap();
    rig.try_out().unwrap();
}

#[test]
fn a_refusal_of_those_in_use_does_not_keep_others_from_being_tried_out() {
    let rig = Rig::new();
    rig.script([Says::Refused]);
    rig.error();
    rig.try_out().unwrap();
    assert_eq!(rig.kind(), ErrorKind::Unauthorized);
}

#[test]
fn a_trial_that_was_lost_on_a_dead_connection_is_made_once_more() {
    let rig = Rig::new();
    rig.script([Says::Stale]);
    assert_eq!(rig.try_out().unwrap().as_str(), "token-2");
    assert!(rig.seen()[1].fresh_connection);
    rig.script([Says::Stale, Says::Stale]);
    assert_eq!(rig.try_out().unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(rig.requests(), 4);
}

#[test]
fn nobody_waits_for_a_trial_while_there_is_a_good_token_and_nobody_shares_its_result() {
    let rig = Rig::new();
    rig.text();
    let gate = rig.hold(Says::Refused);
    thread::scope(|scope| {
        let trial = scope.spawn(|| rig.try_out().unwrap_err().kind());
        gate.arrived();
        rig.advance(RENEW_FROM);
        assert_eq!(rig.text(), "token-1");
        rig.advance(UNUSABLE_FROM - RENEW_FROM);
        let waiter = scope.spawn(|| rig.text());
        rig.until_waiting(1);
        gate.release();
        assert_eq!(trial.join().unwrap(), ErrorKind::Unauthorized);
        assert_eq!(waiter.join().unwrap(), "token-3");
    });
    assert_eq!(rig.most_at_once(), 1);
}

#[test]
fn a_trial_waits_for_the_sign_in_on_its_way_and_is_then_made_itself() {
    let rig = Rig::new();
    let gate = rig.hold(Says::Token);
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.text());
        gate.arrived();
        let trial = scope.spawn(|| rig.try_out().unwrap().as_str().to_owned());
        rig.until_waiting(1);
        gate.release();
        assert_eq!(leader.join().unwrap(), "token-1");
        assert_eq!(trial.join().unwrap(), "token-2");
    });
    assert_eq!((rig.most_at_once(), rig.text().as_str()), (1, "token-1"));
}

#[test]
fn new_credentials_do_not_disturb_a_trial_nor_does_it_disturb_them() {
    let rig = Rig::new();
    rig.script([Says::Meanwhile(Change::NewCredentials, Box::new(Says::Token))]);
    assert_eq!(rig.try_out().unwrap().as_str(), "token-1");
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.grants(), ["application trial", "application application 0"]);
}

#[test]
fn a_cancelled_client_tries_nothing_out() {
    let rig = Rig::new();
    rig.change(Change::Cancel);
    assert_eq!(rig.try_out().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(rig.requests(), 0);
}
