//! The control endpoint, for tests in other languages.

mod common;

use common::{AUTHENTICATE, Client};
use emnify_simulator::{DEFAULT_APPLICATION_TOKEN, MFA_PASSWORD, MFA_USERNAME, Simulator};
use serde_json::{Value, json};

fn start() -> (Simulator, Client) {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::new(&sim);
    (sim, client)
}

#[test]
fn an_answer_is_scripted() {
    let (_sim, client) = start();
    let script = json!({
        "path": AUTHENTICATE, "method": "POST", "status": 503, "headers": { "Retry-After": "7" },
        "body": "<h1>Busy</h1>", "content_type": "text/html", "times": 2, "delay_ms": 1,
    });
    assert_eq!(client.post("/_control/script", &script).status, 200);
    for _ in 0..2 {
        let answer = client.application_token(DEFAULT_APPLICATION_TOKEN);
        assert_eq!((answer.status, answer.text.as_str()), (503, "<h1>Busy</h1>"));
        assert_eq!(answer.header("retry-after"), Some("7"));
    }
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
}

#[test]
fn every_kind_of_cut_is_scripted() {
    let (_sim, client) = start();
    for script in [
        json!({ "path": "/x", "cut": "before" }),
        json!({ "path": "/x", "cut": "reset" }),
        json!({ "path": "/x", "cut": "headers" }),
        json!({ "path": "/x", "cut": "body", "body": "{" }),
        json!({ "path": "/x", "cut": "lost" }),
        json!({ "path": "/x", "garbage": "garbage\r\n\r\n" }),
    ] {
        assert_eq!(client.post("/_control/script", &script).status, 200);
        assert!(client.send("GET", "/x", None).is_err(), "{script}");
    }
    assert_eq!(client.get("/x").status, 404);
}

#[test]
fn a_standing_answer_stays_until_it_is_deleted() {
    let (_sim, client) = start();
    client.post("/_control/script", &json!({ "path": "/x", "status": 204, "always": true }));
    assert_eq!((client.get("/x").status, client.get("/x").status), (204, 204));
    assert_eq!(client.delete("/_control/script").status, 200);
    assert_eq!(client.get("/x").status, 404);
}

#[test]
fn a_token_is_scripted() {
    let (_sim, mut client) = start();
    client.post("/_control/script", &json!({ "path": AUTHENTICATE, "token": "opaque" }));
    let token = client.application_token(DEFAULT_APPLICATION_TOKEN).auth_token();
    assert_eq!(token, "opaque");
    client.bearer = Some(token);
    assert_eq!(client.get("/api/v1/sim").status, 200);
    client.post("/_control/revoke_bearers", &json!({}));
    assert_eq!(client.get("/api/v1/sim").status, 401);
}

#[test]
fn a_script_with_a_mistake_is_refused_with_a_word() {
    let (_sim, client) = start();
    for (script, word) in [
        (json!({ "status": 200 }), "path"),
        (json!({ "path": "/x", "stauts": 200 }), "stauts"),
        (json!({ "path": "/x", "cut": "off" }), "cut"),
        (json!({ "path": "/x", "cut": "before", "token": "x" }), "more than one"),
        (json!({ "path": "/x", "status": 99 }), "status"),
        (json!({ "path": "/x", "status": "200" }), "status"),
        (json!({ "path": "/x", "headers": ["x"] }), "headers"),
        (json!({ "path": "/x", "headers": { "a b": "x" } }), "a b"),
        (json!({ "path": "/x", "times": -1 }), "times"),
        (json!({ "path": "/x", "held": 1 }), "held"),
        (json!([]), "object"),
    ] {
        let answer = client.post("/_control/script", &script);
        assert_eq!(answer.status, 400, "{script}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(word), "{script}: {message}");
    }
    assert_eq!(client.get("/_control/nothing").status, 404);
}

#[test]
fn held_answers_are_counted_and_released() {
    let (sim, client) = start();
    client.post("/_control/script", &json!({ "path": "/x", "held": true, "status": 204 }));
    let held = Client::new(&sim);
    let waiting = std::thread::spawn(move || held.get("/x").status);
    assert!(sim.wait_for_held(1, common::PATIENCE));
    assert_eq!(client.get("/_control/stats").json()["held"], 1);
    client.post("/_control/release", &json!({}));
    assert_eq!(waiting.join().unwrap(), 204);
}

#[test]
fn requests_are_shown_without_their_secrets() {
    let (_sim, mut client) = start();
    client.bearer = Some(client.application_token(DEFAULT_APPLICATION_TOKEN).auth_token());
    client.get("/api/v1/sim?page=1");
    let shown = client.get("/_control/requests");
    assert!(!shown.text.contains(DEFAULT_APPLICATION_TOKEN));
    assert!(!shown.text.contains(client.bearer.as_ref().unwrap()));
    let list = shown.json();
    assert_eq!(list[0]["path"], AUTHENTICATE);
    assert_eq!(list[0]["body"], r#"{"application_token":"***"}"#);
    assert_eq!((&list[1]["query"], &list[1]["status"]), (&json!("page=1"), &json!(200)));
    let one = client.get("/_control/requests?path=/api/v1/sim").json();
    assert_eq!(one.as_array().unwrap().len(), 1);
    client.delete("/_control/requests");
    assert_eq!(client.get("/_control/requests").json(), json!([]));
}

#[test]
fn secrets_are_shown_where_that_was_asked_for() {
    let sim = Simulator::builder().show_secrets(true).start().unwrap();
    let client = Client::new(&sim);
    client.application_token(DEFAULT_APPLICATION_TOKEN);
    assert!(client.get("/_control/requests").text.contains(DEFAULT_APPLICATION_TOKEN));
}

#[test]
fn time_is_moved() {
    let (_sim, mut client) = start();
    client.bearer = Some(client.application_token(DEFAULT_APPLICATION_TOKEN).auth_token());
    assert_eq!(client.post("/_control/advance", &json!({ "seconds": 14_400 })).status, 200);
    assert_eq!(client.get("/api/v1/sim").status, 401);
    assert_eq!(client.post("/_control/advance", &json!({ "seconds": -1 })).status, 400);
    assert_eq!(client.post("/_control/clock_offset", &json!({ "seconds": -86_400 })).status, 200);
}

#[test]
fn what_happened_is_counted() {
    let (sim, client) = start();
    client.application_token(DEFAULT_APPLICATION_TOKEN);
    client.authenticate(&json!({}));
    client.get("/x");
    let stats: Value = client.get("/_control/stats").json();
    assert_eq!((&stats["sign_ins"], &stats["requests"]), (&json!(2), &json!(3)));
    assert_eq!(stats["connections"], 1);
    assert_eq!(stats["violations"], json!(["authenticate: no credentials"]));
    assert_eq!(sim.requests().len(), 3, "the control endpoint is not recorded");
}

#[test]
fn the_one_time_code_can_be_read() {
    let (sim, client) = start();
    let path = format!("/_control/mfa_code?username={}", MFA_USERNAME.replace('@', "%40"));
    assert_eq!(client.get(&path).status, 404);
    client.user(MFA_USERNAME, MFA_PASSWORD);
    assert_eq!(client.get(&path).json()["code"].as_str(), sim.mfa_code(MFA_USERNAME).as_deref());
}
