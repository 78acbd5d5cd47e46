//! What is behind the token, from C: one-time codes, workspaces, requests, lists, SMS, application
//! tokens, each with what it gives and with each way in which it fails.

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

#[test]
fn an_application_token_is_made_and_revoked() {
    let program = program();
    let sim = simulator();
    let output =
        run(&program, &sim, "create", OK, &["gateway 7", "2051-10-29T12:00:00Z", "127.0.0.0/8"]);
    let posts: Vec<_> =
        sim.requests_to(TOKENS).into_iter().filter(|call| call.method == "POST").collect();
    assert_eq!(posts.len(), 1);
    let body: serde_json::Value = serde_json::from_slice(&posts[0].body).expect("JSON");
    let wanted = serde_json::json!({
        "description": "gateway 7", "expiry_date": "2051-10-29T12:00:00Z", "ip": "127.0.0.0/8",
    });
    assert_eq!(body, wanted);
    run(&program, &sim, "create", OK, &["-", "-", "-"]);

    let id = output.trim().strip_prefix("id ").expect("an id");
    assert_ne!(id, "0");
    run(&program, &sim, "revoke", OK, &[id]);
    run(&program, &sim, "revoke", "EMNIFY_ERROR_REJECTED", &["1"]);

    // Two new ones of the same description: which of them is ours cannot be told.
    sim.next(&format!("GET {TOKENS}"), Answer::json(200, "[]"));
    let two = r#"[{"id":1,"description":"same"},{"id":2,"description":"same"}]"#;
    sim.next(&format!("GET {TOKENS}"), Answer::json(200, two));
    assert_eq!(run(&program, &sim, "create", OK, &["same", "-", "-"]).trim(), "id 0");
    // Nor where there is no list afterwards, for which the secret is not given up.
    sim.next(&format!("GET {TOKENS}"), Answer::pass());
    sim.next(&format!("GET {TOKENS}"), Answer::status(500));
    assert_eq!(run(&program, &sim, "create", OK, &["other", "-", "-"]).trim(), "id 0");
}

#[test]
fn application_tokens_are_listed_with_what_each_has() {
    let program = program();
    let sim = simulator();
    let description = "gateway \"7\" \u{e4}";
    let created = run(&program, &sim, "create", OK, &[description, "2051-10-29", "127.0.0.0/8"]);
    let id = created.trim().strip_prefix("id ").expect("an id").to_owned();
    let revoked = sim.add_application_token("made-up-token-that-opens-nothing");
    assert!(sim.revoke_application_token(revoked));

    let said = run(&program, &sim, "list", OK, &[]);
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split('|').collect()).collect();
    // The program's own, the one that was made, and the revoked one.
    assert_eq!(lines.len(), 3, "{said}");
    let [_, made, gone] = &lines[..] else { unreachable!() };
    assert!(made[2].starts_with("20") && made[2].contains('T'), "when it was made: {said}");
    assert_eq!(made[..2], [id.as_str(), description]);
    assert_eq!(made[3..], ["2051-10-29", "127.0.0.0/8", "0"]);
    assert_eq!(gone[0], revoked.to_string());
    assert_eq!(gone[3..], ["", "", "1"]);

    // Members that are missing, null, or of later versions; a NUL ends a text.
    let odd = r#"[{"id":18446744073709551614},
        {"id":2,"description":null,"created":null,"expiry_date":null,"ip":null,"status":null},
        {"description":"its id is not said"},
        {"id":3,"description":"a\u0000b","status":{"id":2,"description":"New"},"new":[]}]"#;
    sim.next(TOKENS, Answer::json(200, odd).header("X-Total-Pages", "1"));
    let said = run(&program, &sim, "list", OK, &[]);
    assert_eq!(said, "18446744073709551614|||||0\n2|||||0\n0|its id is not said||||0\n3|a||||0\n");
    sim.next(TOKENS, Answer::json(200, "[]"));
    assert_eq!(run(&program, &sim, "list", OK, &[]), "");
}

#[test]
fn application_tokens_are_listed_over_all_pages_or_not_at_all() {
    let program = program();
    let sim = simulator();
    for number in 0..1200 {
        sim.add_application_token(&format!("made-up-token-of-no-value-{number}"));
    }
    // A thousand on a page: its own one, and these.
    assert_eq!(run(&program, &sim, "list", OK, &[]).lines().count(), 1201);
    assert_eq!(sim.requests_to(TOKENS).len(), 2);

    for (answer, status, said) in answers() {
        let sim = simulator();
        sim.always(TOKENS, answer.clone());
        let output = run(&program, &sim, "list", status, &[]);
        assert!(output.starts_with(said), "{output}");
        // And so where only the second page is missing.
        sim.clear_script();
        sim.next(TOKENS, Answer::json(200, r#"[{"id":1}]"#).header("X-Total-Pages", "2"));
        sim.always(TOKENS, answer);
        let output = run(&program, &sim, "list", status, &[]);
        assert!(output.starts_with(said), "{output}");
    }
    for body in ["{}", "[1]", "<html>"] {
        let sim = simulator();
        sim.always(TOKENS, Answer::json(200, body));
        run(&program, &sim, "list", "EMNIFY_ERROR_BAD_RESPONSE", &[]);
    }
}

#[test]
fn an_application_token_is_found_by_a_description_that_no_other_active_one_has() {
    let program = program();
    let sim = simulator();
    sim.always(
        TOKENS,
        Answer::json(
            200,
            r#"[{"id":1,"description":"mine","status":{"id":1}},
                {"id":2,"description":"mine too","status":{"id":0}},
                {"id":3,"description":"mine","status":{"id":0}},
                {"id":4,"description":"mine","status":{"id":1}},
                {"id":5,"description":"both","status":{"id":0}},
                {"id":6,"description":"both","status":{"id":0}},
                {"id":7,"description":"gone","status":{"id":1}},
                {"id":8}]"#,
        ),
    );
    for (description, id) in
        [("mine", 3), ("mine too", 2), ("MINE", 0), ("min", 0), ("both", 0), ("gone", 0), ("", 0)]
    {
        let said = run(&program, &sim, "find", OK, &[description]);
        assert_eq!(said.trim(), format!("id {id}"), "{description}");
    }
}

#[test]
fn an_application_token_is_described() {
    let program = program();
    let sim = simulator();
    let id = sim.add_application_token("made-up-token-that-opens-nothing").to_string();
    for description in ["gateway \"7\" \u{e4}", ""] {
        run(&program, &sim, "describe", OK, &[&id, description]);
        let patches = sim.requests_to(&format!("{TOKENS}/{id}"));
        let body: serde_json::Value =
            serde_json::from_slice(&patches.last().expect("one").body).expect("JSON");
        assert_eq!(body, serde_json::json!({ "description": description }));
        let said = run(&program, &sim, "list", OK, &[]);
        assert!(said.contains(&format!("\n{id}|{description}|")), "{said}");
    }

    let said = run(&program, &sim, "describe", "EMNIFY_ERROR_REJECTED", &["1", "x"]);
    assert!(said.starts_with("http 404"), "{said}");
    for (answer, status, said) in answers() {
        let sim = simulator();
        sim.always(&format!("PATCH {TOKENS}/*"), answer);
        let output = run(&program, &sim, "describe", status, &["1", "x"]);
        assert!(output.starts_with(said), "{output}");
        assert_eq!(sim.requests_to(&format!("{TOKENS}/1")).len(), 1, "{status}");
    }
}

#[test]
fn an_application_token_that_is_not_made_is_none() {
    let program = program();
    for (answer, status, said) in answers() {
        let sim = simulator();
        sim.next(&format!("POST {TOKENS}"), answer.clone());
        let output = run(&program, &sim, "create", status, &["x", "-", "-"]);
        assert!(output.starts_with(said), "{output}");
        let sim = simulator();
        sim.always(&format!("GET {TOKENS}"), answer.clone());
        let output = run(&program, &sim, "create", status, &["x", "-", "-"]);
        assert!(output.starts_with(said), "{output}");
        assert_eq!(sim.requests_to(&format!("POST {TOKENS}")).len(), 0, "{status}");
        let sim = simulator();
        sim.next(&format!("PATCH {TOKENS}/*"), answer);
        let output = run(&program, &sim, "revoke", status, &["1"]);
        assert!(output.starts_with(said), "{output}");
    }
    let sim = simulator();
    sim.next(&format!("POST {TOKENS}"), Answer::lost());
    let said = run(&program, &sim, "create", "EMNIFY_ERROR_NETWORK", &["x", "-", "-"]);
    assert!(said.contains("nobody has the secret"), "{said}");
}

/// A simulator with an application token of a device's own, and its id.
fn device() -> (Simulator, &'static str, String) {
    let own = "made-up-application-token-of-a-device-that-opens-nothing-anywhere";
    let sim = simulator();
    let id = sim.add_application_token(own).to_string();
    (sim, own, id)
}

#[test]
fn a_rotation_goes_all_the_way_or_leaves_the_old_token() {
    let program = program();
    let (sim, own, id) = device();
    // The program signs in with what is there before and after; the old one works no more.
    let said = run(&program, &sim, "rotate", OK, &[own, &id, "0"]);
    assert!(said.starts_with("kept 1, old_revoked 1, id ") && !said.ends_with("id 0\n"), "{said}");
}

#[test]
fn a_rotation_that_cannot_be_kept_is_undone() {
    let program = program();
    for answer in ["1", "-1", "2147483647"] {
        let (sim, own, id) = device();
        let said = run(&program, &sim, "rotate", "EMNIFY_ERROR_STORAGE", &[own, &id, answer]);
        assert!(said.contains(answer) && said.contains("kept 1, old_revoked 0, id 0"), "{said}");
        assert!(!said.contains("left behind"), "{said}");
    }
}

#[test]
fn a_rotation_that_fails_says_what_it_leaves_behind() {
    let program = program();
    let (sim, own, id) = device();
    for unknown in ["1", "18446744073709551615"] {
        let said =
            run(&program, &sim, "rotate", "EMNIFY_ERROR_INVALID_ARGUMENT", &[own, unknown, "0"]);
        assert!(said.contains(unknown) && said.contains("kept 0"), "{said}");
    }

    // Not revoked at the end: no failure, but said.
    sim.next(&format!("PATCH {TOKENS}/{id}"), Answer::status(500));
    let said = run(&program, &sim, "rotate", OK, &[own, &id, "0"]);
    assert!(said.starts_with("kept 1, old_revoked 0, id "), "{said}");

    // The successor does not sign in, and is taken back or not.
    for (taken_back, left) in [(Answer::pass(), false), (Answer::status(500), true)] {
        let (sim, own, id) = device();
        sim.next(AUTHENTICATE, Answer::pass());
        sim.next(AUTHENTICATE, Answer::status(503));
        sim.next(&format!("PATCH {TOKENS}/*"), taken_back);
        let said = run(&program, &sim, "rotate", "EMNIFY_ERROR_SERVER", &[own, &id, "0"]);
        assert!(said.contains("kept 0"), "{said}");
        assert_eq!(said.contains("left behind"), left, "{said}");
    }
}

#[test]
fn a_rotation_that_makes_no_successor_says_why() {
    let program = program();
    for target in [format!("GET {TOKENS}"), format!("POST {TOKENS}")] {
        for (answer, status, said) in answers() {
            let (sim, own, id) = device();
            sim.always(&target, answer);
            let output = run(&program, &sim, "rotate", status, &[own, &id, "0"]);
            assert!(output.starts_with(said) && output.contains("kept 0"), "{output}");
        }
    }
}

#[test]
fn a_rotation_does_not_overwrite_what_the_client_was_given_meanwhile() {
    let (sim, own, id) = device();
    let other = "made-up-application-token-that-another-thread-came-with-meanwhile";
    sim.add_application_token(other);
    let said =
        run(&program(), &sim, "rotate-replaced", "EMNIFY_ERROR_CANCELLED", &[own, &id, other]);
    assert!(said.contains("stored and valid"), "{said}");
    let sign_ins = sim.requests_to(AUTHENTICATE);
    assert!(sign_ins.last().is_some_and(|last| last.text().contains(other)), "another one");
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
