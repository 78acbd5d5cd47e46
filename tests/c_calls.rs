//! C programs that call the library, each linked with the shared and with the static one.

mod support;

use std::time::Duration;

use emnify_simulator::{
    Answer, DEFAULT_APPLICATION_TOKEN, DEFAULT_PASSWORD, RecordedRequest, Simulator,
};
use support::{Link, Program, Source};

const AUTHENTICATE: &str = "/api/v1/authenticate";

fn both_ways(name: &str, test: impl Fn(&Program)) {
    for link in [Link::Shared, Link::Static] {
        test(&Source::c(name, link).build());
    }
}

fn simulator() -> Simulator {
    Simulator::builder().no_sign_in_limit().start().expect("a simulator starts")
}

fn run(program: &Program, sim: &Simulator, arguments: &[&str]) {
    let base = sim.base_url();
    let arguments: Vec<&str> = [base.as_str()].iter().chain(arguments).copied().collect();
    program.run(&arguments).expect_success(&format!("{arguments:?}"));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

/// What every sign-in has to be, beside what the simulator itself complains about.
fn assert_well_formed(request: &RecordedRequest, variant: &str) {
    assert_eq!((request.method.as_str(), request.query.as_str()), ("POST", ""));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), None);
    assert!(request.header("user-agent").is_some_and(|name| name.starts_with("c-tests/1.0 emnify")));
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let members: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members.join(" "), variant);
}

/// Answers that the simulator has of its own, no list holds.
fn with_odd_answers(sim: &Simulator) {
    sim.always("/api/v1/with-nul", Answer::status(200).body("text/plain", *b"ab\0cd"));
    sim.always("/api/v1/empty", Answer::status(204));
}

#[test]
fn a_token_is_asked_for_once_and_used_as_often_as_wanted() {
    both_ways("tokens", |program| {
        let sim = simulator();
        with_odd_answers(&sim);
        run(program, &sim, &["application", DEFAULT_APPLICATION_TOKEN]);
        // The second sign-in is the one after the program said that the token was refused.
        let sign_ins = sim.requests_to(AUTHENTICATE);
        assert_eq!(sign_ins.len(), 2);
        sign_ins.iter().for_each(|request| assert_well_formed(request, "application_token"));
        let list = &sim.requests_to("/api/v1/sim")[0];
        assert!(list.header("authorization").is_some_and(|value| value.starts_with("Bearer ey")));
        assert_eq!(list.query, "per_page=5");
    });
}

#[test]
fn a_user_signs_in_with_a_password_or_its_hash_and_renews_with_the_refresh_token() {
    // `printf 'SIMULATED password of no value' | sha1sum`, in capitals, which are sent as small.
    let hash = PASSWORD_SHA1.to_uppercase();
    both_ways("tokens", |program| {
        for (kind, secret) in [("plain", DEFAULT_PASSWORD), ("sha1", hash.as_str())] {
            let sim = simulator();
            with_odd_answers(&sim);
            run(program, &sim, &[kind, secret]);
            let sign_ins = sim.requests_to(AUTHENTICATE);
            assert_eq!(sign_ins.len(), 2, "{kind}");
            assert_well_formed(&sign_ins[0], "password username");
            assert!(sign_ins[0].text().contains(PASSWORD_SHA1), "{kind}");
            assert_well_formed(&sign_ins[1], "refresh_token");
        }
    });
}

const PASSWORD_SHA1: &str = "52b55574062bf5dce6153317d8397189d29b967f";

#[test]
fn a_refresh_token_alone_signs_in_once() {
    both_ways("tokens", |program| {
        let sim = simulator();
        with_odd_answers(&sim);
        let base = sim.base_url();
        // A session of the user, made by another program.
        let body = format!(
            r#"{{"username":"simulated.user@example.invalid","password":"{PASSWORD_SHA1}"}}"#
        );
        let answer = ureq::post(format!("{base}{AUTHENTICATE}"))
            .header("content-type", "application/json")
            .send(body)
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .expect("the simulator answers");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
        let refresh_token = answer["refresh_token"].as_str().expect("a refresh token");
        sim.clear_requests();

        run(program, &sim, &["refresh", refresh_token]);
        let sign_ins = sim.requests_to(AUTHENTICATE);
        assert_eq!(sign_ins.len(), 1);
        assert_well_formed(&sign_ins[0], "refresh_token");
    });
}
