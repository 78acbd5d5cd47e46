//! Application tokens: make, list, describe, revoke, rotate.

use emnify::{Client, Credentials, ErrorKind, NewApplicationToken};
use emnify_simulator::{Answer, DEFAULT_PASSWORD, DEFAULT_USERNAME, Simulator, WORKSPACE};

const PATH: &str = "/api/v1/application_token";
const AUTHENTICATE: &str = "/api/v1/authenticate";

fn rig() -> (Simulator, Client) {
    let sim = Simulator::builder().start().unwrap();
    let client = client(&sim, Credentials::user(DEFAULT_USERNAME, DEFAULT_PASSWORD));
    (sim, client)
}

fn client(sim: &Simulator, credentials: Credentials) -> Client {
    Client::builder(credentials).base_url(sim.base_url()).build().unwrap()
}

fn signs_in(sim: &Simulator, secret: &str) -> bool {
    client(sim, Credentials::application_token(secret)).auth_token().is_ok()
}

fn described(text: &str) -> NewApplicationToken {
    NewApplicationToken::new().description(text)
}

#[test]
fn a_token_is_made_with_its_id_listed_described_and_revoked() {
    let (sim, client) = rig();
    let new = described("gateway 7").expiry_date("2051-10-29").ip_range("127.0.0.0/8");
    let created = client.create_application_token(&new).unwrap();
    let id = created.id.expect("nobody else made one");
    assert!(signs_in(&sim, created.secret()));
    assert!(!format!("{created:?}").contains(created.secret()));

    let found = client.application_token(id).unwrap().unwrap();
    assert_eq!(found.description.as_deref(), Some("gateway 7"));
    assert_eq!(found.ip.as_deref(), Some("127.0.0.0/8"));
    assert!(!found.is_revoked());

    client.describe_application_token(id, "gateway 8").unwrap();
    client.revoke_application_token(id).unwrap();
    let found = client.application_token(id).unwrap().unwrap();
    assert_eq!(found.description.as_deref(), Some("gateway 8"));
    assert!(found.is_revoked());
    assert!(!signs_in(&sim, created.secret()));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn a_token_is_found_by_a_description_that_no_other_active_one_has() {
    let (_sim, client) = rig();
    let id_of =
        |text: &str| client.application_token_described(text).unwrap().map(|token| token.id);
    let [first, second] = ["gateway 7", "gateway 7"]
        .map(|text| client.create_application_token(&described(text)).unwrap().id.unwrap());
    assert_eq!(id_of("gateway 7"), None, "either may be meant");
    assert_eq!(id_of("gateway"), None);
    client.revoke_application_token(first).unwrap();
    assert_eq!(id_of("gateway 7"), Some(second));
}

#[test]
fn an_empty_description_finds_none() {
    let (sim, client) = rig();
    for nameless in [r#"[{"id":1}]"#, r#"[{"id":1,"description":""}]"#] {
        sim.next(PATH, Answer::json(200, nameless));
        assert_eq!(client.application_token_described("").unwrap(), None, "{nameless}");
    }
}

#[test]
fn a_list_costs_one_request_unless_its_headers_say_that_there_is_more() {
    let (sim, client) = rig();
    client.application_tokens().unwrap();
    assert_eq!(sim.requests_to(PATH).len(), 1);
    assert_eq!(sim.requests_to(PATH)[0].query, "");
    let page = |body: &str| Answer::json(200, body).header("X-Total-Pages", "2");
    sim.next(PATH, page(r#"[{"id":1},{"description":"its id is not said"}]"#));
    sim.next(PATH, page(r#"[{"id":3}]"#));
    let ids: Vec<u64> = client.application_tokens().unwrap().iter().map(|it| it.id).collect();
    assert_eq!(ids, [1, 0, 3]);
    assert_eq!(sim.requests_to(PATH)[2].query, "page=2");
}

#[test]
fn a_token_whose_id_is_not_said_is_not_found_by_the_0_that_stands_for_it() {
    let (sim, client) = rig();
    sim.always(PATH, Answer::json(200, r#"[{"description":"its id is not said"},{"id":2}]"#));
    assert_eq!(client.application_token(0).unwrap(), None);
    assert_eq!(client.application_token(2).unwrap().unwrap().id, 2);
}

#[test]
fn a_creation_makes_three_calls_and_two_where_the_answer_says_the_id() {
    let (sim, client) = rig();
    client.create_application_token(&described("x")).unwrap();
    assert_eq!(sim.requests_to(PATH).len(), 3);
    let answer = r#"{"application_token":"made-up","id":77}"#;
    sim.next(&format!("POST {PATH}"), Answer::json(200, answer));
    assert_eq!(client.create_application_token(&described("y")).unwrap().id, Some(77));
    assert_eq!(sim.requests_to(PATH).len(), 5);
    let odd = r#"{"application_token":"made-up","id":"x"}"#;
    sim.next(&format!("POST {PATH}"), Answer::json(200, odd));
    assert_eq!(client.create_application_token(&described("z")).unwrap().id, None);
}

#[test]
fn an_id_that_cannot_be_told_is_not_guessed() {
    let (sim, client) = rig();
    client.auth_token().unwrap();
    // The list after the creation shows two new ones with the same description.
    sim.next(&format!("GET {PATH}"), Answer::json(200, "[]"));
    let two = r#"[{"id":1,"description":"same"},{"id":2,"description":"same"}]"#;
    sim.next(&format!("GET {PATH}"), Answer::json(200, two));
    assert_eq!(client.create_application_token(&described("same")).unwrap().id, None);
}

#[test]
fn the_secret_is_not_lost_where_the_list_cannot_be_had_afterwards() {
    let (sim, client) = rig();
    sim.next(&format!("GET {PATH}"), Answer::pass());
    sim.next(&format!("GET {PATH}"), Answer::status(500));
    let created = client.create_application_token(&described("x")).unwrap();
    assert_eq!(created.id, None);
    assert!(signs_in(&sim, created.secret()));
}

#[test]
fn a_wrong_date_or_range_is_refused_before_anything_is_sent() {
    let (sim, client) = rig();
    let cases = [
        (NewApplicationToken::new().expiry_date("tomorrow"), "expiry_date"),
        (NewApplicationToken::new().ip_range("127.0.0.1"), "ip_range"),
    ];
    for (new, argument) in cases {
        let error = client.create_application_token(&new).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().starts_with(argument), "{error}");
    }
    assert_eq!(sim.connections(), 0);
}

#[test]
fn a_creation_whose_answer_is_lost_is_not_repeated_and_is_said() {
    let (sim, client) = rig();
    sim.next(&format!("POST {PATH}"), Answer::lost());
    let error = client.create_application_token(&described("x")).unwrap_err();
    assert!(error.to_string().contains("nobody has the secret"), "{error}");
    let posts = sim.requests_to(PATH).into_iter().filter(|request| request.method == "POST");
    assert_eq!(posts.count(), 1);
}

#[test]
fn a_creation_that_may_have_been_done_says_so_and_one_that_was_not_does_not() {
    let post = format!("POST {PATH}");
    for (answer, kind, said) in [
        (Answer::status(504), ErrorKind::Server, true),
        (Answer::status(408), ErrorKind::Server, true),
        (Answer::json(201, "{}"), ErrorKind::BadResponse, true),
        (Answer::json(201, "<html>"), ErrorKind::BadResponse, true),
        (Answer::cut_in_body(900, "{"), ErrorKind::BadResponse, true),
        (Answer::status(422), ErrorKind::Rejected, false),
        (Answer::status(403), ErrorKind::Forbidden, false),
        (Answer::status(429), ErrorKind::RateLimited, false),
    ] {
        let (sim, client) = rig();
        sim.always(&post, answer);
        let error = client.create_application_token(&described("x")).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.to_string().contains("nobody has the secret"), said, "{error}");
    }
    let (sim, client) = rig();
    sim.always(AUTHENTICATE, Answer::status(503));
    let error = client.create_application_token(&described("x")).unwrap_err();
    assert!(!error.to_string().contains("nobody has the secret"), "nothing was sent: {error}");
}

#[test]
fn what_does_not_exist_is_rejected() {
    let (_sim, client) = rig();
    assert_eq!(client.application_token(1).unwrap(), None);
    let error = client.revoke_application_token(1).unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Rejected, Some(404)));
}

/// A client that signs in with an application token of its own, whose id it knows.
fn device() -> (Simulator, Client, String, u64) {
    let (sim, user) = rig();
    let first = user.create_application_token(&described("first")).unwrap();
    let client = client(&sim, Credentials::application_token(first.secret()));
    client.auth_token().unwrap();
    (sim, client, first.secret().to_owned(), first.id.unwrap())
}

#[test]
fn rotation_stores_the_new_token_before_it_revokes_the_old() {
    let (sim, client, old_secret, old) = device();
    let before = sim.sign_ins();
    let mut stored = None;
    let rotated = client
        .rotate_application_token(old, &described("second"), |secret| {
            assert!(signs_in(&sim, &old_secret), "the old one was revoked too early");
            stored = Some(secret.to_owned());
            Ok(())
        })
        .unwrap();
    assert!(rotated.old_not_revoked.is_none());
    let stored = stored.unwrap();
    assert!(stored == rotated.new.secret(), "another secret was stored");
    assert!(signs_in(&sim, &stored) && !signs_in(&sim, &old_secret));
    // The client goes on with the token that the successor got when it was tried out.
    let after_checks = sim.sign_ins();
    client.get("/api/v1/sim").call().unwrap().check().unwrap();
    assert_eq!(sim.sign_ins(), after_checks);
    assert_eq!(after_checks - before, 4, "one to try the successor, three by this test");
}

#[test]
fn a_rotation_that_cannot_store_leaves_the_old_token_and_nothing_else() {
    let (sim, client, old_secret, old) = device();
    let error = client
        .rotate_application_token(old, &described("second"), |_| Err("flash is full".into()))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("flash is full"), "{error}");
    assert!(signs_in(&sim, &old_secret));
    let active = client.application_tokens().unwrap();
    let second = active.iter().find(|token| token.description.as_deref() == Some("second"));
    assert!(second.unwrap().is_revoked());
}

#[test]
fn a_successor_that_does_not_sign_in_is_taken_back() {
    let (sim, client, old_secret, old) = device();
    sim.next(AUTHENTICATE, Answer::status(503));
    let never = |_: &str| -> Result<(), String> { panic!("nothing is to be stored") };
    let error = client.rotate_application_token(old, &described("second"), never).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(error.to_string().starts_with("the new application token, which was only"), "{error}");
    assert!(signs_in(&sim, &old_secret));
    client.auth_token().expect("the client goes on with the old one");
}

#[test]
fn a_successor_that_cannot_be_taken_back_is_not_left_unsaid() {
    let (sim, client, _, old) = device();
    sim.next(AUTHENTICATE, Answer::status(503));
    sim.next(&format!("PATCH {PATH}/*"), Answer::status(500));
    let error = client.rotate_application_token(old, &described("second"), |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("left behind"), "{error}");
}

#[test]
fn an_old_token_that_cannot_be_revoked_does_not_undo_the_rotation() {
    let (sim, client, old_secret, old) = device();
    sim.next(&format!("PATCH {PATH}/*"), Answer::status(500));
    let rotated = client.rotate_application_token(old, &described("second"), |_| Ok(())).unwrap();
    assert_eq!(rotated.old_not_revoked.unwrap().kind(), ErrorKind::Server);
    assert!(signs_in(&sim, rotated.new.secret()) && signs_in(&sim, &old_secret));
}

fn posts(sim: &Simulator, path: &str) -> usize {
    sim.requests_to(path).into_iter().filter(|request| request.method == "POST").count()
}

#[test]
fn rotations_that_fail_again_and_again_keep_the_budget_and_leave_nothing_behind() {
    let (sim, client, old_secret, old) = device();
    let sign_ins = posts(&sim, AUTHENTICATE);
    let mut kinds = Vec::new();
    for _ in 0..12 {
        let outcome = client
            .rotate_application_token(old, &described("second"), |_| Err("flash is full".into()));
        kinds.push(outcome.unwrap_err().kind());
    }
    // One sign-in of this client was its first.
    assert_eq!(posts(&sim, AUTHENTICATE) - sign_ins, 9);
    assert!(kinds[..9].iter().all(|kind| *kind == ErrorKind::Storage), "{kinds:?}");
    assert!(kinds[9..].iter().all(|kind| *kind == ErrorKind::RateLimited), "{kinds:?}");
    let tokens = client.application_tokens().unwrap();
    let seconds: Vec<_> =
        tokens.iter().filter(|it| it.description.as_deref() == Some("second")).collect();
    assert_eq!(seconds.len(), 9, "where it cannot be tried out, none is made");
    assert!(seconds.iter().all(|token| token.is_revoked()));
    assert!(signs_in(&sim, &old_secret));
}

#[test]
fn a_rate_limit_that_a_rotation_meets_holds_for_the_client_and_the_next_rotation() {
    let (sim, client, _, old) = device();
    let limited = Answer::status(429).header("Retry-After", "40");
    sim.next(AUTHENTICATE, limited);
    for _ in 0..3 {
        let outcome = client.rotate_application_token(old, &described("second"), |_| Ok(()));
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(error.retry_after().unwrap().as_secs() > 30, "{error}");
    }
    let token = client.auth_token().unwrap();
    client.invalidate(&token).unwrap();
    assert_eq!(client.auth_token().unwrap_err().kind(), ErrorKind::RateLimited);
    // One for the user who made the token, one for the client, and the trial.
    assert_eq!(posts(&sim, AUTHENTICATE), 3);
}

#[test]
fn only_a_client_that_signs_in_with_an_application_token_has_one_to_rotate() {
    let (sim, user) = rig();
    let created = user.create_application_token(&described("first")).unwrap();
    let before = sim.requests().len();
    for client in [&user, &user.workspace(WORKSPACE).unwrap()] {
        let outcome =
            client.rotate_application_token(created.id.unwrap(), &described("x"), |_| Ok(()));
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().starts_with("client: "), "{error}");
    }
    assert_eq!(sim.requests().len(), before, "and nothing is sent");
}

#[test]
fn credentials_that_were_set_during_a_rotation_are_not_overwritten() {
    let (sim, user) = rig();
    let secret_of = |text| user.create_application_token(&described(text)).unwrap();
    let (first, other) = (secret_of("first"), secret_of("other"));
    let client = client(&sim, Credentials::application_token(first.secret()));
    let mut stored = None;
    let error = client
        .rotate_application_token(first.id.unwrap(), &described("second"), |secret| {
            stored = Some(secret.to_owned());
            client.set_credentials(Credentials::application_token(other.secret())).unwrap();
            Ok(())
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(error.to_string().contains("stored and valid"), "{error}");
    assert!(signs_in(&sim, &stored.unwrap()), "what is stored works");
    assert!(signs_in(&sim, first.secret()));
    user.revoke_application_token(first.id.unwrap()).unwrap();
    client.auth_token().expect("the client uses the other one");
}

#[test]
fn rotating_a_token_that_is_not_there_makes_none() {
    let (_sim, client, _, _) = device();
    let before = client.application_tokens().unwrap().len();
    for id in [0, 1] {
        let error = client.rotate_application_token(id, &described("x"), |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!(client.application_tokens().unwrap().len(), before);
}
