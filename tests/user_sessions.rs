//! What only user sessions have: a second factor, trusted devices, workspaces.

use std::time::Duration;

use emnify::{Client, Credentials, ErrorKind};
use emnify_simulator::{
    ACTIVATION_CODE, Answer, DEFAULT_APPLICATION_TOKEN, DEFAULT_PASSWORD, DEFAULT_USERNAME,
    MFA_PASSWORD, MFA_USERNAME, Simulator, WORKSPACE,
};

const AUTHENTICATE: &str = "/api/v1/authenticate";
const SWITCH: &str = "/api/v1/authenticate/workspace";

fn simulator() -> Simulator {
    Simulator::builder().start().unwrap()
}

fn client(sim: &Simulator, credentials: Credentials) -> Client {
    Client::builder(credentials).base_url(sim.base_url()).build().unwrap()
}

fn user(sim: &Simulator) -> Client {
    client(sim, Credentials::user(DEFAULT_USERNAME, DEFAULT_PASSWORD))
}

fn mfa_user(sim: &Simulator) -> Client {
    client(sim, Credentials::user(MFA_USERNAME, MFA_PASSWORD))
}

#[test]
fn a_code_completes_the_sign_in() {
    let sim = simulator();
    let client = mfa_user(&sim);
    let error = client.auth_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MfaRequired);
    let challenge = error.mfa_challenge().expect("it carries the challenge").as_str();
    assert!(!format!("{error} {error:?}").contains(challenge));
    let code = sim.mfa_code(MFA_USERNAME).unwrap();
    assert!(code.starts_with('0'), "the simulator's codes test leading zeros");
    assert!(client.submit_mfa_code(&code, None).unwrap().is_none());
    client.auth_token().unwrap();
    assert_eq!(sim.sign_ins(), 2);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn a_wrong_code_keeps_the_challenge_and_sends_no_second_one() {
    let sim = simulator();
    let client = mfa_user(&sim);
    client.auth_token().unwrap_err();
    let right = sim.mfa_code(MFA_USERNAME).unwrap();
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let error = client.submit_mfa_code(wrong, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(client.auth_token().unwrap_err().kind(), ErrorKind::MfaRequired);
    assert_eq!(sim.mfa_code(MFA_USERNAME).unwrap(), right);
    client.submit_mfa_code(&right, None).unwrap();
    client.auth_token().unwrap();
}

#[test]
fn a_code_that_is_none_or_not_awaited_is_refused_locally() {
    let sim = simulator();
    let client = mfa_user(&sim);
    for (code, device) in [("12345", None), ("123456", None), ("123456", Some(" "))] {
        let error = client.submit_mfa_code(code, device).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!(sim.connections(), 0);
}

#[test]
fn a_trusted_device_needs_no_code_the_next_time() {
    let sim = simulator();
    let first = mfa_user(&sim);
    first.auth_token().unwrap_err();
    let code = sim.mfa_code(MFA_USERNAME).unwrap();
    let fingerprint = first.submit_mfa_code(&code, Some("gateway")).unwrap().unwrap();

    let next = Client::builder(Credentials::user(MFA_USERNAME, MFA_PASSWORD))
        .base_url(sim.base_url())
        .device_fingerprint(fingerprint.as_str())
        .build()
        .unwrap();
    next.auth_token().unwrap();

    let devices = next.trusted_devices().unwrap();
    assert_eq!(devices.len(), 1);
    assert!(devices[0].browser.as_ref().unwrap().starts_with("emnify-rust"));
    next.delete_trusted_device(devices[0].id).unwrap();
    assert_eq!(next.trusted_devices().unwrap(), []);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn a_fingerprint_without_a_user_is_refused() {
    let token = Credentials::application_token(DEFAULT_APPLICATION_TOKEN);
    let error = Client::builder(token).device_fingerprint("x").build().unwrap_err();
    assert!(error.to_string().starts_with("device_fingerprint"), "{error}");
}

#[test]
fn a_key_is_made_activated_and_deleted() {
    let sim = simulator();
    let client = user(&sim);
    let key = client.create_mfa_key(1, DEFAULT_PASSWORD).unwrap();
    assert!(key.otpauth().unwrap().contains(key.secret().unwrap()));
    assert!(!format!("{key:?}").contains(key.secret().unwrap()));
    client.activate_mfa_key(key.id, ACTIVATION_CODE).unwrap();
    client.delete_mfa_key(key.id).unwrap();
    let error = client.delete_mfa_key(key.id).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn a_key_that_is_not_the_users_or_not_proved_is_refused() {
    let sim = simulator();
    let client = user(&sim);
    let kind = |outcome: Result<(), emnify::Error>| outcome.unwrap_err().kind();
    let made = |kind, password| client.create_mfa_key(kind, password);
    assert_eq!(kind(made(1, "wrong").map(drop)), ErrorKind::Unauthorized);
    assert_eq!(kind(made(99, DEFAULT_PASSWORD).map(drop)), ErrorKind::Rejected);
    let key = made(1, DEFAULT_PASSWORD).unwrap();
    let before = sim.requests().len();
    assert_eq!(kind(client.activate_mfa_key(key.id, "12345")), ErrorKind::InvalidArgument);
    assert_eq!(sim.requests().len(), before, "and nothing is sent");
    assert_eq!(kind(client.activate_mfa_key(key.id, "999999")), ErrorKind::Unauthorized);
    assert_eq!(kind(client.activate_mfa_key(1, ACTIVATION_CODE)), ErrorKind::Rejected);
    assert_eq!(kind(client.delete_trusted_device(1)), ErrorKind::Rejected);
}

/// Each refusal may count towards a lock-out, and the session may be one that nobody can renew.
#[test]
fn a_wrong_password_or_code_is_sent_once_and_the_token_kept() {
    let sim = simulator();
    let client = user(&sim);
    let key = client.create_mfa_key(1, DEFAULT_PASSWORD).unwrap();
    let token = client.auth_token().unwrap();
    let once = |outcome: Result<(), emnify::Error>, path: &str| {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unauthorized);
        assert_eq!(sim.requests_to(path).len(), 1, "{path}");
        assert_eq!(client.auth_token().unwrap().as_str(), token.as_str());
        sim.clear_requests();
    };
    sim.clear_requests();
    once(client.create_mfa_key(1, "wrong").map(drop), "/api/v1/user/mfa");
    let path = format!("/api/v1/user/mfa/{}", key.id);
    once(client.activate_mfa_key(key.id, "999999"), &path);
    let lock_out = r#"{"error_code":1105,"error_token":"TooManyRequests","message":"locked"}"#;
    sim.next(&path, Answer::json(401, lock_out));
    once(client.activate_mfa_key(key.id, ACTIVATION_CODE), &path);
    let nested = r#"{"message":"see there","errors":[{"error_code":1105}]}"#;
    sim.next(&path, Answer::json(401, nested));
    once(client.activate_mfa_key(key.id, ACTIVATION_CODE), &path);
    // As a C program does it.
    let body = r#"{"status":{"id":1},"code":"999999"}"#;
    let outcome = client.patch(format!("{path}?a=b")).json_text(body).call();
    once(outcome.and_then(|response| response.check()), &path);

    // A gateway speaks of the token.
    sim.revoke_bearer(token.as_str());
    client.activate_mfa_key(key.id, ACTIVATION_CODE).unwrap();
    assert_eq!(sim.requests_to(&path).len(), 2);
    assert_ne!(client.auth_token().unwrap().as_str(), token.as_str());
}

#[test]
fn keys_and_trusted_devices_belong_to_users() {
    let sim = simulator();
    let device = client(&sim, Credentials::application_token(DEFAULT_APPLICATION_TOKEN));
    let key = device.create_mfa_key(1, DEFAULT_PASSWORD).map(drop);
    for outcome in [key, device.trusted_devices().map(drop)] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Forbidden);
    }
}

#[test]
fn a_key_or_a_device_of_which_only_the_id_is_said_is_one() {
    let sim = simulator();
    let client = user(&sim);
    sim.next("/api/v1/user/mfa", Answer::json(200, r#"{"id":9007199254740993,"new":[]}"#));
    let key = client.create_mfa_key(1, DEFAULT_PASSWORD).unwrap();
    assert_eq!((key.id, key.secret(), key.otpauth()), (9_007_199_254_740_993, None, None));
    // The secret is shown once, whatever stands beside it.
    let odd = r#"{"id":-7,"status":{"id":0.5},"type":{"id":"x"},"secret_key":"MADEUPKEY"}"#;
    sim.next("/api/v1/user/mfa", Answer::json(200, odd));
    let key = client.create_mfa_key(1, DEFAULT_PASSWORD).unwrap();
    assert_eq!((key.id, key.secret()), (0, Some("MADEUPKEY")));
    let devices = r#"[{"id":9007199254740993,"browser":null}]"#;
    sim.next("/api/v1/user/my/mfa/trusted_device", Answer::json(200, devices));
    let devices = client.trusted_devices().unwrap();
    assert_eq!((devices[0].id, &devices[0].browser), (9_007_199_254_740_993, &None));
}

#[cfg(feature = "totp")]
#[test]
fn an_unattended_session_makes_its_codes_itself() {
    let sim = simulator();
    let owner = user(&sim);
    let key = owner.create_mfa_key(1, DEFAULT_PASSWORD).unwrap();
    let totp = emnify::Totp::from_otpauth(key.otpauth().unwrap()).unwrap();
    owner.activate_mfa_key(key.id, &totp.code().unwrap()).unwrap();

    // A code is good once, so the next one is taken.
    sim.advance(Duration::from_secs(60));
    let now = u64::try_from(sim.clock().said()).unwrap();
    let unattended = user(&sim);
    assert_eq!(unattended.auth_token().unwrap_err().kind(), ErrorKind::MfaRequired);
    unattended.submit_mfa_code(&totp.code_at(now), None).unwrap();
    unattended.auth_token().unwrap();
}

#[test]
fn a_workspace_has_a_client_and_a_token_of_its_own_on_the_same_session() {
    let sim = simulator();
    let home = user(&sim);
    let there = home.workspace(WORKSPACE).unwrap();
    assert_eq!(sim.connections(), 0, "nothing is sent before the first call");
    let organisation = |client: &Client| {
        let sim = client.sims().next().unwrap().unwrap();
        sim.other.get::<emnify::Named>("organisation").unwrap().unwrap().id.unwrap()
    };
    assert_eq!(organisation(&there), WORKSPACE);
    assert_ne!(organisation(&home), WORKSPACE);
    assert_eq!(organisation(&there), WORKSPACE);
    assert_eq!((sim.requests_to(AUTHENTICATE).len(), sim.requests_to(SWITCH).len()), (1, 1));
    assert_eq!(sim.connections(), 1);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn a_workspace_that_the_user_may_not_enter_is_forbidden_and_remembered() {
    let sim = simulator();
    let elsewhere = user(&sim).workspace(WORKSPACE + 1).unwrap();
    for _ in 0..3 {
        let error = elsewhere.auth_token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert!(!error.is_retryable());
    }
    assert_eq!(sim.requests_to(SWITCH).len(), 1);
}

#[test]
fn an_application_token_is_told_that_it_cannot_leave_its_workspace() {
    let sim = simulator();
    let home = client(&sim, Credentials::application_token(DEFAULT_APPLICATION_TOKEN));
    let error = home.workspace(WORKSPACE).unwrap().auth_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("application token"), "{error}");
    assert_eq!(sim.connections(), 0);
}

#[test]
fn a_switch_with_a_bearer_that_was_refused_signs_in_once_and_switches() {
    let sim = simulator();
    let home = user(&sim);
    let token = home.auth_token().unwrap();
    sim.revoke_bearer(token.as_str());
    home.workspace(WORKSPACE).unwrap().auth_token().unwrap();
    assert_eq!((sim.requests_to(AUTHENTICATE).len(), sim.requests_to(SWITCH).len()), (2, 2));
}

#[test]
fn a_switch_that_fails_says_why_and_never_falls_back_to_the_home_workspace() {
    let object =
        |status| Answer::json(status, r#"{"error_code":1499,"error_token":"No","message":"no"}"#);
    for (answer, kind) in [
        (object(403), ErrorKind::Forbidden),
        (object(404), ErrorKind::Rejected),
        (Answer::status(422).body("text/html", ""), ErrorKind::Rejected),
        (Answer::status(429), ErrorKind::RateLimited),
        (Answer::status(500), ErrorKind::Server),
        (Answer::reset(), ErrorKind::Network),
        // Only a token that is null says that the user has none there.
        (Answer::json(200, r#"{"auth_token":null}"#), ErrorKind::Forbidden),
        (Answer::json(200, "{}"), ErrorKind::BadResponse),
        (Answer::json(200, r#"{"auth_token":""}"#), ErrorKind::BadResponse),
        (Answer::status(200).body("text/html", "<html>"), ErrorKind::BadResponse),
    ] {
        let sim = simulator();
        let there = user(&sim).workspace(WORKSPACE).unwrap();
        sim.always(SWITCH, answer);
        for _ in 0..3 {
            assert_eq!(there.get("/api/v1/sim").call().unwrap_err().kind(), kind);
        }
        assert_eq!(sim.requests_to(SWITCH).len(), 1, "{kind:?} is remembered");
        assert!(sim.requests_to("/api/v1/sim").is_empty());
    }
}

#[test]
fn cancelling_a_workspace_or_its_home_ends_the_calls_of_both() {
    for cancels_home in [true, false] {
        let sim = simulator();
        let home = user(&sim);
        let there = home.workspace(WORKSPACE).unwrap();
        for client in [&home, &there] {
            client.auth_token().unwrap();
        }
        sim.always("/api/v1/sim", Answer::hang());
        std::thread::scope(|scope| {
            let calls = [&home, &there]
                .map(|client| scope.spawn(|| client.get("/api/v1/sim").call().unwrap_err().kind()));
            assert!(sim.wait_for_requests("/api/v1/sim", 2, Duration::from_secs(20)));
            if cancels_home { &home } else { &there }.cancel().unwrap();
            for call in calls {
                assert_eq!(call.join().unwrap(), ErrorKind::Cancelled);
            }
        });
    }
}

#[test]
fn a_refusal_of_the_home_session_is_heard_in_the_workspace_and_ends_with_it() {
    let sim = simulator();
    let home = client(&sim, Credentials::user(DEFAULT_USERNAME, "wrong"));
    let there = home.workspace(WORKSPACE).unwrap();
    for _ in 0..3 {
        assert_eq!(there.auth_token().unwrap_err().kind(), ErrorKind::Unauthorized);
    }
    assert_eq!(sim.sign_ins(), 1);
    home.set_credentials(Credentials::user(DEFAULT_USERNAME, DEFAULT_PASSWORD)).unwrap();
    there.auth_token().unwrap();
}

#[test]
fn a_client_for_a_workspace_has_no_credentials_of_its_own() {
    let sim = simulator();
    let there = user(&sim).workspace(WORKSPACE).unwrap();
    let token = Credentials::application_token(DEFAULT_APPLICATION_TOKEN);
    assert_eq!(there.set_credentials(token).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(there.workspace(1).unwrap_err().kind(), ErrorKind::InvalidArgument);
}
