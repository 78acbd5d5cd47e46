//! What is behind the token, from C: one-time codes, workspaces, requests, lists, SMS, application
//! tokens, each with what it gives and with each way in which it fails.

#[path = "c_api/application_tokens.rs"]
mod application_tokens;
#[path = "support/one_time_codes.rs"]
mod one_time_codes;
mod support;

use emnify_simulator::{Answer, LARGE_ENDPOINT_ID, Simulator, WORKSPACE};
use support::{Link, Program, Source, have};

const AUTHENTICATE: &str = "POST /api/v1/authenticate";
const SWITCH: &str = "/api/v1/authenticate/workspace";
const TOKENS: &str = "/api/v1/application_token";
const SIMS: &str = "/api/v1/sim";
const OK: &str = "EMNIFY_OK";
const ENDPOINT: u64 = 10_010_001;

fn simulator() -> Simulator {
    Simulator::builder().no_sign_in_limit().start().expect("a simulator starts")
}

/// Runs one operation that has to end with `status`, and returns what it printed.
#[track_caller]
fn run(program: &Program, sim: &Simulator, operation: &str, status: &str, more: &[&str]) -> String {
    run_under(&[], program, sim, operation, status, more)
}

#[track_caller]
fn run_under(
    wrapper: &[&str],
    program: &Program,
    sim: &Simulator,
    operation: &str,
    status: &str,
    more: &[&str],
) -> String {
    let base = sim.base_url();
    let arguments: Vec<&str> =
        [base.as_str(), operation, status].into_iter().chain(more.iter().copied()).collect();
    let outcome =
        one_time_codes::during(sim, program.directory(), || program.run_under(wrapper, &arguments));
    outcome.expect_success(&format!("{arguments:?}"));
    assert_eq!(sim.violations(), Vec::<String>::new());
    outcome.stdout
}

fn program() -> Program {
    Source::c("api", Link::Shared).build()
}

/// What a call that is not 2xx becomes, whatever was called.
fn answers() -> [(Answer, &'static str, &'static str); 6] {
    const HTML: &str = "<html><body><h1>Forbidden</h1></body></html>";
    let error = r#"{"error_code":1499,"error_token":"MadeUp","message":"made up"}"#;
    [
        (Answer::json(403, error), "EMNIFY_ERROR_FORBIDDEN", "http 403, code 1499, retryable 0"),
        (
            Answer::json(429, error).header("Retry-After", "100"),
            "EMNIFY_ERROR_RATE_LIMITED",
            "http 429, code 1499, retryable 1",
        ),
        (
            Answer::status(422).body("text/html", ""),
            "EMNIFY_ERROR_REJECTED",
            "http 422, code 0, retryable 0",
        ),
        (Answer::status(500), "EMNIFY_ERROR_SERVER", "http 500, code 0, retryable 1"),
        (Answer::status(302).body("text/html", HTML), "EMNIFY_ERROR_BAD_RESPONSE", "http 302"),
        (Answer::reset(), "EMNIFY_ERROR_NETWORK", "http 0"),
    ]
}

#[test]
fn without_a_secure_connection_nothing_is_signed_in_to() {
    let program = program();
    let ca_file = program.directory().join("ca.pem");
    let path = ca_file.to_str().expect("UTF-8").to_owned();
    let tls = || Simulator::builder().tls(true).write_ca(&ca_file).start().expect("it starts");
    let sim = tls();
    run(&program, &sim, "sign-in-with-ca", OK, &[&path]);
    assert_eq!(sim.sign_ins(), 1);
    // The certificates that are built in know nothing of that one.
    let said = run(&program, &sim, "sign-in", "EMNIFY_ERROR_TLS", &[]);
    assert!(said.starts_with("http 0, code 0, retryable 1") && said.contains("ca_file"), "{said}");
    drop(sim);

    let expired = Simulator::builder().tls(true).write_ca(&ca_file).expired_certificate(true);
    let sim = expired.start().expect("it starts");
    let said = run(&program, &sim, "sign-in-with-ca", "EMNIFY_ERROR_CLOCK", &[&path]);
    assert!(said.contains("clock"), "{said}");
    assert_eq!(sim.sign_ins(), 0);
}

#[test]
fn a_refused_application_token_is_asked_about_once_until_it_is_reset_or_replaced() {
    let sim = simulator();
    run(&program(), &sim, "credentials", OK, &[]);
    assert_eq!(sim.sign_ins(), 3, "at first, after the reset, and with the other one");
}

#[test]
fn each_status_of_an_answer_is_the_error_that_check_promises() {
    let program = program();
    let sim = simulator();
    for (status, http) in [
        (OK, &[200, 201, 204][..]),
        ("EMNIFY_ERROR_UNAUTHORIZED", &[401]),
        ("EMNIFY_ERROR_FORBIDDEN", &[403]),
        ("EMNIFY_ERROR_RATE_LIMITED", &[429]),
        ("EMNIFY_ERROR_SERVER", &[408, 500, 503]),
        ("EMNIFY_ERROR_REJECTED", &[400, 404, 409, 422]),
        ("EMNIFY_ERROR_BAD_RESPONSE", &[302, 307]),
    ] {
        for http in http {
            sim.always(SIMS, Answer::status(*http));
            let said = run(&program, &sim, "request", status, &["GET", SIMS]);
            assert!(said.starts_with(&format!("http {http}")), "{said}");
        }
    }
}

#[test]
fn a_request_whose_token_is_refused_is_made_once_more_with_another_one() {
    let program = program();
    let path = format!("/api/v1/endpoint/{ENDPOINT}/sms");
    let body = r#"{"payload":"once"}"#;
    for method in ["GET", "POST"] {
        let sim = simulator();
        let target: &str = if method == "GET" { SIMS } else { &path };
        let more: &[&str] =
            if method == "GET" { &[method, target] } else { &[method, target, body] };
        sim.next(target, Answer::status(401));
        run(&program, &sim, "request", OK, more);
        let requests = sim.requests_to(target);
        assert_eq!((requests.len(), sim.sign_ins()), (2, 2), "{method}");
        let bearer = |at: usize| requests[at].header("authorization").map(str::to_owned);
        assert!(bearer(0) != bearer(1), "{method}: the same bearer twice");
        assert_eq!(requests[0].body, requests[1].body, "{method}");

        sim.clear_requests();
        sim.always(target, Answer::status(401));
        run(&program, &sim, "request", "EMNIFY_ERROR_UNAUTHORIZED", more);
        assert_eq!((sim.requests_to(target).len(), sim.sign_ins()), (2, 2), "{method}");
    }
}

#[test]
fn a_request_is_repeated_where_that_does_no_harm() {
    const ANY: &str = "/api/v1/any";
    let program = program();
    for (method, harmless) in
        [("GET", true), ("PUT", true), ("DELETE", true), ("POST", false), ("PATCH", false)]
    {
        let sim = simulator();
        sim.always(ANY, Answer::status(204));
        // The connection is the one of the sign-in.
        for (answer, otherwise) in [
            (Answer::cut_before_answer(), "EMNIFY_ERROR_NETWORK"),
            (Answer::status(503).header("Retry-After", "1"), "EMNIFY_ERROR_SERVER"),
        ] {
            sim.clear_requests();
            sim.next(ANY, answer);
            let status = if harmless { OK } else { otherwise };
            run(&program, &sim, "request", status, &[method, ANY]);
            let sent = sim.requests_to(ANY);
            assert_eq!(sent.len(), if harmless { 2 } else { 1 }, "{method}: {otherwise}");
            assert_eq!(sent[0].method, method);
        }
        // A wait that is too long is left to the program.
        sim.clear_requests();
        sim.next(ANY, Answer::status(429).header("Retry-After", "100"));
        run(&program, &sim, "request", "EMNIFY_ERROR_RATE_LIMITED", &[method, ANY]);
        assert_eq!(sim.requests_to(ANY).len(), 1, "{method}");
    }
}

#[test]
fn a_request_without_a_complete_answer_has_no_response() {
    let program = program();
    for (answer, status) in [
        (Answer::reset(), "EMNIFY_ERROR_NETWORK"),
        (Answer::cut_in_body(100, "[{"), "EMNIFY_ERROR_BAD_RESPONSE"),
        (Answer::garbage("not HTTP at all\r\n\r\n"), "EMNIFY_ERROR_BAD_RESPONSE"),
    ] {
        let sim = simulator();
        sim.always(SIMS, answer);
        let said = run(&program, &sim, "request", status, &["GET", SIMS]);
        assert!(said.starts_with("http 0"), "{said}");
    }
}

#[test]
fn each_call_ends_in_time_where_nothing_answers() {
    let sim = simulator();
    sim.always("/api/v1/*", Answer::hang());
    sim.always(AUTHENTICATE, Answer::pass());
    run(&program(), &sim, "every-call-within-ms", "EMNIFY_ERROR_TIMEOUT", &["500"]);
}

#[test]
fn each_call_of_a_cancelled_client_is_cancelled_and_sends_nothing() {
    let sim = simulator();
    run(&program(), &sim, "cancelled", "EMNIFY_ERROR_CANCELLED", &[]);
    // The sign-ins of the device and of the user, and the switch.
    assert_eq!(sim.requests().len(), 3);
}

#[test]
fn a_one_time_code_completes_a_sign_in() {
    let program = program();
    let sim = simulator();
    run(&program, &sim, "mfa", OK, &[]);
    // The challenge and its completion, and nothing for a code that nobody asked for.
    assert_eq!(sim.sign_ins(), 2);

    let sim = simulator();
    let said = run(&program, &sim, "mfa-wrong-code", "EMNIFY_ERROR_UNAUTHORIZED", &[]);
    assert!(said.starts_with("http 401"), "{said}");
    assert_eq!(sim.sign_ins(), 3);
}

#[test]
fn a_device_that_was_declared_trusted_needs_no_code_again() {
    let sim = simulator();
    run(&program(), &sim, "mfa-device", OK, &[]);
    assert_eq!(sim.sign_ins(), 3);
    let sign_ins = sim.requests_to("/api/v1/authenticate");
    assert!(sign_ins[1].text().contains("gateway"), "the name of the device");
}

#[test]
fn a_code_that_gets_no_answer_is_not_said_to_be_wrong() {
    let program = program();
    for (answer, status) in [
        (Answer::status(503), "EMNIFY_ERROR_SERVER"),
        (Answer::cut_before_answer(), "EMNIFY_ERROR_NETWORK"),
        (Answer::status(200).body("text/html", "<html>"), "EMNIFY_ERROR_BAD_RESPONSE"),
    ] {
        for operation in ["mfa", "mfa-device"] {
            let sim = simulator();
            sim.next(AUTHENTICATE, Answer::pass());
            sim.next(AUTHENTICATE, answer.clone());
            run(&program, &sim, operation, status, &[]);
            assert_eq!(sim.sign_ins(), 2, "a code is sent once: {status}");
        }
    }
}

#[test]
fn a_client_for_a_workspace_acts_there_or_not_at_all() {
    let program = program();
    let id = WORKSPACE.to_string();
    let sim = simulator();
    run(&program, &sim, "workspace", OK, &[&id, "user"]);
    assert_eq!(sim.requests_to(SWITCH).len(), 1);

    let sim = simulator();
    run(&program, &sim, "workspace", "EMNIFY_ERROR_FORBIDDEN", &["4711", "user"]);
    let said = run(&program, &sim, "workspace", "EMNIFY_ERROR_FORBIDDEN", &[&id, "device"]);
    assert!(said.contains("application token"), "{said}");

    let sim = simulator();
    sim.next(SWITCH, Answer::status(500));
    run(&program, &sim, "workspace", "EMNIFY_ERROR_SERVER", &[&id, "user"]);
    assert!(sim.requests_to(SIMS).is_empty());
}

#[test]
fn an_sms_is_sent_once_and_has_an_id() {
    let program = program();
    let path = format!("/api/v1/endpoint/{ENDPOINT}/sms");
    let endpoint = ENDPOINT.to_string();
    let sim = simulator();
    run(&program, &sim, "sms", OK, &[&endpoint, "a \"b\" \u{e4}"]);
    let sent = sim.requests_to(&path);
    assert_eq!(sent.len(), 2, "one for each call");
    let body: serde_json::Value = serde_json::from_slice(&sent[0].body).expect("JSON");
    assert_eq!(body, serde_json::json!({ "payload": "a \"b\" \u{e4}" }));
    run(&program, &sim, "sms", OK, &[&LARGE_ENDPOINT_ID.to_string(), "x"]);

    run(&program, &sim, "sms", "EMNIFY_ERROR_REJECTED", &["1", "x"]);
    for (answer, status, said) in answers() {
        let sim = simulator();
        sim.always(&path, answer);
        let output = run(&program, &sim, "sms", status, &[&endpoint, "x"]);
        assert!(output.starts_with(said), "{output}");
        assert_eq!(sim.requests_to(&path).len(), 1, "{status}");
    }
    for (answer, status) in [
        (Answer::lost(), "EMNIFY_ERROR_NETWORK"),
        (Answer::status(201), "EMNIFY_ERROR_BAD_RESPONSE"),
    ] {
        let sim = simulator();
        sim.always(&path, answer);
        run(&program, &sim, "sms", status, &[&endpoint, "x"]);
        assert_eq!(sim.requests_to(&path).len(), 1, "{status}");
    }
}

/// A simulator with an application token of a device's own, and its id.
fn device() -> (Simulator, &'static str, String) {
    let own = "made-up-application-token-of-a-device-that-opens-nothing-anywhere";
    let sim = simulator();
    let id = sim.add_application_token(own).to_string();
    (sim, own, id)
}

#[test]
fn a_list_is_read_by_the_pages_that_its_headers_say() {
    let program = program();
    let sim = simulator();
    let said = run(&program, &sim, "pages", OK, &["sim", "10"]);
    assert_eq!(said.trim(), "25 members on 3 pages");
    assert_eq!(sim.requests_to(SIMS).len(), 3);
    let said = run(&program, &sim, "pages", OK, &["sim", "100"]);
    assert_eq!(said.trim(), "25 members on 1 pages");

    for (answer, status, said) in answers() {
        let sim = simulator();
        sim.next(SIMS, Answer::pass());
        sim.always(SIMS, answer);
        let output = run(&program, &sim, "pages", status, &["sim", "10"]);
        assert!(output.starts_with(said), "{output}");
    }
}

#[test]
fn a_wrong_argument_is_refused_before_anything_is_sent() {
    let sim = simulator();
    run(&program(), &sim, "arguments", OK, &[]);
    assert_eq!(sim.connections(), 0);
}

#[test]
fn the_static_library_does_the_same() {
    let program = Source::c("api", Link::Static).build();
    let (sim, own, id) = device();
    run(&program, &sim, "arguments", OK, &[]);
    run(&program, &sim, "mfa-device", OK, &[]);
    run(&program, &sim, "sms", OK, &[&ENDPOINT.to_string(), "x"]);
    run(&program, &sim, "list", OK, &[]);
    run(&program, &sim, "rotate", OK, &[own, &id, "0"]);
}

#[test]
fn valgrind_finds_no_error_and_no_leak() {
    const MEMCHECK: [&str; 5] = [
        "valgrind",
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect",
    ];
    if !have(&["valgrind"]) {
        return;
    }
    let program = program();
    let (sim, own, id) = device();
    let endpoint = ENDPOINT.to_string();
    let workspace = WORKSPACE.to_string();
    let works: [(&str, &str, &[&str]); 10] = [
        ("arguments", OK, &[]),
        ("request", OK, &["GET", SIMS]),
        ("request", "EMNIFY_ERROR_REJECTED", &["GET", "/api/v1/sim/1"]),
        ("cancelled", "EMNIFY_ERROR_CANCELLED", &[]),
        ("mfa-device", OK, &[]),
        ("workspace", OK, &[&workspace, "user"]),
        ("sms", OK, &[&endpoint, "x"]),
        ("sms", "EMNIFY_ERROR_REJECTED", &["1", "x"]),
        ("rotate", "EMNIFY_ERROR_STORAGE", &[own, &id, "1"]),
        ("rotate", OK, &[own, &id, "0"]),
    ];
    for (operation, status, more) in works {
        run_under(&MEMCHECK, &program, &sim, operation, status, more);
    }
    let said = run_under(&MEMCHECK, &program, &sim, "create", OK, &["x", "-", "-"]);
    let id = said.trim().strip_prefix("id ").expect("an id");
    run_under(&MEMCHECK, &program, &sim, "describe", OK, &[id, "y"]);
    run_under(&MEMCHECK, &program, &sim, "list", OK, &[]);
    run_under(&MEMCHECK, &program, &sim, "find", OK, &["y"]);
    run_under(&MEMCHECK, &program, &sim, "revoke", OK, &[id]);
}
