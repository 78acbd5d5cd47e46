//! The auth token: its text, and how long it is good for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::clock::{Clock, Moment};

const MINUTE: Duration = Duration::from_secs(60);

/// What the service documents, and what counts where a token does not say how long it lives.
pub(crate) const DOCUMENTED_LIFETIME: Duration = Duration::from_secs(240 * 60);

/// No token is kept for longer, whatever it says of itself.
const LONGEST_LIFETIME: Duration = Duration::from_secs(31 * 24 * 3600);

/// A bearer token of the emnify API, with the time it is good for.
///
/// Cheap to clone. The text is wiped from memory with the last clone. There is no `Display`, so
/// that it is not printed by mistake, and `Debug` shows only the lifetime.
#[derive(Clone)]
pub struct AuthToken(Arc<Issue>);

struct Issue {
    text: SecretString,
    renew_from: Moment,
    unusable_from: Moment,
    clock: Arc<dyn Clock>,
}

impl AuthToken {
    /// The token `text`, which lives for `lifetime` from `sent_at`, the moment its request was
    /// sent: the answer may have been on its way for long.
    ///
    /// `draw` is a number from 0 to 1 and decides when the token is renewed: between 75 % and
    /// 95 % of the time it can be used, so that devices that were switched on together do not
    /// renew together.
    pub(crate) fn new(
        text: SecretString,
        lifetime: Duration,
        sent_at: Moment,
        draw: f64,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let margin = if lifetime < 5 * MINUTE { lifetime / 10 } else { Duration::from_secs(30) };
        let usable = lifetime - margin;
        Self(Arc::new(Issue {
            text,
            renew_from: sent_at + usable.mul_f64(0.75 + 0.20 * draw.clamp(0.0, 1.0)),
            unusable_from: sent_at + usable,
            clock,
        }))
    }

    /// The token's text, to be sent as `Authorization: Bearer <text>`. A secret.
    pub fn as_str(&self) -> &str {
        self.0.text.expose_secret()
    }

    /// How long this library will go on handing the token out; zero once it does not. The service
    /// accepts it for up to 30 seconds more.
    pub fn expires_in(&self) -> Duration {
        self.expires_in_at(self.now())
    }

    /// The present moment, by the clock that it was issued by.
    #[inline]
    pub(crate) fn now(&self) -> Moment {
        self.0.clock.now()
    }

    pub(crate) fn expires_in_at(&self, now: Moment) -> Duration {
        self.0.unusable_from.since(now)
    }

    /// Whether both came with the same answer.
    pub(crate) fn is_same_issue(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn renew_from(&self) -> Moment {
        self.0.renew_from
    }

    pub(crate) fn unusable_from(&self) -> Moment {
        self.0.unusable_from
    }
}

impl AsRef<str> for AuthToken {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthToken").field("expires_in", &self.expires_in()).finish_non_exhaustive()
    }
}

/// How long the token `text` lives, by what it says of itself: `exp - max(iat, date)`, where
/// `date` is the answer's `Date` header in Unix seconds. What is missing or cannot be read is
/// left out; where that leaves nothing to count from, the documented 240 minutes. At least 0, at
/// most 31 days.
///
/// Both times are the service's, so its clock may be off by any amount, and this device's clock
/// is not asked. The signature is not checked: the key is the service's own.
pub(crate) fn lifetime(text: &str, date: Option<u64>) -> Duration {
    let Some(claims) = Claims::read(text) else {
        return DOCUMENTED_LIFETIME;
    };
    #[allow(clippy::cast_precision_loss)] // Exact up to the year 285 million.
    let date = date.map(|date| date as f64);
    let from = match (claims.iat.and_then(Time::seconds), date) {
        (Some(iat), Some(date)) => Some(iat.max(date)),
        (iat, date) => iat.or(date),
    };
    match (claims.exp.and_then(Time::seconds), from) {
        (Some(exp), Some(from)) => {
            Duration::from_secs_f64((exp - from).clamp(0.0, LONGEST_LIFETIME.as_secs_f64()))
        }
        _ => DOCUMENTED_LIFETIME,
    }
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    exp: Option<Time>,
    #[serde(default)]
    iat: Option<Time>,
}

/// A claim's time in seconds: a number as the standard has it, the same as a string, or something
/// else, which counts as missing and must not make the other claim unreadable.
#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    Number(f64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Time {
    fn seconds(self) -> Option<f64> {
        match self {
            Self::Number(seconds) => Some(seconds),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Other(_) => None,
        }
        .filter(|seconds: &f64| seconds.is_finite())
    }
}

impl Claims {
    /// The claims of a JWS in compact form; `None` for any other text.
    fn read(text: &str) -> Option<Self> {
        const BASE64URL: GeneralPurpose = GeneralPurpose::new(
            &URL_SAFE,
            GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true),
        );
        let mut parts = text.split('.');
        let (_header, payload) = (parts.next()?, parts.next()?);
        let json = Zeroizing::new(BASE64URL.decode(payload).ok()?);
        serde_json::from_slice(&json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::manual::ManualClock;

    const ISSUED: u64 = 1_700_000_000;

    fn jwt(claims: &str) -> String {
        let encode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", encode(r#"{"alg":"HS384"}"#), encode(claims), "c2lnbmF0dXJl")
    }

    fn seconds(claims: &str, date: Option<u64>) -> u64 {
        lifetime(&jwt(claims), date).as_secs()
    }

    #[test]
    fn a_token_lives_from_issue_to_expiry() {
        assert_eq!(seconds(r#"{"exp":1700014400,"iat":1700000000}"#, Some(ISSUED)), 14_400);
        assert_eq!(seconds(r#"{"exp":1700604800,"iat":1700000000}"#, Some(ISSUED)), 604_800);
    }

    #[test]
    fn a_date_after_the_issue_shortens_the_life_and_one_before_does_not_lengthen_it() {
        let claims = r#"{"exp":1700014400,"iat":1700000000}"#;
        assert_eq!(seconds(claims, Some(ISSUED + 400)), 14_000);
        assert_eq!(seconds(claims, Some(ISSUED - 400)), 14_400);
    }

    #[test]
    fn a_service_whose_clock_is_a_day_off_says_the_same_life() {
        for offset in [-86_400_i64, 86_400] {
            let iat = 1_700_000_000 + offset;
            let claims = format!(r#"{{"exp":{},"iat":{iat}}}"#, iat + 14_400);
            assert_eq!(seconds(&claims, u64::try_from(iat).ok()), 14_400);
        }
    }

    #[test]
    fn without_an_issue_time_the_date_counts_and_without_a_date_the_issue_time() {
        assert_eq!(seconds(r#"{"exp":1700000600}"#, Some(ISSUED)), 600);
        assert_eq!(seconds(r#"{"exp":1700000600,"iat":1700000000}"#, None), 600);
    }

    #[test]
    fn a_token_without_a_readable_expiry_lives_the_documented_240_minutes() {
        for claims in [
            r#"{"iat":1700000000}"#,
            r#"{"exp":null,"iat":1700000000}"#,
            r#"{"exp":"soon","iat":1700000000}"#,
            r#"{"exp":true,"iat":1700000000}"#,
            r#"{"exp":[1],"iat":1700000000}"#,
            r#"{"exp":"NaN","iat":1700000000}"#,
            r#"{"exp":"inf","iat":1700000000}"#,
            "[]",
            "nonsense",
        ] {
            assert_eq!(seconds(claims, Some(ISSUED)), 14_400, "{claims}");
        }
    }

    #[test]
    fn an_expiry_with_nothing_to_count_from_is_not_believed() {
        assert_eq!(seconds(r#"{"exp":1700000600}"#, None), 14_400);
    }

    #[test]
    fn an_opaque_token_lives_the_documented_240_minutes() {
        for text in ["opaque", "", ".", "..", "a.b.c", "a.!!!.c", "one.two"] {
            assert_eq!(lifetime(text, Some(ISSUED)), DOCUMENTED_LIFETIME, "{text}");
        }
    }

    #[test]
    fn an_expiry_may_be_a_float_or_a_string() {
        assert_eq!(seconds(r#"{"exp":1700000600.7,"iat":1.7e9}"#, Some(ISSUED)), 600);
        assert_eq!(seconds(r#"{"exp":"1700000600","iat":"1700000000"}"#, Some(ISSUED)), 600);
    }

    #[test]
    fn one_unreadable_claim_does_not_hide_the_other() {
        assert_eq!(seconds(r#"{"exp":1700000600,"iat":{}}"#, Some(ISSUED)), 600);
    }

    #[test]
    fn no_token_is_kept_for_more_than_31_days() {
        for exp in ["1e30", "1000000000000000000000000000000", "1800000000"] {
            let claims = format!(r#"{{"exp":{exp},"iat":1700000000}}"#);
            assert_eq!(lifetime(&jwt(&claims), Some(ISSUED)), LONGEST_LIFETIME, "{exp}");
        }
    }

    #[test]
    fn an_expiry_in_the_past_or_below_zero_leaves_no_life() {
        for exp in ["1699999999", "1700000000", "0", "-1", "-1e30"] {
            let claims = format!(r#"{{"exp":{exp},"iat":1700000000}}"#);
            assert_eq!(lifetime(&jwt(&claims), Some(ISSUED)), Duration::ZERO, "{exp}");
        }
    }

    #[test]
    fn padding_in_the_payload_is_tolerated() {
        let payload = base64::prelude::BASE64_URL_SAFE.encode(r#"{"exp":1700000600 }"#);
        assert!(payload.ends_with('='));
        assert_eq!(lifetime(&format!("h.{payload}.s"), Some(ISSUED)).as_secs(), 600);
    }

    fn token(lifetime: u64, draw: f64) -> (AuthToken, ManualClock) {
        let clock = ManualClock::new();
        let now = clock.now();
        let life = Duration::from_secs(lifetime);
        (
            AuthToken::new("canary".to_owned().into(), life, now, draw, Arc::new(clock.clone())),
            clock,
        )
    }

    #[test]
    fn a_token_is_handed_out_until_30_seconds_before_its_end() {
        let (token, clock) = token(14_400, 0.5);
        assert_eq!(token.expires_in().as_secs(), 14_370);
        clock.advance(Duration::from_secs(14_370));
        assert_eq!(token.expires_in(), Duration::ZERO);
    }

    #[test]
    fn a_token_of_less_than_five_minutes_keeps_a_tenth_as_its_margin() {
        assert_eq!(token(299, 0.0).0.expires_in(), Duration::from_millis(269_100));
        assert_eq!(token(300, 0.0).0.expires_in(), Duration::from_secs(270));
    }

    #[test]
    fn a_token_is_renewed_between_75_and_95_percent_of_its_use() {
        for (draw, expected) in [(0.0, 10_777.5), (1.0, 13_651.5), (0.5, 12_214.5)] {
            let (token, clock) = token(14_400, draw);
            let after = token.renew_from().since(clock.now()).as_secs_f64();
            assert!((after - expected).abs() < 0.001, "{draw}: {after}");
        }
    }

    #[test]
    fn a_token_goes_wherever_text_is_taken() {
        let text: &dyn AsRef<str> = &token(14_400, 0.5).0;
        assert_eq!(text.as_ref(), "canary");
    }

    #[test]
    fn debug_shows_no_text() {
        let shown = format!("{:?}", token(14_400, 0.5).0);
        assert!(shown.contains("expires_in") && !shown.contains("canary"), "{shown}");
    }
}
