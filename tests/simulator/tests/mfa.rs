//! MFA: codes, trusted devices, keys; workspaces.

mod common;

use std::time::Duration;

use common::Client;
use emnify_simulator::{
    ACTIVATION_CODE, DEFAULT_ORGANISATION, DEFAULT_PASSWORD, DEFAULT_USERNAME, MFA_PASSWORD,
    MFA_USERNAME, Simulator, User, WORKSPACE,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;

fn start() -> (Simulator, Client) {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::new(&sim);
    (sim, client)
}

fn first_step(sim: &Simulator, client: &Client) -> (String, String) {
    let answer = client.user(MFA_USERNAME, MFA_PASSWORD);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().as_object().unwrap().len(), 1);
    let mfa_token = answer.json()["mfa_token"].as_str().unwrap().to_owned();
    (mfa_token, sim.mfa_code(MFA_USERNAME).unwrap())
}

#[test]
fn a_user_with_mfa_gets_a_challenge_and_then_a_session() {
    let (sim, client) = start();
    assert_eq!(sim.mfa_code(MFA_USERNAME), None);
    let (mfa_token, code) = first_step(&sim, &client);
    assert!(code.starts_with('0') && code.len() == 6);
    let answer = client.authenticate(&json!({ "mfa_token": mfa_token, "code": code }));
    assert_eq!(answer.status, 200);
    assert!(!answer.auth_token().is_empty() && !answer.refresh_token().is_empty());
    let again = client.authenticate(&json!({ "mfa_token": mfa_token, "code": code }));
    assert_eq!(again.status, 401, "a code is good once");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn a_challenge_lasts_ten_minutes() {
    let (sim, client) = start();
    let (mfa_token, code) = first_step(&sim, &client);
    sim.advance(Duration::from_secs(601));
    let late = client.authenticate(&json!({ "mfa_token": mfa_token, "code": code }));
    assert_eq!(late.status, 401);
}

#[test]
fn three_wrong_codes_lock_the_user() {
    let (sim, client) = start();
    let (mfa_token, code) = first_step(&sim, &client);
    for _ in 0..3 {
        let wrong = client.authenticate(&json!({ "mfa_token": mfa_token, "code": "999999" }));
        assert_eq!((wrong.status, wrong.text.as_str()), (401, ""));
    }
    let locked = client.authenticate(&json!({ "mfa_token": mfa_token, "code": code }));
    assert_eq!(locked.json()["error_token"], "TooManyRequests");
    assert_eq!(client.user(MFA_USERNAME, MFA_PASSWORD).json()["error_token"], "TooManyRequests");
}

#[test]
fn a_trusted_device_needs_no_code_for_90_days() {
    let (sim, mut client) = start();
    let (mfa_token, code) = first_step(&sim, &client);
    let device = json!({
        "fingerprint": "made-up-fingerprint", "operating_system": "Linux", "browser": "none",
        "name": "gateway",
    });
    let answer = client
        .authenticate(&json!({ "mfa_token": mfa_token, "code": code, "trusted_device": device }));
    client.bearer = Some(answer.auth_token());
    let listed = client.get("/api/v1/user/my/mfa/trusted_device");
    assert_eq!(listed.json()[0]["operating_system"], "Linux");
    assert!(!listed.text.contains("fingerprint"));

    let from_the_device = || {
        client.authenticate(&json!({
            "username": MFA_USERNAME, "password": User::hash(MFA_PASSWORD),
            "fingerprint": "made-up-fingerprint",
        }))
    };
    assert!(!from_the_device().refresh_token().is_empty());
    sim.advance(Duration::from_secs(89 * 86_400));
    assert!(!from_the_device().refresh_token().is_empty());
    sim.advance(Duration::from_secs(86_400));
    assert!(from_the_device().json()["mfa_token"].is_string());
}

#[test]
fn a_forgotten_device_is_no_longer_trusted() {
    let (sim, mut client) = start();
    let (mfa_token, code) = first_step(&sim, &client);
    let answer = client.authenticate(&json!({
        "mfa_token": mfa_token, "code": code, "trusted_device": { "fingerprint": "made-up" },
    }));
    client.bearer = Some(answer.auth_token());
    let id = client.get("/api/v1/user/my/mfa/trusted_device").json()[0]["id"].clone();
    let path = format!("/api/v1/user/my/mfa/trusted_device/{id}");
    assert_eq!(client.delete(&path).status, 204);
    assert_eq!(client.delete(&path).status, 404);
    let answer = client.authenticate(&json!({
        "username": MFA_USERNAME, "password": User::hash(MFA_PASSWORD), "fingerprint": "made-up",
    }));
    assert!(answer.json()["mfa_token"].is_string());
}

#[test]
fn an_mfa_key_is_created_activated_asked_for_and_deleted() {
    let (sim, _) = start();
    let client = Client::signed_in_as_user(&sim);
    assert_eq!(client.get("/api/v1/user/mfa/status").json()[1]["description"], "Active");
    assert_eq!(client.get("/api/v1/user/mfa/type").json()[0]["id"], 1);
    let wrong =
        client.post("/api/v1/user/mfa", &json!({ "type": { "id": 1 }, "password": "wrong" }));
    assert_eq!(wrong.status, 401);
    let key = client.post(
        "/api/v1/user/mfa",
        &json!({ "type": { "id": 1 }, "password": User::hash(DEFAULT_PASSWORD) }),
    );
    assert_eq!(key.status, 200);
    assert_eq!(key.json()["secret_key"].as_str().unwrap().len(), 32);
    assert!(key.json()["otpauth"].as_str().unwrap().starts_with("otpauth://totp/"));
    let refresh_needs_no_code = client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD);
    assert!(refresh_needs_no_code.json()["auth_token"].is_string(), "the key is not active yet");

    let id = key.json()["id"].clone();
    let path = format!("/api/v1/user/mfa/{id}");
    let activate =
        |code: &str| client.patch(&path, &json!({ "status": { "id": 1 }, "code": code }));
    assert_eq!(activate("999999").status, 401);
    assert_eq!(activate(ACTIVATION_CODE).status, 204);
    assert!(client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD).json()["mfa_token"].is_string());

    let path = format!("/api/v1/user/my/mfa/{id}");
    assert_eq!(client.delete(&path).status, 204);
    assert!(client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD).json()["auth_token"].is_string());
    assert_eq!(sim.violations(), Vec::<String>::new());
}

/// The TOTP code for a base32 secret, made here once more so that the simulator's own arithmetic
/// is not its judge.
fn totp(secret: &str, unix: i64) -> String {
    let (mut key, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in secret.bytes() {
        let value = if digit.is_ascii_digit() { digit - b'2' + 26 } else { digit - b'A' };
        held = (held << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            key.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
    mac.update(&(unix / 30).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[test]
fn a_code_of_an_authenticator_app_signs_in_once() {
    let (sim, _) = start();
    let client = Client::signed_in_as_user(&sim);
    let key = client.post(
        "/api/v1/user/mfa",
        &json!({ "type": { "id": 1 }, "password": User::hash(DEFAULT_PASSWORD) }),
    );
    let secret = key.json()["secret_key"].as_str().unwrap().to_owned();
    let code = || totp(&secret, sim.clock().said());
    let path = format!("/api/v1/user/mfa/{}", key.json()["id"]);
    let activated = client.patch(&path, &json!({ "status": { "id": 1 }, "code": code() }));
    assert_eq!(activated.status, 204);

    let sign_in = |code: &str| {
        let challenge = client.user(DEFAULT_USERNAME, DEFAULT_PASSWORD).json();
        client.authenticate(&json!({ "mfa_token": challenge["mfa_token"], "code": code }))
    };
    // Two steps on, because the code that activated the key may be the next one's by now.
    sim.advance(Duration::from_secs(60));
    let code = code();
    assert_eq!(sign_in(&code).status, 200);
    assert_eq!(sign_in(&code).status, 401, "it is spent");
}

#[test]
fn a_user_reaches_no_other_users_devices() {
    let (sim, _) = start();
    let id = sim.add_user(User::new("somebody@example.invalid", "made up"));
    let mut client = Client::signed_in_as_user(&sim);
    let path = format!("/api/v1/user/{id}/mfa/trusted_device");
    assert_eq!(client.get(&path).status, 403);
    client.bearer = Some(client.user("somebody@example.invalid", "made up").auth_token());
    assert_eq!(client.get(&path).json(), json!([]));
}

#[test]
fn mfa_keys_are_for_user_sessions() {
    let (sim, _) = start();
    let client = Client::signed_in(&sim);
    assert_eq!(client.get("/api/v1/user/my/mfa/trusted_device").status, 403);
}

#[test]
fn a_user_enters_a_workspace_with_a_token_of_its_own() {
    let (sim, _) = start();
    let mut client = Client::signed_in_as_user(&sim);
    let enter = |client: &Client, id: u64| {
        client
            .post("/api/v1/authenticate/workspace", &json!({ "target_organisation": { "id": id } }))
    };
    assert!(enter(&client, 1).json()["auth_token"].is_null());
    let there = enter(&client, WORKSPACE).auth_token();
    let organisation =
        |client: &Client| client.get("/api/v1/sim").json()[0]["organisation"]["id"].clone();
    assert_eq!(organisation(&client), DEFAULT_ORGANISATION);
    client.bearer = Some(there);
    assert_eq!(organisation(&client), WORKSPACE);
    assert_eq!(sim.sign_ins(), 1, "entering a workspace is no sign-in");
}

#[test]
fn an_application_token_session_enters_no_workspace() {
    let (sim, _) = start();
    let answer = Client::signed_in(&sim).post(
        "/api/v1/authenticate/workspace",
        &json!({ "target_organisation": { "id": WORKSPACE } }),
    );
    assert_eq!((answer.status, answer.text.as_str()), (401, ""));
}
