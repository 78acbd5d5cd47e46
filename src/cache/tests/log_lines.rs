//! What the log is told, and when.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::rig::*;
use crate::credentials::Credentials;
use crate::error::ErrorKind;
use crate::log::{Log, LogLevel};

type Lines = Arc<Mutex<Vec<(LogLevel, String)>>>;

fn recorded(credentials: Credentials) -> (Rig, Lines) {
    let lines = Lines::default();
    let sink = lines.clone();
    let log = Log::new(LogLevel::Debug, move |level, line: &str| {
        sink.lock().unwrap().push((level, line.to_owned()));
    });
    (Rig::with(credentials, log), lines)
}

fn taken(lines: &Lines) -> Vec<(LogLevel, String)> {
    std::mem::take(&mut lines.lock().unwrap())
}

fn line(level: LogLevel, text: &str) -> Vec<(LogLevel, String)> {
    vec![(level, text.to_owned())]
}

#[test]
fn a_sign_in_is_worth_one_line_and_a_token_from_the_cache_none() {
    let (rig, lines) = recorded(application());
    rig.text();
    rig.text();
    assert_eq!(taken(&lines), line(LogLevel::Info, "signed in; the token is good for 14370 s"));
}

#[test]
fn a_renewal_that_fails_is_a_warning_although_no_caller_sees_it() {
    for (says, what) in [
        (Says::Failed, "503; next try in 1 s"),
        (Says::Refused, "refused; next try in 1800 s"),
        (Says::TimeUp, "time is up; next try in 1 s"),
        (
            Says::TokenFor(Duration::ZERO),
            "the service answered the sign-in with a token that lives for 0 s only, which was too \
             short or already over when it arrived; next try in 1 s",
        ),
    ] {
        let (rig, lines) = recorded(application());
        rig.text();
        taken(&lines);
        rig.advance(RENEW_FROM);
        rig.script([says]);
        rig.text();
        let text = format!("renewal failed, the token is good for 3592 s more: {what}");
        assert_eq!(taken(&lines), line(LogLevel::Warning, &text));
    }
}

#[test]
fn a_sign_in_that_fails_is_one_line_however_many_callers_there_are() {
    let cases = [
        (Says::Refused, LogLevel::Error, "refused; next try in 1800 s"),
        (Says::Failed, LogLevel::Warning, "503; next try in 1 s"),
    ];
    for (says, level, what) in cases {
        let (rig, lines) = recorded(application());
        rig.script([says]);
        for _ in 0..100 {
            rig.error();
        }
        assert_eq!(taken(&lines), line(level, &format!("sign-in failed: {what}")));
    }
}

#[test]
fn the_log_hears_what_the_probe_met_and_not_the_verdict_that_callers_hear() {
    let (rig, lines) = recorded(application());
    rig.script([Says::Refused, Says::Failed]);
    rig.error();
    taken(&lines);
    rig.advance(30 * MINUTE);
    rig.error();
    assert_eq!(taken(&lines), line(LogLevel::Warning, "sign-in failed: 503; next try in 1 s"));
}

#[test]
fn a_request_that_is_made_once_more_is_a_line_with_its_reason() {
    let (rig, lines) = recorded(application());
    rig.script([Says::Stale]);
    rig.text();
    assert_eq!(taken(&lines)[0].1, "signing in once more: dead connection");
}

#[test]
fn no_lock_is_held_while_the_log_runs_so_that_it_may_call_the_client() {
    let back: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>> = Arc::default();
    let sink = back.clone();
    let log = Log::new(LogLevel::Debug, move |_, _: &str| {
        if let Some(call) = sink.get() {
            call();
        }
    });
    let rig = Rig::with(user(), log);
    let (cache, heard) = (rig.cache.clone(), Arc::new(Mutex::new(Vec::new())));
    let kinds = heard.clone();
    let call = move || {
        cache.invalidate("none");
        cache.accepted("none");
        cache.replace("none");
        // In the middle of the sign-in it would wait for itself.
        let start = Instant::now();
        let asked = cache.token(patience);
        assert!(start.elapsed() < MINUTE, "it does not wait for anybody");
        if let Err(error) = asked {
            kinds.lock().unwrap().push(error.kind());
        }
    };
    back.set(Box::new(call)).map_err(drop).unwrap();
    rig.script([Says::Mfa("m"), Says::Refused, Says::Session("r1"), Says::Refused, Says::Failed]);
    rig.error();
    rig.code("1").unwrap_err();
    rig.code("2").unwrap();
    rig.advance(RENEW_FROM);
    // The refresh token is refused, whereupon the password is used.
    rig.text();
    assert_eq!(rig.requests(), 5);
    // While the code is waited for there is none, and after that there is a good one throughout.
    use ErrorKind::MfaRequired;
    assert_eq!(*heard.lock().unwrap(), [MfaRequired, MfaRequired]);
}

#[test]
fn a_log_callback_that_asks_for_a_token_during_its_own_sign_in_fails_at_once() {
    let back: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>> = Arc::default();
    let sink = back.clone();
    let log = Log::new(LogLevel::Debug, move |_, line: &str| {
        if line.starts_with("signing in once more") {
            sink.get().unwrap()();
        }
    });
    let rig = Rig::with(application(), log);
    let (cache, heard) = (rig.cache.clone(), Arc::new(Mutex::new(Vec::new())));
    let errors = heard.clone();
    let call = move || errors.lock().unwrap().push(cache.token(patience).unwrap_err());
    back.set(Box::new(call)).map_err(drop).unwrap();
    rig.script([Says::Stale]);
    let start = Instant::now();
    assert_eq!(rig.text(), "token-2");
    assert!(start.elapsed() < MINUTE, "it does not wait for itself");
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0].kind(), ErrorKind::InvalidArgument);
    assert!(heard[0].to_string().contains("log callback"), "{}", heard[0]);
    assert_eq!(heard.len(), 1);
}

#[test]
fn no_line_and_no_debug_text_holds_a_secret() {
    let (rig, lines) = recorded(Credentials::user("ada", "canary-password"));
    rig.script([Says::Mfa("canary-mfa"), Says::Session("canary-refresh"), Says::Refused]);
    rig.error();
    rig.code("canary-code").unwrap();
    rig.advance(RENEW_FROM);
    rig.text();
    rig.set_credentials(Credentials::application_token("canary-application"));
    rig.script([Says::Stale, Says::Failed]);
    rig.error();
    rig.advance(SECOND);
    let token = rig.text();
    let shown = format!("{:?} {:?}", taken(&lines), rig.cache);
    assert!(!shown.contains("canary") && !shown.contains(&token), "{shown}");
}
