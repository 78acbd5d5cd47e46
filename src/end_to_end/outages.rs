//! The network or the service fails.

use super::*;
use crate::ErrorKind;

#[test]
fn an_outage_from_renewal_to_expiry_fails_no_call_and_makes_few_requests() {
    let answers = [
        Answer::status(503),
        Answer::status(502).body("text/html", "<html>Bad gateway</html>"),
        Answer::cut_before_answer(),
        Answer::cut_in_headers(),
        Answer::reset(),
        Answer::garbage("not HTTP at all\r\n\r\n"),
        Answer::json(200, "{}"),
        Answer::status(302).header("Location", "http://portal.invalid/"),
        Answer::status(403).body("text/html", "<html>Forbidden</html>"),
        Answer::status(429),
        Answer::status(401),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let rig = Rig::new(application_token());
        rig.call().unwrap();
        rig.sim.always(AUTHENTICATE, answer);
        rig.pass(204 * MINUTE);
        // A call in every 10 seconds, until a minute before the token's end.
        for _ in 0..35 * 6 {
            rig.call().unwrap_or_else(|error| panic!("answer {number}: {error}"));
            rig.pass(10 * SECOND);
        }
        let requests = rig.sim.sign_ins() - 1;
        assert!((1..=16).contains(&requests), "answer {number}: {requests} requests");
    }
}

#[test]
fn after_an_outage_the_first_renewal_that_succeeds_ends_it() {
    let rig = Rig::new(application_token());
    rig.call().unwrap();
    rig.sim.next_n(AUTHENTICATE, 3, Answer::status(500));
    rig.pass(204 * MINUTE);
    for _ in 0..60 {
        rig.call().unwrap();
        rig.pass(SECOND);
    }
    assert_eq!(rig.sim.sign_ins(), 5);
    rig.pass(100 * MINUTE);
    rig.call().unwrap();
    assert_eq!(rig.sim.sign_ins(), 5);
}

#[test]
fn a_failing_service_is_asked_less_and_less_often_and_the_error_says_when_next() {
    let rig = Rig::new(application_token());
    rig.sim.always(AUTHENTICATE, Answer::status(500));
    let mut waits = Vec::new();
    for _ in 0..12 {
        let (error, requests) = rig.fails();
        assert_eq!((error.kind(), requests), (ErrorKind::Server, 1));
        let wait = error.retry_after().unwrap();
        waits.push(wait.as_secs_f64());
        // Just before, nothing is sent; a moment later the next request is made.
        rig.pass(wait - SECOND / 2);
        assert_eq!(rig.fails().1, 0);
        rig.pass(SECOND / 2);
    }
    // Doubling to five minutes, a quarter on top.
    assert_eq!(waits[..4], [1.25, 2.5, 5.0, 10.0]);
    assert_eq!(waits[11], 375.0);
}

#[test]
fn a_rate_limit_is_waited_for_as_the_service_says() {
    let date = |sim: &Simulator, after: i64| {
        let at = std::time::UNIX_EPOCH + Duration::from_secs((sim.clock().said() + after) as u64);
        httpdate::fmt_http_date(at)
    };
    let cases: [(Option<&str>, u64, u64); 5] = [
        (None, 30, 45),
        (Some("120"), 120, 180),
        (Some("soon"), 30, 45),
        (Some("86400"), 3600, 3600),
        (Some("date"), 300, 450),
    ];
    for (retry_after, least, most) in cases {
        let rig = Rig::new(application_token());
        let answer = match retry_after {
            None => Answer::status(429),
            Some("date") => Answer::status(429).header("Retry-After", date(&rig.sim, 301)),
            Some(value) => Answer::status(429).header("Retry-After", value),
        };
        rig.sim.next(AUTHENTICATE, answer);
        let (error, _) = rig.fails();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        let wait = error.retry_after().unwrap();
        let bounds = Duration::from_secs(least)..=Duration::from_secs(most + 2);
        assert!(bounds.contains(&wait), "{retry_after:?}: {wait:?}");
        // Neither time alone nor a reset helps before.
        rig.pass(wait - SECOND);
        rig.client.reset().unwrap();
        assert_eq!(rig.fails().1, 0);
        rig.pass(SECOND);
        rig.call().unwrap();
    }
}

#[test]
fn an_answer_to_a_sign_in_may_have_64_kib_and_no_more() {
    let rig = Rig::new(application_token());
    rig.sim.next(AUTHENTICATE, token_in_answer_of(64 * 1024 + 1));
    assert_eq!(rig.fails().0.kind(), ErrorKind::BadResponse);
    rig.pass(2 * SECOND);
    rig.sim.next(AUTHENTICATE, token_in_answer_of(64 * 1024));
    rig.call().unwrap();
}

#[test]
fn no_more_than_ten_sign_ins_leave_in_five_minutes_whatever_the_program_does() {
    let rig = Rig::new(application_token());
    for _ in 0..100 {
        if let Ok(token) = rig.client.auth_token() {
            rig.client.invalidate(&token).unwrap();
        }
        rig.pass(SECOND);
    }
    assert_eq!(rig.sim.sign_ins(), 10);
    let (error, _) = rig.fails();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    // The first was sent at 0 s and it is 100 s now.
    assert_eq!(error.retry_after(), Some(200 * SECOND));
    rig.pass(200 * SECOND);
    rig.call().unwrap();
}

#[test]
fn calls_that_no_connection_could_be_made_for_cost_no_budget() {
    let rig = Rig::new(application_token());
    let address = rig.sim.address();
    drop(rig.sim);
    for _ in 0..30 {
        let error = rig.client.auth_token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network);
        // No time passes in which the budget would fill again.
        rig.client.reset().unwrap();
    }
    let sim = Simulator::builder().address(address.to_string()).start().unwrap();
    rig.client.auth_token().unwrap();
    assert_eq!(sim.sign_ins(), 1);
}

#[test]
fn a_sign_in_lost_on_an_idle_connection_is_repeated_for_an_application_token_only() {
    let repeated = Rig::new(application_token());
    repeated.call().unwrap();
    repeated.pass(5 * HOUR);
    repeated.sim.next(AUTHENTICATE, Answer::cut_before_answer());
    repeated.call().unwrap();
    assert_eq!(repeated.sim.sign_ins(), 3);

    let user = Rig::new(user());
    user.client.get(SIMS).call().unwrap();
    user.pass(30 * HOUR);
    user.sim.next(AUTHENTICATE, Answer::cut_before_answer());
    let (error, requests) = user.fails();
    assert_eq!((error.kind(), requests), (ErrorKind::Network, 1));
}
