//! Many threads, one request.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::rig::*;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::token::AuthToken;

type Outcome = Result<AuthToken, Error>;

/// `count` threads ask for a token while a request is held, which is then answered.
fn herd(rig: &Rig, count: usize, gate: Gate) -> Vec<Outcome> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(|| rig.get())).collect();
        gate.arrived();
        rig.until_waiting(count - 1);
        gate.release();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn sixty_four_threads_without_a_token_make_one_request_and_share_the_token() {
    let rig = Rig::new();
    let gate = rig.hold(Says::Token);
    for outcome in herd(&rig, 64, gate) {
        assert_eq!(outcome.unwrap().as_str(), "token-1");
    }
    assert_eq!(rig.requests(), 1);
}

#[test]
fn sixty_four_threads_without_a_token_share_one_failure() {
    for says in [Says::Failed, Says::Refused, Says::Locked, Says::Mfa("m"), Says::Limited] {
        let rig = Rig::new();
        let gate = rig.hold(says.clone());
        let kinds: Vec<_> =
            herd(&rig, 64, gate).into_iter().map(|outcome| outcome.unwrap_err().kind()).collect();
        assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{says:?}: {kinds:?}");
        assert_eq!(rig.requests(), 1, "{says:?}");
    }
}

#[test]
fn at_the_moment_of_renewal_one_thread_asks_and_nobody_else_waits() {
    let rig = Rig::new();
    rig.text();
    rig.advance(RENEW_FROM);
    let gate = rig.hold(Says::Token);
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.text());
        gate.arrived();
        // All of them come back while the request is still held.
        let others: Vec<_> = (0..63).map(|_| scope.spawn(|| rig.text())).collect();
        for other in others {
            assert_eq!(other.join().unwrap(), "token-1");
        }
        assert!(rig.cache.peek(|_, _| ()).is_some(), "not even for the lock");
        gate.release();
        assert_eq!(leader.join().unwrap(), "token-2");
    });
    assert_eq!(rig.requests(), 2);
}

#[test]
fn ten_thousand_calls_from_eight_threads_against_a_refusal_make_one_request() {
    let rig = Rig::new();
    rig.always(Says::Refused);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..1250 {
                    assert_eq!(rig.kind(), ErrorKind::Unauthorized);
                }
            });
        }
    });
    assert_eq!(rig.requests(), 1);
}

#[test]
fn a_leaders_own_deadline_is_not_shared_and_the_next_waiter_leads() {
    a_leader_that_fails_alone(Says::TimeUp, ErrorKind::Timeout);
}

#[test]
fn a_leaders_own_cancel_is_not_shared_and_the_next_waiter_leads() {
    a_leader_that_fails_alone(Says::Cancelled, ErrorKind::Cancelled);
}

fn a_leader_that_fails_alone(says: Says, kind: ErrorKind) {
    let rig = Rig::new();
    let first = rig.hold(says);
    let second = rig.hold(Says::Token);
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.get());
        first.arrived();
        let waiters: Vec<_> = (0..8).map(|_| scope.spawn(|| rig.text())).collect();
        rig.until_waiting(8);
        first.release();
        assert_eq!(leader.join().unwrap().unwrap_err().kind(), kind);
        second.arrived();
        second.release();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), "token-2");
        }
    });
    assert_eq!(rig.requests(), 2);
}

#[test]
fn a_leaders_own_end_is_not_held_against_the_service() {
    for says in [Says::TimeUp, Says::Cancelled] {
        let rig = Rig::new();
        rig.script([says]);
        rig.error();
        assert_eq!(rig.text(), "token-2", "at once");
    }
}

#[test]
fn a_leaders_own_end_does_not_lengthen_the_row_of_failures() {
    let rig = Rig::new();
    rig.script([Says::TimeUp, Says::TimeUp, Says::Cancelled, Says::Failed]);
    (0..3).for_each(|_| drop(rig.error()));
    assert_eq!((rig.kind(), rig.wait()), (ErrorKind::Server, SECOND));
}

#[test]
fn a_leader_that_panics_leaves_the_lead_to_the_next_waiter() {
    let rig = Rig::new();
    let gate = rig.hold(Says::Panic);
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.panicking());
        gate.arrived();
        let waiters: Vec<_> = (0..8).map(|_| scope.spawn(|| rig.text())).collect();
        rig.until_waiting(8);
        gate.release();
        leader.join().unwrap();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), "token-2");
        }
    });
    assert_eq!(rig.requests(), 2);
}

#[test]
fn a_panic_during_a_renewal_leaves_the_old_token_in_use_and_is_not_repeated_at_once() {
    let rig = Rig::new();
    rig.text();
    rig.advance(RENEW_FROM);
    rig.script([Says::Panic]);
    rig.panicking();
    assert_eq!(rig.text(), "token-1");
    assert_eq!(rig.requests(), 2);
    rig.advance(SECOND);
    assert_eq!(rig.text(), "token-3");
}

#[test]
fn what_was_a_leaders_own_affair_is_told_to_nobody_once_the_token_is_unusable() {
    for says in [Says::TimeUp, Says::Cancelled] {
        let rig = Rig::new();
        rig.text();
        rig.advance(RENEW_FROM);
        rig.always(says);
        // Until the waits are long.
        rig.hammer(3500);
        rig.always(Says::Token);
        rig.advance(UNUSABLE_FROM - RENEW_FROM - 3500 * SECOND);
        let asked = rig.requests();
        assert_eq!(rig.text(), format!("token-{}", asked + 1));
    }
}

#[test]
fn a_waiter_gives_up_at_its_own_deadline_while_the_leader_goes_on() {
    let rig = Rig::new();
    let gate = rig.hold(Says::Token);
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.text());
        gate.arrived();
        let start = Instant::now();
        let short = || Deadline::after(Duration::from_millis(20));
        let error = rig.cache.token(short).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(start.elapsed() >= Duration::from_millis(20), "not before it");
        gate.release();
        assert_eq!(leader.join().unwrap(), "token-1");
    });
    assert_eq!(rig.requests(), 1);
}

#[test]
fn a_waiter_whose_deadline_has_passed_does_not_wait_at_all() {
    let rig = Rig::new();
    let gate = rig.hold(Says::Token);
    thread::scope(|scope| {
        scope.spawn(|| rig.text());
        gate.arrived();
        let error = rig.cache.token(|| Deadline::after(Duration::ZERO)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        gate.release();
    });
}

#[test]
fn a_waiter_that_wakes_after_the_end_of_the_shared_token_gets_another() {
    let rig = Rig::new();
    let first = rig.hold(Says::TokenFor(10 * SECOND));
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.text());
        first.arrived();
        let waiter = scope.spawn(|| {
            wake_late(10 * SECOND);
            rig.text()
        });
        rig.until_waiting(1);
        first.release();
        assert_eq!(leader.join().unwrap(), "token-1");
        assert_eq!(waiter.join().unwrap(), "token-2");
    });
}

#[test]
fn a_waiter_that_wakes_when_the_shared_token_is_due_leaves_renewal_to_the_next_call() {
    let rig = Rig::new();
    let gate = rig.hold(Says::Token);
    thread::scope(|scope| {
        let leader = scope.spawn(|| rig.text());
        gate.arrived();
        let waiter = scope.spawn(|| {
            wake_late(RENEW_FROM);
            rig.text()
        });
        rig.until_waiting(1);
        gate.release();
        assert_eq!(leader.join().unwrap(), "token-1");
        assert_eq!(waiter.join().unwrap(), "token-1");
    });
    assert_eq!(rig.requests(), 1);
}

#[test]
fn never_are_there_two_sign_ins_at_once() {
    let rig = Rig::new();
    rig.always(Says::TokenFor(SECOND));
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..500 {
                    if let Ok(token) = rig.get() {
                        rig.cache.invalidate(token.as_str());
                    }
                    rig.advance(SECOND);
                }
            });
        }
    });
    assert_eq!(rig.most_at_once(), 1);
}
