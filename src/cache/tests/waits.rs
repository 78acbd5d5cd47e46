//! Back-off, rate limits and the budget: how long the service is left alone.

use std::time::Duration;

use super::rig::*;
use crate::error::ErrorKind;

fn gaps(asked: &[u64]) -> Vec<u64> {
    asked.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn where_nothing_answers_the_next_request_waits_1_second_doubling_to_60() {
    let rig = Rig::new();
    rig.always(Says::Unsent);
    assert_eq!(gaps(&rig.hammer(200)), [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn where_the_service_fails_the_next_request_waits_1_second_doubling_to_5_minutes() {
    let rig = Rig::new();
    rig.always(Says::Failed);
    assert_eq!(gaps(&rig.hammer(1200)), [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
}

#[test]
fn while_it_waits_calls_fail_at_once_with_the_same_error_and_the_time_left() {
    let rig = Rig::new();
    rig.always(Says::FailedFor(20));
    assert_eq!(rig.error().to_string(), "503; next try in 20 s");
    rig.advance(Duration::from_millis(12_500));
    assert_eq!(rig.error().to_string(), "503; next try in 8 s", "rounded up");
    assert_eq!(rig.error().retry_after(), Some(Duration::from_millis(7_500)));
    assert_eq!(rig.requests(), 1);
}

#[test]
fn a_success_ends_the_row_of_failures() {
    let rig = Rig::new();
    rig.script([Says::Failed, Says::Failed, Says::Token, Says::Failed]);
    rig.hammer(4);
    rig.cache.invalidate("token-3");
    assert_eq!(rig.wait(), SECOND);
}

#[test]
fn a_429_is_waited_for_as_it_says() {
    for (says, wait) in [
        (Says::LimitedFor(7), 7),
        (Says::LimitedFor(3599), 3599),
        (Says::LimitedFor(86_400), 3600),
        (Says::LimitedFor(u64::MAX), 3600),
        // "At once" after "too many" would make every caller in turn ask.
        (Says::LimitedFor(0), 1),
    ] {
        let rig = Rig::new();
        rig.script([says.clone()]);
        let error = rig.error();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(wait * SECOND), "{says:?}");
        let wait = u64::from(wait);
        assert_eq!(rig.hammer(wait + 1), [wait], "{says:?}");
    }
}

#[test]
fn a_429_that_says_nothing_is_waited_for_30_seconds_doubling_to_30_minutes() {
    let rig = Rig::new();
    rig.always(Says::Limited);
    assert_eq!(gaps(&rig.hammer(7300)), [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
}

#[test]
fn a_failure_whose_wait_is_over_is_not_told_in_place_of_the_429_that_came_after_it() {
    let rig = Rig::new();
    rig.script([Says::Failed, Says::Limited]);
    assert_eq!(rig.kind(), ErrorKind::Server);
    rig.advance(SECOND);
    assert_eq!((rig.kind(), rig.wait()), (ErrorKind::RateLimited, 30 * SECOND));
}

#[test]
fn a_retry_after_is_the_floor_of_any_failure_and_at_most_an_hour_is_waited() {
    for (says, wait) in [
        (Says::FailedFor(0), 1),
        (Says::FailedFor(90), 90),
        (Says::FailedFor(86_400), 3600),
        (Says::FailedFor(u64::MAX), 3600),
    ] {
        let rig = Rig::new();
        rig.script([says.clone()]);
        assert_eq!(rig.error().retry_after(), Some(wait * SECOND), "{says:?}");
    }
}

#[test]
fn jitter_of_up_to_half_goes_on_top_of_every_back_off_and_429_but_never_over_an_hour() {
    for (says, plain, most) in [
        (Says::Failed, 1.0, 1.5),
        (Says::Unanswered, 1.0, 1.5),
        (Says::FailedFor(60), 60.0, 90.0),
        (Says::Limited, 30.0, 45.0),
        (Says::LimitedFor(60), 60.0, 90.0),
        (Says::LimitedFor(3000), 3000.0, 3600.0),
        (Says::LimitedFor(u64::MAX), 3600.0, 3600.0),
    ] {
        for (draw, wait) in [(0.0, plain), (1.0, most)] {
            let rig = Rig::new();
            rig.draw(draw);
            rig.script([says.clone()]);
            let told = rig.error().retry_after().unwrap().as_secs_f64();
            assert!((told - wait).abs() < 1e-6, "{says:?}, {draw}: {told}");
        }
    }
}

/// A cache whose renewals have failed for so long that the waits are half an hour, and whose token
/// becomes unusable a minute after such a wait began.
fn failing_until_the_end(says: Says, draw: f64) -> Rig {
    let rig = Rig::new();
    rig.script([Says::TokenFor(31 * 24 * HOUR)]);
    rig.text();
    rig.advance(30 * 24 * HOUR);
    rig.always(says);
    for _ in 0..12 {
        rig.text();
        rig.advance(HOUR);
    }
    rig.advance(rig.get().unwrap().expires_in() - MINUTE);
    rig.draw(draw);
    let asked = rig.requests();
    rig.text();
    assert_eq!(rig.requests(), asked + 1);
    rig
}

#[test]
fn when_the_token_becomes_unusable_what_is_left_of_a_long_wait_is_cut() {
    for (says, draw, most) in [
        (Says::Unanswered, 0.0, 60),
        (Says::Unanswered, 1.0, 90),
        (Says::Failed, 0.0, 300),
        (Says::Failed, 1.0, 450),
        // Its own Retry-After is never cut.
        (Says::FailedFor(3000), 0.0, 2940),
    ] {
        let rig = failing_until_the_end(says.clone(), draw);
        let asked = rig.requests();
        rig.advance(MINUTE);
        let error = rig.error();
        assert_eq!(rig.requests(), asked, "{says:?}: not asked at once");
        assert_eq!(error.retry_after(), Some(most * SECOND), "{says:?}, {draw}");
    }
}

#[test]
fn a_wait_that_is_cut_counts_from_when_the_token_became_unusable_not_from_the_next_call() {
    let rig = failing_until_the_end(Says::Unanswered, 0.0);
    let asked = rig.requests();
    rig.advance(MINUTE + 59 * SECOND);
    assert_eq!(rig.wait(), SECOND);
    rig.advance(SECOND);
    rig.error();
    assert_eq!(rig.requests(), asked + 1);
}

#[test]
fn ten_requests_are_sent_in_any_five_minutes_and_the_time_left_is_exact() {
    let rig = Rig::new();
    for n in 1..=10 {
        rig.cache.invalidate(&rig.text());
        assert_eq!(rig.requests(), n);
        rig.advance(SECOND);
    }
    let error = rig.error();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(290 * SECOND));
    assert_eq!(rig.hammer(291), [290]);
}

#[test]
fn a_request_counts_from_when_it_ended() {
    let rig = Rig::new();
    for _ in 0..10 {
        rig.script([Says::after(3 * SECOND, Says::Token)]);
        rig.cache.invalidate(&rig.text());
    }
    // The first ended after 3 s, and 27 s have passed since.
    assert_eq!(rig.wait(), 273 * SECOND);
}

#[test]
fn a_usable_token_is_served_while_the_budget_is_empty() {
    let rig = Rig::new();
    rig.always(Says::TokenFor(100 * SECOND));
    for _ in 0..9 {
        rig.cache.invalidate(&rig.text());
    }
    rig.text();
    // Due, and must not be renewed.
    rig.advance(80 * SECOND);
    assert_eq!(rig.text(), "token-10");
    assert_eq!(rig.requests(), 10);
}

#[test]
fn what_did_not_leave_costs_no_budget() {
    let rig = Rig::new();
    for _ in 0..20 {
        rig.script([Says::Unsent]);
        rig.error();
        rig.cache.reset();
    }
    rig.always(Says::Failed);
    for _ in 0..10 {
        assert_eq!(rig.kind(), ErrorKind::Server);
        rig.cache.reset();
    }
    assert_eq!(rig.kind(), ErrorKind::RateLimited);
    assert_eq!(rig.requests(), 30);
}

#[test]
fn a_panic_counts_as_sent() {
    let rig = Rig::new();
    rig.always(Says::Panic);
    for _ in 0..10 {
        rig.panicking();
    }
    assert_eq!(rig.kind(), ErrorKind::RateLimited);
}

#[test]
fn the_leader_is_told_the_budgets_time_where_that_is_longer_than_the_back_off() {
    let rig = Rig::new();
    rig.always(Says::Failed);
    for _ in 0..9 {
        rig.error();
        rig.cache.reset();
    }
    let error = rig.error();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Server, Some(5 * MINUTE)));
}
