//! Auth tokens that look like the service's: JWS compact form, `{"alg":"HS384"}`, the same
//! claims in the same order, 357 to 410 bytes. Pure functions; signed with a made-up key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha384;

/// The key that signs every simulated token. It protects nothing.
const SIGNING_KEY: &[u8] = b"SIMULATED signing key, protects nothing, known to everybody";

/// The header of every real token, byte for byte: no `typ`.
pub const HEADER: &str = r#"{"alg":"HS384"}"#;

/// What a token says, in the order in which the service writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `aud`
    pub audience: String,
    /// `esc.app`
    pub application: u64,
    /// `api_key`; may be empty
    pub api_key: String,
    /// `esc.org`
    pub organisation: u64,
    /// `esc.orgName`
    pub organisation_name: String,
    /// `iss`
    pub issuer: String,
    /// `exp`, Unix seconds
    pub expires: i64,
    /// `iat`, Unix seconds
    pub issued: i64,
}

impl Claims {
    /// Ordinary claims of a token that is issued at `issued` and lasts `lifetime` seconds.
    #[must_use]
    pub fn new(issued: i64, lifetime: i64) -> Self {
        Self {
            audience: "/api/v1/authentication".into(),
            application: 73,
            api_key: String::new(),
            organisation: crate::DEFAULT_ORGANISATION,
            organisation_name: "Simulated Organisation Ltd".into(),
            issuer: "simulated-frontend001@simulated-network.example.invalid".into(),
            expires: issued.saturating_add(lifetime),
            issued,
        }
    }

    /// The claims as the JSON text that is signed.
    #[must_use]
    pub fn json(&self) -> String {
        // Written by hand: the order of the members is part of what is imitated.
        format!(
            r#"{{"aud":{},"esc.app":{},"api_key":{},"esc.org":{},"esc.orgName":{},"iss":{},"exp":{},"iat":{}}}"#,
            quoted(&self.audience),
            self.application,
            quoted(&self.api_key),
            self.organisation,
            quoted(&self.organisation_name),
            quoted(&self.issuer),
            self.expires,
            self.issued,
        )
    }
}

/// A token with ordinary claims: issued at `issued` (Unix seconds), lasting `lifetime` seconds.
#[must_use]
pub fn make(issued: i64, lifetime: i64) -> String {
    sign(&Claims::new(issued, lifetime).json())
}

/// A token with exactly this text as its claims, properly signed. The text need not be JSON:
/// that is how tests make tokens without `exp`, with a float, with a number of thirty digits.
#[must_use]
pub fn sign(claims: &str) -> String {
    with_header(HEADER, claims)
}

/// Like [`sign`], under another header.
#[must_use]
pub fn with_header(header: &str, claims: &str) -> String {
    let mut token =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = signature(token.as_bytes());
    token.push('.');
    token.push_str(&signature);
    token
}

/// The claims of a token as text, or `None` where it is not three segments of base64url.
/// The signature is not looked at.
#[must_use]
pub fn claims_text(token: &str) -> Option<String> {
    let mut segments = token.split('.');
    let (_, claims, _) = (segments.next()?, segments.next()?, segments.next()?);
    if segments.next().is_some() {
        return None;
    }
    String::from_utf8(URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// `exp` of a token in Unix seconds, where it can be read as an integer.
#[must_use]
pub fn expiry(token: &str) -> Option<i64> {
    let claims: serde_json::Value = serde_json::from_str(&claims_text(token)?).ok()?;
    claims.get("exp")?.as_i64()
}

/// Whether the signature of a token is the simulator's own.
#[must_use]
pub fn is_signed(token: &str) -> bool {
    token.rsplit_once('.').is_some_and(|(signed, mark)| signature(signed.as_bytes()) == mark)
}

fn signature(signed: &[u8]) -> String {
    let mut mac = Hmac::<Sha384>::new_from_slice(SIGNING_KEY).expect("HMAC takes any key length");
    mac.update(signed);
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Claims, HEADER, claims_text, expiry, is_signed, make, sign, with_header};

    #[test]
    fn a_token_is_as_long_as_a_recorded_one() {
        let mut claims = Claims::new(1_700_000_000, 14_400);
        assert!((357..=410).contains(&sign(&claims.json()).len()));
        claims.api_key = "simulated-key-000000000001".into();
        assert!((357..=410).contains(&sign(&claims.json()).len()));
    }

    #[test]
    fn the_claims_come_in_the_recorded_order() {
        let text = claims_text(&make(1_700_000_000, 14_400)).unwrap();
        let at: Vec<_> =
            ["aud", "esc.app", "api_key", "esc.org", "esc.orgName", "iss", "exp", "iat"]
                .iter()
                .map(|name| text.find(&format!("\"{name}\":")).unwrap())
                .collect();
        assert!(at.is_sorted(), "{text}");
        assert!(make(0, 1).starts_with("eyJhbGciOiJIUzM4NCJ9."));
        assert_eq!(HEADER, r#"{"alg":"HS384"}"#);
    }

    #[test]
    fn odd_tokens_can_be_made() {
        let odd = sign(r#"{"exp":1e30}"#);
        assert!(is_signed(&odd));
        assert_eq!(expiry(&odd), None);
        assert_eq!(expiry(&sign(r#"{"exp":-7}"#)), Some(-7));
        assert_eq!(claims_text("opaque"), None);
        assert!(!is_signed("a.b.c"));
        assert!(with_header(r#"{"alg":"none"}"#, "{}").starts_with("eyJhbGciOiJub25lIn0."));
    }
}
