//! Workspaces, which live on the session of another client.

use emnify_simulator::WORKSPACE;

use super::*;
use crate::ErrorKind;

const SWITCH: &str = "/api/v1/authenticate/workspace";

/// The service does not accept the home session's token any more.
fn revoke_session(rig: &Rig) {
    rig.sim.revoke_bearer(rig.client.auth_token().unwrap().as_str());
}

#[test]
fn a_session_that_is_refused_twice_within_a_minute_does_not_bar_the_workspace_for_long() {
    let rig = Rig::new(user());
    let there = rig.client.workspace(WORKSPACE).unwrap();
    revoke_session(&rig);
    rig.client.get(SIMS).call().unwrap().check().unwrap();
    // Its successor is refused as well, and not replaced for a minute.
    revoke_session(&rig);
    let error = there.auth_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.is_retryable(), "{error}");
    let before = rig.sim.requests().len();
    for _ in 0..100 {
        assert_eq!(there.auth_token().unwrap_err().kind(), ErrorKind::Unauthorized);
    }
    assert_eq!(rig.sim.requests().len(), before, "it is remembered for its second");

    rig.pass(MINUTE + SECOND);
    there.auth_token().unwrap();
    assert_eq!(rig.sim.requests_to(AUTHENTICATE).len(), 3);
}

#[test]
fn a_new_session_that_the_workspace_refuses_is_refused_for_half_an_hour() {
    let rig = Rig::new(user());
    let there = rig.client.workspace(WORKSPACE).unwrap();
    rig.sim.always(SWITCH, Answer::status(401));
    for _ in 0..10 {
        let error = there.auth_token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(!error.is_retryable(), "{error}");
        rig.pass(2 * MINUTE);
    }
    assert_eq!(rig.sim.requests_to(SWITCH).len(), 2);
    assert_eq!(rig.sim.requests_to(AUTHENTICATE).len(), 2);
    rig.sim.always(SWITCH, Answer::pass());
    rig.pass(10 * MINUTE + SECOND);
    there.auth_token().unwrap();
}

/// Has `there` switch until it may not any more, and returns how often the service was asked.
fn switches_until_the_budget_is_spent(sim: &Simulator, there: &Client) -> usize {
    for _ in 0..20 {
        match there.auth_token() {
            Ok(token) => there.invalidate(&token).unwrap(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
                return sim.requests_to(SWITCH).len();
            }
        }
    }
    panic!("more than ten switches are made in five minutes");
}

#[test]
fn a_switch_counts_though_the_session_then_fails_to_sign_in() {
    let rig = Rig::new(user());
    let there = rig.client.workspace(WORKSPACE).unwrap();
    revoke_session(&rig);
    rig.sim.next(AUTHENTICATE, Answer::status(503));
    assert_eq!(there.auth_token().unwrap_err().kind(), ErrorKind::Server);
    assert_eq!(rig.sim.requests_to(SWITCH).len(), 1);
    rig.pass(2 * SECOND);
    assert_eq!(switches_until_the_budget_is_spent(&rig.sim, &there), 10);
}

#[test]
fn a_switch_counts_though_it_is_cancelled_before_it_is_made_once_more() {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let sim = Simulator::builder().start().unwrap();
    let home = Arc::new(OnceLock::<Client>::new());
    let (cancelled, lines) = (home.clone(), AtomicUsize::new(0));
    let client = Client::builder(user())
        .base_url(sim.base_url())
        .log(crate::LogLevel::Info, move |_, _| {
            // The second line is that the session has signed in again, for the switch.
            if lines.fetch_add(1, Ordering::SeqCst) == 1 {
                cancelled.get().unwrap().cancel().unwrap();
            }
        })
        .build()
        .unwrap();
    let home = home.get_or_init(|| client);
    let there = home.workspace(WORKSPACE).unwrap();
    sim.revoke_bearer(home.auth_token().unwrap().as_str());
    assert_eq!(there.auth_token().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!((sim.requests_to(AUTHENTICATE).len(), sim.requests_to(SWITCH).len()), (2, 1));
    home.resume().unwrap();
    assert_eq!(switches_until_the_budget_is_spent(&sim, &there), 10);
}

#[test]
fn a_token_that_the_switch_accepted_counts_as_accepted() {
    let rig = Rig::new(user());
    let there = rig.client.workspace(WORKSPACE).unwrap();
    // Without that, new tokens would seem to be refused one after the other, and the pause between
    // replacements would double to half an hour.
    for _ in 0..6 {
        let token = there.auth_token().unwrap();
        there.invalidate(&token).unwrap();
        there.auth_token().unwrap();
        revoke_session(&rig);
        let token = there.auth_token().unwrap();
        there.invalidate(&token).unwrap();
        there.auth_token().expect("the session's token is replaced at once");
        rig.pass(5 * MINUTE);
    }
}

#[test]
fn an_answer_to_a_switch_may_have_64_kib_and_no_more() {
    let rig = Rig::new(user());
    let there = rig.client.workspace(WORKSPACE).unwrap();
    rig.sim.next(SWITCH, token_in_answer_of(64 * 1024 + 1));
    assert_eq!(there.auth_token().unwrap_err().kind(), ErrorKind::BadResponse);
    rig.pass(2 * SECOND);
    rig.sim.next(SWITCH, token_in_answer_of(64 * 1024));
    there.auth_token().unwrap();
}

#[test]
fn a_log_callback_may_ask_the_workspace_while_its_session_signs_in() {
    use std::sync::{Mutex, OnceLock};
    let sim = Simulator::builder().start().unwrap();
    let (there, heard) = (Arc::new(OnceLock::<Client>::new()), Arc::new(Mutex::new(Vec::new())));
    let (asked, kinds) = (there.clone(), heard.clone());
    let home = Client::builder(user())
        .base_url(sim.base_url())
        .log(crate::LogLevel::Info, move |_, _| {
            let outcome = asked.get().unwrap().auth_token();
            kinds.lock().unwrap().push(outcome.err().map(|error| error.kind()));
        })
        .build()
        .unwrap();
    there.set(home.workspace(WORKSPACE).unwrap()).unwrap();
    let start = std::time::Instant::now();
    there.get().unwrap().auth_token().unwrap();
    assert!(start.elapsed() < 20 * SECOND, "nobody waits for itself");
    // One line of the session, in the middle of the switch, and one of the workspace.
    assert_eq!(*heard.lock().unwrap(), [Some(ErrorKind::InvalidArgument), None]);
}
