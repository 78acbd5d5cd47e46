//! Application tokens: make, list, describe, revoke, rotate.

use emnify::{Client, Credentials, ErrorKind, NewApplicationToken};
use emnify_simulator::{Answer, DEFAULT_PASSWORD, DEFAULT_USERNAME, Simulator};

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

#[test]
fn rotating_a_token_that_is_not_there_makes_none() {
    let (_sim, client, _, _) = device();
    let before = client.application_tokens().unwrap().len();
    let error = client.rotate_application_token(1, &described("x"), |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(client.application_tokens().unwrap().len(), before);
}
