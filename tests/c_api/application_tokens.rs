//! Application tokens: made, listed, found, described, revoked and rotated.

use emnify_simulator::Answer;

use super::{AUTHENTICATE, OK, TOKENS, answers, device, program, run, simulator};

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
