use super::*;
use crate::error::ErrorKind as K;

const CANARY: &str = "canary-secret";

fn application_token() -> Grant {
    Grant::Credentials(Credentials::application_token(CANARY))
}

fn json(grant: &Grant) -> String {
    String::from_utf8(to_json(&Message::of(grant)).unwrap().to_vec()).unwrap()
}

#[test]
fn each_grant_is_exactly_one_variant_without_null() {
    assert_eq!(json(&application_token()), r#"{"application_token":"canary-secret"}"#);
    assert_eq!(
        json(&Grant::Credentials(Credentials::user("a@b.example", "secret"))),
        r#"{"username":"a@b.example","password":"e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"}"#
    );
    let trusted = Credentials::user("a@b.example", "secret").with_fingerprint("f".into()).unwrap();
    assert!(json(&Grant::Credentials(trusted)).ends_with(r#","fingerprint":"f"}"#));
    assert_eq!(json(&Grant::Refresh("r".to_owned().into())), r#"{"refresh_token":"r"}"#);
    let code = |device| {
        Grant::Code(CodeGrant {
            mfa_token: "m".to_owned().into(),
            code: "000123".to_owned().into(),
            device,
        })
    };
    assert_eq!(json(&code(None)), r#"{"mfa_token":"m","code":"000123"}"#);
    let device = TrustedDevice { fingerprint: "f".to_owned().into(), name: "gateway".into() };
    let with_device = json(&code(Some(device)));
    assert!(with_device.contains(r#""trusted_device":{"fingerprint":"f","operating_system":"#));
    assert!(with_device.ends_with(r#""name":"gateway"}}"#), "{with_device}");
}

fn answer(status: u16, body: &str) -> Incoming {
    let date = ("date".to_owned(), "Tue, 14 Nov 2023 22:13:20 GMT".to_owned());
    let id = ("x-amzn-requestid".to_owned(), "req-1".to_owned());
    Incoming { status, headers: vec![date, id], body: Zeroizing::new(body.as_bytes().to_vec()) }
}

fn outcome(status: u16, body: &str) -> Result<Issued, Failure> {
    let grant = application_token();
    let asked = Asked { secrets: Message::of(&grant).secrets(), refusal: refusal(&grant) };
    understand(&asked, answer(status, body))
}

fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Refused => "refused",
        Verdict::Locked => "locked",
        Verdict::Challenged(_) => "challenged",
        Verdict::Limited => "limited",
        Verdict::Failed => "failed",
        Verdict::Unanswered => "unanswered",
        Verdict::Stale => "stale",
        Verdict::CallersOwn => "caller's own",
    }
}

/// The verdict's name and the kind of the error.
fn verdict(status: u16, body: &str) -> (&'static str, K) {
    let Err(failure) = outcome(status, body) else { panic!("{status} {body} succeeded") };
    assert!(failure.sent);
    assert_eq!(failure.error.http_status(), Some(status));
    assert_eq!(failure.error.request_id(), Some("req-1"));
    (name(&failure.verdict), failure.error.kind())
}

const OBJECT: &str = r#"{"error_code":1401,"error_token":"Oops","message":"no"}"#;
const HTML: &str = "<html><body>Welcome to the hotel</body></html>";

#[test]
fn a_token_comes_with_its_lifetime_and_the_refresh_token_if_there_is_one() {
    let issued = outcome(200, r#"{"auth_token":"opaque","refresh_token":"r","new":{}}"#);
    let Ok(issued) = issued else { panic!("refused") };
    assert_eq!(issued.text.expose_secret(), "opaque");
    assert_eq!(issued.refresh_token.unwrap().expose_secret(), "r");
    assert_eq!(issued.lifetime.as_secs(), 240 * 60);
    let alone = outcome(200, r#"{"auth_token":"opaque","refresh_token":null}"#);
    assert!(alone.is_ok_and(|issued| issued.refresh_token.is_none()));
}

#[test]
fn a_member_of_the_wrong_type_counts_as_missing() {
    assert!(outcome(200, r#"{"auth_token":"t","refresh_token":7,"mfa_token":[]}"#).is_ok());
    assert_eq!(verdict(200, r#"{"auth_token":{"a":1}}"#), ("failed", K::BadResponse));
}

#[test]
fn an_mfa_token_alone_is_a_challenge() {
    let Err(failure) = outcome(200, r#"{"mfa_token":"m"}"#) else { panic!("succeeded") };
    assert_eq!(failure.error.kind(), K::MfaRequired);
    let Verdict::Challenged(mfa_token) = failure.verdict else { panic!("no challenge") };
    assert_eq!(mfa_token.expose_secret(), "m");
}

#[test]
fn a_success_without_a_usable_token_makes_no_sense() {
    for body in ["", "{}", "[]", HTML, r#"{"auth_token":""}"#, r#"{"auth_token":null}"#] {
        assert_eq!(verdict(200, body), ("failed", K::BadResponse), "{body}");
    }
    assert_eq!(verdict(204, ""), ("failed", K::BadResponse));
    for token in ["a b", "a\\r\\nX-Evil: 1", "ä"] {
        let body = format!(r#"{{"auth_token":"{token}"}}"#);
        assert_eq!(verdict(200, &body), ("failed", K::BadResponse), "{body}");
    }
}

#[test]
fn a_token_may_be_as_long_as_fits_into_a_header_and_no_longer() {
    let body = |length| format!(r#"{{"auth_token":"{}"}}"#, "t".repeat(length));
    assert!(outcome(200, &body(16 * 1024)).is_ok());
    assert_eq!(verdict(200, &body(16 * 1024 + 1)), ("failed", K::BadResponse));
}

#[test]
fn a_401_refuses_the_credentials_whatever_its_body() {
    for body in ["", OBJECT, HTML, r#"{"message":"no"}"#] {
        assert_eq!(verdict(401, body), ("refused", K::Unauthorized), "{body}");
    }
}

#[test]
fn a_refusal_names_what_was_refused() {
    let code = CodeGrant {
        mfa_token: "m".to_owned().into(),
        code: "000123".to_owned().into(),
        device: None,
    };
    for (grant, name) in [
        (application_token(), "the application token"),
        (Grant::Credentials(Credentials::user("a@b.example", "x")), "the username and password"),
        (Grant::Refresh("r".to_owned().into()), "the refresh token"),
        (Grant::Code(code), "the one-time code"),
    ] {
        let asked = Asked { secrets: Vec::new(), refusal: refusal(&grant) };
        let Err(failure) = understand(&asked, answer(401, "")) else { panic!("succeeded") };
        let message = failure.error.to_string();
        assert!(message.starts_with(&format!("the service refused {name}")), "{message}");
    }
}

#[test]
fn a_401_with_too_many_requests_is_a_lock_out() {
    let body = r#"{"error_code":1,"error_token":"TooManyRequests","message":"wait"}"#;
    assert_eq!(verdict(401, body), ("locked", K::AccountLocked));
}

#[test]
fn the_service_rejects_with_its_object_or_with_nothing_and_a_portal_with_a_page() {
    for status in [400, 404, 409, 422] {
        assert_eq!(verdict(status, OBJECT), ("refused", K::Rejected), "{status}");
        assert_eq!(verdict(status, ""), ("refused", K::Rejected), "{status}");
        assert_eq!(verdict(status, HTML), ("failed", K::BadResponse), "{status}");
    }
    // What nobody has seen it answer is believed with its object only.
    for status in [402, 405, 410, 428, 451, 499] {
        assert_eq!(verdict(status, OBJECT), ("refused", K::Rejected), "{status}");
        assert_eq!(verdict(status, ""), ("failed", K::BadResponse), "{status}");
        assert_eq!(verdict(status, HTML), ("failed", K::BadResponse), "{status}");
    }
    assert_eq!(verdict(403, OBJECT), ("refused", K::Forbidden));
    assert_eq!(verdict(403, HTML), ("failed", K::BadResponse));
    assert_eq!(verdict(403, ""), ("failed", K::BadResponse));
}

#[test]
fn a_429_is_a_limit_and_a_5xx_or_408_an_outage_whatever_the_body() {
    for body in ["", OBJECT, HTML] {
        assert_eq!(verdict(429, body), ("limited", K::RateLimited));
        for status in [408, 500, 502, 503, 504, 599] {
            assert_eq!(verdict(status, body), ("failed", K::Server));
        }
    }
}

#[test]
fn a_redirect_is_a_portal_and_never_followed() {
    for status in [301, 302, 307, 308, 304] {
        assert_eq!(verdict(status, ""), ("failed", K::BadResponse), "{status}");
    }
}

#[test]
fn an_error_keeps_the_services_words_and_blots_out_what_it_echoes() {
    let body = r#"{"error_code":7,"message":"bad token canary-secret given"}"#;
    let Err(failure) = outcome(401, body) else { panic!("succeeded") };
    let shown = format!("{} {:?}", failure.error, failure.error);
    assert!(shown.contains("bad token [secret] given"), "{shown}");
    assert!(!shown.contains(CANARY), "{shown}");
    assert_eq!(failure.error.service_code(), Some(7));
}

#[test]
fn a_request_without_an_answer_counts_unless_it_did_not_leave_and_a_callers_own_end_says_nothing() {
    use Progress::{Answered, NotSent, Sent, SentOnReused};
    for (progress, expected, sent) in [
        (NotSent, "unanswered", false),
        (Sent, "unanswered", true),
        (SentOnReused, "stale", true),
        (Answered, "failed", true),
    ] {
        for callers_own in [false, true] {
            let error = Error::new(K::Network, "no answer");
            let failure = Failure::from(NoAnswer { error, progress, callers_own });
            let expected = if callers_own { "caller's own" } else { expected };
            assert_eq!((name(&failure.verdict), failure.sent), (expected, sent), "{progress:?}");
        }
    }
}
