//! Fresh, renewable, none: what a token's age means to callers.

use std::time::Duration;

use super::rig::*;
use crate::clock::Clock;
use crate::error::ErrorKind;

const MILLI: Duration = Duration::from_millis(1);

#[test]
fn a_fresh_token_is_served_without_the_network() {
    let rig = Rig::new();
    assert_eq!(rig.text(), "token-1");
    rig.advance(RENEW_FROM - MILLI);
    assert_eq!(rig.text(), "token-1");
    assert_eq!(rig.requests(), 1);
}

#[test]
fn a_token_is_renewed_from_its_point_on_by_the_caller_who_comes_first() {
    let rig = Rig::new();
    rig.text();
    rig.advance(RENEW_FROM);
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.requests(), 2);
}

#[test]
fn the_point_of_renewal_is_drawn_once_per_token() {
    let rig = Rig::new();
    rig.draw(1.0);
    rig.text();
    // A second draw, for the same token, would renew it here.
    rig.draw(0.0);
    rig.advance(RENEW_FROM);
    assert_eq!(rig.text(), "token-1");
    rig.advance(UNUSABLE_FROM.mul_f64(0.95) - RENEW_FROM);
    assert_eq!(rig.text(), "token-2");
}

#[test]
fn a_token_is_never_served_from_its_unusable_point_on() {
    let rig = Rig::new();
    let token = rig.get().unwrap();
    rig.always(Says::Unanswered);
    rig.advance(UNUSABLE_FROM - MILLI);
    assert_eq!(rig.text(), "token-1");
    rig.advance(MILLI);
    assert_eq!(token.expires_in(), Duration::ZERO);
    assert_eq!(rig.kind(), ErrorKind::Network);
    assert!(rig.cache.peek(|_, _| ()).is_none());
}

#[test]
fn a_device_that_slept_past_the_expiry_signs_in_again_before_it_hands_out_a_token() {
    let rig = Rig::new();
    rig.text();
    rig.advance(72 * HOUR);
    assert!(rig.cache.peek(|_, _| ()).is_none());
    assert_eq!(rig.text(), "token-2");
}

#[test]
fn a_life_counts_from_the_moment_the_request_was_sent_not_from_the_answer() {
    let rig = Rig::new();
    rig.script([Says::after(20 * SECOND, Says::Token)]);
    let token = rig.get().unwrap();
    assert_eq!(token.expires_in(), UNUSABLE_FROM - 20 * SECOND);
}

#[test]
fn a_token_that_arrives_unusable_is_an_answer_that_makes_no_sense() {
    for says in [
        Says::TokenFor(Duration::ZERO),
        // Nine tenths of ten seconds have passed when it arrives.
        Says::after(9 * SECOND, Says::TokenFor(10 * SECOND)),
    ] {
        let rig = Rig::new();
        rig.script([says]);
        let error = rig.error();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert_eq!(error.retry_after(), Some(SECOND), "it waits like any failure");
        assert_eq!(rig.kind(), ErrorKind::BadResponse);
        assert_eq!(rig.requests(), 1);
    }
}

#[test]
fn tokens_with_no_life_for_ever_cost_no_more_than_any_failing_service() {
    let rig = Rig::new();
    rig.always(Says::TokenFor(Duration::ZERO));
    assert_eq!(rig.hammer(200), [0, 1, 3, 7, 15, 31, 63, 127]);
}

#[test]
fn a_token_with_a_tiny_life_is_used_for_nine_tenths_of_it() {
    let rig = Rig::new();
    rig.script([Says::TokenFor(10 * SECOND)]);
    assert_eq!(rig.text(), "token-1");
    rig.advance(Duration::from_millis(6_749));
    assert_eq!(rig.text(), "token-1");
    rig.advance(MILLI);
    assert_eq!(rig.text(), "token-2");
}

#[test]
fn tokens_with_tiny_lives_for_ever_stay_within_the_budget() {
    let rig = Rig::new();
    rig.always(Says::TokenFor(4 * SECOND));
    let asked = rig.hammer(900);
    assert!(asked.len() <= 30, "{asked:?}");
}

#[test]
fn a_token_with_the_longest_life_is_good_for_all_of_it_less_30_seconds() {
    let month = 31 * 24 * HOUR;
    let rig = Rig::new();
    rig.script([Says::TokenFor(month)]);
    rig.text();
    rig.always(Says::Unanswered);
    rig.advance(month - 30 * SECOND - MILLI);
    assert_eq!(rig.text(), "token-1");
    rig.advance(MILLI);
    assert_eq!(rig.kind(), ErrorKind::Network);
}

#[test]
fn a_renewal_that_fails_leaves_the_old_token_in_use_whatever_the_reason() {
    for says in [
        Says::Mfa("m"),
        Says::Refused,
        Says::Locked,
        Says::Limited,
        Says::Failed,
        Says::Unanswered,
        Says::Unsent,
        Says::TimeUp,
        Says::Cancelled,
        Says::TokenFor(Duration::ZERO),
    ] {
        let rig = Rig::new();
        rig.text();
        rig.advance(RENEW_FROM);
        rig.script([says.clone()]);
        assert_eq!(rig.text(), "token-1", "{says:?}: the caller who renews");
        assert_eq!(rig.requests(), 2, "{says:?}");
        assert_eq!(rig.text(), "token-1", "{says:?}: the next");
        assert_eq!(rig.requests(), 2, "{says:?}: the next try waits");
    }
}

#[test]
fn a_service_that_fails_from_renew_to_unusable_makes_no_call_fail_and_is_seldom_asked() {
    for says in [Says::Failed, Says::Unanswered, Says::TimeUp, Says::TokenFor(Duration::ZERO)] {
        let rig = Rig::new();
        rig.text();
        rig.advance(RENEW_FROM);
        rig.always(says.clone());
        let end = rig.get().unwrap().unusable_from();
        while rig.clock.now() < end {
            assert_eq!(rig.text(), "token-1");
            rig.advance(SECOND);
        }
        // An hour: 1 + 2 + 4 + … s, then every half hour.
        assert!(rig.requests() <= 14, "{says:?}: {}", rig.requests());
    }
}

#[test]
fn renewal_is_tried_again_after_1_second_doubling_to_30_minutes() {
    let rig = Rig::new();
    rig.script([Says::TokenFor(31 * 24 * HOUR)]);
    rig.text();
    rig.advance(31 * 24 * HOUR * 3 / 4);
    rig.always(Says::Failed);
    rig.script([Says::Unanswered, Says::Failed, Says::Unanswered]);
    let asked = rig.hammer(8000);
    let gaps: Vec<u64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps[..13], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800]);
}

#[test]
fn a_renewal_takes_ten_seconds_at_most_and_less_if_the_caller_has_less() {
    for (own, least, most) in [(3600, 9, 10), (5, 4, 5)] {
        let rig = Rig::new();
        rig.text();
        rig.advance(RENEW_FROM);
        let gate = rig.hold(Says::Token);
        let deadline = crate::deadline::Deadline::after(Duration::from_secs(own));
        let left = std::thread::scope(|scope| {
            scope.spawn(|| rig.cache.token(|| deadline).unwrap());
            let left = gate.arrived().left();
            gate.release();
            left
        });
        let range = Duration::from_secs(least)..=Duration::from_secs(most);
        assert!(range.contains(&left), "{left:?}");
    }
}

#[test]
fn a_renewal_that_outlasts_the_token_is_a_sign_in_whose_failure_all_hear() {
    let rig = Rig::new();
    rig.text();
    rig.advance(UNUSABLE_FROM - SECOND);
    rig.script([Says::after(2 * SECOND, Says::Failed)]);
    assert_eq!(rig.kind(), ErrorKind::Server);
    assert_eq!(rig.requests(), 2);
}

#[test]
fn a_renewal_whose_ten_seconds_outlast_the_token_goes_on_with_the_callers_own_time() {
    let rig = Rig::new();
    rig.text();
    rig.advance(UNUSABLE_FROM - SECOND);
    rig.script([Says::after(10 * SECOND, Says::TimeUp)]);
    assert_eq!(rig.text(), "token-3");
}
