//! User sessions with their refresh tokens, and connections that turn out dead.

use std::time::Duration;

use super::rig::*;
use crate::credentials::Credentials;
use crate::error::ErrorKind;
use crate::log::Log;

/// A user's session whose refresh token is `r1`, at the moment of renewal.
fn session() -> Rig {
    let rig = Rig::with(user(), Log::default());
    rig.script([Says::Session("r1")]);
    assert_eq!(rig.text(), "token-1");
    rig.advance(RENEW_FROM);
    rig
}

fn refresh_only() -> Rig {
    Rig::with(Credentials::refresh_token("r0"), Log::default())
}

#[test]
fn a_session_is_renewed_with_its_refresh_token() {
    let rig = session();
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.grants(), ["user ada", "refresh r1"]);
}

#[test]
fn the_refresh_token_that_comes_with_the_answer_is_the_next() {
    let rig = session();
    rig.script([Says::Session("r2"), Says::Session("r3")]);
    rig.text();
    rig.cache.invalidate("token-2");
    rig.text();
    rig.cache.invalidate("token-3");
    rig.text();
    assert_eq!(rig.grants(), ["user ada", "refresh r1", "refresh r2", "refresh r3"]);
}

#[test]
fn where_no_refresh_token_came_there_is_none_and_the_credentials_are_used() {
    let rig = session();
    rig.script([Says::Token]);
    rig.text();
    rig.cache.invalidate("token-2");
    rig.text();
    assert_eq!(rig.grants(), ["user ada", "refresh r1", "user ada"]);
}

#[test]
fn a_refresh_token_is_spent_even_by_an_answer_that_is_of_no_use() {
    let rig = session();
    rig.script([Says::TokenFor(Duration::ZERO)]);
    rig.text();
    rig.advance(SECOND);
    rig.text();
    assert_eq!(rig.grants(), ["user ada", "refresh r1", "user ada"]);
}

#[test]
fn a_refused_refresh_token_is_spent_and_the_credentials_are_used_at_once_and_once() {
    let rig = session();
    rig.script([Says::Refused, Says::Refused]);
    assert_eq!(rig.text(), "token-1", "the old one is still good");
    assert_eq!(rig.grants(), ["user ada", "refresh r1", "user ada"]);
    assert_eq!(rig.text(), "token-1");
    assert_eq!(rig.requests(), 3, "now it is the user who was refused");
}

#[test]
fn a_refresh_token_is_kept_when_nothing_answered_or_the_service_failed() {
    for says in [Says::Unanswered, Says::Unsent, Says::Stale, Says::Failed, Says::TimeUp] {
        let rig = session();
        rig.script([says.clone()]);
        assert_eq!(rig.text(), "token-1");
        rig.advance(SECOND);
        assert_eq!(rig.text(), "token-3");
        assert_eq!(rig.grants(), ["user ada", "refresh r1", "refresh r1"], "{says:?}");
    }
}

#[test]
fn the_fall_back_is_within_the_budget() {
    let rig = Rig::with(user(), Log::default());
    rig.always(Says::Session("r"));
    for _ in 0..9 {
        rig.cache.invalidate(&rig.text());
    }
    rig.script([Says::Refused]);
    assert_eq!(rig.kind(), ErrorKind::RateLimited);
    assert_eq!(rig.requests(), 10);
    rig.advance(5 * MINUTE);
    rig.text();
    assert_eq!(rig.grants()[10], "user ada");
}

#[test]
fn the_fall_back_is_made_at_the_very_moment_at_which_the_budget_allows_it() {
    let rig = Rig::with(user(), Log::default());
    rig.always(Says::Session("r"));
    for _ in 0..9 {
        rig.cache.invalidate(&rig.text());
    }
    // With its end, the first nine are five minutes old.
    rig.script([Says::after(5 * MINUTE, Says::Refused)]);
    assert_eq!(rig.text(), "token-11");
    assert_eq!(rig.grants()[9..], ["refresh r", "user ada"]);
}

#[test]
fn the_fall_back_waits_for_a_retry_after() {
    let rig = session();
    rig.script([Says::RefusedFor(60)]);
    assert_eq!(rig.text(), "token-1");
    rig.advance(59 * SECOND);
    rig.text();
    assert_eq!(rig.requests(), 2);
    rig.advance(SECOND);
    rig.text();
    assert_eq!(rig.grants(), ["user ada", "refresh r1", "user ada"]);
}

#[test]
fn a_client_that_only_has_a_refresh_token_signs_in_with_it() {
    let rig = refresh_only();
    rig.script([Says::Session("r1"), Says::Token]);
    rig.text();
    rig.advance(RENEW_FROM);
    assert_eq!(rig.text(), "token-2");
    assert_eq!(rig.grants(), ["refresh r0", "refresh r1"]);
}

#[test]
fn a_client_whose_only_refresh_token_is_used_up_serves_its_token_and_then_fails_for_good() {
    let rig = refresh_only();
    rig.script([Says::Token]);
    rig.text();
    rig.advance(RENEW_FROM);
    assert_eq!(rig.text(), "token-1");
    rig.advance(UNUSABLE_FROM - RENEW_FROM);
    for _ in 0..3 {
        let error = rig.error();
        assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Unauthorized, None));
        rig.cache.reset();
        rig.advance(HOUR);
    }
    assert_eq!(rig.requests(), 1, "nothing is left to ask with");
}

#[test]
fn a_client_whose_only_refresh_token_is_refused_falls_back_to_nothing() {
    let rig = refresh_only();
    rig.always(Says::Refused);
    assert_eq!(rig.error().to_string(), "refused; next try in 1800 s");
    rig.advance(HOUR);
    assert_eq!(rig.kind(), ErrorKind::Unauthorized);
    assert_eq!(rig.requests(), 1);
}

#[test]
fn an_application_token_lost_on_a_dead_connection_is_sent_once_more_and_no_more() {
    let rig = Rig::new();
    rig.script([Says::Stale]);
    assert_eq!(rig.text(), "token-2");
    let fresh: Vec<bool> = rig.seen().iter().map(|seen| seen.fresh_connection).collect();
    assert_eq!(fresh, [false, true], "the repeat must not meet another dead connection");
    let rig = Rig::new();
    rig.always(Says::Stale);
    assert_eq!(rig.kind(), ErrorKind::Network);
    assert_eq!(rig.requests(), 2);
    assert_eq!(rig.wait(), SECOND);
}

#[test]
fn a_password_or_a_refresh_token_lost_on_a_dead_connection_is_not_sent_again() {
    for credentials in [user(), Credentials::refresh_token("r0")] {
        let rig = Rig::with(credentials, Log::default());
        rig.script([Says::Stale]);
        assert_eq!(rig.kind(), ErrorKind::Network);
        assert_eq!(rig.requests(), 1);
    }
}

#[test]
fn what_is_sent_once_more_counts_in_the_budget() {
    let rig = Rig::new();
    rig.always(Says::Stale);
    for _ in 0..5 {
        rig.error();
        rig.cache.reset();
    }
    assert_eq!(rig.kind(), ErrorKind::RateLimited);
    assert_eq!(rig.requests(), 10);
    // And is not sent where the budget ends with the first.
    let rig = Rig::new();
    for _ in 0..9 {
        rig.cache.invalidate(&rig.text());
    }
    rig.script([Says::Stale]);
    rig.error();
    assert_eq!(rig.requests(), 10);
}
