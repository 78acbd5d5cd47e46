//! C programs that call the library, each linked with the shared and with the static one.

mod support;

use emnify_simulator::{
    Answer, DEFAULT_APPLICATION_TOKEN, DEFAULT_PASSWORD, RecordedRequest, Simulator,
};
use support::{Link, Program, Source};

const AUTHENTICATE: &str = "/api/v1/authenticate";
const PASSWORD_SHA1: &str = "52b55574062bf5dce6153317d8397189d29b967f";

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
    assert!(
        request.header("user-agent").is_some_and(|name| name.starts_with("c-tests/1.0 emnify"))
    );
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let members: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members.join(" "), variant);
}

/// Answers that the simulator has none of by itself.
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

/// What the service does, and what the program sees.
struct Failure {
    name: &'static str,
    answer: fn() -> Answer,
    /// Status, HTTP status, service code, retryable.
    error: (&'static str, u16, i32, bool),
    retry_after: std::ops::RangeInclusive<u32>,
    has_request_id: bool,
    word: &'static str,
    requests: usize,
}

fn failures() -> Vec<Failure> {
    const HTML: &str = "<html><body><h1>Forbidden</h1></body></html>";
    let failure = |name, answer, error, retry_after, has_request_id, word| Failure {
        name,
        answer,
        error,
        retry_after,
        has_request_id,
        word,
        requests: 1,
    };
    vec![
        failure(
            "credentials refused",
            || Answer::status(401).body("text/html", ""),
            ("EMNIFY_ERROR_UNAUTHORIZED", 401, 0, false),
            1700..=1800,
            true,
            "HTTP 401",
        ),
        failure(
            "locked out",
            || service_error(401, 1104, "TooManyRequests"),
            ("EMNIFY_ERROR_ACCOUNT_LOCKED", 401, 1104, true),
            200..=451,
            true,
            "lock",
        ),
        failure(
            "rate limited, with a time",
            || service_error(429, 1105, "TooManyRequests").header("Retry-After", "100"),
            ("EMNIFY_ERROR_RATE_LIMITED", 429, 1105, true),
            50..=151,
            true,
            "HTTP 429",
        ),
        failure(
            "rate limited, without a time",
            || Answer::status(429).body("text/html", HTML),
            ("EMNIFY_ERROR_RATE_LIMITED", 429, 0, true),
            10..=46,
            true,
            "HTTP 429",
        ),
        failure(
            "busy",
            || Answer::status(503).header("Retry-After", "7"),
            ("EMNIFY_ERROR_SERVER", 503, 0, true),
            1..=11,
            true,
            "HTTP 503",
        ),
        failure(
            "second factor",
            || Answer::json(200, r#"{"mfa_token":"SIMULATED.mfa.token"}"#),
            ("EMNIFY_ERROR_MFA_REQUIRED", 200, 0, false),
            500..=600,
            true,
            "code",
        ),
        failure(
            "a portal's page",
            || Answer::status(403).body("text/html", HTML),
            ("EMNIFY_ERROR_BAD_RESPONSE", 403, 0, true),
            1..=2,
            true,
            "HTTP 403",
        ),
        failure(
            "forbidden by the service",
            || service_error(403, 1403, "Forbidden"),
            ("EMNIFY_ERROR_FORBIDDEN", 403, 1403, false),
            1700..=1800,
            true,
            "HTTP 403",
        ),
        failure(
            "rejected",
            || service_error(422, 1422, "Unprocessable"),
            ("EMNIFY_ERROR_REJECTED", 422, 1422, false),
            1700..=1800,
            true,
            "HTTP 422",
        ),
        failure(
            "no JSON",
            || Answer::status(200).body("text/html", HTML),
            ("EMNIFY_ERROR_BAD_RESPONSE", 200, 0, true),
            1..=2,
            true,
            "",
        ),
        failure(
            "an answer that is cut off",
            || Answer::cut_in_body(100, "{\"auth_token\":\"ey"),
            ("EMNIFY_ERROR_BAD_RESPONSE", 0, 0, true),
            1..=2,
            false,
            "",
        ),
        failure(
            "a connection that is cut",
            Answer::cut_before_answer,
            ("EMNIFY_ERROR_NETWORK", 0, 0, true),
            1..=2,
            false,
            "127.0.0.1",
        ),
        failure(
            "a connection that is reset",
            Answer::reset,
            ("EMNIFY_ERROR_NETWORK", 0, 0, true),
            1..=2,
            false,
            "127.0.0.1",
        ),
        // The caller's own deadline says nothing about the service, so the next call asks again.
        Failure {
            requests: 2,
            ..failure(
                "no answer in time",
                Answer::hang,
                ("EMNIFY_ERROR_TIMEOUT", 0, 0, true),
                1..=2,
                false,
                "",
            )
        },
    ]
}

fn service_error(status: u16, code: i32, token: &str) -> Answer {
    let body = format!(r#"{{"error_code":{code},"error_token":"{token}","message":"made up"}}"#);
    Answer::json(status, body)
}

#[test]
fn each_failure_of_the_service_reaches_the_program_and_is_not_asked_for_again() {
    both_ways("errors", |program| {
        for failure in failures() {
            let sim = simulator();
            sim.always(AUTHENTICATE, (failure.answer)());
            let (status, http, code, retryable) = failure.error;
            let flag = |set| String::from(if set { "1" } else { "0" });
            let outcome = program.run(&[
                sim.base_url(),
                status.to_owned(),
                http.to_string(),
                code.to_string(),
                flag(retryable),
                failure.retry_after.start().to_string(),
                failure.retry_after.end().to_string(),
                flag(failure.has_request_id),
                failure.word.to_owned(),
                // Short where it is what fails; else longer than a busy machine takes.
                String::from(if failure.requests > 1 { "700" } else { "60000" }),
            ]);
            outcome.expect_success(failure.name);
            assert_eq!(sim.sign_ins(), failure.requests, "{}", failure.name);
            assert_eq!(sim.violations(), Vec::<String>::new(), "{}", failure.name);
        }
    });
}

#[test]
fn no_mistake_of_a_caller_goes_unnoticed_or_does_harm() {
    both_ways("misuse", |program| {
        let sim = simulator();
        let directory = program.directory().to_str().expect("UTF-8");
        run(program, &sim, &[directory]);
        // Nothing that was refused was sent: a sign-in for each of the two clients that work.
        assert_eq!(sim.sign_ins(), 2);
        assert!(sim.requests().iter().all(|request| !request.text().contains("CaNaRy")));
    });
}

#[test]
fn the_log_has_its_level_its_thread_and_no_secret() {
    both_ways("log", |program| {
        let sim = simulator();
        sim.next(AUTHENTICATE, Answer::status(503));
        run(program, &sim, &[]);
    });
}

#[test]
fn callbacks_may_free_the_client_cancel_it_and_use_it() {
    both_ways("callbacks", |program| {
        let sim = simulator();
        run(program, &sim, &[]);
    });
}

#[test]
fn a_copy_of_a_cached_token_allocates_nothing_and_a_large_answer_is_kept_once() {
    if !cfg!(target_env = "gnu") {
        println!("skipped: the C library has no malloc that can be counted this way");
        return;
    }
    both_ways("allocations", |program| {
        let sim = Simulator::builder().fleet_size(1000).no_sign_in_limit().start();
        run(program, &sim.expect("a simulator starts"), &[]);
    });
}

#[test]
fn years_of_use_leave_the_heap_as_it_was() {
    both_ways("years", |program| {
        let sim = simulator();
        run(program, &sim, &[]);
    });
}

#[test]
fn a_program_that_was_compiled_with_an_older_header_works() {
    both_ways("old_program", |program| {
        let sim = simulator();
        run(program, &sim, &[]);
        assert_eq!(sim.sign_ins(), 1);
    });
}
